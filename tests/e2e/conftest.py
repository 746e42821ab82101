"""Labs for whole runs of the command line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from temporary_lab import TemporaryLab, temporary_lab, tiny

from lab.images.built import BuiltImage


@pytest.fixture(scope="session")
def tiny_image() -> BuiltImage:
    """The tiny image; built once per machine."""
    return tiny()


@pytest.fixture
def lab() -> Iterator[TemporaryLab]:
    """A lab of this test alone."""
    with temporary_lab() as own:
        yield own


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[TemporaryLab]:
    """A lab of this module."""
    with temporary_lab() as own:
        yield own
