"""Whether a machine is quiet, what /proc says, and what a bench reads out of others' words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import bare, catalogue, laboratory, matrices, overhead, processes
from benchmarks.core import machine, scratch
from benchmarks.core.machine import Load
from benchmarks.core.settings import Settings
from lab.clock import Stopwatch
from lab.errors import InfraError
from lab.model import CommandRun, MachineEvent, Step
from lab.recording.writer import Recorder
from lab.running.rundir import RunDirectory

QUIET = Load(load1=0.1, cpu_pressure=0.0, memory_pressure=0.0, free_mib=20000, guests=0)


def test_a_quiet_machine_is_not_called_busy() -> None:
    assert machine.busy(QUIET, 2) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"load1": 1.0}, "load is 1.00"),
        ({"cpu_pressure": 37.0}, "wait for a core 37 %"),
        ({"memory_pressure": 2.0}, "wait for memory"),
        ({"free_mib": 512}, "512 MiB"),
        ({"guests": 3}, "3 QEMU processes"),
    ],
)
def test_each_way_to_be_busy_is_told(change: dict[str, float], said: str) -> None:
    values = {name: getattr(QUIET, name) for name in Load.__dataclass_fields__}
    (reason,) = machine.busy(Load(**{**values, **change}), 2)
    assert said in reason


def test_pressure_is_read_and_is_zero_where_the_kernel_does_not_tell(tmp_path: Path) -> None:
    (tmp_path / "cpu").write_text(
        "some avg10=2.26 avg60=1.33 avg300=0.41 total=58\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
    )
    assert machine.pressure("cpu", tmp_path) == 2.26
    assert machine.pressure("memory", tmp_path) == 0.0


def test_private_memory_is_what_is_clean_and_what_is_dirty() -> None:
    text = (
        "55d0c6a00000-7ffd8c1fe000 ---p 00000000 00:00 0    [rollup]\n"
        "Rss:              204800 kB\nPss:              102400 kB\nPss_Anon:          4096 kB\n"
        "Shared_Clean:     151552 kB\nShared_Dirty:          0 kB\n"
        "Private_Clean:      2048 kB\nPrivate_Dirty:     51200 kB\n"
    )
    assert processes.parse_rollup(text) == processes.Memory(private=52.0, pss=100.0, rss=200.0)


def test_a_process_that_is_gone_has_spent_nothing() -> None:
    assert processes.cpu_s(2**22 + 1) == 0.0
    assert processes.peak_mib(2**22 + 1) == 0.0


LINE = (
    "LC_ALL=C HOME=/nowhere /usr/bin/qemu-system-x86_64 -name guest=x -S "
    """-object '{"qom-type":"secret","id":"masterKey0","file":"/gone/master-key.aes"}' """
    """-object '{"qom-type":"memory-backend-ram","id":"pc.ram","size":268435456}' """
    "-chardev socket,id=charmonitor,path=/old/monitor.sock,server=on,wait=off "
    "-mon chardev=charmonitor,id=monitor,mode=control -append 'root=/dev/vda rw' "
    "-incoming defer -sandbox on,spawn=deny -msg timestamp=on"
)


def test_a_bare_command_line_is_libvirts_without_what_only_libvirt_needs() -> None:
    words = bare.arguments(LINE, Path("/m"))
    assert words[0] == "/usr/bin/qemu-system-x86_64"
    assert "-S" not in words
    assert "-sandbox" not in words
    assert "on,spawn=deny" not in words
    assert "socket,id=charmonitor,path=/m,server=on,wait=off" in words
    assert not [word for word in words if "secret" in word]
    assert words.count("-object") == 1
    assert words[words.index("-append") + 1] == "root=/dev/vda rw"
    assert words[-4:] == ["-incoming", "defer", "-msg", "timestamp=on"]


def test_every_bench_has_a_module_with_a_run() -> None:
    for name, entry in catalogue.BENCHES.items():
        assert callable(entry.load()), name
        assert entry.deadline(quick=True) <= entry.deadline(quick=False)


def test_quick_repeats_once_and_repeat_wins() -> None:
    assert Settings(root="/x").times(5) == 5
    assert Settings(root="/x", quick=True).times(5) == 1
    assert Settings(root="/x", quick=True, repeat=3).times(5) == 3


def test_verdicts_that_differ_are_named() -> None:
    given = {"cells": [{"id": "a", "outcome": "failed", "blame": "candidate"}]}
    one = matrices.verdicts(given)
    assert one == {"a": "failed/candidate"}
    assert matrices.different(one, dict(one)) == []
    assert matrices.different(one, {"a": "passed/none"}) == ["a: failed/candidate with, passed/none without"]
    assert matrices.different(one, {}) == ["a: failed/candidate with, not there without"]


def cell(run: Path, name: str, *, clone: bool, outcome: str = "completed") -> Path:
    """A recording with the marks that benches read."""
    directory = run / "cells" / name / "a1"
    directory.mkdir(parents=True)
    (directory / "attempt.json").write_text(json.dumps({"clone": clone}))
    wall = "2026-11-23T12:00:00.000Z"
    with Recorder(directory, Stopwatch()) as recorder:
        recorder.add(Step(t_s=0.0, name="attempt", phase="start", detail={"wall": wall}))
        recorder.add(MachineEvent(t_s=0.4, name="started", details={}))
        if clone:
            recorder.add(Step(t_s=0.9, name="woken", phase="note", detail={}))
        recorder.add(CommandRun(t_s=1.0, channel="agent", command="true", exit_code=0, duration_s=0.1))
        recorder.add(Step(t_s=1.1, name="scenario", phase="end", outcome=outcome, detail={}))
        recorder.close(scenario=outcome, detail="as wanted")
    return directory


def test_when_a_cell_did_what_is_read_from_its_recording(tmp_path: Path) -> None:
    directory = cell(tmp_path, "one", clone=True)
    closed = directory / "closed.json"
    closed.write_text(json.dumps({**json.loads(closed.read_text()), "t_s": 1.5}))
    (found,) = laboratory.times(RunDirectory(tmp_path))
    assert found.clone
    assert found.between("opened", "started") == pytest.approx(0.4)
    assert found.between("woken", "ended") == pytest.approx(0.2)
    assert found.between("ended", "closed") == pytest.approx(0.4)
    assert found.between("ended", "never") is None


def test_a_cell_costs_the_time_since_the_one_before_it_ended_and_cold_ones_are_not_counted() -> None:
    def at(closed: float, *, clone: bool) -> laboratory.CellTimes:
        return laboratory.CellTimes(
            cell="x", clone=clone, outcome="completed", detail="", opened=closed - 1, marks={"closed": closed}
        )

    cells = [at(10, clone=False), at(12, clone=True), at(20, clone=False), at(23, clone=True)]
    assert overhead.intervals(cells) == [2, 3]


def test_a_run_in_which_a_cell_failed_or_was_tried_again_is_no_measurement(tmp_path: Path) -> None:
    cell(tmp_path, "one", clone=True)
    assert len(laboratory.completed(RunDirectory(tmp_path))) == 1
    cell(tmp_path, "two", clone=True, outcome="error")
    with pytest.raises(InfraError, match="two was not completed at once: as wanted"):
        laboratory.completed(RunDirectory(tmp_path))
    (tmp_path / "cells/one/a2").mkdir()
    with pytest.raises(InfraError, match="one was not completed at once"):
        laboratory.completed(RunDirectory(tmp_path))
    with pytest.raises(InfraError, match="no cell"):
        laboratory.completed(RunDirectory(tmp_path / "empty"))


def test_a_directory_whose_command_runs_is_left_alone_and_one_of_a_dead_command_is_not(
    tmp_path: Path,
) -> None:
    mine, dead, fresh = (tmp_path / f"{scratch.PREFIX}{name}" for name in ("mine", "dead", "fresh"))
    for root in (mine, dead, fresh):
        root.mkdir()
    (mine / scratch.OWNER).write_text(json.dumps(scratch.identity()))
    (dead / scratch.OWNER).write_text(json.dumps({**scratch.identity(), "started": 1.0}))
    assert scratch.alive(mine)
    assert not scratch.alive(dead)
    assert scratch.alive(fresh), "it may be about to write its name"
