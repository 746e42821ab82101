"""A soak as a scenario sees it: sample, exercise, look whether the agent is well; again and again.

Owns the rhythm of a long run. Refuses to judge: samples are observations, and whether their slope is a
leak is for the comparison of the arms.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from lab.clock import Deadline, Stopwatch
from lab.errors import ChannelError, InfraError
from lab.model import Family, Observation, Sample, SerialChunk, SoakPlan, Step
from lab.proc import Completed
from lab.soaking import guests

CALM = (
    "vm.compaction_proactiveness=0",  # kcompactd looks twice a second otherwise (kernel 5.9 and later)
    "vm.stat_interval=3600",
    "kernel.hung_task_timeout_secs=0",  # a millisecond of our disk is a minute of theirs
    "net.ipv4.neigh.default.interval_probe_time_ms=3600000",  # 5 s otherwise (kernel 6.0 and later)
    "net.ipv6.neigh.default.interval_probe_time_ms=3600000",
    "net.ipv4.neigh.default.base_reachable_time_ms=7200000",  # tables are gone through at half of it
    "net.ipv6.neigh.default.base_reachable_time_ms=7200000",
)
"""What an idle Linux guest would wake for, switched off where its clock is warped. Measured on debian-12: two
hundred times as fast becomes more than ten thousand."""
WARP_LOOK_S = 10.0
"""Of our time, between two looks at a guest whose clock runs ahead; it does not during a look."""
WARP_LOOK_SHARE, WARP_LOOK_MOST_S = 0.1, 60.0
"""Of the time may go into looking, so on a busy host it is done more rarely, but no more rarely than this."""

MOST_MISSED = 4
"""Looks in a row that a guest may leave unanswered."""


class GuestLike(Protocol):
    """What of `lab.guest.guest.Guest` a soak needs."""

    def run(self, command: str, timeout_s: float | None = None) -> Completed: ...


class AgentLike(Protocol):
    """What of `lab.agents.operations.AgentUnderTest` a soak needs."""

    def exercise(self) -> object: ...

    def sample(self) -> Mapping[str, float]: ...


class SerialLines:
    """Counts the lines that the console prints: a subscriber of the recorder."""

    def __init__(self) -> None:
        self.count = 0

    def observe(self, observation: Observation) -> None:
        if isinstance(observation, SerialChunk):
            self.count += observation.data.count(b"\n")


class Soak:
    """The long run of one attempt.

    :param serial_lines: lines that the guest's console has printed so far.
    """

    def __init__(
        self,
        guest: GuestLike,
        agent: AgentLike,
        plan: SoakPlan,
        record: Callable[[Observation], None],
        clock: Stopwatch,
        *,
        family: Family = Family.LINUX,
        serial_lines: Callable[[], int] = lambda: 0,
    ) -> None:
        self._guest = guest
        self._agent = agent
        self._plan = plan
        self._record = record
        self._clock = clock
        self._family = family
        self._serial_lines = serial_lines
        self._last: Sample | None = None
        self._missed = 0
        """Looks that the guest did not answer, in all and since it last answered."""
        self._in_a_row = 0

    def run(self, *, for_s: float | None = None, act: Callable[[], object] | None = None) -> None:
        """Sample for as long as was ordered, letting the agent see events before each sample.

        :param for_s: of our time, instead of what was ordered.
        :param act: what is done between samples, instead of exercising the agent.
        """
        duration_s = self._plan.for_s if for_s is None else for_s
        deadline, interval_s = Deadline.after(duration_s), self._plan.interval_s
        self._note("soak", "start", for_s=duration_s, every_s=interval_s)
        self._look(self.sample)
        while deadline.left_s > 0:
            began = time.monotonic()
            self._look(act or self._agent.exercise)
            rest_s = interval_s - (time.monotonic() - began)
            time.sleep(max(0.0, min(rest_s, deadline.left_s)))
            self._look(self.sample)
        self._note("soak", "end", missed=self._missed)

    def _look(self, action: Callable[[], object]) -> None:
        """Days are not lost for an answer that did not come: that is noted, and the next look is awaited.
        Whether a guest that is silent is a dead one is for the detectors.

        :raise ChannelError: it is one of many in a row.
        """
        try:
            action()
        except ChannelError as error:
            self._missed += 1
            self._in_a_row += 1
            self._note("soak-missed", "note", error=str(error))
            if self._in_a_row >= MOST_MISSED:
                raise
        else:
            self._in_a_row = 0

    def sample(self) -> Sample:
        """Look once: the guest's resources and the agent's, recorded as one `Sample`.

        :raise ChannelError: the guest does not answer, or not with its uptime, by which samples are in order.
        """
        values = guests.values(self._guest.run(guests.COMMANDS[self._family]).text)
        values |= self._agent.sample()
        values.setdefault("kernel_lines", float(self._serial_lines()))
        if self._last is not None:
            share = guests.cpu_share(self._last.values, values)
            if share is not None:
                values["cpu_share"] = share
        guest_s = values.pop(guests.UPTIME, None)
        if guest_s is None:
            raise ChannelError(f"the guest did not tell its uptime: it said {sorted(values)}")
        sample = Sample(t_s=self._clock.t_s, guest_s=guest_s, values=values)
        self._record(sample)
        self._last = sample
        return sample

    def _note(self, name: str, phase: str, **detail: float | str) -> None:
        self._record(Step(t_s=self._clock.t_s, name=name, phase=phase, detail=detail))


class Warp(Soak):
    """A long run on a guest whose clock runs ahead of ours while it is idle.

    The guest is looked at every few seconds of our time, which are hours of its own: what happens in between
    is seen by its console and by what is left of it. One processor, no wall-clock parallelism.
    """

    def calm(self) -> None:
        """Switch off what wakes an idle guest, so that its clock can jump far; recorded."""
        settings = " ".join(f"'{setting}'" for setting in CALM)
        done = self._guest.run(f'for s in {settings}; do sysctl -qw "$s" 2>/dev/null || echo "$s"; done')
        self._record(
            Step(
                t_s=self._clock.t_s,
                name="calm",
                phase="note",
                detail={"set": list(CALM), "refused": done.text.split()},
            )
        )

    def until(self, uptime_s: float | None = None, *, act: Callable[[], object] | None = None) -> Sample:
        """Let the guest's clock run to an uptime, sampling on the way.

        :param uptime_s: of the guest's time, instead of what was ordered.
        :raise InfraError: it did not get there within the time that was ordered; the message says how far.
        """
        wanted_s = self._plan.uptime_s if uptime_s is None else uptime_s
        deadline = Deadline.after(self._plan.for_s)
        began, first = time.monotonic(), self.sample()
        self._note("warp", "start", uptime_s=wanted_s, from_s=first.guest_s)
        seen, rest_s = first, WARP_LOOK_S
        while seen.guest_s < wanted_s:
            if deadline.left_s <= 0:
                raise InfraError(
                    f"uptime of the guest: {_days(seen.guest_s)} after {self._plan.for_s:.0f} s "
                    f"(wanted {_days(wanted_s)})",
                    hint="raise soak.for in lab.yaml, or use an image that is idle more often",
                )
            busy = time.monotonic()
            self._look(act or self._agent.exercise)
            time.sleep(max(0.0, min(rest_s, deadline.left_s)))
            self._look(self.sample)
            seen = self._last or first
            rest_s = _rest(time.monotonic() - busy - rest_s)
        took_s = time.monotonic() - began
        self._note(
            "warp", "end", uptime_s=seen.guest_s, took_s=took_s, rate=(seen.guest_s - first.guest_s) / took_s
        )
        return seen


def _rest(looked_s: float) -> float:
    """How long a guest is left alone after a look that took so long."""
    wanted_s = looked_s * (1 - WARP_LOOK_SHARE) / WARP_LOOK_SHARE
    return min(WARP_LOOK_MOST_S, max(WARP_LOOK_S, wanted_s))


def _days(seconds: float) -> str:
    return f"{seconds / 86400:.2f} days"
