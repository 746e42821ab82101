"""The fixture `load`: workloads by name, on the guest of a scenario. Decides which way a load is made."""

from __future__ import annotations

import contextlib
import math
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lab.clock import Stopwatch
from lab.errors import InputError
from lab.model import Family, Observation
from lab.workloads import catalogue, sizing
from lab.workloads.inguest import Driver
from lab.workloads.means import Means, Task
from lab.workloads.outcomes import LoadResult, WorkloadUnusable
from lab.workloads.running import Ordered, Running
from lab.workloads.sizing import GuestSize

FACTOR_1_PATIENCE_S = 30.0
"""Until a load must show that it works, and between its deadline and its end."""
ROUNDS = 5
"""That a load is divided into, so that what it did until a crash is known."""
OPEN_ROUNDS = 60
"""Of a load beside a block, which mostly ends long before its time is up: 10 s of ten minutes."""
LONGEST_ROUND_S = 300
AT_MOST_S = 600.0
REMEDY = {
    Family.LINUX: "install {} in the guest (`packages:` in images/NAME.yaml)",
    Family.WINDOWS: "name your copy of {} below `tools:` in lab.yaml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What makes events that the agent must see, from agent.yaml."""

    command: Callable[[], str]
    count: Callable[[], int]
    """Events that the agent says it has seen."""


class Load:
    """Loads for one guest.

    :param factor: how much slower than the reference the host is; all times grow by it.
    :param activity: for `agent-activity`; None without an agent.
    """

    def __init__(
        self,
        driver: Driver,
        family: Family,
        record: Callable[[Observation], None],
        clock: Stopwatch,
        *,
        factor: float = 1.0,
        activity: Activity | None = None,
    ) -> None:
        self._driver = driver
        self._family = family
        self._record = record
        self._clock = clock
        self._factor = factor
        self._activity = activity

    def known(self) -> tuple[str, ...]:
        """Names of the workloads that there is a way to make on this family of guests."""
        return tuple(name for name, one in catalogue.CATALOGUE.items() if self._family in one.means)

    def run(self, name: str, *, intensity: float = 1.0, for_s: float = 20.0) -> LoadResult:
        """Run a load to its end.

        :param intensity: relative to the guest's size: 1.0 is all its CPUs, or all memory it can spare.
        :param for_s: seconds on a host of factor 1.
        :raise InputError: there is no such workload, or it is not for this guest; the hint says the remedy.
        :raise WorkloadDidNotRun: it did not really run.
        :raise LoadFailed: it ran, and every operation failed.
        """
        return self.started(name, intensity=intensity, for_s=for_s).wait()

    @contextlib.contextmanager
    def running(
        self, name: str, *, intensity: float = 1.0, at_most_s: float = AT_MOST_S
    ) -> Iterator[Running]:
        """A load beside what is done in the block; it ends with the block, and its `result` is there then.

        Several may run at once. When the block is left by an error the load is ended as far as the guest
        answers, and the error is what is raised.

        :param at_most_s: it ends by itself after this (factor 1), also when the lab is gone.
        """
        running = self.started(name, intensity=intensity, for_s=at_most_s, rounds=OPEN_ROUNDS)
        try:
            yield running
        except Exception:
            with contextlib.suppress(Exception):  # best effort: the block's own error matters
                running.stop()
            raise
        running.stop()

    def started(
        self, name: str, *, intensity: float = 1.0, for_s: float = AT_MOST_S, rounds: int = ROUNDS
    ) -> Running:
        """A load that has been started and shows that it works; `Running` looks at it and ends it.

        It ends by itself after `for_s` (factor 1), also when nobody does. Raises as `run`.

        :param rounds: that the time is divided into, as far as none gets too short or too long.
        """
        workload, wanted = catalogue.named(name), sizing.check(intensity)
        ways = workload.ways(self._family)
        self._driver.prepare()
        means, size = self._usable(name, ways)
        task = self._task(name, means, size, wanted)
        seconds = max(2, math.ceil(for_s * self._factor))
        ordered = Ordered(
            id=f"{name}-{secrets.token_hex(4)}",
            workload=name,
            means=means,
            task=task,
            intensity=wanted,
            available_mib=size.available_mib,
            for_s=seconds,
            round_s=round_of(seconds, rounds, means.shortest_round_s),
            detail=_detail(means, task, size),
        )
        running = Running(
            ordered,
            self._driver,
            self._record,
            self._clock,
            patience_s=FACTOR_1_PATIENCE_S * self._factor,
            counter=self._activity.count if task.op == "event" and self._activity else None,
        )
        running.start()
        return running

    def _task(self, name: str, means: Means, size: GuestSize, intensity: float) -> Task:
        task = means.plan(size, intensity)
        if task.op != "event":
            return task
        if self._activity is None:
            raise InputError(
                f"workload {name!r}: there is no agent in this guest", hint="use it after the agent's install"
            )
        return Task(
            op=task.op, workers=task.workers, duty=task.duty,
            settings={"activity": self._activity.command()},
        )  # fmt: skip

    def _usable(self, name: str, ways: tuple[Means, ...]) -> tuple[Means, GuestSize]:
        """The best way that this guest has the programs for.

        :raise WorkloadUnusable: none.
        """
        programs = tuple(dict.fromkeys(program for means in ways for program in means.needs))
        size, missing = self._driver.survey(programs)
        for means in ways:
            if not set(means.needs) & set(missing):
                return means, size
        lacking = [program for program in ways[0].needs if program in missing]
        raise WorkloadUnusable(
            f"workload {name!r}: the guest has no {', no '.join(lacking)}",
            hint=REMEDY[self._family].format(", ".join(lacking)),
        )


def round_of(for_s: int, rounds: int, shortest_s: int) -> int:
    """Length of a round, in whole seconds."""
    return max(1, min(LONGEST_ROUND_S, max(shortest_s, for_s // rounds)))


def _detail(means: Means, task: Task, size: GuestSize) -> dict[str, str | float]:
    """What an intensity came to on this guest; goes into the recording."""
    settings = {key: value for key, value in task.settings.items() if key.startswith("target")}
    return {
        "counts": means.counts,
        "times": means.times,
        "vcpus": size.vcpus,
        "available_mib": size.available_mib,
        "disk_free_mib": size.disk_free_mib,
        "workers": task.workers,
        "duty": round(task.duty, 3),
        "command": task.command,
        **settings,
    }
