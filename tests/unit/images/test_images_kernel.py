"""What is read out of a bzImage."""

from __future__ import annotations

import lzma
import struct

import pytest

from lab.errors import BuildError
from lab.images import kernel

ELF = b"\x7fELF" + b"code" * 10 + kernel.PVH_NOTE
LINE = "6.1.0-40-amd64 (debian-kernel@lists.debian.org) #1 SMP Debian 6.1.150-1 (2025-09-01)"


def bzimage(payload: bytes, *, sectors: int = 4) -> bytes:
    """A file with the fields of Documentation/arch/x86/boot.rst that are read, and nothing else."""
    image = bytearray((sectors + 1) * 512)
    image[0x1F1] = sectors
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x20E, 0x400 - 0x200)
    image[0x400 : 0x400 + len(LINE) + 1] = LINE.encode() + b"\0"
    struct.pack_into("<II", image, 0x248, 16, len(payload))
    return bytes(image) + bytes(16) + payload + b"after"


def test_an_xz_payload_is_decompressed() -> None:
    assert kernel.uncompressed(bzimage(lzma.compress(ELF) + b"size")) == ELF


def test_zero_setup_sectors_mean_four() -> None:
    image = bytearray(bzimage(lzma.compress(ELF)))
    image[0x1F1] = 0
    assert kernel.uncompressed(bytes(image)) == ELF


@pytest.mark.parametrize("content", [b"\x7fELF without the note", b"not an elf" + kernel.PVH_NOTE])
def test_a_kernel_that_qemu_could_not_enter_directly_stays_compressed(content: bytes) -> None:
    assert kernel.uncompressed(bzimage(lzma.compress(content))) is None


def test_an_unknown_compression_stays_compressed() -> None:
    assert kernel.uncompressed(bzimage(b"\x02\x21L\x18 lz4")) is None


def test_a_file_that_is_no_kernel_is_refused() -> None:
    with pytest.raises(BuildError, match="no boot header"):
        kernel.uncompressed(b"\x7fELF" + bytes(1000))


def test_the_version_line_is_read_from_the_header() -> None:
    assert kernel.build_line(bzimage(b"")) == LINE
    image = bytearray(bzimage(b""))
    struct.pack_into("<H", image, 0x20E, 0)
    assert kernel.build_line(bytes(image)) == ""
