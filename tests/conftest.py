"""What every kind of test shares."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

settings.register_profile("any-host", deadline=None)  # a busy host is no failure of an example
settings.load_profile("any-host")

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """A command sets logging up for its own stderr, which ends with the test that captured it."""
    yield
    structlog.reset_defaults()
