"""Drivers, stops and boots of the STAND-IN, as its disk tells them."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from stand_in_peers import StandIn

from lab.detect.dumps import read_dump
from lab.detect.windows import eventlog
from lab.guest.windows.dialect import WINDOWS
from lab.images.stand_in.guest.hardware import picture
from lab.selftest.standin import windows_frames

GOOD = b'#!STAND-IN driver\ndef load(kernel, state):\n    return {"altitude": "1.5"}\n'
PAST_THE_END = b"#!STAND-IN driver\ndef load(kernel, state):\n    return [0][1]\n"
CREATE = ["sc.exe", "create", "x", "type=", "kernel", "start=", "boot", "binPath=", "C:\\x.sys"]
AGENT = Path(__file__).parents[4] / "agents/standin-sensor"


def install(guest: StandIn, driver: bytes) -> None:
    guest.put("C:\\x.sys", driver)
    assert guest.run(CREATE)[0] == 0


def test_a_driver_is_loaded_listed_and_unloaded(guest: StandIn) -> None:
    install(guest, GOOD)
    assert guest.run(["sc.exe", "start", "x"])[0] == 0
    assert b"4  RUNNING" in guest.run(["sc.exe", "query", "x"])[1]
    assert b"1.5" in guest.run(["fltmc.exe", "filters"])[1]
    assert guest.run(["sc.exe", "start", "x"])[0] == 1056
    assert guest.run(["sc.exe", "stop", "x"])[0] == 0
    assert guest.run(["sc.exe", "stop", "x"])[0] == 1062


def test_a_read_past_the_end_is_a_page_fault_with_screen_dump_panic_and_reset_in_this_order(
    guest: StandIn,
) -> None:
    install(guest, PAST_THE_END)
    with pytest.raises(IndexError):
        guest.kernel.load("x")
    kinds = [act.partition(" ")[0] for act in guest.told.acts[-7:]]
    assert kinds == ["freeze", "show", "say", "show", "panicked", "wait", "reset"]
    assert "show stop-50" in guest.told.acts
    assert any('"0x50"' in act and "What failed: x.sys" in act for act in guest.told.acts)
    found = read_dump((guest.root / "q/dedicated.dmp").read_bytes())
    assert (found.code, found.missing) == (0x50, 0)
    assert "STAND-IN" in found.comment


def test_it_stops_at_every_boot_until_the_file_is_gone_and_then_says_why(guest: StandIn) -> None:
    install(guest, PAST_THE_END)
    for _boot in range(2):
        with pytest.raises(IndexError):
            guest.boot()
        assert "reset" in guest.told.acts
    (guest.root / "c/x.sys").rename(guest.root / "c/x.bad")
    guest.boot()
    assert "reset" not in guest.told.acts
    command = WINDOWS.crash_log(100.0)
    assert command is not None
    log = eventlog.read(guest.run(command)[1])
    assert {one.code for one in eventlog.crashes(log, 1000.0)} == {0x50}
    assert 7000 in {one.id for one in log.events}


def test_safe_mode_loads_no_driver_and_ends_when_it_is_told_to(guest: StandIn) -> None:
    install(guest, PAST_THE_END)
    assert guest.run(["bcdedit.exe", "/set", "{current}", "safeboot", "minimal"])[0] == 0
    guest.boot()
    option = ["reg.exe", "query", "HKLM\\SYSTEM\\CurrentControlSet\\Control\\SafeBoot\\Option", "/v"]
    assert b"0x1" in guest.run([*option, "OptionValue"])[1]
    assert guest.run(["bcdedit.exe", "/deletevalue", "{current}", "safeboot"])[0] == 0
    (guest.root / "c/x.sys").unlink()
    guest.boot()
    assert guest.run([*option, "OptionValue"])[0] == 1


def test_boots_are_counted_and_an_orderly_end_is_no_event(guest: StandIn) -> None:
    first = guest.kernel.booted["number"]
    guest.kernel.end(restart=True)
    guest.boot()
    assert guest.kernel.booted["number"] == first + 1
    assert guest.kernel.events() == []


def test_the_pictures_are_those_that_would_be_painted_now() -> None:
    painted = windows_frames.painted()
    kept = {path.name: path.read_bytes() for path in windows_frames.WHERE.glob("*.z")}
    assert {name: zlib.decompress(data) for name, data in kept.items()} == {
        name: zlib.decompress(data) for name, data in painted.items()
    }
    wide, high, pixels = picture(kept["stop-50.z"])
    assert (wide, high, len(pixels)) == (1024, 768, 1024 * 768 * 4)


class TestTheStandInSensor:
    """agents/standin-sensor on it, without its agent.yaml's way there."""

    @pytest.fixture
    def sensor(self, guest: StandIn) -> StandIn:
        here = "C:\\ProgramData\\standin-sensor"
        for path in (AGENT / "content").iterdir():
            guest.put(f"{here}\\content\\{path.name}", path.read_bytes())
        for path in (AGENT / "guest").iterdir():
            folder = f"{here}\\builds" if path.suffix == ".sys" else here
            guest.put(f"{folder}\\{path.name}", path.read_bytes())
        return guest

    def ctl(self, guest: StandIn, *words: str) -> tuple[int, str]:
        code, out, err = guest.run(["C:\\ProgramData\\standin-sensor\\standctl.exe", *words])
        return code, (out + err).decode()

    def test_good_contents_are_in_force_and_the_probe_is_counted(self, sensor: StandIn) -> None:
        assert self.ctl(sensor, "install", "1.0", "289")[0] == 0
        assert self.ctl(sensor, "update-content", "290")[0] == 0
        sensor.run(["C:\\ProgramData\\standin-sensor\\standprobe.exe"])
        told = self.ctl(sensor, "status")[1]
        assert "build=1.0\r\ncontent=290\r\nmatches=1" in told

    def test_content_291_stops_build_1_0_and_is_refused_by_1_1(self, sensor: StandIn) -> None:
        self.ctl(sensor, "install", "1.0", "289")
        assert self.ctl(sensor, "update-build", "1.1")[0] == 0
        code, told = self.ctl(sensor, "update-content", "291")
        assert code == 3
        assert "refused=content 291 wants 21 inputs" in told
        assert self.ctl(sensor, "rollback", "1.0", "289")[0] == 0
        with pytest.raises(IndexError):
            self.ctl(sensor, "update-content", "291")
        assert "reset" in sensor.told.acts

    def test_nothing_is_left_of_it(self, sensor: StandIn) -> None:
        self.ctl(sensor, "install", "1.0", "289")
        assert self.ctl(sensor, "uninstall")[0] == 0
        assert not (sensor.root / "c/ProgramData/standin-sensor").exists()
        assert sensor.kernel.config["services"] == {}
