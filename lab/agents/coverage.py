"""What the exercise of a content has shown of it: which fields were compared with a value, which never.

A wildcard matches whatever the agent hands it, and whatever lies past its end. A field that is a wildcard
in every content that was ever tested is not tested. Refuses to call that a failure: it is told as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.agents.content import Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Of one content, by field name."""

    fields: int
    values: tuple[str, ...]
    """Compared with a value when the content matched."""
    wildcards: tuple[str, ...]
    """Anything will do: no value of theirs was ever compared."""


def coverage(content: Content, *, matched: bool) -> Coverage:
    """:param matched: whether the content was seen to match; a field counts as compared only then."""
    return Coverage(
        fields=len(content.fields),
        values=content.values if matched else (),
        wildcards=content.wildcards,
    )
