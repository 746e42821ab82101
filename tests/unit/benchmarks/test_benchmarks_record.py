"""The JSON of a run, its table, and the pages that figures are put into."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.core import documents, record, sizing, table
from benchmarks.core.figures import Figure, Ratio, Wanted, missing
from benchmarks.core.machine import Load, Machine
from benchmarks.core.record import Bench, Run

QUIET = Load(load1=0.1, cpu_pressure=0.0, memory_pressure=0.0, free_mib=20000, guests=0)
MACHINE = Machine(
    cores=2,
    memory_mib=24576,
    cpu="Some CPU",
    kernel="6.1",
    python="3.11",
    qemu="7.2.22",
    libvirt="9.0.0",
    accelerator="tcg",
    factor=1.5,
    load=QUIET,
)
CLONE = Figure(
    name="clone to first command",
    subject="debian-12, 512 MiB",
    unit="s",
    samples=(1.2, 1.25, 1.3),
    ratio=Ratio(what="cold / clone", samples=(20.0, 21.0, 22.0)),
    wanted=Wanted(limit=15, at_least=True, of_ratio=True),
)
LATE = Figure(
    name="overhead", subject="tiny", unit="s", samples=(2.8,), wanted=Wanted(limit=0.5, at_least=False)
)
PEER = missing("labgrid", "s", "could not be installed: a | b", subject="tiny")
MEMORY = (
    Figure(name="private memory of a clone", subject="debian-12, 512 MiB", unit="MiB", samples=(128.0,)),
    Figure(name="private memory of a cold guest", subject="debian-12, 512 MiB", unit="MiB", samples=(448.0,)),
    Figure(name="shared memory of all clones", subject="debian-12, 512 MiB", unit="MiB", samples=(300.0,)),
)
WATCHING = (
    Figure(
        name="watched: QEMU and the lab", subject="debian-12, 512 MiB", unit="% of a core", samples=(5.0,)
    ),
    Figure(name="memory of a cell's process", subject="debian-12, 512 MiB", unit="MiB", samples=(64.0,)),
)


@pytest.fixture
def run() -> Run:
    return Run(
        started="2026-11-23T12:00:00.000Z",
        commit="0123456789ab",
        quick=False,
        machine=MACHINE,
        benches=(
            Bench(name="clone", state="done", seconds=60.0, figures=(CLONE,)),
            Bench(name="cell", state="done", seconds=30.0, figures=(LATE,)),
            Bench(name="peers", state="failed", reason="no image", figures=(PEER,)),
            Bench(name="memory", state="done", figures=MEMORY),
            Bench(name="watching", state="done", figures=WATCHING),
        ),
    )


def test_a_run_is_read_back_as_it_was_written(run: Run) -> None:
    assert record.from_json(record.to_json(run)) == run


def test_the_json_has_median_spread_ratio_and_verdict_ready(run: Run) -> None:
    document = json.loads(record.to_json(run))
    clone = document["benches"][0]["figures"][0]
    assert (clone["median"], clone["spread"], clone["n"]) == (1.25, [1.2, 1.3], 3)
    assert clone["ratio"]["median"] == 21.0
    assert clone["met"] is True
    assert document["machine"]["load"]["load1"] == 0.1
    assert document["benches"][2]["figures"][0]["median"] is None


@pytest.mark.parametrize("text", ["{}", '{"schema": 2}', "[]"])
def test_another_document_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="wanted schema 1"):
        record.from_json(text)


def test_the_table_shows_each_figure_once_with_its_ratio_and_verdict(run: Run) -> None:
    text = table.text(run)
    line = next(line for line in text.splitlines() if line.startswith("clone to first command"))
    assert "1.25 s" in line
    assert "21.0x cold / clone" in line
    assert ">= 15x met" in line
    assert "<= 0.5 MISSED" in text
    assert "could not be installed" in text
    assert "FAILED: no image" in text


def test_columns_are_aligned(run: Run) -> None:
    lines = table.text(run).splitlines()
    header = next(line for line in lines if line.startswith("figure"))
    assert {line.index("debian-12, 512 MiB") for line in lines if "debian-12, 512 MiB" in line} == {
        header.index("on ")
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (0.0451, "0.045"), (1.234, "1.23"), (26.54, "26.5"), (12345.6, "12346"), (-2.5, "-2.50")],
)
def test_numbers_show_the_digits_that_count(value: float, shown: str) -> None:
    assert table.number(value) == shown


def test_what_is_not_as_wanted_is_listed(run: Run) -> None:
    assert list(table.verdicts(run)) == [
        "cell: overhead (tiny): 2.80 s , wanted <= 0.5",
        "peers: failed: no image",
    ]


def test_a_run_on_a_busy_machine_says_so_in_its_first_line(run: Run) -> None:
    busy = replace(run, busy=("load is 3.00",))
    assert "NOT QUIET: load is 3.00" in table.text(busy).splitlines()[0]


def test_figures_go_between_the_marks_of_both_pages_and_nothing_else_changes(
    run: Run, tmp_path: Path
) -> None:
    for name in ("benchmarks.md", "sizing.md"):
        page = f"# Title\n\n{documents.BEGIN}\nstale-figures\n{documents.END}\n\nafter\n"
        (tmp_path / name).write_text(page)
    documents.write([run], tmp_path)
    documents.write([run], tmp_path)
    page = (tmp_path / "benchmarks.md").read_text()
    assert page.startswith("# Title\n\n")
    assert page.endswith("\n\nafter\n")
    assert "stale-figures" not in page
    assert page.count("### clone") == 1
    assert "a \\| b" in page
    assert "guests per GiB" in (tmp_path / "sizing.md").read_text()


def test_figures_of_a_quick_run_or_a_busy_machine_are_not_published(run: Run, tmp_path: Path) -> None:
    for refused in (replace(run, quick=True), replace(run, busy=("load is 3.00",))):
        with pytest.raises(ValueError, match="not for publishing"):
            documents.write([refused], tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_bench_of_two_runs_is_shown_as_the_later_one_found_it(run: Run) -> None:
    again = replace(run, commit="later", benches=run.benches[:1])

    first, second = documents.latest([run, again])

    assert first.benches == run.benches[1:]
    assert second.benches == run.benches[:1]
    assert documents.latest([again, run]) == [run]


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for figures"):
        documents.replaced("# Title\n", "text", "benchmarks.md")


def test_the_pages_of_the_checkout_have_room_for_figures() -> None:
    docs = Path(__file__).parents[3] / "docs"
    for name in ("benchmarks.md", "sizing.md"):
        documents.replaced((docs / name).read_text(), "", name)


def test_a_guest_costs_its_own_memory_and_that_of_the_process_that_watches_it(run: Run) -> None:
    clone, cold = sizing.costs(run)
    assert clone.private_mib == 128 + 64
    assert clone.per_gib() == pytest.approx(1024 / 192)
    assert clone.per_core() == pytest.approx(20.0)
    assert cold.per_gib() < clone.per_gib()


def test_a_host_holds_what_its_scarcer_half_holds(run: Run) -> None:
    clone = sizing.costs(run)[0]
    assert sizing.guests(clone, memory_mib=24576, cores=2, busy_cores=1.0) == 2
    assert sizing.guests(clone, memory_mib=4096, cores=64, busy_cores=0.5) == (4096 - 1024 - 300) // 192
    assert sizing.guests(clone, memory_mib=512, cores=64, busy_cores=0.5) == 0


def test_a_run_without_memory_figures_sizes_nothing(run: Run) -> None:
    assert sizing.costs(replace(run, benches=())) == []
    assert "no figures" in sizing.page(replace(run, benches=()))
