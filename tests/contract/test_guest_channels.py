"""What every channel into a guest must do, tried on the guest agent's and on SSH alike."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import paramiko
import pytest
from guest_peers import FakeAgent, FakeSshd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.errors import ArtefactError, ChannelError, InputError
from lab.guest.agent_channel import AgentChannel
from lab.guest.channel import (
    Channel,
    ChannelLost,
    GuestCommandTimeout,
    GuestFileError,
    Unavailable,
)
from lab.guest.dialect import POSIX
from lab.guest.ssh_channel import TRIES, SshChannel
from lab.guest.ssh_connection import (
    SshHostKeyMismatch,
    SshKeyRefused,
    SshRefused,
    SshSilent,
    fingerprint,
)
from lab.waiting import wait_for

LIMIT_S = 60.0


@dataclass
class Peer:
    """A channel, and how to make the guest's end of it die."""

    channel: Channel
    die: Callable[[], None]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("keys")
    for name in ("host", "client", "other"):
        paramiko.ECDSAKey.generate().write_private_key_file(str(directory / name))
    return {name: directory / name for name in ("host", "client", "other")}


@pytest.fixture
def sshd(keys: dict[str, Path]) -> Iterator[FakeSshd]:
    server = FakeSshd(paramiko.PKey.from_path(keys["host"]))
    server.accepted.add(paramiko.PKey.from_path(keys["client"]).asbytes())
    yield server
    server.stop()


def public_line(path: Path) -> str:
    key = paramiko.PKey.from_path(path)
    return f"{key.get_name()} {key.get_base64()} fleet-lab test"


@pytest.fixture
def ssh(sshd: FakeSshd, keys: dict[str, Path]) -> Iterator[SshChannel]:
    channel = SshChannel("127.0.0.1", sshd.port, "root", keys["client"], public_line(keys["host"]))
    yield channel
    channel.close()


@pytest.fixture
def qga() -> Iterator[FakeAgent]:
    fake = FakeAgent()
    yield fake
    fake.stop()


@pytest.fixture
def agent(qga: FakeAgent) -> AgentChannel:
    return AgentChannel(qga)


@pytest.fixture(params=["agent", "ssh"])
def peer(request: pytest.FixtureRequest) -> Peer:
    channel = request.getfixturevalue(request.param)
    if request.param == "agent":
        fake = request.getfixturevalue("qga")
        return Peer(channel, lambda: setattr(fake, "dead", True))
    return Peer(channel, request.getfixturevalue("sshd").drop)


@pytest.fixture
def channel(peer: Peer) -> Channel:
    return peer.channel


# -- commands ----------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 42, 126, 255])
def test_exit_codes_are_values(channel: Channel, code: int) -> None:
    done = channel.run(f"exit {code}", timeout_s=LIMIT_S)
    assert done.exit_code == code
    assert done.ok == (code == 0)
    assert done.command == f"exit {code}"


def test_streams_are_exact_bytes_and_kept_apart(channel: Channel) -> None:
    done = channel.run(r"printf 'a\000\377\r\n'; printf 'e\001' >&2", timeout_s=LIMIT_S)
    assert (done.stdout, done.stderr) == (b"a\0\xff\r\n", b"e\x01")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_death_by_signal_is_a_negative_exit_code(channel: Channel, number: int) -> None:
    assert channel.run(f"kill -{int(number)} $$", timeout_s=LIMIT_S).exit_code == -number


def test_exit_code_137_of_a_program_is_not_taken_for_a_signal(channel: Channel) -> None:
    assert channel.run("exit 137", timeout_s=LIMIT_S).exit_code == 137


def test_missing_program_is_exit_code_127(channel: Channel) -> None:
    done = channel.run(["no-such-program"], timeout_s=LIMIT_S)
    assert done.exit_code == 127
    assert b"no-such-program" in done.stderr


@pytest.mark.parametrize("size", [1, 70_000, 5 << 20])
def test_stdin_arrives_whole_and_ends(channel: Channel, size: int) -> None:
    content = random.Random(1).randbytes(size)
    done = channel.run("cat", timeout_s=LIMIT_S, stdin=content)
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(content).digest()


def test_without_stdin_a_reader_meets_the_end_at_once(channel: Channel) -> None:
    assert channel.run("cat; echo end", timeout_s=LIMIT_S).stdout == b"end\n"


def test_command_that_leaves_its_input_unread_ends_well(channel: Channel) -> None:
    assert channel.run("exit 3", timeout_s=LIMIT_S, stdin=b"x" * (3 << 20)).exit_code == 3


