"""`lab selftest --windows IMAGE`: everything that docs/windows.md says of a Windows guest, tried on one.

`checks*` are the list, in order; `bench` is the recorded guest that they work on; `runner` runs them and
sums up. On the lab's stand-in every check is exercised too, and title and verdict say STAND-IN: it proves
the checks, and nothing about Windows.
"""

from __future__ import annotations

from lab.selftest.windows.checks import Check, Outcome
from lab.selftest.windows.runner import CHECKS, Result, Tried, run

__all__ = ["CHECKS", "Check", "Outcome", "Result", "Tried", "run"]
