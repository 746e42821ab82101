"""A process that works for the lab, seen by the one that started it: forked from the server, or started.

Either way it leads a session of its own, writes to its own log, has a line to its owner, is ended when
its time is over, and leaves an exit code. Refuses to judge the code.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab import proc
from lab.clock import Deadline
from lab.running import owner
from lab.running.forkserver import WORK

GRACE_S = 25.0
"""From SIGTERM to SIGKILL: the machine is destroyed and the recording closed meanwhile."""
LAST_WORD_S = 5.0
"""How long a process that has ended may take to be reaped by the server."""
MESSAGE = 4096


def forget(_event: str) -> None:
    """For processes whose news nobody wants."""


class Child:
    """A running process. Leave its `with` and it has ended.

    :param line: our end of its line; closed at the end.
    :param pidfd: names the process, also after its number is used again.
    :param process: when it is our own child and not the server's.
    """

    def __init__(
        self,
        pid: int,
        pidfd: int,
        line: socket.socket,
        *,
        process: subprocess.Popen[bytes] | None = None,
        on_event: Callable[[str], None] = forget,
    ) -> None:
        self.pid = pid
        self.code: int | None = None
        """Once it has ended: its exit code, negative for a signal; None when the server died before it
        could say, in which case only the process's own traces tell."""
        self._pidfd = pidfd
        self._line = line
        self._process = process
        self._on_event = on_event
        self._over = False
        self._silent = False

    def ended(self, timeout_s: float) -> bool:
        """Wait for its end; False when it still runs after `timeout_s`."""
        deadline = Deadline.after(timeout_s)
        while not self._over:
            ready = self._wait(deadline.left_s)
            if self._line.fileno() in ready:
                self._hear()
            elif self._pidfd in ready:
                self._finish()
            elif deadline.passed:
                return False
        return True

    def terminate(self) -> None:
        """Ask it to end."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)

    def end(self) -> None:
        """Ask it to end, and kill its group when it does not."""
        self.terminate()
        if not self.ended(GRACE_S):
            proc.kill_group(self.pid)
            self.ended(GRACE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self._over:
                self.end()
        finally:
            self._line.close()
            os.close(self._pidfd)

    def _wait(self, timeout_s: float) -> set[int]:
        poller = select.poll()
        poller.register(self._pidfd, select.POLLIN)
        if not self._silent:
            poller.register(self._line, select.POLLIN)
        return {descriptor for descriptor, _ in poller.poll(timeout_s * 1000)}

    def _hear(self) -> None:
        """One message; the end of all of them means that the process and the server are gone."""
        try:
            data = self._line.recv(MESSAGE)
        except OSError:
            data = b""
        if not data:
            self._silent = True
            return
        message: dict[str, Any] = json.loads(data)
        if "exited" in message:
            self.code = int(message["exited"])
            self._silent = True
        elif "event" in message:
            self._on_event(str(message["event"]))

    def _finish(self) -> None:
        """It has ended: take its exit code, and what it said before."""
        if self._process is not None:
            self.code = self._process.wait()
        self._line.settimeout(0.0 if self._process is not None else LAST_WORD_S)
        while not self._silent:
            self._hear()
        self._over = True


def started(work: str, path: Path, out: int, *, on_event: Callable[[str], None] = forget) -> Child:
    """A process of its own, from nothing: `python -m MODULE PATH`.

    :param work: a key of `lab.running.forkserver.WORK`.
    :param out: descriptor of its log.
    """
    ours, theirs = line()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", WORK[work], str(path)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[theirs.fileno()],
            env={**environment(), owner.VARIABLE: str(theirs.fileno())},
        )
    return Child(process.pid, os.pidfd_open(process.pid), ours, process=process, on_event=on_event)


def line() -> tuple[socket.socket, socket.socket]:
    """Both ends of a line: ours and the child's."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def environment() -> dict[str, str]:
    """The child imports the same lab as we do, installed or not."""
    here = str(Path(__file__).parents[2])
    rest = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{here}{os.pathsep}{rest}" if rest else here}
