"""An ISO file opened for reading: its label and its files by path, whatever name system it uses.

Windows media are UDF with a stub of ISO9660, virtio-win media are ISO9660 with Joliet and Rock Ridge. Names
are compared without case, as Windows does. Refuses to interpret what the files hold.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pycdlib
from pycdlib.pycdlibexception import PyCdlibException

from lab.errors import ArtefactError

EFI = 0xEF
BIOS = 0x00


class Disc:
    """One opened ISO. Paths are like `sources/install.wim`."""

    def __init__(self, iso: Any, path: Path) -> None:
        self._iso = iso
        self.path = path
        if iso.has_udf():
            self.names_by = "udf"
        elif iso.has_joliet():
            self.names_by = "joliet"
        elif iso.has_rock_ridge():
            self.names_by = "rr"
        else:
            self.names_by = "iso"
        self._known: dict[str, dict[str, tuple[str, bool]]] = {}

    @property
    def label(self) -> str:
        """The volume's name, as ISO9660 has it."""
        return str(self._iso.pvd.volume_identifier.decode("ascii", "replace").strip())

    @property
    def boots(self) -> frozenset[int]:
        """El Torito platforms it starts on: `BIOS`, `EFI`."""
        catalog = self._iso.eltorito_boot_catalog
        if catalog is None:
            return frozenset()
        return frozenset(
            {catalog.validation_entry.platform_id, *(one.platform_id for one in catalog.sections)}
        )

    def has(self, path: str) -> bool:
        """Whether there is a file or directory of this name."""
        return self._real(path) is not None

    def entries(self, directory: str = "") -> list[str]:
        """Names in a directory, in order; [] where there is no such directory."""
        found = self._real(directory)
        return sorted(name for name, _ in self._children(found).values()) if found is not None else []

    def walk(self, directory: str = "") -> Iterator[str]:
        """The path of every file below a directory, in order of name."""
        for name in self.entries(directory):
            path = f"{directory}/{name}".lstrip("/")
            if self._is_directory(path):
                yield from self.walk(path)
            else:
                yield path

    @contextlib.contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """A file as a seekable stream.

        :raise ArtefactError: there is no such file.
        """
        real = self._real(path)
        if real is None:
            raise ArtefactError(f"{self.path}: has no file {path!r}")
        with self._iso.open_file_from_iso(**{f"{self.names_by}_path": real}) as stream:
            yield stream

    def _is_directory(self, path: str) -> bool:
        parent, _, name = path.rpartition("/")
        above = self._real(parent)
        return above is not None and self._children(above)[name.casefold()][1]

    def _real(self, path: str) -> str | None:
        """The path in the case that the disc has it, or None."""
        at = "/"
        for part in [one for one in path.split("/") if one]:
            found = self._children(at).get(part.casefold())
            if found is None:
                return None
            at = f"{at.rstrip('/')}/{found[0]}"
        return at

    def _children(self, directory: str) -> dict[str, tuple[str, bool]]:
        if directory not in self._known:
            found: dict[str, tuple[str, bool]] = {}
            with contextlib.suppress(PyCdlibException):
                for child in self._iso.list_children(**{f"{self.names_by}_path": directory}):
                    name = _name(child, self.names_by)
                    if name not in ("", ".", "..", "/"):
                        plain = name.split(";")[0].rstrip(".") if self.names_by == "iso" else name
                        found[plain.casefold()] = (name, child.is_dir())
            self._known[directory] = found
        return self._known[directory]


def _name(child: Any, names_by: str) -> str:
    if child is None or child.is_dot() or child.is_dotdot():
        return ""
    if names_by == "rr":
        return str(child.rock_ridge.name().decode("utf-8", "replace"))
    raw = child.file_identifier()
    if names_by == "joliet":
        return str(raw.decode("utf-16-be", "replace")).split(";")[0]
    if names_by == "udf":
        encoding = getattr(child, "encoding", None) or "latin-1"
        return str(raw.decode(encoding, "replace"))
    return str(raw.decode("ascii", "replace"))


@contextlib.contextmanager
def opened(path: Path, what: str) -> Iterator[Disc]:
    """The ISO at `path`.

    :param what: what it should be, for messages.
    :raise ArtefactError: there is no such file, or it is no ISO.
    """
    if not path.is_file():
        raise ArtefactError(f"{path}: no such file (wanted {what})")
    iso = pycdlib.PyCdlib()
    try:
        iso.open(str(path))
    except (PyCdlibException, OSError, ValueError, IndexError) as error:
        raise ArtefactError(
            f"{path}: not an ISO file that can be read: {error} (wanted {what})",
            hint="compare its sha256 with the one its source publishes: downloads are often cut short",
        ) from error
    try:
        yield Disc(iso, path)
    finally:
        iso.close()
