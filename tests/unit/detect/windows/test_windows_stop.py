"""Titles, signatures, and what a panic event tells of a Windows guest."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.detect.windows.stop import (
    boot_title,
    event_finding,
    finding_from_event,
    signature,
    tidy,
    title,
)

HYPER_V = {"type": "hyper-v", "arg1": 0x7E, "arg2": 0xFFFFFFFFC0000005, "arg3": 2, "arg4": 3, "arg5": 4}


def test_a_title_has_name_code_and_module() -> None:
    assert title(0x7E, "csagent.sys") == "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E) in csagent.sys"
    assert title(0x1000007E) == "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)"
    assert title(0xABC) == "bugcheck 0xABC (unknown)"
    assert title(None) == "bugcheck (code not told)"


def test_channels_that_know_the_module_and_those_that_do_not_mean_the_same_bug() -> None:
    assert signature(0x7E, "csagent.sys").same_bug(signature(0x7E))
    assert not signature(0x7E, "csagent.sys").same_bug(signature(0x50, "csagent.sys"))


def test_old_names_are_the_same_bug() -> None:
    assert "SESSION2_INITIALIZATION_FAILED (0x6E) in a.sys" in signature(0x6E, "a.sys").alt_titles
    assert "SESSION2_INITIALIZATION_FAILED (0x6E)" in signature(0x6E, "a.sys").alt_titles


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (r"\SystemRoot\System32\drivers\CSAgent.sys", "csagent.sys"),
        ("Ntfs.sys.", "ntfs.sys"),
        ("", ""),
        ("what is this?! <no>", ""),
    ],
)
def test_a_module_s_name_is_tidy(written: str, name: str) -> None:
    assert tidy(written) == name


def test_a_hyper_v_event_tells_code_and_parameters() -> None:
    assert finding_from_event({"action": "pause", "info": HYPER_V}) == (0x7E, (0xFFFFFFFFC0000005, 2, 3, 4))
    assert finding_from_event(HYPER_V) == (0x7E, (0xFFFFFFFFC0000005, 2, 3, 4))


def test_numbers_as_text_are_numbers() -> None:
    assert finding_from_event({"arg1": "0x1000007e", "arg2": "5", "arg3": "'0x6'"}) == (0x7E, (5, 6))


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"info": None},
        {"info": {"type": "s390", "arg1": 1}},
        {"arg1": True},
        {"arg1": "none"},
        {"arg1": None},
    ],
)
def test_an_event_without_a_code_tells_none(details: dict[str, Any]) -> None:
    assert finding_from_event(details) is None
    assert event_finding(details, 1.0) is None


@given(
    st.dictionaries(
        st.sampled_from(["info", "arg1", "arg2", "type"]), st.one_of(st.none(), st.text(), st.integers())
    )
)
def test_an_event_may_hold_anything(details: dict[str, Any]) -> None:
    finding_from_event(details)


def test_the_finding_of_an_event_has_all_that_it_told() -> None:
    finding = event_finding({"info": HYPER_V}, 12.5)

    assert finding is not None
    assert (finding.code, finding.t_s, finding.channels, finding.fatal) == (0x7E, 12.5, ("event",), True)
    assert finding.parameters[0] == 0xFFFFFFFFC0000005
    assert finding.title == "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)"


def test_a_panic_device_without_arguments_tells_of_a_stop_on_windows_only() -> None:
    finding = event_finding({}, 3.0, windows=True)

    assert finding is not None
    assert (finding.title, finding.code) == ("bugcheck (code not told)", None)
    assert event_finding({}, 3.0) is None


def test_boot_failures_have_titles() -> None:
    assert (
        boot_title(0xC000000F, r"\Boot\BCD") == r"boot failure: STATUS_NO_SUCH_FILE (0xC000000F) on \Boot\BCD"
    )
    assert boot_title(0xC0DEC0DE) == "boot failure: status 0xC0DEC0DE"
    assert boot_title(None, "", "BOOTMGR is missing") == "boot failure: BOOTMGR is missing"
