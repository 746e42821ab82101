"""Loads in real guests: they run, are measured, end when told to, and end when nobody tells them to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from template_orders import template_order
from temporary_lab import ROOT, TemporaryLab, tiny, user_places

from lab.clock import Stopwatch
from lab.guest.guest import Guest
from lab.images import catalogue
from lab.images.built import BuiltImage
from lab.images.store import ImageStore
from lab.model import Family, Figure, LoadMark, Observation
from lab.running.reach import reach
from lab.waiting import WaitTimeout, wait_for
from lab.workloads import Activity, Load, LoadFailed, WorkloadDidNotRun, WorkloadUnusable
from lab.workloads.linux_guest import LinuxDriver

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]


class Subject:
    """A running guest, what was recorded, and loads for it."""

    def __init__(self, guest: Guest, seen: list[Observation]) -> None:
        self.guest, self.seen = guest, seen
        self.driver = LinuxDriver(guest)
        self.load = Load(self.driver, Family.LINUX, seen.append, Stopwatch())

    def phases(self) -> list[str]:
        return [one.phase for one in self.seen if isinstance(one, LoadMark)]

    def figures(self) -> list[str]:
        return [one.name for one in self.seen if isinstance(one, Figure)]

    def left_behind(self) -> str:
        """Processes (what they run) and files of loads, once what was ended has had time to end."""
        look = (
            "for e in $(grep -sl LAB_LOAD= /proc/[0-9]*/environ); "
            "do tr '\\0' ' ' <${e%environ}cmdline; done; "
            "ls -d /run/lab-load/*-* /var/tmp/lab-load-* 2>/dev/null"
        )
        with contextlib.suppress(WaitTimeout):
            wait_for(lambda: not self.guest.run(look).text, what="the end of loads", timeout_s=GOING_S)
        return self.guest.run(look).text


GOING_S = 10.0


@contextlib.contextmanager
def booted(lab: TemporaryLab, image: BuiltImage, memory_mib: int) -> Iterator[Subject]:
    order = template_order(image, lab.places, memory_mib=memory_mib)
    recording = lab.root / "reports" / image.name
    recording.mkdir(parents=True)
    machine = order.machine(recording)
    seen: list[Observation] = []
    try:
        machine.create()
        guest = Guest(reach(machine, order.scaled).channels, seen.append, Stopwatch(), order.scaled)
        machine.resume()
        guest.wait_ready()
        yield Subject(guest, seen)
    finally:
        machine.close()


@pytest.fixture(scope="module")
def debian(lab: TemporaryLab) -> Iterator[Subject]:
    """With stress-ng and fio."""
    image = ImageStore(user_places()).build(catalogue.read(ROOT / "images/debian-12.yaml"))
    with booted(lab, image, 384) as subject:
        yield subject


@pytest.fixture(scope="module")
def busybox(lab: TemporaryLab) -> Iterator[Subject]:
    """With neither: loads are the shell's."""
    with booted(lab, tiny(), 192) as subject:
        yield subject


def test_a_load_runs_to_its_end_is_measured_and_leaves_nothing(debian: Subject) -> None:
    result = debian.load.run("files-sync", for_s=3)
    assert (result.means, result.errors) == ("fio", 0)
    assert result.ops > 0
    assert 0 < result.latency_ms["p50"] <= result.latency_ms["p99"] <= result.latency_ms["max"]
    assert debian.phases() == ["start", "end"]
    assert "files-sync.ops_per_s" in debian.figures()
    assert debian.left_behind() == ""


def test_several_loads_at_once_are_looked_at_and_stopped_early(debian: Subject) -> None:
    with (
        debian.load.running("memory", intensity=0.5) as memory,
        debian.load.running("cpu", intensity=0.5) as cpu,
    ):
        progress = memory.sample()
        assert progress.running
        assert progress.cpu_s > 0
    assert memory.result is not None
    assert cpu.result is not None
    assert memory.result.means == cpu.result.means == "stress-ng"
    assert min(memory.result.ops, cpu.result.ops) > 0
    assert debian.left_behind() == ""


def test_a_load_ends_by_itself_when_nobody_looks_at_it(busybox: Subject) -> None:
    started = busybox.load.started("files-open", for_s=2)
    ended = "ls /run/lab-load/files-open-*/ended"
    wait_for(lambda: busybox.guest.run(ended).ok, what="the load's end", timeout_s=60, interval_s=1)
    assert started.stop().ops > 0


def test_a_load_that_is_killed_in_the_guest_is_an_error_and_not_a_figure(busybox: Subject) -> None:
    running = busybox.load.started("cpu", for_s=60)
    figures = busybox.figures()
    gone = "while kill -0 $pid 2>/dev/null; do sleep 0.1; done"
    busybox.guest.run(f"pid=$(cat /run/lab-load/cpu-*/pid); kill -9 $pid; {gone}", timeout_s=30, check=True)
    with pytest.raises(WorkloadDidNotRun, match="'cpu': was killed in the guest"):
        running.sample()
    with pytest.raises(WorkloadDidNotRun):
        running.stop()
    assert busybox.figures() == figures
    assert busybox.left_behind() == ""


def test_operations_that_all_fail_are_the_guests_failure(busybox: Subject) -> None:
    once = "mkdir /run/once 2>/dev/null || { echo refused >&2; false; }"
    load = Load(
        busybox.driver,
        Family.LINUX,
        busybox.seen.append,
        Stopwatch(),
        activity=Activity(command=lambda: once, count=lambda: 0),
    )
    with pytest.raises(LoadFailed, match=r"all \d+ operations failed: \d+ refused"):
        load.run("agent-activity", for_s=2)
    assert busybox.left_behind() == ""


def test_what_a_guest_has_no_program_for_is_named_before_anything_is_started(busybox: Subject) -> None:
    with pytest.raises(WorkloadUnusable, match="'threads': the guest has no stress-ng") as caught:
        busybox.load.run("threads", for_s=1)
    assert "install stress-ng" in (caught.value.hint or "")
