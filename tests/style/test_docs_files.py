"""What the pages show of files that users write can be written like that: it loads where it belongs."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import create_model
from test_docs import FENCED, INDENTED, PAGES, ROOT

from lab.agents import schema as agent
from lab.config import located, models, models_guests
from lab.config.marked import read_text
from lab.errors import ConfigError
from lab.images import catalogue

OTHERS = ("# GitLab CI",)
"""How snippets of other programs' files begin."""
OMITTED = re.compile(r"^[^#\n]*(?<![0-9a-f])\.\.\.(?:\s|\]|$).*\n?", re.MULTILINE)
"""A line that says `...` instead of what would stand there."""
LEFT_OUT = "required key is missing"
DIGEST = re.compile(r"\b[0-9a-f]{4,8}\.\.\.")
KEY = re.compile(r"([a-z_]+):(?:\s|$)")
SECTIONS: tuple[type[located.Model], ...] = (models.LabModel, agent.AgentModel, agent.FamilyModel)
MAPPINGS: tuple[Any, ...] = (
    Mapping[str, agent.BuildModel],
    Mapping[str, agent.FeatureModel],
    Mapping[str, models_guests.MediaModel],
)


def written(text: str) -> str:
    """With digests in full, and without what is left out."""
    return OMITTED.sub("", DIGEST.sub("0" * 64, text))


def part_of(model: type[located.Model], keys: set[str]) -> type[located.Model] | None:
    """The model with these keys alone, or None when one of them is not its own."""
    fields = {field.alias or name: (name, field) for name, field in model.model_fields.items()}
    if not keys <= fields.keys():
        return None
    chosen: dict[str, Any] = {fields[key][0]: (fields[key][1].annotation, fields[key][1]) for key in keys}
    return create_model("Part", __base__=located.Model, **chosen)


def refusals(text: str) -> list[str]:
    """What every kind of file that it could be a part of has against it; empty when one takes it."""
    document = read_text(written(text), "snippet")
    keys = set(document.value) if isinstance(document.value, dict) else set()
    if "kind" in keys:
        kinds: list[Any] = [catalogue.Model]
    else:
        kinds = [part for part in (part_of(model, keys) for model in SECTIONS) if part] or [*MAPPINGS]
    found = []
    for kind in kinds:
        try:
            located.parse_document(kind, document)
        except ConfigError as error:
            wrong = [line for line in error.message.splitlines() if not line.endswith(LEFT_OUT)]
            if not wrong:
                return []
            found += wrong
        else:
            return []
    return found


def parts_of_lab_yaml(text: str) -> list[str]:
    """Indented pieces that begin with a key of lab.yaml."""
    pieces = [textwrap.dedent(one) for match in INDENTED.finditer(text) for one in match[1].split("\n\n")]
    return [one for one in pieces if (key := KEY.match(one)) and key[1] in models.LabModel.model_fields]


def snippets() -> list[Any]:
    found = []
    for page in PAGES:
        text = page.read_text()
        blocks = [textwrap.dedent(match[2]) for match in FENCED.finditer(text) if "yaml" in match[0][:8]]
        blocks += parts_of_lab_yaml(FENCED.sub("", text))
        for number, block in enumerate(blocks):
            if not block.startswith(OTHERS):
                found.append(pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}"))
    return found


@pytest.mark.parametrize("block", snippets())
def test_a_snippet_of_yaml_is_taken_by_the_file_it_is_a_part_of(block: str) -> None:
    assert refusals(block) == []
