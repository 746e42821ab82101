"""A host whose detectors failed gets no cells; one that was never tried is warned about and used."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporary_lab import ROOT

from lab.errors import ExitCode, HostError
from lab.machine.host import HostReport
from lab.places import Places
from lab.selftest import gate, results
from lab.selftest.results import CanaryResult, Proven, detectors_digest
from lab.setting import Request, Setting

HERE = HostReport(name="here", uri="embed", qemu="7.2.22", cpus=2)
THERE = HostReport(name="there", uri="qemu+ssh://there/system", qemu="7.2.22", cpus=2)


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    read = Setting.read(Request(config=ROOT / "lab.yaml"))
    places = Places(cache=tmp_path / "cache", state=tmp_path / "state", runtime=tmp_path / "run")
    return replace(read, lab=replace(read.lab, places=places), hosts=(HERE, THERE))


def tried(setting: Setting, host: str, *, ok: bool, detectors: str = "") -> None:
    problem = "" if ok else "not seen by screen"
    results.store(
        setting.lab.places,
        Proven(
            host=host, when="2026-01-01T00:00:00Z", lab="0.1", qemu="7.2.22",
            detectors=detectors or detectors_digest(),
            canaries=(CanaryResult(name="panic", ok=ok, problem=problem),),
        ),
    )  # fmt: skip


def test_a_host_that_was_never_tried_is_warned_about_and_used(setting: Setting) -> None:
    kept = gate.keep_proven(setting)
    assert [host.name for host in kept.usable_hosts()] == ["here", "there"]
    assert kept.hosts[0].problems[0].what == "detectors not proven on this host"
    assert kept.hosts[0].problems[0].mend == "lab selftest"


def test_a_host_that_failed_gets_no_cells_and_says_why(setting: Setting) -> None:
    tried(setting, "here", ok=False)
    tried(setting, "there", ok=True)
    kept = gate.keep_proven(setting)
    assert [facts.name for facts in kept.host_facts()] == ["there"]
    problem = kept.hosts[0].problems[0]
    assert "panic (not seen by screen)" in problem.what
    assert problem.mend.startswith("lab selftest --host here")
    assert kept.hosts[1].problems == ()


def test_when_no_host_is_left_the_run_ends_with_the_remedy(setting: Setting) -> None:
    for host in ("here", "there"):
        tried(setting, host, ok=False)
    with pytest.raises(HostError, match="detectors failed the self-test") as error:
        gate.keep_proven(setting).usable_hosts()
    assert error.value.exit_code is ExitCode.LAB_FAULT
    assert "lab selftest --host here" in (error.value.hint or "")


def test_a_failure_of_other_detectors_than_todays_only_warns(setting: Setting) -> None:
    tried(setting, "here", ok=False, detectors="those of last week")
    here = gate.keep_proven(setting).hosts[0]
    assert here.usable
    assert "by another lab" in here.problems[0].what


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-01-01T00:00:20Z", "just now"),
        ("2026-01-01T00:05:00Z", "5 min ago"),
        ("2026-01-01T03:10:00Z", "3 h ago"),
        ("2026-01-09T00:00:00Z", "8 d ago"),
    ],
)
def test_how_long_ago(now: str, said: str) -> None:
    assert gate.ago("2026-01-01T00:00:00Z", datetime.fromisoformat(now).astimezone(UTC)) == said
