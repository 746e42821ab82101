"""The loop for writing scenarios: `pytest scenarios/ --lab lab.yaml -n 2`.

Plans once per process, builds nothing by itself beyond what the cells at hand need, and records
under `reports/pytest-…` like any run.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from lab import workflow
from lab.images.built import BuiltImage
from lab.running.order import CellOrder
from lab.running.session import order
from lab.setting import Request, Setting


def orders(file: Path, select: tuple[str, ...], function: str) -> list[CellOrder]:
    """The order of every planned cell whose scenario is the test function `function`.

    :raise NothingSelected: `select` matches no cell.
    """
    setting = _setting(file, select)
    assert setting.plan is not None
    run = run_id()
    return [
        order(
            setting, run, setting.lab.reports / run / "cells" / cell.id / "a1", cell, _image(file, cell.image)
        )
        for cell in setting.plan.cells
        if setting.scenarios[cell.scenario].function == function
    ]


def run_id() -> str:
    """The same for all xdist workers of one pytest run."""
    return f"pytest-{os.environ.get('PYTEST_XDIST_TESTRUNUID', str(os.getpid()))[:12]}"


@lru_cache(maxsize=4)
def _setting(file: Path, select: tuple[str, ...]) -> Setting:
    return workflow.plan(Request(config=file, select=select))


@lru_cache(maxsize=64)
def _image(file: Path, name: str) -> BuiltImage:
    """Build lock and cache make this safe for several workers at once."""
    setting = Setting.read(Request(config=file))
    return setting.store.build(setting.recipes[name], progress=lambda _line: None)
