"""Where an update is cut short."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.faults.cutting import END, START, CutPoint, Rehearsal, Said, Steps, rehearse

TIMES = st.lists(st.floats(0.01, 30), max_size=8).map(sorted)


@settings(max_examples=60)
@given(times=TIMES, spread=st.integers(1, 12))
def test_every_step_is_cut_at_its_beginning(times: list[float], spread: int) -> None:
    names = [f"step-{number % 3}" for number in range(len(times))]
    steps = tuple(Said(step=name, at_s=at_s) for name, at_s in zip(names, times, strict=True))
    cuts = Rehearsal(steps=steps, total_s=31.0).cuts(spread)
    assert len(set(cuts)) == len(cuts)
    wanted = {CutPoint(step=said.step, nth=names[: n + 1].count(said.step)) for n, said in enumerate(steps)}
    late = {steps[n] for n in range(len(steps) - 1) if steps[n + 1].at_s == steps[n].at_s}
    if not late:  # steps that were seen at one time cannot be told apart
        assert wanted <= set(cuts)
    assert all(cut.after_s >= 0 for cut in cuts)


def test_cuts_between_steps_count_from_the_last_step_before_them() -> None:
    steps = (Said(step="copy", at_s=1.0), Said(step="sync", at_s=3.0), Said(step="copy", at_s=4.0))
    assert Rehearsal(steps=steps, total_s=5.0).cuts(2) == (
        CutPoint(step="copy"),
        CutPoint(step="copy", after_s=0.25),
        CutPoint(step="sync"),
        CutPoint(step="sync", after_s=0.75),
        CutPoint(step="copy", nth=2),
    )


def test_an_agent_that_says_nothing_is_cut_at_times_alone() -> None:
    cuts = Rehearsal(steps=(), total_s=4.0).cuts(2)
    assert cuts == (CutPoint(step=START, after_s=1.0), CutPoint(step=START, after_s=3.0))
    assert str(cuts[0]) == "1.00 s into step '(before the first)'"


def test_only_the_agents_own_whole_lines_are_steps(tmp_path: Path) -> None:
    log = tmp_path / "serial.log"
    log.write_bytes(b"[ 1.0] demo-sensor: step old\n")
    steps = Steps(log, "demo-sensor")
    with log.open("ab") as out:
        out.write(b"[ 2.0] demo-sensor: step stop\r\n[ 2.1] other: step x\n[ 2.2] demo-sensor: step sy")
    assert steps.read() == ["stop"]
    with log.open("ab") as out:
        out.write(b"nc\r\n[ 2.3] a demo-sensor: step by step guide\n")
    assert steps.read() == ["sync"]


def test_a_rehearsal_notes_the_steps_in_order(tmp_path: Path) -> None:
    log = tmp_path / "serial.log"
    log.touch()

    def update() -> None:
        log.write_bytes(b"demo-sensor: step stop\ndemo-sensor: step done\n")

    made = rehearse(update, Steps(log, "demo-sensor"))
    assert [said.step for said in made.steps] == ["stop", "done"]
    assert all(said.at_s >= 0 for said in made.steps)


def test_no_agent_can_say_the_words_for_before_and_after(tmp_path: Path) -> None:
    log = tmp_path / "serial.log"
    log.touch()
    steps = Steps(log, "demo-sensor")
    with log.open("ab") as out:
        out.write(f"demo-sensor: step {START}\ndemo-sensor: step {END}\ndemo-sensor: step start\n".encode())
    assert steps.read() == ["start"]
    said = Rehearsal(steps=(Said(step="start", at_s=2.0),), total_s=3.0)
    assert said.cuts(0) == (CutPoint(step="start"),)
    assert CutPoint(step="start") != CutPoint(step=START)
