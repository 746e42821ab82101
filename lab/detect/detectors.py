"""All detectors over one stream of observations: for the live watcher, and for a recording afterwards.

The same code serves both, so what stops a guest is what judges it. Refuses to stop anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace

from lab.detect.agent import Agent
from lab.detect.boots import FIRMWARE_S, BootLog, Boots
from lab.detect.captured import Captured, Fetch
from lab.detect.excuses import Excuses
from lab.detect.fuse import Fused, Key, Sighting, fuse
from lab.detect.lines import Block, LineStream
from lab.detect.linux.console import Console
from lab.detect.linux.reports import Report
from lab.detect.machine_events import MachineEvents
from lab.detect.screenwatch import Look, ScreenWatch, Shown
from lab.detect.silence import Silence
from lab.detect.waking import Waking
from lab.detect.windows.console import WindowsConsole
from lab.detect.windows.reports import WindowsReport
from lab.detect.witness import Witness
from lab.model import DetectSettings, Finding, FindingKind, MachineSample, Observation, SerialChunk

MOST_SAMPLES = 2000
ANSWER = "the lab had asked the guest for evidence, and this is its answer"
FIRMWARE_SHARE = 0.25
"""Of the time that a boot may take: firmware is through by then."""


class Detectors:
    """Feed it the observations of one attempt in the order of recording. Not thread-safe.

    `feed` and `finish` return what is new; text that arrives later can refine it (the event says
    "kernel panic", the console then says where), so the truth is always `findings`.

    :param look: turns a frame into what it shows; None: nobody looks. Called once per frame, and may take
        its time (0.3 s when there is text to read), so a live caller looks beforehand.
    :param fetch: brings the bytes of a capture (the guest's own dump, the kernel log of a memory dump).
    """

    def __init__(
        self, settings: DetectSettings, *, look: Look | None = None, fetch: Fetch | None = None
    ) -> None:
        self._settings = settings
        self._stream = LineStream()
        self._waking = Waking()
        self._console, self._windows = Console(doubt=self._waking.doubt), WindowsConsole()
        firmware_s = max(FIRMWARE_S, settings.boot_s * FIRMWARE_SHARE)
        self._boots = Boots(expected_boots=settings.expected_boots, firmware_s=firmware_s)
        self._machine = MachineEvents()
        self._silence = Silence(settings)
        self._screens = ScreenWatch(settings, look)
        self._captured = Captured(fetch)
        self._witness = Witness(settings, self._screens, self._captured)
        self._agent = Agent()
        self._excuses = Excuses()
        self._samples: deque[MachineSample] = deque(maxlen=MOST_SAMPLES)
        self._linux_reports = _Reports(self._console)
        self._windows_reports = _Reports(self._windows)
        self._fused: tuple[Fused, ...] = ()
        self._findings: tuple[Finding, ...] | None = ()
        self._state: object = None
        self._told: set[Key] = set()
        self._told_fatal: set[Key] = set()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One finding per real event, by time."""
        if self._findings is None:
            self._findings = self._witness.account(self._fused, self._boots.log)
        return self._findings

    @property
    def suppressed(self) -> tuple[Finding, ...]:
        """Noise of the infrastructure and text about crashes elsewhere, by time, each with its reason.
        Never judged."""
        noise = [*self._linux_reports.noise(), *self._windows_reports.noise(), *self._screens.suppressed]
        noise += [sighting.finding for sighting in self._all() if sighting.finding.suppressed]
        return tuple(sorted(noise, key=lambda finding: finding.t_s))

    @property
    def boots(self) -> BootLog:
        """The boots seen so far."""
        return self._boots.log

    @property
    def screens(self) -> Sequence[Shown]:
        """What was on the screen, in order, each kind once until another came."""
        return self._screens.shown

    @property
    def samples(self) -> tuple[MachineSample, ...]:
        """The machine's pulse; the last `MOST_SAMPLES`."""
        return tuple(self._samples)

    def feed(self, observation: Observation) -> list[Finding]:
        """Take one observation; the findings that it brought, or made fatal."""
        self._waking.feed(observation)
        if isinstance(observation, SerialChunk):
            self._read(self._stream.feed(observation))
        elif isinstance(observation, MachineSample):
            self._samples.append(observation)
        self._boots.feed(observation)
        self._machine.feed(observation)
        self._agent.feed(observation)
        self._excuses.feed(observation)
        self._captured.feed(observation)
        self._witness.feed(observation)
        self._screens.feed(observation, self._boots)
        self._silence.feed(observation, self._boots)
        return self._news()

    def finish(self, t_s: float) -> list[Finding]:
        """Nothing more comes: settle what is half read. `t_s`: when the recording ends."""
        self._read(self._stream.finish())
        self._console.finish()
        self._windows.finish()
        self._screens.finish(t_s, self._boots)
        self._silence.finish(t_s)
        self._state = None
        return self._news()

    def _read(self, block: Block | None) -> None:
        if block is not None:
            self._boots.read(block)
            self._console.feed(block)
            self._windows.feed(block)
            self._silence.read(block)
            if self._windows_reports.stopped():
                self._boots.stopped(block.t_s)

    def _news(self) -> list[Finding]:
        self._findings = None
        state = (
            self._linux_reports.version(),
            self._windows_reports.version(),
            self._boots.version,
            len(self._machine.findings),
            self._silence.version,
            self._screens.version,
            len(self._agent.findings),
            len(self._captured.findings),
            self._captured.asked_s,
        )
        if state == self._state:
            return []
        self._state = state
        self._fused = fuse(self._sightings(), self._boots.log, self._settings.loop_resets)
        return [event.finding for event in self._fused if self._untold(event)]

    def _untold(self, event: Fused) -> bool:
        new = event.keys.isdisjoint(self._told)
        if event.finding.fatal:
            new = new or event.keys.isdisjoint(self._told_fatal)
            self._told_fatal |= event.keys
        self._told |= event.keys
        return new

    def _sightings(self) -> list[Sighting]:
        return [sighting for sighting in self._all() if not sighting.finding.suppressed]

    def _all(self) -> list[Sighting]:
        """What every detector has; from when the lab asked the guest for evidence on, it is its answer."""
        found = [
            Sighting((name, number), finding)
            for name, reports in (("console", self._linux_reports), ("windows", self._windows_reports))
            for number, finding in reports.findings()
        ]
        found += [
            Sighting(("screen", number), finding, finding.boot, number in self._screens.tentative)
            for number, finding in enumerate(self._screens.findings)
        ]
        for name, findings in (
            ("machine", self._machine.findings),
            ("silence", self._silence.findings),
            ("agent", self._agent.findings),
        ):
            found += [Sighting((name, number), finding) for number, finding in enumerate(findings)]
        found = [self._excused(one) for one in found]
        asked_s = self._captured.asked_s
        if asked_s is not None:
            found = [_answer(one) if one.finding.t_s >= asked_s else one for one in found]
        return found + [
            Sighting(("dump", number), finding) for number, finding in enumerate(self._captured.findings)
        ]

    def _excused(self, sighting: Sighting) -> Sighting:
        """What a fault of the lab brings about is told with its reason, and not judged."""
        reason = self._excuses.reason(sighting.finding)
        if not reason or sighting.finding.suppressed:
            return sighting
        return replace(sighting, finding=replace(sighting.finding, fatal=False, suppressed=reason))


def _answer(sighting: Sighting) -> Sighting:
    return replace(sighting, finding=replace(sighting.finding, fatal=False, suppressed=ANSWER))


class _Reports:
    """A console's reports as findings, each made again only while its report still grows."""

    def __init__(self, console: Console | WindowsConsole) -> None:
        self._console = console
        self._seen = -1
        self._made: list[Finding | None] = []
        self._settled = 0
        """Reports before this one do not change any more."""
        self._changes = 0
        self._stops = 0

    def version(self) -> int:
        """Grows when `findings` would be different."""
        if self._seen != self._console.version:
            self._seen = self._console.version
            self._refresh()
        return self._changes

    def findings(self) -> list[tuple[int, Finding]]:
        """Those that are ready and no noise, with their number."""
        self.version()
        return [(at, made) for at, made in enumerate(self._made) if made is not None and not made.suppressed]

    def noise(self) -> list[Finding]:
        self.version()
        return [made for made in self._made if made is not None and made.suppressed]

    def stopped(self) -> bool:
        """Whether a stop was reported since the last time this was asked."""
        stops = sum(made.kind is FindingKind.BUGCHECK and made.fatal for _, made in self.findings())
        more, self._stops = stops > self._stops, max(stops, self._stops)
        return more

    def _refresh(self) -> None:
        reports: Sequence[Report | WindowsReport] = self._console.reports
        for at in range(self._settled, len(reports)):
            made = reports[at].finding() if reports[at].ready else None
            if at == len(self._made):
                self._made.append(made)
                self._changes += made is not None
            elif made != self._made[at]:
                self._made[at] = made
                self._changes += 1
        # a later line can still withdraw a report, or be the panic that it ended in
        settled = self._console.settled if isinstance(self._console, Console) else len(reports) - 2
        self._settled = max(self._settled, settled)


def detect(
    observations: Iterable[Observation],
    settings: DetectSettings,
    *,
    look: Look | None = None,
    fetch: Fetch | None = None,
) -> tuple[Finding, ...]:
    """The findings of a whole recording, by time."""
    return detected(observations, settings, look=look, fetch=fetch).findings


def detected(
    observations: Iterable[Observation],
    settings: DetectSettings,
    *,
    look: Look | None = None,
    fetch: Fetch | None = None,
) -> Detectors:
    """The detectors after a whole recording: findings, suppressed noise, boots and screens."""
    detectors, last = Detectors(settings, look=look, fetch=fetch), 0.0
    for observation in observations:
        detectors.feed(observation)
        last = max(last, observation.t_s)
    detectors.finish(last)
    return detectors