def test_output_beyond_what_the_agent_can_capture_is_complete(channel: Channel) -> None:
    done = channel.run("head -c 20000000 /dev/zero; echo end >&2", timeout_s=LIMIT_S)
    assert len(done.stdout) == 20_000_000
    assert done.stderr == b"end\n"


def test_commands_run_in_the_root_directory_with_a_path_and_a_home(channel: Channel) -> None:
    done = channel.run('pwd; test -n "$HOME" && command -v ls >/dev/null && echo set', timeout_s=LIMIT_S)
    assert done.stdout == b"/\nset\n"


@pytest.mark.parametrize("command", ["", [], "a\0b", ["a", "b\0"]])
def test_what_no_guest_can_run_is_refused_before_it_is_sent(channel: Channel, command: object) -> None:
    with pytest.raises(ValueError, match="guest command"):
        channel.run(command, timeout_s=LIMIT_S)  # type: ignore[arg-type]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20), max_size=4
    )
)
def test_arguments_reach_the_program_unchanged(channel: Channel, words: list[str]) -> None:
    done = channel.run(["printf", "%s\\0", "", *words], timeout_s=LIMIT_S)
    assert done.stdout == b"".join(word.encode() + b"\0" for word in ["", *words])


@pytest.mark.parametrize("text", ["'", '"', "$HOME `id` \\ !", "a\nb", "Zażółć gęślą jaźń 🐧", "-n", "%s"])
def test_shell_text_is_read_by_the_guests_shell_alone(channel: Channel, text: str) -> None:
    done = channel.run(f"cat <<'END-OF-TEXT'\n{text}\nEND-OF-TEXT", timeout_s=LIMIT_S)
    assert done.stdout.decode() == text + "\n"


def test_output_streams_in_order_while_the_command_runs(channel: Channel, tmp_path: Path) -> None:
    """The command goes on only when its first line was handed out, so it must come before the end."""
    flag, seen = tmp_path / "flag", bytearray()

    def sink(stream: str, data: bytes) -> None:
        assert stream == "stdout"
        seen.extend(data)
        if seen.startswith(b"first\n"):
            flag.touch()

    done = channel.run(
        f"echo first; while [ ! -e {flag} ]; do sleep 0.05; done; echo second; echo third",
        timeout_s=LIMIT_S,
        on_output=sink,
    )
    assert bytes(seen) == done.stdout == b"first\nsecond\nthird\n"


def test_a_process_left_in_the_background_does_not_hold_the_call(channel: Channel) -> None:
    done = channel.run("sleep 300 & echo $!", timeout_s=LIMIT_S)
    assert done.ok
    os.kill(int(done.stdout), signal.SIGKILL)


def test_deadline_kills_the_whole_group_and_keeps_the_output_so_far(channel: Channel) -> None:
    with pytest.raises(GuestCommandTimeout, match="did not end in") as caught:
        channel.run("echo $$; echo half >&2; sleep 300 & echo $!; sleep 300", timeout_s=1.0)
    leader, child = map(int, caught.value.stdout.split())
    assert caught.value.stderr == b"half\n"
    assert caught.value.note == ""
    wait_for(lambda: not _runs(leader) and not _runs(child), what="end of the group", timeout_s=10)
    assert channel.run("echo again", timeout_s=LIMIT_S).stdout == b"again\n"


