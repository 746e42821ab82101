"""Faults of files: torn, cut short, damaged. What the file held before is kept by the lab, not the guest."""

from __future__ import annotations

import hashlib
import random

from lab.errors import InputError
from lab.faults.fault import FaultError
from lab.faults.kind import Values, number, text
from lab.faults.scripts import run_script
from lab.faults.subject import Subject
from lab.guest.shell import quote
from lab.guest.windows.quoting import powershell
from lab.model import Family

LARGEST = 64 << 20
PAGE = 4096
LIST = 'find "$dir" -type f -size +0 2>/dev/null | sort | sed "s/^/file=/"'
LIST_WINDOWS = (
    "Get-ChildItem -Recurse -File $dir | Where-Object Length | Sort-Object FullName | "
    'ForEach-Object { "file=" + $_.FullName }'
)


def torn(data: bytes, share: float) -> bytes:
    """As after a power cut: the length is there, and from `share` of it on, at a page, nothing but zeros."""
    keep = round(len(data) * share)
    at = min(len(data) - 1, keep // PAGE * PAGE if len(data) > PAGE else keep)
    changed = data[:at] + bytes(len(data) - at)
    return changed if changed != data else truncated(data, share)


def truncated(data: bytes, share: float) -> bytes:
    """The first `share` of it; always shorter than it was."""
    return data[: min(len(data) - 1, round(len(data) * share))]


def flipped(data: bytes, bits: int, draw: random.Random) -> bytes:
    """`bits` different bits turned over."""
    changed = bytearray(data)
    for bit in draw.sample(range(len(data) * 8), min(bits, len(data) * 8)):
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


class Damage:
    """One file of the guest replaced by a damaged one of the same name, mode and owner.

    The new file has another inode, as after an update: who has the old one open goes on with it.
    """

    in_guest = True

    def __init__(self, subject: Subject, values: Values, how: str) -> None:
        self._subject = subject
        self._values = values
        self._how = how
        self._path = text(values, "path")
        self._draw = subject.draw("file")
        self._before = b""
        self._mode = 0o644
        self._owner = ""

    def inject(self) -> None:
        path = self._path = self._path or self._of_the_agent()
        before = self._subject.guest.get(path)
        if not before or len(before) > LARGEST:
            raise InputError(f"guest file {path!r} has {len(before)} bytes (wanted 1 to {LARGEST})")
        self._remember(path)
        self._before = before
        self._write(self._damaged(before))

    def prove(self) -> str:
        now = self._subject.guest.get(self._path)
        if now == self._before:
            return ""
        return f"{self._path} reads back as {_said(now)}, was {_said(self._before)}"

    def undo(self) -> str:
        if not self._before:
            return "no file was touched"
        self._write(self._before)
        now = self._subject.guest.get(self._path)
        if now != self._before:
            raise FaultError(f"guest file {self._path!r} could not be put back: it is {_said(now)}")
        return f"{self._path} reads back as {_said(now)} again"

    def _damaged(self, data: bytes) -> bytes:
        if self._how == "flipped":
            return flipped(data, int(number(self._values, "bits")), self._draw)
        share = number(self._values, "share")
        return torn(data, share) if self._how == "torn" else truncated(data, share)

    def _of_the_agent(self) -> str:
        """One of the agent's own files, drawn."""
        windows = self._subject.family is Family.WINDOWS
        script = LIST_WINDOWS if windows else LIST
        done = self._subject.guest.run(
            f"$dir = {powershell(self._subject.agent_dir)}; {script}"
            if windows
            else f"dir={quote(self._subject.agent_dir)}; {script}"
        )
        found = [line[5:] for line in done.text.splitlines() if line.startswith("file=")]
        if not found:
            raise FaultError(
                f"{self._subject.agent_dir} has no files in the guest", hint="install the agent first"
            )
        return self._draw.choice(found)

    def _remember(self, path: str) -> None:
        if self._subject.family is Family.WINDOWS:
            return
        told = run_script(self._subject, 'stat -c "mode=%a\nowner=%u:%g" "$path"', {"path": path})
        self._mode, self._owner = int(told.get("mode", "644"), 8), told.get("owner", "")

    def _write(self, data: bytes) -> None:
        self._subject.guest.put(data, self._path, mode=self._mode)
        if self._owner:
            run_script(self._subject, 'chown "$owner" "$path"', {"owner": self._owner, "path": self._path})


def _said(data: bytes) -> str:
    return f"{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()[:12]}"


def tear(subject: Subject, values: Values) -> Damage:
    return Damage(subject, values, "torn")


def truncate(subject: Subject, values: Values) -> Damage:
    return Damage(subject, values, "truncated")


def flip(subject: Subject, values: Values) -> Damage:
    return Damage(subject, values, "flipped")
