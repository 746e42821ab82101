"""A console log as another console or collector would have written it: what must not change a finding.

Refuses to change what the kernel said.
"""

from __future__ import annotations

import re
from collections.abc import Callable

STAMPED = re.compile(rb"^(?:<\d{1,3}>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?", re.MULTILINE)
"""`[   12.345678][  T123] `."""
TIMED = re.compile(rb"^(?=\[ *\d+\.\d)", re.MULTILINE)
LINE = re.compile(rb"^(.*)$", re.MULTILINE)


def _before(data: bytes, prefix: bytes) -> bytes:
    return b"".join(prefix + line for line in data.splitlines(keepends=True))


DRESSES: dict[str, Callable[[bytes], bytes]] = {
    "no-stamps": lambda data: STAMPED.sub(b"", data),
    "levels": lambda data: TIMED.sub(b"<4>", data),
    "syslog": lambda data: _before(STAMPED.sub(b"", data), b"Nov 23 05:57:54 guest kernel: "),
    "collected": lambda data: _before(data, b"2026-11-23T05:57:54.123456Z "),
    "crlf": lambda data: data.replace(b"\n", b"\r\n"),
    "colours": lambda data: LINE.sub(lambda line: b"\x1b[0;31m" + line[1] + b"\x1b[0m", data),
}
"""By the name of the variant: time stamps taken off; `<4>` before each; syslog's prefix instead of them; a
collector's time before each line; other line ends; colours."""


def dressed(data: bytes, variant: str) -> bytes:
    """The log in another dress; "" leaves it as it is."""
    return DRESSES[variant](data) if variant else data
