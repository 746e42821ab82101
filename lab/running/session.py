"""One run from its directory to its last cell: lock, leftovers, signals, fleet.

Ctrl-C, SIGTERM and a closed terminal end guests and leave a valid run directory; with a soak in it, a run
goes on without its terminal. What `kill -9` leaves is ended by the next session or by `lab gc`.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter
from rich.console import Console

from lab import codec, log
from lab.clock import wall
from lab.images.built import BuiltImage
from lab.machine import leftovers
from lab.matrix.estimate import keys as estimate_keys
from lab.model import Cell, Omitted, Plan
from lab.running import artefacts, boot_times, ending
from lab.running.admission_demand import Measured
from lab.running.fleet import Fleet, Job
from lab.running.forkserver_client import preloaded
from lab.running.live import Progress
from lab.running.lock import orchestrator
from lab.running.order import CellOrder
from lab.running.placing import place
from lab.running.repeating import Looking
from lab.running.rundir import RunDirectory
from lab.running.spawn import AttemptResult
from lab.running.template_request import host_choice
from lab.selftest import results as selftests
from lab.selftest.gate import problem_of
from lab.setting import Setting
from lab.templates import TemplateStore
from lab.verdict.board import nothing_new


class Session:
    """A run that is going on."""

    def __init__(self, setting: Setting, directory: RunDirectory, plan: Plan, console: Console) -> None:
        self.setting = setting
        self.directory = directory
        self.plan = plan
        self._console = console
        self._fleet = Fleet(setting.host_facts(), setting.request.scheduler)
        self._hosts = place(plan.cells, setting.lab.profiles, setting.host_facts())
        self._progress = Progress(plan, console)
        self._durations: dict[str, float] = {}
        self._boots: dict[str, list[float]] = {}
        self._measured = Measured.of_runs(setting.lab.reports)

    def every_cell(self) -> None:
        """Run the plan; cells that did not run are moved to what was left out, with the reason."""
        with self._progress, self._signals(), preloaded():
            omitted = self._fleet.run(self._job())
        self._finish(omitted)

    def _job(self) -> Job:
        rings = self.setting.lab.rings
        elsewhere = bool(self.setting.request.scheduler)
        return Job(
            run=self.directory.id,
            plan=self.plan,
            ensure_image=self._ensure_image,
            order=self.order,
            places={} if elsewhere else self._hosts,
            observer=_Both(self._progress, self._durations, self._booted),
            clones=None if elsewhere else self.setting.lab.clones,
            stop_after_ring={n: ring.name for n, ring in enumerate(rings) if ring.stop_on_failure},
            measured=self._measured,
            enough=Looking(self.directory, self.plan).enough,
        )

    def _ensure_image(self, name: str) -> BuiltImage:
        """The image, and what its cells will put into it."""
        recipe, lab = self.setting.recipes[name], self.setting.lab
        built = self.setting.store.build(
            recipe, progress=lambda line: self._progress.image(name, "making", line)
        )
        artefacts.make_ready(self.plan.cells, built, lab.root, lab.places)
        return built

    def order(self, cell: Cell, image: BuiltImage) -> CellOrder:
        """Everything the cell's process needs."""
        host = self._hosts[cell.id]
        return order(self.setting, self.directory.id, self.directory.recording(cell.id), cell, image, host)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """The first signal ends the run in order; the recordings stay valid."""
        scenarios = self.setting.scenarios
        soaks = any(scenarios[cell.scenario].soak for cell in self.plan.cells if cell.scenario in scenarios)

        def end() -> None:
            self.directory.ask_to_stop()
            self._fleet.stop()
            self._console.print("ending guests; the report will cover what ran", style="yellow")

        with ending.signals(end, goes_on=soaks):
            yield

    def _finish(self, omitted: Sequence[Omitted]) -> None:
        self.plan = self.directory.leave_out(self.plan, omitted)
        facts = self.directory.run_facts()
        images = {name: info for name, info in self.setting.image_infos().items() if name in facts["images"]}
        ended = {
            "images": images,
            "finished": wall(),
            "interrupted": self._fleet.stopping,
            "admission": self._fleet.desk.facts_of_run(),
        }
        self.directory.write_run(_plain({**facts, **ended}))
        path = self.directory.path / "durations.json"
        codec.replace_text(path, json.dumps(self._durations, indent=1) + "\n")
        boot_times.write(self.directory.path, self._boots)
        self._measured.write(self.directory.path)

    def _booted(self, cell: Cell, seconds: float) -> None:
        """One measured first start, for the baseline of later runs."""
        name = boot_times.key(cell.image, cell.profile, self._hosts.get(cell.id, ""))
        self._boots.setdefault(name, []).append(round(seconds, 3))


