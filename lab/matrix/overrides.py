"""Settings of a cell: the defaults, the profile, then every override that selects it, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.config.types import Lab, Override
from lab.matrix.selection import Matcher
from lab.model import Profile, Timeouts


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What overrides can change."""

    timeouts: Timeouts
    memory_mib: int
    vcpus: int
    count_loops: bool


class Overrides:
    """The overrides of a lab, ready to be asked for many cells: equal answers are one object."""

    def __init__(self, lab: Lab, matchers: Sequence[Matcher]) -> None:
        self._lab = lab
        self._rules = list(zip(lab.overrides, matchers, strict=True))
        self._made: dict[tuple[str, bool, tuple[int, ...]], Settings] = {}

    def repetitions(self, base_id: str) -> tuple[int, bool]:
        """How often the cell with this id (without repetition) is run, and whether an override says so."""
        wanted, own = self._lab.matrix.repetitions, False
        for rule, test in self._rules:
            if rule.repetitions is not None and test(base_id):
                wanted, own = rule.repetitions, True
        return wanted, own

    def settings(self, profile: Profile, count_loops: bool, *ids: str) -> Settings:
        """Of a cell, told by its id and (for patterns that do not know of repetitions) its base id."""
        hits = tuple(index for index, (_, test) in enumerate(self._rules) if any(test(one) for one in ids))
        key = (profile.name, count_loops, hits)
        made = self._made.get(key)
        if made is None:
            rules = [self._rules[index][0] for index in hits]
            made = self._made[key] = _settings(self._lab.timeouts, profile, count_loops, rules)
        return made


def _settings(timeouts: Timeouts, profile: Profile, count_loops: bool, rules: Sequence[Override]) -> Settings:
    seconds = {name: getattr(timeouts, name) for name in Timeouts.__dataclass_fields__}
    memory_mib, vcpus = profile.memory_mib, profile.vcpus
    for rule in rules:
        seconds |= rule.timeouts
        memory_mib = rule.memory_mib if rule.memory_mib is not None else memory_mib
        vcpus = rule.vcpus if rule.vcpus is not None else vcpus
        count_loops = rule.count_loops if rule.count_loops is not None else count_loops
    return Settings(timeouts=Timeouts(**seconds), memory_mib=memory_mib, vcpus=vcpus, count_loops=count_loops)
