"""What every channel into a Windows guest must do, tried on the guest agent's, on SSH and on WinRM alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
import pytest
from windows_peers import FILE_SERVICE_ENDED, Windows, WindowsAgent, WindowsSshd
from winrm_peer import FakeWinRm

from lab.guest.channel import (
    Channel,
    ChannelLost,
    GuestCommandTimeout,
    GuestFileError,
    Unavailable,
)
from lab.guest.windows.agent import WindowsAgentChannel
from lab.guest.windows.ssh import WindowsSshChannel
from lab.guest.winrm_channel import (
    WinRmCertificateMismatch,
    WinRmChannel,
    WinRmEndpoint,
    WinRmRefused,
)

LIMIT_S = 60.0
PASSWORD = "s3cret aA1."
PRINT_ARGV = "import sys; sys.stdout.buffer.write('\\0'.join(sys.argv[1:]).encode())"


@dataclass
class Peer:
    """A channel, how to make the guest's end of it die, and that end."""

    channel: Channel
    die: Callable[[], None]
    end: Any = None


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    (tmp_path / "c" / "Windows" / "Temp").mkdir(parents=True)
    return tmp_path / "c"


@pytest.fixture
def system(drive: Path) -> Windows:
    return Windows(drive)


@pytest.fixture
def agent(system: Windows) -> Iterator[Peer]:
    fake = WindowsAgent(system)
    yield Peer(WindowsAgentChannel(fake), lambda: setattr(fake, "dead", True))
    fake.stop()


@pytest.fixture
def ssh(system: Windows, tmp_path: Path) -> Iterator[Peer]:
    keys = {name: paramiko.ECDSAKey.generate() for name in ("host", "client")}
    keys["client"].write_private_key_file(str(tmp_path / "client"))
    server = WindowsSshd(keys["host"], system)
    server.accepted.add(keys["client"].asbytes())
    line = f"{keys['host'].get_name()} {keys['host'].get_base64()}"
    channel = WindowsSshChannel("127.0.0.1", server.port, "lab", tmp_path / "client", line)
    yield Peer(channel, server.stop, server)
    channel.close()
    server.stop()


