"""`content_format` of agent.yaml as pydantic sees it, and how it becomes a `ContentFormat`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from lab.agents.content import Algorithm, ContentFormat, Part, Role
from lab.config.located import Model

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
Offset = Annotated[int, Field(ge=0, le=1 << 20)]
Width = Annotated[int, Field(ge=1, le=4096)]
Number = Annotated[int, Field(ge=0)]

FIELD_ROLES = frozenset({Role.TYPE, Role.MATCHER, Role.LENGTH, Role.OTHER})


class PartModel(Model):
    """Some bytes at a fixed place of a header."""

    name: Name
    at: Offset = Field(description="bytes from the start of the header")
    size: Width
    role: Role = Role.OTHER
    text: str | None = Field(default=None, description="of a magic: the bytes that must stand there, as text")
    number: Number | None = Field(default=None, description="of a version: the number that must stand there")
    most: Number | None = Field(default=None, description="of a count: what the format allows")
    algorithm: Algorithm | None = Field(default=None, description="of a checksum; covers the whole file")
    own_bytes: Literal["zeros", "left-out"] = Field(
        default="zeros", description="how a checksum counts the bytes it stands in"
    )

    @model_validator(mode="after")
    def _complete(self) -> PartModel:
        if self.role is Role.CHECKSUM and self.algorithm is None:
            listed = ", ".join(Algorithm)
            raise ValueError(f"wanted an algorithm of the checksum (one of {listed})")
        if self.text is not None and len(self.text.encode()) != self.size:
            raise ValueError(f"wanted {self.size} bytes of text, got {len(self.text.encode())}")
        return self


class FieldsModel(Model):
    """What follows the header: one field after the other, each with a small header and a value."""

    at: Offset = Field(description="offset of the first field")
    header: tuple[PartModel, ...] = Field(min_length=1)
    wildcard: Number = Field(description="the matcher of a field for which anything will do")
    value: Number = Field(description="the matcher of a field that has a value")
    types: dict[Name, Number] = Field(default_factory=dict)
    samples: dict[Name, str] = Field(
        default_factory=dict, description="for each type a value that is well formed"
    )
    names: tuple[Name, ...] = Field(
        default=(), description="of the fields, in order; also those past what any build supplies"
    )

    @model_validator(mode="after")
    def _roles(self) -> FieldsModel:
        wrong = [part.name for part in self.header if part.role not in FIELD_ROLES]
        if wrong:
            raise ValueError(f"wanted roles type, matcher, length and other in a field's header ({wrong[0]})")
        if not any(part.role is Role.LENGTH for part in self.header):
            raise ValueError("wanted a part with the role length: fields could not be told apart")
        return self


class ContentFormatModel(Model):
    """The format of content files: what mutations and the report on coverage are made from."""

    byte_order: Literal["little", "big"] = "little"
    header: tuple[PartModel, ...] = Field(min_length=1)
    fields: FieldsModel
    largest: Annotated[int, Field(ge=1, le=1 << 26)] = Field(default=65536, description="bytes of a file")

    def noun(self) -> ContentFormat:
        """As the rest of the lab sees it."""
        fields = self.fields
        return ContentFormat(
            order=self.byte_order,
            header=tuple(_part(one, self.byte_order) for one in self.header),
            first_field=fields.at,
            field_header=tuple(_part(one, self.byte_order) for one in fields.header),
            field_header_size=max(one.at + one.size for one in fields.header),
            wildcard=fields.wildcard,
            value=fields.value,
            types=fields.types,
            samples={name: text.encode() for name, text in fields.samples.items()},
            names=fields.names,
            largest=self.largest,
        )


def _part(model: PartModel, order: Literal["little", "big"]) -> Part:
    expected = model.text.encode() if model.text is not None else b""
    if model.number is not None:
        expected = model.number.to_bytes(model.size, order)
    return Part(
        name=model.name,
        at=model.at,
        size=model.size,
        role=model.role,
        expected=expected,
        most=model.most,
        algorithm=model.algorithm,
        blank=model.own_bytes == "zeros",
    )
