"""The painter's screens: legible, of the right colour, the same again; fixtures for the screen classifier."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
import zxingcpp
from PIL import Image, ImageChops

from lab.errors import HostError, InputError
from lab.model.seen import ScreenKind, ScreenVerdict
from lab.selftest.painting import (
    BUGCHECK_LAYOUTS,
    DECOYS,
    LANGUAGES,
    LAYOUTS,
    SIZES,
    decoy,
    degrade,
    fonts,
    paint,
)
from lab.selftest.painting.canvas import Grid, wrapped
from lab.selftest.painting.fonts import font
from lab.selftest.painting.linux import panic_log
from lab.selftest.painting.modern import SUPPORT_LINK

FOUR = ((640, 480), (1024, 768), (1280, 800), (1920, 1080))
WITHOUT_INK = {"blank", "just-one-colour"}


def languages_of(layout: str) -> list[str]:
    return list(LANGUAGES) if LAYOUTS[layout].translated else ["en"]


def marks(image: Image.Image, ground: tuple[int, int, int]) -> Image.Image:
    """White where a pixel differs from the ground so that an eye sees it, else black."""
    red, green, blue = ImageChops.difference(image, Image.new("RGB", image.size, ground)).split()
    strongest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return strongest.point(lambda value: 255 if value > 60 else 0)


def test_there_is_what_the_classifier_must_know() -> None:
    assert len(BUGCHECK_LAYOUTS) >= 8
    assert len(LANGUAGES) >= 6
    assert len(DECOYS) >= 12
    assert (640, 480) in SIZES
    assert (3840, 2160) in SIZES
    assert {LAYOUTS[name].kind for name in BUGCHECK_LAYOUTS} == {ScreenKind.BUGCHECK}
    assert all(DECOYS[name].kind.verdict is ScreenVerdict.HEALTHY for name in DECOYS)


@pytest.mark.parametrize("size", FOUR, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_screen_is_legible_in_every_language_and_stays_within_its_frame(
    layout: str, size: tuple[int, int]
) -> None:
    entry = LAYOUTS[layout]
    for language in languages_of(layout):
        image = paint(layout, language=language, size=size, module="demosens.sys", progress=45)
        assert (image.size, image.mode) == (size, "RGB")
        drawn = marks(image, entry.background)
        share = drawn.histogram()[255] / (size[0] * size[1])
        assert 0.0003 < share < 0.45, "some text and mostly ground"
        box = drawn.getbbox()
        assert box is not None
        assert box[3] < size[1], f"{language}: text leaves the frame at the bottom"
        if entry.translated:
            assert box[2] < size[0] - 2, f"{language}: text leaves the frame at the right"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_ground_has_the_colour_of_the_layout(layout: str) -> None:
    image = paint(layout, size=(800, 600))
    counted = image.getcolors(800 * 600)
    assert counted is not None
    assert max(counted)[1] == LAYOUTS[layout].background


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_language_changes_a_screen_exactly_when_windows_translates_it(layout: str) -> None:
    painted = {paint(layout, language=one, size=(640, 480)).tobytes() for one in LANGUAGES}
    assert len(painted) == (len(LANGUAGES) if LAYOUTS[layout].translated else 1)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_a_layout_shows_is_what_its_table_entry_says(layout: str) -> None:
    entry = LAYOUTS[layout]

    def changed(**one: object) -> bool:
        plain = {"size": (800, 600), "code": 0x7E, "module": "", "progress": 20, "qr": True}
        first, second = paint(layout, **plain), paint(layout, **{**plain, **one})
        return first.tobytes() != second.tobytes()

    assert changed(code=0xC0000225) == entry.code
    assert changed(module="demosens.sys") == entry.module
    assert changed(progress=100) == entry.progress or layout == "xp", "XP shows only the end of a dump"
    assert changed(qr=False) == entry.qr


@pytest.mark.parametrize("size", [*FOUR, (3840, 2160)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("layout", [name for name in BUGCHECK_LAYOUTS if LAYOUTS[name].qr])
def test_the_qr_code_of_a_stop_screen_decodes(layout: str, size: tuple[int, int]) -> None:
    found = zxingcpp.read_barcodes(paint(layout, size=size), try_invert=True)
    assert [one.text for one in found] == [SUPPORT_LINK]


@pytest.mark.parametrize("layout", ["linux-panic-qr", "linux-panic-qr-new"])
def test_the_qr_code_of_a_linux_panic_holds_its_log(layout: str) -> None:
    """Read back by hand, without the checksum at its end; the detector has a reader of its own."""
    (found,) = zxingcpp.read_barcodes(paint(layout, size=(1024, 768)))
    digits = found.text.rpartition("=")[2]
    assert digits.isdigit()
    if layout.endswith("new"):
        groups = [digits[at : at + 17] for at in range(0, len(digits) - 16, 17)]
        packed = b"".join(int(one).to_bytes(7, "little") for one in groups)
    else:
        bits = "".join(f"{int(digits[at : at + 4]):013b}" for at in range(0, len(digits) - 4, 4))
        packed = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8))
    log = zlib.decompressobj(-15).decompress(packed[2:]).decode()
    assert panic_log().startswith(log)
    assert len(log) > 0.97 * len(panic_log())


@pytest.mark.parametrize("name", DECOYS)
def test_a_look_alike_is_painted_at_every_size_and_is_the_same_again(name: str) -> None:
    for size in ((640, 480), (1920, 1080)):
        first, second = decoy(name, size, 3), decoy(name, size, 3)
        assert first.size == size
        assert first.tobytes() == second.tobytes()
        if name not in WITHOUT_INK:
            assert len(first.getcolors(size[0] * size[1]) or []) > 1


def test_seeds_make_look_alikes_that_differ() -> None:
    same = [name for name in DECOYS if decoy(name, seed=1).tobytes() == decoy(name, seed=2).tobytes()]
    assert set(same) <= {"blank", "splash", "just-one-colour", "graphical-installer", "update", "login"}


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({}, (640, 480)),
        ({"scale": 0.5}, (320, 240)),
        ({"scale": 1.5}, (960, 720)),
        ({"crop": 0.1}, (512, 384)),
        ({"crop": (0, 0.25, 0, 0)}, (640, 360)),
        ({"letterbox": (1280, 720)}, (1280, 720)),
        ({"window": "machine - viewer"}, (648, 514)),
        ({"jpeg": 40, "noise": 6}, (640, 480)),
        ({"window": "x", "letterbox": (1000, 1000), "scale": 0.5}, (500, 500)),
    ],
)
def test_a_degraded_picture_has_the_size_that_follows_from_what_was_done(
    changes: dict[str, object], size: tuple[int, int]
) -> None:
    assert degrade(paint("10-qr", size=(640, 480)), **changes).size == size


def test_degrading_is_the_same_again_by_seed_and_leaves_its_source_alone() -> None:
    image = paint("10", size=(640, 480))
    before = image.tobytes()
    once, again, other = (degrade(image, noise=12, jpeg=50, seed=seed) for seed in (1, 1, 2))
    assert once.tobytes() == again.tobytes() != other.tobytes()
    assert image.tobytes() == before


def test_noise_has_the_spread_that_was_asked_for() -> None:
    flat = Image.new("RGB", (400, 300), (120, 120, 120))
    assert np.asarray(degrade(flat, noise=10), dtype=float).std() == pytest.approx(10, abs=0.5)


def test_wrapping_loses_nothing_and_breaks_between_signs_where_there_are_no_spaces() -> None:
    face = font("cjk", 20)
    for text in ("Your PC ran into a problem", "你的电脑遇到问题，需要重新启动。"):
        lines = wrapped(text, face, 150)
        assert len(lines) > 1
        assert all(face.getlength(line) <= 150 for line in lines)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_a_terminal_folds_long_lines_at_its_last_column() -> None:
    cells = Grid.filling((80, 64), (8, 16))
    assert (cells.columns, cells.rows) == (10, 4)
    assert cells.folded(["abcdefghijkl", "", "xy"]) == ["abcdefghij", "kl", "", "xy"]


def test_names_that_are_not_known_are_refused_with_the_ones_that_are() -> None:
    with pytest.raises(InputError, match=r"layout '12': not known \(one of xp"):
        paint("12")
    with pytest.raises(InputError, match=r"language 'tlh': not known \(one of en"):
        paint("10", language="tlh")
    with pytest.raises(InputError, match=r"decoy 'cat': not known"):
        decoy("cat")


def test_a_missing_font_is_named_with_its_package() -> None:
    with pytest.raises(HostError, match=r"font 'Nowhere\.ttf': not installed") as caught:
        fonts.locate("Nowhere.ttf", "fonts-nowhere")
    assert caught.value.hint == "apt-get install fonts-nowhere"
