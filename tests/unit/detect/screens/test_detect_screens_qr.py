"""QR codes: Windows' address, and the kernel logs of drm_panic in both spellings."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lab.detect.screens import classify, kernel_log, read_qr
from lab.detect.screens.qr import WIDTHS, bits_of_4, bytes_of_17
from lab.model import ScreenKind
from lab.selftest.painting import degrade, paint

LOG = "\n".join(f"[   12.{number:06d}] sensor: record {number * 7919 % 1009}" for number in range(40))
LOG += "\n[   13.000000] Kernel panic - not syncing: Fatal exception in interrupt"


def in_17(data: bytes) -> str:
    """7 bytes, least significant first, in 17 digits; of a shorter group as few as hold it."""
    groups = [data[start : start + 7] for start in range(0, len(data), 7)]
    sizes = {7: 17, 6: 15, 5: 13, 4: 10, 3: 8, 2: 5, 1: 3}
    return "".join(f"{int.from_bytes(group, 'little'):0{sizes[len(group)]}d}" for group in groups)


def in_4(data: bytes) -> str:
    """13 bits, most significant first, in 4 digits; the last group has as many bits as are left."""
    stream = "".join(f"{byte:08b}" for byte in data)
    found = ""
    for start in range(0, len(stream), 13):
        bits = stream[start : start + 13]
        digits = next(count for count, width in enumerate(WIDTHS) if width >= len(bits))
        found += f"{int(bits, 2):0{digits}d}"
    return found


@settings(max_examples=80)
@given(st.binary(min_size=1, max_size=200))
def test_both_spellings_are_undone(data: bytes) -> None:
    assert bytes_of_17(in_17(data)) == data
    assert bits_of_4(in_4(data))[: len(data)] == data


@pytest.mark.parametrize("name", ["z", "zl"])
@pytest.mark.parametrize("spell", [in_17, in_4])
def test_the_kernel_log_is_unpacked_whichever_name_its_argument_has(name: str, spell) -> None:  # type: ignore[no-untyped-def]
    digits = spell(zlib.compress(LOG.encode()))
    assert kernel_log(f"https://panic.example.org/report#?a=x86_64&v=6.14.5&{name}={digits}") == LOG


def test_a_log_that_was_cut_is_unpacked_as_far_as_it_goes() -> None:
    digits = in_17(zlib.compress(LOG.encode()))[: 17 * 12]
    log = kernel_log(f"https://panic.example.org/?z={digits}")
    assert log
    assert LOG.startswith(log)


def test_a_code_without_an_address_is_the_log_itself() -> None:
    assert kernel_log(LOG).startswith("[   12.000000]")
    assert kernel_log("https://www.windows.com/stopcode") == ""
    assert kernel_log("https://example.org/?z=" + "9" * 40) == ""


@settings(max_examples=60)
@given(st.text(max_size=120), st.text("0123456789", max_size=120))
def test_no_payload_raises(text: str, digits: str) -> None:
    for payload in (text, f"?z={digits}", f"{text}&zl={digits}", f"?z={digits}{text}"):
        assert isinstance(kernel_log(payload), str)


@pytest.mark.parametrize("damage", [{}, {"jpeg": 50}, {"scale": 1.5}, {"noise": 6, "letterbox": (1600, 900)}])
def test_a_panic_with_a_code_is_its_log(damage: dict[str, object]) -> None:
    screen = classify(degrade(paint("linux-panic-qr", size=(1280, 800)), **damage), read=False)  # type: ignore[arg-type]
    assert screen.kind is ScreenKind.PANIC_QR
    assert "Kernel panic - not syncing" in screen.text
    assert screen.qr.startswith("https://")


def test_a_windows_code_decides_without_reading() -> None:
    screen = classify(paint("server", language="zh", size=(1024, 768)), read=False)
    assert screen.kind is ScreenKind.BUGCHECK
    assert "windows.com/stopcode" in screen.qr


def test_pictures_without_a_code_have_none() -> None:
    assert read_qr(Image.new("RGB", (300, 200), (0, 0, 120))) == ""
    assert read_qr(Image.new("RGB", (5, 5))) == ""
    noise = np.random.default_rng(2).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    assert read_qr(noise) == ""
