"""Makes the image of a stand-in: a directly booted image's kernel and modules, our program, frames, a disk.

The initial RAM disk is that image's own with one more archive behind it: the kernel unpacks both, and the
later files win. Nothing of the other image is changed, and the stand-in never becomes one of the catalogue.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from lab import proc
from lab.agents.compiling import Workbench
from lab.agents.manifest import CompileSpec, OutputSpec
from lab.errors import ArtefactError
from lab.images import initrd, sdk
from lab.images.builders import direct
from lab.images.built import BuiltImage
from lab.model import BootPath, Family, Firmware
from lab.selftest.standin import dump_header, frames
from lab.selftest.standin.serial_text import GREETING, on_the_wire
from lab.selftest.standin.steps import DUMP_HEADER, MIB, Script, script
from lab.selftest.standin.table import StandIn

SOURCE = Path(__file__).parent / "guest"
PROGRAM = "standin"
COMMAND = f"gcc -static -Os -Wall -Wextra -Werror -o {PROGRAM} standin.c"
COMPILE_S = 300.0
MODULES = ("virtio.ko", "virtio_ring", "virtio_pci", "virtio_blk", "pvpanic")
"""Beginnings of the names of the modules that are loaded: disks, and the panic device."""
DISK_BYTES = 1 << 20
CMDLINE = (
    f"console=ttyS0 quiet loglevel=1 panic=5 consoleblank=0 vt.global_cursor_default=0 {direct.EMULATION}"
)
"""The kernel prints on the serial port only when it dies itself (level 0); the rest is the stand-in's."""


def build(base: BuiltImage, standin: StandIn, directory: Path, *, artefacts: Path) -> BuiltImage:
    """The stand-in as an image for `lab.machine.Order`, in `directory` (made; about 10 MiB).

    :param base: a directly booted image of the lab with an SDK, such as `tiny`.
    :param artefacts: cache directory; the guest's program is compiled once per kernel and kept there.
    :raise ArtefactError: `base` has no kernel, initial RAM disk or SDK.
    :raise BuildError: the program could not be compiled.
    :raise HostError: a font is not installed.
    """
    if base.kernel is None or base.initrd is None:
        raise ArtefactError(
            f"image {base.name!r}: boots through its own loader (wanted one that QEMU starts)"
        )
    directory.mkdir(parents=True, exist_ok=True)
    play = script(standin.boots, GREETING + f"\n*** STAND-IN *** {standin.name}: {standin.summary}")
    content = archive(base.initrd.read_bytes(), program(base, artefacts), standin, play)
    (directory / "initrd").write_bytes(content)
    make_disk(directory / "disk.qcow2")
    return dataclasses.replace(
        base,
        name=standin.image_name,
        directory=directory,
        disk=directory / "disk.qcow2",
        initrd=directory / "initrd",
        cmdline=CMDLINE,
        firmware=Firmware.BIOS,
        boot=BootPath.DIRECT,
        family=Family.LINUX,
        release=f"STAND-IN for Windows: {standin.summary}",
        digest=hashlib.sha256(content + base.digest.encode()).hexdigest(),
        host_key="",
        channels=(),
        min_memory_mib=128,
    )


def program(base: BuiltImage, artefacts: Path) -> bytes:
    """The guest's program, static, from the cache or compiled in the image's SDK."""
    if base.sdk is None:
        hint = f"lab image build {base.name} --force makes the image and its SDK again"
        raise ArtefactError(f"image {base.name!r}: has no SDK (wanted to compile the stand-in)", hint=hint)
    output = OutputSpec(path=PROGRAM, to=f"/{PROGRAM}", mode=0o755)
    spec = CompileSpec(source=SOURCE, command=COMMAND, outputs=(output,), timeout_s=COMPILE_S)
    bench = Workbench(home=artefacts / "stand-in", agent="stand-in", build_in=sdk.build_in)
    made = bench.outputs(spec, build="1", kernel_release=base.kernel_release, sdk=base.sdk)
    return made[PROGRAM].read_bytes()


def archive(base: bytes, guest_program: bytes, standin: StandIn, play: Script) -> bytes:
    """The initial RAM disk: `base`, then the program as its init and everything the script names."""
    extra = initrd.Cpio()
    extra.directory("standin")
    extra.file("init", guest_program, 0o755)
    extra.file("standin/script", play.text.encode(), 0o644)
    extra.file("standin/modules", "\n".join(modules(base)).encode(), 0o644)
    for name, text in play.texts.items():
        extra.file(f"standin/{name}", on_the_wire(text), 0o644)
    for name, show in play.frames.items():
        picture = frames.paint(
            show,
            standin.size,
            code=standin.code,
            module=standin.module,
            parameters=standin.parameters,
        )
        extra.file(f"standin/{name}", frames.encoded(picture), 0o644)
    if play.needs_dump_disk:
        size = standin.dump_disk_mib * MIB
        head = dump_header.header(standin.code, standin.parameters, dump_bytes=size)
        extra.file(f"standin/{DUMP_HEADER}", head, 0o644)
    return base + extra.finish()


def modules(base: bytes) -> list[str]:
    """Paths in the base archive of the modules to load, in its own order, which is the order that loads."""
    wanted = (name for name in initrd.names(base) if name.startswith("m/"))
    return [f"/{name}" for name in wanted if name.removeprefix("m/").startswith(MODULES)]


def make_disk(path: Path) -> None:
    """An empty system disk; the stand-in counts its boots on it."""
    command: list[str | Path] = ["qemu-img", "create", "-q", "-f", "qcow2", path, str(DISK_BYTES)]
    proc.checked(command, timeout_s=60, what="disk of the stand-in")
