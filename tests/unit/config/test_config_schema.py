"""The schema says what the loader does, and what is committed is what the models make."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from lab.config import load, reference, schema
from lab.errors import ConfigError

ROOT = Path(__file__).parents[3]


class EditorLoader(yaml.SafeLoader):
    """YAML 1.2 numbers and booleans, as editors read them."""


EditorLoader.yaml_implicit_resolvers = {}
for tag, expression, first in (
    ("bool", r"^(true|false)$", "tf"),
    ("null", r"^(null|~|)$", ["n", "~", ""]),
    ("int", r"^-?[0-9]+$", "-0123456789"),
    ("float", r"^-?[0-9]+\.[0-9]+$", "-0123456789"),
):
    EditorLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(expression), list(first))


def as_an_editor_reads(text: str) -> Any:
    return yaml.load(text, EditorLoader)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def test_the_default_lab_is_valid_by_the_schema(validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(as_an_editor_reads((ROOT / "lab.yaml").read_text()))


CHANGES = [
    ("agent: demo-sensor", "agnet: demo-sensor"),
    ("agent: demo-sensor", "agent: demo_sensor"),
    ("version: 1", "version: 2"),
    ("memory: 512MiB", "memory: 512"),
    ("memory: 512MiB", "memory: 512MB"),
    ("firmware: bios", "firmware: efi"),
    ("vcpus: 1", "vcpus: many"),
    ("vcpus: 1", "vcpus: 0"),
    ("profiles: [bios-1cpu, uefi-1cpu]", "profiles: []"),
    ("profiles: [bios-1cpu, uefi-1cpu]", "profiles: {a: b}"),
    ("min_cells: 1", "min_cells: 1\ntimeouts: {boot: 5}"),
    ("min_cells: 1", "min_cells: 1\ntimeouts: {boott: 5s}"),
    ("min_cells: 1", "allow_flaky: yes"),
    ("min_cells: 1", "min_cells: 1\noverrides: [{memory: 1GiB}]"),
    ("  debian-sid: 2", "  debian_sid: 2"),
    ("  debian-sid: 2", "  debian-sid: -2"),
]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_a_broken_lab_is_refused_by_schema_and_loader_alike(
    validator: jsonschema.Draft202012Validator, tmp_path: Path, old: str, new: str
) -> None:
    text = (ROOT / "lab.yaml").read_text()
    assert old in text
    broken = text.replace(old, new, 1)
    assert not validator.is_valid(as_an_editor_reads(broken))
    path = tmp_path / "lab.yaml"
    path.write_text(broken)
    with pytest.raises(ConfigError):
        load(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('{build: "1.0", content: "291"}', "{build: [1.0, 1.10], content: 291}"),
        ("profiles: [bios-1cpu, uefi-1cpu]", "profiles: '*'\n  seeds: [1, 2]\n  repetitions: 2"),
        ("min_cells: 1", "min_cells: 1\ntimeouts: {boot: 1h30m}\nloop_resets: 4"),
        ("min_cells: 1", "min_cells: 1\nhosts: [{name: a, uri: 'qemu:///system', slots: 2, memory: 8GiB}]"),
    ],
)
def test_a_right_lab_is_accepted_by_schema_and_loader_alike(
    validator: jsonschema.Draft202012Validator, tmp_path: Path, old: str, new: str
) -> None:
    text = (ROOT / "lab.yaml").read_text()
    assert old in text
    changed = text.replace(old, new, 1)
    validator.validate(as_an_editor_reads(changed))
    path = tmp_path / "lab.yaml"
    path.write_text(changed)
    load(path)


def _rules(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, inner in {"lab.yaml": definition, **definition["$defs"]}.items():
        for key, rule in inner.get("properties", {}).items():
            yield f"{name}.{key}", rule


def test_every_key_has_a_description_that_is_a_sentence() -> None:
    rules = dict(_rules(schema()))
    assert len(rules) > 60
    wrong = [name for name, rule in rules.items() if not rule.get("description", "").endswith(".")]
    assert wrong == []


def test_defaults_in_the_schema_are_spelled_as_in_the_file() -> None:
    rules = dict(_rules(schema()))
    assert rules["ProfileModel.memory"]["default"] == "512MiB"
    assert rules["TimeoutsModel.reboot"]["default"] == "2m30s"
    assert "default" not in rules["lab.yaml.timeouts"]


def test_the_reference_has_a_row_for_every_key() -> None:
    text = reference.document()
    for name, _ in _rules(schema()):
        assert f"| `{name.rsplit('.', 1)[1]}` |" in text, name


def test_the_committed_schema_and_reference_are_current() -> None:
    stale = [str(path) for path, text in reference.files().items() if (ROOT / path).read_text() != text]
    assert stale == [], "run: python -m lab.config.reference"


def test_the_generator_writes_what_is_missing_and_check_only_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert reference.main(["--check"]) == 1
    assert not (tmp_path / reference.SCHEMA_PATH).exists()
    assert reference.main([]) == 0
    assert capsys.readouterr().out.splitlines().count(str(reference.DOCUMENT_PATH)) == 2
    assert json.loads((tmp_path / reference.SCHEMA_PATH).read_text())["title"] == "lab.yaml"
    assert reference.main(["--check"]) == 0
