"""Both arms by numbers: failure rates, figures and slopes to REGRESSION, NO_WORSE or NOT_ENOUGH. Pure.

The names here cost nothing to import: numpy and scipy come with the first call.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lab.model import Compared, Comparison, Decision, TestPlan
from lab.verdict.compare.correction import corrected
from lab.verdict.compare.deciding import decided
from lab.verdict.compare.series import Series

if TYPE_CHECKING:
    from lab.verdict.compare.growth import slopes
    from lab.verdict.compare.rates import crash_rates
    from lab.verdict.compare.shifts import figures

__all__ = [
    "Compared",
    "Comparison",
    "Decision",
    "Series",
    "TestPlan",
    "corrected",
    "crash_rates",
    "decided",
    "figures",
    "slopes",
]
_LAZY = {"crash_rates": "rates", "figures": "shifts", "slopes": "growth"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
