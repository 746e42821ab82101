"""The self-test's steps over all three channels of Windows: peers on this host, and the STAND-IN behind them.

Here WinRM is tried too (TLS, NTLM), which the stand-in guest does not have.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, cast

import paramiko
import pytest
from windows_peers import Windows, WindowsAgent, WindowsSshd
from winrm_peer import FakeWinRm

from lab.clock import Stopwatch
from lab.guest.guest import Guest
from lab.guest.windows.agent import WindowsAgentChannel
from lab.guest.windows.dialect import WINDOWS
from lab.guest.windows.ssh import WindowsSshChannel
from lab.guest.winrm_channel import WinRmChannel, WinRmEndpoint
from lab.images.stand_in.known import known
from lab.model import Timeouts
from lab.selftest.windows import checks
from lab.selftest.windows.bench import Bench

PASSWORD = "s3cret aA1."
MEMORY_MIB = 1 << 30
"""The stand-in tells this host's memory."""
PLAY = """
import json, sys
from pathlib import Path
from lab.images.stand_in.guest.drives import Drives
from lab.images.stand_in.guest.kernel import Kernel
from lab.images.stand_in.guest.orders import Reader
from lab.images.stand_in.guest.programs import Programs, Streams
class Silent:
    def __getattr__(self, name): return lambda *words: None
root, order = Path(sys.argv[1]), sys.argv[2]
kernel = Kernel(Drives({"C": root / "c", "Q": root / "q"}), Silent(), root / "run")
if order == "boot":
    kernel.boot(); sys.exit()
programs = Programs(kernel, Reader(json.loads((root / "known.json").read_text())))
sys.exit(programs.order(order.encode(), Streams(sys.stdin.buffer, sys.stdout.buffer, sys.stderr.buffer)))
"""


class PlayedWindows(Windows):
    """Orders are read and done by the stand-in's own program."""

    def path(self, name: str) -> Path:
        return self.root.parent / name[0].lower() / name[3:].replace("\\", "/")

    def start(self, order: bytes, stdin: IO[bytes] | bytes) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", PLAY, str(self.root.parent), order.decode()],
            stdin=subprocess.PIPE if isinstance(stdin, bytes) else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for letter in "cq":
        (tmp_path / letter).mkdir()
    (tmp_path / "known.json").write_text(json.dumps(known()))
    subprocess.run([sys.executable, "-c", PLAY, str(tmp_path), "boot"], check=True)
    system = PlayedWindows(tmp_path / "c")
    agent = WindowsAgent(system)
    keys = {name: paramiko.ECDSAKey.generate() for name in ("host", "client")}
    keys["client"].write_private_key_file(str(tmp_path / "client"))
    sshd = WindowsSshd(keys["host"], system)
    sshd.accepted.add(keys["client"].asbytes())
    pinned = f"{keys['host'].get_name()} {keys['host'].get_base64()}"
    (tmp_path / "users").write_text(f":lab:{PASSWORD}\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))
    service = FakeWinRm(tmp_path, system)
    told = WinRmEndpoint(
        host="127.0.0.1", port=service.port, user="lab", password=PASSWORD, thumbprint=service.thumbprint
    )
    channels = (
        WindowsAgentChannel(agent),
        WindowsSshChannel("127.0.0.1", sshd.port, "lab", tmp_path / "client", pinned),
        WinRmChannel(told),
    )
    timeouts = Timeouts()
    guest = Guest(channels, lambda _seen: None, Stopwatch(), timeouts, dialect=WINDOWS)
    ways: dict[str, Any] = {channel.name: channel for channel in channels}
    profile = SimpleNamespace(memory_mib=MEMORY_MIB)
    made: Any = SimpleNamespace(ways=ways, guest=guest, timeouts=timeouts, dialect=WINDOWS)
    made.order = SimpleNamespace(profile=profile)
    yield cast(Bench, made)
    guest.close()
    for end in (agent, sshd, service):
        end.stop()


@pytest.mark.parametrize("name", ["agent", "ssh", "winrm"])
def test_each_channel_answers_and_tells_the_same_boot(bench: Bench, name: str) -> None:
    assert checks.over(name)(bench).startswith("answers, boot 1-")


def test_all_words_reach_a_program_over_each_channel(bench: Bench) -> None:
    assert "agent, ssh, winrm" in checks.quoting(bench)


def test_files_come_back_as_they_went_over_each_channel(bench: Bench) -> None:
    assert "agent, ssh, winrm" in checks.files(bench)


def test_facts_and_logs_and_the_dump_disk_are_as_the_steps_want_them(bench: Bench) -> None:
    assert "STAND-IN" in checks.told_facts(bench)
    assert "none broken" in checks.event_log(bench)
    assert "Q: is there" in checks.dump_disk(bench)
