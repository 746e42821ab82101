"""What a person sees of a run that goes on, where there is no terminal."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console
from running_factories import cell, plan, result

from lab.model import Bill, Plan
from lab.running.live import Progress

ONE, TWO = cell("one"), cell("two")


class View:
    """A progress on a pipe."""

    def __init__(self, of: Plan) -> None:
        self._text = io.StringIO()
        self.progress = Progress(of, Console(file=self._text, width=80, force_terminal=False))

    @property
    def lines(self) -> list[str]:
        """Without the clock in front."""
        return [line.partition(" ")[2] for line in self._text.getvalue().splitlines()]


@pytest.fixture
def view() -> View:
    return View(plan(ONE, TWO))


def done(view: View, **changes: Any) -> str:
    view.progress.cell(ONE, "running")
    view.progress.cell(ONE, "done", [result(ONE, **changes)])
    return view.lines[-1]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, f"[1/2] {ONE.id}: completed in 12 s"),
        (
            {"fatal": True, "title": "kernel panic", "scenario": "stopped"},
            f"[1/2] {ONE.id}: CRASHED in 12 s: kernel panic",
        ),
        ({"scenario": "failed"}, f"[1/2] {ONE.id}: failed in 12 s: the scenario's own assertion"),
        (
            {"scenario": "failed", "title": "update refused: x"},
            f"[1/2] {ONE.id}: failed in 12 s: update refused: x",
        ),
        (
            {"scenario": "", "lab_fault": "QEMU ended by itself"},
            f"[1/2] {ONE.id}: lab fault in 12 s: QEMU ended by itself",
        ),
    ],
    ids=["completed", "crash", "assertion", "refusal", "lab fault"],
)
def test_each_end_of_a_cell_is_one_line(view: View, changes: dict[str, Any], said: str) -> None:
    assert done(view, **changes) == said


def test_a_line_is_never_broken_however_long_its_title(view: View) -> None:
    said = done(view, fatal=True, title="x" * 300)
    assert said.endswith("x" * 300)


def test_square_brackets_of_a_title_are_no_markup(view: View) -> None:
    assert done(view, fatal=True, title="[bold]trouble[/]").endswith("[bold]trouble[/]")


def test_a_second_attempt_is_named_and_its_time_added(view: View) -> None:
    fault = result(ONE, scenario="", lab_fault="QEMU ended by itself")
    view.progress.cell(ONE, "done", [fault, result(ONE, attempt=2)])
    assert view.lines[-1].startswith(f"[1/2] {ONE.id}: completed in 24 s")
    assert "(attempt 2)" in view.lines[-1]


def test_a_cell_that_did_not_run_counts_as_done_with(view: View) -> None:
    view.progress.cell(TWO, "not run")
    view.progress.cell(ONE, "done", [result(ONE)])
    assert [line.split("]")[0] for line in view.lines] == ["[1/2", "[2/2"]


def test_waiting_and_running_cells_say_nothing(view: View) -> None:
    view.progress.cell(ONE, "queued")
    view.progress.cell(ONE, "running")
    assert view.lines == []


def test_images_tell_of_progress_and_of_their_end(view: View) -> None:
    view.progress.image("tiny", "making")
    view.progress.image("tiny", "making", "packing the disk")
    view.progress.image("tiny", "ready")
    view.progress.image("debian-12", "failed", "no room")
    assert view.lines == [
        "image tiny: making: packing the disk", "image tiny: ready", "image debian-12: failed: no room",
    ]  # fmt: skip


def test_on_a_pipe_there_is_no_table(view: View) -> None:
    with view.progress:
        view.progress.cell(ONE, "running")
    assert view.lines == []


def test_the_table_of_a_terminal_has_the_running_guests_and_a_summary() -> None:
    text = io.StringIO()
    console = Console(file=text, width=100, force_terminal=True)
    bill = Bill(
        cells=2, guest_seconds=60, wall_seconds=60, peak_memory_mib=512, vcpus=1, slots=1
    )  # fmt: skip
    progress = Progress(Plan(cells=(ONE, TWO), bill=bill), console)
    with progress:
        progress.cell(ONE, "running")
        progress.cell(TWO, "done", [result(TWO)])
        console.print(progress._table())
    shown = text.getvalue()
    assert ONE.id in shown
    assert "1/2 cells, 1 completed" in shown
    assert "left" in shown
