"""The scripts that the lab ships for Windows, as patterns: the STAND-IN knows them by their very text.

Made from the lab's own functions when the image is built, with values in their places that stand nowhere
else; a script that changes is known in its new form after the next build.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lab.guest.windows import checks, dialect, eventlog, facts, files, launch, waking
from lab.guest.windows.quoting import powershell
from lab.model import Identity

PATH, PART, TO = "C:\\lab-path-7d1f", "C:\\lab-part-7d1f", "C:\\lab-to-7d1f"
SIZE, SHA, MS = 715517, "7d1f" * 16, 7155170
TEXT, TOKEN, NAME = "lab-text-7d1f", "lab-token-7d1f", "lab-name-7d1f"
LITERAL = r"'(?:[^']|'')*'"


def known() -> dict[str, Any]:
    """What `guest/orders.py` is given."""
    values = {
        powershell(PART): ("part", LITERAL),
        powershell(TO): ("to", LITERAL),
        powershell(PATH): ("path", LITERAL),
        str(SIZE): ("size", r"\d+"),
        SHA: ("sha256", r"[0-9a-f]{64}"),
        str(MS): ("ms", r"\d+"),
    }
    scripts = {name: pattern(text, values) for name, text in SCRIPTS.items()}
    return {
        "line": launch.line(),
        "announce": pattern(launch.announced(TOKEN), {TOKEN: ("token", r"[^']+")}),
        "program": pattern(
            launch.started(NAME, TEXT),
            {f"'{NAME}'": ("name", LITERAL), f"'{TEXT}'": ("arguments", LITERAL)},
        ),
        "text": pattern(launch.guarded(TEXT), {f"'{TEXT}'": ("text", LITERAL)}),
        "scripts": sorted(scripts.items()),
    }


SCRIPTS: Mapping[str, str] = {
    "facts": facts.SCRIPT,
    "boot": dialect.BOOT_ID,
    "install": files.install(PART, TO, SIZE, SHA),
    "receive": files.receive(PART, TO, SIZE, SHA),
    "send": files.send(PATH),
    "digest": files.digest_of_first(PATH, SIZE),
    "remove": files.remove(PATH),
    "eventlog": eventlog.script(MS / 1000),
    "echo": checks.make_echo(PATH),
    "wake": str(waking.script(MS / 1000, Identity.KEEP, "", "same")),
}


def pattern(text: str, values: Mapping[str, tuple[str, str]]) -> str:
    """A regular expression for `text`, in which each of `values` may be anything of its kind.

    A value that stands there twice is the same in both places.
    """
    parts, seen = [], set()
    marks = "|".join(re.escape(mark) for mark in sorted(values, key=len, reverse=True))
    for piece in re.split(f"({marks})", text):
        if piece not in values:
            parts.append(re.escape(piece))
            continue
        name, form = values[piece]
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{form})")
        seen.add(name)
    return "".join(parts)
