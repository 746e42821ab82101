"""The key of a template: whatever the guest can see of its machine and host is in it, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import running_factories as make

from lab.errors import MachineError
from lab.model import BootPath, Profile, Timeouts
from lab.places import Places
from lab.running.order import HostChoice
from lab.running.templating import TemplateOrder
from lab.templates import Template

PLACES = Places(cache=Path("/c"), state=Path("/s"), runtime=Path("/r"))
HOST = HostChoice(
    name="here", uri="qemu:///system", accelerator="kvm", factor=1.0, libvirt="9.0.0", qemu="7.2.0",
    cpu="AMD X microcode 1, Linux 6.1",
)  # fmt: skip
ORDER = TemplateOrder(
    image=make.image(), profile=Profile(name="small"), host=HOST, places=PLACES, timeouts=Timeouts()
)


@pytest.mark.parametrize(
    "changed",
    [
        replace(ORDER, profile=Profile(name="small", vcpus=2)),
        replace(ORDER, profile=Profile(name="small", tpm=True)),
        replace(ORDER, image=replace(ORDER.image, digest="e" * 64)),
        replace(ORDER, image=replace(ORDER.image, boot=BootPath.DIRECT, cmdline="quiet", kernel=Path("/k"))),
        replace(ORDER, dump_disk_mib=512),
        replace(ORDER, dump_disk_mib=1024),
        replace(ORDER, host=replace(HOST, qemu="8.2.2")),
        replace(ORDER, host=replace(HOST, libvirt="10.0.0")),
        replace(ORDER, host=replace(HOST, accelerator="tcg")),
        replace(ORDER, host=replace(HOST, cpu="AMD X microcode 2, Linux 6.1")),
    ],
)
def test_what_the_guest_depends_on_makes_another_template(changed: TemplateOrder) -> None:
    assert changed.key.digest != ORDER.key.digest


@pytest.mark.parametrize(
    "changed",
    [
        replace(ORDER, force=True),
        replace(ORDER, doubtful=True),
        replace(ORDER, timeouts=Timeouts(boot_s=1.0)),
        replace(ORDER, host=replace(HOST, factor=3.0)),
        replace(ORDER, places=Places(cache=Path("/c"), state=Path("/t"), runtime=Path("/u"))),
        ORDER,
    ],
)
def test_what_it_does_not_depend_on_makes_the_same(changed: TemplateOrder) -> None:
    assert changed.key == ORDER.key


def test_an_emulated_guest_does_not_see_the_hosts_processor() -> None:
    emulated = replace(ORDER, host=replace(HOST, accelerator="tcg"))
    other = replace(emulated, host=replace(emulated.host, cpu="another"))
    assert other.key == emulated.key
    assert emulated.key.host_cpu == ""


def test_two_sizes_of_dump_disk_are_two_templates() -> None:
    one, two = (replace(ORDER, dump_disk_mib=size) for size in (512, 1024))
    assert one.key.hardware == two.key.hardware
    assert one.key.digest != two.key.digest


def test_a_clone_with_other_devices_than_its_template_is_refused_before_it_is_made(tmp_path: Path) -> None:
    places = Places(cache=tmp_path, state=tmp_path / "s", runtime=Path("/tmp/r"))
    order = replace(ORDER, places=places)
    template = Template(
        key=replace(order, dump_disk_mib=512).key, directory=tmp_path, made="", boot_s=1.0, settled_s=1.0
    )
    with pytest.raises(MachineError, match="other hardware than its template") as refused:
        order.machine(tmp_path, template=template).create()
    assert refused.value.hint == "lab image template tiny --force"
    assert not (tmp_path / "s").exists()
