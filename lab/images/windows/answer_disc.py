"""The answer medium: an ISO of the lab's files, the same bytes whenever and wherever it is made.

ISO9660 level 3 with Joliet names, volume `LAB-ANSWER`; files in order of name, every time stamp `EPOCH`.
"""

from __future__ import annotations

import contextlib
import io
import re
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO
from unittest import mock

import pycdlib
from pycdlib import dates, headervd
from pycdlib import pycdlib as engine

from lab.images.windows import disc

LABEL = "LAB-ANSWER"
EPOCH = 1_704_067_200.0
"""2024-01-01 00:00 UTC."""
Content = bytes | Path

_lock = threading.Lock()


def write(files: Mapping[str, Content], target: Path) -> None:
    """Make the ISO; `files` is by path on the medium (`lab/finish.ps1`), a Path is read when written."""
    with _lock, _no_clock(), contextlib.ExitStack() as stack:
        iso = pycdlib.PyCdlib()
        iso.new(interchange_level=3, joliet=3, vol_ident=LABEL, sys_ident="", app_ident_str="FLEET LAB")
        stack.callback(iso.close)
        short = _ShortNames()
        for directory in sorted({str(parent) for path in files for parent in Path(path).parents} - {"."}):
            iso.add_directory(short.of(directory), joliet_path=f"/{directory}")
        for path in sorted(files):
            stream, length = _open(files[path], stack)
            iso.add_fp(stream, length, f"{short.of(path, file=True)};1", joliet_path=f"/{path}")
        iso.write(str(target))


def read(path: Path) -> dict[str, bytes]:
    """Every file of an answer medium by path, to compare what was written with what was meant."""
    found: dict[str, bytes] = {}
    with disc.opened(path, "the lab's answer medium") as opened:
        for name in opened.walk():
            with opened.open(name) as stream:
                found[name] = stream.read()
    return found


def _open(content: Content, stack: contextlib.ExitStack) -> tuple[BinaryIO, int]:
    if isinstance(content, bytes):
        return io.BytesIO(content), len(content)
    return stack.enter_context(content.open("rb")), content.stat().st_size


class _ShortNames:
    """ISO9660 names: upper case, digits and underscores, unique in their directory."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, path: str, *, file: bool = False) -> str:
        if path not in self._given:
            parent, _, name = path.rpartition("/")
            above = self.of(parent) if parent else ""
            stem, dot, ending = name.rpartition(".") if file else (name, "", "")
            words = re.sub(r"[^A-Z0-9_]", "_", (stem if dot else name).upper())[:24]
            end = re.sub(r"[^A-Z0-9_]", "_", ending.upper())[:3]
            number = 0
            while (made := f"{above}/{words}{number or ''}{'.' + end if file else ''}") in self._taken:
                number += 1
            self._taken.add(made)
            self._given[path] = made
        return self._given[path]


class _Clock:
    """What pycdlib uses of `time`, standing still, in UTC."""

    localtime = staticmethod(time.gmtime)
    gmtime = staticmethod(time.gmtime)
    strftime = staticmethod(time.strftime)
    strptime = staticmethod(time.strptime)

    @staticmethod
    def time() -> float:
        return EPOCH


@contextlib.contextmanager
def _no_clock() -> Iterator[None]:
    """pycdlib 1.14 to 1.22 stamps its volume and its directories with the time of day, and has no parameter
    for another one."""
    with contextlib.ExitStack() as stack:
        for module in (engine, headervd, dates):
            stack.enter_context(mock.patch.object(module, "time", _Clock))
        yield
