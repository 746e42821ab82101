"""Consoles told apart by repeating letters, in a font that nobody has seen before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from lab.detect.screens.alarms import ALARMS
from lab.detect.screens.cells import cells, shows, signs_shown, spellings, telling

HEALTHY = [
    "[    0.000000] Linux version 6.1.0-18-amd64 (gcc-12 (Debian 12.2.0-14) 12.2.0)",
    "[    0.412345] ACPI: Early table checksum verification disabled",
    "[    0.512345] smpboot: CPU0: Intel Core i7 9xx (family: 0x6, model: 0x1a, stepping: 0x3)",
    "[    1.512345] SCSI subsystem initialized",
    "[    1.912345] EXT4-fs (vda1): mounted filesystem with ordered data mode. Quota mode: none.",
    "[  OK  ] Started systemd-udevd.service - Rule-based Manager for Device Events and Files.",
    "[  OK  ] Reached target local-fs.target - Local File Systems.",
    "[  OK  ] Finished systemd-tmpfiles-setup.service - Create Volatile Files and Directories.",
    "Debian GNU/Linux 12 lab-vm tty1",
    "lab-vm login: ",
]
PANIC = "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000009"


def glyphs(width: int, height: int, seed: int) -> dict[str, NDArray[np.bool_]]:
    """A font of random strokes with a blank rim, as console fonts have."""
    random = np.random.default_rng(seed)
    rim, top, bottom = max(1, width // 8), height // 8, height // 5
    font = {" ": np.zeros((height, width), dtype=bool)}
    for letter in map(chr, range(33, 127)):
        cell = np.zeros((height, width), dtype=bool)
        inside = cell[top : height - bottom, rim : width - rim]
        while cell.sum() < 8:
            inside |= random.random(inside.shape) < 0.35
        font[letter] = cell
    return font


def console(
    lines: list[str], *, columns: int = 80, cell: tuple[int, int] = (8, 16), seed: int = 1
) -> NDArray[np.uint8]:
    """Contrast of a console page; long lines are broken at the right edge as terminals break them."""
    font = glyphs(*cell, seed)
    broken = [line[at : at + columns] for line in lines for at in range(0, max(1, len(line)), columns)]
    rows = [np.hstack([font[letter] for letter in line.ljust(columns)]) for line in broken]
    return np.where(np.vstack(rows), np.uint8(255), np.uint8(0))


@pytest.mark.parametrize("cell", [(8, 16), (9, 16), (8, 14), (10, 18), (12, 24), (16, 32)])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_panic_is_known_in_any_font(cell: tuple[int, int], seed: int) -> None:
    page = console([*HEALTHY, PANIC], cell=cell, seed=seed)
    grid = cells(page, page > 70)
    assert grid is not None
    assert grid.columns == 80
    assert shows(grid, "Kernel panic - not syncing")
    calm = console(HEALTHY, cell=cell, seed=seed)
    grid = cells(calm, calm > 70)
    assert grid is not None
    assert [text for _, text in signs_shown(grid, ALARMS) if telling(text)] == []


def test_a_phrase_that_is_broken_at_the_edge_is_found() -> None:
    page = console([*HEALTHY, "x" * 70 + " " + PANIC])
    grid = cells(page, page > 70)
    assert grid is not None
    assert shows(grid, "Kernel panic - not syncing")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 7), st.integers(0, 15), st.integers(0, 40), st.integers(0, 40))
def test_the_grid_may_begin_anywhere(left: int, top: int, right: int, bottom: int) -> None:
    page = np.pad(console([*HEALTHY, PANIC]), ((top, bottom), (left, right)))
    grid = cells(page, page > 70)
    assert grid is not None
    assert shows(grid, "Kernel panic - not syncing")


def test_a_scaled_or_compressed_console_is_left_to_reading() -> None:
    page = Image.fromarray(console([*HEALTHY, PANIC]))
    for share in (0.5, 0.75, 1.3, 1.5):
        size = (round(page.width * share), round(page.height * share))
        scaled = np.asarray(page.resize(size, Image.Resampling.BICUBIC))
        assert cells(scaled, scaled > 70) is None
    noisy = np.asarray(page).astype(np.int16) + np.random.default_rng(1).normal(
        0, 6, (page.height, page.width)
    )
    grainy = np.clip(noisy, 0, 255).astype(np.uint8)
    assert cells(grainy, grainy > 70) is None


def test_a_console_doubled_in_size_is_still_a_console() -> None:
    page = console([*HEALTHY, PANIC]).repeat(2, 0).repeat(2, 1)
    grid = cells(page, page > 70)
    assert grid is not None
    assert shows(grid, "Kernel panic - not syncing")


def test_pages_with_little_text_are_left_to_reading() -> None:
    page = console(["login: ", "Password: "])
    assert cells(page, page > 70) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.5))
def test_noise_and_rectangles_have_no_letters(seed: int, share: float) -> None:
    random = np.random.default_rng(seed)
    noise = np.where(random.random((200, 300)) < share, np.uint8(255), np.uint8(0))
    assert cells(noise, noise > 70) is None
    boxes = np.zeros((200, 300), dtype=np.uint8)
    for _ in range(40):
        top, left = random.integers(0, 180), random.integers(0, 270)
        boxes[top : top + random.integers(2, 20), left : left + random.integers(2, 30)] = 255
    assert cells(boxes, boxes > 70) is None


def test_the_shape_is_exact_both_ways() -> None:
    page = console([*HEALTHY, "abcabd abcabd abcabd", "aaaa"])
    grid = cells(page, page > 70)
    assert grid is not None
    assert shows(grid, "xyzxyw xyzxyw xyzxyw")
    assert not shows(grid, "xyzxyx xyzxyx xyzxyx")
    assert not shows(grid, "xyzxywvxyzxywvxyzxyw")


def test_every_alarm_is_found_on_a_console_that_shows_it() -> None:
    for sign in ALARMS:
        for text in spellings(sign):
            page = console([*HEALTHY, f"> {text} <"], columns=100)
            grid = cells(page, page > 70)
            assert grid is not None
            assert shows(grid, text), text
