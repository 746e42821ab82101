"""Did the same bug come back?"""

from __future__ import annotations

from pathlib import Path

import pytest
from running_factories import cell, order, plan, record, result, started

from lab import codec
from lab.errors import ArtefactError, InputError
from lab.machine.leases import Lease, LeaseBook
from lab.model import Finding, FindingKind, Signature
from lab.places import Places
from lab.running import repro
from lab.running.repro import Again
from lab.running.rundir import RunDirectory


def finding(title: str, *alternatives: str) -> Finding:
    signature = Signature(title=title, alt_titles=alternatives)
    return Finding(kind=FindingKind.PANIC, signature=signature, fatal=True, t_s=1.0)


def again(before: list[Finding], after: list[Finding], **changes: object) -> Again:
    return Again(
        cell="c", before=tuple(before), after=tuple(after), result=result(cell(), **changes)
    )  # fmt: skip


NEW_NAME, OLD_NAME = (
    finding("page fault in f", "bad access in f"),
    finding("paging request in f", "bad access in f"),
)


@pytest.mark.parametrize(
    ("before", "after", "code", "said"),
    [
        ([NEW_NAME], [NEW_NAME], 1, "reproduced: page fault in f"),
        ([OLD_NAME], [NEW_NAME], 1, "reproduced: page fault in f"),
        ([NEW_NAME], [], 0, "not reproduced: the run saw page fault in f, the repeat saw nothing"),
        ([NEW_NAME], [finding("oops in g")], 0,
         "not reproduced: the run saw page fault in f, the repeat saw oops in g"),
        ([], [], 0, "the run saw nothing here, the repeat saw nothing"),
        ([], [finding("oops in g")], 1, "the run saw nothing here, the repeat saw oops in g"),
    ],
    ids=["same", "same by another title", "gone", "another", "still nothing", "new"],
)  # fmt: skip
def test_the_answer_comes_first_and_has_its_exit_code(
    before: list[Finding], after: list[Finding], code: int, said: str
) -> None:
    one = again(before, after)
    assert (one.exit_code, one.lines()[0]) == (code, said)
    assert one.lines()[1] == "recording: /r/a1"


def test_a_lab_fault_is_no_answer() -> None:
    one = again([NEW_NAME], [], lab_fault="QEMU ended by itself")
    assert one.exit_code == 4
    assert one.lines()[0] == "inconclusive: the lab failed: QEMU ended by itself"


def lease(**changes: object) -> Lease:
    plain: dict[str, object] = {
        "machine": "abcd1234", "uuid": "u", "uri": "embed", "run": "r", "cell": "c", "attempt": 1,
        "recording": "/r/a1", "owner_pid": 1, "owner_started": 1.0, "created": "2026", "deadline": "2026",
        "keep_until": "2026-06-01T12:00:00Z", "ssh_port": 4022, "ssh_key": "/k",
    }  # fmt: skip
    return Lease(**(plain | changes))  # type: ignore[arg-type]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(cache=tmp_path / "cache", state=tmp_path / "state", runtime=tmp_path / "run")


@pytest.mark.parametrize("crashed", [True, False])
def test_a_kept_guest_is_told_with_the_ways_into_it(places: Places, crashed: bool) -> None:
    one = Again(
        cell="c", before=(), after=(), result=result(cell(), fatal=crashed), kept=lease(),
        book=LeaseBook(places),
    )  # fmt: skip
    said = "\n".join(one.lines())
    assert "the guest abcd1234 is kept until 2026-06-01T12:00:00Z" in said
    assert "lab console abcd1234" in said
    assert "lab screenshot abcd1234" in said
    assert "lab gc --all" in said
    assert ("ssh -i /k -p 4022 root@127.0.0.1" in said) is not crashed, "a suspended guest answers no SSH"


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    path = tmp_path / "reports/r"
    path.mkdir(parents=True)
    made = RunDirectory(path)
    made.write_plan(plan(cell("content-update"), cell("roll-back")))
    place = record(made.recording(cell("content-update").id), started())
    codec.write(order(place, cell("content-update")), place / "order.json")
    return made


def test_an_unknown_cell_is_refused_with_the_closest(run: RunDirectory, places: Places) -> None:
    with pytest.raises(InputError, match="was not run in r") as caught:
        repro.again(run, "tiny_small_content-updat_candidate", places)
    assert caught.value.hint == "closest is 'tiny_small_content-update_candidate'"


def test_a_planned_cell_that_never_ran_cannot_be_repeated(run: RunDirectory, places: Places) -> None:
    with pytest.raises(InputError, match="was not run in r"):
        repro.again(run, cell("roll-back").id, places)


def test_an_image_that_is_no_longer_in_the_cache_is_named(run: RunDirectory, places: Places) -> None:
    with pytest.raises(ArtefactError, match="image tiny with digest dddddddddddd is no longer") as caught:
        repro.again(run, cell("content-update").id, places)
    assert "lab image build tiny" in str(caught.value.hint)
