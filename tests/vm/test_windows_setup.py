"""An installation from end to end with a stand-in for Windows Setup: a real guest on the real media.

It is a Linux guest that is started in the place of the ISO's boot loader (`Kernel`). It finds the answer file
as Setup does, partitions the system disk as the answers say, restarts, reads the lab's scripts, checks the
dump disk and the port of the guest agent, and reports as a guest reports. No Windows is in it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from temporary_lab import ROOT, TemporaryLab, temporary_lab, user_places

from lab.images import catalogue, initrd
from lab.images.builders.windows import WindowsBuilder
from lab.images.built import BuiltImage
from lab.images.recipe import WindowsRecipe
from lab.images.store import ImageStore
from lab.images.windows.setup_machine import Kernel
from lab.model import Family, Firmware
from lab.offline.disk import Disk
from lab.places import Places

sys.path.insert(0, str(ROOT / "tests/unit/images"))
import windows_standins as standins

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]

RELEASE = "win2019"
SYSTEM = {
    "build": 17763,
    "revision": 1,
    "version": "1809",
    "edition": "ServerStandard",
    "product": "STAND-IN",
}
INIT_MARK = b"switch_root /root /sbin/init"
PROGRAM = """#!/bin/sh
mount -t proc none /proc; mount -t sysfs none /sys; mount -t tmpfs none /run
modprobe -a ahci sr_mod isofs udf virtio_console
until mount -o ro /dev/sr0 /mnt 2> /dev/null; do sleep 0.2; done
sh /mnt/sources/setup.sh
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[TemporaryLab]:
    with temporary_lab() as own:
        (own.places.state / "keys").unlink()
        (own.places.state / "keys").mkdir()
        yield own


@pytest.fixture(scope="module")
def base() -> BuiltImage:
    """Debian 12: its kernel has drivers for every medium."""
    return ImageStore(user_places()).build(catalogue.read(ROOT / "images/debian-12.yaml"))


def kernel(base: BuiltImage, directory: Path) -> Kernel:
    assert base.kernel is not None
    assert base.initrd is not None
    disk, archive = directory / "standin.qcow2", initrd.Cpio()
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(base.disk), str(disk)]
    subprocess.run(argv, check=True, timeout=60)
    # the later of two archives wins: the image's own RAM disk with another program at its end
    old = base.initrd.read_bytes()
    at = old.index(INIT_MARK)
    begin, end = old.rindex(b"#!/bin/sh", 0, at), old.index(b"\n", at)
    script = old[begin:end].decode().replace("/sbin/init", '/bin/sh -c "$(/bin/busybox cat /standin)"')
    archive.file("init", f"{script}\n".encode(), 0o755)
    archive.file("standin", PROGRAM.encode(), 0o644)
    own = directory / "initrd"
    own.write_bytes(old + archive.finish())
    return Kernel(kernel=base.kernel, initrd=own, cmdline=base.cmdline, disk=disk)


def media(directory: Path) -> WindowsRecipe:
    """Stand-in media for a small guest with BIOS firmware and an SSH server."""
    files = standins.windows_files(standins.RELEASES[RELEASE])
    files["sources/setup.sh"] = (Path(__file__).parent / "windows_setup_standin.sh").read_bytes()
    files["sources/os.json"] = json.dumps(SYSTEM).encode()
    openssh = directory / "openssh.msi"
    openssh.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 STAND-IN")
    shipped = standins.recipe(RELEASE)
    return replace(
        shipped, disk_firmware=Firmware.BIOS, disk_mib=2048, openssh=openssh,
        wanted=replace(shipped.wanted, dump_disk_mib=256),
        iso=standins.make_iso(directory / "standin.iso", files, udf=True),
        virtio=standins.virtio_iso(directory, RELEASE),
    )  # fmt: skip


def store(places: Places, stand_in: Kernel) -> ImageStore:
    return ImageStore(places, builders={"windows": WindowsBuilder(stand_in=stand_in)})


def test_an_installation_is_followed_from_power_on_to_an_image(
    lab: TemporaryLab, base: BuiltImage, tmp_path: Path
) -> None:
    places = replace(lab.places, cache=tmp_path / "cache")
    recipe, told = media(tmp_path), []
    found = store(places, kernel(base, tmp_path)).build(recipe, told.append)
    stages = [line.removeprefix(f"{RELEASE}: ").partition(" (")[0] for line in told]
    for expected in ("starting Windows Setup from the ISO", "Setup partitions the disk and copies Windows"):
        assert expected in stages
    assert (
        stages.index("drivers and settings") < stages.index("SSH server") < stages.index("packing the disk")
    )
    assert (found.family, found.kernel_release, found.channels) == (
        Family.WINDOWS,
        "17763.1",
        ("agent", "ssh", "winrm"),
    )
    assert found.host_key.startswith("ssh-ed25519 ")
    assert found.winrm_thumbprint == "STAND-IN"
    parts = Disk(found.disk, "qcow2").table.parts
    assert [part.type for part in parts] == ["0x07", "0x07"]
    assert lab.leases() == []
