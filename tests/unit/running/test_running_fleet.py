"""The main loop of a run, with a client that runs cells at once or when told to."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from running_factories import Told, cell, image, order, plan, result

from lab.errors import BuildError
from lab.images.built import BuiltImage
from lab.matrix.capacity import HostFacts
from lab.model import Cell, Omitted, Plan
from lab.running import fleet
from lab.running.admission_desk import Desk
from lab.running.admission_pace import Pressure
from lab.running.fleet import Fleet, Job, _Pass
from lab.running.placing import demand
from lab.running.spawn import AttemptResult
from lab.running.templating import TemplateOrder
from lab.waiting import wait_for

HERE = HostFacts(name="here", vcpus=16, memory_mib=65536, accelerator="tcg")

Ending = Callable[[Cell], list[AttemptResult] | Exception]


def passes(of: Cell) -> list[AttemptResult]:
    return [result(of)]


class Client:
    """Stands for the Dask client: ends every submitted cell at once, unless it is to hold some."""

    def __init__(self, ending: Ending = passes, hold: tuple[str, ...] = ()) -> None:
        self.submitted: list[tuple[str, dict[str, Any]]] = []
        self.held: dict[str, _Held] = {}
        self.orders: dict[str, Any] = {}
        self.templates: list[tuple[Any, _Held]] = []
        self._ending = ending
        self._hold = hold

    def submit(self, _function: object, order: object, of: Cell | None = None, **options: Any) -> _Held:
        future = _Held()
        if of is None:
            self.templates.append((order, future))
            return future
        self.submitted.append((of.id, options))
        self.orders[of.id] = order
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
        host: str = "here",
        hosts: Sequence[HostFacts] = (HERE,),
        pressure: Callable[[], Pressure] = Pressure,
        **job_of: Any,
    ) -> None:
        self.told = Told()
        self.events: queue.SimpleQueue[tuple[str, Any, Any]] = queue.SimpleQueue()
        self.stopping = threading.Event()
        job = Job(
            run="r",
            plan=of,
            ensure_image=images,
            order=lambda one, _image: order(Path("/reports/r/cells") / one.id / "a1", one),
            observer=self.told,
            places={one.id: host for one in of.cells} if host else {},
            stop_after_ring=stop_after_ring or {},
            **job_of,
        )
        self.desk = Desk(hosts, read=pressure)
        self.one = _Pass(job, client, self.events, self.stopping, self.desk)

    def run(self) -> list[Omitted]:
        return self.one.run()

    def states(self, of: Cell) -> list[str]:
        return [state for name, state in self.told.cells if name == of.id]

    def in_background(self) -> threading.Thread:
        runner = threading.Thread(target=self.run, daemon=True)
        runner.start()
        return runner


ONE, TWO, THREE = cell("one"), cell("two", ring=1), cell("three", ring=2)


def test_every_cell_is_submitted_once_and_without_retries() -> None:
    client = Client()
    bench = Bench(plan(ONE, cell("two")), client)
    assert bench.run() == []
    assert [name for name, _ in client.submitted] == [ONE.id, cell("two").id]
    options = client.submitted[0][1]
    assert (options["retries"], options["pure"], options["resources"]) == (0, False, None)
    assert bench.states(ONE) == ["queued", "done"]


def test_elsewhere_all_cells_are_submitted_at_once_with_their_demand_in_the_order_of_the_plan() -> None:
    several = [cell(f"c{number}") for number in range(40)]
    client = Client(hold=tuple(one.id for one in several))
    bench = Bench(plan(*several), client, host="", hosts=())
    runner = bench.in_background()
    wait_for(lambda: len(client.submitted) == 40, what="all submissions", timeout_s=10)
    assert client.submitted[0][1]["resources"] == demand(several[0])
    priorities = [options["priority"] for _, options in client.submitted]
    assert priorities == sorted(priorities, reverse=True)
    assert len(set(priorities)) == 40
    for one in several:
        client.end(one, client.held[one.id])
    runner.join(10)
    assert not runner.is_alive()


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


def test_a_canary_that_could_not_be_tried_is_no_canary() -> None:
    def images(name: str) -> BuiltImage:
        if name == "tiny":
            raise BuildError("no room")
        return image(name)

    other = cell("two", ring=1, image="other")
    broken = Bench(plan(ONE, other), Client(), images=images, stop_after_ring={0: "canary"}).run()
    assert [(one.id, one.reason) for one in broken] == [
        (ONE.id, "image tiny could not be made: no room"),
        (other.id, "ring 'canary' failed"),
    ]
    lost = Client(lambda _of: RuntimeError("worker died"))
    left = Bench(plan(ONE, TWO), lost, stop_after_ring={0: "canary"}).run()
    assert [one.reason for one in left][1:] == ["ring 'canary' failed"]


def test_a_fault_of_the_lab_that_was_made_good_stops_no_ring() -> None:
    client = Client(lambda of: [result(of, scenario="error", lab_fault="no room"), result(of, attempt=2)])
    assert Bench(plan(ONE, TWO), client, stop_after_ring={0: "canary"}).run() == []


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
    class Refusing(queue.Queue[tuple[str, Any, Any]]):
        def put(self, event: Any, *_rest: Any, **_more: Any) -> None:
            super().put(event)
            if event[0] == "again":
                event[2][1].set_result(False)

    events = Refusing()

    def execute(_order: object, on_start: Any, on_event: Any, again: Any) -> list[AttemptResult]:
        on_start(42)
        on_event("answered")
        assert fleet.is_running(ONE.id)
        assert again("the order") is False
        return [result(ONE)]

    monkeypatch.setattr(fleet, "execute", execute)
    monkeypatch.setitem(fleet._listeners, "20260101-1", events)
    done = fleet.run_cell(order(Path("/reports/r/cells/c/a1")), ONE)
    assert [events.get_nowait()[:2] for _ in range(3)] == [
        ("running", ONE),
        ("answered", ONE),
        ("again", ONE),
    ]
    assert done == [result(ONE)]
    assert not fleet.is_running(ONE.id)


# -- room ----------------------------------------------------------------


def small(**changes: Any) -> HostFacts:
    """Two emulated guests at a time, and two may be starting."""
    return HostFacts(**{"name": "here", "vcpus": 2, "memory_mib": 65536, "accelerator": "tcg", **changes})


def holding(*cells: Cell) -> Client:
    return Client(hold=tuple(one.id for one in cells))


def submitted(client: Client, *cells: Cell) -> None:
    """Wait until exactly these have begun."""
    names = [one.id for one in cells]
    wait_for(lambda: [name for name, _ in client.submitted] == names, what=f"{names}", timeout_s=10)


def settled(bench: Bench) -> None:
    """Everything that was put so far has been dealt with."""
    wait_for(bench.events.empty, what="no events left", timeout_s=10)


A, B, C, D = (cell(name) for name in "abcd")


def test_cells_begin_in_the_order_of_the_plan_as_room_becomes_free() -> None:
    client = holding(A, B, C, D)
    bench = Bench(plan(A, B, C, D), client, hosts=(small(),))
    runner = bench.in_background()
    submitted(client, A, B)
    for one in (A, B):
        bench.events.put(("answered", one, None))
    settled(bench)
    assert len(client.submitted) == 2
    client.end(B, client.held[B.id])
    submitted(client, A, B, C)
    client.end(A, client.held[A.id])
    submitted(client, A, B, C, D)
    for one in (C, D):
        client.end(one, client.held[one.id])
    runner.join(10)
    assert not runner.is_alive()


def test_a_guest_that_has_answered_lets_the_next_one_start() -> None:
    client = holding(A, B, C)
    facts = small(vcpus=8)
    bench = Bench(plan(A, B, C), client, hosts=(facts,))
    bench.desk._books["here"].facts = replace(facts, vcpus=1)  # one start at a time, processors for eight
    runner = bench.in_background()
    submitted(client, A)
    bench.events.put(("answered", A, None))
    submitted(client, A, B)
    settled(bench)
    assert len(client.submitted) == 2
    client.end(B, client.held[B.id])
    submitted(client, A, B, C)
    for one in (A, C):
        client.end(one, client.held[one.id])
    runner.join(10)
    assert not runner.is_alive()


def test_a_large_cell_is_not_overtaken_by_small_ones_behind_it() -> None:
    large = cell("large", memory_mib=3000)
    client = holding(A, large, B)
    bench = Bench(plan(A, large, B), client, hosts=(small(memory_mib=3500, vcpus=8),))
    runner = bench.in_background()
    submitted(client, A)
    settled(bench)
    assert len(client.submitted) == 1
    client.end(A, client.held[A.id])
    submitted(client, A, large)
    client.end(large, client.held[large.id])
    submitted(client, A, large, B)
    client.end(B, client.held[B.id])
    runner.join(10)
    assert not runner.is_alive()


def test_a_cell_whose_image_is_being_made_holds_up_no_other() -> None:
    release = threading.Event()

    def images(name: str) -> BuiltImage:
        if name == "slow":
            release.wait(10)
        return image(name)

    first, slow = cell("a"), cell("b", image="slow")
    client = Client()
    bench = Bench(plan(first, slow), client, images=images, hosts=(small(),))
    runner = bench.in_background()
    submitted(client, first)
    release.set()
    submitted(client, first, slow)
    runner.join(10)
    assert not runner.is_alive()


def test_a_second_attempt_waits_for_its_own_room_and_goes_first() -> None:
    client = holding(A, B, C)
    bench = Bench(plan(A, B, C), client, hosts=(small(),))
    runner = bench.in_background()
    submitted(client, A, B)
    larger = order(Path("/r/a2"), replace(A, vcpus=2))
    granted: Future[bool] = Future()
    bench.events.put(("again", A, (larger, granted)))
    settled(bench)
    assert not granted.done(), "B has one of the two processors"
    client.end(B, client.held[B.id])
    assert granted.result(10) is True
    settled(bench)
    assert [name for name, _ in client.submitted] == [A.id, B.id]
    client.end(A, client.held[A.id])
    submitted(client, A, B, C)
    client.end(C, client.held[C.id])
    runner.join(10)
    assert not runner.is_alive()


def test_a_stop_grants_no_second_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "_running", {A.id, B.id})
    client = holding(A, B)
    bench = Bench(plan(A, B), client, hosts=(small(),))
    runner = bench.in_background()
    submitted(client, A, B)
    waiting: Future[bool] = Future()
    bench.events.put(("again", A, (order(Path("/r/a2"), replace(A, vcpus=2)), waiting)))
    bench.stopping.set()
    bench.events.put(("stop", None, None))
    assert waiting.result(10) is False
    late: Future[bool] = Future()
    bench.events.put(("again", B, (order(Path("/r/a2"), B), late)))
    assert late.result(10) is False
    for one in (A, B):
        client.end(one, client.held[one.id])
    runner.join(10)
    assert not runner.is_alive()


def test_what_a_host_comes_to_is_told_and_kept() -> None:
    calm = Pressure(cpu=0.1, memory=0.0, memory_available_mib=60000)
    client = holding(A, B, C)
    bench = Bench(plan(A, B, C), client, hosts=(small(),), pressure=lambda: calm)
    runner = bench.in_background()
    submitted(client, A, B)
    for one in (A, B):
        bench.events.put(("answered", one, None))
    settled(bench)
    bench.desk._due = 0.0  # ten seconds have passed
    bench.events.put(("running", A, None))
    submitted(client, A, B, C)
    assert bench.told.hosts == [
        ("here", "vCPUs at a time: 2 -> 3 (tasks waited for a processor 10% of the time)")
    ]
    (facts,) = bench.desk.facts_of_run()
    assert (facts["vcpus_first"], facts["vcpus_most"], facts["guests_most"]) == (2, 3, 3)
    for one in (A, B, C):
        client.end(one, client.held[one.id])
    runner.join(10)
    assert not runner.is_alive()


def test_a_template_takes_its_turn_and_room_before_the_cells_that_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Making:
        """Stands for `Starts`: b and c need a template."""

        def __init__(self, _clones: object, make: Callable[..., None]) -> None:
            self._make = make
            self._asked = False
            self.done = False

        def ready(self, one: Any) -> Any:
            if one.cell.id == A.id or self.done:
                return one
            if not self._asked:
                self._asked = True
                self._make("digest", template_order(), one.cell)
            return None

        def made(self, _digest: str, _result: object) -> str:
            self.done = True
            return ""

    monkeypatch.setattr(fleet, "Starts", Making)
    client = holding(A, B, C)
    bench = Bench(plan(A, B, C), client, hosts=(small(),))
    runner = bench.in_background()
    wait_for(lambda: bool(client.templates), what="a template in the making", timeout_s=10)
    assert [name for name, _ in client.submitted] == [A.id]
    assert bench.desk._books["here"].guests == 2
    client.templates[0][1].set_result(None)
    submitted(client, A, B)
    settled(bench)
    assert bench.desk._books["here"].guests == 2
    client.end(A, client.held[A.id])
    submitted(client, A, B, C)
    for one in (B, C):
        client.end(one, client.held[one.id])
    runner.join(10)
    assert not runner.is_alive()


def template_order() -> Any:
    one = order(Path("/reports/r/cells/c/a1"))
    return TemplateOrder(
        image=one.image, profile=one.profile, host=one.host, places=one.places, timeouts=one.cell.timeouts
    )


def test_nothing_is_kept_of_cells_that_have_ended() -> None:
    """A run of a hundred thousand cells has as many results as it has guests at a time."""
    bench = Bench(plan(*(cell(f"c{number}") for number in range(50))), Client())
    bench.run()
    assert (bench.one._futures, bench.one._ready, len(bench.one._line)) == ({}, {}, 0)
    assert bench.desk._where == {}
