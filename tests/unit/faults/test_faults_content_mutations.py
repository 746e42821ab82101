"""Mutations of a content: complete, reproducible, and what their names say."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab import agents
from lab.agents.content import ContentFormat, Role, follows, read
from lab.errors import ArtefactError
from lab.faults.content import Mutation, MutationKind, mutations
from lab.faults.content.fields import encoded, joined
from lab.faults.content.mutation import mend
from lab.model import Family

FAMILY = agents.load(Path(__file__).resolve().parents[3] / "agents/demo-sensor").family(Family.LINUX)
GOOD = FAMILY.contents["292"].path.read_bytes()


def form() -> ContentFormat:
    assert FAMILY.content_format is not None
    return FAMILY.content_format


@pytest.fixture(scope="module")
def made() -> dict[str, Mutation]:
    return {one.name: one for one in mutations(form(), GOOD)}


def test_every_mutation_is_named_once_differs_and_can_stand_where_a_content_stands(
    made: dict[str, Mutation],
) -> None:
    every = mutations(form(), GOOD)
    assert len(every) == len(made) == len({one.sha256 for one in every})
    assert all(one.data != GOOD for one in every)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", one.name) for one in every)
    assert {one.kind for one in every} == set(MutationKind)


def test_the_same_seed_gives_the_same_files_another_seed_flips_other_bits() -> None:
    assert mutations(form(), GOOD, seed=7) == mutations(form(), GOOD, seed=7)
    first, other = (
        {one.name for one in mutations(form(), GOOD, seed=seed) if one.kind is MutationKind.FLIP}
        for seed in (1, 2)
    )
    assert first != other


def test_the_file_is_cut_at_every_boundary_and_within_every_part(made: dict[str, Mutation]) -> None:
    content = read(form(), GOOD)
    plain = [one.data for one in made.values() if one.name.startswith("cut-") and not one.mended]
    assert all(GOOD.startswith(data) for data in plain)
    cut = set(map(len, plain))
    for field in content.fields:
        assert field.at in cut
        assert field.at + form().field_header_size // 2 in cut
        if field.value:
            assert field.at + form().field_header_size in cut
    for part in form().header[1:]:
        assert part.at in cut


def test_every_wildcard_becomes_a_value_once_and_every_value_a_wildcard(made: dict[str, Mutation]) -> None:
    content = read(form(), GOOD)
    for field in content.fields:
        word = "value" if field.wildcard else "wildcard"
        mended = read(form(), made[f"{word}-in-{field.name}-mended"].data)
        changed = mended.fields[field.index]
        assert changed.wildcard is not field.wildcard
        others = [one for one in mended.fields if one.index != field.index]
        assert [(one.name, one.value) for one in others] == [
            (one.name, one.value) for one in content.fields if one.index != field.index
        ]
    assert read(form(), made["value-in-every-field-mended"].data).wildcards == ()
    assert read(form(), made["wildcard-in-every-field-mended"].data).values == ()


def test_the_july_file_is_among_them(made: dict[str, Mutation]) -> None:
    july = read(form(), made["field-more-value-mended"].data)
    assert len(july.fields) == 21
    assert "session" in july.values
    assert "number 21 (session)" in made["field-more-value-mended"].sentence
    assert "session" in read(form(), made["field-more-wildcard-mended"].data).wildcards
    assert len(read(form(), made["field-less-mended"].data).fields) == 19


def test_only_what_is_mended_and_well_formed_follows_the_format(made: dict[str, Mutation]) -> None:
    sound = {one.name for one in made.values() if follows(form(), one.data)}
    kinds = Counter(made[name].kind for name in sound)
    assert set(kinds) <= {MutationKind.VALUE, MutationKind.FIELDS, MutationKind.FLIP}
    assert all(made[name].mended for name in sound)


def test_what_is_mended_has_the_right_size_and_checksum_but_for_the_damage_itself(
    made: dict[str, Mutation],
) -> None:
    size, checksum = form().part(Role.SIZE), form().part(Role.CHECKSUM)
    assert size is not None
    assert checksum is not None
    for one in made.values():
        if not one.mended:
            continue
        assert one.data[checksum.at : checksum.end] == form().checksum(one.data, checksum), one.name
        if not one.name.startswith("size-"):
            assert form().number(one.data, size) == len(one.data), one.name


def test_a_wrong_checksum_is_not_put_right(made: dict[str, Mutation]) -> None:
    assert "checksum-wrong" in made
    assert "checksum-wrong-mended" not in made


def test_what_is_no_content_cannot_be_mutated() -> None:
    with pytest.raises(ArtefactError, match="does not follow its format"):
        mutations(form(), b"\0" * 100)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([1, 2, 3]), st.one_of(st.none(), st.binary(min_size=1, max_size=30))),
        min_size=1,
        max_size=21,
    )
)
def test_any_content_can_be_mutated_and_nothing_comes_out_twice(
    fields: list[tuple[int, bytes | None]],
) -> None:
    template = read(form(), GOOD)
    data = mend(form(), joined(template, [encoded(form(), kind, value) for kind, value in fields]))
    content = read(form(), data)
    assert [(one.type, one.value or None) for one in content.fields] == fields
    every = mutations(form(), data)
    assert len({one.data for one in every}) == len({one.name for one in every}) == len(every)
    assert all(one.mended for one in every if follows(form(), one.data))
