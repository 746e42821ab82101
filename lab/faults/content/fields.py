"""Damage to the fields: one too many or too few, a value where there was none, headers without sense."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.agents.content import Content, ContentField, ContentFormat, Role
from lab.faults.content.mutation import Damage, MutationKind, put_number

LONG = 4096
"""Bytes of a value that is longer than any input."""
UNKNOWN = 0x7F
"""A type and a matcher that are none."""
MISENCODED = {Role.TYPE: "unknown", Role.MATCHER: "unknown", Role.LENGTH: "past-end"}


def encoded(form: ContentFormat, kind: int, value: bytes | None) -> bytes:
    """One field as it stands in a file; None is a wildcard."""
    head = bytes(form.field_header_size)
    numbers = {
        Role.TYPE: kind,
        Role.MATCHER: form.wildcard if value is None else form.value,
        Role.LENGTH: len(value or b""),
    }
    for role, number in numbers.items():
        part = form.field_part(role)
        if part is not None:
            head = put_number(form, head, part.at, part.size, number)
    return head + (value or b"")


def joined(content: Content, fields: Sequence[bytes]) -> bytes:
    """The content's header with other fields behind it, counted right."""
    form = content.format
    head = content.data[: form.first_field]
    count = form.part(Role.COUNT)
    if count is not None:
        head = put_number(form, head, count.at, count.size, len(fields))
    return head + b"".join(fields)


def counted(content: Content) -> Iterator[Damage]:
    """One field too many, one too few; the header says how many there are."""
    form, old = content.format, _raw(content)
    number = len(old) + 1
    kind, sample = _first_type(form)
    extra = {"wildcard": encoded(form, kind, None), "value": encoded(form, kind, sample)}
    for word, field in extra.items():
        article = "a wildcard" if word == "wildcard" else "with a value"
        yield Damage(
            name=f"field-more-{word}",
            kind=MutationKind.FIELDS,
            sentence=f"one field more, number {number} ({form.name(len(old))}), {article}",
            data=joined(content, [*old, field]),
        )
    if old:
        last = content.fields[-1].name
        yield Damage(
            name="field-less",
            kind=MutationKind.FIELDS,
            sentence=f"one field less: without the last ({last})",
            data=joined(content, old[:-1]),
        )
        yield Damage(
            name="field-less-first",
            kind=MutationKind.FIELDS,
            sentence=f"one field less: without the first ({content.fields[0].name}), all others one place up",
            data=joined(content, old[1:]),
        )


def valued(content: Content) -> Iterator[Damage]:
    """A value in each wildcard, and a wildcard in each value: well formed, and not what was tested."""
    form, old = content.format, _raw(content)
    swapped = [_swapped(form, field) for field in content.fields]
    for field, new in zip(content.fields, swapped, strict=True):
        word = "value" if field.wildcard else "wildcard"
        was = "a wildcard" if field.wildcard else f"the value {field.value!r}"
        yield Damage(
            name=f"{word}-in-{field.name}",
            kind=MutationKind.VALUE,
            sentence=f"field {field.index + 1} ({field.name}) is a {word}, it was {was}",
            data=joined(content, [*old[: field.index], new, *old[field.index + 1 :]]),
        )
    for word, wildcard in (("value", True), ("wildcard", False)):
        every = [
            new if field.wildcard is wildcard else before
            for field, new, before in zip(content.fields, swapped, old, strict=True)
        ]
        yield Damage(
            name=f"{word}-in-every-field",
            kind=MutationKind.VALUE,
            sentence=f"every field is a {word}",
            data=joined(content, every),
        )
    for field in [one for one in content.fields if not one.wildcard][:1]:
        long = encoded(form, field.type, (field.value * LONG)[:LONG])
        yield Damage(
            name=f"long-value-in-{field.name}",
            kind=MutationKind.VALUE,
            sentence=f"field {field.index + 1} ({field.name}) has a value of {LONG} bytes",
            data=joined(content, [*old[: field.index], long, *old[field.index + 1 :]]),
        )


def misencoded(content: Content) -> Iterator[Damage]:
    """Types and matchers that do not exist, lengths that lead out of the file; first and last field."""
    form = content.format
    ends = dict.fromkeys((content.fields[0], content.fields[-1])) if content.fields else {}
    for field in ends:
        for role, word in MISENCODED.items():
            part = form.field_part(role)
            if part is None:
                continue
            greatest = (1 << 8 * part.size) - 1
            number = greatest if role is Role.LENGTH else min(UNKNOWN, greatest)
            yield Damage(
                name=f"{part.name}-{word}-in-{field.name}",
                kind=MutationKind.ENCODING,
                sentence=f"{part.name} of field {field.index + 1} ({field.name}) is {number}",
                data=put_number(form, content.data, field.at + part.at, part.size, number),
            )


def _swapped(form: ContentFormat, field: ContentField) -> bytes:
    return encoded(form, field.type, _sample(form, field.type) if field.wildcard else None)


def _raw(content: Content) -> list[bytes]:
    return [content.data[one.at : one.at + one.size] for one in content.fields]


def _first_type(form: ContentFormat) -> tuple[int, bytes]:
    number = next(iter(form.types.values()), 0)
    return number, _sample(form, number)


def _sample(form: ContentFormat, number: int) -> bytes:
    """A well-formed value of that type."""
    named = (form.samples.get(name) for name, one in form.types.items() if one == number)
    return next((sample for sample in named if sample), b"sample")
