"""Crash dumps: what stopped, in which module, and what is no kernel crash. All are built by the tests."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest
from dumps_built_by_tests import (
    FILETIME,
    MODULES,
    PAE,
    PLAIN,
    Memory,
    bitmap,
    full,
    header32,
    header64,
    ranges,
    triage,
    with_modules32,
    with_modules64,
)

from lab.detect.dumps import DumpError, Module, read_dump
from lab.model import FindingKind

CSAGENT = Module("csagent.sys", 0xFFFFF80415C00000, 0x2C0000)
NAMES = [name for _base, name in sorted((base, name) for name, base, _size in MODULES)]


def test_a_64_bit_minidump_tells_code_parameters_build_time_and_modules() -> None:
    dump = read_dump(triage(header64(code=0x1000007E)))

    assert (dump.format, dump.is_kernel_crash, dump.code) == ("minidump64", True, 0x7E)
    assert dump.parameters[1] == 0xFFFFF80415CE14ED
    assert (dump.build, dump.machine, dump.processors, dump.uptime_s) == (22621, "x64", 4, 421.0)
    assert dump.time == "2024-07-19T04:11:52+00:00"
    assert dump.comment == "made up by a test"
    assert [module.name for module in dump.modules] == NAMES
    assert CSAGENT in dump.modules


def test_the_module_at_the_faulting_instruction_is_blamed_and_named_in_the_title() -> None:
    finding = read_dump(triage(header64())).finding(path="memory.dmp")

    assert finding is not None
    assert finding.kind is FindingKind.BUGCHECK
    assert finding.title == "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E) in csagent.sys"
    assert "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)" in finding.signature.alt_titles
    assert (finding.module, finding.fatal, finding.channels) == ("csagent.sys", True, ("dump",))
    assert finding.evidence[0].path == "memory.dmp"


def test_the_driver_that_windows_names_goes_before_addresses() -> None:
    assert read_dump(triage(header64(), broken="wörterbuch.sys")).module == "wörterbuch.sys"


def test_exception_and_instruction_pointer_name_a_module_where_no_parameter_does() -> None:
    inside = CSAGENT.base + 0x1234

    assert read_dump(triage(header64(code=0x139, exception_address=inside))).module == "csagent.sys"
    assert read_dump(triage(header64(code=0x139, rip=inside))).module == "csagent.sys"


def test_the_kernel_is_not_blamed_for_being_on_the_stack() -> None:
    inside_kernel = MODULES[0][1] + 0x100

    assert read_dump(triage(header64(code=0x139, rip=inside_kernel))).module == ""
    assert read_dump(triage(header64(code=0xA, parameters=(0, 2, 0, inside_kernel)))).module == "ntoskrnl.exe"


@pytest.mark.parametrize("stride", [0x90, 0x98, 0xA0, 0xA8])
@pytest.mark.parametrize("length_in_bytes", [False, True])
def test_driver_lists_of_all_windows_versions_are_read(stride: int, length_in_bytes: bool) -> None:
    dump = read_dump(triage(header64(), stride=stride, length_in_bytes=length_in_bytes))

    assert [module.name for module in dump.modules] == NAMES


def test_a_driver_list_that_makes_no_sense_is_no_driver_list() -> None:
    data = bytearray(triage(header64()))
    data[0x2100 : 0x2100 + 0x90 * 3] = b"\xff" * (0x90 * 3)

    dump = read_dump(data)

    assert (dump.modules, dump.module, dump.code) == ((), "", 0x7E)


def test_a_32_bit_minidump_is_read() -> None:
    modules = (("ntkrnlpa.exe", 0x82A0A000, 0x412000), ("win32k.sys", 0x99160000, 0x24A000))
    dump = read_dump(triage(header32(), modules, stride=0x58))

    assert (dump.format, dump.code, dump.machine, dump.build) == ("minidump32", 0x8E, "x86", 7601)
    assert dump.module == "win32k.sys"
    assert (dump.time[:10], dump.uptime_s) == ("2024-07-19", 60.0)


@pytest.mark.parametrize(
    ("write", "dump_type", "name"),
    [(full, 1, "full"), (bitmap, 6, "kernel"), (bitmap, 5, "bitmap"), (ranges, 8, "kernel")],
)
def test_the_module_list_is_found_through_the_page_tables_of_a_64_bit_dump(
    write: object, dump_type: int, name: str
) -> None:
    assert callable(write)
    dump = read_dump(write(header64(dump_type=dump_type), with_modules64()))

    assert dump.format == name
    assert [module.name for module in dump.modules] == NAMES
    assert dump.module == "csagent.sys"


@pytest.mark.parametrize(("paging", "pae"), [(PAE, True), (PLAIN, False)])
def test_the_module_list_is_found_through_the_page_tables_of_a_32_bit_dump(paging: object, pae: bool) -> None:
    memory = with_modules32(paging)  # type: ignore[arg-type]
    dump = read_dump(full(header32(dump_type=1, pae=pae), memory))

    assert [module.name for module in dump.modules] == ["ntkrnlpa.exe", "win32k.sys"]
    assert dump.module == "win32k.sys"


def test_a_module_list_that_runs_in_a_circle_ends() -> None:
    memory = with_modules64()
    head = 0xFFFFF8041262B2D0
    first = head + 0x10000 - 8
    memory.write(first, first.to_bytes(8, "little"))

    assert [module.name for module in read_dump(full(header64(dump_type=1), memory)).modules] == [
        "ntoskrnl.exe"
    ]


def test_a_module_list_of_which_pages_are_missing_is_given_as_far_as_it_goes() -> None:
    data = full(header64(dump_type=1), with_modules64())

    names = [module.name for module in read_dump(data[: len(data) - 2 * 4096]).modules]

    assert 0 < len(names) < len(NAMES)


def test_a_dump_without_memory_has_code_and_no_modules() -> None:
    dump = read_dump(header64(code=0xEF, dump_type=6))

    assert (dump.code, dump.modules, dump.format) == (0xEF, (), "kernel")
    finding = dump.finding()
    assert finding is not None
    assert finding.title == "CRITICAL_PROCESS_DIED (0xEF)"


@pytest.mark.parametrize(("code", "attributes"), [(0x161, 0), (0x1A8, 0), (0x124, 1 << 4)])
def test_a_live_dump_is_no_crash(code: int, attributes: int) -> None:
    dump = read_dump(header64(code=code, dump_type=1, attributes=attributes))

    assert (dump.format, dump.is_kernel_crash, dump.finding()) == ("live", False, None)
    assert "live dump" in dump.reason


def test_attributes_that_were_never_written_do_not_make_a_live_dump() -> None:
    assert read_dump(header64(code=0x124, attributes=None)).is_kernel_crash


@pytest.mark.parametrize("code", [0, 0x45474150, 0x4000007E])
def test_a_header_without_a_stop_code_is_no_crash(code: int) -> None:
    dump = read_dump(header64(code=code))

    assert not dump.is_kernel_crash
    assert dump.reason


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"MDMP\x93\xa7\0\0", "user-mode"),
        (b"KDUMP   \x06\0\0\0", "kdump"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x04\0", "elf-core"),
        (b"makedumpfile\0\0\0\0", "kdump-flat"),
        (b"hibr", "hibernation"),
    ],
)
def test_dumps_of_other_kinds_are_named_and_are_no_kernel_crash(start: bytes, name: str) -> None:
    dump = read_dump(start + b"\0" * 100)

    assert (dump.format, dump.is_kernel_crash, dump.finding()) == (name, False, None)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello world", "not a dump"),
        (b"PAGEPAGE" * 2000, "never completed"),
        (bytes(header64()[:4096]), "cut off: 4096 bytes of a header of 8192"),
        (bytes(header32()[:100]), "cut off"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\0", "not a dump"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(DumpError, match=reason):
        read_dump(data)


def test_a_mapped_file_is_read_and_let_go(tmp_path: Path) -> None:
    path = tmp_path / "memory.dmp"
    path.write_bytes(triage(header64()))

    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert read_dump(mapped).module == "csagent.sys"


def test_times_that_nobody_can_have_are_left_out() -> None:
    data = header64()
    for filetime in (1, FILETIME * 1000 % 2**64, 2**64 - 1):
        data[0xFA8:0xFB0] = filetime.to_bytes(8, "little")
        assert read_dump(data).time == ""


def test_memory_built_by_the_tests_has_gaps() -> None:
    """Otherwise runs, bitmaps and ranges would not be tested."""
    assert len(with_modules64().runs()) > 3
    assert isinstance(with_modules64(), Memory)
