"""The workloads by name: what each loads, and how on which family of guests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.config.located import unknown
from lab.errors import InputError
from lab.model import Family
from lab.workloads.means import Means
from lab.workloads.on_linux import LINUX
from lab.workloads.on_windows import WINDOWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One kind of load."""

    name: str
    loads: str
    """What it puts under load, for people."""
    means: Mapping[Family, tuple[Means, ...]]
    """Ways to make it, the best first."""

    def ways(self, family: Family) -> tuple[Means, ...]:
        """:raise InputError: there is none on `family`."""
        if family not in self.means:
            there = ", ".join(sorted(self.means))
            raise InputError(
                f"workload {self.name!r}: there is no way to make it on {family.value} (only on {there})",
                hint="lab workloads lists the families of each",
            )
        return self.means[family]


LOADS = {
    "cpu": "all CPUs with arithmetic",
    "memory": "memory: takes and writes all that the guest can spare; above 1.0 it runs out",
    "files-small": "the file system with many small files: names made, linked, renamed, hashed, deleted",
    "files-open": "the path of opening a file, which every file filter lengthens",
    "files-large": "disk and page cache with reads and writes in a large file",
    "files-sync": "the disk with small writes that are each waited for",
    "processes": "starts and ends of processes",
    "threads": "starts and ends of threads",
    "modules": "loading and unloading of kernel modules or drivers",
    "network": "connections over the loopback",
    "timers": "timers that run out by the thousand",
    "logins": "logins: accounts, sessions, their programs",
    "packages": "installing and removing software",
    "pauses": "time: everything stands still for a second again and again, as in a suspend",
    "agent-activity": "the agent: events that its sensor must see (agent.yaml)",
}

CATALOGUE: dict[str, Workload] = {
    name: Workload(
        name=name,
        loads=loads,
        means={
            family: table[name]
            for family, table in ((Family.LINUX, LINUX), (Family.WINDOWS, WINDOWS))
            if name in table
        },
    )
    for name, loads in LOADS.items()
}


def named(name: str) -> Workload:
    """:raise InputError: there is no such workload; the closest is suggested."""
    if name not in CATALOGUE:
        raise InputError(unknown("workload", name, sorted(CATALOGUE)), hint="lab workloads lists them")
    return CATALOGUE[name]
