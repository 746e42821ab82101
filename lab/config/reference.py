"""The JSON Schema of lab.yaml and docs/lab-yaml.md, both made from the models; never edited by hand.

`python -m lab.config.reference` writes both below the working directory, `--check` only says
whether they are current (exit code 1 when not).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.config.json_schema import schema

SCHEMA_PATH = Path("docs/schema/lab.schema.json")
DOCUMENT_PATH = Path("docs/lab-yaml.md")

_INTRODUCTION = """\
# lab.yaml reference

<!-- Made from the schema by `python -m lab.config.reference`; change the models in lab/config instead. -->

`lab.yaml` says what a run tests, where it runs, and what must hold to ship. The default file in this
repository is the shortest example. A mistake is answered with its place and what was wanted:

    lab.yaml:35:7: matrix.images[1]: unknown image 'debain-11' (closest is 'debian-11')

- **Text stays text.** `build: 1.10` is the text `1.10`, `0755` is no octal number, `12:30` is no number
  and `no` is not false. Only `true`, `false` and `null` mean more than they spell.
- **Units are written**: sizes as `512MiB` or `2GiB`, durations as `90s`, `15m`, `72h` or `1h30m`.
- **Each key once.** Duplicate keys and unknown keys are errors.
- **Selecting cells** (`select` here, `-k` on the command line). A word with `*`, `?`, `[..]` or `{a,b}` is
  a pattern over the whole cell id (`debian-1{1,2}_*_candidate`); any other word is looked for anywhere
  in it. `and`, `or`, `not` and parentheses combine them: `debian-12 and not roll-back`.
- **For editors**: `docs/schema/lab.schema.json` is the JSON Schema.
"""


def document() -> str:
    """docs/lab-yaml.md: one section per mapping of the file, in the order of the file."""
    made = schema()
    sections = [_INTRODUCTION, _section("lab.yaml", made, made)]
    sections += [_section(f"`{path}`", rule, made) for path, rule in _mappings(made, made, "")]
    return "\n".join(sections)


def _mappings(
    rule: Mapping[str, Any], made: Mapping[str, Any], path: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, below in rule.get("properties", {}).items():
        for suffix, target in _targets(below, made):
            here = f"{path}.{name}{suffix}" if path else f"{name}{suffix}"
            yield here, target
            yield from _mappings(target, made, here)


def _targets(rule: Mapping[str, Any], made: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if "$ref" in rule:
        target = made["$defs"][rule["$ref"].rsplit("/", 1)[1]]
        if "properties" in target:
            yield "", target
    elif rule.get("type") == "array":
        yield from ((f"[]{suffix}", target) for suffix, target in _targets(rule["items"], made))
    for inner in rule.get("patternProperties", {}).values():
        yield from ((f".NAME{suffix}", target) for suffix, target in _targets(inner, made))


def _section(title: str, rule: Mapping[str, Any], made: Mapping[str, Any]) -> str:
    lines = [f"## {title}", "", _one_line(rule.get("description", "")), ""]
    lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
    required = set(rule.get("required", ()))
    for name, below in rule["properties"].items():
        default = "**required**" if name in required else _default(below)
        meaning = _one_line(below["description"])
        lines.append(_row(f"`{name}`", _kind(below, made), default, meaning))
    return "\n".join([*lines, ""])


def _row(*columns: str) -> str:
    return f"| {' | '.join(column.replace('|', chr(92) + '|') for column in columns)} |"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _default(rule: Mapping[str, Any]) -> str:
    value = rule.get("default")
    if value is None or value in ([], {}, ""):
        return ""
    if isinstance(value, list | dict):
        return f"`{json.dumps(value)}`"
    return f"`{json.dumps(value) if isinstance(value, bool | int) else value}`"


def _kind(rule: Mapping[str, Any], made: Mapping[str, Any]) -> str:
    """What may be written, for people."""
    if "$ref" in rule:
        return _kind(made["$defs"][rule["$ref"].rsplit("/", 1)[1]], made)
    if "anyOf" in rule:
        kinds = [_kind(one, made) for one in rule["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "const" in rule:
        return f"`{rule['const']}`"
    if "enum" in rule:
        return ", ".join(f"`{value}`" for value in rule["enum"])
    kind = rule.get("type")
    if kind == "array":
        return f"list of {_plural(_kind(rule['items'], made))}"
    if kind == "object":
        return "mapping"
    if kind == ["string", "number"]:
        return "text"
    pattern = str(rule.get("pattern", ""))
    if "MiB" in pattern:
        return "size"
    if "ms|s|m" in pattern:
        return "duration"
    return {"string": "text", "integer": _range(rule), "number": _range(rule), "boolean": "`true`, `false`"}[
        str(kind)
    ]


def _plural(kind: str) -> str:
    return {"mapping": "mappings", "text": "texts"}.get(kind, kind.replace("number", "numbers"))


def _range(rule: Mapping[str, Any]) -> str:
    word = "whole number" if rule["type"] == "integer" else "number"
    return f"{word} from {rule['minimum']:g}" if "minimum" in rule else word


def files() -> dict[Path, str]:
    """What is generated, relative to the checkout."""
    text = json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    return {SCHEMA_PATH: text, DOCUMENT_PATH: document()}


def main(arguments: Sequence[str]) -> int:
    """Write or, with `--check`, compare. The working directory is the checkout."""
    stale = [
        path
        for path, text in files().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        sys.stdout.write(f"{path}\n")
    if "--check" in arguments:
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files()[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
