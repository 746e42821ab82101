"""A process that has imported everything a cell needs, and forks one process per cell from it.

`python -m lab.running.forkserver FD`, FD being one end of a socket pair. Each request on it brings two
descriptors: the cell's line to its owner, and its log. The child leads a session of its own, does
nothing before the owner says `go`, and ends the way a process of its own would. The server has one
thread, has opened no connection to libvirt, and ends when the other end of its socket is closed; its
children have lines of their own and notice that for themselves. Refuses to run anything but `WORK`.

Forking is safe after `import libvirt` as long as nothing was opened: libvirtd itself forks into the
background after virInitialize (libvirt, src/remote/remote_daemon.c).
"""

from __future__ import annotations

import array
import atexit
import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

WORK: Mapping[str, str] = {"cell": "lab.running.cell", "template": "lab.running.templating"}
"""What a process can be forked for: the module whose `main([PATH])` it runs."""
GO = b"go"
MOST_BYTES = 128 * 1024
"""Of one request; a longer one is refused by the kernel and the caller starts a process instead."""
NAME = Path("/proc/self/comm")


def preload() -> None:
    """Import what cells import, and let pytest load its plug-ins once.

    pytest rewrites the assertions of plug-ins while it imports them, so it imports them itself, in a
    session that collects nothing.
    """
    import pytest

    from lab.running.preloading import MODULES, fill_caches

    for name in MODULES:
        with contextlib.suppress(ImportError):  # a cell that needs it says so in its own words
            __import__(name)
    fill_caches()
    with tempfile.TemporaryDirectory(prefix="lab-preload-") as empty:
        pytest.main(
            [
                empty, f"--rootdir={empty}", "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
                "-p", "no:faulthandler", "-o", "addopts=", "-o", "filterwarnings=", "--capture=no",
            ]
        )  # fmt: skip
    gc.collect()
    gc.freeze()  # what is there now is never looked at by a child's collector, so its pages stay shared


def threads() -> int:
    """Threads of this process, those of C libraries too."""
    return sum(1 for _ in Path("/proc/self/task").iterdir())


class Server:
    """The loop: a request becomes a child, an ended child becomes a message on its line."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)
        self._lines: dict[int, tuple[int, socket.socket]] = {}
        """pidfd to pid and line."""

    def serve(self) -> None:
        """Until the owner is gone. A forked child does its work in here and does not come back."""
        over = False
        while not over:
            for key, _ in self._selector.select():
                if key.fileobj is self._control:
                    over = not self._request()
                else:
                    self._reap(key.fd)

    def _request(self) -> bool:
        """Whether there was one: else the owner is gone."""
        try:
            data, descriptors, _flags, _address = socket.recv_fds(self._control, MOST_BYTES, 2)
        except ConnectionError:
            data, descriptors = b"", []
        if not data:
            return False
        line, out = socket.socket(fileno=descriptors[0]), descriptors[1]
        try:
            self._fork(json.loads(data), line, out)
        except OSError as error:
            _say(line, {"refused": f"fork failed: {error.strerror}"})
            line.close()
        finally:
            with contextlib.suppress(OSError):
                os.close(out)
        return True

    def _fork(self, request: dict[str, Any], line: socket.socket, out: int) -> None:
        if threads() != 1:
            _say(line, {"refused": f"the server has {threads()} threads, and only one survives a fork"})
            line.close()
            return
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = self._become(request, line, out)
            finally:
                _leave(code)
        pidfd = os.pidfd_open(pid)
        _say(line, {"pid": pid}, [pidfd])
        self._lines[pidfd] = (pid, line)
        self._selector.register(pidfd, selectors.EVENT_READ)

    def _reap(self, pidfd: int) -> None:
        self._selector.unregister(pidfd)
        pid, line = self._lines.pop(pidfd)
        _, status = os.waitpid(pid, 0)
        _say(line, {"exited": os.waitstatus_to_exitcode(status)})
        line.close()
        os.close(pidfd)

    def _become(self, request: dict[str, Any], line: socket.socket, out: int) -> int:
        """The child: nothing of the server is left in it, then the owner's word, then the work."""
        self._selector.close()
        self._control.close()
        for pidfd, (_pid, other) in self._lines.items():
            other.close()
            os.close(pidfd)
        os.setsid()
        with contextlib.suppress(OSError):
            NAME.write_text(f"lab-{request['work']}")
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.close(out)
        if line.recv(len(GO)) != GO:
            return 0  # the owner has given up waiting, and starts another process
        return _work(request, line)


def _work(request: dict[str, Any], line: socket.socket) -> int:
    """As `python -m MODULE PATH` would: the traceback of a bug goes to the log, exit code 1."""
    import importlib

    from lab.running import owner

    try:
        os.environ.clear()
        os.environ.update(request["environ"])
        os.chdir(request["cwd"])
        owner.adopt(line)
        module = importlib.import_module(WORK[request["work"]])
        sys.argv = [str(module.__file__), request["path"]]
        return int(module.main([request["path"]]))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - the edge of the child: as the interpreter does at its own
        traceback.print_exc()
        return 1


def _leave(code: int) -> NoReturn:
    """End a child at once, after what was to be done at its end: taking the interpreter with all that was
    imported apart costs more time than starting a guest."""
    atexit._run_exitfuncs()  # noqa: SLF001 - there is no other name for it
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _say(line: socket.socket, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
    """To an owner that may be gone."""
    sent = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    with contextlib.suppress(OSError):
        line.sendmsg([json.dumps(message).encode()], sent)


def main(arguments: list[str]) -> int:
    """Preload, then serve the socket whose number is `arguments[0]`."""
    control = socket.socket(fileno=int(arguments[0]))
    control.set_inheritable(False)
    with contextlib.suppress(OSError):
        NAME.write_text("lab-forkserver")
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    preload()
    signal.signal(signal.SIGTERM, before)
    sys.stdout.flush()
    sys.stderr.flush()
    Server(control).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
