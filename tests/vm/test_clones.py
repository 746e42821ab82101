"""Clones on real guests: made, woken, rebooted, rewound, by BIOS and by UEFI with a TPM."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from template_orders import template_order
from temporary_lab import ROOT, TemporaryLab, tiny, user_places

from lab.clock import Stopwatch
from lab.errors import MachineError
from lab.guest.guest import Guest
from lab.guest.waking import Woken, wake
from lab.images import catalogue
from lab.images.store import ImageStore
from lab.machine.leases import qemu_process
from lab.machine.machine import Machine
from lab.model import Firmware, Identity, MachineEvent, Observation, Profile
from lab.running.reach import reach
from lab.running.templating import TemplateOrder, make
from lab.templates import Template, TemplateStore

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def order(lab: TemporaryLab) -> TemplateOrder:
    return template_order(tiny(), lab.places, memory_mib=256)


@pytest.fixture(scope="module")
def template(order: TemplateOrder) -> Iterator[Template]:
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

    def woken(self, identity: Identity = Identity.KEEP) -> Woken:
        return wake(self.guest, time.time, identity=identity, name=f"clone-{self.machine.name}")

    def said(self, command: str) -> str:
        return self.guest.run(command, check=True).text.strip()

    def close(self) -> None:
        self.guest.close()
        self.machine.close()


@contextlib.contextmanager
def running(order: TemplateOrder, template: Template, recording: Path) -> Iterator[Running]:
    clone = Running(order, template, recording)
    try:
        yield clone
    finally:
        clone.close()


def test_a_template_is_proven_by_a_clone_and_found_again(order: TemplateOrder, template: Template) -> None:
    assert template.verified
    assert 0 < template.private_mib < order.profile.memory_mib
    assert TemplateStore(order.places).get(order.key) == template


def test_clones_go_on_where_the_template_stopped_and_do_not_see_each_other(
    lab: TemporaryLab, order: TemplateOrder, template: Template
) -> None:
    with running(order, template, lab.root / "reports" / "one") as one:
        one.woken()
        one.guest.run("echo changed > /root/mark; sync", check=True)
        with running(order, template, lab.root / "reports" / "two") as two:
            two.woken()
            assert not two.guest.run("cat /root/mark").ok
        _it_reboots_into_a_boot_of_its_own(one)
    assert qemu_process(one.machine.lease) is None


def _it_reboots_into_a_boot_of_its_own(one: Running) -> None:
    before = one.guest.boot_id()
    one.guest.reboot()
    assert one.guest.boot_id() != before
    assert one.guest.run("cat /root/mark", check=True).text == "changed"


LOOK = (
    "grep -m1 ^flags /proc/cpuinfo; date -u +%s; head -c 16 /dev/urandom | od -An -tx1;"
    " cut -d. -f1 /proc/uptime"
)


def test_ten_clones_in_a_row_have_the_right_time_the_same_processor_and_randomness_of_their_own(
    lab: TemporaryLab, order: TemplateOrder, template: Template
) -> None:
    flags, drawn = set(), set()
    for number in range(10):
        with running(order, template, lab.root / "reports" / f"row{number}") as clone:
            woken = clone.woken()
            processor, date, random, uptime = clone.said(LOOK).splitlines()
        assert abs(int(date) - time.time()) < 10
        assert float(uptime) < template.settled_s + 120, "the guest's own clock did not leap"
        assert woken.reseeded == "kernel"
        flags.add(processor)
        drawn.add(random)
    assert len(flags) == 1
    assert len(drawn) == 10
    assert lab.left_behind() == [] or not any("QEMU" in line for line in lab.left_behind())


def test_a_clone_is_the_machine_its_template_was_unless_it_is_to_be_another(
    lab: TemporaryLab, order: TemplateOrder, template: Template
) -> None:
    with running(order, template, lab.root / "reports" / "kept") as kept:
        name = kept.woken().host
        assert name == kept.said("hostname")
    with running(order, template, lab.root / "reports" / "new") as new:
        assert new.woken(Identity.NEW).host == f"clone-{new.machine.name}" != name
        assert new.said("hostname; cat /etc/hostname").split() == [f"clone-{new.machine.name}"] * 2


def test_a_guest_is_rewound_as_often_as_wanted_also_after_a_crash(
    lab: TemporaryLab, order: TemplateOrder, template: Template
) -> None:
    with running(order, template, lab.root / "reports" / "rewound") as clone:
        clone.guest.run("echo first > /root/mark; sync", check=True)
        point = clone.guest.checkpoint()
        clone.guest.run("echo second > /root/mark; sync", check=True)
        clone.guest.restore(point)
        assert clone.said("cat /root/mark") == "first"
        clone.guest.run("echo third > /root/mark; sync; (sleep 3; echo c > /proc/sysrq-trigger) &")
        time.sleep(5)
        clone.guest.restore(point)
        assert clone.said("cat /root/mark") == "first"
        assert abs(int(clone.said("date -u +%s")) - time.time()) < 10
        restored = [one for one in clone.seen if isinstance(one, MachineEvent) and one.name == "restored"]
        assert len(restored) == 2
        with pytest.raises(MachineError, match=r"snapshot-load failed: .*never-made"):
            clone.machine.restore("never-made")


VARIABLE = "/sys/firmware/efi/efivars/LabTest-8be4df61-93ca-11d2-aa0d-00e098032b8c"
PCR = "cat /sys/class/tpm/tpm0/pcr-sha256/0"


@pytest.fixture(scope="module")
def firm(order: TemplateOrder) -> TemplateOrder:
    """UEFI firmware with variables, a boot loader of its own, and a TPM."""
    recipe = catalogue.read(ROOT / "images/debian-13-uefi.yaml")
    image = ImageStore(user_places()).build(recipe)
    profile = Profile(name="firm", memory_mib=768, firmware=Firmware.UEFI, tpm=True)
    return replace(order, image=image, profile=profile)


def test_clones_of_a_uefi_guest_have_variables_and_a_tpm_of_their_own_and_can_be_rewound(
    lab: TemporaryLab, firm: TemplateOrder
) -> None:
    template = make(firm)
    try:
        assert template.nvram is not None
        assert template.tpm is not None
        with running(firm, template, lab.root / "reports" / "firm") as one:
            one.woken()
            measured = one.said(PCR)
            assert int(measured, 16) != 0, "the firmware measured itself into it"
            point = one.guest.checkpoint()
            one.said(_set_variable())
            one.guest.restore(point)
            assert not one.guest.run(f"ls {VARIABLE}").ok, "variables are rewound too"
            one.said(_set_variable())
            with running(firm, template, lab.root / "reports" / "firm2") as two:
                two.woken()
                assert two.said(PCR) == measured
                assert not two.guest.run(f"ls {VARIABLE}").ok, "another clone's variables are its own"
    finally:
        TemplateStore(firm.places).drop(template)


def _set_variable() -> str:
    """A variable's file wants its attributes and its value in one write (efivarfs)."""
    return f"printf '\\007\\000\\000\\000x' > /tmp/v; cat /tmp/v > {VARIABLE}; ls {VARIABLE}"