@pytest.fixture
def service(system: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWinRm]:
    (tmp_path / "users").write_text(f":lab:{PASSWORD}\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))
    server = FakeWinRm(tmp_path, system)
    yield server
    server.stop()


def endpoint(service: FakeWinRm, **changes: str) -> WinRmEndpoint:
    said = {"user": "lab", "password": PASSWORD, "thumbprint": service.thumbprint, **changes}
    return WinRmEndpoint(host="127.0.0.1", port=service.port, **said)


@pytest.fixture
def winrm(service: FakeWinRm) -> Peer:
    return Peer(WinRmChannel(endpoint(service)), service.stop)


@pytest.fixture(params=["agent", "ssh", "winrm"])
def peer(request: pytest.FixtureRequest) -> Peer:
    found: Peer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def channel(peer: Peer) -> Channel:
    return peer.channel


def python(*words: str) -> list[str]:
    return ["/usr/bin/env", "python3", "-c", PRINT_ARGV, *words]


def test_a_program_gets_exactly_its_arguments(channel: Channel) -> None:
    words = [
        "",
        "a b",
        'q"q',
        "%PATH%",
        "a&b|c<d>e^f",
        "C:\\dir\\",
        "\u00e9\U0001f600",
        "it's",
        "$x `n",
        "!v!",
    ]
    assert channel.run(python(*words), timeout_s=LIMIT_S).stdout.decode().split("\0") == words


def test_text_and_both_streams_come_back_as_they_were(channel: Channel) -> None:
    done = channel.run("'it''s' + \"%x%\" # \u00e9\n'second line'", timeout_s=LIMIT_S)
    assert done.stdout.decode() == "'it''s' + \"%x%\" # \u00e9\n'second line'"
    assert done.stderr == b"err"
    assert done.command.startswith("'it''s'")


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_exit_codes_are_values(channel: Channel, code: int) -> None:
    assert channel.run(f"exit {code}", timeout_s=LIMIT_S).exit_code == code


def test_a_missing_program_is_exit_code_127(channel: Channel) -> None:
    done = channel.run(["no-such.exe"], timeout_s=LIMIT_S)
    assert (done.exit_code, b"no-such.exe" in done.stderr) == (127, True)


@pytest.mark.parametrize("size", [0, 1, 60_000])
def test_input_arrives_whole_and_ends(channel: Channel, size: int) -> None:
    content = random.Random(1).randbytes(size)
    assert channel.run("cat", timeout_s=LIMIT_S, stdin=content).stdout == content


def test_a_command_past_its_deadline_is_killed_and_its_output_kept(channel: Channel) -> None:
    channel.ping(LIMIT_S)
    with pytest.raises(GuestCommandTimeout, match=r"did not end in 2\.0 s") as caught:
        channel.run("sleep 50", timeout_s=2.0)
    assert caught.value.stdout == b"before\n"
    assert caught.value.note == ""


def test_output_is_handed_over_to_whoever_watches(channel: Channel) -> None:
    seen: list[tuple[str, bytes]] = []
    channel.run("words", timeout_s=LIMIT_S, on_output=lambda stream, data: seen.append((stream, data)))
    assert sorted(seen) == [("stderr", b"err"), ("stdout", b"words")]


@pytest.mark.parametrize("size", [0, 5, 400_000])
def test_files_go_there_and_back(channel: Channel, drive: Path, size: int) -> None:
    content = random.Random(2).randbytes(size)
    channel.put(content, "C:\\it's a file.bin", timeout_s=LIMIT_S)
    assert (drive / "it's a file.bin").read_bytes() == content
    assert channel.get("C:/it's a file.bin", timeout_s=LIMIT_S) == content
    assert [one.name for one in drive.iterdir() if one.is_file()] == ["it's a file.bin"]


def test_a_file_is_replaced_whole_or_not_at_all(channel: Channel, drive: Path) -> None:
    (drive / "f").write_bytes(b"old")
    channel.put(b"new", "C:\\f", timeout_s=LIMIT_S)
    assert (drive / "f").read_bytes() == b"new"
    (drive / "directory").mkdir()
    with pytest.raises(GuestFileError, match="is a directory"):
        channel.put(b"x", "C:\\directory", timeout_s=LIMIT_S)
    assert not list(drive.glob("*.part-*"))


def test_a_file_that_is_not_there_is_named(channel: Channel) -> None:
    with pytest.raises(GuestFileError, match=r"No such file|cannot find") as caught:
        channel.get("C:\\absent", timeout_s=LIMIT_S)
    assert caught.value.path == "C:\\absent"


@pytest.mark.parametrize("path", ["relative", "/unix", "C:\\", ""])
def test_paths_that_are_none_are_refused(channel: Channel, path: str) -> None:
    with pytest.raises(ValueError, match="wanted the absolute path of a file"):
        channel.put(b"x", path, timeout_s=LIMIT_S)


def test_nothing_was_started_in_a_guest_that_is_gone(peer: Peer) -> None:
    peer.die()
    with pytest.raises(Unavailable):
        peer.channel.run("words", timeout_s=5.0)


def test_the_agent_leaves_no_files_behind(agent: Peer, drive: Path) -> None:
    agent.channel.run("words", timeout_s=LIMIT_S)
    assert list((drive / "Windows" / "Temp").iterdir()) == []


def test_an_ntstatus_comes_as_windows_writes_it(agent: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = agent.channel._port._transport  # type: ignore[attr-defined]
    monkeypatch.setattr(
        fake, "guest_exec_status", lambda pid: {"exited": True, "signal": -1073741819, "pid": pid}
    )
    assert agent.channel.run("words", timeout_s=LIMIT_S).exit_code == 0xC0000005


def test_ssh_asks_again_for_a_session_that_was_closed_before_anything_began_in_it(
    ssh: Peer, system: Windows, drive: Path
) -> None:
    ssh.end.closing = 1
    ssh.channel.put(b"whole", r"C:\file", timeout_s=LIMIT_S)
    ssh.end.closing = 2
    assert ssh.channel.run("cat", timeout_s=LIMIT_S, stdin=b"once").stdout == b"once"
    assert (drive / "file").read_bytes() == b"whole"
    assert system.commands.count("cat") == 1
    assert (ssh.end.closed, ssh.end.connections) == (2, 1)


def test_ssh_lets_the_file_service_end_before_the_next_command(ssh: Peer, system: Windows) -> None:
    """Its process holds handles; and dropbear closes the session that waits while a process ends."""
    ssh.channel.put(b"x", r"C:\file", timeout_s=LIMIT_S)
    assert system.commands[0] == FILE_SERVICE_ENDED
    assert "$sha=" in system.commands[1]
    with pytest.raises(GuestFileError):
        ssh.channel.get(r"C:\absent", timeout_s=LIMIT_S)
    assert system.commands[2:] == [FILE_SERVICE_ENDED]


def test_ssh_without_a_file_service_says_what_the_server_wants(ssh: Peer) -> None:
    ssh.end.sftp = False
    with pytest.raises(Unavailable, match="no file service") as caught:
        ssh.channel.put(b"x", "C:\\f", timeout_s=LIMIT_S)
    assert "sftp-server.exe" in str(caught.value.hint)


def test_winrm_with_another_certificate_is_refused_before_the_password_is_sent(service: FakeWinRm) -> None:
    channel = WinRmChannel(endpoint(service, thumbprint="AB" * 20))
    with pytest.raises(WinRmCertificateMismatch, match="abab"):
        channel.run("words", timeout_s=LIMIT_S)
    assert service.actions == []


def test_winrm_with_another_password_is_refused(service: FakeWinRm) -> None:
    with pytest.raises(WinRmRefused, match="lab@127"):
        WinRmChannel(endpoint(service, password="wrong")).ping(LIMIT_S)
    assert service.actions == []


def test_winrm_that_falls_silent_under_way_may_have_run_the_command(service: FakeWinRm) -> None:
    channel = WinRmChannel(endpoint(service))

    def silent(_stream: str, _data: bytes) -> None:
        service.mute = True

    with pytest.raises((ChannelLost, GuestCommandTimeout)) as caught:
        channel.run("sleep 50", timeout_s=3.0, on_output=silent)
    assert caught.value.stdout == b"before\n"


def test_a_shell_of_winrm_is_closed_after_each_command(service: FakeWinRm) -> None:
    WinRmChannel(endpoint(service)).run("words", timeout_s=LIMIT_S)
    assert service.shells == {}


def test_a_password_is_in_no_text_of_its_endpoint(service: FakeWinRm) -> None:
    assert PASSWORD not in repr(endpoint(service))
    assert PASSWORD not in str(endpoint(service))
