"""Scenarios are pytest tests: the fixtures `guest`, `agent`, `update` and `watch`.

Two ways in. `lab run` gives each cell a process of its own, which runs one test with
`--lab-order FILE`. `pytest scenarios/ --lab lab.yaml -n 2` is the loop for writing scenarios:
every test is parametrised over the cells of the plan. The same `Attempt` drives both.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from lab.agents.operations import AgentUnderTest
    from lab.agents.windows.tools import WindowsTools
    from lab.faults import Faults
    from lab.guest.guest import Guest
    from lab.model import Finding
    from lab.running.attempt import Attempt
    from lab.running.escaping import Escape
    from lab.running.order import CellOrder
    from lab.running.sweeping import Sweep
    from lab.running.update import Update
    from lab.running.watch import Watch
    from lab.soaking import Soak, Warp
    from lab.workloads import Load

LongRun = TypeVar("LongRun", bound="Soak")
ATTEMPT = pytest.StashKey["Attempt"]()
ENDED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fleet-lab")
    group.addoption("--lab", metavar="FILE", help="run scenarios on the cells of this lab.yaml")
    group.addoption("--lab-cells", metavar="SELECTION", action="append", default=[], help="only these cells")
    group.addoption("--lab-order", metavar="FILE", help="run one attempt as ordered (used by `lab run`)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "scenario(level, count_loops, cold_boot, starts_with, ends_with, latency_sensitive, soak, "
        "time_warp): "
        "what a scenario is and needs",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per cell that runs this scenario; without --lab the scenarios skip."""
    if "cell_order" not in metafunc.fixturenames:
        return
    given = metafunc.config.getoption("--lab-order")
    if given:
        orders = [_read_order(Path(given))]
    elif metafunc.config.getoption("--lab"):
        orders = _planned(metafunc.config, metafunc.function.__name__)
    else:
        orders = []
    metafunc.parametrize("cell_order", orders, ids=[order.cell.id for order in orders], scope="function")


def _read_order(path: Path) -> CellOrder:
    from lab import codec
    from lab.running.order import CellOrder

    return codec.read(CellOrder, path)


def _planned(config: pytest.Config, function: str) -> list[CellOrder]:
    """The orders of every cell whose scenario is this function; planned once per session."""
    from lab.interactive import orders

    return orders(Path(config.getoption("--lab")), tuple(config.getoption("--lab-cells")), function)


@pytest.fixture
def attempt(request: pytest.FixtureRequest, cell_order: CellOrder) -> Iterator[Attempt]:
    """The machine, recorded and watched. A lab fault here is an error of the test, not a failure."""
    from lab.running.attempt import Attempt

    marker = request.node.get_closest_marker("scenario")
    ends_with = marker.kwargs.get("ends_with", "candidate") if marker else "candidate"
    with Attempt(cell_order) as running:
        request.node.stash[ATTEMPT] = running
        with running.watch.armed():
            running.scenario_started({"ends_with": ends_with, "scenario": cell_order.cell.scenario})
            yield running


@pytest.fixture
def guest(attempt: Attempt) -> Guest:
    """The guest, booted: a channel has answered."""
    attempt.wait_ready()
    return attempt.guest


@pytest.fixture
def agent(attempt: Attempt, guest: Guest) -> AgentUnderTest:
    """The agent under test, not installed yet."""
    assert guest is attempt.guest
    return attempt.agent


@pytest.fixture
def update(attempt: Attempt, agent: AgentUnderTest) -> Update:
    """What may ship: the way from the installed version to the arm's version, and back."""
    from lab.running.update import Update

    return Update(agent, attempt.cell)


