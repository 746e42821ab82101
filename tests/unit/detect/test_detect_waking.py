"""A clone's clock may leap over the time it was frozen: an impossible stall is noise, a real one not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lab.detect import detect
from lab.detect.detectors import detected
from lab.detect.waking import BEFORE_IT
from lab.model import DetectSettings, FindingKind, MachineEvent, Observation, SerialChunk, Step

SETTINGS = DetectSettings()
SOFT = (
    "[ 3450.100001] watchdog: BUG: soft lockup - CPU#0 stuck for {}s! [kworker/0:1:22]\n"
    "[ 3450.200001] RIP: 0010:idle+0x1/0x2\n"
)
POOL = "[ 3450.100001] BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for {}s!\n"
HUNG = "[ 3450.100001] INFO: task systemd:1 blocked for more than {} seconds.\n"
RCU = "[ 3450.100001] rcu: INFO: rcu_preempt self-detected stall on CPU\n"
CLONED = (
    MachineEvent(t_s=1.0, name="started"),
    MachineEvent(t_s=1.0, name="cloned"),
    Step(t_s=2.0, name="woken", phase="note"),
)
BOOTED = (MachineEvent(t_s=1.0, name="started"),)


def said(texts: Sequence[tuple[float, str]], before: Sequence[Observation] = CLONED) -> list[Observation]:
    observations, at = list(before), 0
    for t_s, text in texts:
        observations.append(SerialChunk(t_s=t_s, start=at, data=text.encode()))
        at += len(text)
    return observations


@pytest.mark.parametrize("text", [SOFT.format(3427), POOL.format(3427), HUNG.format(120), RCU])
def test_a_stall_that_is_older_than_the_clone_is_noise(text: str) -> None:
    seen = detected(said([(6.0, text)]), SETTINGS)
    assert seen.findings == ()
    assert {finding.suppressed for finding in seen.suppressed} == {BEFORE_IT}


@pytest.mark.parametrize("text", [SOFT.format(26), POOL.format(33), RCU])
def test_a_stall_that_the_clone_can_have_had_counts(text: str) -> None:
    (found,) = detect(said([(40.0, text)]), SETTINGS)
    assert found.fatal
    assert found.kind is FindingKind.LOCKUP


@pytest.mark.parametrize("text", [SOFT.format(3427), POOL.format(3427), HUNG.format(120), RCU])
def test_a_guest_that_was_booted_is_never_excused(text: str) -> None:
    (found,) = detect(said([(6.0, text)], BOOTED), SETTINGS)
    assert found.fatal


@pytest.mark.parametrize("text", [SOFT, POOL])
def test_one_that_goes_on_is_found_although_its_first_report_was_excused(text: str) -> None:
    later = [(6.0, text.format(3427)), (60.0, text.format(3481)), (170.0, text.format(3591))]
    (found,) = detect(said(later), SETTINGS)
    assert found.fatal
    assert found.t_s == 170.0


def test_a_panic_is_not_excused_with_the_stall_it_came_from() -> None:
    panic = "[ 3450.300001] Kernel panic - not syncing: softlockup: hung tasks\n"
    (found,) = detect(said([(6.0, SOFT.format(3427) + panic)]), SETTINGS)
    assert found.fatal
    assert not found.suppressed


def test_a_restored_checkpoint_is_a_new_beginning() -> None:
    restored = (
        *CLONED,
        MachineEvent(t_s=400.0, name="restored"),
        Step(t_s=402.0, name="restore", phase="end"),
    )
    assert detect(said([(405.0, SOFT.format(390))], restored), SETTINGS) == ()
    (found,) = detect(said([(460.0, SOFT.format(50))], restored), SETTINGS)
    assert found.fatal


def test_a_clone_that_has_rebooted_is_a_booted_guest() -> None:
    rebooted = (*CLONED, MachineEvent(t_s=20.0, name="reset", details={"by": "lab"}))
    found = detect(said([(60.0, "Linux version 6.1.0\n" + SOFT.format(3427))], rebooted), SETTINGS)
    assert FindingKind.LOCKUP in {one.kind for one in found}
