"""The guests' ends of Windows' channels on this host: they read orders as Windows would and answer.

No PowerShell runs. An order's script is looked at: a program is started with the arguments that its command
line holds by the documented rules; of texts these know the lab's own and a few words for tests.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

import paramiko
from guest_peers import FakeAgent, FakeSshd, _Interface, _pump_in, _pump_out

from lab.guest.channel import GuestAgentError
from lab.guest.windows import launch

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "guest" / "windows"))
from windows_parsers import argv_of, powershell_of

LITERAL = r"('(?:[^']|'')*')"


class Windows:
    """What an order does; `root` is drive C:."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.commands: list[str] = []

    def path(self, name: str) -> Path:
        assert name[1:3] == ":\\", name
        return self.root / name[3:].replace("\\", "/")

    def start(self, order: bytes, stdin: IO[bytes] | bytes) -> subprocess.Popen[bytes]:
        """A process that does what the order says, as a child of this test."""
        script = base64.b64decode(order, validate=True).decode()
        said = re.search(r"GetBytes\('(\S+) '\+\$PID", script)
        argv = [sys.executable, "-c", RUNNER, said[1] if said else "", *self._words(script)]
        return subprocess.Popen(
            argv,
            stdin=subprocess.PIPE if isinstance(stdin, bytes) else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def _words(self, script: str) -> list[str]:
        if found := re.search(rf"\$s\.FileName={LITERAL}; \$s\.Arguments={LITERAL}", script):
            line = f"{powershell_of(found[1])} {powershell_of(found[2])}"
            self.commands.append(line)
            return ["program", *argv_of(line)]
        text = re.search(rf"Create\({LITERAL}\)\) \}}\ncatch", script, re.DOTALL)
        assert text, script
        body = powershell_of(text[1])
        self.commands.append(body)
        if "$sha=" in body:
            part, to = (
                str(self.path(powershell_of(one))) for one in re.findall(rf"\$(?:part|to)={LITERAL}", body)
            )
            size, sha = re.findall(r"\$size=(\d+); \$sha='(\w+)'", body)[0]
            return ["install", part, to, size, sha, "stdin" if "$i.CopyTo" in body else ""]
        if found := re.search(
            rf"\$f=\[IO\.File\]::Open\({LITERAL},'Open','Read'.*OpenStandardOutput", body, re.DOTALL
        ):
            return ["send", str(self.path(powershell_of(found[1])))]
        return ["text", body]


RUNNER = r"""
import hashlib, os, subprocess, sys, time
token, verb, *words = sys.argv[1:]
if token:
    sys.stdout.write(f"{token} {os.getpid()}\n"); sys.stdout.flush()
if verb == "program":
    try:
        sys.exit(subprocess.run(words).returncode)
    except FileNotFoundError:
        sys.stderr.write(f"{words[0]}: cannot find the file")
        sys.exit(127)
if verb == "install":
    part, to, size, sha, source = words
    if source:
        open(part, "wb").write(sys.stdin.buffer.read())
    data = open(part, "rb").read()
    problem = "is a directory" if os.path.isdir(to) else ""
    if not problem and (len(data) != int(size) or hashlib.sha256(data).hexdigest() != sha):
        problem = f"arrived with {len(data)} bytes"
    if problem:
        os.remove(part); sys.stderr.write(problem); sys.exit(1)
    os.replace(part, to); sys.exit(0)
if verb == "send":
    try:
        sys.stdout.buffer.write(open(words[0], "rb").read()); sys.exit(0)
    except OSError as error:
        sys.stderr.write(error.strerror); sys.exit(1)
text = words[0]
if text.startswith("exit "):
    sys.exit(int(text[5:]) & 0xFF)
if text.startswith("sleep "):
    sys.stdout.write("before\n"); sys.stdout.flush(); time.sleep(float(text[6:])); sys.exit(0)
if text == "cat":
    data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data); sys.exit(0)
sys.stdout.buffer.write(text.encode()); sys.stderr.write("err"); sys.exit(0)
"""


class WindowsAgent(FakeAgent):
    """qemu-ga.exe: cmd.exe runs a batch file of one line; files are not shared with writers."""

    def __init__(self, windows: Windows) -> None:
        super().__init__()
        self.windows = windows
        self.pumps: list[threading.Thread] = []

    def guest_exec(self, path: str, arg: list[str], input_data: str = "") -> dict[str, int]:
        assert not input_data
        if path == "taskkill.exe":
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int(arg[-1]), 9)
            return {"pid": self._ended(0)}
        assert path == "cmd.exe"
        assert arg[:2] == ["/d", "/c"]
        if arg[2] == "del":
            pattern = self.windows.path(arg[-1])
            for found in list(pattern.parent.glob(pattern.name)):
                found.unlink()
            return {"pid": self._ended(0)}
        return {"pid": self._batch(self.windows.path(arg[2]).read_text())}

    def _batch(self, text: str) -> int:
        first, last = text.splitlines()
        assert last == "@exit %errorlevel%"
        match = re.fullmatch(r'@(.+) <"(.+)" >"(.+)" 2>"(.+)"', first)
        assert match
        assert match[1] == launch.line()
        content = self.windows.path(match[2]).read_bytes()
        order, _, stdin = content.partition(b"\n")
        process = self.windows.start(order, stdin)
        out, err = self.windows.path(match[3]), self.windows.path(match[4])
        pump = threading.Thread(target=_spool, args=(process, stdin, out, err), daemon=True)
        out.write_bytes(b"")
        err.write_bytes(b"")
        pump.start()
        self.pumps.append(pump)
        self.processes[process.pid] = process
        return process.pid

    def _ended(self, code: int) -> int:
        process = subprocess.Popen(["sh", "-c", f"exit {code}"])
        self.processes[process.pid] = process
        return process.pid

    def guest_exec_status(self, pid: int) -> dict[str, Any]:
        answer = super().guest_exec_status(pid)
        if answer["exited"]:
            for pump in self.pumps:
                pump.join(10)
        return answer

    def guest_file_open(self, path: str, mode: str = "r") -> int:
        if path[1:3] != ":\\":
            raise GuestAgentError(
                "GenericError", f"failed to open file '{path}': The system cannot find the path"
            )
        return super().guest_file_open(str(self.windows.path(path)), mode)

    def guest_file_read(self, handle: int, count: int) -> dict[str, Any]:
        answer = super().guest_file_read(handle, count)
        return {**answer, "eof": answer["count"] == 0}


