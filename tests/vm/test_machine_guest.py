"""A real machine from nothing to destroyed: what is around a guest, seen from both sides."""

from __future__ import annotations

import contextlib
import io
import socket
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from temporary_lab import TemporaryLab

from lab.clock import Stopwatch
from lab.errors import MachineError
from lab.guest.agent_channel import AgentChannel
from lab.guest.guest import Guest
from lab.guest.ssh_channel import SshChannel
from lab.images import keys
from lab.images.built import BuiltImage
from lab.machine.leases import qemu_process
from lab.machine.machine import Machine, Order
from lab.machine.peek import vnc_screenshot
from lab.machine.xml import owner_of
from lab.model import Observation, Profile, Timeouts
from lab.waiting import wait_for

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]

SLOW = Timeouts().scaled(4.0)
"""For a machine that is shared with other work."""


def machine_in(lab: TemporaryLab, image: BuiltImage, name: str, **profile: Any) -> Machine:
    recording = lab.root / "reports" / name
    recording.mkdir(parents=True)
    order = Order(
        image=image,
        profile=Profile(name="small", memory_mib=256, **profile),
        uri="embed",
        accelerator="tcg",
        run="r",
        cell=name,
        attempt=1,
        recording=recording,
        lifetime_s=600.0,
    )
    return Machine(order, lab.places)


def test_a_machine_from_nothing_to_destroyed(lab: TemporaryLab, image: BuiltImage) -> None:
    disk = image.disk.stat()
    events: list[str] = []
    machine = machine_in(lab, image, "whole")
    machine.create(lambda name, _details: events.append(name))
    try:
        _nothing_runs_before_it_is_resumed(machine)
        machine.resume()
        _both_channels_answer_and_the_network_is_closed(lab, machine, image)
        _the_screen_is_seen_by_us_and_by_another_process(machine)
        machine.reset()
        wait_for(lambda: "reset" in events, what="the reset", timeout_s=20)
    finally:
        machine.close()
    machine.close()
    assert qemu_process(machine.lease) is None
    assert not list((lab.places.state / "machines").glob("*"))
    assert not list((lab.places.runtime / "m").glob("*"))
    after = image.disk.stat()
    assert (after.st_mtime_ns, after.st_size) == (disk.st_mtime_ns, disk.st_size), (
        "images are never written to"
    )
    with pytest.raises(MachineError, match="is closed"):
        machine.resume()


def _nothing_runs_before_it_is_resumed(machine: Machine) -> None:
    """Sensors can be attached before the first instruction."""
    assert machine.domain.state() == "paused"
    assert machine.serial_log.read_bytes() == b""
    owner = owner_of(machine.domain.xml())
    assert owner is not None
    assert (owner.run, owner.cell, owner.attempt, owner.lab) == ("r", "whole", 1, str(machine.places.state))
    assert owner.deadline == machine.lease.deadline
    assert [lease.machine for lease in machine.book.all()] == [machine.name]


def _both_channels_answer_and_the_network_is_closed(
    lab: TemporaryLab, machine: Machine, image: BuiltImage
) -> None:
    seen: list[Observation] = []
    guest = Guest([AgentChannel(machine.agent_command())], seen.append, Stopwatch(), SLOW)
    guest.wait_ready()
    key = keys.ensure(lab.places).private
    ssh = SshChannel("127.0.0.1", machine.ssh_port(), image.user, key, image.host_key, SLOW.command_s)
    wait_for(lambda: _pings(ssh), what="SSH", timeout_s=SLOW.boot_s, ignore=(Exception,))
    assert ssh.run("cat /proc/sys/kernel/random/boot_id", timeout_s=60).text == guest.boot_id()
    ssh.close()
    assert not _reaches_the_host(guest), "an isolated guest reaches nothing, not even the host"


def _reaches_the_host(guest: Guest) -> bool:
    """Whether a listener on the host's loopback is reached at 10.0.2.2, QEMU's name for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        port = listener.getsockname()[1]
        # the guest agent answers before the guest has its address
        leased = "until ip -4 addr show eth0 | grep -q 'inet 10.0.2.'; do sleep 0.2; done; echo leased"
        assert guest.run(leased, timeout_s=60).text == "leased"
        guest.run(f"busybox timeout 5 nc 10.0.2.2 {port}")
        with contextlib.suppress(TimeoutError):
            listener.accept()[0].close()
            return True
    return False


def _pings(channel: SshChannel) -> bool:
    channel.ping(20.0)
    return True


def _the_screen_is_seen_by_us_and_by_another_process(machine: Machine) -> None:
    with Image.open(io.BytesIO(machine.screenshot())) as ours:
        size = ours.size
    with Image.open(io.BytesIO(vnc_screenshot(machine.run_dir / "vnc.sock"))) as theirs:
        assert (theirs.format, theirs.size) == ("PNG", size)


def test_a_machine_may_be_let_out_by_its_profile(lab: TemporaryLab, image: BuiltImage) -> None:
    machine = machine_in(lab, image, "outbound", network="outbound")
    machine.create()
    try:
        machine.resume()
        guest = Guest([AgentChannel(machine.agent_command())], lambda _seen: None, Stopwatch(), SLOW)
        guest.wait_ready()
        wait_for(lambda: _reaches_the_host(guest), what="the host", timeout_s=60)
    finally:
        machine.close()


def test_a_machine_without_a_network_forwards_no_port(lab: TemporaryLab, image: BuiltImage) -> None:
    machine = machine_in(lab, image, "alone", network="none")
    machine.create()
    try:
        with pytest.raises(MachineError, match="forwards no port to 22"):
            machine.ssh_port()
    finally:
        machine.close()


def test_a_machine_that_cannot_be_made_leaves_nothing(
    lab: TemporaryLab, image: BuiltImage, tmp_path: Path
) -> None:
    from dataclasses import replace

    machine = machine_in(lab, replace(image, disk=tmp_path / "absent.qcow2"), "absent")
    with pytest.raises(MachineError, match=r"absent\.qcow2"):
        machine.create()
    assert not list((lab.places.state / "machines").glob("*"))


def test_a_screen_that_nobody_serves_is_an_error_of_the_machine(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="cannot be read"):
        vnc_screenshot(tmp_path / "vnc.sock")
