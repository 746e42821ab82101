"""Text of which only a certain spelling is taken, refused in words that say what was wanted.

pydantic's own `pattern` shows the expression instead, which is no sentence. Knows no file's keys.
"""

from __future__ import annotations

import re

from pydantic import AfterValidator


def spelled(pattern: str, wanted: str) -> AfterValidator:
    """Takes text that `pattern` matches from end to end; any other is refused with `wanted ...`."""
    whole = re.compile(pattern)

    def check(text: str) -> str:
        if not whole.fullmatch(text):
            raise ValueError(f"wanted {wanted}")
        return text

    return AfterValidator(check)
