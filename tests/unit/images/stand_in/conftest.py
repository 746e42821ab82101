"""A stand-in for each test."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from stand_in_peers import StandIn


@pytest.fixture
def guest(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path)
