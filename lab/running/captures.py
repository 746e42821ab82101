"""How evidence gets into a recording: each try becomes a `Capture`, also the one that failed.

Refuses to take any evidence itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lab.clock import Stopwatch
from lab.errors import LabError
from lab.images.digest import of_file
from lab.model import Capture, Observation


class Captures:
    """The captures of one attempt.

    :param directory: of the recording.
    """

    def __init__(self, directory: Path, record: Callable[[Observation], None], clock: Stopwatch) -> None:
        self.directory = directory
        self._record = record
        self._clock = clock

    def attempt(self, what: str, act: Callable[[], Capture]) -> bool:
        """Run `act` and record what it returns, or why it could not be done; whether it was."""
        capture = self.tried(what, act)
        self._record(capture)
        return capture.ok

    def tried(self, what: str, act: Callable[[], Capture]) -> Capture:
        """The same without recording it yet."""
        watch = Stopwatch()
        try:
            return act()
        except (LabError, OSError, TimeoutError) as error:
            return self.note(what, ok=False, took_s=watch.t_s, detail=str(error)[:300])

    def record(self, *captures: Capture) -> None:
        """What `tried` returned, in this order."""
        for capture in captures:
            self._record(replace(capture, t_s=self._clock.t_s))

    def announce(self, what: str, detail: str) -> None:
        """Before something is done that the guest will answer to: what follows is the lab's doing."""
        self._record(self.note(what, ok=True, detail=f"{detail}; what follows is the lab's doing"))

    def leave_out(self, what: str, why: str) -> None:
        """Evidence that is wanted and not taken."""
        self._record(self.note(what, ok=False, detail=f"not taken: {why}"))

    def note(
        self,
        what: str,
        *,
        ok: bool,
        took_s: float = 0.0,
        path: str = "",
        size: int = 0,
        detail: str = "",
    ) -> Capture:
        """A capture that is no file of its own, or failed."""
        return Capture(
            t_s=self._clock.t_s,
            what=what,
            ok=ok,
            path=path,
            bytes=size,
            duration_s=round(took_s, 3),
            detail=detail,
        )

    def file(self, what: str, path: Path, took_s: float, detail: str = "") -> Capture:
        """A file of the recording."""
        return Capture(
            t_s=self._clock.t_s,
            what=what,
            ok=True,
            path=path.name,
            bytes=path.stat().st_size,
            sha256=of_file(path),
            duration_s=round(took_s, 3),
            detail=detail,
        )
