"""Finding a fault: by code in any spelling, by name, by a name as a screen reader spoils it, by words."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.detect.faults import FaultClass, brief, catalogue, closest_name, fold, spelled_code
from lab.detect.faults.codes import render
from lab.detect.faults.load import all_faults, parse_file
from lab.detect.faults.search import canonical
from lab.model import Finding, FindingKind, Signature

SYSTEM_THREAD = "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED"


def best(text: str) -> str:
    found = brief().search(text)
    return found[0][0].name if found else ""


@pytest.mark.parametrize(
    "text",
    [
        "0x7E",
        "0x0000007e",
        "7e",
        "0X7E",
        "0x1000007E",
        "1000007E",
        "STOP: 0x0000007E (0xC0000005, 0xFFFFF80415CE14ED, 0x0, 0x0)",
        "stop 7E",
        "bugcheck 0x7e",
        "0x00000000`0000007e",
        "Ox0000OO7E",
        "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED",
        "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED_M",
        "system thread exception not handled",
        "Stop code: SYSTEM THREAD EXCEPTION NOT HANDLED (csagent.sys)",
        "SYST3M THREAD EXCEPT1ON N0T HANDLEO",
        "SYSTEM_THREAD_EXCEPTI",
        "SYST3M THREAD EXCEPT1ON",
        "system thread exceptoin",
    ],
)
def test_a_stop_is_found_however_it_is_written(text: str) -> None:
    assert best(text) == SYSTEM_THREAD


def test_digits_alone_are_hexadecimal_first_and_decimal_second() -> None:
    found = [(fault.code, score) for fault, score in brief().search("126")]

    assert [code for code, _score in found] == [0x126, 0x7E]
    assert found[0][1] > found[1][1]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("c000021a", 0xC000021A),
        ("STOP: c000021a {Fatal System Error} status of 0xc0000005", 0xC000021A),
        ("-1073741286", 0xC000021A),
        ("0xDEADDEAD", 0xDEADDEAD),
        ("0xc000000f", 0xC000000F),
        ("C0000225", 0xC0000225),
    ],
)
def test_wide_codes_are_found(text: str, code: int) -> None:
    assert brief().search(text)[0][0].code == code


def test_minidump_forms_are_folded() -> None:
    assert {fold(0x10000000 | code) for code in (0x7E, 0x7F, 0x8E, 0xEA)} == {0x7E, 0x7F, 0x8E, 0xEA}
    assert fold(0xFFFFFFFFC000021A) == 0xC000021A
    assert fold(0x4000008A) == 0x4000008A


def test_c000021a_and_deaddead_are_stops() -> None:
    for code in (0xC000021A, 0xDEADDEAD):
        fault = brief().by_code(code)
        assert fault is not None
        assert fault.is_crash


def test_a_code_that_both_the_kernel_and_the_boot_manager_show_has_two_entries() -> None:
    stop, boot = brief().by_code(0xC0000221), brief().boot_status(0xC0000221)

    assert stop is not None
    assert boot is not None
    assert (stop.fault_class, boot.fault_class) == (FaultClass.STOP, FaultClass.BOOT_STATUS)


def test_an_old_name_leads_to_the_same_fault() -> None:
    old, new = brief().by_name("SESSION2_INITIALIZATION_FAILED"), brief().by_code(0x6E)

    assert old is not None
    assert old is new


def test_an_unknown_code_has_no_entry() -> None:
    assert brief().by_code(0xABC) is None
    assert closest_name("0xABC") is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Your PC ran into a problem and needs to restart.",
        "For more information about this issue and possible fixes, visit https://www.windows.com/stopcode",
        "What failed: csagent.sys",
        "20% complete",
        "WINDOWS BOOT MANAGER",
        "BIOS DATE: 04/01/2014 VERSION 1.16.0",
        "MACHINE CHECK POLLING TIMER STARTED",
        "ACPI: BIOS IRQ0 PIN2 OVERRIDE IGNORED",
        "A B C D E F G H I J K L M N O P",
        "PASSED: DRIVER SELF TEST",
        "0xFFFFF80415CE14ED 0x0000000000000002",
        "SYSTEM",
    ],
)
def test_other_text_is_no_stop_name(line: str) -> None:
    assert closest_name(line) is None


def test_the_file_extension_of_a_picture_of_a_name_does_not_matter() -> None:
    found = closest_name("MEMORY MANAGEMENT")

    assert found is not None
    assert (found[0].code, found[1]) == (0x1A, 100.0)


@pytest.mark.parametrize("separator", ["_", " "])
def test_every_name_of_every_stop_leads_to_that_stop(separator: str) -> None:
    for fault in brief().all():
        if fault.is_crash and fault.code == fold(fault.code or 0):
            for name in fault.names:
                found = closest_name(f"Stop code: {name.replace('_', separator)}")
                assert found is not None, name
                assert found[0] is fault, name


STOPS = [fault for fault in brief().all() if fault.is_crash and len(canonical(fault.name)) >= 16]
CONFUSED = str.maketrans({"O": "0", "I": "l", "S": "5", "B": "8"})


@settings(max_examples=150, deadline=None)
@given(
    fault=st.sampled_from(STOPS),
    spaces=st.booleans(),
    confuse=st.booleans(),
    lost=st.sets(st.integers(min_value=1, max_value=200), max_size=2),
    label=st.sampled_from(["", "Stop code: ", "Stillstandcode: ", "终止代码: ", "Code d'arrêt : "]),
)
def test_a_name_is_read_through_what_a_reader_does_to_it(
    fault: object, spaces: bool, confuse: bool, lost: set[int], label: str
) -> None:
    name = str(getattr(fault, "name"))  # noqa: B009 - hypothesis hides the type
    text = name.translate(CONFUSED) if confuse else name
    text = "".join(char for place, char in enumerate(text) if place not in lost)
    found = closest_name(label + (text.replace("_", " ") if spaces else text))

    assert found is not None
    nearest = {other.name for other in STOPS if alike(other.name, name)}
    assert found[0].name in nearest | {name}


def alike(one: str, two: str) -> bool:
    """Names that differ in a letter or two, so that a lost letter may turn one into the other."""
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.distance(canonical(one), canonical(two)) <= 4


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text_can_be_searched(text: str) -> None:
    brief().search(text)
    closest_name(text)
    spelled_code(text)


def test_words_find_what_a_person_means() -> None:
    assert best("page fault") == "PAGE_FAULT_IN_NONPAGED_AREA"
    found = [fault.name for fault, _score in catalogue().search("soft lockup")]
    assert found[0] == "BUG: soft lockup"
    assert catalogue().search("bootmgr missing")[0][0].name == "BOOTMGR is missing"


def test_the_short_table_is_what_the_files_say() -> None:
    """Otherwise: python -m lab.detect.faults > lab/detect/faults/data/codes.tsv."""
    briefly = {
        (fault.code, fault.name, fault.fault_class, fault.aliases, fault.codes) for fault in brief().all()
    }
    fully = {
        (fault.code, fault.name, fault.fault_class, fault.aliases, fault.codes)
        for fault in all_faults()
        if fault.code is not None
    }
    assert briefly == fully
    assert render(brief().all()) == render(all_faults())


def test_looking_up_names_and_codes_does_not_read_the_long_texts() -> None:
    script = (
        "import sys; from lab.detect.windows.stop import title; from lab.detect.faults import closest_name;"
        "title(0x7E, 'a.sys'); closest_name('MEMORY_MANAGEMENT'); assert 'yaml' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_every_fault_of_the_lab_s_own_files_is_whole() -> None:
    own = [f for f in all_faults() if f.fault_class in (FaultClass.LINUX, FaultClass.BOOT_STATUS)]

    assert len(own) > 80
    for fault in own:
        assert fault.meaning.endswith("."), fault.name
        assert fault.checks, fault.name
        assert fault.provoke, fault.name
        assert set(fault.sources) == {"name", "meaning", "checks", "provoke"}, fault.name


@pytest.mark.parametrize(
    ("title", "entry"),
    [
        ("KASAN: slab-out-of-bounds Read in demo_sensor_match", "KASAN: slab-out-of-bounds"),
        ("KASAN: something-new Read in f", "KASAN"),
        ("BUG: soft lockup in f", "BUG: soft lockup"),
        (
            "kernel panic: VFS: Unable to mount root fs on unknown-block(NUM,NUM)",
            "kernel panic: VFS: Unable to mount root fs",
        ),
        ("WARNING: suspicious RCU usage in f", "WARNING: suspicious RCU usage"),
        ("WARNING in f", "WARNING"),
    ],
)
def test_a_finding_s_title_leads_to_its_entry(title: str, entry: str) -> None:
    finding = Finding(kind=FindingKind.OOPS, signature=Signature(title=title), fatal=True, t_s=0.0)
    fault = catalogue().of_finding(finding)

    assert fault is not None
    assert fault.name == entry


def test_a_finding_s_code_leads_to_its_entry() -> None:
    def entry(kind: FindingKind, code: int) -> FaultClass:
        finding = Finding(kind=kind, signature=Signature(title="x"), fatal=True, t_s=0.0, code=code)
        fault = catalogue().of_finding(finding)
        assert fault is not None
        return fault.fault_class

    assert entry(FindingKind.BUGCHECK, 0x7E) is FaultClass.STOP
    assert entry(FindingKind.BOOT_FAILURE, 0xC0000221) is FaultClass.BOOT_STATUS
    assert entry(FindingKind.BUGCHECK, 0xC0000221) is FaultClass.STOP


def test_a_file_that_is_wrong_names_itself_and_the_entry() -> None:
    with pytest.raises(ValueError, match=r"own\.yaml: entry 2"):
        parse_file("own.yaml", "- {name: A, class: linux}\n- {name: B}\n")
    with pytest.raises(TypeError, match=r"own\.yaml: a list"):
        parse_file("own.yaml", "name: A\n")
