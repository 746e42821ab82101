"""Counting boots from independent signs, and saying of each whether somebody asked for it.

Signs: reset events of the hypervisor, firmware and boot-loader text, the kernel's banner, a new
boot id told by the guest. Signs of one boot come seconds apart and in any order, so a sign opens
a new boot only when the current boot already got past that point. Refuses to say what is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from lab.detect.lines import Block, Line, LineStream, line_start, lines
from lab.model import Expectation, Heartbeat, MachineEvent, Observation, SerialChunk

LAG_S = 2.0
"""How far the recording of a reset event and that of the console can be apart, at most."""
BANNER_MAX_STAMP = 2.0
"""Seconds on the kernel's clock by which it has printed its banner; later it is somebody's `dmesg`."""
STAMP_DROP_S = 1.0
STALE_S = 1.0
"""An answer this soon after a reset was sent before it."""

FIRMWARE = re.compile(
    r"SeaBIOS \(version |"
    r"BdsDxe: (?:loading|starting) Boot|UEFI firmware \(version |Welcome to GRUB!|"
    r"GRUB loading|systemd-boot |iPXE \(|Booting from (?:Hard Disk|ROM)|EFI stub: ",
    re.ASCII,
)
KERNEL = re.compile(r"Linux version \d|Booting Linux on physical CPU", re.ASCII)
PANIC = re.compile(r"Kernel panic - not syncing", re.ASCII)
HOT = re.compile(
    rb"SeaBIOS |BdsDxe: |UEFI firmware|GRUB|systemd-boot|iPXE |Booting |EFI stub: |"
    rb"Linux version |Kernel panic|"
    rb"\[ {0,6}\d{1,8}\.\d{6}\]"
)


class BootKind(StrEnum):
    """Who wanted a boot."""

    FIRST = "first"
    REQUESTED = "requested"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """One start of the guest's operating system."""

    number: int
    """From 1."""
    t_s: float
    """When its first sign was seen."""
    kind: BootKind
    signs: tuple[str, ...] = ()
    """`start`, `reset`, `firmware`, `kernel`, `boot-id`, in the order seen."""
    offset: int | None = None
    """Where its text starts in serial.log, once there is some."""
    boot_id: str = ""
    answered: bool = False
    """A channel into the guest worked."""
    crashed: bool = False
    """It ended in a kernel panic (by text or event)."""

    @property
    def past_firmware(self) -> bool:
        """Whether the operating system ran: a reset after that is another boot."""
        return self.answered or self.crashed or not {"kernel", "boot-id"}.isdisjoint(self.signs)


@dataclass(frozen=True, slots=True)
class BootLog:
    """All boots of an attempt, in order; empty when there was no sign of any."""

    boots: tuple[Boot, ...] = ()

    @property
    def count(self) -> int:
        return len(self.boots)

    @property
    def unexpected(self) -> tuple[Boot, ...]:
        return tuple(boot for boot in self.boots if boot.kind is BootKind.UNEXPECTED)

    def at(self, t_s: float, offset: int | None = None) -> int:
        """The number of the boot in which something happened; text is placed by its offset in serial.log,
        since it can be recorded after the reset that followed it. 1 when nothing is known."""
        number = 1
        for boot in self.boots:
            begun = boot.t_s <= t_s
            if offset is not None:
                begun = boot.offset <= offset if boot.offset is not None else begun
            number = boot.number if begun else number
        return number


