"""Damaged dumps: whatever the bytes are, there is an answer or a DumpError, after bounded work."""

from __future__ import annotations

import struct

import pytest
from dumps_built_by_tests import (
    PAE,
    bitmap,
    full,
    header32,
    header64,
    ranges,
    triage,
    with_modules32,
    with_modules64,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.detect.dumps import Dump, DumpError, read_dump

WHOLE = (
    triage(header64()),
    triage(header32(), (("win32k.sys", 0x99160000, 0x24A000),), stride=0x58),
    full(header64(dump_type=1), with_modules64()),
    bitmap(header64(dump_type=6), with_modules64()),
    ranges(header64(dump_type=8), with_modules64()),
    full(header32(dump_type=1), with_modules32(PAE)),
)
EXTREME = st.sampled_from([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 2**63, 2**64 - 1, 0x2000, 0x45474150])


def read(data: bytes) -> Dump | None:
    try:
        return read_dump(data)
    except DumpError:
        return None


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_surprise(data: bytes) -> None:
    read(data)
    read(b"PAGEDU64" + data * 30)
    read(b"PAGEDUMP" + data * 30)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
@given(
    whole=st.sampled_from(WHOLE),
    changes=st.lists(st.tuples(st.integers(min_value=8, max_value=0x9000), EXTREME), max_size=12),
    cut=st.integers(min_value=0, max_value=80_000),
)
def test_mutated_and_truncated_dumps_never_surprise(
    whole: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(whole)
    for place, value in changes:
        if place + 8 <= len(data):
            struct.pack_into("<Q", data, place, value)
    read(bytes(data[:cut]))
    read(bytes(data))


@pytest.mark.parametrize("field", range(0x2000, 0x2080, 4))
def test_every_field_of_a_minidump_may_be_wild(field: int) -> None:
    for value in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF):
        data = bytearray(WHOLE[0])
        struct.pack_into("<I", data, field, value)
        dump = read(bytes(data))
        assert dump is not None
        assert dump.code == 0x7E


def test_counts_and_sizes_beyond_reason_cost_nothing() -> None:
    huge = bytearray(WHOLE[3])
    struct.pack_into("<QQQ", huge, 0x2020, 2**63, 2**63, 2**63)
    listed = bytearray(WHOLE[4])
    struct.pack_into("<Q", listed, 0x2018, 2**62)
    runs = header64(dump_type=1)
    struct.pack_into("<I", runs, 0x88, 0xFFFFFFFF)
    for data in (huge, listed, runs):
        dump = read(bytes(data))
        assert dump is not None
        assert dump.modules == ()


def test_page_tables_that_point_at_themselves_end() -> None:
    data = bytearray(WHOLE[2])
    for offset in range(0x2000, len(data) - 8, 8):
        struct.pack_into("<Q", data, offset, 0x1AD063)

    dump = read(bytes(data))

    assert dump is not None
    assert dump.modules == ()


def test_a_dump_that_its_header_says_is_larger_is_half_written_and_still_tells_the_stop() -> None:
    whole = bytearray(full(header64(dump_type=1), with_modules64()))
    struct.pack_into("<Q", whole, 0xFA0, len(whole))
    cut = bytearray(whole[: len(whole) - 5000])
    assert read_dump(whole).missing == 0
    dump = read_dump(cut)
    assert (dump.is_kernel_crash, dump.missing) == (True, 5000)
    found = dump.finding()
    assert found is not None
    assert f"lacks 5000 of {len(whole)} bytes" in found.detail


@pytest.mark.parametrize("never", [0x4547415045474150, 2**63, 0])
def test_a_size_that_was_never_written_is_no_promise(never: int) -> None:
    data = bytearray(full(header64(dump_type=1), with_modules64()))
    struct.pack_into("<Q", data, 0xFA0, never)
    assert read_dump(data).missing == 0
