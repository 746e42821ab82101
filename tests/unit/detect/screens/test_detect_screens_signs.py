"""Phrases found in badly read text, and tables that contradict neither themselves nor healthy text."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.detect.screens.judge import SIGNS
from lab.detect.screens.signs import Sign, find, folded, weigh
from lab.model import ScreenKind, ScreenVerdict

HEALTHY = """
Welcome to Fedora Linux 40 (Server Edition)! Kernel 6.8.5 on an x86_64 (tty1)
localhost login: root   Last login: Tue Apr  2 10:11:12 on tty1
[  OK  ] Reached target Multi-User System. Started Getty on tty1.
systemd-fsck: /dev/vda1: clean, 31234/655360 files, 512345/2621440 blocks
Please wait while we prepare your desktop. This might take a few minutes
Welcome back. It is 10:45 and there are no new messages. Recycle Bin, Network, Control Panel
The quick brown fox jumps over the lazy dog and restarts the printer service twice a week
kernel.panic = 10   kernel.panic_on_oops = 0   vm.panic_on_oom = 0   kernel.hung_task_panic = 0
Setting up linux-image-6.1.0-18-amd64 ... update-initramfs: Generating /boot/initrd.img-6.1.0-18-amd64
Getting your PC ready for work or school. Choose your country or region. Add a second keyboard layout
Sign in with a password. Forgot your PIN? Other user. Shut down  Restart  Sleep
""".strip().splitlines()


def misread(text: str, seed: int, rate: float) -> str:
    """Look-alikes and dropped separators, as text recognition makes them."""
    chance = random.Random(seed)
    alike = {
        "o": "0",
        "l": "1",
        "i": "l",
        "s": "5",
        "e": "c",
        "c": "e",
        "m": "rn",
        "_": " ",
        ".": "",
        "0": "O",
    }
    return "".join(
        alike.get(letter, letter) if letter in alike and chance.random() < rate else letter for letter in text
    )


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign.id)
def test_every_phrase_is_found_alone_broken_and_misread(sign: Sign) -> None:
    for text in sign.texts:
        assert find([text], [sign]), text
        if sign.prompt:
            continue
        middle = len(text) // 2
        (seen,) = find(["something before", text[:middle], text[middle:], "and after"], [sign])
        assert seen.line in (0, 1)
        if len(folded(text)) >= 24:
            assert find([misread(text, 3, 0.15)], [sign]), text


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign.id)
def test_no_phrase_of_trouble_is_found_in_healthy_text(sign: Sign) -> None:
    if sign.kind.verdict is not ScreenVerdict.HEALTHY:
        assert not find(HEALTHY, [sign])


def test_ids_are_unique_per_kind_and_sources_are_named() -> None:
    assert len({(sign.id, sign.kind) for sign in SIGNS}) == len(SIGNS)
    assert all(sign.source and sign.example and 0 < sign.weight <= 1 for sign in SIGNS)


def test_no_deciding_phrase_of_recovery_speaks_of_a_crash() -> None:
    for sign in SIGNS:
        if sign.kind.verdict is ScreenVerdict.CRASH:
            continue
        for text in sign.texts:
            weights = weigh(find([text], SIGNS))
            crash = sum(weight for kind, weight in weights.items() if kind.verdict is ScreenVerdict.CRASH)
            assert crash < 1.0, text


def test_folding_merges_what_recognition_confuses() -> None:
    assert folded("Stop c0de: 0x5B|l") == folded("STOP CODE: OxSbI")
    assert folded("Código de detención") == "codlgodedetenclon"
    assert folded("Автоматическое") == "abtomatuyeckoe"


def test_prompts_begin_a_line_and_keep_their_punctuation() -> None:
    sign = Sign(id="x", kind=ScreenKind.UEFI_SHELL, texts=("Shell>",), source="test", prompt=True)
    assert find(["Mapping table", "Shell> fs0:"], [sign])
    assert not find(["Shell there", "a Shell>"], [sign])


def test_a_phrase_longer_than_the_text_is_not_found() -> None:
    sign = Sign(id="x", kind=ScreenKind.PANIC, texts=("Kernel panic - not syncing",), source="test")
    assert not find(["panic"], [sign])
    assert not find([], [sign])


@settings(max_examples=40)
@given(st.lists(st.text(max_size=60), max_size=12))
def test_no_text_raises(lines: list[str]) -> None:
    for seen in find(lines, SIGNS):
        assert 0 <= seen.line < len(lines)