@dataclass(slots=True)
class Boots:
    """The running count."""

    _boots: list[Boot] = field(default_factory=list)
    _credits: int = 0
    _stamp: float | None = None
    _old_stamp: float | None = None
    """The kernel's clock when the current boot began: text that goes on from there is the old boot's."""

    @property
    def log(self) -> BootLog:
        return BootLog(tuple(self._boots))

    @property
    def current(self) -> Boot | None:
        return self._boots[-1] if self._boots else None

    def feed(self, observation: Observation) -> None:
        """Everything but serial text, which comes as whole lines through `read`."""
        match observation:
            case MachineEvent():
                self._event(observation)
            case Heartbeat(ok=True):
                self._heartbeat(observation)
            case Expectation(what="reboot" | "shutdown"):
                self._credits = 1 if observation.begin else 0
            case _:
                pass

    def read(self, block: Block) -> None:
        """Whole lines of the console."""
        position = 0
        while hot := HOT.search(block.data, position):
            line = next(lines(block, line_start(block, hot.start(), position)))
            position = line.end - block.start
            self._line(line)

    def _event(self, event: MachineEvent) -> None:
        match event.name:
            case "started":
                self._sign("start", event.t_s, new=any("start" in boot.signs for boot in self._boots))
            case "reset":
                asked = event.details.get("by") == "lab" or str(event.details.get("reason", "")).startswith(
                    "host-"
                )
                self._credits = max(self._credits, int(asked))
                self._reset(event.t_s)
            case "panicked":
                self._amend(event.t_s, crashed=True)
            case _:
                pass

    def _reset(self, t_s: float) -> None:
        now = self.current
        late = (
            now is not None
            and "reset" not in now.signs
            and "start" not in now.signs
            and t_s - now.t_s <= LAG_S
        )
        self._sign("reset", t_s, new=now is not None and now.past_firmware and not late)

    def _heartbeat(self, beat: Heartbeat) -> None:
        now = self.current
        if now is not None and self.stale(beat):
            return
        told = beat.boot_id or (now.boot_id if now else "")
        if now is not None and now.boot_id not in ("", told):
            self._sign("boot-id", beat.t_s, new=True)
        self._amend(beat.t_s, answered=True, boot_id=told)

    def stale(self, beat: Heartbeat) -> bool:
        """Whether an answer was sent before the reset that began the current boot."""
        if len(self._boots) < 2:
            return False
        before, now = self._boots[-2:]
        if beat.boot_id and now.boot_id != beat.boot_id:
            return before.boot_id == beat.boot_id
        return not now.answered and beat.t_s - now.t_s < STALE_S

    def _line(self, line: Line) -> None:
        now = self.current
        if self._late(line):
            self._late_line(line)
        elif KERNEL.match(line.text) and (line.stamp or 0.0) <= BANNER_MAX_STAMP:
            again = now is not None and (now.answered or now.crashed or self._banner_seen(now, line))
            self._sign("kernel", line.t_s, new=again, offset=line.start)
            self._stamp = line.stamp or 0.0
        elif line.stamp is None and FIRMWARE.match(line.text):
            self._sign("firmware", line.t_s, new=now is not None and now.past_firmware, offset=line.start)
        elif line.stamp is not None:
            self._kernel_line(line, line.stamp)
        if PANIC.match(line.text) and not self._late(line):
            self._amend(line.t_s, crashed=True)

    def _late(self, line: Line) -> bool:
        """Whether text of the boot before was recorded after the reset event."""
        now = self.current
        if now is None or now.offset is not None or line.stamp is None or self._old_stamp is None:
            return False
        soon = line.t_s - now.t_s <= LAG_S and not KERNEL.match(line.text)
        return soon and line.stamp >= self._old_stamp

    def _late_line(self, line: Line) -> None:
        if not PANIC.match(line.text) or len(self._boots) < 2:
            return
        before, now = self._boots[-2:]
        self._boots[-2] = replace(before, crashed=True)
        if now.kind is BootKind.REQUESTED:  # the reset was the panic's, not the requested one
            self._boots[-1] = replace(now, kind=BootKind.UNEXPECTED)
            self._credits = 1

    def _banner_seen(self, now: Boot, line: Line) -> bool:
        """arm64 prints two lines that count as a banner, at time zero both."""
        twice = line.stamp is not None and self._stamp is not None and line.stamp >= self._stamp
        return "kernel" in now.signs and not twice

    def _kernel_line(self, line: Line, stamp: float) -> None:
        """Where the banner is hidden (`quiet`), any kernel message shows that the kernel runs, and a clock
        that fell shows that it is another one."""
        fell = self._stamp is not None and stamp < self._stamp - STAMP_DROP_S
        now = self.current
        self._stamp = stamp
        if fell or now is None or "kernel" not in now.signs:
            ran = now is not None and "kernel" in now.signs
            self._sign("kernel", line.t_s, new=fell and ran, offset=line.start)

    def _sign(self, sign: str, t_s: float, *, new: bool, offset: int | None = None) -> None:
        if not self._boots or new:
            self._boots.append(Boot(number=len(self._boots) + 1, t_s=t_s, kind=self._kind()))
            self._old_stamp, self._stamp = self._stamp, None
        now = self._boots[-1]
        signs = now.signs if sign in now.signs else (*now.signs, sign)
        place = now.offset if now.offset is not None else offset
        self._boots[-1] = replace(now, signs=signs, offset=place)

    def _kind(self) -> BootKind:
        if not self._boots:
            return BootKind.FIRST
        if self._credits and not self._boots[-1].crashed:
            self._credits -= 1
            return BootKind.REQUESTED
        return BootKind.UNEXPECTED

    def _amend(self, t_s: float, **facts: bool | str) -> None:
        if not self._boots:
            self._sign("start", t_s, new=False)
        self._boots[-1] = replace(self._boots[-1], **facts)  # type: ignore[arg-type]


def count(observations: Iterable[Observation]) -> BootLog:
    """The boots of a whole recording."""
    boots, stream = Boots(), LineStream()
    for observation in observations:
        boots.feed(observation)
        block = stream.feed(observation) if isinstance(observation, SerialChunk) else None
        if block:
            boots.read(block)
    rest = stream.finish()
    if rest:
        boots.read(rest)
    return boots.log
