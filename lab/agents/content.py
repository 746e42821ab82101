"""What a content file looks like, and reading one: the nouns of `content_format` in agent.yaml.

Pure: bytes in, values out. Knows no product; refuses a file that does not follow its format, with the
place where it stops to.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from lab.errors import ArtefactError

ByteOrder = Literal["little", "big"]


class Role(StrEnum):
    """What a part of a file is for."""

    MAGIC = "magic"
    VERSION = "version"
    COUNT = "count"
    """Number of fields that follow."""
    ID = "id"
    SIZE = "size"
    """Of the whole file, in bytes."""
    CHECKSUM = "checksum"
    SIGNATURE = "signature"
    """Can be damaged; nobody but its owner can mend it."""
    TYPE = "type"
    MATCHER = "matcher"
    """Says whether a field has a value or is a wildcard."""
    LENGTH = "length"
    """Of the field's value, in bytes."""
    OTHER = "other"


class Algorithm(StrEnum):
    """Checksums that can be mended."""

    CRC32 = "crc32"
    SHA256 = "sha256"
    SUM32 = "sum32"

    def of(self, data: bytes) -> bytes:
        """Big endian; a number is turned round by who knows the byte order."""
        match self:
            case Algorithm.CRC32:
                return zlib.crc32(data).to_bytes(4, "big")
            case Algorithm.SHA256:
                return hashlib.sha256(data).digest()
            case Algorithm.SUM32:
                return (sum(data) & 0xFFFFFFFF).to_bytes(4, "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some bytes at a fixed place: of the file's header, or of each field's own header."""

    name: str
    at: int
    """Bytes from the start of the header."""
    size: int
    role: Role
    expected: bytes = b""
    """Of magic and version: what must stand there."""
    most: int | None = None
    """Of a count: what the format allows."""
    algorithm: Algorithm | None = None
    blank: bool = True
    """Of a checksum: its own bytes count as zeros; otherwise they are left out."""

    @property
    def end(self) -> int:
        return self.at + self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentFormat:
    """A file: a header, then fields, each with a small header and a value."""

    order: ByteOrder
    header: tuple[Part, ...]
    first_field: int
    """Offset of the first field."""
    field_header: tuple[Part, ...]
    field_header_size: int
    wildcard: int
    value: int
    """What the matcher holds for the one and the other."""
    types: Mapping[str, int]
    samples: Mapping[str, bytes] = field(default_factory=dict)
    """Type to a value of that type which is well formed."""
    names: tuple[str, ...] = ()
    """Of the fields, in order, also of those that no content has yet."""
    largest: int = 65536
    """Bytes that a file may have."""

    def part(self, role: Role) -> Part | None:
        """The part of the file's header with that role, if there is one."""
        return next((one for one in self.header if one.role is role), None)

    def field_part(self, role: Role) -> Part | None:
        """The part of each field's header with that role, if there is one."""
        return next((one for one in self.field_header if one.role is role), None)

    def name(self, index: int) -> str:
        """Of the field at `index`, from 0."""
        return self.names[index] if index < len(self.names) else f"field-{index + 1}"

    def number(self, data: bytes, part: Part, base: int = 0) -> int:
        return int.from_bytes(data[base + part.at : base + part.end], self.order)

    def checksum(self, data: bytes, part: Part) -> bytes:
        """What `part` must hold for the rest of `data` to be taken as whole."""
        assert part.algorithm is not None
        rest = data[: part.at] + (bytes(part.size) if part.blank else b"") + data[part.end :]
        found = part.algorithm.of(rest)
        if part.algorithm is not Algorithm.SHA256 and self.order == "little":
            found = found[::-1]
        return found[: part.size].ljust(part.size, b"\0")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentField:
    """One field of one file."""

    index: int
    name: str
    at: int
    """Offset in the file."""
    size: int
    """Header and value."""
    type: int
    wildcard: bool
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A content file, read."""

    format: ContentFormat
    data: bytes
    fields: tuple[ContentField, ...]

    @property
    def wildcards(self) -> tuple[str, ...]:
        """Names of the fields for which anything will do: no value of theirs is ever compared."""
        return tuple(one.name for one in self.fields if one.wildcard)

    @property
    def values(self) -> tuple[str, ...]:
        """Names of the fields that are compared with a value."""
        return tuple(one.name for one in self.fields if not one.wildcard)


def read(form: ContentFormat, data: bytes) -> Content:
    """The fields of `data`.

    :raise ArtefactError: `data` does not follow `form`: where, and what was wanted.
    """
    for part in form.header:
        if len(data) < part.end:
            raise _broken(f"ends at byte {len(data)}, in {part.name}")
        if part.expected and data[part.at : part.end] != part.expected:
            raise _broken(f"{part.name} is {data[part.at : part.end]!r} (wanted {part.expected!r})")
        if part.role is Role.SIZE and form.number(data, part) != len(data):
            raise _broken(f"{part.name} says {form.number(data, part)} bytes, there are {len(data)}")
        if part.role is Role.CHECKSUM and data[part.at : part.end] != form.checksum(data, part):
            raise _broken(f"{part.name} is not that of the file")
    count = form.part(Role.COUNT)
    declared = form.number(data, count) if count else None
    if count and count.most is not None and declared is not None and declared > count.most:
        raise _broken(f"{count.name} says {declared} (the format allows {count.most})")
    return Content(format=form, data=data, fields=_fields(form, data, declared))


def follows(form: ContentFormat, data: bytes) -> bool:
    """Whether `data` is what `form` says a content is."""
    try:
        read(form, data)
    except ArtefactError:
        return False
    return len(data) <= form.largest


def _fields(form: ContentFormat, data: bytes, declared: int | None) -> tuple[ContentField, ...]:
    """:param declared: the number of fields, or None where they go on to the end."""
    found: list[ContentField] = []
    at = form.first_field
    while len(found) < declared if declared is not None else at < len(data):
        found.append(_field(form, data, len(found), at))
        at += found[-1].size
    if at != len(data):
        raise _broken(f"{len(data) - at} bytes follow the last field")
    return tuple(found)


def _field(form: ContentFormat, data: bytes, index: int, at: int) -> ContentField:
    kind, matcher, length = (form.field_part(role) for role in (Role.TYPE, Role.MATCHER, Role.LENGTH))
    start = at + form.field_header_size
    if start > len(data):
        raise _broken(f"ends at byte {len(data)}, in field {index + 1}")
    size = form.number(data, length, at) if length else 0
    if start + size > len(data):
        raise _broken(f"ends at byte {len(data)}, in the value of field {index + 1}")
    number = form.number(data, kind, at) if kind else 0
    if kind and form.types and number not in form.types.values():
        raise _broken(f"field {index + 1} has type {number}, which is none")
    match = form.number(data, matcher, at) if matcher else form.value if size else form.wildcard
    if match not in (form.wildcard, form.value):
        raise _broken(f"field {index + 1} has matcher {match}, which is none")
    return ContentField(
        index=index,
        name=form.name(index),
        at=at,
        size=form.field_header_size + size,
        type=number,
        wildcard=match == form.wildcard,
        value=data[start : start + size],
    )


def _broken(what: str) -> ArtefactError:
    return ArtefactError(
        f"content does not follow its format: {what}", hint="compare it with content_format in agent.yaml"
    )
