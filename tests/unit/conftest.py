"""Unit tests are pure: no guest, no network, no libvirt. A test that needs one is in the wrong folder."""

from __future__ import annotations

import socket

import pytest


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection from a unit test is a mistake; say so instead of connecting."""

    def refuse(*_args: object) -> None:
        pytest.fail("unit tests open no connections; this one belongs into tests/contract")

    monkeypatch.setattr(socket.socket, "connect", refuse)
