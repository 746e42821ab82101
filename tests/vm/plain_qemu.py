"""A guest under QEMU alone, for tests of what runs in it: no libvirt, no sensors, one overlay."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import proc
from lab.errors import ChannelError
from lab.guest.agent_channel import AgentChannel
from lab.guest.channel import GuestAgentError
from lab.images.built import BuiltImage


class AgentSocket:
    """A transport for AgentChannel: one connection and one handshake per request, so nothing goes stale."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = 0

    def __call__(self, request: dict[str, Any], timeout_s: float) -> Any:
        self._number += 1
        try:
            with socket.socket(socket.AF_UNIX) as line, line.makefile("rb") as replies:
                line.settimeout(timeout_s)
                line.connect(str(self._path))
                sync = {"execute": "guest-sync-delimited", "arguments": {"id": self._number}}
                line.sendall(b"\xff" + json.dumps(sync).encode() + b"\n")
                while self._reply(replies).get("return") != self._number:
                    pass
                line.sendall(json.dumps(request).encode() + b"\n")
                reply = self._reply(replies)
        except OSError as error:
            raise ChannelError(f"guest agent: no answer: {error}") from error
        if "error" in reply:
            raise GuestAgentError(reply["error"]["class"], reply["error"]["desc"])
        return reply["return"]

    @staticmethod
    def _reply(replies: Any) -> dict[str, Any]:
        text = replies.readline().rpartition(b"\xff")[2]
        if not text:
            raise ChannelError("guest agent: connection closed")
        return dict(json.loads(text))


@dataclass(frozen=True)
class Running:
    """A guest that has been started."""

    channel: AgentChannel
    serial: Path

    def console(self) -> str:
        """What the guest has written so far."""
        return self.serial.read_bytes().decode("utf-8", "replace").replace("\r", "")

    def wait_for_console(self, text: str, count: int, timeout_s: float) -> str:
        """The console once `text` was seen `count` times."""
        until = time.monotonic() + timeout_s
        while self.console().count(text) < count:
            assert time.monotonic() < until, f"{text!r} was not seen {count} times:\n{self.console()[-3000:]}"
            time.sleep(0.2)
        return self.console()

    def wait_ready(self, timeout_s: float) -> None:
        """Return when the guest agent answers."""
        until = time.monotonic() + timeout_s
        while True:
            try:
                return self.channel.ping(2.0)
            except ChannelError:
                assert time.monotonic() < until, f"no answer from the guest:\n{self.console()[-3000:]}"


@contextlib.contextmanager
def boot(image: BuiltImage, directory: Path, *, memory_mib: int = 384) -> Iterator[Running]:
    """Start `image` on an overlay in `directory` (short: sockets are in it); killed at the end."""
    overlay, serial, agent = directory / "disk.qcow2", directory / "serial.log", directory / "agent"
    proc.checked(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image.disk, overlay],
        timeout_s=30,
        what="overlay",
    )
    # a test that is killed takes its guest along
    command = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64"]
    command += ["-accel", "tcg", "-cpu", "max", "-m", str(memory_mib)]
    command += ["-display", "none", "-monitor", "none", "-nodefaults", "-nic", "none"]
    command += ["-serial", f"file:{serial}", "-drive", f"file={overlay},if=virtio,format=qcow2"]
    command += ["-chardev", f"socket,path={agent},server=on,wait=off,id=agent", "-device", "virtio-serial"]
    command += ["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"]
    command += ["-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", image.cmdline]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        serial.touch()
        yield Running(AgentChannel(AgentSocket(agent)), serial)
    finally:
        process.kill()
        process.wait()
