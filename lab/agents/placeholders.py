"""Placeholders in the command lines of agent.yaml: `{dir}`, `{build}`, ... and nothing cleverer.

Values come from names that the manifest checks (no spaces, no quotes), so a filled command needs
no quoting. Braces of the shell (`${x}`, `{ a; }`) are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_PLACEHOLDER = re.compile(r"(?<!\$)\{([a-z][a-z_]*)\}")


def names(text: str) -> list[str]:
    """The placeholders in `text`, in order."""
    return _PLACEHOLDER.findall(text)


def check(text: str, known: Iterable[str]) -> str:
    """`text` itself when it uses only `known` placeholders.

    :raise ValueError: it uses another one.
    """
    allowed = sorted(known)
    for name in names(text):
        if name not in allowed:
            listed = ", ".join(f"{{{one}}}" for one in allowed)
            raise ValueError(f"placeholder {{{name}}} is not known here (wanted one of {listed})")
    return text


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with its placeholders replaced.

    :raise KeyError: a placeholder has no value; the manifest's checks make that impossible.
    """
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)
