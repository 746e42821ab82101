"""The guest agent of the STAND-IN: as much of qemu-ga.exe's protocol as the lab speaks, on its virtio
port.

Owns requests and handles. As in Windows a file that a program writes cannot be opened (no
FILE_SHARE_WRITE), and a program is started and asked for its end; unlike qemu-ga it runs programs as
children of its own process.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from lab.images.stand_in.guest.programs import Programs, Streams

VERSION = "STAND-IN"
KILLED = 1
READ_MOST = 48 << 20
NOT_CONNECTED_S = 0.05
"""A read of the port gives nothing as long as nobody has it open outside."""
COMMANDS = (
    "guest-sync", "guest-sync-delimited", "guest-ping", "guest-info", "guest-exec", "guest-exec-status",
    "guest-file-open", "guest-file-close", "guest-file-read", "guest-file-write", "guest-shutdown",
)  # fmt: skip


class RequestError(Exception):
    """What the agent answers instead."""


class Agent:
    """:param programs: what it starts."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._files: dict[int, IO[bytes]] = {}
        self._children: dict[int, int] = {}
        """Process -> the pipe on which it tells its exit code, which in Windows has 32 bits."""
        self._next = 1000

    def serve(self, port: int, idle: Callable[[], None]) -> None:
        """Answer requests for ever.

        :param idle: called at least every half second.
        """
        pending = b""
        while True:
            data = os.read(port, 1 << 16) if _readable(port) else None
            idle()
            if data is None:
                continue
            if not data:
                time.sleep(NOT_CONNECTED_S)
                continue
            pending += data
            *lines, pending = pending.split(b"\n")
            for line in lines:
                for answer in self.answers(line):
                    _write(port, answer)

    def answers(self, line: bytes) -> list[bytes]:
        """What is said to one line; a delimiter (0xFF) before it starts afresh."""
        text = line.rpartition(b"\xff")[2].strip()
        if not text:
            return []
        try:
            request = json.loads(text)
            name = str(request["execute"])
            arguments = {key.replace("-", "_"): value for key, value in request.get("arguments", {}).items()}
        except (ValueError, KeyError, TypeError):
            return [_error("GenericError", "JSON parse error")]
        if name not in COMMANDS:
            return [_error("CommandNotFound", f"The command {name} has not been found")]
        try:
            found = getattr(self, "_" + name.removeprefix("guest-").replace("-", "_"))(**arguments)
        except (RequestError, OSError, TypeError) as error:
            return [_error("GenericError", str(error))]
        if name == "guest-shutdown":
            return []
        head = b"\xff" if name == "guest-sync-delimited" else b""
        return [head + json.dumps({"return": found}).encode() + b"\n"]

    def _ping(self) -> dict[str, Any]:
        return {}

    def _sync(self, id: int) -> int:  # noqa: A002 - the protocol's name
        return id

    _sync_delimited = _sync

    def _info(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "supported_commands": [
                {"name": name, "enabled": True, "success-response": True} for name in COMMANDS
            ],
        }

    def _exec(self, path: str, arg: list[str] | None = None, **_more: Any) -> dict[str, int]:
        told, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = _child(self._programs, [path, *(arg or [])])
            os.write(tell, code.to_bytes(4, "little"))
            os._exit(0)
        os.close(tell)
        self._children[pid] = told
        return {"pid": pid}

    def _exec_status(self, pid: int) -> dict[str, Any]:
        if pid not in self._children:
            raise RequestError(f"PID {pid} does not exist")
        done, _status = os.waitpid(pid, os.WNOHANG)
        if not done:
            return {"exited": False}
        told = os.read(self._children[pid], 4)
        os.close(self._children.pop(pid))
        return {"exited": True, "exitcode": int.from_bytes(told, "little") if told else KILLED}

    def _file_open(self, path: str, mode: str = "r") -> int:
        local = self._programs.kernel.drives.local(path)
        if "r" in mode and _written_by_another(str(local)):
            raise RequestError(f"failed to open file '{path}': it is being used by another process")
        file = local.open(mode.replace("b", "") + "b", buffering=0)
        self._next += 1
        self._files[self._next] = file
        return self._next

    def _file_close(self, handle: int) -> dict[str, Any]:
        self._file(handle).close()
        del self._files[handle]
        return {}

    def _file_read(self, handle: int, count: int = 4096) -> dict[str, Any]:
        data = self._file(handle).read(min(count, READ_MOST))
        return {"count": len(data), "buf-b64": base64.b64encode(data).decode(), "eof": not data}

    def _file_write(self, handle: int, buf_b64: str, **_more: Any) -> dict[str, Any]:
        return {"count": self._file(handle).write(base64.b64decode(buf_b64)), "eof": False}

    def _file(self, handle: int) -> IO[bytes]:
        if handle not in self._files:
            raise RequestError(f"handle '{handle}' has not been found")
        return self._files[handle]

    def _shutdown(self, mode: str = "powerdown") -> None:
        self._programs.kernel.end(restart=mode == "reboot")


def _child(programs: Programs, argv: list[str]) -> int:
    """In the new process: streams that lead nowhere, as qemu-ga gives a program it does not capture."""
    os.setsid()
    with open(os.devnull, "r+b", buffering=0) as nowhere:  # noqa: PTH123 - one stream for three
        try:
            return programs.start(argv, Streams(nowhere, nowhere, nowhere)) & 0xFFFFFFFF
        except BaseException as error:  # noqa: BLE001 - the edge of a process
            programs.kernel.hardware.say(f"stand-in: {' '.join(argv)[:80]}: {type(error).__name__}: {error}")
            sys.stderr.write(f"{error}\n")
            return 1


def _written_by_another(path: str) -> bool:
    """Whether a program other than this one has the file open for writing."""
    own = str(os.getpid())
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == own:
            continue
        with contextlib.suppress(OSError):
            for link in (process / "fd").iterdir():
                if str(link.readlink()) == path and _writes(process / "fdinfo" / link.name):
                    return True
    return False


def _writes(told: Path) -> bool:
    flags = next(line for line in told.read_text().splitlines() if line.startswith("flags:"))
    return int(flags.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY


def _readable(port: int) -> bool:
    ready, _out, _broken = select.select([port], [], [], 0.5)
    return bool(ready)


def _write(port: int, data: bytes) -> None:
    while data:
        data = data[os.write(port, data) :]


def _error(kind: str, desc: str) -> bytes:
    return json.dumps({"error": {"class": kind, "desc": desc}}).encode() + b"\n"