def order(
    setting: Setting, run: str, recording: Path, cell: Cell, image: BuiltImage, host_name: str = ""
) -> CellOrder:
    """The first attempt of a cell on the named host, or on the first usable one."""
    usable = setting.usable_hosts()
    host = next((one for one in usable if one.name == host_name), usable[0])
    profile = setting.lab.profiles[cell.profile]
    usual_boots = boot_times.usual(setting.lab.reports)
    return CellOrder(
        run=run,
        cell=cell,
        attempt=1,
        recording=recording.resolve(),
        root=setting.lab.root.resolve(),
        places=setting.lab.places,
        image=image,
        profile=replace(profile, vcpus=cell.vcpus, memory_mib=cell.memory_mib),
        scenario=setting.scenarios[cell.scenario],
        host=replace(host_choice(host), accelerator="tcg") if profile.time_warp else host_choice(host),
        loop_resets=setting.lab.loop_resets,
        usual_boot_s=usual_boots.get(boot_times.key(cell.image, cell.profile, host.name), 0.0),
        expected_boots=setting.recipes[cell.image].first_boot_resets,
        evidence=setting.lab.evidence,
        soak=setting.lab.soak,
        identity=setting.lab.clones.identity,
        tools=tuple(setting.lab.tools.items()),
    )


@contextmanager
def begin(setting: Setting, console: Console | None = None) -> Iterator[Session]:
    """Lock the state directory, end leftovers of earlier runs, and make the run's directory.

    :raise Busy: another orchestrator uses the state directory.
    """
    assert setting.plan is not None
    console = console or _console()
    places = setting.lab.places
    with _alone(setting):
        directory = RunDirectory.create(setting.lab.reports)
        for report in setting.usable_hosts():
            worry = problem_of(report, selftests.load(places, report.name))
            if worry is not None:
                console.print(f"{report.name}: {worry.what}: {worry.mend}", style="yellow", soft_wrap=True)
        for words in nothing_new(setting.plan.cells):
            console.print(f"{words}: that puts nothing to the test", style="yellow", soft_wrap=True)
        tried = selftests.facts(places, {report.name: report.qemu for report in setting.hosts})
        directory.write_run(_plain({"id": directory.id, **setting.run_facts(), "selftest": tried}))
        directory.write_plan(setting.plan)
        shutil.copyfile(setting.lab.path, directory.path / "lab.yaml")
        yield Session(setting, directory, setting.plan, console)


@contextmanager
def resume(setting: Setting, directory: RunDirectory, console: Console | None = None) -> Iterator[Session]:
    """Go on with a run whose orchestrator was stopped or killed: with its plan, and what lab.yaml says now.

    :raise Busy: another orchestrator uses the state directory.
    """
    with _alone(setting):
        facts = directory.run_facts()
        facts["resumed"] = [*facts.get("resumed", []), wall()]
        directory.write_run({**facts, "interrupted": False})
        directory.forget_stop()
        plan = directory.resumable()
        directory.write_plan(plan)
        yield Session(setting, directory, plan, console or _console())


@contextmanager
def _alone(setting: Setting) -> Iterator[None]:
    """With the state directory to ourselves, and what earlier runs left in it ended."""
    places = setting.lab.places
    with orchestrator(places, "a lab run"):
        for ended in leftovers.collect(places):
            log.get("running").warning(
                "leftover ended", machine=ended.machine, why=ended.why, error=ended.error
            )
        templates = TemplateStore(places)
        templates.remove_stale()
        templates.prune(most_mib=setting.lab.clones.cache_mib)
        yield


def _console() -> Console:
    """Stderr; whole lines where it is not a terminal."""
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 240)


class _Both:
    """Tells the live view, and keeps durations for the next plan's estimate."""

    def __init__(
        self, progress: Progress, durations: dict[str, float], booted: Callable[[Cell, float], None]
    ) -> None:
        self._progress = progress
        self._durations = durations
        self._booted = booted

    def image(self, name: str, state: str, detail: str = "") -> None:
        self._progress.image(name, state, detail)

    def host(self, name: str, changed: str) -> None:
        self._progress.host(name, changed)

    def cell(self, cell: Cell, state: str, results: Sequence[AttemptResult] = ()) -> None:
        if state == "done":
            for key in estimate_keys(cell)[:1]:
                self._durations[key] = sum(result.seconds for result in results)
            for result in results:
                if result.boot_s > 0:
                    self._booted(cell, result.boot_s)
        self._progress.cell(cell, state, results)


def _plain(facts: dict[str, object]) -> dict[str, object]:
    """JSON types, whatever nouns are inside."""
    plain: dict[str, object] = TypeAdapter(dict[str, object]).dump_python(facts, mode="json")
    return plain
