"""Which hosts may run cells: not one whose detectors have just been shown not to work there.

A host that was never tried is warned about and used, since a first run must work; so is one that was tried
by other detectors than today's. Refuses to run canaries.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from lab.machine.host import HostReport, Problem
from lab.places import Places
from lab.selftest.results import Proven, State, load, state_of
from lab.setting import Setting

MOST_NAMED = 3


def keep_proven(setting: Setting) -> Setting:
    """The setting with what the last self-tests mean for its hosts among their problems.

    A host whose canaries failed is unusable from here on (`HostReport.usable`), so planning and placing
    leave it out and say why.
    """
    places = setting.lab.places
    return replace(setting, hosts=tuple(with_standing(host, places) for host in setting.hosts))


def with_standing(host: HostReport, places: Places) -> HostReport:
    """The report with the problem that the host's last self-test is, if it is one."""
    problem = problem_of(host, load(places, host.name))
    return host if problem is None else replace(host, problems=(*host.problems, problem))


def problem_of(host: HostReport, proven: Proven | None) -> Problem | None:
    """What is wrong with how a host stands."""
    mend = f"lab selftest --host {host.name}"
    match state_of(proven, host.qemu):
        case State.PROVEN:
            return None
        case State.NEVER:
            what = "detectors not proven on this host"
            return Problem(what=what, mend="lab selftest", fatal=False)
        case State.OUTDATED:
            assert proven is not None
            what = f"detectors last proven {ago(proven.when)}, by another lab or under another QEMU"
            return Problem(what=what, mend=mend, fatal=False)
        case State.FAILED:
            assert proven is not None
            what = f"detectors failed the self-test {ago(proven.when)}: {failures(proven)}"
            return Problem(what=what, mend=f"{mend} shows why and tries again", fatal=True)


def failures(proven: Proven) -> str:
    """`panic (not seen by screen), oom (...)`."""
    failed = proven.failed
    named = [f"{canary.name} ({canary.problem})" for canary in failed[:MOST_NAMED]]
    more = len(failed) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def summary(host: HostReport, proven: Proven | None) -> str:
    """One cell of doctor's table: `proven 3 h ago by lab 0.3 (22 canaries, 10 stand-ins)`."""
    if proven is None:
        return "never proven"
    count = f"{len(proven.canaries)} canaries"
    standins = sum(canary.standin for canary in proven.canaries)
    count += f", {standins} of them stand-ins" if standins else ""
    match state_of(proven, host.qemu):
        case State.FAILED:
            failed = ", ".join(canary.name for canary in proven.failed)
            return f"FAILED {ago(proven.when)} by lab {proven.lab}: {failed}"
        case State.OUTDATED:
            return f"last proven {ago(proven.when)} by lab {proven.lab} ({count}), since changed"
        case _:
            return f"proven {ago(proven.when)} by lab {proven.lab} ({count})"


def ago(when: str, now: datetime | None = None) -> str:
    """`3 h ago` of a wall time."""
    then = datetime.fromisoformat(when)
    seconds = max(0.0, ((now or datetime.now(tz=UTC)) - then).total_seconds())
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return "just now"
