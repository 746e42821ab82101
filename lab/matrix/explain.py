"""`lab plan --explain`: each setting once with where it comes from, then the cells that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lab.config.types import Lab
from lab.config.units import duration_text, size_text
from lab.matrix.selection import Matcher, matcher
from lab.model import Arm, Cell, Plan, Timeouts

MOST_NAMED = 8
"""Cells named per difference, so that a thousand of them stay readable."""


@dataclass(frozen=True, slots=True)
class _Setting:
    """A value that each cell has."""

    name: str
    of: Callable[[Cell], str]
    place: str
    """Dotted path in lab.yaml."""
    otherwise: str = "default"
    """Where the value comes from when lab.yaml has nothing at `place`."""


def explain(lab: Lab, plan: Plan) -> str:
    """Text for people; ends with a newline.

    Each setting stands once with the value most cells have; cells with another value follow it.
    """
    parts = (_agent(lab), _axes(lab), _settings(lab, plan), _rules(lab, plan))
    blocks = ["\n".join(part) for part in parts]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _agent(lab: Lab) -> Iterator[str]:
    yield _line("agent", lab.agent, lab.where.get("agent"))
    yield _line("installed", str(lab.installed), lab.where.get("installed"))
    for arm in Arm:
        places = {lab.where.get(f"arms.{arm}.{key}", "") for key in ("build", "content")}
        place = "--candidate" if "--candidate" in places else lab.where.get(f"arms.{arm}")
        yield _line(str(arm), ", ".join(str(version) for version in lab.arms[arm]), place)


def _axes(lab: Lab) -> Iterator[str]:
    matrix, where = lab.matrix, lab.where
    yield _line("images", " ".join(matrix.images), where.get("matrix.images"))
    yield _line("profiles", " ".join(matrix.profiles), where.get("matrix.profiles"))
    yield _line("scenarios", " ".join(matrix.scenarios), where.get("matrix.scenarios"))
    yield _line("seeds", " ".join(map(str, matrix.seeds)), where.get("matrix.seeds"))


def _settings(lab: Lab, plan: Plan) -> Iterator[str]:
    alike = _alike(plan.cells)
    for setting in _all_settings(lab):
        by_value: dict[str, list[Cell]] = {}
        for cells in alike:
            by_value.setdefault(setting.of(cells[0]), []).extend(cells)
        if not by_value:
            continue
        usual = max(by_value, key=lambda value: len(by_value[value]))
        yield _line(setting.name, usual, lab.where.get(setting.place, setting.otherwise))
        for value in sorted(by_value.keys() - {usual}):
            yield from _differing(value, by_value[value])


def _alike(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells by everything that a setting can be, so that each is looked at once per kind."""
    kinds: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        own = (id(cell.timeouts), cell.memory_mib, cell.vcpus, cell.count_loops, cell.ring, cell.weight)
        kinds.setdefault(own, []).append(cell)
    return list(kinds.values())


def _all_settings(lab: Lab) -> Iterator[_Setting]:
    for name in Timeouts.__dataclass_fields__:
        key = f"timeouts.{name.removesuffix('_s')}"
        yield _Setting(key, _timeout(name), key)
    yield _Setting("memory", lambda cell: size_text(cell.memory_mib), "profiles")
    yield _Setting("vcpus", lambda cell: str(cell.vcpus), "profiles")
    yield _Setting("count_loops", lambda cell: str(cell.count_loops).lower(), "", "scenarios")
    if lab.rings:
        yield _Setting("ring", lambda cell: _ring(lab, cell), "rings")
    if lab.census:
        yield _Setting("weight", lambda cell: f"{cell.weight:g}", "census")


def _timeout(name: str) -> Callable[[Cell], str]:
    return lambda cell: duration_text(getattr(cell.timeouts, name))


def _ring(lab: Lab, cell: Cell) -> str:
    return lab.rings[cell.ring].name if cell.ring < len(lab.rings) else "(after the last ring)"


def _rules(lab: Lab, plan: Plan) -> Iterator[str]:
    ids = [cell.id for cell in plan.cells]
    left_out = [one.id for one in plan.omitted]
    for number, rule in enumerate(lab.overrides):
        reached = _reached(matcher(rule.select), ids)
        yield _rule(lab, f"overrides[{number}]", rule.select, reached, rule.reason)
    for number, exclude in enumerate(lab.matrix.exclude):
        reached = _reached(matcher(exclude.select), left_out)
        yield _rule(lab, f"matrix.exclude[{number}]", exclude.select, reached, exclude.reason)


def _reached(test: Matcher, ids: Sequence[str]) -> int:
    return sum(1 for one in ids if test(one))


def _rule(lab: Lab, path: str, select: str, reached: int, reason: str) -> str:
    cells = f"{reached} cell{'s' if reached != 1 else ''}" if reached else "no cell of this plan"
    why = f": {reason}" if reason else ""
    return f"{path} {select!r} selects {cells} ({lab.place(path)}){why}"


def _differing(value: str, cells: Sequence[Cell]) -> Iterator[str]:
    yield f"  {value} in {len(cells)} of them:"
    yield from (f"    {cell.id}" for cell in cells[:MOST_NAMED])
    if len(cells) > MOST_NAMED:
        yield f"    and {len(cells) - MOST_NAMED} more"


def _line(name: str, value: str, place: str | None) -> str:
    return f"{name:<20} {value:<40} {place or 'default'}".rstrip()
