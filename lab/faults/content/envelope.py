"""Damage to the file as a whole and to its header."""

from __future__ import annotations

from collections.abc import Iterator

from lab.agents.content import Content, ContentFormat, Part, Role
from lab.faults.content.mutation import Damage, MutationKind, put_number

COUNTED = {
    Role.VERSION: MutationKind.HEADER,
    Role.COUNT: MutationKind.HEADER,
    Role.SIZE: MutationKind.HEADER,
}


def whole(content: Content) -> Iterator[Damage]:
    """Nothing, zeros, and too much."""
    data, largest = content.data, content.format.largest
    nothing, over = MutationKind.NOTHING, MutationKind.OVERSIZED
    yield Damage(name="empty", kind=nothing, sentence="an empty file", data=b"")
    yield Damage(name="all-zero", kind=nothing, sentence=f"{len(data)} bytes of zeros", data=bytes(len(data)))
    yield Damage(name="all-ones", kind=nothing, sentence=f"{len(data)} bytes of ff", data=b"\xff" * len(data))
    body = bytes(len(data) - content.format.first_field)
    yield Damage(
        name="zeros-after-header",
        kind=nothing,
        sentence="the header is there, all fields are zeros, as after a power cut",
        data=data[: content.format.first_field] + body,
    )
    yield Damage(
        name="one-byte-more", kind=over, sentence="one byte follows the last field", data=data + b"\0"
    )
    yield Damage(name="twice", kind=over, sentence="the file twice, one after the other", data=data * 2)
    for name, size in (("largest", largest), ("past-largest", largest + 1)):
        yield Damage(
            name=name,
            kind=over,
            sentence=f"zeros after the last field up to {size} bytes (the format allows {largest})",
            data=data.ljust(size, b"\0"),
        )


def header(content: Content) -> Iterator[Damage]:
    """Each part of the header wrong in the ways its role can be."""
    form, data = content.format, content.data
    for part in form.header:
        if part.role is Role.MAGIC:
            yield from _magic(data, part)
        elif part.role in COUNTED:
            yield from _numbers(form, data, part)
        elif part.role in (Role.CHECKSUM, Role.SIGNATURE):
            yield from _sealed(data, part)


def _magic(data: bytes, part: Part) -> Iterator[Damage]:
    first = bytes([data[part.at] ^ 0x20])
    yield Damage(
        name=f"{part.name}-wrong",
        kind=MutationKind.HEADER,
        sentence=f"{part.name} differs in its first byte",
        data=data[: part.at] + first + data[part.at + 1 :],
    )
    yield Damage(
        name=f"{part.name}-zero",
        kind=MutationKind.HEADER,
        sentence=f"{part.name} is zeros",
        data=data[: part.at] + bytes(part.size) + data[part.end :],
    )


def _numbers(form: ContentFormat, data: bytes, part: Part) -> Iterator[Damage]:
    right, greatest = form.number(data, part), (1 << 8 * part.size) - 1
    wrong = {"zero": 0, "one-less": right - 1, "one-more": right + 1, "greatest": greatest}
    if part.most is not None:
        wrong |= {"most": part.most, "past-most": part.most + 1}
    for word, number in wrong.items():
        yield Damage(
            name=f"{part.name}-{word}",
            kind=COUNTED[part.role],
            sentence=f"{part.name} says {number % (greatest + 1)}, {right} is right",
            data=put_number(form, data, part.at, part.size, number),
            keep=frozenset({part.role}),
        )


def _sealed(data: bytes, part: Part) -> Iterator[Damage]:
    """A checksum or a signature that is not that of the file."""
    last = part.end - 1
    damaged = {
        "wrong": data[:last] + bytes([data[last] ^ 1]) + data[part.end :],
        "zero": data[: part.at] + bytes(part.size) + data[part.end :],
    }
    words = {"wrong": "differs in its last bit", "zero": "is zeros"}
    for word, changed in damaged.items():
        yield Damage(
            name=f"{part.name}-{word}",
            kind=MutationKind.CHECKSUM,
            sentence=f"{part.name} {words[word]}",
            data=changed,
            keep=frozenset({part.role}),
        )
