from __future__ import annotations

from pathlib import Path

import pytest
from agent_fakes import write_agent

from lab import agents
from lab.errors import ConfigError, InputError
from lab.model import Family


def changed(tmp_path: Path, old: str, new: str) -> Path:
    """The good manifest with one piece of text replaced."""
    directory = write_agent(tmp_path / "demo")
    text = (directory / "agent.yaml").read_text()
    assert old in text
    return write_agent(directory, text=text.replace(old, new, 1))


def test_a_manifest_is_read_into_nouns(tmp_path: Path) -> None:
    manifest = agents.load(write_agent(tmp_path / "demo"))
    family = manifest.family(Family.LINUX)
    assert (manifest.name, family.dir) == ("demo", "/opt/demo")
    assert set(family.builds) == {"1.0", "1.1"}
    assert family.files[0].mode == 0o755
    assert family.install.timeout_s == 100
    compiled = family.builds["1.1"].compile
    assert compiled is not None
    assert compiled.source == tmp_path / "demo/src"
    assert (family.refused_exit_code, family.refused_key) == (3, "refused")


def test_an_agent_that_does_not_exist_is_named_with_the_closest(tmp_path: Path) -> None:
    write_agent(tmp_path / "demo")
    with pytest.raises(InputError, match=r"unknown agent 'dmeo' \(closest is 'demo'\)"):
        agents.load(tmp_path / "dmeo")


def test_a_family_that_is_not_described_says_what_is(tmp_path: Path) -> None:
    manifest = agents.load(write_agent(tmp_path / "demo"))
    with pytest.raises(InputError, match=r"nothing is said of windows \(described: linux\)") as caught:
        manifest.family(Family.WINDOWS)
    assert "families.windows" in str(caught.value.hint)


def test_windows_can_be_described(tmp_path: Path) -> None:
    manifest = agents.load(changed(tmp_path, "  linux:", "  windows:"))
    assert manifest.family(Family.WINDOWS).builds


def test_the_name_is_the_name_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wanted 'demo', the folder's name, got 'other'"):
        agents.load(write_agent(tmp_path / "demo", name="other"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("install:", "instal:", r":\d+:\d+: families\.linux\.install: required key is missing"),
        ("exercise:", "exercize:", r"unknown key 'exercize' \(closest is 'exercise'\)"),
        ("update-build {build}", "update-build {biuld}", r"placeholder \{biuld\} is not known here"),
        ("KERNEL={kernel_release}", "KERNEL={dir}", r"placeholder \{dir\} is not known here"),
        ("timeout: 100s", "timeout: 100", "wanted a duration with its unit"),
        ("mode: 0755", "mode: rwx", "wanted a file mode such as 0644 or 0755"),
        ("path: demo.sh", "path: ../demo.sh", r"wanted a relative path without '\.\.'"),
        ("path: demo.sh", "path: /demo.sh", "wanted a relative path"),
        ("290: {", "'2 90': {", "wanted text like"),
        ("  linux:", "  plan9:", "wanted 'linux' or 'windows'"),
    ],
)
def test_a_broken_manifest_says_where_and_what_was_wanted(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        agents.load(changed(tmp_path, old, new))
    assert "agent.yaml:" in str(caught.value)


def test_a_digest_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sha256"):
        agents.load(changed(tmp_path, "sha256: ", "sha256: X"))
