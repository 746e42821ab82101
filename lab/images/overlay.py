"""Files that an image gets on top of its packages, as a tar stream with fixed owners and times."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class File:
    """A regular file of the guest, owned by root."""

    path: str
    """Without the leading `/`."""
    content: str
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link of the guest."""

    path: str
    target: str


def archive(entries: Iterable[File | Link], *, below: str = "") -> bytes:
    """A tar of the entries below the directory `below`; parents are made, later entries win."""
    stream = io.BytesIO()
    unique = {entry.path: entry for entry in entries}
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted({str(parent) for name in unique for parent in _parents(f"{below}{name}")}):
            tar.addfile(
                _member(path, tarfile.DIRTYPE, 0o700 if path.endswith(("root", "root/.ssh")) else 0o755)
            )
        for entry in unique.values():
            name = f"{below}{entry.path}"
            if isinstance(entry, Link):
                member = _member(name, tarfile.SYMTYPE, 0o777)
                member.linkname = entry.target
                tar.addfile(member)
            else:
                content = entry.content.encode()
                member = _member(name, tarfile.REGTYPE, entry.mode)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def _parents(name: str) -> list[Path]:
    return [parent for parent in Path(name).parents if str(parent) != "."]


def _member(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode = kind, mode
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member
