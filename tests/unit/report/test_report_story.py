"""What happened in an attempt: boots, sightings, story, filmstrip."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import report_factories as make
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.model import (
    Arm,
    Expectation,
    Finding,
    FindingKind,
    Frame,
    Heartbeat,
    MachineEvent,
    Signature,
    Step,
)
from lab.report import exhibit, story
from lab.report.console import Console


def event(t_s, name):
    return MachineEvent(t_s=t_s, name=name)


def ends(observations, findings=()):
    return [boot.end for boot in story.boots(observations, findings)]


def answer(t_s, boot_id):
    return Heartbeat(t_s=t_s, channel="agent", ok=True, boot_id=boot_id)


def test_a_reset_after_a_panic_ends_the_boot_as_a_crash():
    seen = [event(0, "started"), event(5, "panicked"), event(6, "reset"), event(9, "destroyed")]
    first, second = story.boots(seen)
    assert (first.end, first.crash_s, first.end_s) == ("crash", 5, 6)
    assert (second.end, second.start_s, second.crash_s) == ("destroyed", 6, None)


def test_a_crash_finding_counts_as_a_crash_without_any_event():
    seen = [event(0, "started"), answer(3, "a"), event(6, "reset")]
    assert ends(seen, [make.panic((0, 1))]) == ["unexpected-reset", "open"]
    early = replace(make.panic((0, 1)), t_s=5.0)
    assert ends(seen, [early]) == ["crash", "open"]


def test_an_expected_reboot_covers_one_reset_only():
    seen = [
        event(0, "started"),
        answer(3, "a"),
        Expectation(t_s=4, what="reboot", begin=True),
        event(5, "reset"),
        answer(20, "b"),
        event(40, "reset"),
    ]
    assert ends(seen) == ["requested-reboot", "unexpected-reset", "open"]


def test_a_machine_that_was_switched_off_and_started_has_nothing_between_its_boots():
    seen = [
        event(0, "started"),
        answer(3, "a"),
        event(4, "shutdown"),
        event(9, "started"),
        answer(12, "b"),
        event(20, "destroyed"),
    ]
    assert [(boot.start_s, boot.end_s, boot.end) for boot in story.boots(seen)] == [
        (0.0, 4, "shutdown"),
        (9, 20, "destroyed"),
    ]


def test_an_answer_right_after_a_reset_belongs_to_the_boot_before():
    seen = [event(0, "started"), answer(3, "a"), event(5, "reset"), answer(5.5, "a"), answer(30, "b")]
    assert [boot.ready_s for boot in story.boots(seen)] == [3, 30]


def test_ready_is_the_first_answer():
    seen = [
        event(0, "started"),
        Heartbeat(t_s=3, channel="ssh", ok=True),
        Step(t_s=4, name="booted", phase="note"),
    ]
    assert story.boots(seen)[0].ready_s == 3


@settings(deadline=None)
@given(st.lists(st.sampled_from(["started", "reset", "panicked", "shutdown", "destroyed"]), max_size=12))
def test_boots_are_in_order_and_numbered_from_one(names):
    boots = story.boots([event(float(at), name) for at, name in enumerate(names)])
    assert [boot.number for boot in boots] == list(range(1, len(boots) + 1))
    assert all(boot.start_s <= boot.end_s for boot in boots)
    assert all(one.end_s <= two.start_s for one, two in itertools.pairwise(boots))


def shown():
    run = make.bad_update()
    record = next(one for one in run.attempts if one.cell.id == "debian-11_bios-1cpu_update-reboot_candidate")
    return record, exhibit.build(record, record.findings[0], None)


def test_every_channel_says_whether_it_saw_the_failure_and_when():
    _, made = shown()
    seen = {one.channel: one for one in made.sightings}
    assert seen["serial"].first
    assert seen["serial"].t_s == pytest.approx(31.6)
    assert seen["event"].delay_s == pytest.approx(0.13)
    assert not seen["screen"].seen
    assert list(seen)[:2] == ["serial", "event"]


def test_the_first_channel_has_the_findings_own_time_when_nothing_else_tells_it():
    finding = Finding(
        kind=FindingKind.AGENT_DOWN,
        signature=Signature(title="agent down"),
        fatal=True,
        t_s=7.0,
        channels=("agent", "screen", "heartbeat"),
    )
    agent, screen, heartbeat, *_ = story.sightings(finding, [], Console(None, []))
    assert (agent.t_s, screen.t_s, heartbeat.t_s) == (7.0, None, None)


def test_the_story_is_in_order_and_has_commands_proofs_events_and_findings():
    _, made = shown()
    times = [line.t_s for line in made.story]
    assert times == sorted(times)
    assert {"command", "event", "finding", "step", "silence"} <= {line.kind for line in made.story}
    command = next(line for line in made.story if line.kind == "command")
    assert command.ok
    assert command.detail.startswith("exit 0 after 2.4 s on agent")


def test_a_long_story_keeps_what_is_nearest_to_the_failure():
    seen = [event(float(at), "resumed") for at in range(500)]
    lines = story.story(seen, [], around_s=250.0)
    assert len(lines) == story.LONGEST_STORY
    assert min(line.t_s for line in lines) > 200


def test_silence_is_told_once_until_the_guest_answers():
    beats = [Heartbeat(t_s=float(at), channel="ssh", ok=at in (3, 4)) for at in range(8)]
    assert [line.t_s for line in story.story(beats, [], 0.0)] == [0.0, 5.0]


def test_time_since_the_update_is_from_the_last_operation_before():
    record, made = shown()
    assert made.after_update_s == pytest.approx(1.6)
    assert story.after_update(record.observations, 1.0) is None


def frames(times, same=()):
    return [
        Frame(t_s=t_s, path=f"frames/{at}.png", sha256="same" if t_s in same else str(at), width=8, height=8)
        for at, t_s in enumerate(times)
    ]


def strip(times, t_s, same=()):
    run = make.empty()
    make.passed(run, make.cell("debian-12", "s", Arm.CANDIDATE, make.BAD))
    record = replace(run.attempts[0], observations=frames(times, same))
    return [(picture.t_s, picture.when) for picture in exhibit.filmstrip(record, t_s)]


def test_the_filmstrip_has_two_frames_before_and_four_after_with_the_last():
    chosen = strip(range(20), 10)
    assert [t_s for t_s, _ in chosen] == [8, 9, 10, 13, 16, 19]
    assert [when for _, when in chosen] == ["before", "before", "first-after", "after", "after", "after"]


def test_the_filmstrip_leaves_out_frames_that_show_the_same():
    assert strip(range(6), 1, same=(1, 2, 3, 4)) == [(0, "before"), (1, "first-after"), (5, "after")]


def test_without_frames_there_is_no_filmstrip():
    assert strip([], 1) == []


def test_the_exhibit_is_the_attempt_with_the_longest_boot_loop():
    run = make.bad_update()
    (failure,) = run.doc()["failures"]
    assert failure["exhibit"]["cell"] == "debian-11_bios-1cpu_update-reboot_candidate"
    assert failure["repro"].endswith("debian-11_bios-1cpu_update-reboot_candidate")
