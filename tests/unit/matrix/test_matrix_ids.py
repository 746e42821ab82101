"""Cell ids can be read, used as file names, and never meet."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import InputError
from lab.matrix.ids import LONGEST, cell_id, is_name, version_suffix
from lab.model import AgentVersion, Arm

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.-]{0,9}", fullmatch=True)
version_texts = st.text("1c.-~2d b_/é", min_size=1, max_size=8)
versions = st.builds(AgentVersion, build=version_texts, content=version_texts)
numbers = st.integers(0, 30)
axes = st.tuples(names, names, names, st.sampled_from(Arm))


def test_an_id_names_its_axes() -> None:
    assert cell_id("debian-12", "bios-1cpu", "content-update", Arm.CANDIDATE) == (
        "debian-12_bios-1cpu_content-update_candidate"
    )


def test_axes_with_several_values_are_appended() -> None:
    full = cell_id(
        "tiny",
        "small",
        "soak",
        Arm.BASELINE,
        version=AgentVersion(build="1.1", content="292"),
        seed=3,
        repetition=2,
    )
    assert full == "tiny_small_soak_baseline-b1.1-c292_s3_r2"


@pytest.mark.parametrize(
    ("build", "content", "suffix"),
    [
        ("1.1-rc1", "292", "-b1.1-rc1-c292"),
        ("1.1-canary", "292", "-b1.1~2dcanary-c292"),
        ("2:1.0~rc", "a_b", "-b2~3a1.0~7erc-ca~5fb"),
        ("é", "1", "-b~c3~a9-c1"),
    ],
)
def test_versions_are_escaped_so_that_they_end_where_they_end(build: str, content: str, suffix: str) -> None:
    assert version_suffix(AgentVersion(build=build, content=content)) == suffix


@given(axes, axes)
def test_different_axes_give_different_ids(one: tuple, other: tuple) -> None:
    assert (cell_id(*one) == cell_id(*other)) == (one == other)


@given(versions, versions)
def test_different_versions_give_different_suffixes(one: AgentVersion, other: AgentVersion) -> None:
    assert (version_suffix(one) == version_suffix(other)) == (one == other)


@given(axes, versions, st.tuples(numbers, numbers), versions, st.tuples(numbers, numbers))
def test_different_cells_of_the_same_axes_give_different_ids(
    base: tuple, v1: AgentVersion, n1: tuple[int, int], v2: AgentVersion, n2: tuple[int, int]
) -> None:
    one = cell_id(*base, version=v1, seed=n1[0], repetition=n1[1])
    other = cell_id(*base, version=v2, seed=n2[0], repetition=n2[1])
    assert (one == other) == ((v1, n1) == (v2, n2))


@given(axes, versions, numbers)
def test_ids_are_file_names_and_whole_words(base: tuple, version: AgentVersion, seed: int) -> None:
    identity = cell_id(*base, version=version, seed=seed)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+~-]*", identity)
    assert identity.isascii()


def test_an_id_that_no_file_system_takes_is_refused() -> None:
    with pytest.raises(InputError, match=f"is too long \\(at most {LONGEST} characters\\)"):
        cell_id("i" * 100, "p" * 100, "s", Arm.BASELINE)


@pytest.mark.parametrize("text", ["", "_", "a_b", "-a", ".a", "a b", "a/b", "é"])
def test_what_would_break_an_id_is_no_name(text: str) -> None:
    assert not is_name(text)
