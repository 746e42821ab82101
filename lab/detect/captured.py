"""Crashes in what the lab took off a guest: its own dump, the kernel log in its memory, its event logs.

Refuses to open files: `fetch` brings their bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from mmap import mmap

from lab.detect.boots import PROBES
from lab.detect.dumps import DumpError, read_dump
from lab.detect.lines import Block
from lab.detect.linux.console import Console
from lab.detect.windows import eventlog
from lab.model import Capture, EvidenceRef, Finding, FindingKind, Observation

Fetch = Callable[[Capture], bytes | bytearray | memoryview | mmap | None]
ASKED = (b"sysrq: Show", b"NMI received for unknown reason", b"panic: NMI")
"""Where a kernel log begins to hold what the lab asked for."""
DUMPS = ("guest-dump", "memory-dump")
MOST_LOG = 16 * 1024 * 1024
"""Bytes of a kernel log; the largest ring buffer that kernels are built with is 32 MiB, usual is 256 KiB."""


def _of_windows(data: bytes | bytearray | memoryview | mmap | None) -> bool:
    """The host's dump of a Windows that helped it; one of a Linux gives its log instead."""
    return data is not None and bytes(data[:8]) in (b"PAGEDU64", b"PAGEDUMP")


class Captured:
    """Findings in the order of the captures; `problems` says why one gave none."""

    def __init__(self, fetch: Fetch | None) -> None:
        self.findings: list[Finding] = []
        self.problems: list[str] = []
        self.asked_s: float | None = None
        """When the lab first made the guest do something."""
        self._fetch = fetch

    def feed(self, observation: Observation) -> None:
        if not isinstance(observation, Capture) or not observation.ok:
            return
        if observation.what in PROBES and self.asked_s is None:
            self.asked_s = observation.t_s
        if self._fetch is None or not observation.path:
            return
        if observation.what in DUMPS:
            data = self._fetch(observation)
            if observation.what == "guest-dump" or _of_windows(data):
                self._dump(observation, data)
        elif observation.what == "kernel-log":
            self._log(observation, self._fetch(observation))
        elif observation.what == "event-log":
            self._events(observation, self._fetch(observation))

    def _dump(self, capture: Capture, data: bytes | bytearray | memoryview | mmap | None) -> None:
        if data is None:
            return
        try:
            dump = read_dump(data)
        except DumpError as error:
            self.problems.append(f"{capture.path}: {error}")
            return
        finding = dump.finding(t_s=capture.t_s, path=capture.path)
        if finding is None:
            self.problems.append(f"{capture.path}: {dump.reason}")
        else:
            ref = EvidenceRef(path=capture.path, sha256=capture.sha256)
            self.findings.append(replace(finding, evidence=(ref,)))

    def _events(self, capture: Capture, data: bytes | bytearray | memoryview | mmap | None) -> None:
        """The stops of this attempt that Windows wrote down, and what failed in it without one.

        Restarts without a shutdown are no findings: the hypervisor saw them itself.
        """
        if data is None:
            return
        log = eventlog.read(bytes(data[: eventlog.MOST]))
        if log.broken:
            self.problems.append(f"{capture.path}: {log.broken} events could not be read")
        ref = EvidenceRef(path=capture.path, sha256=capture.sha256)
        noted = (one for one in eventlog.noted(log, capture.t_s) if one.kind is FindingKind.WARNING)
        told = (*eventlog.crashes(log, capture.t_s), *noted)
        self.findings += [replace(one, evidence=(ref,)) for one in told]

    def _log(self, capture: Capture, data: bytes | bytearray | memoryview | mmap | None) -> None:
        """The last crash in the log: what brought the kernel to where it was found."""
        if data is None:
            return
        text = bytes(data[-MOST_LOG:])
        if self.asked_s is not None:
            text = text[: min((at for word in ASKED if (at := text.find(word)) >= 0), default=len(text))]
        console = Console()
        console.feed(Block(capture.t_s, 0, text.rstrip(b"\n") + b"\n"))
        console.finish()
        found = [report.finding() for report in console.reports]
        fatal = [one for one in found if one.fatal and not one.suppressed]
        last = max(fatal, key=lambda one: (one.kind is FindingKind.PANIC, one.t_s), default=None)
        if last is not None:
            refs = tuple(replace(ref, path=capture.path) for ref in last.evidence)
            self.findings.append(replace(last, channels=("dump",), evidence=refs))
