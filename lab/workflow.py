"""The whole lab on one screen: each step takes what the one before made.

lab.yaml + images/ + agents/ + scenarios/
  -> config -> matrix -> images -> running (records) -> detect -> verdict -> report -> gate
"""

from __future__ import annotations

from lab.clock import wall
from lab.matrix.plan import build
from lab.model import GateDecision, GatePolicy
from lab.report.document import build as report_document
from lab.report.files import write_all
from lab.running import session
from lab.running.rundir import RunDirectory
from lab.selftest.gate import keep_proven
from lab.setting import Request, Setting
from lab.verdict.gate import decide
from lab.verdict.judge import judge as judge_cells


def plan(request: Request) -> Setting:
    """lab.yaml, catalogue, scenarios and hosts become a plan; nothing is built or booted for a cell."""
    setting = keep_proven(Setting.read(request).with_hosts())
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
    setting = plan(request).runnable()
    with session.begin(setting) as running:
        running.every_cell()
    return judge(running.directory), running.directory


def judge(run: RunDirectory, policy: GatePolicy | None = None) -> GateDecision:
    """Recordings to verdicts to report to decision, from disk alone; boots nothing."""
    planned, policy = run.plan(), policy or run.policy()
    attempts = run.attempts(planned)
    verdicts = judge_cells(attempts, policy, today=wall()[:10])
    decision = decide(verdicts, planned, policy)
    document = report_document(run.run_facts(), planned, verdicts, decision, attempts, run.path)
    write_all(run.path, document)
    return decision
