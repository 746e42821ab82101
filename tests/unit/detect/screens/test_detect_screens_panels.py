"""Flat rectangles, wherever they are on the frame."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lab.detect.screens.classify import sheets
from lab.detect.screens.panels import near, panels

BLUE = (0, 120, 215)


def page(size: tuple[int, int] = (640, 480), colour: tuple[int, int, int] = BLUE) -> Image.Image:
    """A page with a few short strokes of light ink."""
    picture = Image.new("RGB", size, colour)
    draw = ImageDraw.Draw(picture)
    for row in range(6):
        for column in range(30):
            left, top = 60 + column * 12, 100 + row * 30
            draw.rectangle((left, top, left + 5, top + 12), fill=(255, 255, 255))
    return picture


def test_a_full_page_is_one_panel() -> None:
    (panel, *_) = panels(page())
    assert panel.colour == BLUE
    assert panel.area == pytest.approx(1.0)
    assert 0.8 < panel.fill < 0.99
    assert panel.light == 1.0
    assert panel.runs < 0.3


def test_the_panel_is_found_in_a_window_and_between_bars() -> None:
    window = Image.new("RGB", (900, 700), (214, 219, 233))
    window.paste(page(), (100, 80))
    (found,) = [panel for panel in panels(window) if panel.colour == BLUE]
    assert found.box(900, 700) == pytest.approx((100, 80, 740, 560), abs=4)
    bars = Image.new("RGB", (1000, 480))
    bars.paste(page(), (180, 0))
    (found,) = [panel for panel in panels(bars) if panel.colour == BLUE]
    assert found.box(1000, 480) == pytest.approx((180, 0, 820, 480), abs=4)


def test_gradients_and_noise_have_no_panel() -> None:
    ramp = np.linspace(0, 255, 640, dtype=np.uint8)[None, :].repeat(480, 0)
    gradient = np.stack((ramp, ramp[:, ::-1], np.rot90(ramp, 2)), axis=2)
    assert panels(Image.fromarray(gradient)) == []
    noise = np.random.default_rng(3).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    assert panels(Image.fromarray(noise)) == []


def test_boxes_and_bars_are_runs() -> None:
    picture = Image.new("RGB", (640, 480), BLUE)
    ImageDraw.Draw(picture).rectangle((100, 100, 540, 300), fill=(240, 240, 240))
    (panel, *_) = panels(picture)
    assert panel.runs > 0.95


def test_only_pages_of_light_text_are_read() -> None:
    assert sheets(panels(page()))
    assert not sheets(panels(page(colour=(245, 245, 245))))
    assert not sheets(panels(Image.new("RGB", (640, 480), BLUE)))
    desktop = page()
    ImageDraw.Draw(desktop).rectangle((20, 20, 620, 460), fill=(240, 240, 240))
    assert not sheets(panels(desktop))


def test_a_dark_patch_on_a_splash_screen_is_read() -> None:
    splash = Image.new("RGB", (1024, 768), (46, 52, 54))
    splash.paste(page((480, 300), (0, 0, 0)).crop((40, 90, 440, 190)), (0, 0))
    assert any(panel.colour == (0, 0, 0) for panel in sheets(panels(splash)))


def test_near_is_by_channel() -> None:
    pixels = np.array([[[10, 20, 30], [10, 20, 60], [0, 0, 8]]], dtype=np.uint8)
    assert near(pixels, (10, 20, 30), 22).tolist() == [[True, False, True]]


def test_letterbox_bars_are_not_part_of_a_black_panel() -> None:
    guest = Image.new("RGB", (800, 600), (120, 120, 120))
    guest.paste(page((500, 400), (0, 0, 0)), (0, 0))
    bars = Image.new("RGB", (1200, 600))
    bars.paste(guest, (200, 0))
    (found,) = [panel for panel in panels(bars) if panel.colour == (0, 0, 0)]
    assert found.box(1200, 600) == pytest.approx((200, 0, 700, 400), abs=6)


def test_a_console_with_margins_has_no_bars() -> None:
    (panel,) = panels(page((640, 480), (0, 0, 0)))[:1]
    assert panel.area == pytest.approx(1.0)