def _spool(process: subprocess.Popen[bytes], stdin: bytes, out: Path, err: Path) -> None:
    told = process.communicate(stdin)
    with contextlib.suppress(OSError):
        out.write_bytes(told[0])
        err.write_bytes(told[1])


FILE_SERVICE_ENDED = "the file service has ended"


class _Files(paramiko.SFTPServerInterface):
    """Win32-OpenSSH's file service: `/C:/dir/file`."""

    def __init__(self, server: Any, windows: Windows) -> None:
        super().__init__(server)
        self.windows = windows

    def session_ended(self) -> None:
        self.windows.commands.append(FILE_SERVICE_ENDED)

    def _path(self, name: str) -> Path:
        assert re.match(r"/[A-Za-z]:/", name), name
        return self.windows.path(name[1:].replace("/", "\\"))

    def stat(self, path: str) -> Any:
        try:
            return paramiko.SFTPAttributes.from_stat(self._path(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    def open(self, path: str, flags: int, attr: Any) -> Any:
        try:
            descriptor = os.open(self._path(path), flags, 0o666)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        handle = paramiko.SFTPHandle(flags)
        file = os.fdopen(descriptor, "wb" if flags & os.O_WRONLY else "rb")
        handle.filename, handle.readfile, handle.writefile = path, file, file  # type: ignore[attr-defined]
        handle.stat = lambda: paramiko.SFTPAttributes.from_stat(os.fstat(descriptor))  # type: ignore[method-assign]
        return handle

    def remove(self, path: str) -> int:
        self._path(path).unlink(missing_ok=True)
        return paramiko.SFTP_OK


class _WindowsInterface(_Interface):
    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        if self.server.closes(channel):
            return False
        return super().check_channel_subsystem_request(channel, name)


class WindowsSshd(FakeSshd):
    """Win32-OpenSSH: one line for the default shell, and SFTP."""

    def __init__(self, host_key: paramiko.PKey, windows: Windows, *, sftp: bool = True) -> None:
        self.windows, self.sftp = windows, sftp
        super().__init__(host_key)

    def _offer(self, transport: paramiko.Transport) -> paramiko.ServerInterface:
        if self.sftp:
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, self.windows)
        return _WindowsInterface(self)

    def serve(self, channel: paramiko.Channel, command: bytes) -> None:
        if command.startswith(b"taskkill.exe"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int(command.split()[-1]), 9)
            time.sleep(0.1)  # the request is answered on another thread, first
            channel.send_exit_status(0)
            channel.close()
            return
        assert command.decode() == launch.line()
        order = bytearray()
        while (char := channel.recv(1)) not in (b"\n", b""):
            order += char
        process = self.windows.start(bytes(order), b"")
        self._processes.append(process)
        self.spawn(_pump_in, channel, process)
        pumps = [
            threading.Thread(target=_pump_out, args=(process.stdout, channel.sendall), daemon=True),
            threading.Thread(target=_pump_out, args=(process.stderr, channel.sendall_stderr), daemon=True),
        ]
        for pump in pumps:
            pump.start()
        code = process.wait()
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            for pump in pumps:
                pump.join()
            channel.send_exit_status(code & 0xFFFFFFFF if code >= 0 else 1)
            channel.close()
