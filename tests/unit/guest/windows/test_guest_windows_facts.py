"""Facts of Windows guests, read from JSON in the form that the script prints."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.guest.windows import facts

SAID: dict[str, Any] = {
    "version": {
        "product": "Windows 10 Enterprise", "edition": "Enterprise", "display": "24H2", "build": "26100",
        "ubr": 4061, "kind": "Client",
    },
    "system": {
        "memory_kib": 4193780, "caption": "Microsoft Windows 11 Enterprise",
        "last_boot": "2026-01-05T09:00:00.0000000Z", "uptime_s": 61.5,
    },
    "boot": "12-133791234567890123",
    "hotfixes": ["KB5050009", "KB5049622"],
    "drivers": [{"name": "WdFilter", "path": "C:\\Windows\\system32\\drivers\\wd\\WdFilter.sys"}],
    "secure_boot": True,
    "guard": {"vbs": 2, "running": [2]},
    "defender": {"service": True, "realtime": False, "tampering": False, "signatures": "1.421.5.0"},
    "verifier": {"level": 0, "drivers": ""},
    "missing": [],
}  # fmt: skip


def text(**changes: Any) -> str:
    return "WARNING: noise\r\n" + json.dumps({**SAID, **changes}) + "\r\n"


def test_everything_that_windows_says_is_read() -> None:
    found = facts.parse(text())
    assert (found.os, found.os_id, found.os_version) == (
        "Microsoft Windows 11 Enterprise",
        "Enterprise",
        "24H2",
    )
    assert (found.kernel, found.memory_mib, found.boot_id) == ("26100.4061", 4095, "12-133791234567890123")
    assert (found.secure_boot, found.vbs, found.hvci) == (True, True, True)
    assert (found.defender_realtime, found.verifier_flags, found.verified) == (False, 0, ())
    assert found.hotfixes == ("KB5050009", "KB5049622")


def test_a_list_of_one_may_come_without_its_brackets() -> None:
    found = facts.parse(
        text(hotfixes="KB1", drivers={"name": "a", "path": "b"}, guard={"vbs": 2, "running": 2})
    )
    assert (found.hotfixes, found.drivers, found.hvci) == (("KB1",), (("a", "b"),), True)


def test_what_could_not_be_read_is_unknown_and_never_a_no() -> None:
    gone = dict.fromkeys(("secure_boot", "guard", "defender", "verifier"))
    found = facts.parse(text(**gone, missing=["guard: Invalid namespace"]))
    assert (found.secure_boot, found.vbs, found.hvci) == (None, None, None)
    assert (found.defender_realtime, found.verifier_flags) == (None, None)
    assert found.missing == ("guard: Invalid namespace",)


def test_a_verified_driver_is_named() -> None:
    found = facts.parse(text(verifier={"level": 0x209BB, "drivers": "agent.sys other.sys"}))
    assert (found.verifier_flags, found.verified) == (0x209BB, ("agent.sys", "other.sys"))


def test_no_json_is_an_error_with_what_came_instead() -> None:
    with pytest.raises(ValueError, match="no JSON in 'Access denied'"):
        facts.parse("Access denied")


@given(st.text(max_size=60).filter(lambda text: "{" not in text))
def test_text_without_json_is_always_refused(noise: str) -> None:
    with pytest.raises(ValueError, match="facts of a Windows guest"):
        facts.parse(noise)
