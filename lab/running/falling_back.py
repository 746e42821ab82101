"""When a cell does not start as a clone after all: its template is damaged, or a clone of it was no good.

Nothing is lost by it but time, and nothing is hidden: the recording says why (`cold`), `lab doctor` says it
until such a template works again, and a doubtful template is made anew before it is used again.
Refuses to look at a template of another machine.
"""

from __future__ import annotations

from lab import log
from lab.errors import ArtefactError
from lab.recording.reader import read
from lab.running.order import CellOrder
from lab.templates import FailureBook, TemplateStore
from lab.verdict.trial import asleep


def sound(order: CellOrder) -> CellOrder:
    """The order as it is when its template is whole now, else from power-off. Milliseconds.

    A template was read when the run began; since then its files, or the image's disk below them, may
    have been changed. A clone would run on, and crash as no guest of its kind does.
    """
    template = order.template
    if template is None:
        return order
    store = TemplateStore(order.places)
    try:
        store.check(template)
    except ArtefactError as error:
        store.doubt(template)
        return _cold(order, f"its template is damaged: {error.message}")
    return order


def after_fault(order: CellOrder, attempt: int, fault: str) -> CellOrder:
    """For the attempt after a lab fault: a clone is not tried again.

    One that had not been woken says nothing about the cell and much about its template.
    """
    template = order.template
    if template is None:
        return order
    reason = f"attempt {attempt}, a clone, ended by a lab fault: {fault}"
    try:
        doubtful = asleep(read(order.recording.parent / f"a{attempt}").observations)
    except ArtefactError:
        doubtful = True
    if doubtful:
        TemplateStore(order.places).doubt(template)
    return _cold(order, reason)


def _cold(order: CellOrder, reason: str) -> CellOrder:
    assert order.template is not None
    FailureBook(order.places).note(order.template.key, "clone", reason)
    log.get("running").warning("cell boots from power-off instead", cell=order.cell.id, reason=reason)
    return order.from_power_off(reason)
