"""What a file is, told by its content and never by its name: picture, dump, console log, recording.

Opens plain and compressed files and standard input. Refuses to say what is in them.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import mmap
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from lab import proc
from lab.errors import ArtefactError, InputError
from lab.recording.layout import EVENTS

HEAD = 1 << 16
"""Bytes that decide what a file is."""
MOST_FILES = 20_000
"""Files of one directory; more is a wrong path rather than a case."""
MOST_BYTES = 4 << 30
"""Of a file that has to be held in memory: standard input, or what a compressed file unpacks to."""
ZSTD_S = 600.0

PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"P3\n", b"P6\n", b"P6 ")
DUMPS = (b"PAGEDU64", b"PAGEDUMP", b"MDMP", b"KDUMP   ", b"\x7fELF", b"makedumpfile")
"""Windows kernel dumps, user-mode minidumps, and what a Linux or QEMU core begins with."""
PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
UNPACKERS: dict[str, Callable[[BinaryIO], Any]] = {
    "gzip": lambda stream: gzip.GzipFile(fileobj=stream),
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}
ARCHIVES = {b"PK\x03\x04": "zip", b"7z\xbc\xaf": "7z", b"Rar!": "rar", b"MSCF": "cab"}
WIDE_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
MOSTLY = 0.85
"""Share of printable bytes that makes a text."""


class Subject(StrEnum):
    """What is examined."""

    LOG = "log"
    SCREEN = "screen"
    DUMP = "dump"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class Source:
    """Something to examine; `path` is None for standard input."""

    name: str
    path: Path | None = None
    subject: Subject | None = None
    """What it is, where that is known before opening it."""
    asked: bool = True
    """Named by the user; a file merely found in a directory may be of no interest."""


def sources(paths: list[str], *, as_subject: Subject | None = None) -> Iterator[Source]:
    """Every thing to examine below `paths`, in order of name; `-` is standard input.

    :raise InputError: a path does not exist, or a directory holds more than 20,000 files.
    """
    for name in paths:
        if name == "-":
            yield Source("standard input", None, as_subject)
            continue
        path = Path(name)
        if not path.exists():
            raise InputError(
                f"{name}: no such file or directory (wanted logs, pictures, dumps or recordings)"
            )
        if not path.is_dir():
            yield Source(name, path, as_subject)
        else:
            yield from _below(path, as_subject)


def _below(directory: Path, as_subject: Subject | None) -> Iterator[Source]:
    found: list[Source] = []
    for folder, folders, files in os.walk(directory):
        here = Path(folder)
        folders.sort()
        if EVENTS in files:
            found.append(Source(str(here), here, Subject.RECORDING, asked=False))
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Source(str(here / name), here / name, as_subject, asked=False)
            for name in sorted(files)
            if not name.startswith(".")
        ]
        if len(found) > MOST_FILES:
            raise InputError(
                f"{directory}: more than {MOST_FILES} files", hint="name the folder that holds the case"
            )
    yield from found


@contextmanager
def opened(source: Source) -> Iterator[memoryview]:
    """The bytes of a source, unpacked; mapped rather than read where the file is plain.

    :raise ArtefactError: it cannot be read or unpacked.
    """
    if source.path is None:
        yield memoryview(_bounded(sys.stdin.buffer, "standard input"))
        return
    try:
        with source.path.open("rb") as stream:
            head = stream.read(HEAD)
            stream.seek(0)
            packed = next((name for magic, name in PACKED.items() if head.startswith(magic)), "")
            if packed:
                yield memoryview(_unpacked(stream, packed, source))
            elif os.fstat(stream.fileno()).st_size == len(head):
                yield memoryview(head)
            else:
                with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                    view = memoryview(mapped)
                    try:
                        yield view
                    finally:
                        view.release()
    except OSError as error:
        raise ArtefactError(f"{source.name}: {error.strerror or error}") from error


def _unpacked(stream: BinaryIO, packed: str, source: Source) -> bytes:
    """A damaged end keeps what came before it: half a log is still a log."""
    if packed == "zstd":
        done = proc.run(["zstd", "-dcq", source.path or "-"], timeout_s=ZSTD_S)
        if not done.ok and not done.stdout:
            raise ArtefactError(f"{source.name}: not a whole zstd file: {done.error_text}")
        return done.stdout
    with UNPACKERS[packed](stream) as reader:
        return _bounded(reader, source.name)


def _bounded(reader: BinaryIO, name: str) -> bytes:
    out = io.BytesIO()
    try:
        while piece := reader.read(1 << 20):
            out.write(piece)
            if out.tell() > MOST_BYTES:
                raise ArtefactError(
                    f"{name}: more than {MOST_BYTES >> 30} GiB", hint="unpack it to a file first"
                )
    except (EOFError, lzma.LZMAError, OSError) as error:
        if not out.tell():
            raise ArtefactError(f"{name}: cannot be unpacked: {error}") from error
    return out.getvalue()


def identify(data: memoryview) -> Subject:
    """What the bytes are.

    :raise ArtefactError: neither picture nor dump nor text; the message says what was seen.
    """
    head = bytes(data[:HEAD])
    if head.startswith(PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return Subject.SCREEN
    if head.startswith(DUMPS):
        return Subject.DUMP
    for magic, name in ARCHIVES.items():
        if head.startswith(magic):
            raise ArtefactError(f"a {name} archive", hint="unpack it and name the folder")
    if not head or _is_text(head):
        return Subject.LOG
    raise ArtefactError(
        f"neither text nor a picture nor a dump (it begins with {head[:8].hex(' ')})",
        hint="say what it is with --as log, screen or dump",
    )


def _is_text(head: bytes) -> bool:
    """Whether most bytes are printable; NUL padding, ANSI sequences and UTF-8 are no objection."""
    if head[:2] in WIDE_MARKS:
        return True
    body = head.strip(b"\x00")
    if not body:
        return True
    control = sum(body.count(bytes([byte])) for byte in (*range(1, 9), *range(14, 27), *range(28, 32), 127))
    try:
        body.decode("utf-8")
        odd = control + body.count(0)
    except UnicodeDecodeError as error:
        whole = error.start >= len(body) - 4
        odd = control + body.count(0) + (0 if whole else sum(byte >= 0x80 for byte in body))
    return odd <= len(body) * (1 - MOSTLY)


def as_text(data: memoryview) -> memoryview:
    """A log as bytes with one byte per ASCII character: Windows tools write UTF-16."""
    encoding = WIDE_MARKS.get(bytes(data[:2]))
    if encoding is None:
        return data
    return memoryview(bytes(data[2:]).decode(encoding, "replace").encode("utf-8"))
