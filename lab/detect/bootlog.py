"""The boots of an attempt as values: what is known of each, and where in them something happened.

Refuses to count them; that is boots.py's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BootKind(StrEnum):
    """Who wanted a boot."""

    FIRST = "first"
    REQUESTED = "requested"
    """By the scenario or the lab."""
    EXPECTED = "expected"
    """By nobody in particular, but known beforehand: an OS update's own, or a habit of the image."""
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """One start of the guest's operating system."""

    number: int
    """From 1."""
    t_s: float
    """When its first sign was seen."""
    kind: BootKind
    reason: str = ""
    """Why it was requested or expected."""
    signs: tuple[str, ...] = ()
    """`start`, `reset`, `firmware`, `kernel`, `boot-id`, `screen`, in the order seen."""
    offset: int | None = None
    """Where its text starts in serial.log, once there is some."""
    boot_id: str = ""
    answered: bool = False
    """A channel into the guest worked."""
    answered_s: float | None = None
    """When the first answer of this boot came."""
    crashed: bool = False
    """It ended in a kernel panic or a stop code (by text, screen or event)."""
    orderly: bool = False
    """Its kernel said that it restarts or switches off as told."""
    restored_s: float | None = None
    """When the lab last put the guest back to an earlier state of this boot."""

    doubtful: bool = False
    """Only text speaks for it, of a guest that answered until then: perhaps somebody printed a log."""

    @property
    def past_firmware(self) -> bool:
        """Whether the operating system ran: a reset after that is another boot."""
        return self.answered or self.crashed or not {"kernel", "boot-id", "screen"}.isdisjoint(self.signs)


@dataclass(frozen=True, slots=True)
class Update:
    """An OS update that the scenario declared."""

    start_s: float
    end_s: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class BootLog:
    """All boots of an attempt, in order; empty when there was no sign of any."""

    boots: tuple[Boot, ...] = ()
    updates: tuple[Update, ...] = ()

    @property
    def count(self) -> int:
        return len(self.boots)

    @property
    def unexpected(self) -> tuple[Boot, ...]:
        return tuple(boot for boot in self.boots if boot.kind is BootKind.UNEXPECTED and not boot.doubtful)

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

    def boot(self, number: int) -> Boot | None:
        return self.boots[number - 1] if 0 < number <= len(self.boots) else None

    def update_at(self, t_s: float) -> Update | None:
        """The declared OS update that was going on."""
        return next(
            (one for one in self.updates if one.start_s <= t_s and (one.end_s is None or t_s <= one.end_s)),
            None,
        )
