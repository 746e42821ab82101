"""A guest's own account, whole and in pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.guest.facts import Facts, parse

DEBIAN = """PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
ID=debian

--lab--
6.1.0-40-amd64
35.20 61.02
0f2b9f0c-7a0c-4c52-9e3b-3f0a3ad2d3a1
MemTotal:         460216 kB
"""


def test_a_debian_guest_is_read() -> None:
    assert parse(DEBIAN) == Facts(
        os="Debian GNU/Linux 12 (bookworm)",
        os_id="debian",
        os_version="12",
        kernel="6.1.0-40-amd64",
        uptime_s=35.2,
        boot_id="0f2b9f0c-7a0c-4c52-9e3b-3f0a3ad2d3a1",
        memory_mib=449,
    )


def test_a_guest_without_os_release_tells_the_rest() -> None:
    facts = parse("\n--lab--\n" + DEBIAN.partition("--lab--\n")[2])
    assert (facts.os, facts.os_id, facts.kernel) == ("", "", "6.1.0-40-amd64")


@given(st.text())
def test_any_text_gives_facts(text: str) -> None:
    assert parse(text).memory_mib >= 0
