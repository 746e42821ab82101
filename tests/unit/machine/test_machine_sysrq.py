"""Only keys that print are sent, and both ways know the same ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.machine.sysrq import KEYS, SCAN_CODES, SerialKeys, keyboard


def test_both_ways_know_the_same_keys() -> None:
    assert set(KEYS) == set(SCAN_CODES)


def test_the_keyboard_holds_alt_and_print_screen() -> None:
    assert keyboard("l") == (56, 99, 38)


@pytest.mark.parametrize("key", ["b", "c", "o", "", "lw"])
def test_a_key_that_changes_the_guest_is_refused(key: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wanted one of l, w, m"):
        keyboard(key)
    sent: list[object] = []
    with pytest.raises(ValueError, match="sysrq key"):
        SerialKeys(tmp_path / "serial.sock", sent.append).press(key)
    assert sent == []
