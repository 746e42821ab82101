"""What a machine looks like to libvirt."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.machine.xml import (
    NAMESPACE,
    QEMU_NAMESPACE,
    Hardware,
    Ownership,
    domain_xml,
    owner_of,
    probe_xml,
)
from lab.model import BootPath, Family, Firmware, Profile

OWNER = Ownership(lab="/state", run="20260101-1", cell="tiny_small_x_candidate", attempt=2, deadline="2026")
HARDWARE = Hardware(
    name="abcd1234",
    uuid="8f9c5a0e-5b0a-4a53-8b6b-0d9f6a0f3c11",
    profile=Profile(name="small", vcpus=2, memory_mib=384),
    owner=OWNER,
    accelerator="tcg",
    overlay=Path("/state/machines/abcd1234/overlay.qcow2"),
    serial_log=Path("/reports/a1/serial.log"),
    sockets=Path("/run/m/abcd1234"),
    kernel=Path("/images/vmlinuz"),
    initrd=Path("/images/initrd"),
    cmdline="console=ttyS0 root=/dev/vda",
)


def tree(**changes: object) -> ET.Element:
    return ET.fromstring(domain_xml(replace(HARDWARE, **changes)))


def with_profile(**changes: object) -> ET.Element:
    return tree(profile=replace(HARDWARE.profile, **changes))


def attributes(root: ET.Element, path: str) -> dict[str, str]:
    element = root.find(path)
    assert element is not None, path
    return dict(element.attrib)


def arguments(root: ET.Element) -> list[str]:
    line = root.find(f"{{{QEMU_NAMESPACE}}}commandline")
    assert line is not None
    return [argument.get("value", "") for argument in line]


def test_the_metadata_says_whose_the_domain_is() -> None:
    assert tree().find(f"metadata/{{{NAMESPACE}}}owner") is not None
    assert owner_of(domain_xml(HARDWARE)) == OWNER


def test_a_domain_without_our_metadata_belongs_to_someone_else() -> None:
    assert owner_of("<domain><name>theirs</name></domain>") is None
    assert owner_of('<domain><metadata><owner xmlns="urn:other" lab="/state"/></metadata></domain>') is None


xml_text = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xD7FF, exclude_characters="\x7f"), max_size=30
)


@given(lab=xml_text, run=xml_text, cell=xml_text, deadline=xml_text, attempt=st.integers(1, 99))
def test_ownership_survives_the_way_through_xml(
    lab: str, run: str, cell: str, deadline: str, attempt: int
) -> None:
    owner = Ownership(lab=lab, run=run, cell=cell, attempt=attempt, deadline=deadline)
    assert owner_of(domain_xml(replace(HARDWARE, owner=owner))) == owner


def test_size_and_identity_are_those_of_the_order() -> None:
    root = tree()
    assert (root.findtext("name"), root.findtext("uuid")) == (HARDWARE.name, HARDWARE.uuid)
    assert (root.findtext("memory"), attributes(root, "memory")) == ("384", {"unit": "MiB"})
    assert root.findtext("vcpu") == "2"


def test_every_machine_has_a_panic_device_a_watchdog_and_a_random_number_generator() -> None:
    root = tree()
    assert attributes(root, "devices/panic") == {"model": "isa"}
    assert attributes(root, "devices/watchdog") == {"model": "i6300esb", "action": "none"}
    assert attributes(root, "devices/rng") == {"model": "virtio"}
    assert root.findtext("devices/rng/backend") == "/dev/urandom"


def test_a_windows_guest_panics_through_hyper_v_and_keeps_local_time() -> None:
    root = tree(family=Family.WINDOWS)
    assert attributes(root, "devices/panic") == {"model": "hyperv"}
    assert attributes(root, "clock") == {"offset": "localtime"}


def test_a_panic_stops_nothing_so_that_the_guest_can_dump_and_reboot() -> None:
    root = tree()
    assert root.findtext("on_crash") == "preserve"
    assert arguments(root)[:2] == ["-action", "panic=none,watchdog=none"]


def test_the_console_is_logged_by_qemu_and_served_at_a_private_socket() -> None:
    root = tree()
    log = {"file": "/reports/a1/serial.log", "append": "on"}
    assert attributes(root, "devices/serial/log") == log
    assert attributes(root, "devices/serial/source") == {
        "mode": "bind",
        "path": "/run/m/abcd1234/serial.sock",
    }


def test_the_guest_agent_has_its_channel() -> None:
    root = tree()
    assert attributes(root, "devices/channel/target") == {
        "type": "virtio",
        "name": "org.qemu.guest_agent.0",
    }
    assert attributes(root, "devices/channel/source")["path"] == "/run/m/abcd1234/agent.sock"


def test_the_screen_is_at_a_private_socket_and_at_no_port() -> None:
    assert attributes(tree(), "devices/graphics") == {"type": "vnc", "socket": "/run/m/abcd1234/vnc.sock"}


def test_an_isolated_guest_reaches_nothing_and_is_reached_at_a_local_port_only() -> None:
    network = " ".join(arguments(tree()))
    assert "restrict=on" in network
    assert "hostfwd=tcp:127.0.0.1:0-:22" in network
    assert "virtio-net-pci,netdev=lab0" in network


def test_winrm_is_forwarded_to_windows_guests_only() -> None:
    assert "-:5986" not in " ".join(arguments(tree()))
    assert "hostfwd=tcp:127.0.0.1:0-:5986" in " ".join(arguments(tree(family=Family.WINDOWS)))


def test_an_outbound_guest_is_not_restricted() -> None:
    assert "restrict=off" in " ".join(arguments(with_profile(network="outbound")))


def test_a_guest_without_a_network_has_no_card() -> None:
    root = with_profile(network="none")
    assert not any("netdev" in word for word in arguments(root))
    assert root.find("devices/interface") is None


def test_the_nic_and_disk_models_are_the_profiles() -> None:
    root = with_profile(nic="e1000e", disk_bus="sata")
    assert any(word.startswith("e1000e,") for word in arguments(root))
    assert attributes(root, "devices/disk/target") == {"dev": "sda", "bus": "sata"}
    assert attributes(tree(), "devices/disk/target") == {"dev": "vda", "bus": "virtio"}


def test_a_disk_for_the_guests_own_dump_is_a_second_disk_of_the_same_kind() -> None:
    disk = Path("/state/machines/abcd1234/dump.raw")
    root = with_profile(disk_bus="sata", name="small")
    assert len(root.findall("devices/disk")) == 1
    first, second = tree(dump_disk=disk).findall("devices/disk")
    assert attributes(first, "target")["dev"] == "vda"
    assert attributes(second, "target") == {"dev": "vdb", "bus": "virtio"}
    assert attributes(second, "source") == {"file": str(disk)}
    assert attributes(second, "driver")["type"] == "raw"


@pytest.mark.parametrize(
    ("uri", "remote"),
    [("embed", False), ("qemu:///system", False), ("qemu+ssh://far/system", True)],
)
def test_a_host_reached_over_a_network_is_a_remote_one(uri: str, remote: bool) -> None:
    from lab.machine.machine import is_remote

    assert is_remote(uri) is remote


def test_a_direct_boot_loads_kernel_ram_disk_and_command_line() -> None:
    root = tree()
    assert root.findtext("os/kernel") == "/images/vmlinuz"
    assert root.findtext("os/initrd") == "/images/initrd"
    assert root.findtext("os/cmdline", "").startswith("console=ttyS0 root=/dev/vda")
    assert root.find("os/boot") is None
    assert tree(initrd=None).find("os/initrd") is None


def test_an_image_with_its_own_loader_boots_from_the_disk_through_its_firmware() -> None:
    uefi = replace(HARDWARE.profile, firmware=Firmware.UEFI)
    root = tree(profile=uefi, boot=BootPath.LOADER, firmware_code=Path("/ovmf/code"), nvram=Path("/nv"))
    assert attributes(root, "os/boot") == {"dev": "hd"}
    assert (root.findtext("os/loader"), root.findtext("os/nvram")) == ("/ovmf/code", "/nv")
    assert root.find("os/kernel") is None
    assert tree().find("os/loader") is None


def test_a_tpm_is_there_only_when_the_profile_has_one() -> None:
    assert attributes(with_profile(tpm=True), "devices/tpm") == {"model": "tpm-crb"}
    assert tree().find("devices/tpm") is None


def test_under_a_privileged_libvirtd_qemu_runs_as_us() -> None:
    label = tree(run_as=(1000, 1001))
    assert label.findtext("seclabel/label") == "+1000:+1001"
    assert attributes(label, "seclabel")["relabel"] == "no"
    assert tree().find("seclabel") is None


@pytest.mark.parametrize(("accelerator", "kind"), [("kvm", "kvm"), ("tcg", "qemu")])
def test_the_accelerator_decides_the_kind_of_the_domain(accelerator: str, kind: str) -> None:
    assert tree(accelerator=accelerator).get("type") == kind
    probe = probe_xml(
        accelerator=accelerator,
        name="probe",
        identity=HARDWARE.uuid,
        code=Path("/code"),
        nvram=Path("/nvram"),
        serial=Path("/serial"),
    )
    assert ET.fromstring(probe).get("type") == kind


def test_the_probe_has_firmware_and_a_console_and_no_disk() -> None:
    xml = probe_xml(
        accelerator="tcg", name="p", identity=HARDWARE.uuid,
        code=Path("/code"), nvram=Path("/nvram"), serial=Path("/serial"),
    )  # fmt: skip
    root = ET.fromstring(xml)
    assert (root.findtext("os/loader"), root.findtext("os/nvram")) == ("/code", "/nvram")
    assert attributes(root, "devices/serial/source") == {"path": "/serial"}
    assert root.find("devices/disk") is None


def test_an_emulated_guest_is_given_patience_with_a_busy_host() -> None:
    from lab.machine.machine import INTERRUPTIBLE, PATIENCE, TALKATIVE, cmdline

    assert cmdline("console=ttyS0", "tcg") == f"console=ttyS0 {TALKATIVE} {PATIENCE} {INTERRUPTIBLE}"
    assert cmdline("console=ttyS0", "kvm") == f"console=ttyS0 {TALKATIVE}"
    assert cmdline("", "tcg") == "", "an image with a loader of its own gets no command line"


def test_a_warped_clock_counts_instructions_and_does_not_wait_while_the_guest_is_idle() -> None:
    assert "-icount" not in arguments(tree())
    warped = arguments(with_profile(vcpus=1, time_warp=True))
    assert warped[warped.index("-icount") + 1] == "shift=0,sleep=off,align=off"


def test_a_kernel_with_a_warped_clock_compares_no_clocks() -> None:
    from lab.machine.machine import cmdline

    assert "tsc=reliable" not in cmdline("root=/dev/vda", "tcg")
    assert "tsc=reliable" in cmdline("root=/dev/vda", "tcg", time_warp=True)


def test_a_restarted_clone_boots_from_its_disk_on_the_port_it_had() -> None:
    changes = {"ram": Path("/templates/ram"), "clone": True, "ssh_port": 40022}
    clone, restarted = arguments(tree(**changes)), arguments(tree(**changes, restarted=True))
    assert "-incoming" in clone
    assert "-incoming" not in restarted
    assert any("hostfwd=tcp:127.0.0.1:40022-:22" in argument for argument in restarted)
    assert any("share=off" in argument for argument in restarted)


def test_every_machine_has_a_balloon_that_tells_how_memory_is_used() -> None:
    assert attributes(tree(), "devices/memballoon") == {"model": "virtio"}
    assert attributes(tree(), "devices/memballoon/stats") == {"period": "10"}
