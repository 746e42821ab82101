"""Why an accelerator was chosen: the words, and the choice from what the trials said."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import HostError, MachineError
from lab.machine import embedded, probe
from lab.machine.probe import REFERENCE_S, Acceleration, Trial
from lab.places import Places

MSR = "qemu-system-x86_64: error: failed to set MSR 0x10a to 0x69"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(cache=tmp_path / "cache", state=tmp_path / "state", runtime=tmp_path / "run")


def trial(accelerator: str, *, works: bool, seconds: float = 4.0, reason: str = "because") -> Trial:
    return Trial(accelerator=accelerator, works=works, seconds=seconds, reason=reason)


def decided(monkeypatch: pytest.MonkeyPatch, places: Places, **by_name: Trial) -> Acceleration:
    tried: list[str] = []

    def attempt(_uri: str, _places: Places, accelerator: str, deadline_s: float) -> Trial:
        assert deadline_s > 0
        tried.append(accelerator)
        return by_name[accelerator]

    monkeypatch.setattr(probe, "attempt", attempt)
    found = probe.decide("embed", places)
    assert [one.accelerator for one in found.trials] == tried
    return found


def test_kvm_that_runs_a_guest_is_taken_and_nothing_else_tried(
    monkeypatch: pytest.MonkeyPatch, places: Places
) -> None:
    found = decided(monkeypatch, places, kvm=trial("kvm", works=True, seconds=1.0))
    assert (found.accelerator, found.factor, len(found.trials)) == ("kvm", 0.5, 1)


def test_kvm_that_cannot_run_a_guest_gives_way_to_emulation_with_both_reasons(
    monkeypatch: pytest.MonkeyPatch, places: Places
) -> None:
    found = decided(
        monkeypatch, places,
        kvm=trial("kvm", works=False, reason="failed to set MSR"),
        tcg=trial("tcg", works=True, seconds=2 * REFERENCE_S, reason="booted firmware in 8.0 s"),
    )  # fmt: skip
    assert (found.accelerator, found.factor) == ("tcg", 2.0)
    assert found.reason == "kvm: failed to set MSR; tcg: booted firmware in 8.0 s"


def test_a_host_on_which_nothing_boots_has_no_accelerator(
    monkeypatch: pytest.MonkeyPatch, places: Places
) -> None:
    found = decided(
        monkeypatch, places, kvm=trial("kvm", works=False), tcg=trial("tcg", works=False)
    )  # fmt: skip
    assert found.accelerator == "none"


@pytest.mark.parametrize(("seconds", "factor"), [(0.1, 0.5), (6.0, 1.5), (4000.0, 10.0)])
def test_the_speed_factor_stays_within_bounds(
    monkeypatch: pytest.MonkeyPatch, places: Places, seconds: float, factor: float
) -> None:
    found = decided(monkeypatch, places, kvm=trial("kvm", works=True, seconds=seconds))
    assert found.factor == factor


def test_the_cause_is_qemus_own_error_line(places: Places) -> None:
    text = f"domain could not be created: internal error: QEMU unexpectedly closed\n{MSR}"
    assert probe._cause(MachineError(text), "qemu:///system", "p", places) == "QEMU unexpectedly closed"
    assert probe._cause(MachineError(MSR), "qemu:///system", "p", places) == "failed to set MSR 0x10a to 0x69"


def test_qemus_log_is_better_than_libvirts_words(
    places: Places, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(embedded, "process_root", lambda _places: tmp_path)
    log = embedded.qemu_log(tmp_path, "p")
    log.parent.mkdir(parents=True)
    log.write_text(f"2026-01-01: starting up\n{MSR}\n")
    words = probe._cause(MachineError("internal error: process exited"), "embed", "p", places)
    assert words == "failed to set MSR 0x10a to 0x69"


def test_a_cause_without_an_error_line_is_the_first_line(places: Places) -> None:
    assert probe._cause(MachineError("no room\nmore"), "qemu:///system", "p", places) == "no room"
    assert probe._cause(MachineError(""), "qemu:///system", "p", places) == "unknown"


def test_what_was_measured_is_remembered_until_it_is_asked_afresh(
    monkeypatch: pytest.MonkeyPatch, places: Places
) -> None:
    measured: list[str] = []

    def decide(uri: str, _places: Places) -> Acceleration:
        measured.append(uri)
        return Acceleration(
            accelerator="tcg", factor=float(len(measured)), trials=(), measured="2026-01-01T00:00:00Z"
        )

    monkeypatch.setattr(probe, "decide", decide)
    monkeypatch.setattr(probe, "_qemu_stamp", lambda: "1:2")
    assert probe.remembered("embed", places).factor == 1.0
    assert probe.remembered("embed", places).factor == 1.0
    assert probe.remembered("qemu:///system", places).factor == 2.0
    assert probe.remembered("embed", places, fresh=True).factor == 3.0
    monkeypatch.setattr(probe, "_qemu_stamp", lambda: "another QEMU")
    assert probe.remembered("embed", places).factor == 4.0


def test_no_qemu_names_the_package(monkeypatch: pytest.MonkeyPatch, places: Places) -> None:
    real = Path.stat

    def stat(path: Path, **options: bool) -> object:
        if path.name == "qemu-system-x86_64":
            raise FileNotFoundError(path)
        return real(path, **options)

    monkeypatch.setattr(Path, "stat", stat)
    with pytest.raises(HostError, match="QEMU is not installed") as caught:
        probe.remembered("embed", places)
    assert caught.value.hint == "apt-get install qemu-system-x86"
