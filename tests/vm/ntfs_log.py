"""The log of an NTFS volume ($LogFile) as a Windows leaves it that did not shut down, made by hand.

Its layout is that of ntfs-3g's logfile.h and ntfsrecover.c: two restart pages, then pages of records.
Version 2.0 is that of Windows 8 and later while a volume is in use; a clean shutdown makes it 1.1 again.
"""

from __future__ import annotations

import struct

PAGE, RECORD = 4096, 96
FIRST, LAST = 34, 37
"""Pages of records; those below are for pages under way, in version 2.0."""
PER_PAGE = (PAGE - 0x40) // RECORD
SEQUENCE_BITS = 45
FORGET = 27
"""The operation ForgetTransaction, which changes nothing."""


def without_records(size: int) -> bytes:
    """Version 1.1: a client is at work, so the log was not closed; and nothing that could be replayed."""
    return _restart((1, 1), size, 0x8000, 0x10000) * 2


def of_a_running_windows(size: int) -> bytes:
    """Version 2.0, with transactions that are committed and were not written back.

    :param size: of $LogFile, in bytes.
    """
    log, last = bytearray(b"\xff" * (LAST + 1) * PAGE), 0
    for page in range(FIRST, LAST + 1):
        records = b""
        for at in range(PER_PAGE if page < LAST else 3):
            number = _lsn(page, at)
            records += _record(number, last)
            last = number
        content = _page(records, last)
        log[page * PAGE : (page + 1) * PAGE] = content
    log[2 * PAGE : 3 * PAGE] = content
    log[: 2 * PAGE] = _restart((2, 0), size, _lsn(FIRST + 1, 0), last) * 2
    return bytes(log)


def _lsn(page: int, record: int) -> int:
    return (1 << (64 - SEQUENCE_BITS)) + (page * PAGE + 0x40 + RECORD * record) // 8


def _record(number: int, before: int) -> bytes:
    head = struct.pack("<QQQIHHIIH6x", number, before, before, RECORD - 0x30, 0, 0, 1, 0x18, 0)
    return (head + struct.pack("<HHHHHH", FORGET, 0, 0x28, 0, 0x28, 0)).ljust(RECORD, b"\0")


def _page(records: bytes, last: int) -> bytes:
    head = struct.pack("<4sHHQIHHH6xQ", b"RCRD", 0x28, 9, last, 1, 1, 1, 0x40 + len(records), last)
    return _fixed(head.ljust(0x40, b"\0") + records, 0x28)


def _restart(version: tuple[int, int], size: int, oldest: int, current: int) -> bytes:
    major, minor = version
    page = struct.pack("<4sHHQIIHhh", b"RSTR", 0x1E, 9, 0, PAGE, PAGE, 0x30, minor, major).ljust(0x30, b"\0")
    page += struct.pack(
        "<QHHHHIHHQIHHII", current, 1, 0xFFFF, 0, 0, SEQUENCE_BITS, 0xD0, 0x30, size, 0, 0x30, 0x40, 1, 0
    )
    page += struct.pack("<QQHHH6xI8s", oldest, oldest, 0xFFFF, 0xFFFF, 0, 8, "NTFS".encode("utf-16-le"))
    return _fixed(page, 0x1E)


def _fixed(content: bytes, at: int) -> bytes:
    """The page, with the last word of each sector kept at `at` and a number in its place."""
    page = bytearray(content.ljust(PAGE, b"\0"))
    page[at : at + 2] = b"\1\0"
    for number in range(PAGE // 512):
        kept, end = at + 2 + 2 * number, 512 * number + 510
        page[kept : kept + 2], page[end : end + 2] = page[end : end + 2], b"\1\0"
    return bytes(page)
