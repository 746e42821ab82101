"""All cells of a run on all hosts: Dask places them, images arrive, results come back.

Dask `distributed` is the scheduler: an in-process cluster here, `scheduler: tcp://…` for many
machines. Worker resources (vCPUs, MiB, slots) are the admission. Its own retries are off: an
attempt that killed its worker is a normal case of ours and is classified by us.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from lab import log
from lab.config.types import Clones
from lab.errors import LabError
from lab.images.built import BuiltImage
from lab.matrix.capacity import HostFacts
from lab.model import Cell, CellId, Omitted, Plan
from lab.running.order import CellOrder
from lab.running.placing import demand, resources, slots_of
from lab.running.spawn import AttemptResult, execute
from lab.running.starting import Starts, make_template, stop_making
from lab.running.templating import TemplateOrder

LOOPBACK = "127.0.0.1:0"


class Observer(Protocol):
    """Who is told what happens (the live table, a plain log)."""

    def image(self, name: str, state: str, detail: str = "") -> None: ...

    def cell(self, cell: Cell, state: str, results: Sequence[AttemptResult] = ()) -> None: ...


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


class Fleet:
    """The scheduler's client and the run's main loop. Events from every thread meet in one queue."""

    def __init__(self, hosts: Sequence[HostFacts], scheduler: str = "") -> None:
        self._hosts = hosts
        self._scheduler = scheduler
        self._events: queue.Queue[tuple[str, Any, Any]] = queue.Queue()
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
                return _Pass(job, client, self._events, self._stopping).run()
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
                    processes=False, n_workers=1, threads_per_worker=sum(map(slots_of, self._hosts)),
                    resources=resources(self._hosts), memory_limit=0, silence_logs=40,
                    dashboard_address=LOOPBACK, worker_dashboard_address=LOOPBACK,
                ) as cluster,
                distributed.Client(cluster) as client,
            ):  # fmt: skip
                yield client


class _Pass:
    """One run through a plan: the state of the main loop."""

    def __init__(
        self, job: Job, client: Any, events: queue.Queue[tuple[str, Any, Any]], stopping: threading.Event
    ) -> None:
        self._job = job
        self._client = client
        self._events = events
        self._stopping = stopping
        self._omitted: list[Omitted] = []
        self._built: dict[str, BuiltImage] = {}
        self._broken: dict[str, str] = {}
        self._open: dict[CellId, Cell] = {}
        self._futures: dict[str, Any] = {}
        self._failed = False
        self._orders: dict[CellId, CellOrder] = {}
        self._starts = Starts(job.clones, self._make_template)

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
        return self._omitted

    def _stage(self, cells: Sequence[Cell]) -> None:
        """Submit each cell when its image is ready; return when all of them have ended."""
        self._open = {cell.id: cell for cell in cells}
        waiting = {cell.id: cell for cell in cells}
        self._submit_ready(waiting)
        while self._open:
            kind, subject, value = self._events.get()
            if kind == "image":
                self._image_event(subject, value)
                self._submit_ready(waiting)
            elif kind == "template":
                self._template_event(subject, value)
                self._submit_ready(waiting)
            elif kind == "running":
                self._job.observer.cell(subject, "running")
            elif kind == "cell":
                self._cell_event(subject, value)
            elif kind == "stop":
                self._stop_waiting(waiting)

    def _submit_ready(self, waiting: dict[CellId, Cell]) -> None:
        order = {cell.id: number for number, cell in enumerate(self._job.plan.cells)}
        for cell in list(waiting.values()):
            if cell.image in self._broken:
                del waiting[cell.id]
                self._open.pop(cell.id, None)
                self._leave_out([cell], f"image {cell.image} could not be made: {self._broken[cell.image]}")
            elif cell.image in self._built:
                ordered = self._starts.ready(self._order(cell))
                if ordered is not None:
                    del waiting[cell.id]
                    self._submit(cell, ordered, -order[cell.id])

    def _order(self, cell: Cell) -> CellOrder:
        if cell.id not in self._orders:
            self._orders[cell.id] = self._job.order(cell, self._built[cell.image])
        return self._orders[cell.id]

    def _make_template(self, digest: str, order: TemplateOrder, cell: Cell) -> None:
        """Takes the place of one of the cells that wait for it."""
        self._job.observer.image(cell.image, "making", "a template")
        events = self._events
        future = self._client.submit(
            make_template, order, key=f"template-{digest}", retries=0, pure=False,
            resources=demand(cell, self._job.places.get(cell.id, "")),
        )  # fmt: skip
        self._futures[digest] = future
        future.add_done_callback(lambda done: events.put(("template", (digest, cell.image), done)))

    def _template_event(self, subject: tuple[str, str], future: Any) -> None:
        digest, image = subject
        if future.cancelled():
            reason = self._starts.made(digest, RuntimeError("the run was stopped"))
        else:
            reason = self._starts.made(digest, future.exception() or future.result())
        self._job.observer.image(image, "ready", reason or "its template too")

    def _submit(self, cell: Cell, order: CellOrder, priority: int) -> None:
        self._job.observer.cell(cell, "queued")
        events = self._events
        future = self._client.submit(
            run_cell, order, cell,
            key=f"cell-{cell.id}", priority=priority, retries=0, pure=False,
            resources=demand(cell, self._job.places.get(cell.id, "")),
        )  # fmt: skip
        self._futures[cell.id] = future
        future.add_done_callback(lambda done, cell=cell: events.put(("cell", cell, done)))

    def _image_event(self, name: str, value: BuiltImage | LabError) -> None:
        if isinstance(value, LabError):
            self._broken[name] = str(value)
            self._job.observer.image(name, "failed", str(value))
        else:
            self._built[name] = value
            self._job.observer.image(name, "ready")

    def _cell_event(self, cell: Cell, future: Any) -> None:
        self._open.pop(cell.id, None)
        if future.cancelled():
            self._leave_out([cell], "the run was stopped")
            return
        error = future.exception()
        results: list[AttemptResult] = [] if error is not None else future.result()
        if error is not None:
            log.get("running").error("cell could not be run", cell=cell.id, error=str(error))
            self._leave_out([cell], f"the lab could not run it: {type(error).__name__}: {error}")
            return
        self._failed = self._failed or any(
            result.fatal or result.scenario != "completed" for result in results
        )
        self._job.observer.cell(cell, "done", results)

    def _stop_waiting(self, waiting: dict[CellId, Cell]) -> None:
        """Cells not begun are left out; those running end themselves and come back as events."""
        left = list(waiting.values())
        waiting.clear()
        stop_making()
        for cell in left:
            self._open.pop(cell.id, None)
        self._leave_out(left, "the run was stopped")
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


_listeners: dict[str, queue.Queue[tuple[str, Any, Any]]] = {}
"""Run id to the main loop's queue, for tasks that run in the orchestrator's own process."""
_running: set[str] = set()


def is_running(cell: str) -> bool:
    """Whether a cell's process has been started in this process's cluster."""
    return cell in _running


def run_cell(order: CellOrder, cell: Cell) -> list[AttemptResult]:
    """The Dask task: one cell to its result, on whichever worker."""

    def started(_pid: int) -> None:
        _running.add(cell.id)
        listener = _listeners.get(order.run)
        if listener is not None:
            listener.put(("running", cell, None))

    try:
        return execute(order, on_start=started)
    finally:
        _running.discard(cell.id)
