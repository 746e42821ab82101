"""The main loop of a run, with a client that runs cells at once or when told to."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from running_factories import Told, cell, image, order, plan, result

from lab.errors import BuildError
from lab.images.built import BuiltImage
from lab.matrix.capacity import HostFacts
from lab.model import Cell, Omitted, Plan
from lab.running import fleet
from lab.running.fleet import Fleet, Job, _Pass
from lab.running.placing import demand
from lab.running.spawn import AttemptResult

Ending = Callable[[Cell], list[AttemptResult] | Exception]


def passes(of: Cell) -> list[AttemptResult]:
    return [result(of)]


class Client:
    """Stands for the Dask client: ends every submitted cell at once, unless it is to hold some."""

    def __init__(self, ending: Ending = passes, hold: tuple[str, ...] = ()) -> None:
        self.submitted: list[tuple[str, dict[str, Any]]] = []
        self.held: dict[str, _Held] = {}
        self._ending = ending
        self._hold = hold

    def submit(self, _function: object, _order: object, of: Cell, **options: Any) -> _Held:
        self.submitted.append((of.id, options))
        future = _Held()
        if of.id in self._hold:
            self.held[of.id] = future
        else:
            self.end(of, future)
        return future

    def end(self, of: Cell, future: _Held) -> None:
        outcome = self._ending(of)
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


class _Held(Future[Any]):
    @property
    def status(self) -> str:
        return "finished" if self.done() else "pending"


class Bench:
    """One pass through a plan."""

    def __init__(
        self,
        of: Plan,
        client: Client,
        *,
        images: Callable[[str], BuiltImage] = image,
        stop_after_ring: Mapping[int, str] | None = None,
    ) -> None:
        self.told = Told()
        self.events: queue.Queue[tuple[str, Any, Any]] = queue.Queue()
        self.stopping = threading.Event()
        job = Job(
            run="r",
            plan=of,
            ensure_image=images,
            order=lambda one, _image: order(Path("/reports/r/cells") / one.id / "a1", one),
            observer=self.told,
            places={one.id: "here" for one in of.cells},
            stop_after_ring=stop_after_ring or {},
        )
        self.one = _Pass(job, client, self.events, self.stopping)

    def run(self) -> list[Omitted]:
        return self.one.run()

    def states(self, of: Cell) -> list[str]:
        return [state for name, state in self.told.cells if name == of.id]


ONE, TWO, THREE = cell("one"), cell("two", ring=1), cell("three", ring=2)


def test_every_cell_is_submitted_once_with_its_demand_and_without_retries() -> None:
    client = Client()
    bench = Bench(plan(ONE, cell("two")), client)
    assert bench.run() == []
    assert [name for name, _ in client.submitted] == [ONE.id, cell("two").id]
    options = client.submitted[0][1]
    assert (options["retries"], options["pure"]) == (0, False)
    assert options["resources"] == demand(ONE, "here")
    assert bench.states(ONE) == ["queued", "done"]


def test_cells_earlier_in_the_plan_have_the_higher_priority() -> None:
    client = Client()
    Bench(plan(ONE, cell("two"), cell("three")), client).run()
    priorities = [options["priority"] for _, options in client.submitted]
    assert priorities == sorted(priorities, reverse=True)
    assert len(set(priorities)) == 3


def test_an_image_that_cannot_be_made_leaves_its_cells_out_and_no_others() -> None:
    broken = cell("two", image="debian-12")

    def images(name: str) -> BuiltImage:
        if name == "debian-12":
            raise BuildError("image 'debian-12': no room")
        return image(name)

    client = Client()
    bench = Bench(plan(broken, ONE), client, images=images)
    (left,) = bench.run()
    assert (left.id, left.kind, left.arm) == (broken.id, "not-run", broken.arm)
    assert left.reason == "image debian-12 could not be made: image 'debian-12': no room"
    assert [name for name, _ in client.submitted] == [ONE.id]
    assert ("debian-12", "failed", "image 'debian-12': no room") in bench.told.images


def test_a_bug_in_a_builder_does_not_leave_the_run_waiting() -> None:
    def images(_name: str) -> BuiltImage:
        raise KeyError("oops")

    (left,) = Bench(plan(ONE), Client(), images=images).run()
    assert "KeyError" in left.reason


@pytest.mark.parametrize(
    "bad",
    [
        {"fatal": True, "scenario": "stopped"},
        {"scenario": "failed"},
        {"scenario": "", "lab_fault": "the cell's process died of SIGKILL"},
    ],
    ids=["crash", "assertion", "lab fault"],
)
def test_a_ring_that_fails_stops_the_next_ones(bad: dict[str, Any]) -> None:
    client = Client(lambda of: [result(of, **bad)])
    bench = Bench(plan(ONE, TWO, THREE), client, stop_after_ring={0: "canary", 1: "early"})
    left = bench.run()
    assert [name for name, _ in client.submitted] == [ONE.id]
    assert [(one.id, one.reason) for one in left] == [
        (TWO.id, "ring 'canary' failed"),
        (THREE.id, "ring 'canary' failed"),
    ]


def test_a_ring_that_passes_lets_the_next_one_run() -> None:
    client = Client()
    assert Bench(plan(ONE, TWO), client, stop_after_ring={0: "canary"}).run() == []
    assert [name for name, _ in client.submitted] == [ONE.id, TWO.id]


def test_a_ring_that_may_fail_stops_nothing() -> None:
    client = Client(lambda of: [result(of, fatal=True)])
    assert Bench(plan(ONE, TWO, THREE), client, stop_after_ring={1: "early"}).run()[0].id == THREE.id
    assert [name for name, _ in client.submitted] == [ONE.id, TWO.id]


def test_without_gated_rings_all_cells_run_together() -> None:
    client = Client(lambda of: [result(of, fatal=True)], hold=(ONE.id,))
    bench = Bench(plan(ONE, TWO), client)
    runner = threading.Thread(target=bench.run, daemon=True)
    bench.told._on_cell = lambda name, state: (
        client.held[ONE.id].set_result([result(ONE)]) if (name, state) == (TWO.id, "done") else None
    )
    runner.start()
    runner.join(10)
    assert not runner.is_alive()
    assert bench.states(ONE) == ["queued", "done"]


def test_a_stop_leaves_out_what_has_not_begun_and_waits_for_what_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, queued = cell("one"), cell("two")
    monkeypatch.setattr(fleet, "_running", {begun.id})
    client = Client(hold=(begun.id, queued.id))
    bench = Bench(plan(begun, queued), client)

    def stop_when_both_wait(name: str, state: str) -> None:
        if (name, state) == (queued.id, "queued"):
            bench.stopping.set()
            bench.events.put(("stop", None, None))
        if (name, state) == (queued.id, "not run"):
            client.held[begun.id].set_result([result(begun, lab_fault="Cancelled")])

    bench.told._on_cell = stop_when_both_wait
    left = bench.run()
    assert [(one.id, one.reason) for one in left] == [(queued.id, "the run was stopped")]
    assert bench.states(begun) == ["queued", "done"]


def test_a_stop_before_an_image_is_ready_runs_nothing() -> None:
    release = threading.Event()

    def images(name: str) -> BuiltImage:
        release.wait(10)
        return image(name)

    client = Client()
    bench = Bench(plan(ONE, TWO), client, images=images, stop_after_ring={0: "canary"})
    bench.stopping.set()
    bench.events.put(("stop", None, None))
    left = bench.run()
    release.set()
    assert {one.reason for one in left} == {"the run was stopped"}
    assert client.submitted == []


def test_a_cell_that_the_scheduler_lost_is_left_out_with_its_error() -> None:
    client = Client(lambda _of: RuntimeError("worker died"))
    (left,) = Bench(plan(ONE), client).run()
    assert left.reason == "the lab could not run it: RuntimeError: worker died"


def test_the_fleet_says_when_it_is_stopping() -> None:
    one = Fleet([HostFacts(name="here", vcpus=2, memory_mib=4096)])
    assert not one.stopping
    one.stop()
    assert one.stopping


def test_a_task_tells_its_run_when_the_process_has_started(monkeypatch: pytest.MonkeyPatch) -> None:
    events: queue.Queue[tuple[str, Any, Any]] = queue.Queue()

    def execute(_order: object, on_start: Callable[[int], None]) -> list[AttemptResult]:
        on_start(42)
        assert fleet.is_running(ONE.id)
        return [result(ONE)]

    monkeypatch.setattr(fleet, "execute", execute)
    monkeypatch.setitem(fleet._listeners, "20260101-1", events)
    done = fleet.run_cell(order(Path("/reports/r/cells/c/a1")), ONE)
    assert events.get_nowait()[:2] == ("running", ONE)
    assert done == [result(ONE)]
    assert not fleet.is_running(ONE.id)
