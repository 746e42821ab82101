"""Stop codes, names, parameters, modules and progress out of well and badly read lines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.detect.screens.stopcode import boot_status, nearest_code, number, progress, read_stop


def test_a_text_screen_is_read_whole() -> None:
    stop = read_stop(
        [
            "A problem has been detected and Windows has been shut down",
            "DRIVER_IRQL_NOT_LESS_OR_EQUAL",
            "*** STOP: 0x000000D1 (0x00000008,0x00000002,0x00000001,0xB242A416)",
            "***  demosens.sys - Address B242A416 base at B2429000, DateStamp 57af8ec3",
            "Dumping physical memory to disk:  21",
        ]
    )
    assert (stop.code, stop.name) == (0xD1, "DRIVER_IRQL_NOT_LESS_OR_EQUAL")
    assert stop.parameters == (0x8, 0x2, 0x1, 0xB242A416)
    assert (stop.module, stop.progress, stop.in_stop_line) == ("demosens.sys", 21, True)


@pytest.mark.parametrize(
    "line",
    [
        "«ee STOP: OxO00000D1L COxo0000008, Oxd0000002, Oxo0000001, 0xB242A416)",
        "*e* STOP: OxOOQ000D1 (0x00000008, ox00000002, Ox00000001, OxB242A416)",
        "vere STOP: 0x000000D1 (0x00000008, 0x00000002, 0x00000001, 0xB242A416)",
        "*** 5TOP: 0x000000D1 (0x00000008,0x00000002,0x00000001,0xB242A416)",
    ],
)
def test_a_badly_read_stop_line_gives_the_same_code_once_a_name_or_another_look_helps(line: str) -> None:
    good = "0x000000D1 (0x00000008, 0x00000002, 0x00000001, 0xB242A416)"
    stop = read_stop([line.replace("5TOP", "STOP")], again=lambda _: [good, good])
    assert (stop.code, stop.name) == (0xD1, "DRIVER_IRQL_NOT_LESS_OR_EQUAL")
    assert stop.parameters == (0x8, 0x2, 0x1, 0xB242A416)
    assert read_stop(["DRIVER_IRQL_NOT_LESS_OR_EQUAL", line]).code == 0xD1


def test_a_stop_line_may_be_broken_over_two() -> None:
    stop = read_stop(
        [
            "*** STOP: 0x0000003B (0x00000000C0000005,0xFFFFF800010495C6,0xFFFFFADF8EF6F240,0",
            "x0000000000000000)",
        ]
    )
    assert stop.code == 0x3B
    assert stop.parameters == (0xC0000005, 0xFFFFF800010495C6, 0xFFFFFADF8EF6F240, 0)


@pytest.mark.parametrize(
    ("line", "code", "name"),
    [
        ("Stop code: CRITICAL_PROCESS_DIED", 0xEF, "CRITICAL_PROCESS_DIED"),
        ("Stop code: CRITICAL PROCESS DIED (0xEF)", 0xEF, "CRITICAL_PROCESS_DIED"),
        ("Stillstandcode: SYSTEM THREAD EXCEPTION NOT HANDLED", 0x7E, "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED"),
        ("Stop Code: PAGE_FAULT_IN_NONPAGED AREA", 0x50, "PAGE_FAULT_IN_NONPAGED_AREA"),
        ("Stop code: DRIVER IROL NOT LESS OR EQUAL", 0xD1, "DRIVER_IRQL_NOT_LESS_OR_EQUAL"),
        ("{089: SYSTEM_THREAD_EXCEPTI0N_NOT_HANDLED (0x7E)", 0x7E, "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED"),
        ("search online later for this error; Oxc000021a", 0xC000021A, "WINLOGON_FATAL_ERROR"),
    ],
)
def test_a_name_or_a_lone_code_is_enough(line: str, code: int, name: str) -> None:
    stop = read_stop(["Your PC ran into a problem", line])
    assert (stop.code, stop.name) == (code, name)


def test_a_name_broken_over_two_lines_is_found() -> None:
    assert read_stop(["Stop code: SYSTEM_THREAD_EXCEPTION", "_NOT_HANDLED"]).code == 0x7E


def test_an_invented_name_has_no_code() -> None:
    stop = read_stop(["Stop code: IRQL_NOT_LESS_OR_AWESOME", "What failed: ADC6.tmp", "0% complete"])
    assert (stop.code, stop.name, stop.module, stop.progress) == (None, "", "ADC6.tmp", 0)


@pytest.mark.parametrize(
    ("line", "module"),
    [
        ("What failed: demosens.sys", "demosens.sys"),
        ("What failed: myfault sys", "myfault.sys"),
        ("Vhat failed: win32kfull.sys", "win32kfull.sys"),
        ("Fehlerquelle: demosens.sys", "demosens.sys"),
        ("***     4.tmp - Address B242A416 base at B2429000", "4.tmp"),
        ("visit https://www.windows.com/stopcode", ""),
    ],
)
def test_the_module_is_found_under_any_label(line: str, module: str) -> None:
    assert read_stop([line]).module == module


@pytest.mark.parametrize(
    ("line", "per_cent"),
    [
        ("20% complete", 20),
        ("O% complete", 0),
        ("l00% complete", 100),
        ("for you. (5%", 5),
        ("%40 tamamlandı", 40),
        ("40 % abgeschlossen", 40),
        ("Dumping physical memory to disk:  21", 21),
        ("XX% complete", None),
        ("250% of it", None),
        ("no progress here", None),
    ],
)
def test_progress_is_read(line: str, per_cent: int | None) -> None:
    assert progress([line]) == per_cent


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("Status: 0xc0000225", 0xC0000225),
        ("Error code: Oxc0000102", 0xC0000102),
        ("Fehlercode: 0xc000000f", 0xC000000F),
        ("Status: 0xc6000428", 0xC0000428),
        ("Address: 0x00000012", None),
        ("Status: fine", None),
    ],
)
def test_a_boot_status_is_read_and_repaired(line: str, status: int | None) -> None:
    assert boot_status([line]) == status


def test_a_boot_status_that_is_unknown_is_read_again() -> None:
    assert boot_status(["Status: 0xc0990428"], again=lambda _: ["0xC0000428"]) == 0xC0000428
    assert boot_status(["Status: 0xc0990429"], again=lambda _: ["gone"]) == 0xC0990429


def test_digits_are_repaired() -> None:
    assert number("OOQ0007E") == 0x7E
    assert number("lO") == 0x10
    assert nearest_code(0x10D1) == 0xD1
    assert nearest_code(0x77777777) == 0x77777777


@settings(max_examples=60)
@given(
    st.lists(st.text("STOP: 0xO(),%ABC.sys _l|#\u00e9\u505c", max_size=50), max_size=6),
    st.lists(st.text(max_size=20)),
)
def test_no_text_raises(lines: list[str], looks: list[str]) -> None:
    stop = read_stop(lines, again=lambda _: looks)
    assert stop.progress is None or 0 <= stop.progress <= 100
    boot_status(lines, again=lambda _: looks)
