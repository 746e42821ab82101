"""What tests on real guests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from temporary_lab import TemporaryLab, temporary_lab, tiny

from lab.images.built import BuiltImage


@pytest.fixture(scope="module")
def lab() -> Iterator[TemporaryLab]:
    """One for the module: libvirt's embedded driver has one root per process."""
    with temporary_lab() as own:
        yield own


@pytest.fixture(scope="module")
def image() -> BuiltImage:
    """The tiny image."""
    return tiny()
