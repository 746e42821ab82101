"""What a pattern is: how a report begins, what it is called, and how its function is found.

The tables are in the modules beside this one, by family. Refuses to read a log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from lab.model import FindingKind


class Role(StrEnum):
    """What a line means for the report that is open when it comes."""

    REPORT = "report"
    """Begins a report."""
    HEADER = "header"
    """Belongs to the oops that is open, and begins one only where none is."""
    PANIC = "panic"
    """The kernel ends: closes what was open, after it nothing counts until the next boot."""
    LINE = "line"
    """Says everything in one line; has no body."""


class Blame(StrEnum):
    """Where the function that names a bug stands in its report."""

    NOBODY = "nobody"
    """The title has no function."""
    NAMED = "named"
    """In the first line, then in the stack."""
    POINTER = "pointer"
    """At the instruction pointer, then in the stack below it."""
    STACK = "stack"
    """In the first stack."""
    LOCK = "lock"
    """At the first `at: function` after the words that `after` matches, then in the stack."""
    CHAIN = "chain"
    """Like a lock's; then where the other lock is held, and how the chain of locks came about."""
    STALL = "stall"
    """What the innermost dispatcher had called."""
    INTERRUPTED = "interrupted"
    """The same, where the stack begins in the interrupt that found the stall."""
    HANG = "hang"
    """The first frame that does not merely wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One way in which a report begins."""

    id: str
    kind: FindingKind
    start: re.Pattern[str]
    """Matched at the start of the message, decoration taken off. Groups: `what` (for the title),
    `function` and `module` (whose it is)."""
    hot: tuple[bytes, ...]
    """Words of which every such line holds one, for the fast search: at least four bytes each."""
    title: str
    """`{what}`: from `start`; `{access}` and `{place}`: from `detail`; `{function}`: the blamed
    one. Without `{function}`, ` in FUNCTION` is appended if there is one."""
    example: str
    source: str
    """Where in the kernel's (or another program's) source the text comes from."""
    fatal: bool = False
    """The kernel broke or the guest stopped, whether or not it also panics."""
    role: Role = Role.REPORT
    blame: Blame = Blame.NOBODY
    alts: tuple[str, ...] = ()
    """More titles of the same bug, in the same notation."""
    skip: re.Pattern[str] | None = None
    """Functions that carry only this sort of news."""
    after: re.Pattern[str] | None = None
    """The words before the place that counts, for Blame.LOCK, CHAIN and STACK."""
    detail: re.Pattern[str] | None = None
    """Searched in the lines of the report; its first match gives groups for the title."""
    stackless: bool = False
    """Complete without a call trace."""
    anyone: bool = False
    """Printed by programs as well as by the kernel: a missing time stamp proves nothing."""
    stamped: bool = False
    """Too little to go by, unless it has the kernel's time stamp or begins what was recorded."""
    prelude: bool = False
    """A program's fault begins so too: it counts only when the kernel's oops or panic follows."""
    firmware: bool = False
    """Said before there is a kernel, or by what loads it: a kernel that starts withdraws it, if tentative."""
    vouched: bool = False
    """So common a phrase that, without the kernel's time stamp, a stack must follow."""
    tentative: bool = False
    """Withdrawn when the system comes up after it."""
    includes: re.Pattern[str] | None = None
    """Lines that would begin reports of their own, and are a part of this one."""
    yields: bool = False
    """Where it ends in a panic, the panic's reason names the bug."""
    noise: str = ""
    """Why such a report says nothing about this guest's kernel, or ""."""
    broken: str = ""
    """Why a report that begins so is always incomplete, or ""."""


def rx(pattern: str) -> re.Pattern[str]:
    """ASCII classes only: digits and words of a kernel log."""
    return re.compile(pattern, re.ASCII)


SYMBOL = r"(?P<function>[A-Za-z_][\w.$]{0,200})\+0x[0-9a-f]{1,8}(?:/0x[0-9a-f]{1,8})?"
"""`demo_sensor_match+0x1c2/0x210`."""
MODULE = r"(?: \[(?P<module>[\w-]{1,64})[^\]]{0,80}\])?"
PLACE = f"(?: {SYMBOL}{MODULE})?"
CONDITION = r"(?:\[.{1,300}\] )?"
"""CONFIG_DEBUG_BUGVERBOSE_DETAILED puts what was not true before the file: `[x < 0] drivers/demo.c:88`."""
BRACKETED = r"(?:\[ ?)?"
"""Lockdep put its headings in brackets until Linux 4.12: `[ INFO: possible ... ]`."""
