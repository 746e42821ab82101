"""One damaged content: its bytes, its name and what was done to it, in a sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from lab.agents.content import ContentFormat, Role

MENDED = "-mended"
"""Ends the name of a mutation whose size and checksum were made right again afterwards."""


class MutationKind(StrEnum):
    """What sort of damage it is; each has been an outage of somebody's."""

    NOTHING = "nothing"
    """Nothing but zeros, or nothing at all."""
    CUT = "cut"
    OVERSIZED = "oversized"
    HEADER = "header"
    """A wrong magic, version, count or size."""
    CHECKSUM = "checksum"
    """A wrong checksum or signature."""
    FIELDS = "fields"
    """A field too many or too few."""
    VALUE = "value"
    """A value where there was a wildcard, or the other way round: well formed, and never seen before."""
    ENCODING = "encoding"
    """A field whose own header makes no sense."""
    FLIP = "flip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A content that was changed on purpose. The same format, bytes and seed give the same mutation."""

    name: str
    """Lower case, digits and hyphens; may stand where a content's name may."""
    kind: MutationKind
    sentence: str
    data: bytes
    mended: bool = False
    """Size and checksum are right, so that it gets past the first checks."""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A mutation before it is decided what becomes of size and checksum."""

    name: str
    kind: MutationKind
    sentence: str
    data: bytes
    keep: frozenset[Role] = frozenset()
    """Roles whose parts are the damage itself and are never mended."""


def mend(form: ContentFormat, data: bytes, keep: Collection[Role] = ()) -> bytes:
    """`data` with size and checksum that are right; as it is where it ends before them."""
    for role in (Role.SIZE, Role.CHECKSUM):
        part = form.part(role)
        if part is None or role in keep or len(data) < part.end:
            continue
        if role is Role.SIZE:
            right = (len(data) % (1 << 8 * part.size)).to_bytes(part.size, form.order)
        else:
            right = form.checksum(data, part)
        data = data[: part.at] + right + data[part.end :]
    return data


def variants(form: ContentFormat, damage: Damage) -> tuple[Mutation, ...]:
    """The damage as it is, and with size and checksum mended where that makes another file."""
    plain = Mutation(name=damage.name, kind=damage.kind, sentence=damage.sentence, data=damage.data)
    mended = mend(form, damage.data, damage.keep)
    if mended == damage.data or Role.CHECKSUM in damage.keep or len(damage.data) < form.first_field:
        return (plain,)
    sentence = f"{damage.sentence}; size and checksum are right"
    if Role.SIZE in damage.keep:
        sentence = f"{damage.sentence}; the checksum is right"
    other = Mutation(name=damage.name + MENDED, kind=damage.kind, sentence=sentence, data=mended, mended=True)
    return (plain, other)


def put_number(form: ContentFormat, data: bytes, at: int, size: int, number: int) -> bytes:
    """`data` with `number` in the `size` bytes from `at`; it wraps as a counter of that size would."""
    return data[:at] + (number % (1 << 8 * size)).to_bytes(size, form.order) + data[at + size :]
