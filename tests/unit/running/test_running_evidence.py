"""What is taken of which guest, in which order, and what is left out and why."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lab.clock import Deadline, Stopwatch
from lab.errors import MachineError
from lab.machine import kdump
from lab.machine.witness import MemoryDump
from lab.model import (
    Capture,
    DumpWhen,
    EvidencePolicy,
    Family,
    Finding,
    FindingKind,
    Observation,
    Signature,
)
from lab.running import asking, dumping
from lab.running.asking import Asking
from lab.running.captures import Captures
from lab.running.dump_slots import DumpSlots
from lab.running.dumping import Dumping
from lab.running.evidence import NMI_PANICS, Case, Evidence

CRASHED = Case(failed=True, silent=False)
SILENT = Case(failed=True, silent=True)
WELL = Case(failed=False, silent=False)
LINUX = "console=ttyS0"


class FakeWitness:
    """A machine whose guest answers as told; notes everything that is done to it."""

    def __init__(self, directory: Path) -> None:
        self.log = directory / "serial.log"
        self.log.write_bytes(b"booted\n")
        self.done: list[str] = []
        self.memory_mib = 256
        self.dump_disk: Path | None = None
        self.alive = True
        self.answers = "serial"
        """Over which way keys are answered: serial, keyboard, or neither ("")."""
        self.writes: Iterator[int] = iter(())
        self.total = 0
        self.refuses: set[str] = set()
        self.compressed = True

    def _do(self, what: str) -> None:
        self.done.append(what)
        if what in self.refuses:
            raise MachineError(f"{what} could not be done")

    def registers(self) -> str:
        self._do("registers")
        return "RIP=ffffffff81a592eb HLT=1\n"

    def written(self) -> int:
        self.total = next(self.writes, self.total)
        return self.total

    @contextlib.contextmanager
    def serial_keys(self) -> Iterator[Callable[[str], None]]:
        self._do("serial")
        yield lambda key: self._key("serial", key)

    def keyboard(self, key: str) -> None:
        self._key("keyboard", key)

    def _key(self, way: str, key: str) -> None:
        self._do(f"{way} {key}")
        if self.answers == way:
            with self.log.open("ab") as log:
                log.write(f"sysrq: {key}\n".encode())

    def nmi(self) -> None:
        self._do("nmi")

    def dump(self, target: Path, *, timeout_s: float) -> MemoryDump:
        assert timeout_s >= 20.0
        self._do("dump")
        target.write_bytes(b"KDUMP   ")
        return MemoryDump(path=target, compressed=self.compressed)


class Scene:
    """The parts put together, with the recording they write."""

    def __init__(self, tmp_path: Path) -> None:
        self.run = tmp_path / "run"
        self.directory = self.run / "cells/one/a1"
        self.directory.mkdir(parents=True)
        self.seen: list[Observation] = []
        self.witness = FakeWitness(self.directory)
        self.moved_on = False
        self.bursts = 0

    def take(
        self,
        case: Case,
        *,
        family: Family = Family.LINUX,
        cmdline: str = LINUX,
        left_s: float = 600.0,
        **policy: Any,
    ) -> list[Capture]:
        evidence = self.evidence(EvidencePolicy(**policy), family, cmdline, left_s)
        evidence.take(case)
        return self.captures

    def evidence(
        self,
        policy: EvidencePolicy,
        family: Family = Family.LINUX,
        cmdline: str = LINUX,
        left_s: float = 600.0,
    ) -> Evidence:
        def moved_on() -> bool:
            return self.moved_on

        captures = Captures(self.directory, self.seen.append, Stopwatch())
        dumps = Dumping(
            self.witness, captures, policy, DumpSlots(self.run, policy.most),
            factor=1.0, deadline=Deadline.after(left_s), moved_on=moved_on,
        )  # fmt: skip
        return Evidence(
            self.witness,
            captures,
            Asking(self.witness, captures, factor=1.0, moved_on=moved_on),
            dumps,
            policy=policy,
            family=family,
            cmdline=cmdline,
            burst=self.burst,
        )

    def burst(self) -> None:
        self.bursts += 1
        self.witness.done.append("burst")

    @property
    def captures(self) -> list[Capture]:
        return [one for one in self.seen if isinstance(one, Capture)]

    @property
    def taken(self) -> list[tuple[str, bool]]:
        return [(one.what, one.ok) for one in self.captures]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    for name in ("ANSWER_S", "QUIET_S", "TALK_S", "NMI_S"):
        monkeypatch.setattr(asking, name, 0.001)
    monkeypatch.setattr(dumping, "IDLE_DISK_S", 0.001)
    monkeypatch.setattr(dumping, "LOOK_S", 0.001)

    def kernel_log(dump: Path, target: Path, *, timeout_s: float) -> int:
        assert timeout_s > 0
        with dump.open("ab") as stream:
            stream.write(b"VMCOREINFO")
        target.write_text("Linux version\n")
        return 1

    monkeypatch.setattr(kdump, "kernel_log", kernel_log)
    return Scene(tmp_path)


# -- which case it is --------------------------------------------------------------


def finding(kind: FindingKind) -> Finding:
    return Finding(kind=kind, signature=Signature(title="t"), fatal=True, t_s=1.0)


@pytest.mark.parametrize(
    ("fatal", "completed", "panicked", "unanswered", "expected"),
    [
        (None, True, False, False, Case(failed=False, silent=False)),
        (None, True, False, True, Case(failed=False, silent=True)),
        (None, False, False, False, Case(failed=False, silent=False)),
        (None, False, False, True, Case(failed=True, silent=True)),
        (FindingKind.PANIC, False, True, True, Case(failed=True, silent=False)),
        (FindingKind.PANIC, False, False, False, Case(failed=True, silent=False)),
        (FindingKind.LOST_CONNECTION, False, False, True, Case(failed=True, silent=True)),
        (FindingKind.HANG, False, False, False, Case(failed=True, silent=True)),
        (FindingKind.LOCKUP, False, True, True, Case(failed=True, silent=False)),
    ],
)
def test_a_guest_is_asked_only_when_it_is_silent_and_did_not_panic(
    fatal: FindingKind | None, completed: bool, panicked: bool, unanswered: bool, expected: Case
) -> None:
    found = finding(fatal) if fatal else None
    case = Case.of(found, completed=completed, panicked=panicked, unanswered=unanswered)
    assert case == expected


# -- order -------------------------------------------------------------------------


def test_a_crashed_guest_is_dumped_at_once_since_it_will_reboot(scene: Scene) -> None:
    scene.take(CRASHED)
    assert scene.witness.done == ["registers", "dump"]
    assert scene.taken == [("registers", True), ("memory-dump", True), ("kernel-log", True)]


def test_a_silent_guest_is_looked_at_before_it_is_asked_and_asked_before_it_is_dumped(scene: Scene) -> None:
    scene.take(SILENT)
    assert scene.witness.done == [
        "burst", "registers", "serial", "serial l", "serial w", "serial m", "dump",
    ]  # fmt: skip


def test_a_guest_that_is_well_is_left_alone(scene: Scene) -> None:
    assert scene.take(WELL) == []
    assert scene.witness.done == []


def test_of_a_machine_that_is_gone_nothing_is_taken(scene: Scene) -> None:
    scene.witness.alive = False
    assert scene.take(SILENT) == []


def test_files_are_named_with_their_size_and_digest_as_they_are_in_the_end(scene: Scene) -> None:
    for capture in scene.take(CRASHED):
        data = (scene.directory / capture.path).read_bytes()
        assert (capture.bytes, capture.sha256) == (len(data), hashlib.sha256(data).hexdigest()), capture.what
    assert (scene.directory / "memory.dump").read_bytes().endswith(b"VMCOREINFO")


def test_one_thing_that_cannot_be_taken_does_not_keep_the_others_from_being_taken(scene: Scene) -> None:
    scene.witness.refuses = {"registers", "serial", "keyboard l"}
    taken = scene.take(SILENT)
    assert scene.taken == [
        ("registers", False), ("sysrq", True), ("sysrq", False), ("memory-dump", True), ("kernel-log", True),
    ]  # fmt: skip
    assert taken[0].detail == "registers could not be done"


def test_a_kept_guest_is_stopped_and_so_is_dumped_and_not_asked(scene: Scene) -> None:
    scene.evidence(EvidencePolicy()).frozen()
    assert scene.witness.done == ["registers", "dump"]


# -- asking ------------------------------------------------------------------------


def test_what_the_lab_provokes_is_announced_before(scene: Scene) -> None:
    begun, answered = (one for one in scene.take(SILENT) if one.what == "sysrq")
    assert "what follows is the lab's doing" in begun.detail
    assert begun.t_s <= answered.t_s
    assert (answered.path, answered.bytes) == ("serial.log", 3 * len("sysrq: l\n"))
    assert answered.detail == "lwm by the serial line"


@pytest.mark.parametrize("refuses", [set(), {"serial"}], ids=["deaf", "taken by a person"])
def test_where_the_serial_line_does_not_serve_the_keyboard_does(scene: Scene, refuses: set[str]) -> None:
    scene.witness.answers, scene.witness.refuses = "keyboard", refuses
    (_begun, answered) = (one for one in scene.take(SILENT) if one.what == "sysrq")
    assert scene.witness.done[-4:-1] == ["keyboard l", "keyboard w", "keyboard m"]
    assert (answered.ok, answered.detail) == (True, "lwm by the keyboard")


def test_a_guest_that_hears_nothing_is_recorded_as_such(scene: Scene) -> None:
    scene.witness.answers = ""
    (_begun, answered) = (one for one in scene.take(SILENT) if one.what == "sysrq")
    assert (answered.ok, answered.path, answered.bytes) == (False, "", 0)
    assert answered.detail == "no answer, by serial line or keyboard"


def test_windows_is_interrupted_and_gets_no_linux_keys(scene: Scene) -> None:
    scene.take(SILENT, family=Family.WINDOWS, cmdline="")
    assert [what for what, _ok in scene.taken] == ["registers", "nmi", "nmi", "guest-dump", "memory-dump"]
    assert not any(one.startswith("serial") for one in scene.witness.done)


@pytest.mark.parametrize(
    ("cmdline", "answers", "interrupted"),
    [
        (f"{LINUX} {NMI_PANICS}", "", True),
        (f"{LINUX} {NMI_PANICS}", "serial", False),
        (LINUX, "", False),
    ],
    ids=["deaf", "it answered the keys", "it would not panic"],
)
def test_a_linux_is_interrupted_when_it_hears_no_key_and_was_told_to_panic_then(
    scene: Scene, cmdline: str, answers: str, interrupted: bool
) -> None:
    scene.witness.answers = answers
    scene.take(SILENT, cmdline=cmdline)
    assert ("nmi" in scene.witness.done) is interrupted


# -- the guest's own dump ----------------------------------------------------------


def test_a_guest_that_writes_is_waited_for_until_its_disks_rest(scene: Scene) -> None:
    scene.witness.writes = iter([10 << 20, 20 << 20, 30 << 20])
    (dump,) = (one for one in scene.take(CRASHED, family=Family.WINDOWS) if one.what == "guest-dump")
    assert (dump.ok, dump.bytes) == (True, 20 << 20)
    assert dump.detail == "the guest wrote 20 MiB after the crash, until its disks rested"


def test_a_guest_that_reboots_is_waited_for_no_longer(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumping, "IDLE_DISK_S", 60.0)
    scene.moved_on = True
    (dump,) = (one for one in scene.take(CRASHED, family=Family.WINDOWS) if one.what == "guest-dump")
    assert not dump.ok
    assert dump.detail.endswith("until a reboot")


def test_the_wait_has_an_end_however_long_the_guest_writes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dumping, "IDLE_DISK_S", 60.0)
    scene.witness.writes = iter(range(10**9))
    found = scene.take(CRASHED, family=Family.WINDOWS, guest_dump_wait_s=0.01)
    (dump,) = (one for one in found if one.what == "guest-dump")
    assert dump.detail.endswith("until its deadline")


def test_a_linux_without_a_dump_disk_is_not_waited_for(scene: Scene) -> None:
    assert "guest-dump" not in [one.what for one in scene.take(CRASHED)]


def test_an_empty_dump_disk_is_not_kept(scene: Scene) -> None:
    scene.witness.dump_disk = scene.run / "dump.raw"
    with scene.witness.dump_disk.open("wb") as disk:
        disk.truncate(1 << 20)
    (dump,) = (one for one in scene.take(CRASHED) if one.what == "guest-dump")
    assert (dump.ok, dump.path) == (False, "")


@pytest.mark.parametrize("at", [0, 512, 4096 * 3])
def test_a_dump_is_kept_from_where_it_begins(scene: Scene, at: int) -> None:
    disk = scene.witness.dump_disk = scene.run / "dump.raw"
    data = bytearray(1 << 20)
    data[100:108] = b"PAGEDU64"  # not at the start of a sector: text that speaks of dumps
    data[at : at + 8] = b"PAGEDUMP"
    data[at + 600 : at + 604] = b"tail"
    disk.write_bytes(data)
    assert dumping.dump_start(disk) == at


def test_a_disk_without_a_dump_has_no_start(tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(b"x" * 2048)
    assert dumping.dump_start(tmp_path / "disk") is None


def test_a_dump_disk_larger_than_allowed_is_not_kept(scene: Scene) -> None:
    scene.witness.dump_disk = scene.run / "dump.raw"
    scene.witness.dump_disk.write_bytes(b"D" * (3 << 20))
    (dump,) = (one for one in scene.take(CRASHED, max_size_mib=1) if one.what == "guest-dump")
    assert not dump.ok
    assert "3 MiB (evidence.max_size is 1 MiB)" in dump.detail


# -- the host's dump ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "case", "dumped"),
    [
        (DumpWhen.ON, WELL, True), (DumpWhen.ON, CRASHED, True), (DumpWhen.FAILED, WELL, False),
        (DumpWhen.FAILED, CRASHED, True), (DumpWhen.OFF, CRASHED, False), (DumpWhen.OFF, WELL, False),
    ],
)  # fmt: skip
def test_memory_is_dumped_when_the_policy_says_so(
    scene: Scene, when: DumpWhen, case: Case, dumped: bool
) -> None:
    scene.take(case, memory_dump=when)
    assert ("dump" in scene.witness.done) is dumped
    assert (scene.directory / "memory.dump").exists() is dumped


def refused(scene: Scene, **options: Any) -> str:
    (dump,) = (one for one in scene.take(CRASHED, **options) if one.what == "memory-dump")
    assert not dump.ok
    assert "dump" not in scene.witness.done
    assert not (scene.directory / "memory.dump").exists()
    return dump.detail


def test_a_guest_with_more_memory_than_allowed_is_not_dumped_and_the_recording_says_so(scene: Scene) -> None:
    scene.witness.memory_mib = 4096
    assert refused(scene) == "not taken: the guest has 4096 MiB (evidence.max_size is 2048 MiB)"


def test_a_host_without_room_is_not_filled(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(free=1500 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    assert refused(scene) == "not taken: 1500 MiB are free (wanted 1536 MiB)"


def test_no_dump_is_begun_when_the_attempt_is_about_to_be_ended(scene: Scene) -> None:
    assert "s are left to the attempt (wanted 20 s)" in refused(scene, left_s=3.0)


def test_a_run_gets_no_more_dumps_than_it_may(scene: Scene) -> None:
    assert "0 guests of this run were dumped already" in refused(scene, most=0)
    assert DumpSlots(scene.run, 1).claim("another cell")
    scene.seen.clear()
    assert "1 guests of this run were dumped already (evidence.most)" in refused(scene, most=1)


def test_a_dump_that_failed_takes_no_slot(scene: Scene) -> None:
    scene.witness.refuses = {"dump"}
    (dump,) = (one for one in scene.take(CRASHED, most=1) if one.what == "memory-dump")
    assert (dump.ok, dump.detail) == (False, "dump could not be done")
    assert DumpSlots(scene.run, 1).claim("another cell")


@pytest.mark.parametrize(("family", "compressed"), [(Family.WINDOWS, True), (Family.LINUX, False)])
def test_a_kernel_log_is_only_looked_for_where_there_can_be_one(
    scene: Scene, family: Family, compressed: bool
) -> None:
    scene.witness.compressed = compressed
    scene.take(CRASHED, family=family)
    assert "kernel-log" not in [what for what, _ok in scene.taken]


def test_a_dump_without_a_readable_log_is_still_a_dump(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(_dump: Path, _target: Path, *, timeout_s: float) -> int:
        raise MachineError(f"no VMCOREINFO in {timeout_s} s")

    monkeypatch.setattr(kdump, "kernel_log", unreadable)
    scene.take(CRASHED)
    assert scene.taken[-2:] == [("memory-dump", True), ("kernel-log", False)]
