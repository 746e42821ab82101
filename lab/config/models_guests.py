"""What lab.yaml may say of guests and where they run: hardware, hosts, clones, evidence, media, directories.

See `models` for what these are for.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lab.config.located import Model
from lab.config.units import Flag, MiB, PathText, Seconds
from lab.config.values import Count, HostUri, Name
from lab.model import DumpWhen, Firmware, Identity


class ProfileModel(Model):
    """Virtual hardware of a machine."""

    vcpus: Count = Field(default=1, description="Virtual processors.")
    memory: MiB = Field(default=512, description="Memory.")
    firmware: Firmware = Field(
        default=Firmware.BIOS, description="`bios` or `uefi`; must be that of the image."
    )
    tpm: Flag = Field(default=False, description="A TPM 2.0; the host needs swtpm.")
    secure_boot: Flag = Field(
        default=False, description="UEFI with Secure Boot and Microsoft's keys; the host needs OVMF."
    )
    video: Literal["vga", "qxl", "virtio"] = Field(default="vga", description="Model of the display adapter.")
    disk_bus: Literal["virtio", "sata"] = Field(default="virtio", description="How the disk is attached.")
    nic: Literal["virtio", "e1000e"] = Field(default="virtio", description="Model of the network card.")
    network: Literal["isolated", "none", "outbound"] = Field(
        default="isolated",
        description="`isolated`: only the lab reaches the guest; `none`: no card; `outbound`: user-mode NAT.",
    )
    time_warp: Flag = Field(
        default=False,
        description="Days of uptime in minutes: emulated, one processor, and the clock jumps to the next "
        "timer whenever the guest is idle. See docs/soak.md for what it can and cannot show.",
    )

    @model_validator(mode="after")
    def _one_processor(self) -> ProfileModel:
        if self.time_warp and self.vcpus != 1:
            raise ValueError(
                "wanted vcpus: 1 beside time_warp: true (instruction counting runs one processor)"
            )
        return self


class HostModel(Model):
    """A machine that runs VMs."""

    name: Name = Field(description="How messages and reports call it.")
    uri: HostUri = Field(
        default="embed",
        description="`embed` (libvirt's QEMU driver inside the lab's own processes: no daemon, no root) "
        "or a libvirt URI such as `qemu:///system` or `qemu+ssh://host/system`.",
    )
    slots: Count | None = Field(
        default=None, description="Guests at a time. Default: what processors and memory allow."
    )
    memory: MiB | None = Field(
        default=None, description="Memory guests may use together. Default: what is free."
    )


class ClonesModel(Model):
    """Cells that start from a guest which was booted once and frozen; docs/clones.md."""

    use: Flag = Field(
        default=True,
        description="Start cells as clones. Each image still boots from power-off at least once per arm.",
    )
    warm: Flag = Field(
        default=True, description="Freeze with the installed agent on, so that cells need not install it."
    )
    cache: MiB = Field(
        default=20 * 1024, description="Room for templates; the least recently used ones are dropped."
    )
    identity: Identity = Field(
        default=Identity.KEEP,
        description="`keep`: a clone has its template's machine-id, host name and DHCP identity. "
        "`new`: it gets its own.",
    )


class EvidenceModel(Model):
    """What is taken from a guest before it is destroyed; docs/evidence.md says what each part costs."""

    memory_dump: DumpWhen = Field(
        default=DumpWhen.FAILED,
        description="Write down the guest's memory and its kernel log: `failed` after a fatal finding or at "
        "a silent guest, `on` at the end of every attempt, `off` never.",
    )
    max_size: MiB = Field(default=2048, description="Guests with more memory than this are not dumped.")
    most: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=3, description="Memory dumps per run; the recordings of other cells say that they have none."
    )
    guest_dump_wait: Seconds = Field(
        default=60.0,
        description="How long a crashed guest may write a dump of its own, while it makes progress.",
    )
    dump_disk: MiB | None = Field(
        default=None, description="Size of a second, empty disk for the guest's own dump. Default: no disk."
    )


class MediaModel(Model):
    """Files of yours that an image of Windows is made from, and which of its variants; docs/windows.md."""

    iso: PathText | None = Field(default=None, description="Installation media of Windows.")
    virtio: PathText | None = Field(default=None, description="virtio-win media with the drivers.")
    openssh: PathText | None = Field(
        default=None, description="MSI of OpenSSH for Windows; releases before Server 2025 bring no server."
    )
    edition: str | None = Field(default=None, description="Edition, such as `Enterprise` or `Standard Core`.")
    language: str | None = Field(default=None, description="Language of the media, such as `en-US`.")
    updates: tuple[PathText, ...] | None = Field(
        default=None, description="Updates (.msu) to install, in this order: the OS build as an axis."
    )


class PlacesModel(Model):
    """Directories outside the checkout. The environment variable LAB_HOME wins over all three."""

    cache: PathText | None = Field(
        default=None, description="Images and artefacts. Default: XDG_CACHE_HOME/fleet-lab."
    )
    state: PathText | None = Field(
        default=None, description="Host facts, locks, keys. Default: XDG_STATE_HOME/fleet-lab."
    )
    runtime: PathText | None = Field(
        default=None,
        description="Sockets; at most 50 bytes long. Default: XDG_RUNTIME_DIR/fleet-lab.",
    )
