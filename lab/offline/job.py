"""One start of the rescue guest: the disks and the command of its QEMU, and what it answered.

A job that only reads leaves no trace: it works on an overlay that is thrown away, in which file systems may
replay their logs. Which volumes a QEMU sees, and from where to where they go, is the host's word: each is a
window of the disk, so that the rescue guest's own reading of the partition table does not matter.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab import proc
from lab.offline.disk import Disk, refused
from lab.offline.refusal import DiskRefused, Refusal
from lab.offline.rescue import Rescue
from lab.offline.steps import CopyOut, List, Read, Step, parcel
from lab.offline.volumes import FileSystem, Volume

QEMU = "qemu-system-x86_64"
MEMORY_MIB = 256
ANSWER_BYTES = 96 << 20
"""The answer disk: 64 MiB of small files and their archive; sparse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file or directory of a guest."""

    path: str
    """From the volume's root, with `/`."""
    directory: bool
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A step that was done."""

    step: Step
    volume: int
    paths: tuple[str, ...]
    """What it was done to, as the file system spells it; () of an optional step that found nothing."""
    data: bytes = b""
    """What `Read` read."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What `List` found, by name."""
        lines = self.data.decode("utf-8", "replace").splitlines()
        rows = [line.split("|", 3) for line in lines if line.count("|") >= 3]
        found = [
            Entry(
                path=path,
                directory=kind == "directory",
                size=int(size),
                modified=datetime.fromtimestamp(int(when), tz=UTC),
            )
            for kind, size, when, path in rows
        ]
        return tuple(sorted(found, key=lambda one: one.path))


class Job:
    """The files of one start of the rescue guest."""

    def __init__(self, disk: Disk, steps: Sequence[Step], volumes: Sequence[Volume], scratch: Path) -> None:
        self.disk = disk
        self.limit_s = 0.0
        self._steps = steps
        self._volumes = [one for one in volumes if one.type.mountable]
        self._encrypted = [one for one in volumes if one.type is FileSystem.BITLOCKER]
        self._scratch = scratch
        self._answer = scratch / "answer.tar"
        self._parts = {
            number: step.target.with_name(f".{step.target.name}.part")
            for number, step in enumerate(steps)
            if isinstance(step, CopyOut)
        }

    def argv(self, files: Rescue, accelerator: str, limit_s: float, *, writes: bool) -> list[str]:
        """QEMU's command; makes the files it names."""
        self.limit_s = limit_s
        append = f"console=ttyS0 quiet panic=-1 mitigations=off no_timer_check lab.limit={limit_s:.0f}"
        words = ["setpriv", "--pdeathsig", "KILL", QEMU, "-nodefaults", "-no-user-config", "-no-reboot"]
        words += ["-display", "none", "-serial", "stdio", "-machine", f"pc,accel={accelerator}"]
        words += ["-m", str(MEMORY_MIB), "-kernel", str(files.kernel), "-initrd", str(files.initrd)]
        words += ["-append", append]
        words += ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"]
        for node in self._nodes(writes):
            words += ["-blockdev", json.dumps(node)]
        names = [f"v{one.number}" for one in self._volumes]
        for name in [*names, "parcel", "answer", *(f"copy{number}" for number in self._parts)]:
            shared = ",share-rw=on" if name in names else ""
            words += ["-device", f"virtio-blk-pci,drive={name},serial={name}{shared}"]
        return words

    def _nodes(self, writes: bool) -> list[Mapping[str, Any]]:
        """The disk below, one window per volume above it, then the lab's own disks."""
        source, kind = (self.disk.path, self.disk.format) if writes else (self._throwaway(), "qcow2")
        nodes: list[Mapping[str, Any]] = [_file("below", source)]
        nodes.append({"driver": kind, "node-name": "disk", "file": "below"})
        for one in self._volumes:
            window: dict[str, Any] = {"driver": "raw", "node-name": f"v{one.number}", "file": "disk"}
            if one.number:
                window |= {"offset": one.part.start, "size": one.part.size}
            nodes.append(window)
        (self._scratch / "parcel").write_bytes(parcel(self._steps, self._volumes))
        nodes += _raw("parcel", self._scratch / "parcel", read_only=True)
        nodes += _raw("answer", _sparse(self._answer, ANSWER_BYTES))
        largest = max((one.part.size for one in self._volumes), default=0)
        for number, part in self._parts.items():
            nodes += _raw(f"copy{number}", _sparse(part, largest))
        return nodes

    def _throwaway(self) -> Path:
        overlay = self._scratch / "overlay.qcow2"
        argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", self.disk.format]
        done = proc.run([*argv, "-b", self.disk.path.resolve(), overlay], timeout_s=60.0)
        if not done.ok:
            raise refused(self.disk.path, done.error_text)
        return overlay

    def answers(self) -> list[Done]:
        """:raise DiskRefused: with the step that failed."""
        with tarfile.open(self._answer) as archive:
            found = {
                member.name.removeprefix("./"): _content(archive, member)
                for member in archive.getmembers()
                if member.isfile()
            }
        done = []
        for number, step in enumerate(self._steps):
            words = found.get(f"{number}/exit", b"").decode().split()
            code, volume, kind = (*words, "", "0", "failed")[:3] if len(words) < 3 else words
            if code != "0":
                text = found.get(f"{number}/text", b"it was not reached").decode("utf-8", "replace")
                raise self._failure(step, kind, text)
            done.append(self._done(number, step, int(volume), found))
        return done

    def _done(self, number: int, step: Step, volume: int, found: Mapping[str, bytes]) -> Done:
        data = found.get(f"{number}/data", b"")
        paths = found.get(f"{number}/found", b"").decode("utf-8", "replace").splitlines()
        if isinstance(step, CopyOut) and paths:
            os.truncate(self._parts[number], int(data))
            self._parts[number].replace(step.target)
        return Done(
            step=step,
            volume=volume,
            paths=tuple(path.removeprefix("/v") for path in paths),
            data=data if isinstance(step, Read | List) else b"",
        )

    def _failure(self, step: Step, kind: str, text: str) -> DiskRefused:
        why, words = Refusal(kind), text.strip()
        if why is Refusal.ABSENT and self._encrypted:
            words += f"; volume {self._encrypted[0].number} is encrypted by BitLocker"
            why = Refusal.ENCRYPTED
        return DiskRefused(f"{step.word} {step.path!r} on {self.disk.path.name!r}: {words}", why)

    def drop_parts(self) -> None:
        for part in self._parts.values():
            part.unlink(missing_ok=True)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    return b"" if stream is None else stream.read()


def _file(name: str, path: Path, *, read_only: bool = False) -> dict[str, Any]:
    return {
        "driver": "file",
        "node-name": name,
        "filename": str(path),
        "read-only": read_only,
        "discard": "unmap",
    }


def _raw(name: str, path: Path, *, read_only: bool = False) -> list[Mapping[str, Any]]:
    """A raw file as one of the lab's own disks; zeroes become holes."""
    top = {"driver": "raw", "node-name": name, "file": f"{name}-file", "read-only": read_only}
    zeroes = {} if read_only else {"discard": "unmap", "detect-zeroes": "unmap"}
    return [_file(f"{name}-file", path, read_only=read_only), top | zeroes]


def _sparse(path: Path, size: int) -> Path:
    with path.open("wb") as stream:
        stream.truncate(size)
    return path
