"""Axes to a `Plan`: ordered cells, each with its reason, and everything left out, each with its reason.

Order: rings first; then images that are built, in the order of lab.yaml, before those that are not;
then scenarios; a candidate cell right before its baseline twin, so that a bad candidate shows early.
Repetitions go pair by pair, with the twins in turn first, so that what drifts on a host hits both arms alike.
Cells of latency-sensitive scenarios come last in their ring. Repetitions that depend on how the comparison
goes come after the others, round by round.
"""

from __future__ import annotations

import gc
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from lab.config.types import Lab
from lab.errors import ConfigError, NothingSelected
from lab.matrix.axes import Block, Resolver, Rules
from lab.matrix.capacity import HostFacts, Obstacle, misfit, obstacle
from lab.matrix.estimate import bill
from lab.matrix.ids import cell_id
from lab.matrix.overrides import Overrides, Settings
from lab.matrix.repeating import WHILE_OPEN, most_repetitions, paired
from lab.matrix.selection import choose, glob
from lab.matrix.starts import with_starts
from lab.model import AgentVersion, Arm, Cell, CellId, ImageInfo, Omitted, Plan, Profile, ScenarioInfo


def build(
    lab: Lab,
    images: Mapping[str, ImageInfo],
    scenarios: Mapping[str, ScenarioInfo],
    hosts: Sequence[HostFacts] = (),
    select: Sequence[str] = (),
    *,
    history: Mapping[str, float] | None = None,
) -> Plan:
    """The plan of a lab. Images that are not built are no obstacle: the bill names them.

    :param hosts: facts of the hosts at hand; without any, hosts are not held against a cell.
    :param select: selections (see lab.matrix.selection); cells that none selects are omitted.
    :param history: earlier durations in seconds, by `lab.matrix.estimate.keys`.
    :raise ConfigError: lab.yaml names an image, profile or scenario that there is not.
    :raise NothingSelected: a selection selects no cell, or only cells that cannot run.
    """
    resolver = Resolver(lab, images, scenarios)
    blocks, rules = resolver.blocks(), resolver.rules()
    resolver.check()
    expansion = _Expansion(lab, images, scenarios, hosts, rules, blocks)
    with _without_collector():
        for block in blocks:
            expansion.add(block)
    expansion.close()
    expansion.check_rings()
    cells, omitted = expansion.ordered(), list(expansion.omitted.values())
    if select:
        cells, unselected = _selected(cells, omitted, select)
        omitted += unselected
    cells = with_starts(paired(cells), scenarios, clones=lab.clones.use)
    long_s = {name: lab.soak.for_s for name, info in scenarios.items() if info.soak}
    billed = bill(cells, images, hosts, history or {}, long_s)
    return Plan(cells=tuple(cells), omitted=tuple(omitted), bill=billed)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Cells are kept and hold no cycles: looking for those takes a sixth of the time of a large plan."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@dataclass(frozen=True, slots=True)
class _Square:
    """Where a cell comes from, before it has an id."""

    image: ImageInfo
    profile: Profile
    scenario: ScenarioInfo
    seed: int


@dataclass(frozen=True, slots=True)
class _Where:
    """What an omission is about; "" and None where it is about more than one."""

    image: str
    scenario: str = ""
    arm: Arm | None = None


