"""Images of the catalogue, booted under plain QEMU: what every one of them promises to the lab."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from plain_qemu import AgentSocket
from temporary_lab import ROOT, user_places

from lab.errors import ChannelError
from lab.guest.agent_channel import AgentChannel
from lab.images import catalogue
from lab.images.built import BuiltImage
from lab.images.recipe import Recipe
from lab.images.store import ImageStore
from lab.model import Firmware
from lab.waiting import wait_for

pytestmark = pytest.mark.vm

RECIPES = catalogue.load(ROOT / "images")
OVMF = (Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd"))
ALWAYS_BUILT = ("tiny", "debian-12")
"""Built by this test when they are not there; the others are booted where a run has built them."""
PATIENCE_S = 180.0
"""Ten times what the slowest image takes alone: test machines are shared."""
NOISE = (" Oops: ", "WARNING: CPU:", "BUG: ", "Call Trace", "[FAILED]", "[DEPEND]", "Kernel panic")


def image(name: str) -> BuiltImage:
    store = ImageStore(user_places())
    recipe: Recipe = RECIPES[name]
    if name not in ALWAYS_BUILT and not store.info(recipe).built:
        pytest.skip(f"image {name!r} is not built; `lab image build {name}` builds it")
    if recipe.firmware is Firmware.UEFI and not OVMF[0].is_file():
        pytest.skip("no OVMF on this host; `apt-get install ovmf`")
    return store.build(recipe)


class Guest:
    """A guest with the devices that the lab's own domains have, and what QEMU says of it."""

    def __init__(self, built: BuiltImage, directory: Path) -> None:
        self.serial, agent, qmp = directory / "serial", directory / "agent", directory / "qmp"
        overlay = directory / "disk.qcow2"
        create = [
            "qemu-img",
            "create",
            "-q",
            "-f",
            "qcow2",
            "-F",
            "qcow2",
            "-b",
            str(built.disk),
            str(overlay),
        ]
        subprocess.run(create, check=True, timeout=60)
        self.port = _free_port()
        self.events: list[dict[str, Any]] = []
        command = [
            "qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-cpu", "Nehalem", "-m", "512",
            "-display", "none", "-nodefaults", "-vga", "std", "-serial", f"file:{self.serial}",
            "-action", "panic=none", "-watchdog-action", "none",
            "-chardev", f"socket,path={qmp},server=on,wait=off,id=qmp", "-mon", "qmp,mode=control",
            "-device", "virtio-serial", "-chardev", f"socket,path={agent},server=on,wait=off,id=agent",
            "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
            "-device", "pvpanic", "-device", "i6300esb", "-device", "virtio-rng-pci",
            "-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22",
            "-device", "virtio-net-pci,netdev=net,romfile=",
            "-drive", f"file={overlay},if=none,id=disk,format=qcow2", "-device", "virtio-blk-pci,drive=disk",
        ]  # fmt: skip
        if built.kernel:
            command += ["-kernel", str(built.kernel), "-initrd", str(built.initrd), "-append", built.cmdline]
        else:
            variables = shutil.copy(OVMF[1], directory / "vars.fd")
            command += ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF[0]}"]
            command += ["-drive", f"if=pflash,format=raw,file={variables}"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        self._listen(qmp)
        self.channel = AgentChannel(AgentSocket(agent))

    def _listen(self, path: Path) -> None:
        wait_for(path.exists, what="QEMU's monitor", timeout_s=30)
        line = socket.socket(socket.AF_UNIX)
        line.connect(str(path))
        replies = line.makefile("rw")
        replies.readline()
        replies.write('{"execute": "qmp_capabilities"}\n')
        replies.flush()

        def read() -> None:
            with contextlib.suppress(OSError, ValueError), line:
                for text in replies:
                    message = json.loads(text)
                    if "event" in message:
                        self.events.append(message)

        threading.Thread(target=read, daemon=True).start()

    def await_event(self, name: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            return next((event for event in self.events if event["event"] == name), None)

        return wait_for(look, what=f"the event {name} ({self.console()[-800:]})", timeout_s=PATIENCE_S)

    def await_agent(self) -> None:
        try:
            wait_for(
                lambda: self.channel.ping(3.0) is None,
                what="an answer of the guest agent",
                timeout_s=PATIENCE_S,
                ignore=(ChannelError,),
            )
        except TimeoutError as error:
            pytest.fail(f"{error}\n{self.console()[-3000:]}")

    def say(self, command: str) -> str:
        """What a command prints; it must succeed."""
        done = self.channel.run(command, timeout_s=PATIENCE_S)
        assert done.exit_code == 0, (command, done.text, done.error_text)
        return done.text

    def console(self) -> str:
        return self.serial.read_text(errors="replace") if self.serial.exists() else ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(built: BuiltImage) -> Iterator[Guest]:
    with tempfile.TemporaryDirectory(prefix="lab-i") as directory:
        guest = Guest(built, Path(directory))
        try:
            yield guest
        finally:
            guest.process.kill()
            guest.process.wait()


def banner(port: int) -> bytes:
    """The first line of the guest's sshd, or nothing yet."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as line:
        line.settimeout(5)
        return line.recv(64)
    return b""


@pytest.mark.parametrize("name", sorted(name for name in RECIPES if RECIPES[name].kind != "stand-in"))
def test_an_image_answers_logs_in_reports_its_panic_and_comes_back(name: str) -> None:
    """One boot, one panic, one more boot: everything the lab relies on, in the order it relies on it."""
    built = image(name)
    with running(built) as guest:
        guest.await_agent()
        assert guest.say("uname -r") == built.kernel_release
        boot = guest.say("cat /proc/sys/kernel/random/boot_id")
        modules = guest.say("cat /proc/modules")
        assert "i6300esb" in modules
        assert "pvpanic" in modules
        wait_for(lambda: banner(guest.port).startswith(b"SSH-2.0"), what="sshd", timeout_s=PATIENCE_S)
        if "debian" in name:
            assert guest.say("systemctl is-system-running --wait") == "running"
        healthy = guest.console()
        assert [sign for sign in NOISE if sign in healthy] == []
        assert "Linux version" in healthy

        guest.say("echo kept >/root/lab-was-here && sync")
        with contextlib.suppress(ChannelError, AssertionError):
            guest.channel.run("echo c >/proc/sysrq-trigger", timeout_s=5)
        guest.await_event("GUEST_PANICKED")
        guest.await_event("RESET")
        guest.await_agent()
        assert "Kernel panic" in guest.console()
        assert guest.say("cat /root/lab-was-here") == "kept"
        assert guest.say("cat /proc/sys/kernel/random/boot_id") != boot


def test_the_tiny_image_starts_programs_from_rc_d_and_stops_them() -> None:
    with running(image("tiny")) as guest:
        guest.await_agent()
        script = "#!/bin/sh\\necho $1 >>/root/seen\\n"
        guest.say(f"printf '{script}' >/etc/rc.d/S10probe && chmod +x /etc/rc.d/S10probe")
        guest.channel.run("reboot", timeout_s=20)
        guest.await_event("RESET")
        guest.await_agent()
        until = time.monotonic() + PATIENCE_S
        while guest.say("cat /root/seen || true") != "stop\nstart" and time.monotonic() < until:
            time.sleep(0.5)
        assert guest.say("cat /root/seen") == "stop\nstart"
        guest.channel.run("poweroff", timeout_s=20)
        guest.await_event("SHUTDOWN")


def test_a_guest_that_hangs_is_reported_by_its_watchdog() -> None:
    with running(image("tiny")) as guest:
        guest.await_agent()
        # Nobody feeds the watchdog any more; a timeout of two seconds instead of sixty makes the test short.
        guest.channel.run(
            "killall -9 watchdog; watchdog -T 2 -t 1 /dev/watchdog; sleep 1; killall -STOP watchdog",
            timeout_s=30,
        )
        assert guest.await_event("WATCHDOG")["data"]["action"] == "none"
