"""How far an installation has come, by what the guest writes on its serial port. Pure: bytes in, values out.

The guest's scripts write lines `lab-setup: WORD`, and at the end its report in lines `lab-report: BASE64`
with `lab-report-end: SHA256`. Everything else on the port (firmware, EMS) is passed over.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MARK = "lab-setup: "
REPORT = "lab-report: "
REPORT_END = "lab-report-end: "
FAILED = "failed "
WARNING = "warning "
LONGEST_LINE = 4096
LARGEST_REPORT = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stretch of an installation, until the mark that begins the next one."""

    name: str
    begins: str
    """Mark; "" for power-on."""
    doing: str
    """What happens in it, for the user."""
    deadline_s: float
    """Under KVM. No Windows was at hand to measure; each is several times what users of QEMU report."""


STAGES = (
    Stage(name="start", begins="", doing="starting Windows Setup from the ISO", deadline_s=600),
    Stage(
        name="copy", begins="windowspe", doing="Setup partitions the disk and copies Windows", deadline_s=3600
    ),
    Stage(name="specialize", begins="specialize", doing="drivers and settings", deadline_s=1800),
    Stage(name="first-run", begins="specialized", doing="first start, first logon", deadline_s=2400),
    Stage(name="guest-agent", begins="guest-agent", doing="guest agent", deadline_s=600),
    Stage(name="dump-disk", begins="dump-disk", doing="letter of the dump disk", deadline_s=300),
    Stage(name="updates", begins="updates", doing="updates", deadline_s=600),
    Stage(name="ssh", begins="ssh", doing="SSH server", deadline_s=900),
    Stage(name="winrm", begins="winrm", doing="WinRM over HTTPS", deadline_s=600),
    Stage(name="boot", begins="boot", doing="boot settings, EMS", deadline_s=300),
    Stage(name="quiet", begins="quiet", doing="power and tasks", deadline_s=300),
    Stage(name="report", begins="report", doing="report and shutdown", deadline_s=900),
    Stage(name="sysprep", begins="sysprep", doing="generalising", deadline_s=2400),
)
UPDATE_S = 3600.0
"""For each update: a cumulative one takes long, and restarts the guest."""
TCG_FACTOR = 12.0
"""Under emulation a guest is about so many times as slow as under KVM."""
BY_MARK: Mapping[str, Stage] = {one.begins: one for one in STAGES}


class Progress:
    """Follows the serial port of one installation; `feed` takes its bytes in pieces of any size."""

    def __init__(self) -> None:
        self.stage = STAGES[0]
        self.marks: list[str] = []
        self.warnings: list[str] = []
        self.failure = ""
        """What the guest's own scripts said went wrong, or ""."""
        self.report: dict[str, Any] | None = None
        self.damage = ""
        """Why the report cannot be used, or ""."""
        self._rest = b""
        self._parts: list[str] = []

    def feed(self, data: bytes) -> list[str]:
        """The marks that are new in `data`."""
        before = len(self.marks)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-LONGEST_LINE:]
        for line in lines:
            self._line(line.decode("ascii", "replace").strip("\r\0 "))
        return self.marks[before:]

    def _line(self, line: str) -> None:
        # a terminal's control sequences may stand before a line, so the mark is looked for in it
        if REPORT_END in line:
            self._finish(line.partition(REPORT_END)[2].strip())
        elif REPORT in line:
            if sum(map(len, self._parts)) < LARGEST_REPORT:
                self._parts.append(line.partition(REPORT)[2].strip())
        elif MARK in line:
            self._mark(line.partition(MARK)[2].strip())

    def _mark(self, word: str) -> None:
        if word.startswith(WARNING):
            self.warnings.append(word.removeprefix(WARNING))
            return
        self.marks.append(word)
        if word.startswith(FAILED):
            self.failure = word.removeprefix(FAILED)
        elif word.startswith("update "):
            self.stage = BY_MARK["updates"]
        elif word in BY_MARK:
            self.stage = BY_MARK[word]
        if word == "report":
            self._parts, self.report, self.damage = [], None, ""

    def _finish(self, wanted: str) -> None:
        try:
            data = base64.b64decode("".join(self._parts), validate=True)
        except (binascii.Error, ValueError) as error:
            self.damage = f"its report is damaged on the serial port: {error}"
            return
        found = hashlib.sha256(data).hexdigest()
        if found != wanted:
            self.damage = f"its report is damaged on the serial port: sha256 is {found} (it says {wanted})"
            return
        try:
            report = json.loads(data)
        except ValueError as error:
            self.damage = f"its report is no JSON: {error}"
            return
        if isinstance(report, dict):
            self.report, self.damage = report, ""
        else:
            self.damage = "its report is no JSON object"


def deadline_s(stage: Stage, *, accelerator: str, updates: int) -> float:
    """Seconds that a stage may take on this host."""
    seconds = stage.deadline_s + (UPDATE_S * updates if stage.name == "updates" else 0)
    return seconds * (TCG_FACTOR if accelerator == "tcg" else 1.0)


def whole_s(*, accelerator: str, updates: int) -> float:
    """Seconds after which no installation is at work any more."""
    return sum(deadline_s(one, accelerator=accelerator, updates=updates) for one in STAGES)
