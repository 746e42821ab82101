"""Dumps as QEMU writes them: rearranged, searched for the kernel's note, and read by makedumpfile."""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab import proc
from lab.errors import MachineError
from lab.machine import kdump
from lab.proc import Completed

PAGE = 4096
TEXT = b"OSRELEASE=6.1.0\nNUMBER(phys_base)=367001600\n"


def note(text: bytes = TEXT) -> bytes:
    """As the kernel keeps it in memory."""
    return struct.pack("<III", 11, len(text), 0) + b"VMCOREINFO\0\0" + text


def dump(pages: dict[int, bytes]) -> bytes:
    """A kdump-compressed file with these page frames; the smaller half of them uncompressed."""
    bitmap = bytearray(PAGE)
    for frame in pages:
        bitmap[frame // 8] |= 1 << (frame % 8)
    header = bytearray(PAGE)
    header[:8] = b"KDUMP   "
    struct.pack_into("<I", header, 8, 6)
    struct.pack_into("<iiII", header, 428, PAGE, 1, 2, 8 * PAGE)
    start = 4 * PAGE
    descriptors, data = b"", b""
    at = start + 24 * len(pages)
    for number, frame in enumerate(sorted(pages)):
        raw = pages[frame].ljust(PAGE, b"\0")
        packed = raw if number % 2 else zlib.compress(raw)
        descriptors += struct.pack("<qIIQ", at + len(data), len(packed), 0 if number % 2 else 1, 0)
        data += packed
    return bytes(header) + bytes(PAGE) + bytes(bitmap) * 2 + descriptors + data


def flattened(data: bytes, piece: int = 1000) -> bytes:
    """The pieces backwards, as a writer may send them."""
    out = b"makedumpfile\0\0\0\0".ljust(4096, b"\0")
    for at in reversed(range(0, len(data), piece)):
        part = data[at : at + piece]
        out += struct.pack(">qq", at, len(part)) + part
    return out + struct.pack(">qq", -1, -1)


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def notes_in(tmp_path: Path, pages: dict[int, bytes]) -> list[bytes]:
    return list(kdump.vmcoreinfo(written(tmp_path / "d", dump(pages))))


def test_a_stream_becomes_the_file_it_describes(tmp_path: Path) -> None:
    data = dump({3: b"x"})
    kdump.unflatten(written(tmp_path / "flat", flattened(data)), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == data


@pytest.mark.parametrize("cut", [10, 4096 + 8, 4096 + 16 + 500])
def test_a_stream_that_ends_early_is_refused(tmp_path: Path, cut: int) -> None:
    flat = written(tmp_path / "flat", flattened(dump({3: b"x"}))[:cut])
    with pytest.raises(MachineError, match=r"cut off|not in makedumpfile"):
        kdump.unflatten(flat, tmp_path / "file")


def test_the_note_is_found_in_a_page_and_over_two_pages(tmp_path: Path) -> None:
    long = TEXT + b"SYMBOL(x)=0\n" * 300
    whole = b"-" * 100 + note(long)
    assert notes_in(tmp_path, {5: b"junk", 8: note()}) == [TEXT]
    assert notes_in(tmp_path, {7: whole[:PAGE], 8: whole[PAGE:], 9: b"more"}) == [long]


def test_a_note_that_goes_on_in_a_page_that_was_not_dumped_is_cut_there(tmp_path: Path) -> None:
    long = TEXT + b"SYMBOL(x)=0\n" * 400
    (found,) = notes_in(tmp_path, {7: note(long)[:PAGE], 9: note(long)[PAGE:]})
    assert long.startswith(found)
    assert len(found) < len(long)


def test_the_name_alone_is_no_note(tmp_path: Path) -> None:
    format_string = b"\0\0\0\0VMCOREINFO\0OSRELEASE=%s\n"
    wrong_text = note(b"something else")
    assert notes_in(tmp_path, {1: format_string, 2: wrong_text}) == []


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_dump_is_an_error_of_the_machine(tmp_path: Path, data: st.DataObject) -> None:
    whole = bytearray(dump({1: note(), 2: b"y"}))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    path = written(tmp_path / "d", bytes(whole[:cut]))
    with contextlib.suppress(MachineError):
        list(kdump.vmcoreinfo(path))


class Tool:
    """makedumpfile: its answer to each call, by the note that the dump holds at that time."""

    def __init__(self, logs: dict[bytes, bytes]) -> None:
        self.logs = logs

    def __call__(self, argv: Sequence[str | Path], *, timeout_s: float) -> Completed:
        assert timeout_s > 0
        *_, source, out = argv
        data = Path(source).read_bytes()
        at, size = struct.unpack_from("<QQ", data, PAGE + 32)
        log = self.logs.get(data[at : at + size])
        if log is None:
            return Completed(exit_code=1, stderr=b"Can't get the symbol of prb.\n\nmakedumpfile Failed.\n")
        Path(out).write_bytes(log)
        return Completed(exit_code=0)


def with_tool(monkeypatch: pytest.MonkeyPatch, logs: dict[bytes, bytes]) -> None:
    monkeypatch.setattr(proc, "run", Tool(logs))


def test_the_log_is_read_with_the_note_and_the_place_of_the_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_tool(monkeypatch, {TEXT: b"Linux version\n"})
    path = written(tmp_path / "memory.dump", dump({4: note()}))
    assert kdump.kernel_log(path, tmp_path / "kernel.log") == 1
    assert (tmp_path / "kernel.log").read_bytes() == b"Linux version\n"
    (phys_base,) = struct.unpack_from("<q", path.read_bytes(), PAGE)
    assert phys_base == 367001600
    size = path.stat().st_size
    assert kdump.kernel_log(path, tmp_path / "kernel.log") == 1, "its own note is the one in memory"
    assert path.stat().st_size == size
    assert sorted(one.name for one in tmp_path.iterdir()) == ["kernel.log", "memory.dump"]


def test_of_two_kernels_the_one_whose_log_can_be_read_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = b"OSRELEASE=6.1.0\nKERNELOFFSET=1000\n"
    with_tool(monkeypatch, {TEXT: b"Linux version\n"})
    path = written(tmp_path / "memory.dump", dump({4: note(), 9: note(other)}))
    assert kdump.kernel_log(path, tmp_path / "kernel.log") == 2
    at, size = struct.unpack_from("<QQ", path.read_bytes(), PAGE + 32)
    assert path.read_bytes()[at : at + size] == TEXT, "and its note stays in the dump"


@pytest.mark.parametrize(
    ("pages", "says"), [({1: b"x"}, "no VMCOREINFO"), ({1: note()}, "makedumpfile Failed")]
)
def test_a_log_that_cannot_be_had_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: dict[int, bytes], says: str
) -> None:
    with_tool(monkeypatch, {})
    path = written(tmp_path / "memory.dump", dump(pages))
    with pytest.raises(MachineError, match=says):
        kdump.kernel_log(path, tmp_path / "kernel.log")
    assert not (tmp_path / "kernel.log").exists()
