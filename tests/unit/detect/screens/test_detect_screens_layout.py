"""Lines, columns, touching lines, QR codes and the face."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw

from lab.detect.screens.layout import page
from lab.detect.screens.panels import panels
from lab.selftest.painting import degrade, paint
from lab.selftest.painting.canvas import Grid
from lab.selftest.painting.fonts import font

BLUE = (0, 120, 215)


def laid_out(picture: Image.Image):
    panel = panels(picture)[0]
    return page(picture.crop(panel.box(*picture.size)), panel)


def drawn(*texts: tuple[tuple[int, int], str, int], size: tuple[int, int] = (800, 600)) -> Image.Image:
    picture = Image.new("RGB", size, BLUE)
    draw = ImageDraw.Draw(picture)
    for at, text, height in texts:
        draw.text(at, text, font=font("regular", height), fill=(255, 255, 255))
    return picture


def test_each_line_is_a_box_in_reading_order() -> None:
    layout = laid_out(drawn(((80, 100), "first line", 28), ((80, 180), "second line of text", 16)))
    assert [line.top > 90 for line in layout.lines] == [True, True]
    assert layout.lines[0].height > layout.lines[1].height
    assert layout.face is None


def test_text_beside_a_qr_code_is_found_line_by_line() -> None:
    layout = laid_out(paint("10-qr", size=(640, 480), code=0xD1, module="demosens.sys"))
    assert len(layout.lines) >= 5
    assert any(0.8 < box.width / box.height < 1.25 and box.height > 50 for box in layout.others)


@pytest.mark.parametrize("size", [(640, 480), (1024, 768), (1920, 1080)])
@pytest.mark.parametrize("layout", ["8", "10", "10-qr", "insider-green", "11-black"])
def test_the_face_is_found(layout: str, size: tuple[int, int]) -> None:
    assert laid_out(paint(layout, language="ja", size=size)).face is not None


@pytest.mark.parametrize("damage", [{"scale": 0.5}, {"scale": 2}, {"jpeg": 30}, {"noise": 5, "jpeg": 60}])
def test_the_face_survives_scaling_and_compression(damage: dict[str, float]) -> None:
    assert laid_out(degrade(paint("10", size=(1024, 768)), **damage)).face is not None  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [":)", "8(", "(:", "::", ":|", "((", "12:07", "5:(3", ":", "i("])
def test_other_large_text_is_no_face(text: str) -> None:
    assert laid_out(drawn(((80, 80), text, 120), ((80, 300), "a line of text below it", 20))).face is None


def test_lines_that_touch_are_parted() -> None:
    picture = Image.new("RGB", (640, 480), (0, 0, 128))
    draw = ImageDraw.Draw(picture)
    for row in range(12):
        draw.text(
            (8, 10 + row * 13), "gypsy jumping Quickly [pj] over (gg)", font=font("mono", 14), fill="white"
        )
    assert len(laid_out(picture).rows) == 12


def test_a_console_is_dense_and_a_stop_page_is_not() -> None:
    assert laid_out(paint("linux-panic", size=(720, 400))).dense
    assert laid_out(paint("xp", size=(640, 480))).dense
    assert not laid_out(paint("10-qr", size=(1024, 768))).dense


def test_underscores_belong_to_their_line() -> None:
    picture = Image.new("RGB", (720, 400))
    cells = Grid.filling((720, 400), (9, 16))
    cells.write(
        ImageDraw.Draw(picture),
        ["IRQL_NOT_LESS_OR_EQUAL", "", "do_syscall_64+0x5d/0xb0"] * 4,
        (170, 170, 170),
    )
    assert len(laid_out(picture).rows) == 8


def test_window_borders_do_not_join_the_lines() -> None:
    picture = paint("xp", size=(640, 480))
    draw = ImageDraw.Draw(picture)
    draw.line((0, 0, 0, 479), fill=(200, 200, 200))
    draw.line((0, 0, 639, 0), fill=(200, 200, 200))
    assert laid_out(picture).dense
