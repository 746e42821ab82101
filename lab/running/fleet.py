"""All cells of a run on all hosts: images arrive, hosts have room, cells begin, results come back.

Dask `distributed` carries the tasks: an in-process cluster here, `scheduler: tcp://…` for many
machines. Here the desk's books are the admission (`lab.running.admission`); elsewhere it is the workers'
resources (vCPUs, MiB, slots). Dask's own retries are off: an attempt that killed its worker is a normal
case of ours and is classified by us.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from lab import log
from lab.config.types import Clones
from lab.errors import LabError
from lab.images.built import BuiltImage
from lab.matrix.capacity import HostFacts
from lab.model import Cell, CellId, Omitted, Plan
from lab.running import admission_demand, owner
from lab.running.admission_demand import Claim, Measured
from lab.running.admission_desk import ELSEWHERE, Desk
from lab.running.admission_line import Line
from lab.running.forkserver_client import spawner
from lab.running.order import CellOrder
from lab.running.placing import demand
from lab.running.repeating import Enough, Place, Repeating, not_needed, place_of
from lab.running.spawn import AttemptResult, execute
from lab.running.starting import Starts, make_template, stop_making
from lab.running.templating import TemplateOrder

LOOPBACK = "127.0.0.1:0"


class Observer(Protocol):
    """Who is told what happens (the live table, a plain log)."""

    def image(self, name: str, state: str, detail: str = "") -> None: ...

    def cell(self, cell: Cell, state: str, results: Sequence[AttemptResult] = ()) -> None: ...

    def host(self, name: str, changed: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Runs a plan: how to get an image, how to order a cell, whom to tell."""

    run: str
    plan: Plan
    ensure_image: Callable[[str], BuiltImage]
    order: Callable[[Cell, BuiltImage], CellOrder]
    observer: Observer
    places: Mapping[CellId, str] = field(default_factory=dict)
    """Cell to the host it runs on; empty when a scheduler elsewhere places it."""
    clones: Clones | None = None
    """Cells may start as clones so; None when no cell may."""
    stop_after_ring: Mapping[int, str] = field(default_factory=dict)
    """Ring number -> name, for the rings whose failure stops the next."""
    measured: Measured = field(default_factory=Measured)
    """What clones took for themselves in earlier runs."""
    enough: Enough | None = None
    """Asked after each pair of a place whether its spare pairs are needed; None: they are."""


Events = queue.SimpleQueue[tuple[str, Any, Any]]
"""Of the two queues the one that a signal handler may put into while its own thread takes out of it."""


