"""YAML with places: text stays text, and each refusal says where."""

import contextlib
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.config import marked
from lab.config.marked import DEEPEST, Document, Place, read, read_text, shown
from lab.errors import ConfigError

ROOT = Path(__file__).resolve().parents[3]


def value(text: str) -> object:
    return read_text(text, "x.yaml").value


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_text(text, "x.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    "scalar",
    ["1.0", "1.10", "0755", "0o17", "0x1F", "12:30", "1_000", "1e3", ".inf", "no", "yes", "on", "off", "y",
     "2026-12-31", "=", "<<", "nil"],
)  # fmt: skip
def test_a_plain_scalar_stays_the_text_that_was_written(scalar: str) -> None:
    assert value(f"a: {scalar}") == {"a": scalar}


def test_null_true_and_false_are_themselves_unless_quoted() -> None:
    assert value("[null, ~, TRUE, False, 'null', \"true\"]") == [None, None, True, False, "null", "true"]
    assert value("a:") == {"a": None}


def test_keys_are_text_whatever_they_look_like() -> None:
    assert value("no: 1\n1.0: 2\nnull: 3\ntrue: 4") == {"no": "1", "1.0": "2", "null": "3", "true": "4"}


def test_values_and_keys_know_their_places() -> None:
    document = read_text("a:\n  - x\n  - {b: y}\n", "x.yaml")
    assert document.where("a", 1, "b") == "x.yaml:3:9"
    assert document.keys[("a", 1, "b")] == Place(3, 6)
    assert document.where("a", 1, "missing") == "x.yaml:3:5"


def test_every_duplicate_key_is_told_with_the_line_of_the_first() -> None:
    assert refusal("a: 1\nb: {c: 1, c: 2}\na: 3\n").splitlines() == [
        "x.yaml:2:11: duplicate key 'c' (first in line 2)",
        "x.yaml:3:1: duplicate key 'a' (first in line 1)",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "x.yaml:1:6: not YAML: while parsing a flow sequence expected ',' or ']'"),
        (
            "a: !!python/object:os.system x",
            "x.yaml:1:4: tag 'tag:yaml.org,2002:python/object:os.system' is not",
        ),
        ("a: !secret x", "x.yaml:1:4: tag '!secret' is not supported"),
        ("? [a]\n: 1", "x.yaml:1:3: a key must be text, got a list or mapping"),
        ("a: &x [*x]", "x.yaml:1:4: an alias contains itself"),
        ("a: *nowhere", "x.yaml:1:4: not YAML: found undefined alias 'nowhere'"),
        ("a: 1\n---\nb: 2", "x.yaml:2:1: not YAML: expected a single document"),
        ("a:\n\t- 1", "x.yaml:2:1: not YAML: while scanning for the next token found character '\\t'"),
        ("a: 1\nb: \x07", "x.yaml:2:4: character U+0007 is not allowed in YAML"),
        ("[" * 70 + "]" * 70, "x.yaml:1:61: nested too deeply (at most 60 levels)"),
        ("[" * 5000 + "]" * 5000, "x.yaml: nested too deeply (at most 60 levels)"),
        ("- " * 100_000 + "x", "x.yaml: nested too deeply (at most 60 levels)"),
        ('a: "\\UFFFFFFFF"', "x.yaml: is not YAML: "),
    ],
)
def test_what_is_refused_is_told_with_its_place(text: str, message: str) -> None:
    assert refusal(text).startswith(message)


def test_aliases_of_aliases_end_before_the_memory_does() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "too large with its aliases written out" in refusal("\n".join(lines))


def test_an_alias_may_be_used_twice() -> None:
    assert value("a: &x {k: 1}\nb: *x") == {"a": {"k": "1"}, "b": {"k": "1"}}


def test_a_missing_file_and_a_directory_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.yaml: cannot be read: no such file or directory"):
        read(tmp_path / "no.yaml")
    with pytest.raises(ConfigError, match="cannot be read: is a directory"):
        read(tmp_path)


def test_bytes_that_are_not_utf_8_are_told_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: 1\nbc: \xff")
    with pytest.raises(ConfigError, match=r"x\.yaml:2:5: byte 0xff is not UTF-8"):
        read(path)


def test_a_byte_order_mark_is_not_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1")
    assert read(path).value == {"a": "1"}


def test_a_path_below_the_working_directory_is_shown_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "images" / "x.yaml") == "images/x.yaml"
    assert shown(Path("lab.yaml")) == "lab.yaml"
    assert shown(Path("/etc/lab.yaml")) == "/etc/lab.yaml"


@given(st.text(alphabet="ab:-[]{}!&*|>'\"%@`,#? \n\t\\~0", max_size=60) | st.text(max_size=40))
def test_any_text_is_a_document_or_a_config_error(text: str) -> None:
    try:
        document = read_text(text, "x.yaml")
    except ConfigError as error:
        said = str(error)
    else:
        said = "x.yaml:"
        assert () in document.values or document.value is None
    assert said.startswith("x.yaml:")


@given(
    st.recursive(
        st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=6) | st.none() | st.booleans(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3)
        ),
        max_leaves=12,
    )
)
def test_every_value_of_a_document_has_a_place(written: object) -> None:
    import yaml

    document = read_text(yaml.safe_dump(written), "x.yaml")
    assert document.value == written

    def walk(value: object, steps: tuple[str | int, ...]) -> None:
        assert steps in document.values
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for step, inner in items:
            walk(inner, (*steps, step))

    walk(document.value, ())


def test_the_depth_limit_leaves_room_on_the_stack() -> None:
    assert sys.getrecursionlimit() > DEEPEST * 10


def plain(text: str) -> Document | None:
    """What PyYAML's own parser reads, or None where it refuses."""
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(ConfigError):
        patch.setattr(marked, "_Quick", marked._Loader)
        return read_text(text, "x.yaml")
    return None


@pytest.mark.parametrize("path", sorted([*ROOT.glob("*.yaml"), *ROOT.glob("[ais]*/**/*.yaml")]), ids=str)
def test_the_quick_parser_reads_the_shipped_files_as_the_plain_one_does(path: Path) -> None:
    text = path.read_text()
    assert read_text(text, "x.yaml") == plain(text)


@given(st.text(alphabet="ab:-[]{}!&*|>'\"%@`,#? \n\t\\~0é", max_size=60))
def test_the_quick_parser_and_the_plain_one_read_the_same(text: str) -> None:
    expected = plain(text)
    if expected is not None:
        assert read_text(text, "x.yaml").value == expected.value, "empty values may stand elsewhere"