class _Expansion:
    """Collects cells and omissions; a cell that two blocks want is there once, for the first reason."""

    def __init__(
        self,
        lab: Lab,
        images: Mapping[str, ImageInfo],
        scenarios: Mapping[str, ScenarioInfo],
        hosts: Sequence[HostFacts],
        rules: Rules,
        blocks: Sequence[Block],
    ) -> None:
        self.cells: dict[CellId, Cell] = {}
        self.omitted: dict[CellId, Omitted] = {}
        self._lab = lab
        self._images = images
        self._scenarios = scenarios
        self._hosts = hosts
        self._rules = rules
        self._overrides = Overrides(lab, rules.overrides)
        self._unfitted = {name for block in blocks for name in block.images}
        self._several_seeds = len({seed for block in blocks for seed in block.seeds}) > 1
        self._most = most_repetitions(lab.compare, blocks)
        self._bases: set[CellId] = set()
        """Ids of all cells, without their repetition."""
        self._weights: dict[str, float] = {}
        self._obstacles: dict[tuple[str, str, int, int], Obstacle | None] = {}

    def add(self, block: Block) -> None:
        """Every cell of the block, or the reason why not."""
        arms = sorted(block.arms, key=_candidate_first)
        for image, profile in self._pairs(block):
            fitting = [
                name for name in block.scenarios if self._clocked(image, profile, self._scenarios[name])
            ]
            for name, seed in itertools.product(fitting, block.seeds):
                square = _Square(image, profile, self._scenarios[name], seed)
                for arm in arms:
                    for version in self._lab.arms[arm]:
                        self._add_cells(square, arm, version, block)

    def close(self) -> None:
        """Name the images that no profile fits: a whole image must not drop out as a rule."""
        for name in sorted(self._unfitted):
            reason = f"no profile of the matrix fits image {name} (firmware {self._images[name].firmware})"
            hint = "add one that does to matrix.profiles in lab.yaml"
            self._omit(CellId(name), "unrunnable", reason, hint, where=_Where(name))

    def check_rings(self) -> None:
        """:raise ConfigError: a ring selects nothing at all, so what it was to be tried on comes too late."""
        ids = {*self.cells, *self.omitted, *self._bases}
        lines = []
        for number, (ring, test) in enumerate(zip(self._lab.rings, self._rules.rings, strict=True)):
            if not any(test(one) for one in ids):
                path = f"rings[{number}].select"
                told = f"{ring.select!r} of ring {ring.name!r} matches none of {len(self._bases)} cells"
                lines.append(f"{self._lab.place(path)}: {path}: {told}")
        if lines:
            raise ConfigError("\n".join(lines), hint="lab plan --all, without the ring, lists the cells")

    def ordered(self) -> list[Cell]:
        """Cells of the first ring first, and of built images before those of images to be built; those
        that share processors with nobody last, since a host empties itself for them."""
        built = {name: image.built for name, image in self._images.items()}
        places: dict[tuple[str, str, str, int], int] = {}

        def order(cell: Cell) -> tuple[int, bool, int, bool, int, int, bool]:
            place = places.setdefault((cell.image, cell.profile, cell.scenario, cell.seed), len(places))
            second = (cell.arm is Arm.BASELINE) is (cell.repetition % 2 == 1)
            late = (cell.latency_sensitive, cell.repetition * cell.spare, not built[cell.image])
            return cell.ring, *late, place, cell.repetition, second

        return sorted(self.cells.values(), key=order)

    def _pairs(self, block: Block) -> Iterator[tuple[ImageInfo, Profile]]:
        """Images with the profiles that fit them; what does not fit is omitted once per pair."""
        for image_name in block.images:
            image = self._images[image_name]
            for profile_name in block.profiles:
                profile = self._lab.profiles[profile_name]
                reason = misfit(image, profile)
                if reason:
                    pair = CellId(f"{image_name}_{profile_name}")
                    self._omit(pair, "excluded", reason, where=_Where(image_name))
                    continue
                self._unfitted.discard(image_name)
                yield image, profile

    def _clocked(self, image: ImageInfo, profile: Profile, scenario: ScenarioInfo) -> bool:
        """Scenarios about days of uptime and profiles with a warped clock go together only."""
        if scenario.time_warp == profile.time_warp:
            return True
        wants = "needs a profile with time_warp: true" if scenario.time_warp else "needs the usual clock"
        self._omit(
            CellId(f"{image.name}_{profile.name}_{scenario.name}"),
            "excluded",
            f"scenario {scenario.name} {wants}",
            where=_Where(image.name, scenario.name),
        )
        return False

    def _add_cells(self, square: _Square, arm: Arm, version: AgentVersion, block: Block) -> None:
        versions = self._lab.arms[arm]
        names = (square.image.name, square.profile.name, square.scenario.name, arm)
        shown_version = version if len(versions) > 1 else None
        shown_seed = square.seed if self._several_seeds else None
        base = cell_id(*names, version=shown_version, seed=shown_seed)
        self._bases.add(base)
        least, own = self._overrides.repetitions(base)
        most = least if own else max(least, self._most)
        for number in range(1, most + 1):
            identity = base
            if most > 1:
                identity = cell_id(*names, version=shown_version, seed=shown_seed, repetition=number)
            if identity not in self.cells:
                self._add_cell(identity, base, square, arm, version, number, block)
            if number > least and identity in self.cells:
                reason = f"{block.reason}; {WHILE_OPEN}"
                self.cells[identity] = replace(self.cells[identity], spare=True, reason=reason)

    def _add_cell(
        self,
        identity: CellId,
        base: CellId,
        square: _Square,
        arm: Arm,
        version: AgentVersion,
        repetition: int,
        block: Block,
    ) -> None:
        image, profile, scenario = square.image, square.profile, square.scenario
        ids = (identity,) if identity == base else (identity, base)
        if block.excludable and (reason := self._exclusion(*ids)):
            self._omit(identity, "excluded", reason, where=_Where(image.name, scenario.name, arm))
            return
        settings = self._overrides.settings(profile, scenario.count_loops, *ids)
        hindered = self._obstacle(image, profile, settings)
        if hindered:
            where = _Where(image.name, scenario.name, arm)
            self._omit(identity, "unrunnable", hindered.reason, hindered.hint, where=where)
            return
        self.omitted.pop(identity, None)
        self.cells[identity] = Cell(
            id=identity,
            image=image.name,
            profile=profile.name,
            scenario=scenario.name,
            arm=arm,
            agent=self._lab.agent,
            version=version,
            installed=self._lab.installed,
            seed=square.seed,
            repetition=repetition,
            ring=self._ring(*ids),
            level=scenario.level,
            weight=self._weight(image.name),
            timeouts=settings.timeouts,
            vcpus=settings.vcpus,
            memory_mib=settings.memory_mib,
            count_loops=settings.count_loops,
            reason=block.reason,
            latency_sensitive=scenario.latency_sensitive,
        )

    def _exclusion(self, *ids: str) -> str:
        for number, (rule, test) in enumerate(
            zip(self._lab.matrix.exclude, self._rules.exclude, strict=True)
        ):
            if any(test(one) for one in ids):
                return f"{rule.reason} ({self._lab.place(f'matrix.exclude[{number}]')})"
        return ""

    def _ring(self, *ids: str) -> int:
        """The first ring that selects the cell; one past the last when none does."""
        for number, test in enumerate(self._rules.rings):
            if any(test(one) for one in ids):
                return number
        return len(self._rules.rings)

    def _weight(self, image: str) -> float:
        if image not in self._weights:
            census = self._lab.census
            found = (weight for pattern, weight in census.items() if glob(pattern)(image))
            self._weights[image] = next(found, 0.0 if census else 1.0)
        return self._weights[image]

    def _obstacle(self, image: ImageInfo, profile: Profile, settings: Settings) -> Obstacle | None:
        key = (image.name, profile.name, settings.memory_mib, settings.vcpus)
        if key not in self._obstacles:
            self._obstacles[key] = obstacle(
                image,
                profile,
                memory_mib=settings.memory_mib,
                vcpus=settings.vcpus,
                hosts=self._hosts,
            )
        return self._obstacles[key]

    def _omit(self, identity: CellId, kind: str, reason: str, hint: str = "", *, where: _Where) -> None:
        self.omitted[identity] = Omitted(
            id=identity,
            kind=kind,
            reason=reason,
            hint=hint,
            image=where.image,
            scenario=where.scenario,
            arm=where.arm,
        )


def _candidate_first(arm: Arm) -> bool:
    return arm is not Arm.CANDIDATE


def _selected(
    cells: Sequence[Cell], omitted: Sequence[Omitted], select: Sequence[str]
) -> tuple[list[Cell], list[Omitted]]:
    """The selected cells, and the others as omissions.

    :raise NothingSelected: nothing is left to run.
    """
    chosen = choose([cell.id for cell in cells] + [one.id for one in omitted], select)
    kept = [cell for cell in cells if cell.id in chosen]
    if not kept:
        first = next(one for one in omitted if one.id in chosen)
        raise NothingSelected(
            f"selection {', '.join(map(repr, select))} matches only cells that are left out, "
            f"such as {first.id}: {first.reason}",
            hint=first.hint or "lab plan lists all of them with their reasons",
        )
    words = " or ".join(repr(one) for one in select)
    template = Omitted(id=CellId(""), kind="unselected", reason=f"not selected by {words}")
    left = [
        replace(template, id=cell.id, image=cell.image, scenario=cell.scenario, arm=cell.arm)
        for cell in cells
        if cell.id not in chosen
    ]
    return kept, left