def _runs(pid: int) -> bool:
    """Whether a process is more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_channel_that_dies_in_a_command_is_reported_and_the_command_not_repeated(
    peer: Peer, tmp_path: Path
) -> None:
    log = tmp_path / "runs"
    with pytest.raises(ChannelLost, match=f"channel '{peer.channel.name}' died") as caught:
        peer.channel.run(
            f"echo run >>{log}; echo begun; sleep 30",
            timeout_s=LIMIT_S,
            on_output=lambda _stream, _data: peer.die(),
        )
    assert caught.value.stdout == b"begun\n"
    assert log.read_text(encoding="ascii") == "run\n"


class Ended(BaseException):
    """As the watcher raises it in the main thread."""


def test_an_interruption_passes_through_and_the_channel_stays_usable(channel: Channel) -> None:
    def interrupt(_stream: str, _data: bytes) -> None:
        raise Ended

    with pytest.raises(Ended):
        channel.run("echo x; sleep 3", timeout_s=LIMIT_S, on_output=interrupt)
    assert channel.run("echo again", timeout_s=LIMIT_S).stdout == b"again\n"


@pytest.mark.parametrize("operation", ["run", "put"])
def test_a_ping_is_answered_while_another_thread_is_busy(channel: Channel, operation: str) -> None:
    """The heartbeat must not wait: the command goes on only once a ping was answered."""
    answered = threading.Event()

    def heartbeat() -> None:
        channel.ping(LIMIT_S)
        answered.set()

    thread = threading.Thread(target=heartbeat)
    if operation == "run":
        sink = lambda _stream, _data: (thread.start(), answered.wait(LIMIT_S))  # noqa: E731
        channel.run("echo busy; sleep 0.2", timeout_s=LIMIT_S, on_output=sink)
    else:
        thread.start()
        channel.put(bytes(8 << 20), "/dev/shm/.fleet-lab-test", timeout_s=LIMIT_S)
        Path("/dev/shm/.fleet-lab-test").unlink()
    thread.join(LIMIT_S)
    assert answered.is_set()


def test_a_ping_of_a_dead_guest_fails(peer: Peer, sshd: FakeSshd) -> None:
    peer.channel.ping(LIMIT_S)
    sshd.stop()
    peer.die()
    with pytest.raises(ChannelError):
        peer.channel.ping(5.0)


# -- files -------------------------------------------------------------------


def test_a_large_binary_file_makes_the_round_trip(channel: Channel, tmp_path: Path) -> None:
    content = random.Random(2).randbytes(20_000_000)
    target = tmp_path / "large file"
    channel.put(content, str(target), mode=0o640, timeout_s=LIMIT_S)
    assert target.read_bytes() == content
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert channel.get(str(target), timeout_s=LIMIT_S) == content


@pytest.mark.parametrize("content", [b"", b"\0", b"text\n"])
def test_small_files_make_the_round_trip(channel: Channel, tmp_path: Path, content: bytes) -> None:
    target = tmp_path / "it's small"
    channel.put(content, str(target), timeout_s=LIMIT_S)
    assert target.read_bytes() == content
    assert channel.get(str(target), timeout_s=LIMIT_S) == content


def test_a_host_file_is_put_from_disk(channel: Channel, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(random.Random(3).randbytes(3_000_001))
    channel.put(source, str(target), mode=0o755, timeout_s=LIMIT_S)
    assert target.read_bytes() == source.read_bytes()
    assert os.access(target, os.X_OK)


def test_a_host_file_that_is_missing_is_the_users_mistake(channel: Channel, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="cannot be read"):
        channel.put(tmp_path / "absent", str(tmp_path / "target"), timeout_s=LIMIT_S)


def test_a_put_replaces_the_old_file_whole_and_leaves_nothing_else(channel: Channel, tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    reader = target.open("rb")
    channel.put(b"new", str(target), timeout_s=LIMIT_S)
    with reader:
        assert reader.read() == b"old", "the old file was written to, so a reader could see a mixture"
    assert target.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_put_that_the_guest_refuses_says_why_and_leaves_nothing(channel: Channel, tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(GuestFileError, match="is a directory"):
        channel.put(b"x", str(tmp_path / "directory"), timeout_s=LIMIT_S)
    with pytest.raises(GuestFileError, match=r"(?i)no such file|nonexistent"):
        channel.put(b"x", str(tmp_path / "absent" / "file"), timeout_s=LIMIT_S)
    assert [path.name for path in tmp_path.iterdir()] == ["directory"]


@pytest.mark.parametrize("path", ["relative", "/ends/in/", ""])
def test_guest_paths_must_be_absolute_and_name_a_file(channel: Channel, path: str) -> None:
    with pytest.raises(ValueError, match="wanted the absolute path of a file"):
        channel.put(b"x", path, timeout_s=LIMIT_S)


def test_a_missing_guest_file_is_named(channel: Channel, tmp_path: Path) -> None:
    with pytest.raises(GuestFileError, match="No such file") as caught:
        channel.get(str(tmp_path / "absent"), timeout_s=LIMIT_S)
    assert caught.value.path == str(tmp_path / "absent")


def test_files_without_a_size_are_read_whole(channel: Channel) -> None:
    assert len(channel.get("/proc/sys/kernel/random/boot_id", timeout_s=LIMIT_S)) == 37


def test_a_transfer_past_its_deadline_leaves_the_old_file(channel: Channel, tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    channel.ping(LIMIT_S)
    with pytest.raises(GuestCommandTimeout):
        channel.put(bytes(64 << 20), str(target), timeout_s=0.05)
    assert target.read_bytes() == b"old"


# -- the guest agent's own ways to fail --------------------------------------


@pytest.mark.parametrize("request_name", ["guest-exec", "guest-file-open"])
def test_an_agent_that_forbids_what_the_lab_needs_is_named_with_the_remedy(
    qga: FakeAgent, agent: AgentChannel, request_name: str
) -> None:
    qga.disabled = {request_name}
    with pytest.raises(Unavailable, match=f"5.2.0: does not allow {request_name}") as caught:
        agent.run("true", timeout_s=LIMIT_S)
    assert "qemu-ga.conf" in str(caught.value.hint)


def test_nothing_was_started_when_the_agent_dies_before_the_command(
    qga: FakeAgent, agent: AgentChannel
) -> None:
    qga.die_at = lambda name: name == "guest-file-open"
    with pytest.raises(Unavailable):
        agent.run("true", timeout_s=LIMIT_S)


def test_a_start_without_an_answer_may_have_been_one(qga: FakeAgent, agent: AgentChannel) -> None:
    qga.die_at = lambda name: name == "guest-exec"
    with pytest.raises(ChannelLost, match="was started"):
        agent.run("true", timeout_s=LIMIT_S)
    assert qga.requests.count("guest-exec") == 1


def test_an_agent_that_dies_in_a_transfer_is_reported(
    qga: FakeAgent, agent: AgentChannel, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    qga.die_at = lambda name: name in ("guest-file-read", "guest-file-write")
    with pytest.raises(ChannelLost, match="in get"):
        agent.get(str(tmp_path / "file"), timeout_s=LIMIT_S)
    qga.dead = False
    with pytest.raises(ChannelLost, match="in put"):
        agent.put(b"y", str(tmp_path / "file"), timeout_s=LIMIT_S)
    assert (tmp_path / "file").read_bytes() == b"x"


def test_a_full_disk_in_the_guest_is_named_and_the_part_removed(
    qga: FakeAgent, agent: AgentChannel, tmp_path: Path
) -> None:
    qga.disk_full = True
    with pytest.raises(GuestFileError, match="No space left on device"):
        agent.put(b"x", str(tmp_path / "file"), timeout_s=LIMIT_S)
    wait_for(lambda: not list(tmp_path.iterdir()), what="removal of the part", timeout_s=LIMIT_S)


def test_no_request_outgrows_the_socket_buffer_of_libvirt(
    qga: FakeAgent, agent: AgentChannel, tmp_path: Path
) -> None:
    """Beyond 208 KiB libvirt 9.0 may send a part twice, and the agent never answers again."""
    agent.put(bytes(3 << 20), str(tmp_path / "file"), timeout_s=LIMIT_S)
    agent.run("cat", stdin=bytes(300_000), timeout_s=LIMIT_S)
    agent.run("cat", stdin=bytes(128 << 10), timeout_s=LIMIT_S)
    agent.run(["true", "\x01" * 32_000], timeout_s=LIMIT_S)
    assert qga.largest_request < 200_000


def test_commands_leave_no_file_and_no_handle_in_the_guest(qga: FakeAgent, agent: AgentChannel) -> None:
    before = _spooled()
    agent.run("echo x", timeout_s=LIMIT_S)
    agent.run("cat", stdin=bytes(2 << 20), timeout_s=LIMIT_S)
    with pytest.raises(GuestCommandTimeout):
        agent.run("sleep 60", timeout_s=0.2)
    assert _spooled() == before
    assert qga.files == {}


def test_a_command_that_is_known_to_be_brief_takes_two_requests_and_no_file(
    qga: FakeAgent, agent: AgentChannel
) -> None:
    done = agent.run(["/bin/sh", "-c", "cat; echo e >&2; exit 3"], timeout_s=LIMIT_S, stdin=b"in", brief=True)
    assert (done.exit_code, done.stdout, done.stderr) == (3, b"in", b"e\n")
    assert set(qga.requests) == {"guest-exec", "guest-exec-status"}


def test_a_brief_command_that_is_none_is_killed_at_its_deadline(qga: FakeAgent, agent: AgentChannel) -> None:
    with pytest.raises(GuestCommandTimeout):
        agent.run("sleep 60", timeout_s=0.2, brief=True)
    wait_for(
        lambda: all(one.poll() is not None for one in qga.processes.values()),
        what="its end",
        timeout_s=LIMIT_S,
    )


def test_a_brief_command_whose_agent_dies_may_have_run(qga: FakeAgent, agent: AgentChannel) -> None:
    qga.die_at = lambda name: name == "guest-exec-status"
    with pytest.raises(ChannelLost, match="while 'true' ran"):
        agent.run("true", timeout_s=LIMIT_S, brief=True)


def test_a_guest_without_setsid_runs_commands_all_the_same(qga: FakeAgent, agent: AgentChannel) -> None:
    qga.missing = {"setsid"}
    assert agent.run("echo x", timeout_s=LIMIT_S).stdout == b"x\n"
    assert agent.run(["echo", "y"], timeout_s=LIMIT_S).stdout == b"y\n"
    assert qga.started == ["/bin/sh", "/bin/sh"]
    assert qga.requests.count("guest-exec") == 3, "what is not there is asked for once"


def _spooled() -> set[str]:
    return {str(path) for root in ("/dev/shm", "/run", "/tmp") for path in Path(root).glob(".lab-*")}


def test_output_goes_elsewhere_when_shared_memory_is_missing(
    qga: FakeAgent, agent: AgentChannel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    agent._spools = (str(tmp_path / "absent"), str(tmp_path))
    assert agent.run("echo x", timeout_s=LIMIT_S).stdout == b"x\n"
    assert agent._spools[0] == str(tmp_path), "what works is tried first the next time"


# -- SSH's own ways to fail --------------------------------------------------


def test_a_key_that_the_guest_does_not_know_is_named(sshd: FakeSshd, keys: dict[str, Path]) -> None:
    channel = SshChannel("127.0.0.1", sshd.port, "root", keys["other"], public_line(keys["host"]))
    with pytest.raises(SshKeyRefused, match=r"SSH refused the key: root@127\.0\.0\.1") as caught:
        channel.run("true", timeout_s=LIMIT_S)
    assert fingerprint(paramiko.PKey.from_path(keys["other"]).asbytes()) in str(caught.value)
    assert "lab image build" in str(caught.value.hint)
    assert sshd.commands == []


def test_another_host_key_than_the_pinned_one_is_refused(sshd: FakeSshd, keys: dict[str, Path]) -> None:
    channel = SshChannel("127.0.0.1", sshd.port, "root", keys["client"], public_line(keys["other"]))
    with pytest.raises(SshHostKeyMismatch) as caught:
        channel.run("true", timeout_s=LIMIT_S)
    for name in ("host", "other"):
        assert fingerprint(paramiko.PKey.from_path(keys[name]).asbytes()) in str(caught.value)
    assert sshd.commands == []


def test_a_host_key_of_another_type_is_a_mismatch_too(sshd: FakeSshd, keys: dict[str, Path]) -> None:
    line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEzmMBcxrE5DZAJ+5zCoAiLLHhEwb9rIzk2kCDHtVJyZ"
    channel = SshChannel("127.0.0.1", sshd.port, "root", keys["client"], line)
    with pytest.raises(SshHostKeyMismatch, match="wanted ssh-ed25519"):
        channel.ping(LIMIT_S)


def test_a_closed_port_is_a_refused_connection(sshd: FakeSshd, ssh: SshChannel) -> None:
    sshd.stop()
    with pytest.raises(SshRefused, match="connection refused"):
        ssh.ping(LIMIT_S)


def test_a_port_that_says_nothing_is_not_waited_for_beyond_the_deadline(keys: dict[str, Path]) -> None:
    """As a forwarded port of a guest whose sshd is not up yet."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        channel = SshChannel("127.0.0.1", port, "root", keys["client"], public_line(keys["host"]))
        with pytest.raises(SshSilent, match="no SSH handshake"):
            channel.ping(0.5)


