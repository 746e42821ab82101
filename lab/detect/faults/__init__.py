"""The fault catalogue: every Windows stop code, boot status and kind of Linux report, as data.

Owns the files in data/, their loading and the search. Refuses to read consoles, screens or dumps.
"""

from __future__ import annotations

from lab.detect.faults.catalogue import Catalogue, brief, catalogue, closest_name
from lab.detect.faults.fault import Fault, FaultClass, fold
from lab.detect.faults.search import spelled_code

__all__ = [
    "Catalogue",
    "Fault",
    "FaultClass",
    "brief",
    "catalogue",
    "closest_name",
    "fold",
    "spelled_code",
]
