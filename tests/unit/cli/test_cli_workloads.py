"""`lab workloads`."""

from __future__ import annotations

import json

import pytest

from lab.cli import invoke


def test_every_workload_is_listed_with_what_the_guest_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["workloads"]) == 0
    shown = capsys.readouterr().out
    assert "files-open" in shown
    assert "stress-ng" in shown
    assert "await a real host" in shown


def test_json_says_which_ways_have_never_run_in_a_guest(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["workloads", "--json"]) == 0
    told = {one["name"]: one["families"] for one in json.loads(capsys.readouterr().out)}
    assert all(way["proven"] for way in told["files-large"]["linux"])
    assert not any(way["proven"] for way in told["files-large"]["windows"])
    assert not any(way["proven"] for way in told["pauses"]["windows"])
