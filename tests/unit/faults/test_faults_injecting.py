"""A fault is announced, injected, proven and undone, whatever happens in between."""

from __future__ import annotations

import pytest
from faults_doubles import FakeFault, bench, kind

from lab.errors import InputError, MachineError


class Stop(BaseException):
    """As the watcher ends a scenario."""


def test_a_fault_leaves_a_mark_for_each_of_its_phases() -> None:
    made = bench(kind("fake", FakeFault()))
    with made.faults.injected("fake", share=0.2) as fault:
        assert fault.proven
        assert fault.parameters == {"share": 0.2, "count": 1.0}
    assert made.marks() == ["fake planned", "fake injected", "fake proven", "fake undone"]
    assert made.evidence("proven") == ["it shows"]
    assert made.evidence("undone") == ["it is gone"]


def test_a_fault_without_effect_is_marked_failed_and_stops_nothing() -> None:
    made = bench(kind("fake", FakeFault(shows_at=0)))
    with made.faults.injected("fake") as fault:
        assert not fault.proven
    assert made.marks() == ["fake planned", "fake injected", "fake failed", "fake undone"]
    assert made.evidence("failed") == ["no effect that could be shown"]


def test_an_effect_that_shows_late_is_looked_for_once_more_before_the_end() -> None:
    fault = FakeFault(shows_at=0)
    made = bench(kind("fake", fault))
    with made.faults.injected("fake"):
        fault.shows_at = 1
    assert made.marks()[-2:] == ["fake proven", "fake undone"]


def test_a_fault_that_cannot_be_injected_is_undone_at_once_and_raises() -> None:
    fault = FakeFault(breaks="inject")
    made = bench(kind("fake", fault, masks=("silence",)))
    with pytest.raises(MachineError):
        made.faults.inject("fake")
    assert fault.calls == ["inject", "undo"]
    assert made.marks() == ["fake planned", "fake failed", "fake undone"]
    assert made.expectations() == [("silence", True), ("silence", False)]


def test_a_fault_that_cannot_be_undone_says_so_and_raises() -> None:
    made = bench(kind("fake", FakeFault(breaks="undo"), masks=("silence",)))
    with pytest.raises(MachineError, match="refused to undo"), made.faults.injected("fake"):
        pass
    assert made.marks()[-1] == "fake failed"
    assert made.expectations()[-1] == ("silence", False)


@pytest.mark.parametrize("error", [ValueError("the scenario's own"), Stop()])
def test_a_failing_block_counts_and_the_fault_is_undone_all_the_same(error: BaseException) -> None:
    fault = FakeFault(breaks="undo")
    made = bench(kind("fake", fault))
    with pytest.raises(type(error)), made.faults.injected("fake"):
        raise error
    assert fault.calls[-1] == "undo"


def test_what_is_left_is_undone_at_the_end_the_last_first() -> None:
    order: list[str] = []

    class Noted(FakeFault):
        def undo(self) -> str:
            order.append(self.breaks)
            return "it is gone"

    made = bench(kind("one", Noted(breaks="one")), kind("two", Noted(breaks="two")))
    made.faults.inject("one")
    made.faults.inject("two")
    made.faults.undo_all()
    made.faults.undo_all()
    assert order == ["two", "one"]


def test_one_that_cannot_be_undone_does_not_keep_the_others() -> None:
    last, first = FakeFault(breaks="undo"), FakeFault()
    made = bench(kind("first", first), kind("last", last))
    made.faults.inject("first")
    made.faults.inject("last")
    made.faults.undo_all()
    assert first.calls[-1] == "undo"


def test_a_guest_that_is_lost_is_not_asked_to_undo_anything() -> None:
    lost: list[bool] = []
    inside, outside = FakeFault(in_guest=True), FakeFault()
    made = bench(kind("inside", inside), kind("outside", outside), lost=lambda: bool(lost))
    made.faults.inject("inside")
    made.faults.inject("outside")
    lost.append(True)
    made.faults.undo_all()
    assert "undo" not in inside.calls
    assert outside.calls[-1] == "undo"
    assert made.marks()[-2:] == ["outside undone", "inside failed"]


def test_silence_is_declared_for_as_long_as_the_fault_is_on() -> None:
    made = bench(
        kind("quiet", FakeFault(), masks=("silence", "clock")), kind("loud", FakeFault(), masks=("io",))
    )
    with made.faults.injected("quiet"), made.faults.injected("loud"):
        assert made.expectations() == [("silence", True)]
    assert made.expectations() == [("silence", True), ("silence", False)]


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("fkae", {}, "unknown fault 'fkae' \\(closest is 'fake'\\)"),
        ("fake", {"shrae": 1}, "unknown parameter 'shrae' \\(closest is 'share'\\)"),
        ("fake", {"share": 2.0}, "share is 2 \\(wanted 0 to 1\\)"),
        ("fake", {"share": "much"}, "share is 'much' \\(wanted a number\\)"),
        ("fake", {"share": float("nan")}, "share is nan"),
        ("fake", {"count": 1.5}, "count is 1.5 \\(wanted a whole number\\)"),
        ("windows-only", {}, "cannot be put on a linux guest \\(wanted windows\\)"),
    ],
)
def test_wrong_words_are_refused_before_anything_happens(
    name: str, given: dict[str, object], words: str
) -> None:
    from lab.faults.kind import Support
    from lab.model import Family

    other = kind("windows-only", FakeFault(), families={Family.WINDOWS: Support.AWAITS})
    made = bench(kind("fake", FakeFault()), other)
    with pytest.raises(InputError, match=words):
        made.faults.inject(name, **given)  # type: ignore[arg-type]
    assert made.seen == []


def test_a_schedule_is_played_fault_by_fault() -> None:
    from lab.faults import Planned

    made = bench(kind("one", FakeFault()), kind("two", FakeFault()))
    plan = (
        Planned(at_s=0.0, for_s=0.01, kind="two", parameters={"share": 0.3}),
        Planned(at_s=0.02, for_s=0.01, kind="one", parameters={"share": 0.4}),
    )
    done = made.faults.play(plan)
    assert [(fault.kind.name, fault.parameters["share"]) for fault in done] == [
        ("two", 0.3),
        ("one", 0.4),
    ]
    assert [mark for mark in made.marks() if "undone" in mark] == ["two undone", "one undone"]


def test_the_schedule_of_a_cell_is_drawn_by_its_own_seed() -> None:
    kinds = kind("one", FakeFault()), kind("two", FakeFault())
    assert bench(*kinds).faults.schedule(("one", "two"), 60) == bench(*kinds).faults.schedule(
        ("two", "one"), 60
    )
    assert bench(*kinds).faults.schedule(("one", "two"), 60, seed=4) != bench(*kinds).faults.schedule(
        ("one",), 60
    )
