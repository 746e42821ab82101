"""What every fault can do, and how one says that it could not."""

from __future__ import annotations

from typing import Protocol

from lab.errors import InfraError


class FaultError(InfraError):
    """A fault could not be put on a guest, or not be taken away: the lab's failure, not the guest's."""


class Fault(Protocol):
    """One injection. Methods may raise LabError; `undo` must also do for an injection that got half way."""

    in_guest: bool
    """Whether undoing it needs a guest that answers."""

    def inject(self) -> None:
        """Put it on the guest."""
        ...

    def prove(self) -> str:
        """What shows its effect, in words and figures; "" while nothing does. May provoke the effect."""
        ...

    def undo(self) -> str:
        """Take it away; what shows that it is gone."""
        ...
