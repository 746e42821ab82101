"""The image that all peers boot: Debian 12 as the lab builds it, with a login and a root shell on consoles.

autopkgtest-virt-qemu waits for `login:` on the first serial port and wants a root shell on the second virtio
console, and Python; labgrid logs in on the serial port. The lab's own images have none of these.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks import guests
from benchmarks.core.scratch import open_places
from benchmarks.core.settings import Settings
from lab.images import catalogue
from lab.images.store import ImageStore
from lab.model import Profile, Timeouts
from lab.running.templating import TemplateOrder
from lab.waiting import wait_for

RECIPE = Path(__file__).with_name("benchmark-peer.yaml")
MEMORY_MIB = 512
POWEROFF_S = 120.0

PREPARE = r"""
set -e
units=/etc/systemd/system
passwd -d root
unit() { printf '[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=%s\n%s\n' "$2" "$3" >$units/$1.service
  mkdir -p $units/multi-user.target.wants
  ln -sf ../$1.service $units/multi-user.target.wants/$1.service; }
unit peer-login '/sbin/agetty --noclear ttyS0 115200 dumb' 'Restart=always'
# Only for a while: the lab's guests have no such console, and would not become quiet.
wait='timeout 10 sh -c "until [ -c /dev/hvc1 ]; do sleep 0.05; done"'
unit peer-shell "/bin/sh -c '$wait && exec sh -i </dev/hvc1 >/dev/hvc1 2>&1'" ''
sync
"""
"""No getty of the image is used: the lab masks them, since nobody logs in there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerOrder:
    """What a peer is told; goes to its process as JSON."""

    disk: str
    """A qcow2 that must not be written to."""
    kernel: str
    initrd: str
    cmdline: str
    memory_mib: int
    accelerator: str
    cpu: str
    deadline_s: float
    room: str
    """An empty directory for whatever the peer writes."""
    tool: str = ""
    """Where the peer was unpacked."""

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")


def prepared(settings: Settings, room: Path) -> tuple[guests.Subject, PeerOrder]:
    """The image with its consoles, and the order for peers; a few minutes where it is not built yet."""
    places = open_places(Path(settings.root))
    here = guests.host(places)
    image = ImageStore(places).build(catalogue.read(RECIPE))
    plain = guests.Subject(
        order=TemplateOrder(
            image=image,
            profile=Profile(name="peer", memory_mib=MEMORY_MIB),
            host=here,
            places=places,
            timeouts=Timeouts(),
        )
    )
    disk = room / "peer.qcow2"
    with guests.running(plain, room / "preparing") as one:
        one.guest.run(PREPARE, check=True)
        one.guest.run("systemctl poweroff --no-block", check=True)
        wait_for(
            lambda: not one.machine.domain.alive,
            what="the prepared guest is off",
            timeout_s=POWEROFF_S * here.factor,
        )
        shutil.copyfile(one.machine.overlay, disk)
    # Its template lies on a disk of this run only, so it must not come into the user's cache.
    own = replace(places, cache=room / "cache")
    changed = replace(image, disk=disk, digest=f"{image.digest}-peer")
    subject = guests.Subject(order=replace(plain.order, image=changed, places=own))
    return subject, PeerOrder(
        disk=str(disk),
        kernel=str(image.kernel),
        initrd=str(image.initrd),
        cmdline=image.cmdline,
        memory_mib=MEMORY_MIB,
        accelerator=here.accelerator,
        cpu="host" if here.accelerator == "kvm" else "Nehalem",
        deadline_s=plain.order.scaled.boot_s,
        room=str(room),
    )
