"""The rescue guest: Debian's kernel with its file systems, busybox and ntfs-3g in one RAM disk.

It has no disk, no network and no agent: it is started by QEMU's `-kernel`, does what the parcel on its
second disk says, and powers itself off. Made once per machine from Debian packages, like the SDKs, and kept
in `cache/rescue/VERSION-SUITE`. Knows nothing of what is done in it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from lab import clock, codec
from lab.images import bootstrap, initrd, kernel, mirror, tools, workshop
from lab.images.progress import Progress, Say, silent
from lab.places import Places

SUITES = ("bookworm", "bookworm-updates", "bookworm-security")
PACKAGES = ("linux-image-amd64", "busybox-static", "ntfs-3g", "kmod")
PROGRAMS = ("/usr/bin/ntfs-3g", "/usr/bin/ntfsinfo", "/usr/bin/ntfsrecover")
MODULES = (
    "virtio_pci",
    "virtio_blk",
    "crc32c_generic",
    "ext4",
    "nls_utf8",
    "nls_ascii",
    "nls_cp437",
    "vfat",
    "exfat",
    "fuse",
)
INIT = Path(__file__).parent / "scripts" / "init.sh"
ROOM_MIB = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueProvenance:
    """provenance.json of a rescue guest."""

    schema: int = 1
    kernel_release: str
    suites: tuple[str, ...]
    built: str
    packages: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescue:
    """Files that QEMU starts it from."""

    kernel: Path
    initrd: Path


def ensure(places: Places, say: Say = silent) -> Rescue:
    """The rescue guest of this machine, made when it is not there (16 s, 40 MiB); parallel-safe.

    :raise BuildError: packages could not be had, or there is no room.
    """
    home = places.cache / "rescue"
    name = directory_name()
    found = Rescue(kernel=home / name / "vmlinuz", initrd=home / name / "initrd")
    if found.initrd.is_file():
        return found
    progress = Progress("rescue", say)
    with workshop.turn(home / ".locks" / name, progress):
        if not found.initrd.is_file():
            tools.require((*bootstrap.NEEDS, tools.ZSTD), "making the rescue guest")
            with workshop.scratch(home / ".scratch", "rescue", need_mib=ROOM_MIB) as scratch:
                workshop.publish(_make(scratch, progress), home / name)
    return found


def directory_name() -> str:
    """Changes with everything that the RAM disk is made of and that is ours."""
    parts = [INIT.read_text(encoding="utf-8"), bootstrap.script("rescue"), *PACKAGES, *PROGRAMS, *MODULES]
    return f"{SUITES[0]}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:12]}"


def _make(scratch: Path, progress: Progress) -> Path:
    progress.stage("making the rescue guest")
    absent = mirror.read().missing(SUITES)
    spec = bootstrap.Bootstrap(
        suites=tuple(suite for suite in SUITES if suite not in absent),
        variant="extract",
        packages=PACKAGES,
        setup=(bootstrap.script("merged_usr"),),
        hooks=(
            bootstrap.script("collect", MODULES=" ".join(MODULES)),
            bootstrap.script("rescue", PROGRAMS=" ".join(PROGRAMS)),
        ),
    )
    out = bootstrap.run(spec, scratch, progress)
    release = (out / "release").read_text(encoding="utf-8").strip()
    image = (out / "bzImage").read_bytes()
    draft = scratch / "draft"
    draft.mkdir()
    (draft / "vmlinuz").write_bytes(kernel.uncompressed(image) or image)
    (draft / "initrd").write_bytes(ram_disk(out / "root", release))
    packages = (out / "packages").read_text(encoding="utf-8").splitlines()
    provenance = RescueProvenance(
        kernel_release=release,
        suites=spec.suites,
        built=clock.wall(),
        packages=dict(line.split(" ", 1) for line in packages if " " in line),
    )
    codec.write(provenance, draft / "provenance.json")
    return draft


def ram_disk(root: Path, release: str) -> bytes:
    """The archive that the kernel unpacks: programs, modules in the order they load, and `init`.

    :raise BuildError: a module is neither there nor built in.
    """
    tree = initrd.ModuleTree.read(root / "usr/lib/modules" / release)
    order = tree.in_order(MODULES)
    archive = initrd.Cpio()
    for name in ("bin", "dev", "proc", "sys", "m", "lib", "lib64", "usr", "usr/bin", "job", "out", "v"):
        archive.directory(name)
    archive.device("dev/console", 5, 1)
    archive.file("bin/busybox", (root / "usr/bin/busybox").read_bytes(), 0o755)
    archive.link("bin/sh", "busybox")
    archive.file("init", INIT.read_bytes(), 0o755)
    for program in PROGRAMS:
        archive.file(program[1:], (root / program[1:]).read_bytes(), 0o755)
    for directory in ("lib", "lib64"):
        for library in sorted((root / directory).iterdir()):
            archive.file(f"{directory}/{library.name}", library.read_bytes(), 0o755)
    names = [initrd.module_name(path) for path in order]
    archive.file("m/order", "".join(f"{name}.ko\n" for name in names).encode(), 0o644)
    for name, path in zip(names, order, strict=True):
        archive.file(f"m/{name}.ko", tree.content(path), 0o644)
    return archive.finish()
