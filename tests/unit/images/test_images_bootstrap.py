"""The mmdebstrap command line, and what the lab makes of its output."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import proc
from lab.errors import BuildError, HostError
from lab.images import bootstrap, mirror, tools
from lab.images.progress import Progress

SPEC = bootstrap.Bootstrap(
    suites=("bookworm", "bookworm-security"),
    packages=("gcc", "make"),
    variant="extract",
    setup=("before",),
    hooks=("after $1",),
)
DIED = """\
I: running --customize-hook in shell: sh -c 'set -eu
this is text of the hook
mcopy -s x
' exec /scratch/mmdebstrap.x
Error reading FAT
Bad target ::/
umount: /scratch/proc: not mounted.
W: umount /proc failed: 8192
E: setup failed: E: command failed: set -eu
mcopy -s x
I: main() received signal PIPE: waiting for setup...
E: mmdebstrap failed to run
"""


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A host with every tool, a mirror, and a mmdebstrap that prints what the test says."""
    monkeypatch.setattr(tools, "missing", lambda _tools: ())
    monkeypatch.setattr(mirror, "read", lambda: mirror.Mirror("http://m/d", "http://s/d"))
    monkeypatch.setattr(mirror, "apt_options", lambda: ('Acquire::Retries "3";',))
    monkeypatch.setattr(bootstrap, "KEYRING", tmp_path / "keyring.gpg")
    (tmp_path / "keyring.gpg").touch()
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 0)
    return tmp_path


def play(monkeypatch: pytest.MonkeyPatch, output: str, exit_code: int) -> list[list[str]]:
    """Instead of running a command, tell its output; returns the commands that were asked for."""
    commands: list[list[str]] = []

    def run(argv, *, on_line, **_rest):
        commands.append([str(word) for word in argv])
        for line in output.splitlines():
            on_line(line)
        return proc.Completed(exit_code=exit_code)

    monkeypatch.setattr(proc, "run", run)
    return commands


def failure(monkeypatch: pytest.MonkeyPatch, host: Path, output: str) -> BuildError:
    play(monkeypatch, output, 25)
    with pytest.raises(BuildError) as caught:
        bootstrap.run(SPEC, host, Progress("sdk"))
    return caught.value


def test_the_command_names_suite_packages_hooks_and_the_machines_mirror(
    monkeypatch: pytest.MonkeyPatch, host: Path
) -> None:
    commands = play(monkeypatch, "", 0)
    assert bootstrap.run(SPEC, host, Progress("sdk")) == host / "lab-out"
    [words] = commands
    assert words[words.index("mmdebstrap") :][:3] == ["mmdebstrap", "--mode=root", "--variant=extract"]
    assert "--include=gcc,make" in words
    assert '--aptopt=Acquire::Retries "3";' in words
    assert words[-4:] == [
        "bookworm",
        "/dev/null",
        "deb http://m/d bookworm main",
        "deb http://s/d bookworm-security main",
    ]


def test_extract_runs_end_with_extract_hooks_and_others_with_customize_hooks(
    monkeypatch: pytest.MonkeyPatch, host: Path
) -> None:
    commands = play(monkeypatch, "", 0)
    bootstrap.run(SPEC, host, Progress("sdk"))
    whole = bootstrap.Bootstrap(suites=("sid",), packages=("apt",), variant="minbase", hooks=("after",))
    bootstrap.run(whole, host, Progress("image"))
    assert f"--extract-hook=copy-out /lab-out {host}" in commands[0]
    assert "--customize-hook=after" in commands[1]
    assert not any(word.startswith("--extract-hook") for word in commands[1])


def test_users_other_than_root_build_in_a_user_namespace(monkeypatch: pytest.MonkeyPatch, host: Path) -> None:
    commands = play(monkeypatch, "", 0)
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 1000)
    bootstrap.run(SPEC, host, Progress("sdk"))
    assert "--mode=unshare" in commands[0]


def test_the_build_ends_with_the_lab_and_keeps_the_scratch_directory_locked(
    monkeypatch: pytest.MonkeyPatch, host: Path
) -> None:
    commands = play(monkeypatch, "", 0)
    bootstrap.run(SPEC, host, Progress("sdk"))
    assert commands[0][:5] == ["setpriv", "--pdeathsig", "TERM", "unshare", "--mount"]
    assert commands[0][5:9] == ["flock", "--shared", "--no-fork", str(host / bootstrap.ALIVE)]


def test_stages_are_told_as_they_begin(monkeypatch: pytest.MonkeyPatch, host: Path) -> None:
    play(monkeypatch, "I: downloading packages with apt...\nnoise\nlab: packing the disk\n", 0)
    told: list[str] = []
    bootstrap.run(SPEC, host, Progress("debian-12", told.append))
    assert told == ["debian-12: downloading packages (0 s)", "debian-12: packing the disk (0 s)"]


def test_a_failed_hook_is_reported_by_what_it_said_last(monkeypatch: pytest.MonkeyPatch, host: Path) -> None:
    error = failure(monkeypatch, host, DIED)
    assert error.message == "packages of 'bookworm': 'mmdebstrap' exited with 25: Bad target ::/"
    assert "Error reading FAT" in error.log
    assert "text of the hook" not in error.log


def test_a_full_disk_is_called_a_full_disk(monkeypatch: pytest.MonkeyPatch, host: Path) -> None:
    error = failure(monkeypatch, host, "dpkg: error: cannot write: No space left on device\n")
    assert "the disk is full" in error.message


@pytest.mark.parametrize(
    ("line", "wanted", "hint"),
    [
        ("W: GPG error: NO_PUBKEY 6ED0E7B82643E131", "not of a known key", "debian-archive-keyring"),
        ("E: Failed to fetch http://m/d  Could not resolve 'm'", "cannot be reached", "apt-get update"),
    ],
)
def test_archive_trouble_names_the_command_that_mends_it(
    monkeypatch: pytest.MonkeyPatch, host: Path, line: str, wanted: str, hint: str
) -> None:
    error = failure(monkeypatch, host, f"{line}\nE: setup failed\n")
    assert wanted in error.message
    assert line in error.message
    assert hint in (error.hint or "")


def test_a_silent_failure_still_has_a_message(monkeypatch: pytest.MonkeyPatch, host: Path) -> None:
    assert failure(monkeypatch, host, "").message.endswith("exited with 25: no output")


def test_a_host_without_the_archive_keyring_is_told_the_package(
    monkeypatch: pytest.MonkeyPatch, host: Path
) -> None:
    bootstrap.KEYRING.unlink()
    with pytest.raises(BuildError, match="no such file") as caught:
        bootstrap.run(SPEC, host, Progress("sdk"))
    assert caught.value.hint == "apt-get install debian-archive-keyring"


def test_a_missing_tool_is_named_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tools, "missing", lambda wanted: tuple(wanted))
    with pytest.raises(HostError, match="'mmdebstrap'") as caught:
        bootstrap.run(SPEC, tmp_path, Progress("sdk"))
    assert caught.value.hint == "apt-get install apt mmdebstrap"


def test_values_reach_a_script_as_they_are() -> None:
    text = bootstrap.script("pack", ROOT="it's $HOME", SIZE_MIB=12)
    assert text.startswith("ROOT='it'\\''s $HOME'\nSIZE_MIB='12'\n# Hook: turn ROOT")
