"""Which builder makes which kind of image."""

from __future__ import annotations

from collections.abc import Mapping

from lab.images.builders import Builder
from lab.images.builders.debian import DebianBuilder
from lab.images.builders.disk import DiskBuilder
from lab.images.builders.stand_in import StandInBuilder
from lab.images.builders.tiny import TinyBuilder
from lab.images.builders.windows import WindowsBuilder

BUILDERS: Mapping[str, Builder] = {
    "debian": DebianBuilder(),
    "tiny": TinyBuilder(),
    "disk": DiskBuilder(),
    "windows": WindowsBuilder(),
    "stand-in": StandInBuilder(),
}
