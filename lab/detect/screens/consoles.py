"""Text consoles: whether kernel text on the screen is this machine's panic or somebody's reading matter.

A call trace alone is no crash: warnings and the out-of-memory killer print one too. A panic after which a
prompt appears is a log that somebody printed. Refuses to know fonts and pixels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lab.detect.screens.signs import Seen
from lab.model import ScreenKind

PROMPT = re.compile(
    r"^(?:\[?[\w.-]+@[\w.-]+[:\s~][^#$>]{0,60}[#$>]|(?:sh|bash)[- ][\d.]+[#$]|[\w.-]{1,40} login:|[#$>]\s*$|"
    r"PS [A-Z]:\\|[A-Z]:\\[^>]{0,60}>)"
)
SHOWN = re.compile(
    r"[#$>]\s*(?:sudo\s+)?(?:cat|less|more|tail|head|grep|dmesg|journalctl|vim?|nano|zcat|echo)\b"
)
OOPS = re.compile(r"\b[O0o]ops:?\s*[0-9OoA-Fa-f]{4,16}\s*[\[({]?\s*#\s*[1-9lI]")
KERNEL_RIP = re.compile(r"\b[RE][I1l]P\s*:?\s*(?:[0O]{2}[1lI][0O]|[0O]{2}60)\s*:", re.IGNORECASE)
END_TRACE = re.compile(r"end trace [0-9a-fOolI]{8,}", re.IGNORECASE)
CONTROL = re.compile(r"\bCR2\s*:\s*[0-9a-fOo]{8,}")
BENIGN = re.compile(
    r"invoked oom-killer|oom-kill:|Out of memory: Kill|WARNING: CPU|cut here|INFO: task|hung_task",
    re.IGNORECASE,
)


def structural(lines: Sequence[str]) -> float:
    """Weight of the shape of an oops whose headline has scrolled away or was misread."""
    text = "\n".join(lines)
    weight = 1.0 if OOPS.search(text) else 0.0
    if BENIGN.search(text):
        return weight
    trace = "call trace" in text.lower() or "</task>" in text.lower()
    weight += 0.4 * bool(KERNEL_RIP.search(text)) + 0.4 * bool(END_TRACE.search(text))
    return weight + 0.3 * bool(CONTROL.search(text)) + 0.2 * trace


def is_reading_matter(lines: Sequence[str], panic: Sequence[Seen]) -> bool:
    """Whether the kernel text was printed by a command, or a prompt came after it."""
    last = max((seen.line for seen in panic if seen.sign.kind is ScreenKind.PANIC), default=-1)
    if any(SHOWN.search(line) for line in lines[: last + 1]):
        return True
    return any(seen.sign.id == "panic" for seen in panic) and any(
        PROMPT.match(line.strip()) for line in lines[last + 1 :]
    )


def has_prompt(lines: Sequence[str]) -> bool:
    return any(PROMPT.match(line.strip()) for line in lines[-3:])
