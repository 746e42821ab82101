"""A file that ends too early: at every boundary of its format, and in the middle of every part."""

from __future__ import annotations

from collections.abc import Iterator

from lab.agents.content import Content, ContentField
from lab.faults.content.mutation import Damage, MutationKind


def cuts(content: Content) -> Iterator[Damage]:
    """Every place, from the front to the back."""
    for name, words, at in _places(content):
        yield Damage(
            name=f"cut-{name}",
            kind=MutationKind.CUT,
            sentence=f"ends {words}, after {at} of {len(content.data)} bytes",
            data=content.data[:at],
        )


def _places(content: Content) -> Iterator[tuple[str, str, int]]:
    """Name, words and offset."""
    for part in content.format.header:
        if part.at:
            yield f"before-header-{part.name}", f"before {part.name}", part.at
        if part.size > 1:
            yield f"in-header-{part.name}", f"in {part.name}", part.at + part.size // 2
    for field in content.fields:
        yield from _of_field(content, field)


def _of_field(content: Content, field: ContentField) -> Iterator[tuple[str, str, int]]:
    size = content.format.field_header_size
    where = f"field {field.index + 1} ({field.name})"
    yield f"before-{field.name}", f"before {where}", field.at
    if size > 1:
        yield f"in-{field.name}", f"in the header of {where}", field.at + size // 2
    if field.value:
        yield f"before-value-of-{field.name}", f"before the value of {where}", field.at + size
    if len(field.value) > 1:
        middle = field.at + size + len(field.value) // 2
        yield f"in-value-of-{field.name}", f"in the value of {where}", middle
