"""Reading the machine's apt sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import HostError
from lab.images import mirror

DEB822 = """\
Types: deb
# a comment
URIs: http://mirror.example/debian/
Suites: bookworm
 bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""


def etc(tmp_path: Path, **files: str) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    for name, text in files.items():
        if name == "one_line":
            (tmp_path / "sources.list").write_text(text)
        else:
            (tmp_path / "sources.list.d" / f"{name}.sources").write_text(text)
    return tmp_path


def test_deb822_sources_give_the_main_and_the_security_archive(tmp_path: Path) -> None:
    found = mirror.read(etc(tmp_path, debian=DEB822))
    assert found.main == "http://mirror.example/debian"
    assert found.security == "http://mirror.example/debian-security"


def test_one_line_sources_with_options_and_a_comment_are_read(tmp_path: Path) -> None:
    text = "# deb http://no.example/d x main\ndeb [arch=amd64 trusted=no] http://a.example/d x main # y\n"
    assert mirror.read(etc(tmp_path, one_line=text)) == mirror.Mirror("http://a.example/d", None)


def test_source_packages_disabled_stanzas_cds_and_other_components_are_passed_over(tmp_path: Path) -> None:
    text = (
        "deb-src http://src.example/d bookworm main\n"
        "deb cdrom:[Debian]/ bookworm main\n"
        "deb http://contrib.example/d bookworm contrib\n"
        "deb http://good.example/d bookworm main contrib\n"
    )
    disabled = "Types: deb\nEnabled: no\nURIs: http://off.example/d\nSuites: bookworm\nComponents: main\n"
    assert mirror.read(etc(tmp_path, one_line=text, off=disabled)).main == "http://good.example/d"


def test_a_machine_without_a_debian_archive_is_told_what_to_add(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="no Debian archive in") as caught:
        mirror.read(etc(tmp_path))
    assert "sources.list" in (caught.value.hint or "")


def test_security_suites_come_from_the_security_archive() -> None:
    lines = mirror.Mirror("http://m/d", "http://s/d").lines(("trixie", "trixie-updates", "trixie-security"))
    assert lines == (
        "deb http://m/d trixie main",
        "deb http://m/d trixie-updates main",
        "deb http://s/d trixie-security main",
    )


def test_security_suites_are_left_out_and_named_where_the_machine_has_no_archive_for_them() -> None:
    alone = mirror.Mirror("http://m/d", None)
    assert alone.lines(("sid", "sid-security")) == ("deb http://m/d sid main",)
    assert alone.missing(("sid", "sid-security")) == ("sid-security",)


def test_only_settings_that_decide_reachability_are_taken_over_from_apt() -> None:
    dump = (
        'Acquire::http::Proxy "http://proxy:3128";\n'
        'Acquire::https::Proxy "";\n'
        'APT::Install-Recommends "true";\n'
        'Acquire::Check-Date "false";\n'
        'Acquire::http::Proxy-Auto-Detect "x";\n'
    )
    assert mirror.select_options(dump) == (
        'Acquire::http::Proxy "http://proxy:3128";',
        'Acquire::Check-Date "false";',
    )
