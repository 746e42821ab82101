"""The catalogue's YAML files to faults. Read once, when somebody asks for a text.

Refuses to repair an entry: what is wrong in the package's own data is an error that names the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from lab.detect.faults.fault import Fault, FaultClass


@cache
def all_faults() -> tuple[Fault, ...]:
    """Every fault of the package, in the order of file names and entries."""
    folder = files("lab.detect.faults") / "data"
    found: list[Fault] = []
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".yaml"):
            found += parse_file(entry.name, entry.read_text(encoding="utf-8"))
    return tuple(found)


def parse_file(name: str, text: str) -> list[Fault]:
    """The faults of one file. TypeError or ValueError names the file and the entry that is wrong."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries = yaml.load(text, Loader=loader)  # noqa: S506 - both are safe loaders
    if not isinstance(entries, list):
        raise TypeError(f"{name}: a list of faults was expected, got {type(entries).__name__}")
    found = []
    for number, entry in enumerate(entries, 1):
        try:
            found.append(fault_of(entry))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{name}: entry {number} is not a fault: {error!r}") from error
    return found


def fault_of(entry: Mapping[str, Any]) -> Fault:
    """One entry of a file."""
    return Fault(
        code=entry.get("code"),
        name=str(entry["name"]),
        fault_class=FaultClass(entry["class"]),
        codes=tuple(int(code) for code in entry.get("codes") or ()),
        aliases=texts(entry, "aliases"),
        cause=str(entry.get("cause") or ""),
        meaning=flat(entry.get("meaning")),
        parameters=texts(entry, "parameters"),
        checks=texts(entry, "checks"),
        provoke=flat(entry.get("provoke")),
        sources={str(key): flat(value) for key, value in (entry.get("sources") or {}).items()},
    )


def texts(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """A list of texts; TypeError where it is something else."""
    values = entry.get(key) or []
    if not isinstance(values, list):
        raise TypeError(f"{key} is a {type(values).__name__}, a list was expected")
    return tuple(flat(value) for value in values)


def flat(value: object) -> str:
    """A text on one line."""
    return " ".join(str(value).split()) if value is not None else ""
