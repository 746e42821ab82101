"""How many guests of a run were dumped already: one file per dump in the run's directory.

Files made exclusively, so that cells on several hosts agree without talking to each other. Refuses to
know what a dump is.
"""

from __future__ import annotations

from pathlib import Path

DIRECTORY = "dumps"


class DumpSlots:
    """The slots of the run that a recording belongs to.

    :param run: directory of the run; None for a recording of no run, which always gets a slot.
    """

    def __init__(self, run: Path | None, most: int) -> None:
        self._run = run
        self._most = most
        self._held: Path | None = None

    def claim(self, who: str) -> bool:
        """Take a slot; False when all are taken."""
        if self._run is None or self._held is not None:
            return True
        directory = self._run / DIRECTORY
        directory.mkdir(exist_ok=True)
        for number in range(1, self._most + 1):
            try:
                with (directory / str(number)).open("x", encoding="utf-8") as slot:
                    slot.write(f"{who}\n")
            except FileExistsError:
                continue
            self._held = directory / str(number)
            return True
        return False

    def release(self) -> None:
        """Give it back: there is no dump after all."""
        if self._held is not None:
            self._held.unlink(missing_ok=True)
            self._held = None


def run_of(recording: Path) -> Path | None:
    """The run's directory of `.../RUN/cells/CELL/a1`; None for a recording elsewhere."""
    cells = recording.parents[1]
    return cells.parent if cells.name == "cells" else None
