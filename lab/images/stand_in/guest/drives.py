"""Drive letters of the STAND-IN: `C:\\dir\\file` on an NTFS file system that Linux has mounted somewhere.

Names are found whatever their case, as Windows finds them. Refuses what is no path on a drive that is there.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from pathlib import Path


class Drives:
    """:param roots: letter -> where it is mounted."""

    def __init__(self, roots: Mapping[str, Path]) -> None:
        self.roots = dict(roots)

    def local(self, path: str) -> Path:
        """Where `path` is in Linux; its last parts need not exist.

        :raise OSError: it is no absolute path on a drive that is there.
        """
        slashed = path.replace("/", "\\")
        root = self.roots.get(slashed[:1].upper()) if slashed[1:3] == ":\\" else None
        if root is None:
            raise FileNotFoundError(2, "the system cannot find the path specified", path)
        at = root
        for part in (one for one in slashed[3:].split("\\") if one):
            if part == "..":
                raise FileNotFoundError(2, "the system cannot find the path specified", path)
            at = _entry(at, part)
        return at

    def matching(self, pattern: str) -> list[Path]:
        """Files whose last part fits `*` and `?`."""
        folder, _, last = pattern.replace("/", "\\").rpartition("\\")
        directory = self.local(folder + "\\")
        if not directory.is_dir():
            return []
        fits = (one for one in directory.iterdir() if fnmatch.fnmatch(one.name.lower(), last.lower()))
        return sorted(one for one in fits if one.is_file())


def _entry(directory: Path, name: str) -> Path:
    exact = directory / name
    if exact.exists() or not directory.is_dir():
        return exact
    folded = name.casefold()
    return next((one for one in directory.iterdir() if one.name.casefold() == folded), exact)