class Fleet:
    """The run's main loop and its tasks. Events from every thread meet in one queue."""

    def __init__(self, hosts: Sequence[HostFacts], scheduler: str = "") -> None:
        self._hosts = hosts
        self._scheduler = scheduler
        self.desk = Desk([] if scheduler else hosts)
        self._events: Events = queue.SimpleQueue()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End the run soon, from a signal handler or another thread."""
        self._stopping.set()
        self._events.put(("stop", None, None))

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def run(self, job: Job) -> list[Omitted]:
        """Run every cell to its result; the cells that did not run, each with its reason."""
        _listeners[job.run] = self._events
        try:
            with self._client() as client:
                return _Pass(job, client, self._events, self._stopping, self.desk).run()
        finally:
            del _listeners[job.run]

    @contextmanager
    def _client(self) -> Iterator[Any]:
        """A Dask client; the cluster is ours (in this process) unless an address was given."""
        import dask
        import distributed

        settings = {
            "distributed.scheduler.allowed-failures": 0,
            "distributed.worker.daemon": False,
            "distributed.admin.tick.limit": "1h",
            "distributed.logging.distributed": "error",
            # distributed always opens its HTTP servers: then on loopback, and with nothing on them
            "distributed.scheduler.http.routes": [],
            "distributed.worker.http.routes": [],
        }
        with dask.config.set(settings):
            if self._scheduler:
                with distributed.Client(self._scheduler, timeout="20s") as client:
                    yield client
                return
            with (
                distributed.LocalCluster(
                    processes=False, n_workers=1, memory_limit=0, silence_logs=40,
                    threads_per_worker=sum(host.most_slots + 1 for host in self._hosts),
                    dashboard_address=LOOPBACK, worker_dashboard_address=LOOPBACK,
                ) as cluster,
                distributed.Client(cluster) as client,
            ):  # fmt: skip
                yield client


@dataclass(frozen=True, slots=True, kw_only=True)
class _Next:
    """Something that wants to begin on a host."""

    rank: int
    name: str
    claim: Claim
    begin: Callable[[], None]


FIRST = -1
"""Rank of what had its turn already."""


class _Pass:
    """One run through a plan: the state of the main loop."""

    def __init__(
        self, job: Job, client: Any, events: Events, stopping: threading.Event, desk: Desk | None = None
    ) -> None:
        self._job = job
        self._client = client
        self._events = events
        self._stopping = stopping
        self._desk = desk or Desk([])
        self._omitted: list[Omitted] = []
        self._built: dict[str, BuiltImage] = {}
        self._broken: dict[str, str] = {}
        self._open: dict[CellId, Cell] = {}
        self._futures: dict[str, Any] = {}
        self._failed = False
        self._line = Line((), {})
        self._ranks = {cell.id: rank for rank, cell in enumerate(job.plan.cells)}
        self._ready: dict[CellId, CellOrder] = {}
        """Orders of the cells that are next."""
        self._asked: list[tuple[str, _Next]] = []
        """Host, and a template or a second attempt that wants to begin there."""
        self._refused: dict[str, Future[bool]] = {}
        """Second attempts that wait for room."""
        self._starts = Starts(job.clones, self._want_template)
        self._repeating = Repeating(job.enough, lambda place, reason: events.put(("compared", place, reason)))

    def run(self) -> list[Omitted]:
        rings = sorted({cell.ring for cell in self._job.plan.cells})
        builder = threading.Thread(target=self._build_all, name="image-builder", daemon=True)
        builder.start()
        halted = ""
        gated = bool(self._job.stop_after_ring)
        stages = [[ring] for ring in rings] if gated else [rings]
        for stage in stages:
            cells = [cell for cell in self._job.plan.cells if cell.ring in stage]
            if halted or self._stopping.is_set():
                self._leave_out(cells, halted or "the run was stopped")
                continue
            self._failed = False
            self._stage(cells)
            if self._failed and stage[0] in self._job.stop_after_ring:
                halted = f"ring {self._job.stop_after_ring[stage[0]]!r} failed"
        self._repeating.close()
        return self._omitted

    def _stage(self, cells: Sequence[Cell]) -> None:
        """Begin each cell when its image is ready and its host has room; return when all have ended."""
        self._open = {cell.id: cell for cell in cells}
        self._line = Line((), self._job.places)
        self._join_line(self._repeating.begin(cells))
        self._drop_broken()
        while self._open:
            for name, changed in self._desk.look():
                self._job.observer.host(name, changed)
            self._begin_all()
            self._await_event()

    def _await_event(self) -> None:
        waits = len(self._line) or self._asked
        try:
            kind, subject, value = self._events.get(timeout=self._desk.until_due_s if waits else None)
        except queue.Empty:
            return
        if kind == "image":
            self._image_event(subject, value)
        elif kind == "template":
            self._template_event(subject, value)
        elif kind == "running":
            self._job.observer.cell(subject, "running")
        elif kind == owner.ANSWERED:
            self._desk.answered(subject.id)
        elif kind == "again":
            self._again_event(subject, *value)
        elif kind == "cell":
            self._cell_event(subject, value)
            self._repeating.ended(subject)
        elif kind == "compared":
            self._compared_event(subject, value)
        elif kind == "stop":
            self._stop_waiting()

    # -- who begins ----------------------------------------------------------

    def _begin_all(self) -> None:
        """As many as there is room for, on each host in the order of the plan: nobody overtakes one that
        waits for room, or large guests would never begin."""
        for host in sorted(self._line.hosts() | {host for host, _ in self._asked}):
            while (wanted := self._next(host)) is not None:
                if self._desk.refuses(host, wanted.claim):
                    break
                self._desk.take(host, wanted.name, wanted.claim)
                wanted.begin()

    def _next(self, host: str) -> _Next | None:
        """The first that is ready. Looking at a cell may bring up the template that it needs."""
        head = next(self._ready_cells(host), None)
        asked = [wanted for where, wanted in self._asked if where == host]
        return min([*asked, *([head] if head else [])], key=lambda wanted: wanted.rank, default=None)

    def _ready_cells(self, host: str) -> Iterator[_Next]:
        for rank, cell in self._line.heads(host):
            order = self._order(cell)
            if order is not None:
                yield _Next(
                    rank=rank,
                    name=cell.id,
                    claim=admission_demand.of_cell(order, self._job.measured),
                    begin=lambda cell=cell, order=order, rank=rank: self._submit(cell, order, host, -rank),  # type: ignore[misc]
                )

    def _order(self, cell: Cell) -> CellOrder | None:
        """What the cell's process is told; None while its image or its template is being made."""
        if cell.id not in self._ready and cell.image in self._built:
            ordered = self._starts.ready(self._job.order(cell, self._built[cell.image]))
            if ordered is not None:
                self._ready[cell.id] = ordered
        return self._ready.get(cell.id)

    def _submit(self, cell: Cell, order: CellOrder, host: str, priority: int) -> None:
        self._line.take(cell, host)
        self._ready.pop(cell.id, None)
        self._job.observer.cell(cell, "queued")
        events = self._events
        future = self._client.submit(
            run_cell, order, cell,
            key=f"cell-{cell.id}", priority=priority, retries=0, pure=False,
            resources=demand(cell) if host == ELSEWHERE else None,
        )  # fmt: skip
        self._futures[cell.id] = future
        future.add_done_callback(lambda done: events.put(("cell", cell, done)))

    def _want_template(self, digest: str, order: TemplateOrder, cell: Cell) -> None:
        """A template that cells wait for takes its turn with the first of them."""
        host = self._job.places.get(cell.id, ELSEWHERE)
        rank = next((rank for rank, head in self._line.heads(host) if head.id == cell.id), FIRST)
        claim = admission_demand.of_template(order)
        wanted = _Next(
            rank=rank,
            name=digest,
            claim=claim,
            begin=lambda: self._make_template(digest, order, cell, (host, wanted)),
        )
        self._asked.append((host, wanted))

    def _make_template(
        self, digest: str, order: TemplateOrder, cell: Cell, asked: tuple[str, _Next]
    ) -> None:  # fmt: skip
        self._asked.remove(asked)
        self._job.observer.image(cell.image, "making", "a template")
        events = self._events
        future = self._client.submit(make_template, order, key=f"template-{digest}", retries=0, pure=False)
        self._futures[digest] = future
        future.add_done_callback(lambda done: events.put(("template", (digest, cell.image), done)))

    # -- what happens --------------------------------------------------------

    def _template_event(self, subject: tuple[str, str], future: Any) -> None:
        digest, image = subject
        del self._futures[digest]
        self._desk.release(digest)
        if future.cancelled():
            reason = self._starts.made(digest, RuntimeError("the run was stopped"))
        else:
            reason = self._starts.made(digest, future.exception() or future.result())
        self._job.observer.image(image, "ready", reason or "its template too")

    def _again_event(self, cell: Cell, order: CellOrder, granted: Future[bool]) -> None:
        """A second attempt may take more than the first: one from power-off after a clone."""
        self._desk.release(cell.id)
        if self._stopping.is_set():
            granted.set_result(False)
            return
        host = self._job.places.get(cell.id, ELSEWHERE)

        def begin() -> None:
            self._asked.remove((host, wanted))
            self._refused.pop(cell.id).set_result(True)

        claim = admission_demand.of_cell(order, self._job.measured)
        wanted = _Next(rank=FIRST, name=cell.id, claim=claim, begin=begin)
        self._refused[cell.id] = granted
        self._asked.append((host, wanted))

    def _image_event(self, name: str, value: BuiltImage | LabError) -> None:
        if isinstance(value, LabError):
            self._broken[name] = str(value)
            self._job.observer.image(name, "failed", str(value))
            self._drop_broken()
        else:
            self._built[name] = value
            self._job.observer.image(name, "ready")

    def _compared_event(self, place: Place, reason: str) -> None:
        """The next pair of a place begins, unless there is an answer."""
        if not reason:
            self._join_line(self._repeating.next_round(place))
            return
        for cell in self._repeating.drop(lambda cell: place_of(cell) == place):
            self._open.pop(cell.id, None)
            self._omitted.append(not_needed(cell, reason))
            self._job.observer.cell(cell, "not needed")

    def _join_line(self, cells: Sequence[Cell]) -> None:
        self._line.add(cells, self._ranks, self._job.places)

    def _drop_waiting(self, unwanted: Callable[[Cell], bool] = lambda _cell: True) -> list[Cell]:
        """Cells that have not begun and will not; the plan's order within each kind."""
        return [*self._line.drop(unwanted), *self._repeating.drop(unwanted)]

    def _drop_broken(self) -> None:
        """Cells whose image could not be made will not run."""
        for cell in self._drop_waiting(lambda cell: cell.image in self._broken):
            self._open.pop(cell.id, None)
            self._failed = True
            self._leave_out([cell], f"image {cell.image} could not be made: {self._broken[cell.image]}")

    def _cell_event(self, cell: Cell, future: Any) -> None:
        del self._futures[cell.id]
        self._desk.release(cell.id)
        self._open.pop(cell.id, None)
        if future.cancelled():
            self._leave_out([cell], "the run was stopped")
            return
        error = future.exception()
        results: list[AttemptResult] = [] if error is not None else future.result()
        if error is not None:
            log.get("running").error("cell could not be run", cell=cell.id, error=str(error))
            self._failed = True
            self._leave_out([cell], f"the lab could not run it: {type(error).__name__}: {error}")
            return
        for result in results:
            self._job.measured.add(admission_demand.key(cell), result.private_mib)
        # what a second attempt made good is no failure: only a fault of the lab earned it
        failed = any(result.fatal for result in results) or results[-1].scenario != "completed"
        self._failed = self._failed or failed
        self._job.observer.cell(cell, "done", results)

    def _stop_waiting(self) -> None:
        """Cells not begun are left out; those running end themselves and come back as events."""
        stop_making()
        left = self._drop_waiting()
        for cell in left:
            self._open.pop(cell.id, None)
        self._leave_out(left, "the run was stopped")
        self._asked.clear()
        while self._refused:
            self._refused.popitem()[1].set_result(False)
        for identity, future in self._futures.items():
            if identity in self._open and future.status == "pending" and not is_running(identity):
                future.cancel()

    def _leave_out(self, cells: Sequence[Cell], reason: str) -> None:
        for cell in cells:
            self._omitted.append(
                Omitted(
                    id=cell.id,
                    kind="not-run",
                    reason=reason,
                    image=cell.image,
                    scenario=cell.scenario,
                    arm=cell.arm,
                )
            )
            self._job.observer.cell(cell, "not run")

    def _build_all(self) -> None:
        """Images in the order the plan needs them, one at a time; ready ones are instant."""
        for name in dict.fromkeys(cell.image for cell in self._job.plan.cells):
            if self._stopping.is_set():
                return
            self._job.observer.image(name, "making")
            value: BuiltImage | LabError
            bug: Exception | None = None
            try:
                value = self._job.ensure_image(name)
            except LabError as error:
                value = error
            except Exception as error:  # noqa: BLE001 - a bug in a builder must not leave the run waiting for ever
                bug, value = error, LabError(f"{type(error).__name__}: {error}")
            self._events.put(("image", name, value))
            if bug is not None:
                log.get("running").error("image builder failed", image=name, exc_info=bug)


_listeners: dict[str, Events] = {}
"""Run id to the main loop's queue, for tasks that run in the orchestrator's own process."""
_running: set[str] = set()


def is_running(cell: str) -> bool:
    """Whether a cell's process has been started in this process's cluster."""
    return cell in _running


def run_cell(order: CellOrder, cell: Cell) -> list[AttemptResult]:
    """The Dask task: one cell to its result, on whichever worker."""
    listener = _listeners.get(order.run)

    def tell(kind: str, value: Any = None) -> None:
        if listener is not None:
            listener.put((kind, cell, value))

    def started(_pid: int) -> None:
        _running.add(cell.id)
        tell("running")

    def again(order: CellOrder) -> bool:
        """Whether there is room for a second attempt; waits for it."""
        granted: Future[bool] = Future()
        if listener is None:
            return True
        tell("again", (order, granted))
        return granted.result()

    if listener is None:
        spawner.preload()  # a worker elsewhere; here the session has done it
    try:
        return execute(order, on_start=started, on_event=tell, again=again)
    finally:
        _running.discard(cell.id)
