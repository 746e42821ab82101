"""Where the parts of a disk are, also when its table lies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offline_tables import DISK, SECTOR, gpt, mbr, reader, record

from lab.offline.partitions import BASIC_DATA, Table, read_table

PARTS = ((64, 1063), (1064, 2063))


def table(disk: bytes) -> Table:
    return read_table(reader(bytes(disk)), len(disk))


def places(found: Table) -> list[tuple[int, int, int]]:
    return [(part.number, part.start // SECTOR, part.size // SECTOR) for part in found.parts]


def test_a_gpt_gives_its_parts_with_both_ends_counted() -> None:
    found = table(gpt(PARTS))
    assert (found.kind, found.problems) == ("gpt", ())
    assert places(found) == [(1, 64, 1000), (2, 1064, 1000)]
    assert {part.type for part in found.parts} == {BASIC_DATA}


def test_a_damaged_gpt_is_read_from_the_end_of_the_disk_and_says_so() -> None:
    disk = gpt(PARTS)
    disk[SECTOR + 20] ^= 1
    found = table(disk)
    assert places(found) == places(table(gpt(PARTS)))
    assert any("checksum is wrong" in problem for problem in found.problems)
    assert any("at the disk's end is used" in problem for problem in found.problems)


def test_a_damaged_entry_array_is_not_believed() -> None:
    disk = gpt(PARTS)
    disk[2 * SECTOR + 32] ^= 1
    found = table(disk)
    assert places(found) == places(table(gpt(PARTS)))
    assert any("checksum of the partition entries" in problem for problem in found.problems)


def test_a_gpt_that_is_damaged_at_both_ends_gives_nothing_and_is_no_mbr() -> None:
    disk = gpt(PARTS)
    disk[SECTOR + 20] ^= 1
    disk[-SECTOR + 20] ^= 1
    found = table(disk)
    assert (found.kind, found.parts) == ("none", ())
    assert found.problems


def test_parts_that_overlap_are_marked() -> None:
    found = table(gpt(((64, 1063), (1000, 2000), (3000, 3010))))
    assert [part.overlaps for part in found.parts] == [True, True, False]
    assert "partition 1 overlaps 2" in found.problems


def test_a_part_beyond_the_disk_is_left_out_and_named() -> None:
    found = table(mbr([(0x07, 8, 100), (0x07, 200, 2**31)]))
    assert places(found) == [(1, 8, 100)]
    assert found.problems[0].startswith("partition 2: ends at byte ")


def test_an_mbr_gives_its_primary_and_logical_parts() -> None:
    disk = mbr([(0x07, 8, 100), (0x0F, 200, 1000)])
    record(disk, 200, [(0x83, 8, 50), (0x05, 300, 200)])
    record(disk, 500, [(0x0C, 8, 60)])
    found = table(disk)
    assert (found.kind, found.problems) == ("mbr", ())
    assert places(found) == [(1, 8, 100), (5, 208, 50), (6, 508, 60)]
    assert [part.type for part in found.parts] == ["0x07", "0x83", "0x0c"]


def test_a_chain_of_logical_parts_that_leads_back_ends() -> None:
    disk = mbr([(0x05, 200, 1000)])
    record(disk, 200, [(0x83, 8, 50), (0x05, 300, 200)])
    record(disk, 500, [(0x83, 8, 60), (0x05, 300, 200)])
    found = table(disk)
    assert [part.number for part in found.parts] == [5, 6]
    assert any("leads back" in problem for problem in found.problems)


@pytest.mark.parametrize("name", [b"NTFS    ", b"EXFAT   ", b"-FVE-FS-"])
def test_a_file_system_on_a_whole_disk_is_no_table(name: bytes) -> None:
    disk = mbr([(0x6F, 1, 2)])
    disk[3:11] = name
    assert table(disk).kind == "none"


def test_a_disk_of_4096_byte_sectors_is_read() -> None:
    small = gpt(PARTS)
    large = bytearray(4096 * 4096)
    large[446:512] = small[446:512]
    large[4096 : 4096 + 92] = small[SECTOR : SECTOR + 92]
    large[8192 : 8192 + 16384] = small[1024 : 1024 + 16384]
    found = table(large)
    assert [(part.start // 4096, part.size // 4096) for part in found.parts] == [(64, 1000), (1064, 1000)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(34, 4000), st.integers(0, 400)), max_size=6))
def test_what_is_given_out_lies_in_the_disk_and_overlaps_only_where_marked(
    wanted: list[tuple[int, int]],
) -> None:
    found = table(gpt([(first, first + length) for first, length in wanted]))
    for part in found.parts:
        assert 0 < part.start < part.end <= DISK
        others = [one for one in found.parts if one is not part]
        shared = any(one.start < part.end and part.start < one.end for one in others)
        assert part.overlaps == shared
    assert len(found.parts) + sum("ends at byte" in one for one in found.problems) == len(wanted)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 40 * SECTOR), st.binary(min_size=1, max_size=600), st.booleans())
def test_damage_anywhere_is_survived_and_never_gives_a_part_outside_of_the_disk(
    at: int, damage: bytes, modern: bool
) -> None:
    disk = gpt(PARTS) if modern else mbr([(0x07, 8, 100), (0x05, 200, 1000)])
    disk[at : at + len(damage)] = damage
    found = table(disk[:DISK])
    assert all(0 <= part.start < part.end <= DISK for part in found.parts)
