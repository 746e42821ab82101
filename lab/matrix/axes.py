"""Names in lab.yaml to what there is: every name or pattern must match something, at its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.config.located import unknown
from lab.config.types import Include, Lab
from lab.errors import ConfigError, InputError
from lab.matrix.selection import Matcher, glob, is_pattern, matcher
from lab.model import Arm, ImageInfo, ScenarioInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A rectangle of cells and why it is wanted; names are resolved."""

    images: tuple[str, ...]
    profiles: tuple[str, ...]
    scenarios: tuple[str, ...]
    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    reason: str
    excludable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Every `select` of the file as a test, in the order of the file."""

    exclude: tuple[Matcher, ...]
    overrides: tuple[Matcher, ...]
    rings: tuple[Matcher, ...]


_HINTS = {
    "image": "lab image list shows the catalogue",
    "profile": "profiles are described below profiles: in lab.yaml",
    "scenario": "scenarios are functions test_* in scenarios/",
}


class Resolver:
    """Looks names up and collects what is wrong, so that all of it is told at once."""

    def __init__(
        self, lab: Lab, images: Mapping[str, ImageInfo], scenarios: Mapping[str, ScenarioInfo]
    ) -> None:
        self._lab = lab
        self._known = {"image": list(images), "profile": list(lab.profiles), "scenario": list(scenarios)}
        self._problems: list[str] = []
        self._hint = ""

    def blocks(self) -> list[Block]:
        """The matrix, then its includes."""
        matrix = self._lab.matrix
        whole = Block(
            images=self._names("image", matrix.images, "matrix.images"),
            profiles=self._names("profile", matrix.profiles, "matrix.profiles"),
            scenarios=self._names("scenario", matrix.scenarios, "matrix.scenarios"),
            arms=tuple(Arm),
            seeds=matrix.seeds,
            reason="matrix",
            excludable=True,
        )
        return [whole, *(self._include(number, one, whole) for number, one in enumerate(matrix.include))]

    def rules(self) -> Rules:
        """All selections of the file, parsed."""
        lab = self._lab
        return Rules(
            exclude=self._matchers([rule.select for rule in lab.matrix.exclude], "matrix.exclude"),
            overrides=self._matchers([rule.select for rule in lab.overrides], "overrides"),
            rings=self._matchers([ring.select for ring in lab.rings], "rings"),
        )

    def check(self) -> None:
        """:raise ConfigError: something was not found or could not be read."""
        if self._problems:
            raise ConfigError("\n".join(self._problems), hint=self._hint or None)

    def _include(self, number: int, include: Include, whole: Block) -> Block:
        path = f"matrix.include[{number}]"
        why = f": {include.reason}" if include.reason else ""
        return Block(
            images=self._names("image", include.image, f"{path}.image") or whole.images,
            profiles=self._names("profile", include.profile, f"{path}.profile") or whole.profiles,
            scenarios=self._names("scenario", include.scenario, f"{path}.scenario") or whole.scenarios,
            arms=include.arm or whole.arms,
            seeds=include.seed or whole.seeds,
            reason=f"include at {self._lab.place(path)}{why}",
            excludable=False,
        )

    def _names(self, kind: str, wanted: Sequence[str], path: str) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for number, word in enumerate(wanted):
            names = self._matching(kind, word)
            if not names:
                item = f"{path}[{number}]"
                # a single value may be written without a list
                dotted = item if item in self._lab.where else path
                message = f"{self._lab.place(dotted)}: {dotted}: {unknown(kind, word, self._known[kind])}"
                self._problems.append(message)
                self._hint = self._hint or _HINTS[kind]
            found |= dict.fromkeys(names)
        return tuple(found)

    def _matching(self, kind: str, word: str) -> list[str]:
        if is_pattern(word):
            test = glob(word)
            return [name for name in self._known[kind] if test(name)]
        return [word] if word in self._known[kind] else []

    def _matchers(self, selects: Sequence[str], path: str) -> tuple[Matcher, ...]:
        return tuple(self._matcher(text, f"{path}[{number}].select") for number, text in enumerate(selects))

    def _matcher(self, text: str, dotted: str) -> Matcher:
        try:
            return matcher(text)
        except InputError as error:
            self._problems.append(f"{self._lab.place(dotted)}: {dotted}: {error}")
            return lambda _: False
