"""Orders for `bare_guest.py`: the very hardware of a lab's machine as a QEMU command line of its own.

libvirt itself turns the domain into words, so a template's device state fits. Refuses to start anything
but that script.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.guests import Subject
from lab.clock import Stopwatch
from lab.errors import InfraError
from lab.machine.machine import OVMF_VARS, open_host
from lab.machine.xml import domain_xml
from lab.templates import Template

SCRIPT = Path(__file__).with_name("bare_guest.py")
UNWANTED = {"-S": 0, "-sandbox": 1}
"""Options of libvirt's that a script would not give, and how many words follow them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """A guest that QEMU alone runs."""

    order: Path
    deadline_s: float

    def seconds(self) -> float:
        """Run the script to its end, as somebody without a lab would; its whole time."""
        watch = Stopwatch()
        with self._process() as process:
            _, errors = process.communicate(timeout=self.deadline_s)
        self._check(process.returncode, errors)
        return watch.t_s

    @contextmanager
    def held(self) -> Iterator[dict[str, Any]]:
        """The guest, idle after `true`: its pid and steps."""
        order = json.loads(self.order.read_text())
        self.order.write_text(json.dumps({**order, "hold": True}))
        with self._process() as process:
            assert process.stdout is not None
            said = process.stdout.readline()
            if not said:
                _, errors = process.communicate(timeout=self.deadline_s)
                self._check(process.returncode or 1, errors)
            yield json.loads(said)
            process.communicate(input="\n", timeout=self.deadline_s)

    @contextmanager
    def _process(self) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(self.order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()

    def _check(self, code: int, errors: str) -> None:
        if code:
            last = (errors.strip().splitlines() or ["no output"])[-1]
            raise InfraError(f"bare QEMU script exited with {code}: {last}")


def bare(subject: Subject, room: Path, template: Template | None = None) -> Bare:
    """The script for this subject, from power-off or from `template`. `room` must be short: sockets."""
    room.mkdir(parents=True, exist_ok=True)
    machine = subject.order.machine(room, template=template)
    hardware = replace(
        machine.hardware,
        overlay=room / "overlay.qcow2",
        sockets=room,
        serial_log=room / "serial.log",
        nvram=room / "nvram.fd" if machine.nvram else None,
    )
    host = open_host("embed", subject.order.places)
    words = host._connection.domainXMLToNative("qemu-argv", domain_xml(hardware))  # noqa: SLF001 - the lab has no use for this call
    disk = template.disk if template else subject.order.image.disk
    order = {
        "argv": arguments(words, room / "monitor.sock"),
        "disk": str(disk),
        "overlay": str(hardware.overlay),
        "state": str(template.state) if template else "",
        "nvram": str(hardware.nvram or ""),
        "nvram_from": str((template.nvram if template else None) or OVMF_VARS),
        "monitor": str(room / "monitor.sock"),
        "agent": str(room / "agent.sock"),
        "deadline_s": subject.order.scaled.boot_s,
        "hold": False,
    }
    path = room / "order.json"
    path.write_text(json.dumps(order))
    return Bare(order=path, deadline_s=subject.order.scaled.boot_s + 30.0)


def arguments(line: str, monitor: Path) -> list[str]:
    """libvirt's command line without what only libvirt needs, its monitor at `monitor`."""
    words = shlex.split(line)
    while "=" in words[0] and not words[0].startswith("/"):
        words.pop(0)  # environment
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in UNWANTED:
            for _ in range(UNWANTED[word]):
                next(rest)
        elif word == "-object":
            value = next(rest)
            kept += [] if '"qom-type":"secret"' in value else [word, value]
        elif word.startswith("socket,id=charmonitor,"):
            kept.append(f"socket,id=charmonitor,path={monitor},server=on,wait=off")
        else:
            kept.append(word)
    return kept
