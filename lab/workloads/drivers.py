"""Which driver reaches the loads of a guest. Decides by the family alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

from lab.model import Family
from lab.workloads.inguest import Driver, GuestLike
from lab.workloads.linux_guest import LinuxDriver
from lab.workloads.windows_guest import WindowsDriver


def driver_of(guest: GuestLike, family: Family, *, tools: Mapping[str, Path] | None = None) -> Driver:
    """The driver for a guest of `family`.

    :param tools: the user's programs for Windows guests, see `WindowsDriver`.
    """
    match family:
        case Family.LINUX:
            return LinuxDriver(guest)
        case Family.WINDOWS:
            return WindowsDriver(guest, tools=tools)
        case _:
            assert_never(family)
