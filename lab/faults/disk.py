"""Faults of the disk that the hypervisor makes: errors, slowness, storage that has run out."""

from __future__ import annotations

import contextlib
from typing import Any

from lab.clock import Stopwatch
from lab.errors import ChannelError
from lab.faults.badblocks import BLOCK, SECTOR, bad_sectors, rules
from lab.faults.kind import Values, number, text
from lab.faults.scripts import succeed
from lab.faults.subject import Subject
from lab.machine import blockfilter
from lab.model import Family

EIO, ENOSPC = 5, 28
WRITE = (
    'mkdir -p "$1" && dd if=/dev/urandom of="$1/.lab-probe" bs=4k count="$2" conv=fsync 2>/dev/null; '
    'code=$?; rm -f "$1/.lab-probe"; exit $code'
)
READ = (
    "echo 3 >/proc/sys/vm/drop_caches; disk=/dev/vda; [ -b $disk ] || disk=/dev/sda; "
    'for block; do dd if=$disk of=/dev/null bs=4k skip="$block" count=1 2>/dev/null; done; true'
)
STALLED_S = 2.0
"""For a command to a guest that stands still as soon as it does what it is told."""
TRIES_BEFORE = 4
"""Writes at most whose fastest says how long one takes without a limit."""
TRIES = 24
"""Bad blocks that are read to see one fail."""


class DiskError:
    """Requests come back with an error."""

    in_guest = False

    def __init__(self, subject: Subject, values: Values) -> None:
        self._subject = subject
        self._operation = text(values, "op")
        self._rate = number(values, "rate")
        self._sector = int(number(values, "sector"))
        self._probe = bool(values["probe"])
        self._draw = subject.draw("bad blocks")
        self._sectors: tuple[int, ...] = ()
        self._below = ""
        self._since_s = 0.0

    def inject(self) -> None:
        domain = self._subject.domain
        if self._sector >= 0:
            self._sectors = (self._sector,)
        elif self._rate < 1:
            self._sectors = bad_sectors(self._draw, blockfilter.first_disk(domain).size, self._rate)
        self._since_s = self._subject.clock.t_s
        self._below = blockfilter.insert(domain, rules(self._operation, errno=EIO, sectors=self._sectors))

    def prove(self) -> str:
        if not self._errors() and self._probe:
            with contextlib.suppress(ChannelError):
                self._provoke()
        seen = self._errors()
        if not seen:
            return ""
        kinds = ", ".join(sorted({str(event.get("operation")) for _, event in seen}))
        return f"QEMU returned {len(seen)} errors ({kinds}) to the guest, the first at {seen[0][0]:.1f} s"

    def undo(self) -> str:
        if self._below:
            blockfilter.remove(self._subject.domain, self._below)
        return f"the disk's own node is on top again; {len(self._errors())} requests had failed"

    def _errors(self) -> list[tuple[float, Any]]:
        found = self._subject.seen.since(self._since_s, "io-error")
        return [
            (event.t_s, event.details)
            for event in found
            if event.details.get("node-name") == blockfilter.NODE
        ]

    def _provoke(self) -> None:
        """What fails anyway is made to fail now: bad blocks are read, something is written and flushed."""
        if self._subject.family is Family.WINDOWS:
            return
        run, limit_s = self._subject.guest.run, self._subject.timeouts.command_s
        if self._operation in ("read", "any"):
            sectors = self._sectors or (2 * BLOCK // SECTOR,)
            blocks = [str(sector * SECTOR // BLOCK) for sector in sectors[:TRIES]]
            run(["/bin/sh", "-c", READ, "read", *blocks], timeout_s=limit_s)
        if self._operation != "read":
            run(["/bin/sh", "-c", WRITE, "write", "/var/tmp", "256"], timeout_s=limit_s)  # noqa: S108


class DiskSlow:
    """Fewer bytes or requests per second."""

    in_guest = False
    PROBE_S = 2.0

    def __init__(self, subject: Subject, values: Values) -> None:
        self._subject = subject
        self._bytes_s = int(number(values, "kib_s")) << 10
        self._requests_s = int(number(values, "requests_s"))
        self._before_s = 0.0

    def inject(self) -> None:
        self._before_s = self._usual()
        blockfilter.throttle(self._subject.domain, bytes_per_s=self._bytes_s, requests_per_s=self._requests_s)

    def prove(self) -> str:
        took_s, wanted_s = self._write(), self._least_s()
        if took_s < wanted_s or took_s < 2 * self._before_s:
            return ""
        kib = self._blocks() * BLOCK >> 10
        return f"writing {kib} KiB took {took_s:.2f} s, {self._before_s:.2f} s before the fault"

    def undo(self) -> str:
        blockfilter.throttle(self._subject.domain)
        return "QEMU limits the disk no more"

    def _usual(self) -> float:
        """The fastest of a few writes: on a busy host one alone may take as long as under the limit."""
        fastest_s = self._write()
        for _ in range(TRIES_BEFORE - 1):
            if fastest_s <= self._least_s() / 4:
                break
            fastest_s = min(fastest_s, self._write())
        return fastest_s

    def _blocks(self) -> int:
        """So much that the limit makes it last about `PROBE_S`; a limit on requests alone: a few files."""
        return max(8, int(self._bytes_s * self.PROBE_S) // BLOCK) if self._bytes_s else 8

    def _least_s(self) -> float:
        """QEMU lets a tenth of a second's worth pass at once, and requests are merged: half must be seen."""
        if self._bytes_s:
            return self._blocks() * BLOCK / self._bytes_s / 2
        return 2 / self._requests_s if self._requests_s else 0.0

    def _write(self) -> float:
        if self._subject.family is Family.WINDOWS:
            script = (
                "$f=[IO.File]::Create('C:\\.lab-probe',4096,'WriteThrough');"
                f"$f.Write((New-Object byte[] {self._blocks() * BLOCK}),0,{self._blocks() * BLOCK});"
                "$f.Close();Remove-Item C:\\.lab-probe"
            )
            command = ["powershell.exe", "-NoProfile", "-Command", script]
        else:
            command = ["/bin/sh", "-c", WRITE, "write", "/var/tmp", str(self._blocks())]  # noqa: S108
        watch = Stopwatch()
        succeed(self._subject, command)
        return watch.t_s


class StorageFull:
    """The host's storage has no room for what the guest writes; QEMU stops the guest until it has."""

    in_guest = False

    def __init__(self, subject: Subject, _values: Values) -> None:
        self._subject = subject
        self._below = ""
        self._since_s = 0.0

    def inject(self) -> None:
        self._since_s = self._subject.clock.t_s
        self._below = blockfilter.insert(self._subject.domain, rules("write", errno=ENOSPC))

    def prove(self) -> str:
        if self._subject.domain.state() == "running" and self._subject.family is Family.LINUX:
            command = ["/bin/sh", "-c", f"({WRITE}) >/dev/null 2>&1 &", "write", "/var/tmp", "16"]  # noqa: S108
            with contextlib.suppress(ChannelError):
                self._subject.guest.run(command, timeout_s=STALLED_S)
        seen = [e for e in self._subject.seen.since(self._since_s, "io-error") if e.details.get("nospace")]
        state = self._subject.domain.state()
        if not seen or state == "running":
            return ""
        return f"QEMU met a full storage at {seen[0].t_s:.1f} s and stopped the guest ({state})"

    def undo(self) -> str:
        if self._below:
            blockfilter.remove(self._subject.domain, self._below)
        if self._subject.domain.state() != "running":
            self._subject.domain.resume()
        return f"QEMU's state is {self._subject.domain.state()}"
