"""The seal of a recording that was closed: how long its files were, and their digests.

A recording is evidence against a crash only while all of it is there; a line or a file that went missing
afterwards takes the crash with it, and leaves what looks like a good attempt. Refuses to judge that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PIECE = 1 << 20


def sealed(files: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """`bytes` and `sha256` of each of the files that is there, by name.

    :raise OSError: one is there and cannot be read.
    """
    found = {}
    for path in files:
        if path.exists():
            size = path.stat().st_size
            found[path.name] = {"bytes": size, "sha256": _digest(path, size)}
    return found


def broken(directory: Path, seal: object) -> list[str]:
    """What of the sealed files is not there any more, one sentence each.

    A file may have grown: a guest that is kept for a person goes on writing to its console.
    """
    if not isinstance(seal, Mapping):
        return ["closed.json: its seal cannot be read"]
    return [words for name, told in seal.items() if (words := _broken(directory / str(name), told))]


def _broken(path: Path, told: object) -> str:
    size = told.get("bytes") if isinstance(told, Mapping) else None
    if not isinstance(told, Mapping) or not isinstance(size, int):
        return f"closed.json: its seal of {path.name} cannot be read"
    try:
        left = path.stat().st_size
        if left < size:
            return f"{path.name}: {left} bytes are left of {size} that were recorded"
        if _digest(path, size) != told.get("sha256"):
            return f"{path.name}: is not what was recorded (its sha256 is another one)"
    except OSError as error:
        return f"{path.name}: was recorded and cannot be read: {(error.strerror or str(error)).lower()}"
    return ""


def _digest(path: Path, size: int) -> str:
    """Of the first `size` bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while size > 0 and (piece := stream.read(min(PIECE, size))):
            digest.update(piece)
            size -= len(piece)
    return digest.hexdigest()