@pytest.fixture
def faults(attempt: Attempt, guest: Guest) -> Iterator[Faults]:
    """Faults on purpose, each proven and undone; whatever is left is undone when the scenario ends."""
    from lab.faults import Faults
    from lab.faults.subject import Seen, Subject

    seen = Seen()
    attempt.recorder.subscribe(seen.observe)
    subject = Subject(
        guest=guest,
        machine=attempt.machine,
        agent=attempt.agent,
        agent_dir=attempt.manifest.family(attempt.order.image.family).dir,
        family=attempt.order.image.family,
        record=attempt.record,
        clock=attempt.clock,
        timeouts=attempt.timeouts,
        seed=attempt.cell.seed,
        lost=lambda: attempt.watch.fatal is not None,
        seen=seen,
    )
    own = Faults(subject)
    try:
        yield own
    finally:
        own.undo_all()


@pytest.fixture
def sweep(attempt: Attempt, guest: Guest, faults: Faults) -> Sweep:
    """Power cuts at every point of an operation, each judged alone: `sweep.over(update.apply, ...)`."""
    from lab.running.sweeping import Sweep

    return Sweep(attempt, guest, faults)


@pytest.fixture
def escape(attempt: Attempt) -> Escape:
    """The way back: `escape.plan(Delete(path=...))` before an update, `escape.drill()` to try it now."""
    from lab.running.escaping import drills

    attempt.escape = drills(attempt)
    return attempt.escape


@pytest.fixture
def seed(cell_order: CellOrder) -> int:
    """The cell's seed, the same in both arms and in every repeat: `random.Random(seed)`."""
    return cell_order.cell.seed


@pytest.fixture
def watch(attempt: Attempt) -> Watch:
    """What has been found so far; `watch.quiet(30)` lets the guest run watched."""
    return attempt.watch


@pytest.fixture
def load(attempt: Attempt, guest: Guest) -> Load:
    """Loads on the guest: `load.run("cpu", for_s=20)`, `with load.running("memory", intensity=0.8):`."""
    from lab.workloads import Activity, Load, driver_of

    family, agent = attempt.order.image.family, attempt.agent
    return Load(
        driver_of(guest, family, tools=dict(attempt.order.tools)),
        family,
        attempt.record,
        attempt.clock,
        factor=attempt.order.host.factor,
        activity=Activity(command=agent.event_command, count=agent.events_seen),
    )


@pytest.fixture
def windows(attempt: Attempt, guest: Guest) -> WindowsTools:
    """Windows' own tools: `windows.install_msi(PATH)`, `with windows.verified("agent.sys"):`."""
    from lab.agents.windows.tools import WindowsTools
    from lab.model import Family

    if attempt.order.image.family is not Family.WINDOWS:
        pytest.skip(f"image {attempt.order.image.name!r} is no Windows")
    return WindowsTools(guest)


@pytest.fixture
def soak(attempt: Attempt, guest: Guest) -> Soak:
    """The long run that was ordered: `soak.run()` samples guest and agent until its time is up."""
    from lab.soaking import Soak

    assert guest is attempt.guest
    return _long_run(Soak, attempt)


@pytest.fixture
def warp(attempt: Attempt, guest: Guest) -> Warp:
    """A guest whose clock runs ahead while it is idle: `warp.until(uptime_s)`; needs `time_warp=True`."""
    from lab.soaking import Warp

    assert guest is attempt.guest
    return _long_run(Warp, attempt)


