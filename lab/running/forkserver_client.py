"""Our side of the fork server: start it once, ask it for processes, do without it when it fails.

One server per process that starts cells (the orchestrator, or a Dask worker). Losing it costs nothing but
time: cells that it forked run on, those after them are started from nothing, and the log says why.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from lab import log
from lab.errors import InfraError
from lab.running import child
from lab.running.child import Child, forget
from lab.running.forkserver import GO, MOST_BYTES

ANSWER_S = 60.0
"""For a process, the server's own start included (1.5 s on a quiet host)."""
END_S = 10.0
MODULE = "lab.running.forkserver"
MOST_STARTS = 3
"""Servers that one process starts; what kills three of them would kill the fourth."""
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""numpy's libraries start threads when they are imported, unless told otherwise."""


class ServerGone(InfraError):
    """The fork server does not do what it was asked."""


class ForkServer:
    """A running server. From any thread."""

    def __init__(self) -> None:
        ours, theirs = child.line()
        self._control = ours
        self._ready = False
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", MODULE, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=self._said,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C at the terminal is the orchestrator's
                pass_fds=[theirs.fileno()],
                env={**child.environment(), **dict.fromkeys(ONE_THREAD, "1")},
            )

    def fork(self, work: str, path: Path, out: int, *, on_event: Callable[[str], None] = forget) -> Child:
        """A process that runs `work` on `path`, in our working directory and environment.

        :raise ServerGone: it did not come to be; nothing of it is left.
        """
        request = {"work": work, "path": str(path), "cwd": str(Path.cwd()), "environ": child.environment()}
        data = json.dumps(request).encode()
        if len(data) > MOST_BYTES:
            raise ServerGone(f"a request of {len(data)} bytes is too long")
        ours, theirs = child.line()
        try:
            with theirs:
                socket.send_fds(self._control, [data], [theirs.fileno(), out])
            pid, pidfd = _welcome(ours)
            ours.send(GO)
        except OSError as error:
            ours.close()
            raise ServerGone(f"{error.strerror or error}{self._last_words()}") from error
        except BaseException:
            ours.close()
            raise
        self._ready = True
        return Child(pid, pidfd, ours, on_event=on_event)

    def close(self) -> None:
        """End it; what it forked runs on. One that may still be importing does not see us go."""
        self._control.close()
        if not self._ready:
            self.process.terminate()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._said.close()

    def _last_words(self) -> str:
        """The end of what a server that died printed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1.0)
        text = os.pread(self._said.fileno(), 4096, 0).decode("utf-8", "replace").strip()
        code = self.process.poll()
        ended = f" (it ended with {code})" if code is not None else ""
        return ended + (f": {text.splitlines()[-1]}" if text and code else "")


def _welcome(line: socket.socket) -> tuple[int, int]:
    """The new process's pid and a descriptor that names it.

    :raise ServerGone: the server refused, or said nothing in time.
    """
    poller = select.poll()
    poller.register(line, select.POLLIN)
    if not poller.poll(ANSWER_S * 1000):
        raise ServerGone(f"no process in {ANSWER_S:.0f} s")
    data, descriptors, _flags, _address = socket.recv_fds(line, child.MESSAGE, 1)
    if not data:
        raise ConnectionResetError(0, "it is gone")
    message: dict[str, Any] = json.loads(data)
    if "pid" not in message:
        raise ServerGone(str(message.get("refused", message)))
    return int(message["pid"]), descriptors[0]


class Spawner:
    """Starts processes for the lab: forked while there is a server, from nothing otherwise."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: ForkServer | None = None
        self._starts = 0

    def preload(self) -> None:
        """Have a server from now on. Returns at once; it preloads by itself."""
        with self._lock:
            if self._server is None and self._starts < MOST_STARTS:
                self._starts += 1
                try:
                    self._server = ForkServer()
                except OSError as error:
                    _warn(str(error))

    def start(self, work: str, path: Path, out: int, *, on_event: Callable[[str], None] = forget) -> Child:
        """A process that runs `work` on `path` and prints to the descriptor `out`."""
        server = self._server
        if server is not None:
            try:
                return server.fork(work, path, out, on_event=on_event)
            except ServerGone as error:
                _warn(str(error))
                self._lost(server)
        return child.started(work, path, out, on_event=on_event)

    def close(self) -> None:
        """End the server; the next `preload` starts another."""
        with self._lock:
            server, self._server, self._starts = self._server, None, 0
        if server is not None:
            server.close()

    def _lost(self, server: ForkServer) -> None:
        """Drop it, and have another one unless too many were lost."""
        with self._lock:
            ours = self._server is server
            if ours:
                self._server = None
        if ours:
            server.process.kill()
            server.close()
            self.preload()


def _warn(reason: str) -> None:
    log.get("running").warning("no fork server, processes are started from nothing", reason=reason)


spawner = Spawner()
"""Of this process."""


@contextlib.contextmanager
def preloaded() -> Iterator[None]:
    """A fork server for as long as the body runs."""
    spawner.preload()
    try:
        yield
    finally:
        spawner.close()
