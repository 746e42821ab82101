"""Processors and memory within every limit that is put on us."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.machine import room
from lab.machine.room import measure

GIB = 1024**3


class Host:
    """A /proc and a /sys/fs/cgroup of files."""

    def __init__(self, root: Path, *, cgroup: str, available_mib: int = 10_000) -> None:
        self.proc, self.groups = root / "proc", root / "cgroup"
        self.write("proc/self/cgroup", cgroup, root)
        self.write("proc/meminfo", f"MemTotal: 1 kB\nMemAvailable: {available_mib * 1024} kB\n", root)
        self.groups.mkdir()
        self._root = root

    def write(self, name: str, text: str, root: Path | None = None) -> None:
        path = (root or self._root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def measure(self) -> room.Room:
        return measure(self.proc, self.groups)


@pytest.fixture(autouse=True)
def sixteen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(16)))


@pytest.fixture
def second(tmp_path: Path) -> Host:
    """Control groups of version 2, in a group inside a group."""
    host = Host(tmp_path, cgroup="0::/batch/job7\n")
    host.write("cgroup/cgroup.controllers", "cpu memory")
    host.write("cgroup/batch/job7/cgroup.procs", "")
    return host


@pytest.fixture
def first(tmp_path: Path) -> Host:
    """Version 1."""
    host = Host(tmp_path, cgroup="5:cpu,cpuacct:/job\n4:memory:/job\n1:name=systemd:/\n0::/\n")
    host.write("cgroup/cpu,cpuacct/job/cgroup.procs", "")
    host.write("cgroup/memory/job/cgroup.procs", "")
    return host


def test_without_limits_there_is_all_of_the_machine(second: Host) -> None:
    found = second.measure()
    assert (found.cpus, found.cpus_why) == (16, "16 processors")
    assert (found.memory_mib, found.memory_why) == (10_000, "10000 MiB are available")


def test_affinity_counts(second: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2})
    assert (second.measure().cpus, second.measure().cpus_why) == (3, "3 of 16 processors by CPU affinity")


def test_a_limit_of_any_group_above_us_counts_version_2(second: Host) -> None:
    second.write("cgroup/batch/memory.max", f"{4 * GIB}\n")
    second.write("cgroup/batch/memory.current", f"{3 * GIB}\n")
    second.write("cgroup/batch/memory.stat", f"anon 1\ninactive_file {GIB}\n")
    second.write("cgroup/batch/job7/memory.max", "max\n")
    second.write("cgroup/batch/job7/cpu.max", "250000 100000\n")
    second.write("cgroup/batch/cpu.max", "max 100000\n")
    found = second.measure()
    assert found.memory_mib == 2048
    assert found.memory_why.startswith("2048 MiB are left of the 4096 that control group ")
    assert (found.cpus, found.cpus_why.split(" by ")[0]) == (2, "2.5 of 16 processors")


def test_a_limit_counts_version_1(first: Host) -> None:
    first.write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    first.write("cgroup/memory/job/memory.limit_in_bytes", f"{2 * GIB}\n")
    first.write("cgroup/memory/job/memory.usage_in_bytes", f"{GIB}\n")
    first.write("cgroup/memory/job/memory.stat", f"cache 5\ntotal_inactive_file {GIB // 2}\n")
    first.write("cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "400000\n")
    first.write("cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n")
    found = first.measure()
    assert (found.memory_mib, found.cpus) == (1536, 4)


@pytest.mark.parametrize("text", ["max 100000", "-1", "", "nonsense", "0 0"])
def test_no_quota_is_no_limit(second: Host, text: str) -> None:
    second.write("cgroup/cpu.max", text)
    assert second.measure().cpus == 16


def test_a_quota_below_one_processor_is_one(second: Host) -> None:
    second.write("cgroup/cpu.max", "20000 100000")
    assert second.measure().cpus == 1


def test_in_a_container_whose_groups_are_not_to_be_seen_the_root_counts(tmp_path: Path) -> None:
    """/proc names the path on the machine, while /sys/fs/cgroup shows the container's own part."""
    host = Host(tmp_path, cgroup="0::/system.slice/docker-abc.scope\n")
    host.write("cgroup/cgroup.controllers", "memory")
    host.write("cgroup/memory.max", f"{GIB}\n")
    host.write("cgroup/memory.current", "0\n")
    assert host.measure().memory_mib == 1024


def test_a_group_that_uses_more_than_its_limit_has_nothing_left(second: Host) -> None:
    second.write("cgroup/memory.max", f"{GIB}\n")
    second.write("cgroup/memory.current", f"{2 * GIB}\n")
    assert second.measure().memory_mib == 0


def test_a_machine_without_any_of_it_is_still_measured(tmp_path: Path) -> None:
    found = measure(tmp_path / "none", tmp_path / "neither")
    assert (found.cpus, found.memory_mib) == (16, 0)
