"""`lab repro`: exactly that cell again, and whether the same bug came back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from lab import codec
from lab.config.located import closest
from lab.errors import ArtefactError, ExitCode, InputError
from lab.images.store import ImageStore
from lab.machine.leases import Lease, LeaseBook
from lab.model import AttemptRecord, CellId, Finding, Signature
from lab.places import Places
from lab.running.falling_back import sound
from lab.running.lock import orchestrator
from lab.running.order import CellOrder
from lab.running.rundir import RunDirectory
from lab.running.spawn import AttemptResult, attempt, findings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What the run saw and what the repeat saw."""

    cell: str
    before: tuple[Finding, ...]
    after: tuple[Finding, ...]
    result: AttemptResult
    kept: Lease | None = None
    book: LeaseBook | None = None

    @property
    def same(self) -> Signature | None:
        """The bug that both saw, if any."""
        for old in self.before:
            for new in self.after:
                if old.signature.same_bug(new.signature):
                    return new.signature
        return None

    @property
    def exit_code(self) -> ExitCode:
        if self.result.lab_fault:
            return ExitCode.LAB_FAULT
        if self.before:
            return ExitCode.DO_NOT_SHIP if self.same else ExitCode.SHIP
        return ExitCode.DO_NOT_SHIP if self.after else ExitCode.SHIP

    def lines(self) -> list[str]:
        """For a person: the answer first."""
        lines = [self._answer(), f"recording: {self.result.recording}"]
        if self.kept is not None and self.book is not None:
            lines += _ways_in(self.kept, self.book, crashed=self.result.fatal)
        return lines

    def _answer(self) -> str:
        new = self.after[0].title if self.after else "nothing"
        if self.result.lab_fault:
            return f"inconclusive: the lab failed: {self.result.lab_fault}"
        if self.same is not None:
            return f"reproduced: {self.same.title}"
        if self.before:
            return f"not reproduced: the run saw {self.before[0].title}, the repeat saw {new}"
        return f"the run saw nothing here, the repeat saw {new}"


def again(run: RunDirectory, cell: str, places: Places, *, keep_hours: float = 0.0) -> Again:
    """Run the cell once more with the inputs of its last recorded attempt.

    :param keep_hours: keep the guest so long at the failure; 0 destroys it as usual.
    :raise InputError: the run has no such cell.
    :raise ArtefactError: the image or an artefact is no longer the one the run used.
    """
    old = _last_attempt(run, cell)
    order = _order_of(run, old)
    _check_image(order, places)
    repeats = run.path / "repro" / cell
    number = 1 + len(list(repeats.glob("a*"))) if repeats.is_dir() else 1
    with orchestrator(places, "a lab repro"):
        fresh = sound(order.again((repeats / f"a{number}").resolve(), number, keep_hours=keep_hours))
        result = attempt(fresh)
    book = LeaseBook(places)
    kept = next(
        (lease for lease in book.all() if lease.recording == result.recording and lease.keep_until), None
    )
    return Again(
        cell=cell,
        before=old.findings,
        after=findings_of(Path(result.recording), fresh.detect),
        result=result,
        kept=kept,
        book=book,
    )


def _last_attempt(run: RunDirectory, cell: str) -> AttemptRecord:
    plan = run.plan()
    known = {planned.id: planned for planned in plan.cells}
    found = known.get(CellId(cell))
    recordings = run.recordings(CellId(cell)) if found else []
    if found is None or not recordings:
        near = closest(cell, known)
        hint = f"closest is {near!r}" if near else "the report lists the cells"
        raise InputError(f"cell {cell!r} was not run in {run.id}", hint=hint)
    return run.attempt(found, recordings[-1])


def _order_of(run: RunDirectory, old: AttemptRecord) -> CellOrder:
    """The order as it was given, with the digests that were used then."""
    order = codec.read(CellOrder, run.path / old.path / "order.json")
    used = tuple((str(item["name"]), str(item["sha256"])) for item in old.facts.get("artefacts", ()))
    return replace(order, artefacts=used)


def _check_image(order: CellOrder, places: Places) -> None:
    """The very image of the run must still be in the cache, whole."""
    if not order.image.disk.exists():
        raise ArtefactError(
            f"image {order.image.name} with digest {order.image.digest[:12]} is no longer in the cache",
            hint=f"lab image build {order.image.name} makes a new one; then `lab run -k {order.cell.id}`",
        )
    ImageStore(places).verify(order.image)


def _ways_in(lease: Lease, book: LeaseBook, *, crashed: bool) -> list[str]:
    sockets = book.run_dir(lease.machine)
    lines = [
        f"the guest {lease.machine} is kept until {lease.keep_until}"
        + (", suspended at the crash" if crashed else ", running"),
        f"  serial console: lab console {lease.machine}",
        f"  screen:         lab screenshot {lease.machine} screen.png   (VNC: {sockets / 'vnc.sock'})",
    ]
    if lease.ssh_port and not crashed:
        lines.append(f"  shell:          ssh -i {lease.ssh_key} -p {lease.ssh_port} root@127.0.0.1")
    return [*lines, "  when done:      lab gc --all"]
