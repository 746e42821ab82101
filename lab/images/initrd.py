"""A small initial RAM disk: busybox, a list of kernel modules, and one script that mounts the root disk.

Used by every image that QEMU starts directly. A distribution's own initramfs probes for hardware that a
lab machine does not have; under emulation that takes longer than the rest of the kernel's start. Images
that boot through their own loader keep their own initramfs and do not come here.

Works on an unpacked root directory, needs no root and runs nothing of it. It refuses to guess: a
module that is neither in the tree nor built into the kernel is an error unless it is named optional.
"""

from __future__ import annotations

import lzma
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.errors import BuildError

ROOT_MODULES = ("virtio_pci", "virtio_blk", "ext4")
"""Without these there is no root disk."""
LAB_MODULES = (
    "crc32c_generic",
    "virtio_console",
    "pvpanic_mmio",
    "pvpanic_pci",
    "pvpanic",
    "virtio_rng",
    "i6300esb",
    "virtio_net",
)
"""What the lab's own devices need; loaded before init so that a panic in init is reported too.

crc32c: ext4's checksum, a module of its own that ext4 asks for by name until Linux 6.13.
libvirt 9.0 knows the panic device only as `isa`, which Linux drives with pvpanic_mmio since 5.12 and
with pvpanic before."""

INIT = """\
#!/bin/sh
/bin/busybox mount -t devtmpfs none /dev
{insmod}
/bin/busybox mount -t sysfs none /sys
n=0
until /bin/busybox mount -t ext4 -o rw,noatime /dev/vda /root 2>/dev/null; do
  n=$((n + 1))
  [ $n -gt 600 ] && echo "lab-initrd: no ext4 root file system on /dev/vda" && exit 1
  /bin/busybox usleep 50000
done
/bin/busybox umount /sys
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /sbin/init
"""
"""Process 1 of the RAM disk. When it ends the kernel panics, so a missing disk is seen as what it is."""


@dataclass(frozen=True, slots=True)
class ModuleTree:
    """The modules of one kernel below an unpacked root directory."""

    directory: Path
    """`lib/modules/RELEASE` in that root."""
    paths: dict[str, str] = field(default_factory=dict)
    """Module name with `_` -> path relative to `directory`."""
    needs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The same name -> relative paths of what must be loaded before, first to last."""
    builtin: frozenset[str] = frozenset()

    @classmethod
    def read(cls, directory: Path) -> ModuleTree:
        """Read `modules.dep` (kmod: `path: dependency...`, the last one is loaded first)."""
        paths: dict[str, str] = {}
        needs: dict[str, tuple[str, ...]] = {}
        for line in (directory / "modules.dep").read_text(encoding="ascii").splitlines():
            path, _, rest = line.partition(":")
            paths[module_name(path)] = path
            needs[module_name(path)] = tuple(reversed(rest.split()))
        listed = (directory / "modules.builtin").read_text(encoding="ascii").split()
        return cls(directory, paths, needs, frozenset(module_name(path) for path in listed))

    def in_order(self, wanted: Sequence[str], optional: Sequence[str] = ()) -> tuple[str, ...]:
        """Relative paths of the modules and what they need, each once, in an order that loads.

        :raise BuildError: a wanted module is neither in the tree nor built in.
        """
        ordered: dict[str, None] = {}
        for name in (*wanted, *optional):
            key = name.replace("-", "_")
            if key in self.builtin:
                continue
            if key in self.paths:
                ordered.update(dict.fromkeys((*self.needs[key], self.paths[key])))
            elif name in wanted:
                raise BuildError(
                    f"kernel module {name!r}: not in {self.directory} (wanted to mount the root disk)"
                )
        return tuple(ordered)

    def content(self, path: str) -> bytes:
        """A module as the kernel's own loader takes it, decompressed (Debian 13 ships `.ko.xz`)."""
        raw = (self.directory / path).read_bytes()
        if path.endswith(".xz"):
            return lzma.decompress(raw)
        if path.endswith(".zst"):
            return subprocess.run(["zstd", "-dcq"], input=raw, stdout=subprocess.PIPE, check=True).stdout
        return raw


def module_name(path: str) -> str:
    """`kernel/fs/ext4/ext4.ko.xz` -> `ext4`, spelled with `_` as the kernel does."""
    return Path(path).name.partition(".ko")[0].replace("-", "_")


def build(root: Path, kernel_release: str, *, optional: Sequence[str] = LAB_MODULES) -> bytes:
    """The RAM disk for the kernel `kernel_release` of the unpacked `root`, uncompressed.

    :raise BuildError: the root has no static busybox or lacks a module that the root disk needs.
    """
    tree = ModuleTree.read(root / "usr/lib/modules" / kernel_release)
    order = tree.in_order(ROOT_MODULES, optional)
    busybox = root / "usr/bin/busybox"
    if not busybox.is_file():
        raise BuildError(f"{busybox}: no such file (wanted from the package 'busybox-static')")
    insmod = "\n".join(f"/bin/busybox insmod /m/{module_name(path)}.ko" for path in order)
    archive = Cpio()
    for name in ("bin", "dev", "sys", "root", "m"):
        archive.directory(name)
    archive.device("dev/console", 5, 1)
    archive.file("bin/busybox", busybox.read_bytes(), 0o755)
    archive.link("bin/sh", "busybox")
    archive.file("init", INIT.format(insmod=insmod).encode(), 0o755)
    for path in order:
        archive.file(f"m/{module_name(path)}.ko", tree.content(path), 0o644)
    return archive.finish()


class Cpio:
    """Writer of the `newc` format that the kernel unpacks (Documentation: buffer-format.rst)."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._inode = 0

    def directory(self, name: str) -> None:
        self._add(name, 0o040755)

    def file(self, name: str, content: bytes, mode: int) -> None:
        self._add(name, 0o100000 | mode, content)

    def link(self, name: str, target: str) -> None:
        self._add(name, 0o120777, target.encode())

    def device(self, name: str, major: int, minor: int) -> None:
        """A character device; the archive needs no privilege to hold one."""
        self._add(name, 0o020600, device=(major, minor))

    def finish(self) -> bytes:
        self._add("TRAILER!!!", 0)
        return b"".join(self._parts)

    def _add(self, name: str, mode: int, content: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        self._inode += 1
        fields = (self._inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name) + 1, 0)
        header = b"070701" + b"".join(b"%08X" % value for value in fields)
        self._parts += (_padded(header + name.encode() + b"\0"), _padded(content))


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def names(archive: bytes) -> Iterable[str]:
    """The file names in a `newc` archive, in order, without the trailer."""
    at = 0
    while True:
        size, length = int(archive[at + 54 : at + 62], 16), int(archive[at + 94 : at + 102], 16)
        name = archive[at + 110 : at + 110 + length - 1].decode()
        if name == "TRAILER!!!":
            return
        yield name
        at += (110 + length + 3) // 4 * 4 + (size + 3) // 4 * 4
