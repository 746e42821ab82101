"""The whole lab on one screen: each step takes what the one before made.

lab.yaml + images/ + agents/ + scenarios/
  -> config -> matrix -> images -> running (records) -> detect -> verdict -> report -> gate
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab import codec
from lab.clock import wall
from lab.errors import InputError
from lab.matrix.plan import build
from lab.model import GateDecision, GatePolicy, SoakPlan
from lab.selftest.gate import keep_proven
from lab.setting import Request, Setting

if TYPE_CHECKING:
    from lab.running.rundir import RunDirectory


def plan(request: Request) -> Setting:
    """lab.yaml, catalogue, scenarios and hosts become a plan; nothing is built or booted for a cell."""
    return _planned(Setting.read(request))


def plan_soak(request: Request, *, for_s: float | None = None, every_s: float | None = None) -> Setting:
    """The same for the soak scenarios alone, whichever lab.yaml lists.

    :param for_s: how long each is sampled, instead of what lab.yaml says; likewise `every_s`.
    :raise InputError: there is no soak scenario.
    """
    setting = Setting.read(request)
    names = tuple(name for name, info in setting.scenarios.items() if info.soak)
    if not names:
        raise InputError(
            "no soak scenario in scenarios/", hint="mark one with @pytest.mark.scenario(soak=True)"
        )
    lab = setting.lab
    soak = replace(lab.soak, for_s=for_s or lab.soak.for_s, every_s=every_s or lab.soak.every_s)
    return _planned(
        replace(setting, lab=replace(lab, matrix=replace(lab.matrix, scenarios=names), soak=soak))
    )


def _planned(setting: Setting) -> Setting:
    setting = keep_proven(setting.with_hosts())
    request = setting.request
    cells = build(
        setting.lab,
        setting.plannable_images(),
        setting.scenarios,
        setting.host_facts(),
        request.select,
        history=setting.history(),
    )
    return setting.with_plan(cells)


def run(request: Request) -> tuple[GateDecision, RunDirectory]:
    """Plan, then build images and run cells side by side, then judge what was recorded."""
    from lab.running.forkserver_client import preloaded

    setting = Setting.read(request)
    with preloaded():  # while hosts are looked at
        return carry_out(_planned(setting))


def carry_out(setting: Setting) -> tuple[GateDecision, RunDirectory]:
    """Run what was planned, and judge it."""
    from lab.running import session

    with session.begin(setting.runnable()) as running:
        running.every_cell()
    return judge(running.directory), running.directory


def resume(request: Request, run: RunDirectory) -> tuple[GateDecision, RunDirectory]:
    """Go on with a run: cells that are done are kept, those that go on are followed, the rest is run."""
    from lab.running import session

    setting = keep_proven(Setting.read(request).with_hosts())
    soak = codec.from_dict(SoakPlan, run.run_facts().get("soak") or {})
    setting = replace(setting, plan=run.resumable(), lab=replace(setting.lab, soak=soak)).still_known()
    with session.resume(setting, run) as running:
        running.every_cell()
    return judge(running.directory), running.directory


def judge(run: RunDirectory, policy: GatePolicy | None = None) -> GateDecision:
    """Recordings to verdicts to report to decision, from disk alone; boots nothing."""
    from lab.report.document import build as report_document
    from lab.report.files import write_all
    from lab.verdict.compare.deciding import compare_all as compare_arms
    from lab.verdict.compare.reading import results
    from lab.verdict.gate import decide
    from lab.verdict.judge import judge as judge_cells

    planned, policy = run.plan(), policy or run.policy()
    attempts = run.attempts(planned)
    verdicts = judge_cells(attempts, policy, today=wall()[:10])
    comparisons = compare_arms(results(verdicts, attempts), run.comparing())
    decision = decide(verdicts, planned, policy, comparisons)
    document = report_document(
        run.run_facts(), planned, verdicts, decision, attempts, run.path, comparisons=comparisons
    )
    write_all(run.path, document)
    return decision
