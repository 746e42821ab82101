"""run.json and attempt.json as a reader finds them: what is missing, or of another kind, is nothing.

Only reads; what is made of it, `document` and `hosts` say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any


def moment(text: str) -> float | None:
    """Seconds since the epoch of ISO 8601 text, or None."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def part(facts: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The mapping at `key`, or an empty one."""
    found = facts.get(key)
    return found if isinstance(found, Mapping) else {}


def by_name(told: object) -> dict[str, Mapping[str, Any]]:
    """A mapping by name, also from a list of things that have a `name`."""
    if isinstance(told, Mapping):
        return {str(name): item for name, item in told.items() if isinstance(item, Mapping)}
    if isinstance(told, Sequence) and not isinstance(told, str):
        return {str(item["name"]): item for item in told if isinstance(item, Mapping) and "name" in item}
    return {}


def texts(told: object) -> list[str]:
    """A list of texts, or an empty one."""
    return [str(one) for one in told] if isinstance(told, list | tuple | dict) else []


def numbers(told: object) -> dict[str, float]:
    """Numbers by name, or none."""
    return {str(name): float(value) for name, value in told.items()} if isinstance(told, Mapping) else {}
