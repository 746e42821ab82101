"""The whole way from bytes to a screen; layouts, languages and sizes are in tests/unit/screens_rendered."""

from __future__ import annotations

import threading
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from lab.detect.screens import Unreadable, classify, reading, suspicious
from lab.model import Screen, ScreenKind, ScreenVerdict
from lab.selftest.painting import decoy, degrade, paint

LOOK_ALIKES = (
    "blue-desktop",
    "dark-desktop",
    "photo-desktop",
    "blue-terminal",
    "boot-log",
    "memory-test",
    "text-installer",
    "lock-screen",
    "update",
)


def packed(picture: Image.Image) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def no_tessdata(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reading, "PLACES", (str(tmp_path / "*"),))
    monkeypatch.setattr(reading, "_engines", reading._Engines())
    monkeypatch.delenv("TESSDATA_PREFIX", raising=False)
    reading.tessdata.cache_clear()
    yield
    reading.tessdata.cache_clear()


def test_bytes_and_pictures_give_the_same() -> None:
    picture = paint("11-24h2", size=(800, 600), code=0xEF, module="demosens.sys", progress=35)
    screen = classify(packed(picture))
    assert screen == classify(picture)
    assert (screen.kind, screen.code, screen.module, screen.progress) == (
        ScreenKind.BUGCHECK, 0xEF, "demosens.sys", 35,
    )  # fmt: skip


def test_a_stop_screen_in_a_small_window_on_a_desktop_is_found() -> None:
    desktop = decoy("blue-desktop", size=(1920, 1080))
    desktop.paste(degrade(paint("10-qr", size=(800, 600), code=0xD1), window="guest"), (900, 250))
    assert classify(desktop).kind is ScreenKind.BUGCHECK


def test_parameters_and_module_of_a_text_screen_are_exact() -> None:
    values = (0x8, 0x2, 0x1, 0xB242A416)
    screen = classify(paint("xp", size=(640, 480), code=0xD1, module="demosens.sys", parameters=values))
    assert (screen.code, screen.parameters, screen.module) == (0xD1, values, "demosens.sys")


@pytest.mark.parametrize("name", LOOK_ALIKES)
@pytest.mark.parametrize("size", [(640, 480), (1280, 800)])
def test_healthy_look_alikes_raise_no_alarm(name: str, size: tuple[int, int]) -> None:
    assert classify(decoy(name, size=size)).verdict is ScreenVerdict.HEALTHY


def test_one_colour_is_blank() -> None:
    for colour in ((0, 0, 0), (0, 0, 128), (0, 120, 215), (16, 124, 16)):
        picture = Image.new("RGB", (1024, 768), colour)
        assert classify(picture).kind is ScreenKind.BLANK
        assert not suspicious(picture)


def test_suspicion_needs_no_reading_and_misses_nothing(no_tessdata: None) -> None:
    for layout in ("xp", "8", "10", "11-24h2", "linux-panic", "grub-rescue", "no-boot-device", "winre-error"):
        assert suspicious(packed(paint(layout, size=(1024, 768))))
    assert not suspicious(decoy("graphical-installer", size=(1024, 768)))
    assert not suspicious(decoy("photo-desktop", size=(1024, 768)))


def test_without_recognition_layout_decides_and_the_rest_says_what_is_missing(no_tessdata: None) -> None:
    assert classify(paint("10", language="ja", size=(1024, 768))).kind is ScreenKind.BUGCHECK
    assert classify(paint("server", language="ru", size=(1024, 768))).kind is ScreenKind.BUGCHECK
    screen = classify(paint("bitlocker", size=(1024, 768)))
    assert screen.verdict is ScreenVerdict.HEALTHY
    assert "tesseract-ocr-eng" in screen.reason
    with pytest.raises(Unreadable, match="tesseract-ocr-eng"):
        reading.tessdata()


def test_the_variable_names_the_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_tessdata: None
) -> None:
    (tmp_path / "tessdata").mkdir()
    (tmp_path / "tessdata" / "eng.traineddata").touch()
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    assert reading.tessdata() == str(tmp_path / "tessdata")


def test_damaged_data_is_reported_as_unreadable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_tessdata: None
) -> None:
    (tmp_path / "eng.traineddata").write_bytes(b"not a model")
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    screen = classify(paint("bitlocker", size=(640, 480)))
    assert "unavailable" in screen.reason


def test_without_reading_nothing_is_read() -> None:
    screen = classify(paint("winre-error", size=(1024, 768)), read=False)
    assert (screen.text, "not read" in screen.reason) == ("", True)


def test_threads_classify_side_by_side() -> None:
    picture = packed(paint("10-qr", size=(640, 480), code=0xD1))
    found: list[Screen] = []
    threads = [threading.Thread(target=lambda: found.append(classify(picture))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {screen.code for screen in found} == {0xD1}
    assert len(found) == 4


@pytest.mark.parametrize("layout", ["automatic-repair", "diagnosing", "repair-failed"])
@pytest.mark.parametrize("size", [(800, 600), (1024, 768)])
def test_recovery_is_read_in_russian_letters_large_and_small(layout: str, size: tuple[int, int]) -> None:
    assert classify(paint(layout, language="ru", size=size)).kind is ScreenKind.RECOVERY


@pytest.mark.parametrize("language", ["ja", "zh", "ru", "fr"])
def test_a_recovery_page_with_a_status_is_known_in_every_language(language: str) -> None:
    screen = classify(paint("winre-error", language=language, size=(1024, 768), code=0xC000000F))
    assert screen.verdict is ScreenVerdict.RECOVERY
    assert screen.code == 0xC000000F
