"""Crash dumps: Windows kernel dumps read, every other kind told apart from them.

`read_dump(bytes-like) -> Dump`, or DumpError with the reason. Refuses to open files and to look for
symbols.
"""

from __future__ import annotations

from lab.detect.dumps.dump import Dump, read_dump
from lab.detect.dumps.layout import DumpError
from lab.detect.dumps.triage import Module

__all__ = ["Dump", "DumpError", "Module", "read_dump"]
