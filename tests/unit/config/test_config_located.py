"""Pydantic's errors as sentences with file, line and column."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from lab.config.located import Model, closest, parse, parse_document, unknown
from lab.config.marked import read_text
from lab.config.units import Flag, MiB, Seconds, Text
from lab.errors import ConfigError, ExitCode


class Debian(Model):
    kind: Literal["debian"]
    suite: str


class Disk(Model):
    kind: Literal["disk"]
    sha256: str


class Step(Model):
    run: str
    deadline: Seconds = 60.0


class Recipe(Model):
    name: str
    build: Text = "1.0"
    memory: MiB = 512
    cpus: Annotated[int, Field(ge=1, le=8)] = 1
    ready: Flag = False
    source: Annotated[Debian | Disk, Field(discriminator="kind")] | None = None
    steps: tuple[Step, ...] = ()
    by_family: dict[str, Step | None] = Field(default={})


def parsed(text: str) -> Recipe:
    return parse_document(Recipe, read_text(text, "r.yaml"))


def refusals(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parsed(text)
    return str(caught.value).splitlines()


def test_a_right_file_becomes_the_model(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(
        "name: no\nbuild: 1.10\nmemory: 2GiB\ncpus: 2\nready: true\nsteps: [{run: a, deadline: 1m}]\n"
    )
    recipe = parse(Recipe, path)
    assert recipe == Recipe(
        name="no", build="1.10", memory=2048, cpus=2, ready=True, steps=(Step(run="a", deadline=60.0),)
    )


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    assert refusals("steps:\n  - {run: a, deadline: 5}\n  - {}\nmemory: 12\ncpus: many\nready: yes\n") == [
        "r.yaml:1:1: name: required key is missing",
        "r.yaml:2:24: steps[0].deadline: wanted a duration with its unit, such as 90s, 15m or 72h, got '5'",
        "r.yaml:3:5: steps[1].run: required key is missing",
        "r.yaml:4:9: memory: wanted a size with its unit, such as 512MiB or 2GiB, got '12'",
        "r.yaml:5:7: cpus: wanted a whole number, got 'many'",
        "r.yaml:6:8: ready: wanted true or false, got 'yes'",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "r.yaml:1:1: document: wanted a mapping, got nothing"),
        ("[]", "r.yaml:1:1: document: wanted a mapping, got an empty list"),
        ("name: [a]", "r.yaml:1:7: name: wanted text, got a list"),
        ("name: {a: b}", "r.yaml:1:7: name: wanted text, got a mapping"),
        ("name: true", "r.yaml:1:7: name: wanted text, got true"),
        ("name:", "r.yaml:1:6: name: wanted text, got nothing"),
        ("name: a\ncpus: 0", "r.yaml:2:7: cpus: wanted at least 1, got '0'"),
        ("name: a\ncpus: 9", "r.yaml:2:7: cpus: wanted at most 8, got '9'"),
        ("name: a\nsteps: x", "r.yaml:2:8: steps: wanted a list, got 'x'"),
        ("name: a\nby_family: []", "r.yaml:2:12: by_family: wanted a mapping, got an empty list"),
        ("name: a\nmemroy: 1GiB", "r.yaml:2:1: memroy: unknown key 'memroy' (closest is 'memory')"),
        (
            "name: a\nsteps: [{run: a, dedline: 1s}]",
            "r.yaml:2:18: steps[0].dedline: unknown key 'dedline' (closest is 'deadline')",
        ),
        (
            "name: a\nby_family: {linux: {run: a, runn: b}}",
            "r.yaml:2:29: by_family.linux.runn: unknown key 'runn' (closest is 'run')",
        ),
        (
            "name: a\nby_family: {linux: {run: a, zz: b}}",
            "r.yaml:2:29: by_family.linux.zz: unknown key 'zz' (known: 'deadline', 'run')",
        ),
        (
            "name: a\nsource: {kind: debian, siute: sid, suite: sid}",
            "r.yaml:2:24: source.siute: unknown key 'siute' (closest is 'suite')",
        ),
        ("name: a\nsource: {kind: disk}", "r.yaml:2:9: source.sha256: required key is missing"),
        (
            "name: a\nsource: {kind: floppy}",
            "r.yaml:2:9: source: wanted 'kind' to be one of 'debian', 'disk', got a mapping",
        ),
    ],
)
def test_a_mistake_is_told_with_place_path_and_what_was_wanted(text: str, message: str) -> None:
    assert refusals(text) == [message]


def test_a_long_value_is_cut_in_the_message() -> None:
    (line,) = refusals(f"name: a\ncpus: {'x' * 300}")
    assert line.endswith("xxx...")
    assert len(line) < 150


def test_a_config_error_is_bad_input() -> None:
    with pytest.raises(ConfigError) as caught:
        parsed("")
    assert caught.value.exit_code is ExitCode.BAD_INPUT


def test_unknown_words_name_the_closest_or_all_when_few() -> None:
    assert closest("debain-12", ["debian-12", "tiny"]) == "debian-12"
    assert (
        unknown("image", "debain-12", ["debian-12"]) == "unknown image 'debain-12' (closest is 'debian-12')"
    )
    assert unknown("image", "zzz", ["tiny", "disk"]) == "unknown image 'zzz' (known: 'disk', 'tiny')"
    assert unknown("image", "zzz", []) == "unknown image 'zzz' (there is none)"
    assert unknown("image", "zzz", [f"a{n}" for n in range(99)]).endswith("'a19', ...)")


words = st.sampled_from(
    ["name", "memory", "cpus", "ready", "source", "steps", "by_family", "kind", "run", "x"]
)
scalars = words | st.sampled_from(["1GiB", "3", "true", "debian", "disk", "1s"]) | st.none() | st.booleans()
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=200)
@given(trees)
def test_any_tree_is_a_recipe_or_a_config_error_with_places(tree: object) -> None:
    import yaml

    try:
        recipe = parsed(yaml.safe_dump(tree))
    except ConfigError as error:
        lines = str(error).splitlines()
    else:
        lines = []
        assert isinstance(recipe, Recipe)
    assert all(line.startswith("r.yaml:") for line in lines)


@given(st.text(max_size=60).filter(lambda text: "name" not in text))
def test_text_that_is_no_recipe_is_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError, match=r"\Ar\.yaml:"):
        parsed(text)
