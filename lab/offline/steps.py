"""What can be done to the files of a guest that is off, as values, and the parcel that orders it.

Refuses paths that mean something else in the rescue guest: `..`, line ends, nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lab.errors import InputError
from lab.images.initrd import Cpio
from lab.offline.volumes import FileSystem, Volume

SCRIPT = Path(__file__).parent / "scripts" / "steps.sh"
LETTER = re.compile(r"^[A-Za-z]:[\\/]")
FORBIDDEN = re.compile(r"[\0\n\r]|(^|/)\.\.(/|$)")
WINDOWS_TYPES = (FileSystem.NTFS, FileSystem.FAT, FileSystem.EXFAT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    r"""One thing to do with a file.

    `path` is the guest's: `C:\Windows\System32\drivers\X.sys` or `/opt/agent/x`. Its last part may be a
    pattern (`C-00000291*.sys`). Upper and lower case are the same where the file system says so. A drive
    letter only says that a volume of Windows is meant: which one it is, is found by what is on it.
    """

    path: str
    volume: int | None = None
    """Partition number, where the path alone would be ambiguous."""
    optional: bool = False
    """Nothing that matches is no failure: the step is then done to nothing."""
    word = ""
    writes = False


@dataclass(frozen=True, slots=True, kw_only=True)
class List(Step):
    """What is in a directory, or one file's line."""

    word = "list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Step):
    """A small file's bytes; 32 MiB at most."""

    word = "read"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOut(Step):
    """One file of any size to the host, sparse where it is zero; of several that match, the newest.

    Of a Windows dump only as much as its header says it takes: the file around it has a fixed size.
    """

    target: Path
    word = "copy-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename(Step):
    """To a name in the same directory, or a path on the same volume; never over a file."""

    to: str
    word = "rename"
    writes = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(Step):
    """Files, as many as match; never a directory."""

    word = "delete"
    writes = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace(Step):
    """Other content for a file that is there; owner, mode and access list stay."""

    content: bytes
    word = "replace"
    writes = True


def posix(path: str) -> str:
    """The path below the volume's root.

    :raise InputError: no absolute path of a file.
    """
    windows = LETTER.match(path)
    text = path[2:].replace("\\", "/") if windows else path
    clean = "/" + text.strip("/")
    if not text.startswith("/") or FORBIDDEN.search(text):
        raise InputError(
            f"offline path {path!r}: not usable (wanted one such as 'C:\\Windows\\x' or '/opt/x')"
        )
    return clean


def meant(step: Step, volumes: Sequence[Volume]) -> list[Volume]:
    """The volumes on which a step's file may be; those that cannot be mounted are not among them."""
    windows = LETTER.match(step.path) is not None
    return [
        one
        for one in volumes
        if one.type.mountable
        and (step.volume is None or one.number == step.volume)
        and (not windows or one.type in WINDOWS_TYPES)
    ]


def parcel(steps: Sequence[Step], volumes: Sequence[Volume]) -> bytes:
    """The archive on the rescue guest's second disk, padded to whole sectors."""
    archive = Cpio()
    archive.file("steps.sh", SCRIPT.read_bytes(), 0o644)
    lines = "".join(f"{one.number} {one.type.value}\n" for one in volumes)
    archive.file("volumes", lines.encode(), 0o644)
    archive.file("order", "".join(f"{n} {one.word}\n" for n, one in enumerate(steps)).encode(), 0o644)
    for number, step in enumerate(steps):
        archive.directory(str(number))
        for name, content in _words(step, number, volumes):
            archive.file(f"{number}/{name}", content, 0o644)
    data = archive.finish()
    return data + bytes(-len(data) % 512)


def _words(step: Step, number: int, volumes: Sequence[Volume]) -> Iterator[tuple[str, bytes]]:
    yield "path", posix(step.path).encode()
    yield "among", " ".join(str(one.number) for one in meant(step, volumes)).encode()
    if step.optional:
        yield "optional", b""
    if isinstance(step, Rename):
        yield "to", new_name(step.to).encode()
    elif isinstance(step, Replace):
        yield "content", step.content
    elif isinstance(step, CopyOut):
        yield "device", f"copy{number}".encode()


def new_name(to: str) -> str:
    """A name, or a path of the same volume.

    :raise InputError: it is neither.
    """
    if LETTER.match(to) or to.startswith("/"):
        return posix(to)
    if not to or FORBIDDEN.search(to) or len(PurePosixPath(to).parts) != 1 or "\\" in to:
        raise InputError(f"new name {to!r}: not usable (wanted a name, or an absolute path)")
    return to
