"""Runs whose clones fail, and `lab image template`: fallen back from, blamed on the lab, and said so."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporary_lab import RUN_S, Answer, TemporaryLab, temporary_lab
from test_run_unreached import users_disk

from lab.errors import ArtefactError
from lab.images.built import BuiltImage
from lab.machine.leases import Lease, qemu_process
from lab.model import Step
from lab.waiting import WaitTimeout

pytestmark = [pytest.mark.e2e, pytest.mark.vm, pytest.mark.timeout(900)]

LITTLE = 24 << 20
"""Bytes that a clone may have beside what it has already."""


@pytest.fixture(scope="module")
def bench(tiny_image: BuiltImage) -> Iterator[TemporaryLab]:
    with temporary_lab() as lab:
        lab.add_scenarios(Path(__file__).with_name("hungry.py"))
        lost = f"{tiny_image.cmdline} rdinit=/nowhere"
        lab.add_image("rootless", users_disk(tiny_image, cmdline=lost, channels=["agent"]))
        lab.write(
            matrix={
                "images": ["tiny"],
                "profiles": ["hungry"],
                "scenarios": ["eat-memory"],
                "seeds": [1, 2],
                "exclude": [{"select": "*_baseline*", "reason": "needs no comparison"}],
            },
            profiles={"hungry": {"vcpus": 1, "memory": "256MiB", "firmware": "bios"}},
        )
        yield lab


@contextlib.contextmanager
def out_of_memory(pid: int) -> Iterator[None]:
    """The process may have only `LITTLE` more; where no control group can be made, it is killed as the
    kernel would kill it."""
    old, new = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    parent, limit = (old, "memory.limit_in_bytes") if old.is_dir() else (new, "memory.max")
    group = parent / f"lab-hungry-{os.getpid()}"
    try:
        group.mkdir()
        (group / limit).write_text(str(LITTLE))
        (group / "cgroup.procs").write_text(str(pid))
    except OSError:
        os.kill(pid, 9)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            group.rmdir()


def is_woken(bench: TemporaryLab, lease: Lease) -> bool:
    """Whether the machine is a clone that has come to its scenario."""
    if not (Path(lease.recording) / "attempt.json").exists():
        return False
    with contextlib.suppress(ArtefactError):
        seen = bench.recorded(lease.cell, lease.attempt)
        return any(isinstance(item, Step) and item.name == "woken" for item in seen)
    return False


@pytest.fixture(scope="module")
def starved(bench: TemporaryLab) -> Answer:
    """A run whose only clone is killed for want of memory."""
    process = bench.start("run")
    try:
        clone = bench.await_lease(lambda lease: is_woken(bench, lease), timeout_s=180)
    except WaitTimeout:
        process.terminate()
        out, err = process.communicate(timeout=60)
        pytest.fail(f"no clone was started: {Answer(process.returncode, out, err)}")
    qemu = qemu_process(clone)
    assert qemu is not None
    with out_of_memory(qemu.pid):
        out, err = process.communicate(timeout=RUN_S)
    return Answer(process.returncode, out, err)


def test_a_clone_that_the_host_has_no_memory_for_is_the_labs_fault_and_boots_instead(
    bench: TemporaryLab, starved: Answer
) -> None:
    cells = bench.report()["cells"]
    assert {cell["outcome"] for cell in cells} == {"inconclusive"}, "no agent was put on: nothing is proven"
    assert "candidate" not in {cell["blame"] for cell in cells}, starved
    clone = next(cell for cell in cells if len(cell["attempts"]) == 2)
    first, second = clone["attempts"]
    assert (first["clone"], second["clone"]) == (True, False)
    assert "QEMU ended by itself" in second["cold"]
    done = bench.recorded(clone["id"], 2)
    assert [one.outcome for one in done if isinstance(one, Step) and one.phase == "end"][-1] == "completed"
    assert bench.left_behind() == []


def test_the_fall_back_is_in_the_report_and_in_the_doctors_words(
    bench: TemporaryLab, starved: Answer
) -> None:
    starts = bench.report()["starts"]
    assert (starts["clones"], starts["cold"]) == (0, 2), starved
    unplanned, planned = starts["reasons"]
    assert not unplanned["planned"]
    assert planned["planned"]
    assert "ended by a lab fault" in unplanned["reason"]
    said = bench("doctor", "--remembered")
    assert "clone of tiny on hungry could not be used" in said.out, said


def test_a_template_is_made_on_request_and_listed(bench: TemporaryLab, starved: Answer) -> None:
    assert starved.code != 0
    made = bench("image", "template", "tiny", "--json", timeout_s=RUN_S)
    assert made.code == 0, made
    facts = json.loads(made.out)
    assert facts["verified"]
    assert facts["key"]["profile"]["name"] == "hungry"
    (image,) = [one for one in json.loads(bench("image", "list", "--json").out) if one["name"] == "tiny"]
    assert facts["key"]["hardware"] in {one["key"]["hardware"] for one in image["templates"]}
    assert image["template_failures"] == [], "what was wrong before is over when one is there"
    assert bench("image", "template", "tiny", "--profile", "hungri").code == 2
    assert bench("gc", "--dry-run").code == 0


def test_a_template_that_cannot_be_made_shows_the_stages_and_the_console(bench: TemporaryLab) -> None:
    bench.write(
        profiles={"hungry": {"vcpus": 1, "memory": "256MiB", "firmware": "bios"}},
        matrix={"images": ["rootless"], "profiles": ["hungry"], "scenarios": ["eat-memory"]},
        timeouts={"boot": "5s"},
    )
    answer = bench("image", "template", "rootless", timeout_s=RUN_S)
    assert answer.code == 4, answer
    assert "booting from power-off" in answer.err
    assert "the guest's console ends with:" in answer.err
    assert "lab: error: the template of 'rootless' could not be made" in answer.err
    assert "its console says: kernel panic: VFS: Unable to mount root fs" in answer.err, answer
    assert "template of rootless on hungry could not be made" in bench("doctor", "--remembered").out
    assert bench.left_behind() == []
