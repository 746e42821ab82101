"""The single values that lab.yaml is made of: names, patterns, versions, dates, lists of them.

Annotated types for the models of this room. Values with a unit are `units`' own.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from lab.config.spelling import spelled
from lab.config.units import Text
from lab.model import Arm

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9.-]{0,47}$"
GLOB_PATTERN = r"^[A-Za-z0-9*?\[\]{},!.-]{1,80}$"
VERSION_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9.+~:-]{0,39}$"

Item = TypeVar("Item")


def distinct(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """The same items.

    :raise ValueError: one is there twice.
    """
    twice = [item for item, count in Counter(items).items() if count > 1]
    if twice:
        raise ValueError(f"wanted each value once, {twice[0]!r} is there twice")
    return items


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _iso_date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("wanted a date such as 2026-12-31") from None


def _one_or_many(item: dict[str, Any]) -> WithJsonSchema:
    many = {"type": "array", "items": item, "minItems": 1, "uniqueItems": True}
    return WithJsonSchema({"anyOf": [item, many]})


Name = Annotated[
    str,
    spelled(NAME_PATTERN, "a name: letters, digits, dot and hyphen (at most 48)"),
    WithJsonSchema({"type": "string", "pattern": NAME_PATTERN}),
]
Glob = Annotated[
    str,
    spelled(GLOB_PATTERN, "a name or a pattern with * ? [..] {a,b}"),
    WithJsonSchema({"type": "string", "pattern": GLOB_PATTERN}),
]
Version = Annotated[Text, spelled(VERSION_PATTERN, "a version: letters, digits and . + ~ : - (at most 40)")]
HostUri = Annotated[
    str, spelled(r"embed|[a-z][a-z0-9+]*://\S+", "embed or a libvirt URI such as qemu:///system")
]
FigureGlob = Annotated[str, Field(pattern=r"^[A-Za-z0-9*?\[\]_./-]{1,80}$")]
Count = Annotated[int, Field(ge=1, le=10_000)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]

_ListOf = Annotated[
    tuple[Item, ...], BeforeValidator(_as_list), Field(min_length=1), AfterValidator(distinct)
]
Versions = Annotated[_ListOf[Version], _one_or_many({"type": ["string", "number"]})]
Globs = Annotated[_ListOf[Glob], _one_or_many({"type": "string", "pattern": GLOB_PATTERN})]
Seeds = Annotated[_ListOf[Seed], _one_or_many({"type": "integer", "minimum": 0, "maximum": 2**31 - 1})]
Arms = Annotated[_ListOf[Arm], _one_or_many({"enum": [str(arm) for arm in Arm]})]
Select = Annotated[str, Field(min_length=1, max_length=400)]
IsoDate = Annotated[str, AfterValidator(_iso_date)]
