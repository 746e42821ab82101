"""The machine that Windows is installed on, and whether what was installed is what was asked for."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lab.images.windows import setup_machine, verdict
from lab.images.windows.editions import named
from lab.images.windows.inputs import Inputs
from lab.images.windows.media import choose, virtio, windows
from lab.images.windows.preparing import Prepared
from lab.images.windows.releases import RELEASES
from lab.images.windows.settings import settings
from lab.images.windows.wanted import Wanted
from lab.machine.xml import Hardware, Ownership
from lab.model import BootPath, Family, Firmware, Profile

sys.path.insert(0, str(Path(__file__).parent))
import windows_standins as standins
from images_samples import places

HOST_KEY = "ssh-ed25519 AAAA lab-win2025"


def inputs(tmp_path: Path, release: str = "win2025", **options: Any) -> Inputs:
    found, recipe = RELEASES[release], standins.recipe(release)
    edition = named(found, recipe.edition)
    assert edition is not None
    media = windows(standins.windows_iso(tmp_path, release, **options), found)
    return Inputs(
        release=found, edition=edition, windows=media, image=choose(media, found, edition, "en-US"),
        virtio=virtio(standins.virtio_iso(tmp_path, release), found), openssh=None, updates=(),
    )  # fmt: skip


def xml(tmp_path: Path, release: str, accelerator: str = "kvm", **changes: Any) -> ET.Element:
    recipe = standins.recipe(release, **changes)
    media = tmp_path / "media"
    prepared = Prepared(
        directory=media, answers_iso=media / "answers.iso", disk=media / "disk.qcow2",
        dump_disk=media / "dump.raw", files={},
    )  # fmt: skip
    text = setup_machine.preview(recipe, inputs(tmp_path, release), prepared, places(tmp_path), accelerator)
    return ET.fromstring(text)


def disks(domain: ET.Element) -> list[tuple[str, str, str, str]]:
    """(kind, bus, boot order, file) of each."""
    found = []
    for disk in domain.iterfind("devices/disk"):
        target, source, boot = disk.find("target"), disk.find("source"), disk.find("boot")
        assert target is not None
        assert source is not None
        order = "" if boot is None else boot.get("order", "")
        found.append(
            (disk.get("device", ""), target.get("bus", ""), order, Path(source.get("file", "")).name)
        )
    return found


def test_it_boots_from_its_disk_and_from_the_iso_while_that_is_empty(tmp_path: Path) -> None:
    assert disks(xml(tmp_path, "win2019")) == [
        ("disk", "virtio", "1", "disk.qcow2"),
        ("disk", "virtio", "", "dump.raw"),
        ("cdrom", "sata", "2", "win2019.iso"),
        ("cdrom", "sata", "", "answers.iso"),
    ]


def test_setup_of_new_releases_gets_its_disk_on_sata_and_a_virtio_disk_beside_it(tmp_path: Path) -> None:
    found = disks(xml(tmp_path, "win11-24h2"))
    assert found[0] == ("disk", "sata", "1", "disk.qcow2")
    assert found[1] == ("disk", "virtio", "", "dump.raw")


def test_names_of_targets_are_there_once(tmp_path: Path) -> None:
    for release in ("win11-24h2", "win2019"):
        names = [node.get("dev") for node in xml(tmp_path, release).iterfind("devices/disk/target")]
        assert len(set(names)) == len(names), names


def test_secure_boot_comes_with_smm_microsofts_keys_and_a_tpm_where_asked(tmp_path: Path) -> None:
    domain = xml(tmp_path, "win11-24h2")
    loader = domain.find("os/loader")
    assert loader is not None
    assert loader.get("secure") == "yes"
    assert str(loader.text).endswith("CODE_4M.ms.fd")
    assert domain.find("features/smm") is not None
    assert domain.find("devices/tpm/backend[@version='2.0']") is not None
    plain = xml(tmp_path, "win2019")
    assert plain.find("features/smm") is None
    assert plain.find("devices/tpm") is None


def test_enlightenments_are_for_kvm_which_alone_has_them(tmp_path: Path) -> None:
    assert xml(tmp_path, "win2019").find("features/hyperv/relaxed") is not None
    assert xml(tmp_path, "win2019", "tcg").find("features/hyperv") is None


def test_a_windows_machine_has_a_tablet_both_panic_devices_and_no_hpet(tmp_path: Path) -> None:
    domain = xml(tmp_path, "win2019")
    assert domain.find("devices/input[@type='tablet'][@bus='usb']") is not None
    assert {node.get("model") for node in domain.iterfind("devices/panic")} == {"hyperv", "isa"}
    assert domain.find("clock[@offset='localtime']/timer[@name='hpet'][@present='no']") is not None


def test_nothing_is_fetched_from_a_network_during_set_up(tmp_path: Path) -> None:
    words = [node.get("value") for node in xml(tmp_path, "win2019").iter() if node.tag.endswith("arg")]
    assert "-netdev" not in words


def test_a_stand_in_kernel_takes_the_place_of_the_boot_loader_only(tmp_path: Path) -> None:
    hardware = Hardware(
        name="n", uuid="6f0b4f0e-5b0c-4f5d-9d2f-0a4b6a9f1c11", profile=Profile(name="p", disk_bus="virtio"),
        owner=Ownership(lab="l", run="r", cell="c", attempt=1, deadline="d"), accelerator="tcg",
        overlay=tmp_path / "disk.qcow2", serial_log=tmp_path / "s", sockets=tmp_path, family=Family.WINDOWS,
        boot=BootPath.LOADER, dump_disk=tmp_path / "dump.raw",
    )  # fmt: skip
    kernel = setup_machine.Kernel(
        kernel=tmp_path / "k", initrd=tmp_path / "i", cmdline="c", disk=tmp_path / "own.qcow2"
    )
    domain = ET.fromstring(setup_machine.setup_xml(hardware, [tmp_path / "w.iso"], kernel))
    targets = {node.get("dev") for node in domain.iterfind("devices/disk/target")}
    assert targets == {"vda", "vdc", "vdd", "sde"}
    assert domain.findtext("os/kernel") == str(tmp_path / "k")


def report(given: Inputs, wanted: Wanted) -> dict[str, Any]:
    """What a guest reports that is just as it was asked for."""
    release = given.release
    return {
        "os": {
            "build": release.build, "revision": 1742, "version": release.display_version,
            "edition": given.image.edition_id, "product": release.name,
        },
        "drivers": {"viostor": 0, "VirtioSerial": 3},
        "services": {"QEMU-GA": "Auto/Running", "sshd": "Auto/Running"},
        "registry": {f"{one.key}|{one.name}": one.value for one in settings(wanted)},
        "ssh_host_key": "ssh-ed25519 AAAA",
        "winrm_thumbprint": "AB12",
        "volumes": [{"letter": "C"}, {"letter": "Q"}],
        "hotfixes": ["KB5050009"],
    }  # fmt: skip


def differences(given: Inputs, found: dict[str, Any]) -> list[str]:
    return verdict.differences(found, given, Wanted(), host_key=HOST_KEY)


def test_a_guest_that_is_as_asked_for_differs_in_nothing(tmp_path: Path) -> None:
    given = inputs(tmp_path)
    assert differences(given, report(given, Wanted())) == []


def test_what_only_the_first_run_reads_need_not_be_there_afterwards(tmp_path: Path) -> None:
    given = inputs(tmp_path)
    found = report(given, Wanted())
    found["registry"] = {key: value for key, value in found["registry"].items() if "BypassNRO" not in key}
    assert differences(given, found) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("os", "build"), 26200, "build is 26200 (wanted 26100, Windows Server 2025)"),
        (("os", "version"), "25H2", "version is '25H2' (wanted '24H2')"),
        (("os", "edition"), "ServerDatacenter", "edition is 'ServerDatacenter'"),
        (("os", "revision"), None, "its revision (UBR) is not known"),
        (("drivers", "viostor"), 3, "does not start at boot (viostor: 3)"),
        (("services", "QEMU-GA"), "Manual/Stopped", "the guest agent does not start by itself"),
        (("services", "sshd"), "Disabled/Stopped", "the SSH server does not start by itself"),
        (("ssh_host_key",), "ssh-ed25519 BBBB", "its SSH host key is not the one"),
        (("winrm_thumbprint",), "", "WinRM has no HTTPS listener"),
        (("volumes",), [{"letter": "C"}], "the dump disk is not Q:"),
        (("registry",), {}, "CrashDumpEnabled is None"),
        (("drivers",), None, "the virtio serial driver is not installed"),
    ],
)
def test_each_difference_is_a_sentence(
    path: tuple[str, ...], value: object, said: str, tmp_path: Path
) -> None:
    given = inputs(tmp_path)
    found: dict[str, Any] = report(given, Wanted())
    inner = found
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert any(said in one for one in differences(given, found))


def test_an_empty_report_is_never_the_image_that_was_wanted(tmp_path: Path) -> None:
    assert len(differences(inputs(tmp_path), {})) > 10


def test_an_update_that_is_not_installed_is_a_difference(tmp_path: Path) -> None:
    given = replace(inputs(tmp_path), updates=(Path("windows11.0-kb5050009-x64.msu"),))
    found = report(given, Wanted())
    assert differences(given, found) == []
    found["hotfixes"] = ["KB5000000"]
    assert differences(given, found) == ["update KB5050009 is not installed"]


def test_an_evaluation_knows_its_last_day(tmp_path: Path) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    plain, trial = inputs(tmp_path), inputs(tmp_path, evaluation=True)
    assert verdict.expires(plain, {"evaluation_minutes": 5000}, now) == ""
    assert verdict.expires(trial, {"evaluation_minutes": 10 * 24 * 60}, now) == "2026-03-11"
    assert verdict.expires(trial, {"evaluation_minutes": -1}, now) == "2026-08-28"
    assert verdict.expires(inputs(tmp_path, "win11-23h2", evaluation=True), {}, now) == "2026-05-30"


def test_the_setup_machine_is_as_large_as_the_release_asks_for(tmp_path: Path) -> None:
    profile = setup_machine.profile(standins.recipe("win11-24h2"), inputs(tmp_path, "win11-24h2"))
    assert (profile.vcpus, profile.memory_mib, profile.firmware) == (2, 4096, Firmware.UEFI)
    assert profile.network == "none"
