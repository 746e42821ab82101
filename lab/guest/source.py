"""The bytes that are put into a guest: held in memory or read from a host file, measured once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.errors import ArtefactError

_READ = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a guest must hold in the end."""

    origin: bytes | Path
    size: int
    sha256: str

    @classmethod
    def of(cls, origin: bytes | Path) -> Source:
        """Measure `origin`.

        :raise ArtefactError: the host file cannot be read.
        """
        digest, size = hashlib.sha256(), 0
        for piece in _pieces(origin, _READ):
            digest.update(piece)
            size += len(piece)
        return cls(origin=origin, size=size, sha256=digest.hexdigest())

    def pieces(self, size: int) -> Iterator[bytes]:
        """The content in pieces of `size` bytes, the last one shorter."""
        return _pieces(self.origin, size)


def _pieces(origin: bytes | Path, size: int) -> Iterator[bytes]:
    if isinstance(origin, bytes):
        for start in range(0, len(origin), size):
            yield origin[start : start + size]
        return
    try:
        with origin.open("rb") as file:
            while piece := file.read(size):
                yield piece
    except OSError as error:
        raise ArtefactError(f"{origin}: cannot be read to be put into a guest: {error.strerror}") from error
