"""Everything a command works with: configuration, catalogue, scenarios, hosts, and the plan.

Gathers what the rooms offer; decides nothing itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab import __version__, agents, config
from lab.agents.artefacts import ArtefactStore
from lab.agents.manifest import AgentManifest
from lab.clock import wall
from lab.config.types import Lab
from lab.errors import HostError, InputError, NothingSelected
from lab.images import catalogue
from lab.images.recipe import Recipe
from lab.images.store import ImageStore
from lab.images.windows import given
from lab.machine.host import HostReport, survey
from lab.matrix import scenarios as scenario_files
from lab.matrix.capacity import HostFacts
from lab.model import ImageInfo, Plan, ScenarioInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for."""

    config: Path = Path("lab.yaml")
    candidate: Mapping[str, str] = field(default_factory=dict)
    select: tuple[str, ...] = ()
    scheduler: str = ""
    fresh_hosts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A request with everything that was read for it."""

    request: Request
    lab: Lab
    recipes: Mapping[str, Recipe]
    scenarios: Mapping[str, ScenarioInfo]
    store: ImageStore
    hosts: tuple[HostReport, ...] = ()
    plan: Plan | None = None

    @classmethod
    def read(cls, request: Request) -> Setting:
        """:raise ConfigError: a file is wrong; the message says where and what was wanted."""
        lab = config.load(request.config, candidate=request.candidate or None)
        return cls(
            request=request,
            lab=lab,
            recipes=given.apply(catalogue.load(lab.root / "images"), lab),
            scenarios=scenario_files.discover(lab.root),
            store=ImageStore(lab.places),
        )

    def image_infos(self) -> dict[str, ImageInfo]:
        return {name: self.store.info(recipe) for name, recipe in self.recipes.items()}

    def plannable_images(self) -> dict[str, ImageInfo]:
        """The catalogue as the agent under test sees it: images it cannot run on say why.

        :raise ConfigError: the agent's manifest is missing or wrong.
        """
        manifest = agents.load(self.lab.root / "agents" / self.lab.agent)
        return {name: _suits(info, manifest) for name, info in self.image_infos().items()}

    def with_hosts(self) -> Setting:
        """Every host of lab.yaml, surveyed; an unusable one is in there with its problems.

        :raise InputError: the run-time directory is too long for the sockets of guests.
        """
        self.lab.places.check()
        missing = dict.fromkeys(
            tool for recipe in self.recipes.values() for tool in self.store.missing_tools(recipe)
        )
        fresh = self.request.fresh_hosts
        return replace(
            self,
            hosts=tuple(
                survey(spec, self.lab.places, tuple(missing), fresh=fresh) for spec in self.lab.hosts
            ),
        )

    def usable_hosts(self) -> list[HostReport]:
        """:raise HostError: no host can run guests; the message has the first problem and its remedy."""
        usable = [report for report in self.hosts if report.usable]
        if not usable:
            problem = next(problem for report in self.hosts for problem in report.problems if problem.fatal)
            raise HostError(f"no host can run guests: {problem.what}", hint=problem.mend or "lab doctor")
        return usable

    def host_facts(self) -> list[HostFacts]:
        return [report.facts for report in self.usable_hosts()]

    def with_plan(self, plan: Plan) -> Setting:
        """:raise ArtefactError: a file of an agent version in the plan is missing or is another one."""
        self._check_agents(plan)
        return replace(self, plan=plan)

    def runnable(self) -> Setting:
        """Itself, when at least one cell can run.

        :raise NothingSelected: none can; the message has the first reason.
        """
        if self.plan is not None and not self.plan.cells:
            left = [item for item in self.plan.omitted if item.kind == "unrunnable"] or [*self.plan.omitted]
            why = f": {left[0].reason}" if left else ""
            hint = (left[0].hint if left else "") or "lab plan shows what was left out and why"
            raise NothingSelected(f"none of the {len(left)} cells of the plan can run{why}", hint=hint)
        return self

    def still_known(self) -> Setting:
        """Itself, when everything that an older plan names is still there.

        :raise InputError: lab.yaml, images/ or scenarios/ lack something that the plan needs.
        """
        assert self.plan is not None
        kinds = {"profile": self.lab.profiles, "image": self.recipes, "scenario": self.scenarios}
        for kind, known in kinds.items():
            for name in dict.fromkeys(getattr(cell, kind) for cell in self.plan.cells):
                if name not in known:
                    raise InputError(
                        f"{kind} {name!r} of the run's plan is no longer there",
                        hint="the run's own lab.yaml is in its directory; put back what it named",
                    )
        return self

    def _check_agents(self, plan: Plan) -> None:
        """What the user can mend is said before anything is built or booted."""
        kinds = {
            (cell.agent, cell.image, cell.version.build, cell.version.content): cell for cell in plan.cells
        }
        wanted = dict.fromkeys(
            (cell.agent, version, self.recipes[cell.image].family)
            for cell in kinds.values()
            for version in (cell.installed, cell.version)
        )
        for agent, version, family in wanted:
            manifest = agents.load(self.lab.root / "agents" / agent)
            ArtefactStore(self.lab.places, manifest).check(version, family)

    def history(self) -> dict[str, float]:
        """Durations of earlier runs, by `lab.matrix.estimate.keys`; newest last, damaged ones passed over."""
        found: dict[str, float] = {}
        for path in sorted(self.lab.reports.glob("*/durations.json")):
            try:
                raw = json.loads(path.read_bytes())
                found |= {str(key): float(seconds) for key, seconds in raw.items()}
            except (OSError, ValueError, TypeError, AttributeError):
                continue
        return found

    def run_facts(self) -> dict[str, object]:
        """run.json: what a run was made of, before anything ran."""
        from lab.faults.catalogue import KINDS

        return {
            "started": wall(),
            "lab": __version__,
            "command": " ".join(("lab", *sys.argv[1:])),
            "config": self.lab.path.name,
            "agent": self.lab.agent,
            "installed": self.lab.installed,
            "arms": dict(self.lab.arms),
            "hosts": self.hosts,
            "gate": self.lab.gate,
            "compare": self.lab.compare,
            "soak": self.lab.soak,
            "select": list(self.request.select),
            "images": self.image_infos(),
            "scenarios": dict(self.scenarios),
            "faults": sorted(KINDS),
            "census": dict(self.lab.census),
        }


def _suits(info: ImageInfo, manifest: AgentManifest) -> ImageInfo:
    """The image, marked unrunnable when the agent has nothing for it."""
    family = manifest.families.get(info.family)
    if info.unrunnable:
        return info
    if family is None:
        return replace(
            info,
            unrunnable=f"agent {manifest.name} is not described for {info.family} guests",
            hint=f"add families.{info.family} to its agent.yaml",
        )
    if info.kind == "disk" and any(build.compile for build in family.builds.values()):
        return replace(
            info,
            unrunnable=f"agent {manifest.name} is compiled for each kernel, "
            "and a disk image has no SDK for its own",
            hint="give the builds of its agent.yaml ready files, or use an image the lab builds",
        )
    return info
