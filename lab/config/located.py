"""A YAML file through a pydantic model, with every error as `file:line:column: path: what`.

For lab.yaml, images/*.yaml and agents/*/agent.yaml alike. Scalars reach the model as text (see
lab.config.marked): pydantic's lax mode makes the int, float or Path that the field wants of it.
Derive models from `Model`; use `Flag` for booleans, `MiB` and `Seconds` for values with units
(lab.config.units). Owns wording and places, knows nothing of what the files mean.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from lab.config.marked import Document, Place, Problem, Steps, read, refuse

Parsed = TypeVar("Parsed")


class Model(BaseModel):
    """What every configuration model starts from: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)


def parse(model: type[Parsed], path: Path) -> Parsed:
    """The file at `path` as `model` (a pydantic model, or any type pydantic can validate).

    :raise ConfigError: every problem of the file, one per line, in the order of the file.
    """
    return parse_document(model, read(path))


def parse_document(model: type[Parsed], document: Document) -> Parsed:
    """The same for a document that was read before, for loaders that need its places too."""
    adapter: TypeAdapter[Parsed] = TypeAdapter(model)
    try:
        return adapter.validate_python(document.value)
    except ValidationError as error:
        details = _causes(error.errors(include_url=False))
        raise refuse(document.name, [_problem(one, model, document) for one in details]) from error


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like `word`, or None when none is."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return found[0] if found else None


def unknown(kind: str, word: str, known: Sequence[str]) -> str:
    """`unknown image 'debain-12' (closest is 'debian-12')`; names all when few and none is close."""
    near = closest(word, known)
    if near:
        return f"unknown {kind} {word!r} (closest is {near!r})"
    if not known:
        return f"unknown {kind} {word!r} (there is none)"
    listed = ", ".join(repr(one) for one in sorted(known)[:12])
    return f"unknown {kind} {word!r} (known: {listed}{', ...' if len(known) > 12 else ''})"


def _causes(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Without the lists that pydantic also calls too short because an item of theirs was refused."""
    return [
        one
        for one in details
        if one["type"] != "too_short" or not any(_below(other["loc"], one["loc"]) for other in details)
    ]


def _below(inner: Sequence[str | int], outer: Sequence[str | int]) -> bool:
    return len(inner) > len(outer) and tuple(inner[: len(outer)]) == tuple(outer)


def _problem(detail: ErrorDetails, model: Any, document: Document) -> Problem:
    steps, rest = _resolve(detail["loc"], document)
    kind = detail["type"]
    if kind == "missing":
        missing = str(detail["loc"][-1])
        return Problem(document.place(steps), f"{_dotted((*steps, missing))}: required key is missing")
    if kind == "extra_forbidden":
        key = str(detail["loc"][-1])
        known = sorted({name for one in _models_at(model, steps[:-1]) for name in _keys_of(one)})
        return Problem(_key_place(document, steps), f"{_dotted(steps)}: {unknown('key', key, known)}")
    place = _key_place(document, steps) if "[key]" in rest else document.place(steps)
    return Problem(place, f"{_dotted(steps)}: {_wording(detail)}")


def _resolve(loc: Sequence[str | int], document: Document) -> tuple[Steps, list[str | int]]:
    """The part of pydantic's `loc` that is in the file; it also holds names of union members."""
    steps: Steps = ()
    rest: list[str | int] = []
    for step in loc:
        if (*steps, step) in document.values:
            steps = (*steps, step)
        else:
            rest.append(step)
    return steps, rest


def _key_place(document: Document, steps: Steps) -> Place:
    return document.keys.get(steps) or document.place(steps)


def _dotted(steps: Steps) -> str:
    """`rings[0].select`; `document` for the top."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "document"


_WORDS: Mapping[str, str] = {
    "model_type": "wanted a mapping",
    "model_attributes_type": "wanted a mapping",
    "dict_type": "wanted a mapping",
    "mapping_type": "wanted a mapping",
    "list_type": "wanted a list",
    "tuple_type": "wanted a list",
    "set_type": "wanted a list",
    "string_type": "wanted text",
    "int_type": "wanted a whole number",
    "int_parsing": "wanted a whole number",
    "int_from_float": "wanted a whole number",
    "int_parsing_size": "wanted a smaller number",
    "float_type": "wanted a number",
    "float_parsing": "wanted a number",
    "finite_number": "wanted a finite number",
    "bool_type": "wanted true or false",
    "bool_parsing": "wanted true or false",
    "path_type": "wanted a path",
}


def _wording(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "value_error" | "assertion_error":
            wanted = str(context["error"])
        case "literal_error" | "enum":
            wanted = f"wanted {context['expected']}"
        case "union_tag_invalid":
            wanted = f"wanted {context['discriminator']} to be one of {context['expected_tags']}"
        case "greater_than_equal":
            wanted = f"wanted at least {context['ge']:g}"
        case "less_than_equal":
            wanted = f"wanted at most {context['le']:g}"
        case "too_short" | "string_too_short":
            wanted = f"wanted at least {context['min_length']} of them"
        case "string_pattern_mismatch":
            wanted = f"wanted text like {context['pattern']}"
        case kind if kind in _WORDS:
            wanted = _WORDS[kind]
        case _:
            message = detail["msg"]
            wanted = message[:1].lower() + message[1:]
    return f"{wanted}, got {_got(detail['input'])}"


def _got(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict():
            return "a mapping" if value else "an empty mapping"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case _:
            text = repr(value)
            return text if len(text) <= 80 else f"{text[:77]}..."


def _keys_of(model: type[BaseModel]) -> Iterator[str]:
    for name, info in model.model_fields.items():
        yield info.alias or name


def _models_at(annotation: Any, steps: Steps) -> list[type[BaseModel]]:
    """The models that may stand at `steps`; several where the annotation is a union."""
    candidates = list(_members(annotation))
    for step in steps:
        below = [inner for one in candidates for inner in _inside(one, step)]
        candidates = [member for one in below for member in _members(one)]
    return [one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel)]


def _members(annotation: Any) -> Iterator[Any]:
    """The types a value may have: unions and Annotated opened."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    else:
        yield annotation


def _inside(annotation: Any, step: str | int) -> Iterator[Any]:
    """What stands one step below a value of this type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, info in annotation.model_fields.items():
            if step in (info.alias, name):
                yield info.annotation
        return
    arguments = get_args(annotation)
    if arguments:
        yield arguments[-2] if len(arguments) > 1 and arguments[-1] is Ellipsis else arguments[-1]
