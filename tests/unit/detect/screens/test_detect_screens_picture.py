"""Pictures of any format, and files that are none."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lab.detect.screens import DamagedPicture, classify, suspicious
from lab.detect.screens.picture import LONGEST_SIDE, decode, sample


def packed(picture: Image.Image, form: str = "PNG") -> bytes:
    buffer = BytesIO()
    picture.save(buffer, form)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "PPM", "BMP", "GIF", "WEBP", "TIFF"])
def test_each_format_is_decoded_to_rgb(form: str) -> None:
    picture = decode(packed(Image.new("RGB", (40, 30), (200, 30, 60)), form))
    assert (picture.mode, picture.size) == ("RGB", (40, 30))
    red, green, blue = (int(value) for value in np.asarray(picture)[15, 20])
    assert abs(red - 200) < 12
    assert abs(green - 30) < 12
    assert abs(blue - 60) < 12


def test_transparent_pixels_are_black() -> None:
    assert decode(packed(Image.new("RGBA", (8, 8), (255, 255, 255, 0)))).getpixel((3, 3)) == (0, 0, 0)
    grey = Image.new("LA", (8, 8), (250, 255))
    assert decode(packed(grey)).getpixel((3, 3)) == (250, 250, 250)


def test_palettes_are_resolved() -> None:
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([0, 0, 0, 10, 120, 215] + [0] * 762)
    assert decode(packed(picture)).getpixel((1, 1)) == (10, 120, 215)


def test_sixteen_bits_become_eight() -> None:
    deep = Image.fromarray(np.full((8, 8), 0x8000, dtype=np.uint16))
    assert decode(packed(deep)).getpixel((2, 2)) == (127, 127, 127)
    assert decode(Image.new("F", (4, 4), float("nan"))).getpixel((0, 0)) == (0, 0, 0)


def test_a_large_picture_is_reduced() -> None:
    picture = decode(packed(Image.new("RGB", (LONGEST_SIDE + 10, 20))))
    assert max(picture.size) <= LONGEST_SIDE
    jpeg = decode(packed(Image.new("RGB", (LONGEST_SIDE * 2, 30)), "JPEG"))
    assert max(jpeg.size) <= LONGEST_SIDE


def test_a_huge_picture_is_refused_before_it_is_decoded() -> None:
    header = b"P6\n100000 100000\n255\n"
    with pytest.raises(DamagedPicture, match=r"too large|cannot be decoded"):
        decode(header)


def test_sampling_keeps_every_nth_pixel() -> None:
    rows = np.arange(200, dtype=np.uint8)[:, None, None].repeat(100, 1).repeat(3, 2)
    small = sample(Image.fromarray(rows), 50, 50)
    assert small.shape == (50, 25, 3)
    assert np.diff(small[:, 0, 0]).tolist() == [4] * 49


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"not a picture at all" * 20, b"GIF89a"])
def test_what_is_no_picture_is_damaged(data: bytes) -> None:
    with pytest.raises(DamagedPicture):
        classify(data)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_a_truncated_picture_is_damaged_or_still_classified(form: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    whole = packed(Image.fromarray(noise), form)
    for share in (0.02, 0.3, 0.7, 0.97):
        try:
            classify(whole[: int(len(whole) * share)])
        except DamagedPicture:
            continue


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"]))
def test_arbitrary_bytes_raise_nothing_but_damaged_picture(data: bytes, form: str) -> None:
    whole = packed(Image.new("RGB", (24, 18), (0, 0, 170)), form)
    cut = len(data) % len(whole)
    for candidate in (data, whole[:cut] + data, whole[:cut] + data + whole[cut + len(data) :]):
        try:
            suspicious(candidate)
        except DamagedPicture:
            continue


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_pictures_of_any_size_are_classified(width: int, height: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    assert classify(Image.fromarray(pixels), read=False).reason
    assert classify(Image.new("RGB", (width, height), (0, 0, 128)), read=False).reason
