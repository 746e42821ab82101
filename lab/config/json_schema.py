"""The JSON Schema of lab.yaml, made from the models: for editors, and for docs/lab-yaml.md."""

from __future__ import annotations

from typing import Any

from lab.config.models import LabModel
from lab.config.units import duration_text, size_text


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of lab.yaml, as an editor needs it."""
    made = LabModel.model_json_schema(by_alias=True)
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["title"] = "lab.yaml"
    _with_units(made)
    for rule in made["properties"].values():
        if "patternProperties" in rule:
            rule["additionalProperties"] = False
    return made


def _with_units(made: dict[str, Any]) -> None:
    """Defaults as they are written in the file: 512 -> `512MiB`, 90.0 -> `90s`."""
    for definition in (made, *made.get("$defs", {}).values()):
        for rule in definition.get("properties", {}).values():
            default, pattern = rule.get("default"), str(rule.get("pattern", ""))
            if isinstance(default, dict) or (default and rule.get("items", {}).get("$ref")):
                # the default of a section is that of its keys, which say so themselves
                del rule["default"]
            elif default is not None and "MiB" in pattern:
                rule["default"] = size_text(default)
            elif default is not None and "ms|s|m" in pattern:
                rule["default"] = duration_text(default)
