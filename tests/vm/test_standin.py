"""The stand-in for Windows on a real machine: screen, serial port, dump disk and resets seen from outside."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from temporary_lab import TemporaryLab, tiny

from lab.machine.machine import Machine, Order
from lab.model import Profile
from lab.selftest import standin
from lab.selftest.standin import dump_header
from lab.waiting import wait_for

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]

BOOT_S = 120.0
"""For a boot under emulation on a busy host; usual are 8 s."""
NEXT_S = 60.0


def test_what_a_stand_in_shows_says_and_writes_is_what_the_lab_sees(lab: TemporaryLab) -> None:
    one = standin.STANDINS["bugcheck-10"]
    image = standin.build(tiny(), one, lab.root / "standin", artefacts=lab.places.artefacts)
    recording = lab.root / "reports" / "standin"
    recording.mkdir(parents=True)
    order = Order(
        image=image,
        profile=Profile(name="small", memory_mib=256, network="none"),
        uri="embed",
        accelerator="tcg",
        run="r",
        cell="standin",
        attempt=1,
        recording=recording,
        lifetime_s=300.0,
        dump_disk_mib=one.dump_disk_mib,
    )
    events: list[str] = []
    machine = Machine(order, lab.places)
    machine.create(lambda name, _details: events.append(name))
    try:
        machine.resume()
        _paints_the_very_pixels(machine, one)
        _says_first_that_it_is_none(machine)
        _writes_the_header_of_a_dump(machine, one)
        wait_for(lambda: "reset" in events, what="the reset", timeout_s=NEXT_S)
        _is_well_after_its_reset(machine, one)
    finally:
        machine.close()


def _shown(machine: Machine) -> Image.Image:
    return Image.open(io.BytesIO(machine.screenshot())).convert("RGB")


def _expected(one: standin.StandIn, show: standin.Show) -> Image.Image:
    return standin.paint(show, one.size, code=one.code, module=one.module, parameters=one.parameters)


def _same(first: Image.Image, second: Image.Image) -> bool:
    return first.size == second.size and ImageChops.difference(first, second).getbbox() is None


def _paints_the_very_pixels(machine: Machine, one: standin.StandIn) -> None:
    """The desktop first, then the stop screen to its end; a screenshot differs in no pixel."""
    desktop = _expected(one, standin.Show("blue-desktop", decoy=True))
    wait_for(lambda: _same(_shown(machine), desktop), what="the desktop", timeout_s=BOOT_S, interval_s=0.2)
    whole = _expected(one, standin.Show("10-qr", progress=100))
    wait_for(lambda: _same(_shown(machine), whole), what="100% complete", timeout_s=NEXT_S, interval_s=0.2)


def _says_first_that_it_is_none(machine: Machine) -> None:
    lines = machine.serial_log.read_bytes().decode("ascii").split("\r\n")
    assert lines[0] == standin.GREETING
    assert '<PROPERTY NAME="STOPCODE" TYPE="string"><VALUE>"0x7E"</VALUE></PROPERTY><machine-info>' in lines
    assert any(line.startswith("*** STOP: 0x0000007E (0xFFFFFFFFC0000005,") for line in lines)
    assert not any("stand-in: cannot" in line for line in lines)


def _writes_the_header_of_a_dump(machine: Machine, one: standin.StandIn) -> None:
    assert machine.dump_disk is not None
    header = dump_header.header(one.code, one.parameters, dump_bytes=one.dump_disk_mib << 20)
    wait_for(lambda: _beginning(machine.dump_disk, len(header)) == header, what="the dump", timeout_s=NEXT_S)


def _beginning(path: Path | None, length: int) -> bytes:
    assert path is not None
    with path.open("rb") as disk:
        return disk.read(length)


def _is_well_after_its_reset(machine: Machine, one: standin.StandIn) -> None:
    """It counts its boots on its own disk: the second one is healthy."""
    desktop = _expected(one, standin.Show("blue-desktop", decoy=True))
    wait_for(
        lambda: _same(_shown(machine), desktop), what="the second boot", timeout_s=BOOT_S, interval_s=0.2
    )
    assert machine.serial_log.read_bytes().count(standin.GREETING.encode()) == 2
