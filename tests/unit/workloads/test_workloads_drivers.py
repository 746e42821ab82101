"""What drivers send into their guests, and what they make of the answers."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.errors import InputError
from lab.guest.windows import paths
from lab.model import Family
from lab.proc import Completed
from lab.workloads.drivers import driver_of
from lab.workloads.linux_guest import LinuxDriver
from lab.workloads.means import Task
from lab.workloads.windows_guest import WindowsDriver

TASK = Task(
    op="spin", workers=2, duty=0.5, pace_ms=100, command='tool --it\'s "$seconds"', settings={"port": 1}
)


class EchoGuest:
    """Remembers what it was told; answers with the same text always."""

    def __init__(self, answer: str = "") -> None:
        self.answer = answer
        self.commands: list[list[str]] = []
        self.inputs: list[bytes] = []
        self.files: dict[str, bytes | Path] = {}
        self.boot = "one"

    def run(
        self,
        command: str | Sequence[str],
        timeout_s: float | None = None,
        check: bool = False,
        *,
        stdin: bytes = b"",
    ) -> Completed:
        self.commands.append(list(command))
        self.inputs.append(stdin)
        return Completed(exit_code=0, stdout=self.answer.encode())

    def put(self, source: bytes | Path, to: str) -> None:
        self.files[to] = source

    def boot_id(self) -> str:
        return self.boot


def test_each_family_has_its_driver() -> None:
    assert isinstance(driver_of(EchoGuest(), Family.LINUX), LinuxDriver)
    assert isinstance(driver_of(EchoGuest(), Family.WINDOWS), WindowsDriver)


def test_scripts_go_into_memory_once_per_boot() -> None:
    guest = EchoGuest()
    driver = LinuxDriver(guest)
    driver.prepare()
    driver.prepare()
    assert set(guest.files) == {"/run/lab-load/load.sh", "/run/lab-load/ops.sh"}
    assert len(guest.commands) == 1
    guest.boot, guest.files = "two", {}
    driver.prepare()
    assert guest.files


def test_a_task_reaches_the_shell_as_assignments_that_mean_exactly_it() -> None:
    guest = EchoGuest()
    LinuxDriver(guest).start("cpu-1", TASK, for_s=20, round_s=5)
    assert guest.commands[-1] == ["sh", "/run/lab-load/load.sh", "start", "cpu-1"]
    told = dict(word.split("=", 1) for word in shlex.split(guest.inputs[-1].decode()))
    assert told["command"] == TASK.command
    assert (told["workers"], told["idle"], told["pace_us"]) == ("2", "100", "100000")
    assert (told["for_s"], told["round_s"], told["port"]) == ("20", "5", "1")
    assert told["dir"] == "/var/tmp/lab-load-cpu-1"


def test_a_task_without_operations_has_no_workers() -> None:
    guest = EchoGuest()
    LinuxDriver(guest).start("large-1", Task(command="fio"), for_s=20, round_s=5)
    assert b"workers='0'" in guest.inputs[-1]


def test_a_task_reaches_powershell_as_json() -> None:
    guest = EchoGuest()
    WindowsDriver(guest).start("cpu-1", TASK, for_s=20, round_s=5)
    assert guest.commands[-1][-3:] == ["C:\\ProgramData\\lab-load\\load.ps1", "start", "cpu-1"]
    told = json.loads(guest.inputs[-1])
    assert (told["op"], told["idle"], told["dir"]) == ("spin", 100, "C:\\ProgramData\\lab-load\\cpu-1\\files")


def test_the_users_tools_are_carried_into_a_windows_guest(tmp_path: Path) -> None:
    exe = tmp_path / "DiskSpd.EXE"
    exe.write_bytes(b"MZ")
    guest = EchoGuest()
    WindowsDriver(guest, tools={"diskspd": exe}).prepare()
    assert guest.files["C:\\ProgramData\\lab-load\\tools\\diskspd.exe"] == exe
    make = "New-Item -ItemType Directory -Force -Path 'C:\\ProgramData\\lab-load\\tools' | Out-Null"
    assert "".join(guest.commands[0]) == make
    assert all(paths.checked(path) == path for path in guest.files), "every channel takes these paths"


def test_a_tool_that_is_not_there_is_an_error_before_the_guest_is_touched(tmp_path: Path) -> None:
    guest = EchoGuest()
    with pytest.raises(InputError, match=r"tools.diskspd: .*none.exe: no such file"):
        WindowsDriver(guest, tools={"diskspd": tmp_path / "none.exe"}).prepare()
    assert guest.commands == []


@pytest.mark.parametrize("family", list(Family))
def test_answers_of_both_families_are_read_alike(family: Family) -> None:
    answer = (
        "state running\r\nboot b\r\ncpu 250 3\r\nround 4\r\nops 7\r\nbin 1500 7\r\nworst_us 1490\r\nend 4\r\n"
    )
    driver = driver_of(EchoGuest(answer), family)
    for look in (driver.look("cpu-1", 3), driver.stop("cpu-1", 3, 10.0)):
        assert (look.state, look.cpu_s, look.processes) == ("running", 2.5, 3)
        assert [(one.number, one.ops, one.latency.worst_ns) for one in look.rounds] == [(4, 7, 1_490_000)]


@pytest.mark.parametrize("family", list(Family))
def test_the_size_of_a_guest_is_asked_together_with_what_it_lacks(family: Family) -> None:
    guest = EchoGuest("2\n524288 262144\n1048576\nfio\n")
    size, missing = driver_of(guest, family).survey(["stress-ng", "fio"])
    assert (size.vcpus, size.available_mib, missing) == (2, 256, ["fio"])
    assert guest.commands[-1][-2:] == ["stress-ng", "fio"]
