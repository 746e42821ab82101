"""A guest by QEMU alone: overlay, QEMU, device state, agent, `true`, kill. What the lab is held against.

    python benchmarks/bare_guest.py ORDER.json

Knows nothing of the lab and imports only what Python brings. The order says what to start; the answer is one
JSON line with the seconds from the script's start to each step. With `hold`, the guest then idles until a
line comes in on stdin. Refuses to record, to watch or to judge: that is the point.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

BEGUN = time.monotonic()
ASK_S = 0.25
"""Between two questions to an agent that may not be there yet."""
POLL_S = 0.005


def main() -> int:
    """Start, ask, end."""
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    until = BEGUN + order["deadline_s"]
    overlay = [
        "qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        "-F",
        "qcow2",
        "-b",
        order["disk"],
        order["overlay"],
    ]
    subprocess.run(overlay, check=True)
    if order["nvram"]:
        shutil.copyfile(order["nvram_from"], order["nvram"])
    state = os.open(order["state"], os.O_RDONLY) if order["state"] else -1
    kept = (state,) if state >= 0 else ()
    process = subprocess.Popen(order["argv"], stdin=subprocess.DEVNULL, pass_fds=kept)
    try:
        steps = {"started": _power_on(order["monitor"], state, until)}
        agent = _Agent(order["agent"], until)
        steps["answered"] = since()
        agent.true()
        steps["commanded"] = since()
        print(json.dumps({"pid": process.pid, **steps}), flush=True)
        if order["hold"]:
            sys.stdin.readline()
    finally:
        process.kill()
        process.wait()
        Path(order["overlay"]).unlink(missing_ok=True)
    return 0


def since() -> float:
    """Seconds since the script began."""
    return time.monotonic() - BEGUN


def _power_on(path: str, state: int, until: float) -> float:
    """Load the device state, if there is one, and let the guest go; when it went."""
    line = connect(path, until)
    with line, line.makefile("rb") as replies:
        replies.readline()  # the greeting
        ask(line, replies, "qmp_capabilities")
        if state >= 0:
            ignore = [{"capability": "x-ignore-shared", "state": True}]
            ask(line, replies, "migrate-set-capabilities", capabilities=ignore)
            ask(line, replies, "migrate-incoming", uri=f"fd:{state}")
            while ask(line, replies, "query-status")["status"] == "inmigrate":
                _in_time(until, "device state loaded")
                time.sleep(POLL_S)
        ask(line, replies, "cont")
    return since()


def connect(path: str, until: float) -> socket.socket:
    """A UNIX socket that is about to exist."""
    while True:
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(path)
            return line
        except OSError:
            line.close()
            _in_time(until, path)
            time.sleep(POLL_S)


def ask(line: socket.socket, replies: Any, execute: str, **arguments: Any) -> Any:
    """One QMP request; events in between are skipped."""
    line.sendall(json.dumps({"execute": execute, "arguments": arguments}).encode() + b"\n")
    while True:
        reply = json.loads(replies.readline())
        if "error" in reply:
            raise RuntimeError(f"{execute}: {reply['error']['desc']}")
        if "return" in reply:
            return reply["return"]


class _Agent:
    """The guest agent over its own socket, from its first answer on."""

    def __init__(self, path: str, until: float) -> None:
        self._line = connect(path, until)
        self._until = until
        self._left = b""
        for number in range(1, 1_000_000):
            sync = {"execute": "guest-sync-delimited", "arguments": {"id": number}}
            self._send(sync, b"\xff")  # ends whatever half request the agent may have
            if self._answer(ASK_S, number):
                return
            _in_time(until, "the guest agent")

    def true(self) -> None:
        """Run it to its end."""
        pid = self._ask("guest-exec", path="/bin/true")["pid"]
        while True:
            status = self._ask("guest-exec-status", pid=pid)
            if status["exited"]:
                if status.get("exitcode") != 0:
                    raise RuntimeError(f"true: {status}")
                return
            time.sleep(POLL_S)

    def _ask(self, execute: str, **arguments: Any) -> Any:
        self._send({"execute": execute, "arguments": arguments})
        while True:
            reply = self._reply(self._until - time.monotonic())
            if isinstance(reply.get("return"), dict):
                return reply["return"]
            if "error" in reply:
                raise RuntimeError(f"{execute}: {reply['error']['desc']}")

    def _answer(self, seconds: float, number: int) -> bool:
        try:
            while self._reply(seconds).get("return") != number:
                pass
        except TimeoutError:
            return False
        return True

    def _send(self, request: dict[str, Any], before: bytes = b"") -> None:
        self._line.sendall(before + json.dumps(request).encode() + b"\n")

    def _reply(self, seconds: float) -> dict[str, Any]:
        self._line.settimeout(max(seconds, 0.01))
        while b"\n" not in self._left:
            data = self._line.recv(65536)
            if not data:
                raise RuntimeError("the guest agent's socket was closed")
            self._left += data
        text, _, self._left = self._left.partition(b"\n")
        return dict(json.loads(text.rpartition(b"\xff")[2] or b"{}"))


def _in_time(until: float, what: str) -> None:
    if time.monotonic() > until:
        raise TimeoutError(f"{what}: not there in time")


if __name__ == "__main__":
    sys.exit(main())
