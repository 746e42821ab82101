"""Values with their unit written in them: `512MiB`, `90s`, `72h`. No unit, no meaning: refused.

Annotated types for pydantic models; each carries its own JSON Schema so that editors check the
same pattern. In code sizes are whole MiB (`_mib`) and durations seconds (`_s`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Strict, WithJsonSchema

_SIZE = re.compile(r"([0-9]{1,9})(KiB|MiB|GiB|TiB)")
_KIB = {"KiB": 1, "MiB": 1024, "GiB": 1024**2, "TiB": 1024**3}
_DURATION = re.compile(r"(?:([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d))")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

LONGEST_NAME = 255
"""Of ext4, XFS and Btrfs alike."""
SIZE_PATTERN = r"^[0-9]{1,9}(KiB|MiB|GiB|TiB)$"
DURATION_PATTERN = r"^([0-9]{1,9}(\.[0-9]{1,6})?(ms|s|m|h|d))+$"


def size_mib(text: object) -> int:
    """`512MiB` -> 512, `2GiB` -> 2048.

    :raise ValueError: no unit, an unknown unit, or not a whole number of MiB.
    """
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("wanted a size with its unit, such as 512MiB or 2GiB")
    kib = int(match[1]) * _KIB[match[2]]
    if kib == 0 or kib % 1024:
        raise ValueError("wanted a size of whole MiB, at least 1MiB")
    return kib // 1024


def duration_s(text: object) -> float:
    """`90s` -> 90.0, `15m` -> 900.0, `1h30m` -> 5400.0, `250ms` -> 0.25.

    :raise ValueError: no unit, an unknown unit, or nothing at all.
    """
    if not isinstance(text, str) or not re.fullmatch(DURATION_PATTERN, text):
        raise ValueError("wanted a duration with its unit, such as 90s, 15m or 72h")
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))


def path_text(text: str) -> str:
    """A path as it may be written: relative, absolute, or below a user's home.

    :raise ValueError: no file can be called that.
    """
    if "\0" in text or any(len(part.encode("utf-8", "replace")) > LONGEST_NAME for part in text.split("/")):
        raise ValueError(f"wanted a path, whose names have at most {LONGEST_NAME} bytes and no NUL")
    try:
        Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(f"wanted a path, {text.partition('/')[0]!r} is nobody's home here") from error
    return text


def size_text(mib: int) -> str:
    """The shortest exact spelling of a size: 2048 -> `2GiB`."""
    return f"{mib // 1024}GiB" if mib and mib % 1024 == 0 else f"{mib}MiB"


def duration_text(seconds: float) -> str:
    """A duration for people, to the second: 5400 -> `1h30m`, 42.4 -> `42s`."""
    whole = max(0, round(seconds))
    if 0 < seconds < 1:
        return f"{round(seconds * 1000)}ms"
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{left}s" if left else ""]
    return "".join(parts) or "0s"


def _size_or_same(value: Any) -> Any:
    # defaults in the models are numbers already; from YAML only text arrives
    return value if isinstance(value, int) and not isinstance(value, bool) else size_mib(value)


def _duration_or_same(value: Any) -> Any:
    return value if isinstance(value, float) else duration_s(value)


MiB = Annotated[
    int,
    BeforeValidator(_size_or_same),
    WithJsonSchema({"type": "string", "pattern": SIZE_PATTERN, "examples": ["512MiB", "2GiB"]}),
]
"""A size; whole MiB in code."""

Seconds = Annotated[
    float,
    BeforeValidator(_duration_or_same),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["90s", "15m", "72h"]}),
]
"""A duration; seconds in code."""

PathText = Annotated[str, AfterValidator(path_text)]
"""A path; relative ones are below the directory of the file."""

Text = Annotated[str, WithJsonSchema({"type": ["string", "number"]})]
"""Text that may look like a number: `build: 1.10` is the text `1.10`."""

Flag = Annotated[bool, Strict()]
"""`true` or `false`; neither `yes` nor `1`."""
