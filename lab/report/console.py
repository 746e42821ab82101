"""Excerpts of serial logs: the lines around a crash, cleaned and redacted, with their byte offsets.

Bytes come from serial.log of the attempt when it is there, else from the recording's own chunks.
It shows what the console said and does not interpret it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.model import EvidenceRef, Observation, SerialChunk
from lab.report.shape_failures import Excerpt, Line
from lab.report.wording import mask_keys, plain

SERIAL = "serial.log"
BEFORE_BYTES = 6 * 1024
AFTER_BYTES = 12 * 1024
LINES_BEFORE = 8
LINES_MARKED = 44
LINES_AFTER = 6
LINES_LAST = 16
LONGEST_LINE = 400


class Console:
    """Reads byte ranges of one attempt's serial log."""

    def __init__(self, attempt: Path | None, observations: Sequence[Observation]) -> None:
        self._file = attempt / SERIAL if attempt and (attempt / SERIAL).is_file() else None
        self._chunks = [item for item in observations if isinstance(item, SerialChunk)]

    @property
    def size(self) -> int:
        """Bytes on the console in the whole attempt."""
        if self._file:
            return self._file.stat().st_size
        return max((chunk.start + len(chunk.data) for chunk in self._chunks), default=0)

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` to `end`; gaps between chunks read as nothing."""
        if self._file:
            with self._file.open("rb") as stream:
                stream.seek(start)
                return stream.read(end - start)
        return b"".join(
            chunk.data[max(0, start - chunk.start) : max(0, end - chunk.start)] for chunk in self._chunks
        )

    def offset_at(self, t_s: float) -> int:
        """How many bytes had arrived by `t_s`."""
        return max((chunk.start + len(chunk.data) for chunk in self._chunks if chunk.t_s <= t_s), default=0)

    def time_of(self, offset: int) -> float | None:
        """When the byte at `offset` arrived, or None where no chunk holds it."""
        for chunk in self._chunks:
            if chunk.start <= offset < chunk.start + len(chunk.data):
                return chunk.t_s
        return None


def evidence_on_console(evidence: Sequence[EvidenceRef]) -> EvidenceRef | None:
    """The first reference into the serial log, or None."""
    for ref in evidence:
        if Path(ref.path).name == SERIAL:
            return ref
    return None


def around(console: Console, path: str, ref: EvidenceRef | None, t_s: float) -> Excerpt | None:
    """The lines of evidence `ref` with some before and after; without `ref`, the last lines before `t_s`."""
    if ref is None or ref.end <= ref.start:
        return last_words(console, path, console.offset_at(t_s) or console.size)
    start = max(0, ref.start - BEFORE_BYTES)
    lines = _lines(console.read(start, min(ref.end, ref.start + AFTER_BYTES) + BEFORE_BYTES), start)
    marked = [at for at, (offset, end, _) in enumerate(lines) if offset < ref.end and end > ref.start]
    if not marked:
        return None
    stop = min(marked[-1] + 1, marked[0] + LINES_MARKED)
    left_out = marked[-1] + 1 - stop
    first = max(0, marked[0] - LINES_BEFORE)
    shown = lines[first : stop + (0 if left_out else LINES_AFTER)]
    return Excerpt(
        path=path,
        start=shown[0][0],
        end=shown[-1][1],
        mark_start=ref.start,
        mark_end=ref.end,
        left_out=left_out,
        lines=tuple(
            Line(offset=offset, text=text, marked=offset < ref.end and end > ref.start)
            for offset, end, text in shown
        ),
    )


def last_words(console: Console, path: str, end: int) -> Excerpt | None:
    """The last lines before byte `end`, nothing marked; None when the console never spoke."""
    start = max(0, end - BEFORE_BYTES)
    lines = [line for line in _lines(console.read(start, end), start) if line[2].strip()][-LINES_LAST:]
    if not lines:
        return None
    return Excerpt(
        path=path,
        start=lines[0][0],
        end=lines[-1][1],
        mark_start=end,
        mark_end=end,
        left_out=0,
        lines=tuple(Line(offset=offset, text=text, marked=False) for offset, _, text in lines),
    )


def _lines(data: bytes, start: int) -> list[tuple[int, int, str]]:
    """(first byte, end, clean text) of each line of `data`, which begins at byte `start` of the file.

    A first line that the window cut in two is dropped, unless it is the only one.
    """
    raw = data.split(b"\n")
    if not raw[-1]:
        raw.pop()
    if not raw:
        return []
    texts = mask_keys("\n".join(line.decode("utf-8", "replace").replace("\n", "") for line in raw)).split(
        "\n"
    )
    lines, offset = [], start
    for line, text in zip(raw, texts, strict=True):
        end = offset + len(line) + 1
        lines.append((offset, min(end, start + len(data)), plain(text.rstrip(), LONGEST_LINE)))
        offset = end
    return lines[1:] if start and len(lines) > 1 else lines
