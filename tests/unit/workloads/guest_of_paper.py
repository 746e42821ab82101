"""A driver whose guest is a list of looks: what a load's guest would answer, without a guest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.workloads.latency import Latency
from lab.workloads.means import Task
from lab.workloads.rounds import Look, Round
from lab.workloads.sizing import GuestSize


def one_round(
    number: int = 1, *, ops: int = 10, errors: int = 0, seconds: float = 5.0, **changes: object
) -> Round:
    begin = number * 10_000_000_000
    values: dict[str, object] = {
        "number": number,
        "begin_ns": begin,
        "end_ns": begin + int(seconds * 1e9),
        "wanted_s": 5,
        "available_mib": 300,
        "exit_code": 0,
        "ops": ops,
        "errors": errors,
        "latency": Latency(bins={2_000_000: ops} if ops else {}, worst_ns=2_000_000 if ops else 0),
        "said": ("3 refused",) if errors else (),
        "text": "",
        "report": "",
        **changes,
    }
    return Round(**values)  # type: ignore[arg-type]


def look(state: str = "running", *rounds: Round, reason: str = "", **changes: object) -> Look:
    values: dict[str, object] = {
        "state": state,
        "reason": reason,
        "boot": "boot-1",
        "now_ns": 1,
        "cpu_s": 1.5,
        "processes": 3,
        "available_mib": 100,
        "rounds": rounds,
        "more": False,
        "stuck": "",
        "log": "",
        **changes,
    }
    return Look(**values)  # type: ignore[arg-type]


@dataclass
class PaperDriver:
    """Answers each look with the next of `looks`, and goes on with the last."""

    looks: list[Look]
    missing: tuple[str, ...] = ()
    size: GuestSize = field(
        default_factory=lambda: GuestSize(vcpus=2, memory_mib=512, available_mib=400, disk_free_mib=1000)
    )
    asked: list[str] = field(default_factory=list)
    task: Task | None = None
    times: tuple[int, int] = (0, 0)

    def prepare(self) -> None:
        self.asked.append("prepare")

    def survey(self, programs: Sequence[str]) -> tuple[GuestSize, list[str]]:
        return self.size, [name for name in programs if name in self.missing]

    def start(self, load_id: str, task: Task, *, for_s: int, round_s: int) -> None:
        self.asked.append("start")
        self.task, self.times = task, (for_s, round_s)

    def look(self, load_id: str, after: int) -> Look:
        self.asked.append(f"look {after}")
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def stop(self, load_id: str, after: int, patience_s: float) -> Look:
        self.asked.append("stop")
        return self.looks[-1]

    def tidy(self, load_id: str) -> None:
        self.asked.append("tidy")
