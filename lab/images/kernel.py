"""Kernel files: the ELF inside a bzImage, and what the kernel calls itself.

QEMU starts an uncompressed kernel through its PVH entry point (CONFIG_PVH, set in every Debian kernel the
lab uses). Under software emulation that saves the 2.5 s in which the guest would decompress itself, at
every boot. The code that runs is the distribution's, byte for byte.
"""

from __future__ import annotations

import lzma
import struct
import subprocess

from lab.errors import BuildError
from lab.images import tools

PVH_NOTE = b"Xen\0"
"""Owner of the ELF note that holds the PVH entry point (XEN_ELFNOTE_PHYS32_ENTRY)."""


def uncompressed(image: bytes) -> bytes | None:
    """The vmlinux in a bzImage, or None when it cannot be had or has no PVH entry point.

    Layout: Documentation/arch/x86/boot.rst. `setup_sects` is at 0x1f1 (0 means 4), `payload_offset` and
    `payload_length` at 0x248 (protocol 2.08).
    """
    if image[0x202:0x206] != b"HdrS" or len(image) < 0x250:
        raise BuildError("kernel image: no boot header (wanted a bzImage)")
    start = ((image[0x1F1] or 4) + 1) * 512
    offset, length = struct.unpack_from("<II", image, 0x248)
    vmlinux = _decompress(image[start + offset : start + offset + length])
    return vmlinux if vmlinux is not None and vmlinux[:4] == b"\x7fELF" and PVH_NOTE in vmlinux else None


def _decompress(payload: bytes) -> bytes | None:
    """Four bytes with the size follow the compressed stream, so trailing data is no error."""
    if payload.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor().decompress(payload)
    if payload.startswith(b"\x28\xb5\x2f\xfd"):
        command = [tools.ZSTD.path or "zstd", "-dcq"]
        done = subprocess.run(
            command, input=payload[:-4], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        )
        return done.stdout or None
    return None


def build_line(image: bytes) -> str:
    """The version line in a bzImage: `6.1.0-40-amd64 (debian-kernel@...) #1 SMP ...`.

    `kernel_version` at 0x20e is relative to 0x200 (same document).
    """
    offset = struct.unpack_from("<H", image, 0x20E)[0]
    if not offset:
        return ""
    start = offset + 0x200
    return image[start : image.index(b"\0", start)].decode("utf-8", "replace")
