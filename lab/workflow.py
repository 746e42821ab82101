"""The whole lab on one screen: each step takes what the one before made.

lab.yaml + images/ + agents/ + scenarios/
  -> config -> matrix -> images -> running (records) -> detect -> verdict -> report -> gate
"""

from __future__ import annotations

from lab import matrix, report, verdict
from lab.clock import wall
from lab.model import GateDecision, GatePolicy
from lab.running import session
from lab.running.rundir import RunDirectory
from lab.setting import Request, Setting


def plan(request: Request) -> Setting:
    """lab.yaml, catalogue, scenarios and hosts become a plan; nothing is built or booted for a cell."""
    setting = Setting.read(request).with_hosts()
    cells = matrix.build(
        setting.lab,
        setting.image_infos(),
        setting.scenarios,
        setting.host_facts(),
        request.select,
        history=setting.history(),
    )
    return setting.with_plan(cells)


def run(request: Request) -> tuple[GateDecision, RunDirectory]:
    """Plan, then build images and run cells side by side, then judge what was recorded."""
    setting = plan(request)
    with session.begin(setting) as running:
        running.every_cell()
    return judge(running.directory), running.directory


def judge(run: RunDirectory, policy: GatePolicy | None = None) -> GateDecision:
    """Recordings to verdicts to report to decision, from disk alone; boots nothing."""
    planned, policy = run.plan(), policy or run.policy()
    attempts = run.attempts(planned)
    verdicts = verdict.judge(attempts, policy, today=wall()[:10])
    decision = verdict.decide(verdicts, planned, policy)
    document = report.build(run.run_facts(), planned, verdicts, decision, attempts, run.path)
    report.write_all(run.path, document)
    return decision
