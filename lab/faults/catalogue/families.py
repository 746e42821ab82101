"""Which families of guests a fault works on, as it is known today."""

from __future__ import annotations

from lab.faults.kind import Support
from lab.model import Family

BOTH = {Family.LINUX: Support.TESTED, Family.WINDOWS: Support.AWAITS}
LINUX = {Family.LINUX: Support.TESTED}
