from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.agents import keyvalues, placeholders

WORDS = st.text(st.characters(codec="ascii", categories=["Ll", "Nd"]), min_size=1, max_size=8)


def test_a_placeholder_is_replaced_and_the_braces_of_the_shell_are_left_alone() -> None:
    text = "cd {dir} && echo ${HOME} ${dir} { a; } {build}"
    filled = placeholders.fill(text, {"dir": "/opt/x", "build": "1.0"})
    assert filled == "cd /opt/x && echo ${HOME} ${dir} { a; } 1.0"


def test_an_unknown_placeholder_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        ValueError, match=r"placeholder \{biuld\} is not known here \(wanted one of \{build\}, \{dir\}\)"
    ):
        placeholders.check("run {biuld}", ["dir", "build"])


@given(st.text())
def test_text_without_placeholders_stays_itself(text: str) -> None:
    if not placeholders.names(text):
        assert placeholders.fill(text, {}) == text


@given(
    st.dictionaries(
        WORDS.map(lambda word: "k" + word), st.text(alphabet="abc =/.:-", max_size=12), max_size=6
    )
)
def test_printed_pairs_are_read_back(pairs: dict[str, str]) -> None:
    text = "".join(f"{key}={value}\n" for key, value in pairs.items())
    assert keyvalues.parse(text) == {key: value.strip() for key, value in pairs.items()}


def test_other_lines_are_ignored_and_the_first_of_a_key_counts() -> None:
    text = "Starting...\nbuild=1.0\n  content = 3\nbuild=2.0\n=x\nmessage=a=b\r\n"
    assert keyvalues.parse(text) == {"build": "1.0", "message": "a=b"}


def test_every_line_of_a_key_is_found_in_order() -> None:
    assert keyvalues.every("leftover=/a\nx=1\nleftover=/b c\n", "leftover") == ["/a", "/b c"]
