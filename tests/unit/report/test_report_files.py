"""The four files, and the pictures in the page."""

from __future__ import annotations

import base64
import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import report_factories as make
from PIL import Image

from lab.errors import InfraError
from lab.report import thumbnails, write_all
from lab.report.wording import count, listing, percent, plain, seconds


def test_the_four_files_are_written_and_no_scratch_stays(tmp_path):
    doc = make.bad_update().doc(tmp_path)
    write_all(tmp_path, doc)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == doc
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert ET.parse(tmp_path / "junit.xml").getroot().tag == "testsuites"
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("# ")
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {
        "report.json",
        "report.html",
        "junit.xml",
        "summary.md",
    }


def test_the_other_files_can_be_made_again_from_the_written_document(tmp_path):
    write_all(tmp_path, make.mixed().doc(tmp_path))
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    write_all(tmp_path, json.loads((tmp_path / "report.json").read_text(encoding="utf-8")))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == first


def test_a_report_that_cannot_be_written_leaves_the_last_one_whole(tmp_path, monkeypatch):
    """Nobody may find the answer of another judgement in the next file."""
    write_all(tmp_path, make.bad_update().doc(tmp_path))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    real = Path.write_text

    def full(path, *words, **named):
        if path.name == ".junit.xml.new":
            raise OSError(28, "No space left on device")
        return real(path, *words, **named)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(InfraError, match="cannot be written: no space left") as caught:
        write_all(tmp_path, make.mixed().doc(tmp_path))
    assert f"lab judge {tmp_path.name}" in caught.value.hint
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))


def noise(path, size):
    Image.effect_noise(size, 90).convert("RGB").save(path)


def test_a_text_console_keeps_its_size(tmp_path):
    run = make.empty()
    make.frame(run, ".", 1, 0.0, ["Kernel panic - not syncing"] * 20)
    run.write(tmp_path)
    uri = thumbnails.data_uri(tmp_path / "frames/000001.png", tmp_path)
    assert decoded(uri).size == (720, 400)
    assert len(uri) < 40_000


def test_a_busy_screen_is_made_worse_until_it_fits(tmp_path):
    noise(tmp_path / "busy.png", (1920, 1080))
    uri = thumbnails.data_uri(tmp_path / "busy.png", tmp_path)
    assert len(uri) < thumbnails.MOST_BYTES * 4 / 3 + 100
    assert decoded(uri).width <= thumbnails.WIDEST


def test_a_damaged_or_missing_frame_is_none(tmp_path):
    noise(tmp_path / "cut.png", (64, 64))
    data = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    (tmp_path / "words.png").write_bytes(b"not a picture")
    for name in ("cut.png", "words.png", "missing.png"):
        assert thumbnails.data_uri(tmp_path / name, tmp_path) is None


def test_a_frame_outside_the_run_is_not_shown(tmp_path):
    noise(tmp_path / "secret.png", (8, 8))
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    (run_dir / "link.png").symlink_to(tmp_path / "secret.png")
    assert thumbnails.data_uri(run_dir / "../secret.png", run_dir) is None
    assert thumbnails.data_uri(run_dir / "link.png", run_dir) is None


def test_a_frame_of_too_many_pixels_is_not_decoded(tmp_path, monkeypatch):
    noise(tmp_path / "big.png", (64, 64))
    monkeypatch.setattr(thumbnails, "MOST_PIXELS", 1000)
    assert thumbnails.data_uri(tmp_path / "big.png", tmp_path) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.134, "0.13 s"),
        (12.44, "12.4 s"),
        (184, "3 min 04 s"),
        (7320, "2 h 02 min"),
        (None, "—"),
    ],
)
def test_durations(value, text):
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.004, "< 1 %"), (0.625, "62.5 %"), (0.27, "27 %"), (0.9999, "> 99.9 %"), (1, "100 %")],
)
def test_shares_are_never_rounded_to_nothing_or_to_everything(share, text):
    assert percent(share) == text


def test_counts_and_lists():
    assert [count(1, "cell"), count(2, "cell"), count(0, "box", "boxes")] == ["1 cell", "2 cells", "0 boxes"]
    assert listing("abc") == "a, b, c"
    assert listing("abcdef") == "a, b, c, d and 2 more"


def test_long_text_is_cut_with_an_ellipsis():
    assert plain("x" * 30, 10) == "x" * 9 + "…"
