"""What frames show is asked once and remembered beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.model import Frame, Screen, ScreenKind
from lab.recording import look
from lab.recording.look import SCREENS, looker

PICTURE = b"a picture"
FRAME = Frame(
    t_s=1.0, path="frames/000001.png", sha256=hashlib.sha256(PICTURE).hexdigest(), width=640, height=480
)
BLUE = Screen(
    kind=ScreenKind.BUGCHECK, reason="a sad face", code=0x7E, module="csagent.sys", parameters=(1, 2**64 - 1)
)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    (tmp_path / "frames").mkdir()
    (tmp_path / FRAME.path).write_bytes(PICTURE)
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every picture that was read; the classifier is replaced."""
    pictures: list[bytes] = []

    def classify(data: bytes, _name: str) -> Screen | None:
        pictures.append(data)
        return BLUE if data.startswith(b"a picture") else None

    monkeypatch.setattr(look, "_classify", classify)
    monkeypatch.setattr(look, "classifier", lambda: "1-abc")
    return pictures


def test_a_picture_is_read_once_also_by_another_process(recording: Path, asked: list[bytes]) -> None:
    first = looker(recording)
    assert first(FRAME) == BLUE
    assert first(replace(FRAME, t_s=9.0, path="frames/000007.png")) == BLUE, (
        "the same picture at another time"
    )
    assert looker(recording)(FRAME) == BLUE
    assert asked == [b"a picture"]


def test_that_there_is_nothing_to_see_is_remembered_too(recording: Path, asked: list[bytes]) -> None:
    (recording / FRAME.path).write_bytes(b"torn")
    torn = replace(FRAME, sha256=hashlib.sha256(b"torn").hexdigest())
    for _ in range(2):
        seen = looker(recording)
        assert seen(torn) is None
        assert seen.problems == ("frames/000001.png: is no picture that can be read",)
    assert asked == [b"torn"]


def test_another_picture_than_the_recorded_one_is_no_proof_of_what_was_there(
    recording: Path, asked: list[bytes]
) -> None:
    (recording / FRAME.path).write_bytes(b"a picture of something else")
    for _ in range(2):
        seen = looker(recording)
        assert seen(FRAME) == BLUE
        assert seen.problems == ("frames/000001.png: is not the picture that was recorded",)
    assert not (recording / SCREENS).exists()


def test_another_classifier_looks_again(
    recording: Path, asked: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    looker(recording)(FRAME)
    monkeypatch.setattr(look, "classifier", lambda: "2-abc")
    looker(recording)(FRAME)
    assert len(asked) == 2


def test_a_frame_whose_file_is_gone_shows_nothing_and_is_tried_again(
    recording: Path, asked: list[bytes]
) -> None:
    content = (recording / FRAME.path).read_bytes()
    (recording / FRAME.path).unlink()
    seen = looker(recording)
    assert seen(FRAME) is None
    assert seen.problems == ("frames/000001.png: no such file or directory",)
    (recording / FRAME.path).write_bytes(content)
    assert seen(FRAME) == BLUE
    assert seen.problems == ()
    assert len(asked) == 1


def _spoil(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def act(path: Path) -> object:
        raw = json.loads(path.read_text())
        change(raw)
        return path.write_text(json.dumps(raw))

    return act


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"{"),
        lambda path: path.write_bytes(b"[]"),
        lambda path: path.write_bytes(b"\xff\xfe"),
        _spoil(lambda raw: raw.pop("screens")),
        _spoil(lambda raw: raw["screens"].update({FRAME.sha256: {"kind": "no-such-kind", "reason": ""}})),
        _spoil(lambda raw: raw.update(screens=[1])),
    ],
)
def test_a_damaged_memory_is_no_memory(
    recording: Path, asked: list[bytes], damage: Callable[[Path], object]
) -> None:
    looker(recording)(FRAME)
    damage(recording / SCREENS)
    assert looker(recording)(FRAME) == BLUE
    assert len(asked) == 2
    assert looker(recording)(FRAME) == BLUE
    assert len(asked) == 2, "and it is mended"


def test_a_recording_that_cannot_be_written_is_looked_at_all_the_same(
    recording: Path, asked: list[bytes]
) -> None:
    (recording / f".{SCREENS}.new").mkdir()
    assert looker(recording)(FRAME) == BLUE
    assert not (recording / SCREENS).exists()
    assert len(asked) == 1


def test_the_classifier_is_known_by_its_version_and_its_sources() -> None:
    from lab import __version__

    assert look.classifier().startswith(f"{__version__}-")
    assert look.classifier() == look.classifier()
