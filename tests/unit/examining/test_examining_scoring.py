"""Labelled corpora: read, judged and summed up."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpora import console_corpus, dump_corpus, screen_corpus, serial_corpus, table

from lab.errors import InputError
from lab.examining.scoring.dressing import DRESSES, dressed
from lab.examining.scoring.labels import CorpusSet, read_corpus
from lab.examining.scoring.measure import changed, console_log, judge_all, readable_code
from lab.examining.scoring.score import Score, Share, score


def the_score(directory: Path) -> Score:
    (only,) = score(judge_all(read_corpus(directory)))
    return only


def test_a_console_corpus_is_scored_by_title_class_and_fatality(tmp_path: Path) -> None:
    got = the_score(console_corpus(tmp_path))
    assert got.corpus_set is CorpusSet.CONSOLE
    assert {name: str(share) for name, share in got.shares.items()} == {
        "recall": "1/1 (100.0 %)",
        "precision": "1/1 (100.0 %)",
        "false alarms": "0/1 (0.0 %)",
        "verdict": "2/2 (100.0 %)",
        "exact title": "1/1 (100.0 %)",
        "same bug": "1/1 (100.0 %)",
        "class": "1/1 (100.0 %)",
        "fatal": "1/1 (100.0 %)",
    }
    assert got.wrong == ()


def test_a_wrong_label_shows_up_as_a_miss_and_a_false_alarm(tmp_path: Path) -> None:
    console_corpus(tmp_path)
    index = tmp_path / "consoles" / "labels.tsv"
    lines = index.read_text().splitlines()
    swapped = [lines[0], lines[1].replace("report/1", "report/2"), lines[2].replace("report/2", "report/1")]
    index.write_text("\n".join(swapped) + "\n")
    got = the_score(tmp_path)
    assert got.shares["recall"] == Share(0, 1)
    assert got.shares["false alarms"] == Share(1, 1)
    assert len(got.wrong) == 2


def test_a_corrupted_log_is_not_scored_by_its_title(tmp_path: Path) -> None:
    console_corpus(tmp_path)
    index = tmp_path / "consoles" / "labels.tsv"
    index.write_text(index.read_text().replace("\t0\t0\toops", "\t1\t0\toops"))
    got = the_score(tmp_path)
    assert "exact title" not in got.shares
    assert got.shares["recall"] == Share(1, 1)


def test_a_serial_corpus_is_scored_by_verdict_and_what_is_ambiguous_is_left_out(tmp_path: Path) -> None:
    got = the_score(serial_corpus(tmp_path))
    assert got.cases == 2
    assert got.shares["verdict"] == Share(2, 2)
    assert got.confusion == {("crash", "crash"): 1, ("healthy", "healthy"): 1}


def test_screens_are_also_judged_in_changed_forms(tmp_path: Path) -> None:
    cases = read_corpus(screen_corpus(tmp_path))
    plain, altered = score(judge_all(cases, variants=True))
    assert plain.cases == 1
    assert altered.cases == 7
    assert plain.shares["false alarms"].hits == altered.shares["false alarms"].hits == 0


def test_a_user_mode_dump_is_no_kernel_crash(tmp_path: Path) -> None:
    got = the_score(dump_corpus(tmp_path))
    assert got.shares["false alarms"] == Share(0, 1)


def test_the_sets_of_one_folder_are_scored_apart(tmp_path: Path) -> None:
    for make in (console_corpus, serial_corpus, screen_corpus, dump_corpus):
        make(tmp_path)
    assert [one.corpus_set for one in score(judge_all(read_corpus(tmp_path)))] == list(CorpusSet)


def test_several_processes_judge_as_one_does(tmp_path: Path) -> None:
    cases = read_corpus(serial_corpus(tmp_path))
    one = [(judged.found, judged.right) for judged in judge_all(cases)]
    two = [(judged.found, judged.right) for judged in judge_all(cases, jobs=2)]
    assert one == two


def test_a_folder_without_an_index_says_what_an_index_is(tmp_path: Path) -> None:
    table(tmp_path / "other.tsv", ["a", "b"], [["1", "2"]])
    with pytest.raises(InputError, match="no index") as said:
        read_corpus(tmp_path)
    assert "lab_class" in said.value.message


def test_a_row_whose_file_is_missing_is_an_error_with_its_line(tmp_path: Path) -> None:
    serial_corpus(tmp_path)
    (tmp_path / "serial" / "healthy.log").unlink()
    with pytest.raises(InputError, match=r"index\.tsv:3: 'healthy\.log' is not there"):
        read_corpus(tmp_path)


def test_the_log_of_a_console_file_is_what_is_between_header_and_report() -> None:
    data = b"TITLE: x\r\nALT: y\r\n\r\nline\r\n\r\nmore\r\n\r\nREPORT:\r\nwords\r\n"
    assert console_log(data) == b"line\n\nmore\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0x3B SYSTEM_SERVICE_EXCEPTION", 0x3B),
        ("PAGE_FAULT_IN_NONPAGED_AREA", 0x50),
        ("0xC000021A", 0xC000021A),
        ("0xC0000225", 0xC0000225),
        ("0x1000007E", 0x7E),
        ("WAKE_UP_NEO (fake)", None),
        ("Attempted to kill init!", None),
        ("", None),
    ],
)
def test_the_code_a_label_says_a_person_can_read(text: str, code: int | None) -> None:
    assert readable_code(text) == code


def test_pictures_are_changed_as_the_variant_says(tmp_path: Path) -> None:
    import io

    from PIL import Image

    path = tmp_path / "a.png"
    Image.new("RGB", (100, 80), (200, 10, 10)).save(path)
    sizes = {
        name: Image.open(io.BytesIO(changed(path, name))).size
        for name in ("scale=0.5", "jpeg=30", "letterbox")
    }
    assert sizes == {"scale=0.5": (50, 40), "jpeg=30": (100, 80), "letterbox": (130, 88)}


@pytest.mark.parametrize("variant", sorted(DRESSES))
def test_a_console_log_in_another_dress_says_the_same(variant: str) -> None:
    log = (
        b"[    1.000000][    T1] demo: ready\n"
        b"[    2.000000][    T1] BUG: kernel NULL pointer dereference, address: 0000000000000008\n"
        b"[    2.000001][    T1] RIP: 0010:demo_match+0x2a/0x60\n"
    )
    changed = dressed(log, variant)
    assert changed != log
    assert b"demo_match+0x2a/0x60" in changed
    assert changed.count(b"\n") == 3
    assert dressed(log, "") == log
