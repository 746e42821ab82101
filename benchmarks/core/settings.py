"""What a bench is told: how thorough to be, on what, and where its room is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One command's choices; goes to the benches' processes as JSON."""

    root: str
    """The scratch directory."""
    quick: bool = False
    repeat: int = 0
    """Repetitions of everything, or 0 for each bench's own number."""
    images: tuple[str, ...] = ()
    """Only these images, or all that are built and that the bench is about."""

    def times(self, full: int, quick: int = 1) -> int:
        """How often to repeat something."""
        return self.repeat or (quick if self.quick else full)
