"""What a cell's process needs from its first to its last moment, imported before it is forked.

Refuses to open, connect or start anything: whatever is done here is done in no cell's name.
"""

from __future__ import annotations

MODULES: tuple[str, ...] = (
    "lab.running.cell",
    "lab.running.attempt",
    "lab.running.update",
    "lab.running.templating",
    "lab.pytest_plugin",
    "lab.detect.screens.judge",
    "lab.detect.screens.qr",
    "lab.detect.screens.reading",
    "PIL.ImageOps",
    "tesserocr",
    "numpy",
)
"""Found by comparing `sys.modules` at the end of a cell with what it was forked with."""


def fill_caches() -> None:
    """Readers and writers of the values that every cell has on disk, of pictures and of serial text."""
    import PIL.Image

    from lab import codec
    from lab.detect.detectors import Detectors
    from lab.machine.leases import Lease
    from lab.model import DetectSettings
    from lab.running.order import CellOrder
    from lab.running.templating import TemplateOrder

    Detectors(DetectSettings())  # the tables of the words that it looks for are made once
    PIL.Image.preinit()
    codec.prepare(CellOrder, TemplateOrder, Lease)
