"""The pattern language: patterns over whole ids, words anywhere in them, and/or/not."""

import fnmatch
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import ExitCode, InputError, NothingSelected
from lab.matrix.selection import MOST_ALTERNATIVES, choose, closest_word, expand, glob, matcher

IDS = [
    f"{image}_{profile}_{scenario}_{arm}"
    for image, profile, scenario, arm in itertools.product(
        ["debian-11", "debian-12", "debian-12-backports", "win11-23h2"],
        ["bios-1cpu", "bios-2cpu"],
        ["content-update", "roll-back", "install-healthy"],
        ["candidate", "baseline"],
    )
]


def selected(*selections: str) -> set[str]:
    return choose(IDS, selections)


@pytest.mark.parametrize(
    ("pattern", "expanded"),
    [
        ("a", ["a"]),
        ("a{1,2}", ["a1", "a2"]),
        ("{a,b}{1,2}", ["a1", "a2", "b1", "b2"]),
        ("a{1,2{x,y}}", ["a1", "a2x", "a2y"]),
        ("a{,-b}", ["a", "a-b"]),
        ("a{1", ["a{1"]),
        ("a}1{", ["a}1{"]),
        ("{a}", ["a"]),
        ("{a,a}", ["a"]),
    ],
)
def test_braces_expand_like_a_shell_would(pattern: str, expanded: list[str]) -> None:
    assert sorted(expand(pattern)) == sorted(expanded)


def test_braces_that_multiply_without_end_are_refused() -> None:
    with pytest.raises(InputError, match=f"too many alternatives \\(at most {MOST_ALTERNATIVES}\\)"):
        expand("{a,b,c,d}" * 12)


@given(st.lists(st.lists(st.text("ab-", max_size=3), min_size=1, max_size=3), min_size=1, max_size=4))
def test_braces_in_a_row_give_every_combination(groups: list[list[str]]) -> None:
    pattern = "".join("{" + ",".join(group) + "}" for group in groups)
    assert set(expand(pattern)) == {"".join(one) for one in itertools.product(*groups)}


@given(st.text("ab*?[]!-", max_size=8), st.text("ab-[]", max_size=6))
def test_without_braces_a_pattern_means_what_fnmatch_says(pattern: str, text: str) -> None:
    assert glob(pattern)(text) == fnmatch.fnmatchcase(text, pattern)


@given(st.text("ab*?{},", max_size=10), st.text("ab,{}", max_size=6))
def test_a_pattern_matches_what_one_of_its_alternatives_matches(pattern: str, text: str) -> None:
    assert glob(pattern)(text) == any(fnmatch.fnmatchcase(text, one) for one in expand(pattern))


@given(st.text(max_size=20), st.text(max_size=10))
def test_any_selection_is_a_test_or_bad_input(expression: str, text: str) -> None:
    try:
        answer = matcher(expression)(text)
    except InputError as error:
        assert error.exit_code is ExitCode.BAD_INPUT  # noqa: PT017 (either outcome is right)
    else:
        assert answer in (True, False)


def test_a_pattern_is_over_the_whole_id_and_a_word_anywhere_in_it() -> None:
    assert len(selected("debian-12_*")) == 12
    assert len(selected("debian-12")) == 24
    assert len(selected("*_candidate")) == 24
    assert len(selected("debian-{11,12}_bios-1cpu_*_candidate")) == 6


def test_several_selections_add_up() -> None:
    assert selected("debian-11_*", "win11*") == selected("debian-11_* or win11*")


def test_and_or_not_and_parentheses_combine_words() -> None:
    assert selected("debian and not (roll-back or 2cpu) and candidate") == {
        one
        for one in IDS
        if "debian" in one and "roll-back" not in one and "2cpu" not in one and "candidate" in one
    }


def test_and_binds_before_or_and_not_before_both() -> None:
    assert matcher("a or b and c")("a")
    assert not matcher("(a or b) and c")("a")
    assert matcher("not a or b")("b")
    assert not matcher("not (a or b)")("b")
    assert matcher("not not a")("a")


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), st.text("abc", max_size=3))
def test_or_and_not_obey_de_morgan(words: list[str], text: str) -> None:
    negated = " and ".join(f"not {word}" for word in words)
    assert matcher(f"not ({' or '.join(words)})")(text) == matcher(negated)(text)


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("", "wanted a word at its end"),
        ("  ", "wanted a word at its end"),
        ("a and", "wanted a word at its end"),
        ("a b", "wanted 'and' or 'or' before 'b'"),
        ("(a", "wanted ')'"),
        ("a)", "wanted 'and' or 'or' before ')'"),
        ("or a", "wanted a word before 'or'"),
        ("not", "wanted a word at its end"),
        ("()", "wanted a word before ')'"),
    ],
)
def test_a_selection_that_cannot_be_read_says_why(expression: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        matcher(expression)
    assert str(caught.value) == f"selection {expression!r} cannot be read: {what}"


def test_a_whole_id_selects_that_cell_alone() -> None:
    ids = ["tiny_a_b_candidate_s1", "tiny_a_b_candidate_s10"]
    assert choose(ids, [ids[0]]) == {ids[0]}
    assert choose(ids, ["candidate_s1"]) == set(ids)


@pytest.mark.parametrize(
    ("selection", "closest"),
    [
        ("win12*", "win11-23h2"),
        ("debain-12", "debian-12"),
        ("debian-12_* and rollback", "roll-back"),
        ("debian-12_bios-1cpu_rol-back_candidate", "roll-back"),
    ],
)
def test_nothing_selected_names_the_selection_the_count_and_the_closest(selection: str, closest: str) -> None:
    with pytest.raises(NothingSelected) as caught:
        selected(selection)
    assert str(caught.value) == f"selection {selection!r} matches none of 48 cells"
    assert caught.value.hint == f"lab plan lists them; closest is {closest!r}"
    assert caught.value.exit_code is ExitCode.NOTHING_SELECTED


def test_nothing_close_is_not_named() -> None:
    assert closest_word("zzzzzz", IDS) is None
    with pytest.raises(NothingSelected) as caught:
        selected("zzzzzz")
    assert caught.value.hint == "lab plan lists them"


def test_each_selection_must_select_something() -> None:
    with pytest.raises(NothingSelected, match="'zzz'"):
        selected("debian-12", "zzz")
