"""Whatever is killed, the recordings stay readable, the lab takes the blame, and nothing is left for long."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from temporary_lab import RUN_S, Answer, TemporaryLab, temporary_lab

from lab.images.built import BuiltImage
from lab.machine.leases import Lease, qemu_process
from lab.model import Heartbeat, Step
from lab.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.vm, pytest.mark.timeout(900)]

BASELINE = "tiny_small_stay-up_baseline"
CANDIDATE = "tiny_small_stay-up_candidate"
AGES = "tiny_small_stay-up-for-ages_candidate"


@pytest.fixture(scope="module")
def bench(tiny_image: BuiltImage) -> Iterator[TemporaryLab]:
    assert tiny_image.disk.exists()
    with temporary_lab() as lab:
        lab.add_scenarios(Path(__file__).with_name("misfortunes.py"))
        lab.write(
            matrix={
                "images": ["tiny"],
                "profiles": ["small"],
                "scenarios": ["stay-up", "stay-up-for-ages"],
            }
        )
        yield lab


def alive(lab: TemporaryLab, lease: Lease) -> bool:
    """Whether the guest has answered: its scenario is under way."""
    with contextlib.suppress(Exception):
        return any(
            isinstance(item, Heartbeat) and item.ok for item in lab.recorded(lease.cell, lease.attempt)
        )
    return False


def underway(lab: TemporaryLab, cell: str) -> Lease:
    return lab.await_lease(lambda lease: lease.cell == cell and lease.attempt == 1 and alive(lab, lease))


def end(process: subprocess.Popen[str]) -> Answer:
    out, err = process.communicate(timeout=RUN_S)
    return Answer(process.returncode, out, err)


@contextlib.contextmanager
def bystanders() -> Iterator[list[subprocess.Popen[bytes]]]:
    """A process and a QEMU that are nobody's business."""
    commands = [
        ["sleep", "600"],
        ["qemu-system-x86_64", "-accel", "tcg", "-m", "16", "-display", "none", "-S", "-nodefaults"],
    ]
    started = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for command in commands]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def wounded(bench: TemporaryLab) -> Answer:
    """A run in which one cell lost its process and the other its QEMU, both by SIGKILL."""
    process = bench.start("run", "-k", "*_stay-up_*")
    os.kill(underway(bench, BASELINE).owner_pid, signal.SIGKILL)
    qemu = qemu_process(underway(bench, CANDIDATE))
    assert qemu is not None
    qemu.kill()
    return end(process)


@pytest.mark.parametrize(
    ("cell", "said"),
    [(BASELINE, "the recording was cut short at"), (CANDIDATE, "lab fault: QEMU ended by itself")],
)
def test_a_killed_cell_process_or_qemu_is_the_labs_fault_and_earns_a_second_attempt(
    bench: TemporaryLab, wounded: Answer, cell: str, said: str
) -> None:
    assert wounded.code != 0, wounded
    (judged,) = [one for one in bench.report()["cells"] if one["id"] == cell]
    assert len(judged["attempts"]) == 2
    assert said in str(judged), judged
    first, second = (bench.recorded(cell, number) for number in (1, 2))
    assert _outcome(first) != "completed"
    assert _outcome(second) == "completed"


def test_nothing_of_the_killed_is_left(bench: TemporaryLab, wounded: Answer) -> None:
    assert wounded.code != 0
    assert bench.left_behind() == []


def test_the_wounded_run_can_be_judged_again(bench: TemporaryLab, wounded: Answer) -> None:
    answer = bench("judge", "latest")
    assert answer.code == wounded.code, answer
    assert answer.out.splitlines()[0] == wounded.out.splitlines()[0]


def test_after_kill_9_of_the_orchestrator_its_cells_end_themselves(bench: TemporaryLab) -> None:
    process = bench.start("run", "-k", AGES)
    lease = underway(bench, AGES)
    process.kill()
    process.communicate()
    wait_for(lambda: not bench.leases(), what="the end of the orphaned cell", timeout_s=60)
    assert qemu_process(lease) is None
    assert _outcome(bench.recorded(AGES)) == "error"
    answer = bench("judge", "latest")
    assert answer.code == 4, answer
    assert "0 ended" in bench("gc").out.splitlines()[-1]  # templates in the shared cache may go before
    assert bench.left_behind() == []


def test_after_kill_9_of_everything_gc_ends_exactly_what_is_ours(bench: TemporaryLab) -> None:
    process = bench.start("run", "-k", AGES)
    lease = underway(bench, AGES)
    with bystanders() as others:
        os.killpg(process.pid, signal.SIGKILL)
        os.kill(lease.owner_pid, signal.SIGKILL)
        process.communicate()
        assert qemu_process(lease) is not None, "the guest outlives its owners"
        wait_for(lambda: not psutil.pid_exists(lease.owner_pid), what="the owner's end", timeout_s=10)
        assert "leftover: its owner" in bench("ps").out

        answer = bench("gc")
        assert answer.code == 0, answer
        assert f"{lease.machine} {AGES}: its owner (pid {lease.owner_pid}) is gone" in answer.out
        assert "1 ended" in answer.out
        assert [other.poll() for other in others] == [None, None], "others' processes live on"
    assert qemu_process(lease) is None
    assert bench.left_behind() == []

    judged = bench("judge", "latest")
    assert judged.code == 4, judged
    assert "cut short" in str(bench.report()["cells"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_orchestrator_that_is_asked_to_stop_ends_guests_and_reports_what_ran(
    bench: TemporaryLab, number: signal.Signals
) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"{number.name} is ignored here, as by nohup, and so it is by what is started here")
    process = bench.start("run", "-k", AGES)
    underway(bench, AGES)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    answer = Answer(process.returncode, out, err)
    assert answer.code == 4, answer
    assert "ending guests; the report will cover what ran" in answer.err
    report = bench.report()
    assert report["run"]["interrupted"] is True
    (cell,) = report["cells"]
    assert (cell["outcome"], cell["blame"]) == ("inconclusive", "lab")
    assert len(cell["attempts"]) == 1
    assert bench.left_behind() == []


def _outcome(observations: object) -> str:
    assert isinstance(observations, tuple | list)
    steps = [item for item in observations if isinstance(item, Step)]
    return next((step.outcome for step in steps if (step.name, step.phase) == ("scenario", "end")), "")
