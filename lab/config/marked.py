"""YAML text to plain values that remember where they stood.

Owns the reading rules: `null`, `true` and `false` (YAML 1.2 spelling) are themselves, every other
scalar stays the text that was written, so `1.10` is not 1.1, `0755` is not 493, `12:30` is not 750
and `no` is not false. What a text means is decided by the field that wants it (lab.config.located).
Refused: duplicate keys, tags, keys that are not text, aliases that contain themselves.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.errors import ConfigError

Steps = tuple[str | int, ...]
"""The way from the top of the document to a value: keys and list positions."""

MOST_VALUES = 200_000
"""More than any real file holds; stops aliases of aliases from filling the memory."""
DEEPEST = 60


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file, both numbers from 1; columns count characters."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as values and their places."""

    name: str
    """How the file is called in messages."""
    value: Any
    values: Mapping[Steps, Place] = field(default_factory=dict)
    keys: Mapping[Steps, Place] = field(default_factory=dict)
    """Where the key of a mapping entry stands; list items have none."""

    def place(self, steps: Steps) -> Place:
        """Of the value at `steps`, or of the nearest value around it that is in the file."""
        while steps and steps not in self.values:
            steps = steps[:-1]
        return self.values.get(steps, Place())

    def where(self, *steps: str | int) -> str:
        """`lab.yaml:14:17` for the value at `steps`."""
        return located(self.name, self.place(steps))


def located(name: str, place: Place) -> str:
    """`lab.yaml:14:17`."""
    return f"{name}:{place.line}:{place.column}"


def shown(path: Path) -> str:
    """A path as messages name it: relative to the working directory where it lies below it."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def refuse(name: str, problems: list[Problem], *, hint: str | None = None) -> ConfigError:
    """All problems in one error, one per line, in the order of the file."""
    ordered = sorted(problems, key=lambda problem: (problem.place.line, problem.place.column))
    lines = [f"{located(name, problem.place)}: {problem.message}" for problem in ordered]
    return ConfigError("\n".join(dict.fromkeys(lines)), hint=hint)


def read(path: Path) -> Document:
    """The YAML file at `path`.

    :raise ConfigError: it cannot be read, or is not one YAML document of the kind described above.
    """
    name = shown(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"{name}: cannot be read: {reason.lower()}") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_of(raw[: error.start].decode("utf-8", "replace"))
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8 (wanted a text file)"
        raise refuse(name, [Problem(place, message)]) from error
    return read_text(text, name)


def read_text(text: str, name: str) -> Document:
    """The YAML document in `text`; `name` is how messages call it."""
    try:
        node = _compose(text)
    except yaml.reader.ReaderError as error:
        place = _place_of(text[: error.position])
        message = f"character U+{ord(text[error.position]):04X} is not allowed in YAML"
        raise refuse(name, [Problem(place, message)]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place()
        raise refuse(name, [Problem(place, _syntax_message(error))]) from error
    except RecursionError as error:
        raise ConfigError(f"{name}: nested too deeply (at most {DEEPEST} levels)") from error
    except (ValueError, OverflowError, yaml.YAMLError) as error:
        # PyYAML 6.0 lets chr() and int() speak for themselves: "\UFFFFFFFF", `%YAML 1.99999...`
        raise ConfigError(f"{name}: is not YAML: {error}") from error
    walk = _Walk()
    value = walk.value(node, ()) if node is not None else None
    if walk.problems:
        raise refuse(name, walk.problems)
    return Document(name, value, walk.values, walk.keys)


def _place_of(before: str) -> Place:
    return Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _syntax_message(error: yaml.MarkedYAMLError) -> str:
    said = " ".join(part for part in (error.context, error.problem) if part)
    return f"not YAML: {' '.join(said.split())}"


class _Loader(yaml.SafeLoader):
    """SafeLoader that guesses no types but null, true and false."""

    yaml_implicit_resolvers: Any = {}  # noqa: RUF012 (PyYAML's own spelling)


SHALLOW = 2000
"""Levels that PyYAML's part in C is trusted with: at some 10,000 the stack ends, and the process with it."""


class _Quick(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same by libyaml, where PyYAML has it: a fifth of the time, and other words for errors."""

    yaml_implicit_resolvers: Any = {}  # noqa: RUF012 (PyYAML's own spelling)


for _loader in (_Loader, _Quick):
    _loader.add_implicit_resolver(
        "tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
    )
    _loader.add_implicit_resolver(
        "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
    )


def _compose(text: str) -> yaml.Node | None:
    """:raise yaml.YAMLError: in PyYAML's own words, which are the same everywhere."""
    if "!" not in text and _levels(text) <= SHALLOW:  # the two differ in what a lone `!` means
        with contextlib.suppress(Exception):  # whatever is wrong, the other one says it
            return _composed(_Quick(text))
    return _composed(_Loader(text))


def _levels(text: str) -> int:
    """At most: each level takes a bracket, or stands further right than the one around it."""
    return text.count("[") + text.count("{") + max(map(len, text.splitlines()), default=0)


def _composed(loader: Any) -> yaml.Node | None:
    try:
        node: yaml.Node | None = loader.get_single_node()
        return node
    finally:
        loader.dispose()


_CORE = "tag:yaml.org,2002:"
_KNOWN_TAGS = {_CORE + name for name in ("null", "bool", "str", "int", "float", "map", "seq")} | {"!"}


class _Walk:
    """Turns nodes into values, noting places and every problem on the way."""

    def __init__(self) -> None:
        self.values: dict[Steps, Place] = {}
        self.keys: dict[Steps, Place] = {}
        self.problems: list[Problem] = []
        self._open: set[int] = set()

    def value(self, node: yaml.Node, steps: Steps) -> Any:
        place = _node_place(node)
        self.values[steps] = place
        if node.tag not in _KNOWN_TAGS:
            self.problems.append(Problem(place, f"tag {node.tag!r} is not supported"))
            return None
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if id(node) in self._open or len(steps) >= DEEPEST or len(self.values) > MOST_VALUES:
            self.problems.append(Problem(place, self._too_much(node, steps)))
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*steps, index)) for index, item in enumerate(node.value)]
            return dict(self._entries(node, steps))
        finally:
            self._open.discard(id(node))

    def _entries(self, node: yaml.Node, steps: Steps) -> Iterator[tuple[str, Any]]:
        seen: dict[str, Place] = {}
        for key_node, value_node in node.value:
            place = _node_place(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(place, "a key must be text, got a list or mapping"))
                continue
            key = str(key_node.value)
            if key in seen:
                first = seen[key].line
                self.problems.append(Problem(place, f"duplicate key {key!r} (first in line {first})"))
                continue
            seen[key] = self.keys[(*steps, key)] = place
            yield key, self.value(value_node, (*steps, key))

    def _too_much(self, node: yaml.Node, steps: Steps) -> str:
        if id(node) in self._open:
            return "an alias contains itself"
        if len(steps) >= DEEPEST:
            return f"nested too deeply (at most {DEEPEST} levels)"
        return f"too large with its aliases written out (at most {MOST_VALUES} values)"


def _node_place(node: yaml.Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _scalar(node: yaml.ScalarNode) -> str | bool | None:
    if node.tag == _CORE + "null":
        return None
    if node.tag == _CORE + "bool":
        return str(node.value).lower() == "true"
    return str(node.value)
