"""Painted screens through the classifier: layouts x languages x sizes, clean and as captures damage them.

A sample that has each layout with each language and each size; `python -m benchmarks screens` takes
them all and prints what is missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.detect.screens import classify
from lab.model.seen import ScreenVerdict
from lab.selftest.painting import (
    BUGCHECK_LAYOUTS,
    DECOYS,
    LANGUAGES,
    LAYOUTS,
    decoy,
    degrade,
    paint,
)

SIZES = ((640, 480), (1024, 768), (1280, 800), (1920, 1080))
CODES = (0x7E, 0xD1, 0x50, 0xEF, 0x139, 0x3B, 0x1E, 0x7B)
MODULE = "demosens.sys"
IN_TROUBLE = [name for name in LAYOUTS if LAYOUTS[name].kind.verdict is ScreenVerdict.RECOVERY]
PANICS = [name for name in LAYOUTS if name.startswith("linux-")]


DAMAGE: tuple[dict[str, Any], ...] = (
    {},
    {"noise": 4},
    {"letterbox": (1600, 900)},
    {"jpeg": 75},
    {"window": "guest - viewer"},
    {"scale": 1.25},
    {},
)
SOFT = {"noise", "jpeg", "scale"}
"""What can take letters of 11 pixels away."""


def stops() -> Iterator[tuple[str, str, tuple[int, int], int, dict[str, Any]]]:
    """(layout, language, size, code, damage): neighbours differ in all of them."""
    for row, layout in enumerate(BUGCHECK_LAYOUTS):
        for column, language in enumerate(LANGUAGES):
            if LAYOUTS[layout].translated or column < len(SIZES):
                spoken = language if LAYOUTS[layout].translated else "en"
                size = SIZES[(row + column + column // 4) % len(SIZES)]
                damage = DAMAGE[(3 * row + column) % len(DAMAGE)]
                yield layout, spoken, size, CODES[(row + column) % len(CODES)], damage


@pytest.mark.parametrize(("layout", "language", "size", "code", "damage"), list(stops()))
def test_a_stop_screen_is_read_in_any_language_at_any_size(
    layout: str, language: str, size: tuple[int, int], code: int, damage: dict[str, Any]
) -> None:
    """A crash always; code and module where the capture left the small print legible."""
    entry = LAYOUTS[layout]
    painted = paint(layout, language=language, size=size, code=code, module=MODULE)
    seen = classify(degrade(painted, seed=3, **damage))
    assert seen.kind is entry.kind, seen.reason
    if size[1] >= 768 or not SOFT & set(damage):
        assert seen.code == (code if entry.code else None)
        if entry.module and "jpeg" not in damage:
            assert seen.module.lower() == MODULE


@pytest.mark.parametrize("layout", ["8", "10-qr", "server", "insider-green", "11-black", "11-24h2"])
def test_a_cropped_capture_of_a_stop_screen_is_still_a_crash(layout: str) -> None:
    painted = paint(layout, size=(1024, 768), code=0x7E, module=MODULE)
    assert classify(degrade(painted, crop=(0.02, 0.04, 0.02, 0.04))).verdict is ScreenVerdict.CRASH


@pytest.mark.parametrize("layout", PANICS)
@pytest.mark.parametrize("size", [(800, 600), (1280, 800)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_linux_panic_is_seen_in_text_and_in_its_qr_code(layout: str, size: tuple[int, int]) -> None:
    seen = classify(paint(layout, size=size))
    assert seen.kind is LAYOUTS[layout].kind, seen.reason
    if LAYOUTS[layout].qr:
        assert "Kernel panic - not syncing: Fatal exception in interrupt" in seen.text


@pytest.mark.parametrize("layout", IN_TROUBLE)
def test_a_screen_that_asks_for_help_is_neither_a_crash_nor_healthy(layout: str) -> None:
    code = 0xC0000225 if LAYOUTS[layout].code else 0x7E
    seen = classify(paint(layout, size=(1024, 768), code=code))
    assert seen.verdict is ScreenVerdict.RECOVERY, seen.reason
    if LAYOUTS[layout].code:
        assert seen.code == code


@pytest.mark.parametrize("name", DECOYS)
def test_a_healthy_look_alike_is_healthy(name: str) -> None:
    for seed, size in enumerate(((640, 480), (1280, 800))):
        seen = classify(decoy(name, size, seed))
        assert seen.verdict is ScreenVerdict.HEALTHY, seen.reason