def _long_run(kind: type[LongRun], attempt: Attempt) -> LongRun:
    from lab.soaking import SerialLines

    lines = SerialLines()
    attempt.recorder.subscribe(lines.observe)
    return kind(
        attempt.guest,
        attempt.agent,
        attempt.order.soak,
        attempt.record,
        attempt.clock,
        family=attempt.order.image.family,
        serial_lines=lambda: lines.count,
    )


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Item) -> Generator[None, object, object]:
    """A scenario that went well is watched on for a moment; what comes to light then is as its own."""
    result = yield
    running = pyfuncitem.stash.get(ATTEMPT, None)
    if running is not None:
        running.closing()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell the recording how the scenario ended, before fixtures are torn down."""
    running = item.stash.get(ATTEMPT, None)
    if running is not None and (call.when == "call" or call.excinfo is not None):
        running.watch.disarm()  # what is found from here on must not interrupt the writing of the report
    report = yield
    if running is not None and call.when == "teardown" and call.excinfo is not None:
        _tell_teardown(running, call.excinfo.value)
    if running is None or item.stash.get(ENDED, False):
        return report
    if call.when == "call" or (call.when == "setup" and call.excinfo is not None):
        item.stash[ENDED] = True
        _tell(running, call)
        if not os.environ.get("LAB_CELL"):
            _show_finding(running, call, report)
    return report


def _tell(running: Attempt, call: pytest.CallInfo[None]) -> None:
    """Whose failure is it? A finding's, the product's (assertion), the guest's silence, or ours."""
    from lab.errors import LabError
    from lab.running.watch import Cancelled, ScenarioStopped

    error = call.excinfo.value if call.excinfo is not None else None
    if error is None:
        running.scenario_ended("completed")
    elif isinstance(error, Cancelled):
        running.lab_fault(error)
        running.scenario_ended("error", error.reason)
    elif isinstance(error, ScenarioStopped):
        running.scenario_ended("stopped", error.reason)
    elif isinstance(error, AssertionError | pytest.fail.Exception):
        running.scenario_ended("failed", str(error) or "assertion failed")
    elif isinstance(error, pytest.skip.Exception):
        running.scenario_ended("skipped", str(error))
    elif isinstance(error, LabError | TimeoutError):
        _silence_or_fault(running, error)
    else:
        running.scenario_ended("failed", f"{type(error).__name__}: {error}")


def _tell_teardown(running: Attempt, error: BaseException) -> None:
    """What fixtures find out after the scenario's end counts as if the scenario had."""
    from lab.errors import LabError

    if not running.completed:
        return
    found = list(_each(error))
    failed = [one for one in found if isinstance(one, AssertionError | pytest.fail.Exception)]
    faults = [one for one in found if isinstance(one, LabError | OSError)]
    with contextlib.suppress(LabError, OSError), running.reopened():
        if not failed and faults:
            running.lab_fault(faults[0])
            running.scenario_ended("error", f"{type(faults[0]).__name__}: {faults[0]}")
        else:
            first = (failed or found)[0]
            said = str(first) if failed else f"{type(first).__name__}: {first}"
            running.scenario_ended("failed", f"after its end: {said or 'assertion failed'}")


def _each(error: BaseException) -> Iterator[BaseException]:
    """The errors of several fixtures come as a group."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _each(one)
    else:
        yield error


def _silence_or_fault(running: Attempt, error: Exception) -> None:
    """A channel that fails may be the first sign of a dying guest: give the detectors a moment, and as long
    as silence takes to be called one while the guest is silent. One that refuses us is not silent."""
    from lab.guest.channel import Refused

    running.watch.disarm()
    linger_s = running.timeouts.linger_s
    fatal = running.watch.await_fatal(linger_s)
    if not isinstance(error, Refused):
        fatal = fatal or running.watch.await_word(running.order.detect.heartbeat_s + linger_s)
    if fatal is not None:
        running.scenario_ended("stopped", fatal.title)
        return
    running.lab_fault(error)
    running.scenario_ended("error", f"{type(error).__name__}: {error}")


def _show_finding(running: Attempt, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """In the loop for writing scenarios a fatal finding fails the test even if every assertion held,
    and is shown instead of the place where the scenario happened to wait."""
    from lab.running.watch import ScenarioStopped

    fatal: Finding | None = running.watch.fatal
    stopped = call.excinfo is not None and isinstance(call.excinfo.value, ScenarioStopped)
    if fatal is not None and (report.passed or stopped):
        report.outcome = "failed"
        report.longrepr = f"{fatal.title} ({running.order.recording})"
