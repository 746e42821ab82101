"""How each cell starts: from power-off, or as a clone of a template that is found or made meanwhile.

One template serves all cells of an image on one profile, so the first that needs it has it made while
others run. A template that cannot be made costs time, never a cell: its cells boot from power-off,
and their recordings say why.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from lab import codec
from lab.config.types import Clones
from lab.errors import ArtefactError, BuildError, LabError
from lab.guest.waking import WAKING
from lab.model import Cell
from lab.running.child import Child, forget
from lab.running.forkserver_client import spawner
from lab.running.order import CellOrder
from lab.running.templating import Refusal, TemplateOrder, Warm
from lab.templates import FailureBook, Template, TemplateStore

NO_TEMPLATE = "no template could be made"
REMOTE = "clones are made on the machine of their template only, and a scheduler elsewhere was given"


class MakingStopped(BuildError):
    """Nothing is wrong with the template: whoever wanted it does not any more."""


def template_order(order: CellOrder, clones: Clones) -> TemplateOrder:
    """The template that a cell starts from."""
    warm = None
    if clones.warm and order.scenario.starts_with == "installed":
        warm = Warm(root=order.root, agent=order.cell.agent, version=order.cell.installed)
    return TemplateOrder(
        image=order.image,
        profile=order.profile,
        host=order.host,
        places=order.places,
        timeouts=order.cell.timeouts,
        warm=warm,
        dump_disk_mib=order.evidence.dump_disk_mib,
    )


def make_template(order: TemplateOrder, say: Callable[[str], None] = forget) -> Template:
    """The template, made in a process of its own that is ended at its deadline.

    :param say: told a line per stage.
    :raise LabError: it could not be made; `lab doctor` will say so until it can.
    """
    if order.image.family not in WAKING:
        raise BuildError(f"{order.image.family} guests are not cloned: the lab cannot wake them")
    book = FailureBook(order.places)
    try:
        made = _made(replace(order, doubtful=book.has(order.key)), say)
    except MakingStopped:
        raise
    except LabError as error:
        book.note(order.key, "making", error.message, getattr(error, "log", ""))
        raise
    book.forget(order.key)
    return made


def _made(order: TemplateOrder, say: Callable[[str], None]) -> Template:
    scratch = order.places.state / "templates"
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch / f"{order.key.directory}.json"
    codec.write(order, path)
    try:
        _run(path, order.deadline_s, say)
    finally:
        path.unlink(missing_ok=True)
    return TemplateStore(order.places).get(order.key)


def _run(path: Path, deadline_s: float, say: Callable[[str], None]) -> None:
    with (
        tempfile.TemporaryFile() as out,
        spawner.start("template", path, out.fileno(), on_event=say) as process,
    ):
        _makers.add(process)
        try:
            if not process.ended(deadline_s):
                raise BuildError(f"template could not be made in {deadline_s:.0f} s")
        finally:
            _makers.discard(process)
        if process in _stopped:
            _stopped.discard(process)
            raise MakingStopped("the run was stopped")
        if process.code != 0:
            out.seek(0)
            raise _refusal(out.read().decode("utf-8", "replace"))


_makers: set[Child] = set()
"""Processes of this one that make templates."""
_stopped: set[Child] = set()
"""Those of them that were told to end."""


def stop_making() -> None:
    """End what this process has making; each cell that waits for it is told."""
    for process in list(_makers):
        _stopped.add(process)
        process.terminate()


def _refusal(said: str) -> BuildError:
    last = (said.strip().splitlines() or [""])[-1]
    try:
        refused = codec.from_dict(Refusal, json.loads(last))
    except ValueError:
        return BuildError(f"template could not be made: {last or 'its process said nothing'}", log=said)
    return BuildError(refused.message, hint=refused.hint or None, log=refused.log)


@dataclass(slots=True)
class _Wanted:
    """One template of a run: being made, there, or not to be had."""

    order: TemplateOrder
    template: Template | None = None
    reason: str = ""
    """Why there is none."""

    @property
    def settled(self) -> bool:
        return self.template is not None or bool(self.reason)


class Starts:
    """The templates of one run.

    :param make: starts making one; its end is told through `made`.
    :param clones: None when no cell may be a clone, with `reason` why.
    """

    def __init__(
        self, clones: Clones | None, make: Callable[[str, TemplateOrder, Cell], None], reason: str = REMOTE
    ) -> None:
        self._clones = clones
        self._make = make
        self._reason = reason
        self._wanted: dict[str, _Wanted] = {}
        self._digests: dict[TemplateOrder, str] = {}
        """Cells ask again and again, and a digest is a machine's XML: 0.8 ms."""

    def ready(self, order: CellOrder) -> CellOrder | None:
        """The order with its start decided, or None while its template is being made."""
        if order.cell.cold or self._clones is None:
            return replace(order, cold=order.cell.cold or self._reason)
        wanted = self._for(order, self._clones)
        if not wanted.settled:
            return None
        return replace(order, template=wanted.template, cold=wanted.reason)

    def made(self, digest: str, result: Template | Exception) -> str:
        """Take the result of making one; the reason when there is none, else ""."""
        wanted = self._wanted[digest]
        if isinstance(result, Template):
            wanted.template = result
        else:
            wanted.reason = f"{NO_TEMPLATE}: {result}"
        return wanted.reason

    def _for(self, order: CellOrder, clones: Clones) -> _Wanted:
        asked = template_order(order, clones)
        digest = self._digests.get(asked) or self._digests.setdefault(asked, asked.key.digest)
        if digest not in self._wanted:
            wanted = self._wanted[digest] = _Wanted(asked)
            try:
                wanted.template = TemplateStore(order.places).get(asked.key)
            except ArtefactError:
                self._make(digest, asked, order.cell)
        return self._wanted[digest]
