"""How evidence gets into a recording: each try becomes a `Capture`, also the one that failed.

Refuses to take any evidence itself.
"""

from __future__ import annotations

from collections.abc import Callable
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
        watch = Stopwatch()
        try:
            capture = act()
        except (LabError, OSError, TimeoutError) as error:
            capture = self.note(what, ok=False, watch=watch, detail=str(error)[:300])
        self._record(capture)
        return capture.ok

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
        watch: Stopwatch | None = None,
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
            duration_s=round(watch.t_s, 3) if watch else 0.0,
            detail=detail,
        )

    def file(self, what: str, path: Path, watch: Stopwatch, detail: str = "") -> Capture:
        """A file of the recording; `watch` says what it cost, without the digest made here."""
        duration_s = round(watch.t_s, 3)
        return Capture(
            t_s=self._clock.t_s,
            what=what,
            ok=True,
            path=path.name,
            bytes=path.stat().st_size,
            sha256=of_file(path),
            duration_s=duration_s,
            detail=detail,
        )
