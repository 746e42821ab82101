"""What a frame shows: stop screens, panics, recovery, boot trouble, and everything that is none of them.

Owns the classification of one picture. Refuses to judge a sequence of pictures or a machine.
"""

from __future__ import annotations

from lab.detect.screens.classify import classify, suspicious
from lab.detect.screens.picture import DamagedPicture
from lab.detect.screens.qr import kernel_log, read_qr
from lab.detect.screens.reading import Unreadable

__all__ = ["DamagedPicture", "Unreadable", "classify", "kernel_log", "read_qr", "suspicious"]
