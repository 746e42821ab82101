"""Which dialect an image's family has: the one table that tells guests apart."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lab.guest.dialect import POSIX, Dialect
from lab.guest.windows.dialect import WINDOWS
from lab.model import Family

DIALECTS: Mapping[Family, Dialect] = MappingProxyType({Family.LINUX: POSIX, Family.WINDOWS: WINDOWS})
