"""Clones on real guests: made, run, rebooted, rewound; and what happens when a template is damaged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporary_lab import TemporaryLab, temporary_lab, tiny

from lab.clock import Stopwatch
from lab.errors import ArtefactError, BuildError, MachineError
from lab.guest.guest import Guest
from lab.guest.waking import wake
from lab.machine.leases import qemu_process
from lab.machine.machine import Machine
from lab.model import MachineEvent, Observation, Profile, Timeouts
from lab.running.order import HostChoice
from lab.running.reach import reach
from lab.running.templating import TemplateOrder, make, prove
from lab.templates import Template, TemplateStore

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def lab() -> Iterator[TemporaryLab]:
    with temporary_lab() as own:
        yield own


@pytest.fixture(scope="module")
def order(lab: TemporaryLab) -> TemplateOrder:
    return TemplateOrder(
        image=tiny(),
        profile=Profile(name="small", memory_mib=256),
        host=HostChoice(name="here", uri="embed", accelerator="tcg", factor=4.0, libvirt="9", qemu="7"),
        places=lab.places,
        timeouts=Timeouts(),
    )


@pytest.fixture(scope="module")
def template(order: TemplateOrder) -> Template:
    made = make(order)
    yield made
    TemplateStore(order.places).drop(made)


class Running:
    """One clone."""

    def __init__(self, order: TemplateOrder, template: Template, recording: Path) -> None:
        recording.mkdir(parents=True)
        self.seen: list[Observation] = []
        self.machine: Machine = order.machine(recording, template=template)
        self.machine.create()
        channels = reach(self.machine, order.scaled).channels
        self.guest = Guest(channels, self.seen.append, Stopwatch(), order.scaled, rewinder=self.machine)
        self.machine.resume()
        self.guest.wait_ready()

    def close(self) -> None:
        self.guest.close()
        self.machine.close()


def test_a_template_is_proven_by_a_clone_and_found_again(order: TemplateOrder, template: Template) -> None:
    assert template.verified
    assert 0 < template.private_mib < order.profile.memory_mib
    assert TemplateStore(order.places).get(order.key) == template


def test_clones_go_on_where_the_template_stopped_and_do_not_see_each_other(
    lab: TemporaryLab, order: TemplateOrder, template: Template
) -> None:
    one = Running(order, template, lab.root / "reports" / "one")
    try:
        wake(one.guest, time.time)
        one.guest.run("echo changed > /root/mark; sync", check=True)
        two = Running(order, template, lab.root / "reports" / "two")
        try:
            wake(two.guest, time.time)
            assert not two.guest.run("cat /root/mark").ok
        finally:
            two.close()
        _it_reboots_into_a_boot_of_its_own(one)
    finally:
        one.close()
    assert qemu_process(one.machine.lease) is None


def _it_reboots_into_a_boot_of_its_own(one: Running) -> None:
    before = one.guest.boot_id()
    one.guest.reboot()
    assert one.guest.boot_id() != before
    assert one.guest.run("cat /root/mark", check=True).text == "changed"


def test_a_guest_is_rewound_as_often_as_wanted(
    lab: TemporaryLab, order: TemplateOrder, template: Template
) -> None:
    clone = Running(order, template, lab.root / "reports" / "rewound")
    try:
        clone.guest.run("echo first > /root/mark; sync", check=True)
        point = clone.guest.checkpoint()
        for _ in range(2):
            clone.guest.run("echo second > /root/mark; sync", check=True)
            clone.guest.restore(point)
            assert clone.guest.run("cat /root/mark", check=True).text == "first"
        restored = [one for one in clone.seen if isinstance(one, MachineEvent) and one.name == "restored"]
        assert len(restored) == 2
        with pytest.raises(MachineError, match="loadvm failed"):
            clone.machine.restore("never-made")
    finally:
        clone.close()


def test_damaged_device_state_is_told_before_it_is_run_and_leaves_no_machine(
    order: TemplateOrder, template: Template
) -> None:
    whole = template.state.read_bytes()
    template.state.chmod(0o600)
    template.state.write_bytes(whole[: len(whole) // 2])
    store = TemplateStore(order.places)
    try:
        with pytest.raises(ArtefactError, match="state"):
            store.get(order.key)
        with pytest.raises(BuildError, match="a clone of the template of 'tiny' could not be run"):
            prove(order, store, template)
    finally:
        template.state.write_bytes(whole)
    assert store.get(order.key).verified
