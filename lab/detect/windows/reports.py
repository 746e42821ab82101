"""One stop or failed start while its text is read: what is known of it by now.

Refuses to decide where reports begin and end; that is console.py's.
"""

from __future__ import annotations

import re

from lab.detect.faults import fold
from lab.detect.windows.rows import Row
from lab.detect.windows.signs import DUMPED, FACTS, Fact, Sign, Trouble
from lab.detect.windows.stop import (
    boot_signature,
    boot_title,
    hardware_signature,
    sentence,
    signature,
    tidy,
)
from lab.model import EvidenceRef, Finding, FindingKind, Signature

SERIAL = "serial.log"
CORE_MODULES = ("nt", "ntoskrnl", "ntkrnlmp", "ntkrnlpa", "ntkrpamp", "hal")
KINDS = {
    Trouble.STOP: FindingKind.BUGCHECK,
    Trouble.HARDWARE: FindingKind.BUGCHECK,
    Trouble.BOOT: FindingKind.BOOT_FAILURE,
    Trouble.RECOVERY: FindingKind.RECOVERY_SCREEN,
}
VALUE = re.compile(r"(?:0[xX])?([0-9A-Fa-f`]{1,17})")
ARGUMENT = re.compile(r"arg\d='")


class WindowsReport:
    """Begins with the row that `sign` matched."""

    def __init__(self, sign: Sign, match: re.Match[str], row: Row, suppressed: str = "") -> None:
        self.sign = sign
        self.t_s, self.start, self.end = row.t_s, row.start, row.end
        self.closed = False
        self.sure = sign.sure
        """Whether it is more than a phrase that somebody may have quoted."""
        self.suppressed = suppressed
        self.code: int | None = None
        self.parameters: tuple[int, ...] = ()
        self._complete = False
        """The parameters came all at once."""
        self.status: int | None = None
        self.file = ""
        groups = match.groupdict()
        self._what = " ".join((groups.get("what") or "").split())
        self._info = ""
        self._module, self._weight = "", 0
        self._dumped = ""
        self._learn(groups, 0)
        self._look(row)

    @property
    def fatal(self) -> bool:
        return self.sign.fatal

    @property
    def ready(self) -> bool:
        """Whether its kind and title will not get much better: time to tell the live watcher."""
        told = self.code is not None or self.status is not None or bool(self._what)
        return self.sure and (self.closed or told or self.sign.trouble is Trouble.HARDWARE)

    def same(self, sign: Sign, match: re.Match[str]) -> bool:
        """Whether another sign tells of this very event: another text of the same stop."""
        stops = (Trouble.STOP, Trouble.HARDWARE)
        if sign.trouble in stops and self.sign.trouble in stops:
            code = match.groupdict().get("code")
            return code is None or self.code is None or fold(int(code, 16)) == self.code
        return sign.trouble not in stops and self.sign.trouble not in stops

    def take(self, row: Row) -> bool:
        """Learn from a row; whether it was one of this report."""
        if not self._look(row):
            return False
        self.end = row.end
        return True

    def close(self) -> None:
        self.closed = True

    def finding(self) -> Finding:
        """What is known of it by now."""
        return Finding(
            kind=KINDS[self.sign.trouble],
            signature=self._signature(),
            fatal=self.fatal,
            t_s=self.t_s,
            evidence=(EvidenceRef(path=SERIAL, start=self.start, end=self.end),),
            channels=("serial",),
            module=self._module,
            detail=self._detail(),
            code=self.code if self.code is not None else self.status,
            parameters=self.parameters,
            suppressed=self.suppressed,
        )

    def _signature(self) -> Signature:
        match self.sign.trouble:
            case Trouble.STOP:
                return signature(self.code, self._module)
            case Trouble.HARDWARE:
                return hardware_signature() if self.code is None else signature(self.code, self._module)
            case Trouble.BOOT:
                return boot_signature(self.status, self.file, self._what)
            case Trouble.RECOVERY:
                main = boot_signature(self.status, self.file)
                title = "Windows recovery" + (f": {self._what}" if self._what else "")
                if self.status is None:
                    return Signature(title=title)
                return Signature(title=main.title, alt_titles=(*main.alt_titles, title))

    def _detail(self) -> str:
        if self.sign.trouble is Trouble.HARDWARE and self.code is None:
            return "the HAL reported a hardware malfunction and halted the machine"
        if self.sign.trouble in (Trouble.STOP, Trouble.HARDWARE):
            return sentence(self.code, self.parameters) + self._dumped
        return self._info or boot_title(self.status, self.file, self._what)

    def _look(self, row: Row) -> bool:
        found = False
        for fact in FACTS:
            match = fact.row.search(row.text)
            if match is not None and self._fits(fact):
                self._learn(match.groupdict(), fact.weight)
                found = True
        dumped = DUMPED.search(row.text)
        if dumped:
            failed = dumped["what"] == "FAILED"
            self._dumped = "; its dump could not be written" if failed else "; its dump was written"
        return found or bool(dumped)

    def _fits(self, fact: Fact) -> bool:
        """Whether a report of this sort asks for such a fact."""
        boot = fact.id in ("status", "file", "loader-file", "info")
        return boot == (self.sign.trouble in (Trouble.BOOT, Trouble.RECOVERY))

    def _learn(self, groups: dict[str, str | None], weight: int) -> None:
        if groups.get("code") and self.code is None:
            self.code = fold(int(groups["code"] or "0", 16))
            self.sure = True
        if groups.get("values") and not self.parameters:
            self.parameters, self._complete = values(groups["values"] or ""), True
        if groups.get("one") and not self._complete and len(self.parameters) < 4:
            self.parameters = (*self.parameters, *values(groups["one"] or ""))
        if groups.get("module"):
            self._blame(groups["module"] or "", weight)
        if groups.get("status") and self.status is None:
            self.status = int(groups["status"] or "0", 16)
            self.sure = True
        self.file = self.file or (groups.get("file") or "").strip()
        self._info = self._info or (groups.get("info") or "").strip()

    def _blame(self, module: str, weight: int) -> None:
        name = tidy(module)
        if name.partition(".")[0] in CORE_MODULES:
            weight -= 3
        if name and (not self._module or weight > self._weight):
            self._module, self._weight = name, weight


def values(text: str) -> tuple[int, ...]:
    """Up to four parameters from text."""
    found = VALUE.findall(ARGUMENT.sub(" ", text).replace("'", " "))
    return tuple(int(value.replace("`", ""), 16) for value in found if value.replace("`", ""))[:4]
