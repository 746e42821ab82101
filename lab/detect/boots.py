"""Counting boots from independent signs, and saying of each whether somebody asked for it.

Signs: reset events of the hypervisor, firmware and boot-loader text, the kernel's banner and clock, a
new boot id told by the guest, a screen that only a running system shows. Signs of one boot come
seconds apart and in any order, so a sign opens a new boot only when the current boot already got past
that point. A guest that was put back to an earlier state has not booted. Refuses to say what is a fault.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from lab.detect.bootlog import Boot, BootKind, BootLog, Update
from lab.detect.bootsigns import STAMP, Sign, marked_lines, read_sign
from lab.detect.lines import Block, Line, LineStream, lines
from lab.model import Capture, Expectation, Heartbeat, MachineEvent, Observation, SerialChunk, Step

__all__ = ["Boot", "BootKind", "BootLog", "Boots", "Update", "count"]

LAG_S = 2.0
"""How far the recording of a reset event and that of the console can be apart, at most."""
BANNER_MAX_STAMP = 2.0
"""Seconds on the kernel's clock by which it has printed its banner; later it is somebody's `dmesg`."""
STAMP_DROP_S = 1.0
STALE_S = 1.0
"""An answer this soon after a reset was sent before it."""
STALE_ID_S = 30.0
"""So long after a reset an answer with the old boot id can still be one that was under way; later, the
guest was put back."""
STRIDE = 2048
"""Bytes of console between two looks at the kernel's clock while nothing else happens. Counted from the
start of serial.log, so that it does not matter how the stream was cut."""
STAMP_REACH = 64
"""Bytes of a line in which its time stamp begins."""
FIRMWARE_S = 30.0
"""Firmware has loaded a system by then, or has failed to: a reset after that is another boot, whatever
else was seen of this one."""
PROBES = frozenset({"sysrq", "nmi"})
"""Captures after which a guest may restart: the lab made it panic."""
OPERATIONS = frozenset({"install", "update", "rollback", "uninstall"})


@dataclass(slots=True)
class _Credit:
    """Boots that somebody has announced and that did not happen yet."""

    kind: BootKind
    reason: str = ""
    left: int = 0


@dataclass(slots=True)
class Boots:
    """The running count.

    :param expected_boots: resets that the image makes by itself after its first start; they count until
        the first operation on the agent or the first declared reboot.
    :param firmware_s: `FIRMWARE_S` on a host that is slower than usual.
    """

    expected_boots: int = 0
    firmware_s: float = FIRMWARE_S
    version: int = 0
    """Grows whenever the log changed."""
    _boots: list[Boot] = field(default_factory=list)
    _updates: list[Update] = field(default_factory=list)
    _asked: _Credit = field(default_factory=lambda: _Credit(BootKind.REQUESTED))
    _update: _Credit = field(default_factory=lambda: _Credit(BootKind.EXPECTED))
    _own: _Credit = field(init=False)
    _used: _Credit | None = None
    """What the current boot was counted against."""
    _stamp: float | None = None
    _old_stamp: float | None = None
    """The kernel's clock when the current boot began: text that goes on from there is the old boot's."""
    _due: int = 0
    """Offset from which on the next line's clock is looked at."""
    _settles_s: float = -1.0
    """Until then the console may still carry text from before a restore."""
    _reset_s: float = 0.0
    """When the current boot began or was last reset while in firmware."""
    _text_s: float = -1.0
    """When text that nothing else confirms said that the guest panicked or booted; -1: none."""
    _probed: bool = False
    _attended: bool = False
    """Whether anything but the console was ever recorded."""
    _missed: bool = False
    """Whether the last heartbeat failed."""

    def __post_init__(self) -> None:
        reason = "the image resets itself after its first start"
        self._own = _Credit(BootKind.EXPECTED, reason, self.expected_boots)

    @property
    def log(self) -> BootLog:
        return BootLog(tuple(self._boots), tuple(self._updates))

    @property
    def current(self) -> Boot | None:
        return self._boots[-1] if self._boots else None

    # -- everything but text ---------------------------------------------------

    def feed(self, observation: Observation) -> None:
        """Everything but serial text, which comes as whole lines through `read`."""
        self._attended = self._attended or isinstance(observation, MachineEvent | Heartbeat)
        match observation:
            case MachineEvent():
                self._event(observation)
            case Heartbeat(ok=True):
                self._heartbeat(observation)
            case Heartbeat():
                self._missed = True
                self._believe()
            case Expectation():
                self._expect(observation)
            case Capture(ok=True) if observation.what in PROBES:
                self._probed = True
            case Step(phase="start") if observation.name in OPERATIONS:
                self._own.left = 0
            case _:
                pass

    def looked(self, t_s: float, *, crashed: bool = False) -> None:
        """A screen that only a running system shows; the frame may be from before a reset just seen."""
        now = self.current
        if now is not None and t_s - now.t_s > LAG_S:
            self._sign("screen", t_s, new=False)
            if crashed and not now.crashed:
                self._text_s = t_s
                self._amend(t_s, crashed=True)

    def stopped(self, t_s: float) -> None:
        """The console told of a stop that only its own reader knows (Windows)."""
        if self._boots and not self._boots[-1].crashed:
            self._text_s = t_s
            self._amend(t_s, crashed=True)

    def _expect(self, expectation: Expectation) -> None:
        match expectation.what:
            case "reboot" | "shutdown":
                self._asked.left = max(1, expectation.boots) if expectation.begin else 0
                self._asked.reason = expectation.reason or f"the scenario declared a {expectation.what}"
                self._own.left = 0
            case "os-update":
                self._begin_update(expectation) if expectation.begin else self._end_update(expectation.t_s)
            case _:
                pass

    def _begin_update(self, expectation: Expectation) -> None:
        self._end_update(expectation.t_s)
        reason = expectation.reason or "an OS update"
        self._update = _Credit(BootKind.EXPECTED, f"{reason} restarts the guest", max(0, expectation.boots))
        self._updates.append(Update(expectation.t_s, None, reason))
        self.version += 1

    def _end_update(self, t_s: float) -> None:
        self._update.left = 0
        if self._updates and self._updates[-1].end_s is None:
            self._updates[-1] = replace(self._updates[-1], end_s=t_s)
            self.version += 1

    def _event(self, event: MachineEvent) -> None:
        if event.name in ("restored", "cloned") or event.details.get("restored"):
            self._restore(event.t_s)
            return
        match event.name:
            case "started":
                self._sign("start", event.t_s, new=any("start" in boot.signs for boot in self._boots))
            case "reset":
                if event.details.get("by") == "lab" or str(event.details.get("reason", "")).startswith(
                    "host-"
                ):
                    self._asked.left = max(self._asked.left, 1)
                    self._asked.reason = "the lab reset the machine"
                self._reset(event.t_s)
            case "panicked" | "crashloaded":
                self._text_s = -1.0
                self._amend(event.t_s, crashed=True)
            case _:
                pass

    def _restore(self, t_s: float) -> None:
        """The guest is in an earlier state again: its clock, boot id and text go back, nothing booted."""
        if not self._boots:
            self._sign("start", t_s, new=False)
            return
        self._amend(t_s, crashed=False, orderly=False, boot_id="", restored_s=t_s, answered=True)
        self._stamp, self._settles_s = None, t_s + LAG_S

    def _reset(self, t_s: float) -> None:
        now = self.current
        late = (
            now is not None
            and "reset" not in now.signs
            and "start" not in now.signs
            and t_s - now.t_s <= LAG_S
        )
        ran = now is not None and (now.past_firmware or t_s - self._reset_s > self.firmware_s)
        self._sign("reset", t_s, new=ran and not late)
        self._reset_s = t_s
        self._believe()

    def _heartbeat(self, beat: Heartbeat) -> None:
        self._disbelieve(beat.t_s)
        self._missed = False
        now = self.current
        if now is not None and self.stale(beat):
            return
        told = beat.boot_id or (now.boot_id if now else "")
        if now is not None and told != now.boot_id:
            if any(boot.boot_id == told for boot in self._boots[:-1]) and now.restored_s is None:
                self._restore(beat.t_s)  # an old boot id: the guest was put back and nobody said so
            elif now.boot_id:
                self._sign("boot-id", beat.t_s, new=True)
        first = self._boots[-1].answered_s if self._boots else None
        self._amend(beat.t_s, answered=True, answered_s=beat.t_s if first is None else first, boot_id=told)

    def _believe(self) -> None:
        """Something beside text shows that the guest went down."""
        if self._boots and self._boots[-1].doubtful:
            self._amend(self._boots[-1].t_s, doubtful=False)

    def _disbelieve(self, t_s: float) -> None:
        """A guest that answers all the time did not boot or panic: somebody printed a log."""
        if not self._boots or t_s - self._text_s < STALE_S:
            return
        if self._boots[-1].doubtful:
            self._boots.pop()
            self.version += 1
            if self._used is not None:
                self._used.left += 1
                self._used = None
        elif self._boots[-1].crashed and self._text_s >= 0:
            self._amend(t_s, crashed=False)
        self._text_s = -1.0

    def stale(self, beat: Heartbeat) -> bool:
        """Whether an answer was sent before the reset that began the current boot."""
        if len(self._boots) < 2:
            return False
        before, now = self._boots[-2:]
        soon = beat.t_s - now.t_s
        if beat.boot_id and now.boot_id != beat.boot_id:
            return before.boot_id == beat.boot_id and soon < STALE_ID_S
        return not now.answered and soon < STALE_S

    @property
    def _answering(self) -> bool:
        """Whether the guest answers and its hypervisor tells of resets: then text alone is no boot."""
        now = self.current
        told = bool(self._boots) and "start" in self._boots[0].signs
        return told and now is not None and now.answered and not now.crashed and not self._missed

    # -- text ------------------------------------------------------------------

    def read(self, block: Block) -> None:
        """Whole lines of the console."""
        done = 0
        for marked in (*marked_lines(block), len(block.data)):
            while (seen := self._clock_line(block, done, marked)) is not None:
                self._clock(block.t_s, block.start + seen[0], seen[1])
                done = seen[0] + 1
            if marked < len(block.data):
                self._line(next(lines(block, marked)))
                done = marked + 1

    def _clock_line(self, block: Block, position: int, end: int) -> tuple[int, float] | None:
        """The next line in [position, end) whose clock counts, and what it says: every line that shows the
        kernel's clock while a boot may be beginning, one in `STRIDE` bytes otherwise."""
        data, first = block.data, block.start
        while position < end:
            watchful = self._watchful
            if not watchful:
                position = max(position, self._due - first)
            if position > 0 and data[position - 1 : position] != b"\n":
                position = data.find(b"\n", position, end) + 1 or end
            if position >= end:
                return None
            found = STAMP.search(data, position, end if watchful else min(end, position + STAMP_REACH))
            if found is None and watchful:
                return None
            begins = data.rfind(b"\n", position, found.start()) + 1 or position if found else position
            self._due = (first + begins) // STRIDE * STRIDE + STRIDE
            if found:
                return begins, float(found[1])
            position += 1
        return None

    @property
    def _watchful(self) -> bool:
        now = self.current
        return now is None or now.crashed or "kernel" not in now.signs

    def _line(self, line: Line) -> None:
        now, sign = self.current, read_sign(line.text)
        if sign is not Sign.KERNEL and self._late(line.t_s, line.stamp):
            self._late_line(sign)
            return
        if sign is Sign.KERNEL and (line.stamp or 0.0) <= BANNER_MAX_STAMP:
            again = now is not None and (now.answered or now.crashed or self._banner_seen(now, line))
            self._sign("kernel", line.t_s, new=again, offset=line.start)
            self._stamp = line.stamp or 0.0
        elif sign is Sign.FIRMWARE and line.stamp is None:
            self._sign("firmware", line.t_s, new=now is not None and now.past_firmware, offset=line.start)
        elif line.stamp is not None:
            self._kernel_line(line.t_s, line.start, line.stamp)
        if sign is Sign.PANIC:
            if not (now and now.crashed):
                self._text_s = line.t_s
            self._amend(line.t_s, crashed=True)
        elif sign is Sign.RESTART:
            self._amend(line.t_s, orderly=True)

    def _clock(self, t_s: float, start: int, stamp: float) -> None:
        if not self._late(t_s, stamp):
            self._kernel_line(t_s, start, stamp)

    def _late(self, t_s: float, stamp: float | None) -> bool:
        """Whether text of the boot before was recorded after the reset event."""
        now = self.current
        if now is None or now.offset is not None or stamp is None or self._old_stamp is None:
            return False
        return t_s - now.t_s <= LAG_S and stamp >= self._old_stamp

    def _late_line(self, sign: Sign | None) -> None:
        if sign is not Sign.PANIC or len(self._boots) < 2:
            return
        before, now = self._boots[-2:]
        self._boots[-2] = replace(before, crashed=True)
        self.version += 1
        if self._used is not None:  # the reset was the panic's, not the announced one
            self._boots[-1] = replace(now, kind=BootKind.UNEXPECTED, reason="")
            self._used.left += 1
            self._used = None

    def _banner_seen(self, now: Boot, line: Line) -> bool:
        """Some kernels print a few lines before the banner, arm64 always one, at time zero all of them."""
        twice = line.stamp is not None and self._stamp is not None and line.stamp >= self._stamp
        return "kernel" in now.signs and not twice

    def _kernel_line(self, t_s: float, start: int, stamp: float) -> None:
        """Where the banner is hidden (`quiet`), any kernel message shows that the kernel runs, and a clock
        that fell shows that it is another one."""
        settling = t_s <= self._settles_s
        fell = self._stamp is not None and stamp < self._stamp - STAMP_DROP_S and not settling
        now = self.current
        if fell or now is None or "kernel" not in now.signs:
            ran = now is not None and "kernel" in now.signs
            self._sign("kernel", t_s, new=fell and ran, offset=start)
        self._stamp = stamp

    # -- the log ---------------------------------------------------------------

    def _sign(self, sign: str, t_s: float, *, new: bool, offset: int | None = None) -> None:
        if not self._boots or new:
            kind, reason = self._kind()
            doubtful = offset is not None and self._answering
            boot = Boot(number=len(self._boots) + 1, t_s=t_s, kind=kind, reason=reason, doubtful=doubtful)
            self._boots.append(boot)
            self._reset_s = t_s
            self._text_s = t_s if doubtful else -1.0
            self._old_stamp, self._stamp = self._stamp, None
            self.version += 1
        now = self._boots[-1]
        place = now.offset if now.offset is not None else offset
        if sign not in now.signs or place != now.offset:
            signs = now.signs if sign in now.signs else (*now.signs, sign)
            self._boots[-1] = replace(now, signs=signs, offset=place)
            self.version += 1

    def _kind(self) -> tuple[BootKind, str]:
        self._used = None
        if not self._boots:
            return BootKind.FIRST, ""
        if self._probed:
            return BootKind.REQUESTED, "the lab asked the guest for evidence"
        if self._boots[-1].crashed:
            return BootKind.UNEXPECTED, ""
        if not self._attended:
            return BootKind.EXPECTED, "nothing was recorded that could tell who wanted it"
        for credit in (self._asked, self._update, self._own):
            if credit.left > 0:
                credit.left -= 1
                self._used = credit
                return credit.kind, credit.reason
        return BootKind.UNEXPECTED, ""

    def _amend(self, t_s: float, **facts: bool | str | float) -> None:
        if not self._boots:
            self._sign("start", t_s, new=False)
        changed = replace(self._boots[-1], **facts)  # type: ignore[arg-type]
        if changed != self._boots[-1]:
            self._boots[-1] = changed
            self.version += 1


def count(observations: Iterable[Observation], expected_boots: int = 0) -> BootLog:
    """The boots of a whole recording. `expected_boots`: as in `DetectSettings`."""
    boots, stream = Boots(expected_boots), LineStream()
    for observation in observations:
        boots.feed(observation)
        block = stream.feed(observation) if isinstance(observation, SerialChunk) else None
        if block:
            boots.read(block)
    rest = stream.finish()
    if rest:
        boots.read(rest)
    return boots.log
