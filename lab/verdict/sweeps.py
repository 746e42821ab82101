"""What a sweep of power cuts came to: which steps of the operation are unsafe, and which were survived.

Reads the `cut` steps of a recording. Refuses to fail an attempt: a cut that was not survived left a finding
or a failed assertion, which do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.model import Observation, Step

MOST = 12
"""Steps of a kind that are named; the rest are counted."""


@dataclass(frozen=True, slots=True)
class SweptStep:
    """One step of the operation, and the cuts in it."""

    step: str
    cuts: int
    unsafe: int


@dataclass(frozen=True, slots=True)
class Swept:
    """A whole sweep, by steps in the order in which they were cut."""

    steps: tuple[SweptStep, ...]
    planned: int
    aimed: tuple[str, ...] = ()
    """Steps of the rehearsal, each of which was to be cut."""

    @property
    def cuts(self) -> int:
        return sum(one.cuts for one in self.steps)

    @property
    def unsafe(self) -> tuple[SweptStep, ...]:
        return tuple(one for one in self.steps if one.unsafe)

    @property
    def missed(self) -> tuple[str, ...]:
        """Steps that were over before the power was gone, each time: nothing is known of them."""
        cut = {one.step for one in self.steps}
        return tuple(step for step in self.aimed if step not in cut)

    @property
    def sentence(self) -> str:
        """All of it: `power cuts at 11 points: not survived in select-content (3 of 3); survived in ...`."""
        bad = [f"{one.step} ({one.unsafe} of {one.cuts})" for one in self.unsafe]
        good = [one.step for one in self.steps if not one.unsafe]
        parts = [f"not survived in {_listed(bad)}"] if bad else []
        parts += [f"survived in {_listed(good)}"] if good else []
        left = self.planned - self.cuts
        parts += [f"never cut in {_listed(self.missed)} (over too soon)"] if self.missed else []
        parts += [f"{left} more were planned and not made"] if left > 0 else []
        return f"power cuts at {self.cuts} points: {'; '.join(parts)}"


def swept(observations: Iterable[Observation]) -> Swept | None:
    """The sweep of a recording; None where there was none."""
    planned: int | None = None
    aimed: dict[str, None] = {}
    cuts: dict[str, int] = {}
    unsafe: dict[str, int] = {}
    for item in observations:
        if not isinstance(item, Step) or item.name != "cut":
            continue
        if item.phase == "start":
            planned = (planned or 0) + int(item.detail.get("points") or 0)
            aimed |= dict.fromkeys(map(str, item.detail.get("steps") or ()))
        elif item.phase == "end":
            step = str(item.detail.get("step") or "start")
            cuts[step] = cuts.get(step, 0) + 1
            unsafe[step] = unsafe.get(step, 0) + (item.outcome != "safe")
    if planned is None:
        return None
    steps = tuple(SweptStep(name, cuts[name], unsafe[name]) for name in cuts)
    return Swept(steps, planned, tuple(aimed))


def remark(observations: Iterable[Observation]) -> str:
    """The sweep as one sentence; "" where there was none."""
    found = swept(observations)
    return found.sentence if found is not None else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