def test_a_port_that_hangs_up_is_a_server_that_is_not_up(keys: dict[str, Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: listener.accept()[0].close())
        thread.start()
        port = listener.getsockname()[1]
        channel = SshChannel("127.0.0.1", port, "root", keys["client"], public_line(keys["host"]))
        with pytest.raises(SshSilent):
            channel.ping(LIMIT_S)
        thread.join()


def test_the_connection_is_kept_and_made_again_after_it_was_lost(sshd: FakeSshd, ssh: SshChannel) -> None:
    for _ in range(3):
        ssh.run("true", timeout_s=LIMIT_S)
    assert sshd.connections == 1
    sshd.drop()
    assert ssh.run("echo back", timeout_s=LIMIT_S).stdout == b"back\n"
    assert sshd.connections == 2


def test_what_login_files_print_is_not_output(sshd: FakeSshd, ssh: SshChannel) -> None:
    sshd.noise = b"Welcome to the guest!\nlab-\n"
    assert ssh.run("echo mine", timeout_s=LIMIT_S).stdout == b"mine\n"


def test_an_unreadable_lab_key_is_named(sshd: FakeSshd, keys: dict[str, Path], tmp_path: Path) -> None:
    channel = SshChannel("127.0.0.1", sshd.port, "root", tmp_path / "absent", public_line(keys["host"]))
    with pytest.raises(Unavailable, match=r"ssh key .*absent.*cannot be read"):
        channel.ping(LIMIT_S)


@pytest.mark.parametrize("line", ["", "no key here", "ssh-ed25519", "ssh-ed25519 %%%"])
def test_a_host_key_line_without_a_key_is_refused(sshd: FakeSshd, keys: dict[str, Path], line: str) -> None:
    with pytest.raises(InputError, match="not a public key"):
        SshChannel("127.0.0.1", sshd.port, "root", keys["client"], line).ping(LIMIT_S)


def test_two_threads_share_one_connection(sshd: FakeSshd, ssh: SshChannel) -> None:
    results: list[bytes] = []

    def work(number: int) -> None:
        results.append(ssh.run(f"sleep 0.1; echo {number}", timeout_s=LIMIT_S).stdout)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    assert sorted(results) == [b"0\n", b"1\n", b"2\n", b"3\n"]
    assert sshd.connections == 1


def test_a_session_that_the_server_closes_before_the_command_is_asked_for_again(
    sshd: FakeSshd, ssh: SshChannel, tmp_path: Path
) -> None:
    """As dropbear does while the process of another session ends."""
    sshd.closing = 2
    done = ssh.run(f"cat; echo run >>{tmp_path}/runs", timeout_s=LIMIT_S, stdin=b"all of it")
    assert (done.exit_code, done.stdout) == (0, b"all of it")
    assert (tmp_path / "runs").read_text() == "run\n"
    assert (sshd.closed, sshd.connections) == (2, 1)


def test_a_server_that_closes_every_session_has_run_nothing(
    sshd: FakeSshd, ssh: SshChannel, tmp_path: Path
) -> None:
    sshd.closing = 100
    with pytest.raises(Unavailable, match="was not begun: Channel closed"):
        ssh.run(f"touch {tmp_path}/runs", timeout_s=LIMIT_S)
    assert sshd.closed == TRIES
    assert not sshd.commands
    assert not (tmp_path / "runs").exists()


def test_a_session_that_ends_under_a_command_is_lost_alone_and_not_repeated(
    sshd: FakeSshd, ssh: SshChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection goes on: commands of other threads run on it."""

    def serve(channel: paramiko.Channel, _command: bytes) -> None:
        assert channel.recv(3) == b"go\n"
        channel.close()

    monkeypatch.setattr(sshd, "serve", serve)
    with pytest.raises(ChannelLost, match="died while 'true' ran in the guest"):
        ssh.run("true", timeout_s=LIMIT_S)
    assert len(sshd.commands) == 1
    monkeypatch.undo()
    assert ssh.run("echo on", timeout_s=LIMIT_S).stdout == b"on\n"
    assert sshd.connections == 1


def test_a_shell_that_ends_before_the_command_gives_no_exit_code_of_it(
    sshd: FakeSshd, ssh: SshChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve = sshd.serve
    monkeypatch.setattr(sshd, "serve", lambda channel, _command: serve(channel, b"echo No login.; exit 0"))
    with pytest.raises(Unavailable, match=r"'true' was not run: .* ended with 0 before it: No login\."):
        ssh.run("true", timeout_s=LIMIT_S)
    assert len(sshd.commands) == 1


def test_a_command_whose_go_never_came_does_not_run(tmp_path: Path) -> None:
    line, go = POSIX.remote("token", ["touch", str(tmp_path / "ran")])
    ended = subprocess.run(["/bin/sh", "-c", line], input=b"", capture_output=True, check=False)
    assert (ended.stdout, list(tmp_path.iterdir())) == (b"", [])
    started = subprocess.run(["/bin/sh", "-c", line], input=go, capture_output=True, check=True)
    assert started.stdout.startswith(b"token ")
    assert [one.name for one in tmp_path.iterdir()] == ["ran"]
