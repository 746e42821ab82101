"""The last failure of each template is remembered until one is there, and told in a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from template_keys import KEY

from lab.model import Profile
from lab.places import Places
from lab.templates import FailureBook


@pytest.fixture
def book(tmp_path: Path) -> FailureBook:
    return FailureBook(Places(cache=tmp_path / "c", state=tmp_path / "s", runtime=tmp_path / "r"))


def test_an_empty_book_knows_of_nothing(book: FailureBook) -> None:
    assert book.all() == ()
    assert not book.has(KEY)
    book.forget(KEY)


def test_the_newer_failure_replaces_the_older_and_keeps_the_end_of_the_console(book: FailureBook) -> None:
    book.note(KEY, "making", "no answer in 480 s")
    book.note(KEY, "making", "kernel panic", log="x" * 9000 + "the end")
    (failure,) = book.of("debian-12")
    assert failure.log.endswith("the end")
    assert len(failure.log) < 5000
    assert failure.sentence.startswith("template of debian-12 on bios-1cpu could not be made (")
    assert failure.sentence.endswith("): kernel panic")


def test_each_profile_and_agent_has_its_own_entry_and_other_images_none(book: FailureBook) -> None:
    book.note(KEY, "making", "one")
    book.note(replace(KEY, warm="demo-sensor 1.0/289"), "clone", "two")
    book.note(replace(KEY, profile=Profile(name="big")), "making", "three")
    assert {one.reason for one in book.of("debian-12")} == {"one", "two", "three"}
    assert book.of("debian-11") == ()
    (warm,) = [one for one in book.all() if one.warm]
    assert "clone of debian-12 on bios-1cpu with demo-sensor 1.0/289 could not be used" in warm.sentence


def test_another_qemu_is_still_the_same_template_to_a_person(book: FailureBook) -> None:
    book.note(KEY, "making", "one")
    book.forget(replace(KEY, qemu="8.2.2", image_digest="b" * 64))
    assert not book.has(KEY)


def test_an_entry_that_cannot_be_read_is_passed_over(book: FailureBook, tmp_path: Path) -> None:
    book.note(KEY, "making", "one")
    (tmp_path / "s/template-failures/debian-11_x.json").write_text("{")
    assert [one.image for one in book.all()] == ["debian-12"]
