"""The guests' ends of the channels, on this host: an agent and an SSH server that really run commands.

Both can be made to die at a chosen moment, as guests do.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST

from lab.errors import ChannelError
from lab.guest.channel import GuestAgentError

SIGNALS = {6: "ABRT", 9: "KILL", 11: "SEGV", 15: "TERM"}


class FakeAgent:
    """Answers guest agent requests with processes and files of this host.

    `die_at` is asked for each request and makes the agent silent for ever once it says yes.
    """

    def __init__(self) -> None:
        self.die_at: Callable[[str], bool] = lambda _name: False
        self.dead = False
        self.disabled: set[str] = set()
        self.disk_full = False
        self.requests: list[str] = []
        self.largest_request = 0
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.files: dict[int, IO[bytes]] = {}
        self.captured: dict[int, tuple[IO[bytes], IO[bytes]]] = {}
        self.missing: set[str] = set()
        """Programs that this guest does not have."""
        self.started: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, request: dict[str, Any], timeout_s: float) -> Any:
        name = request["execute"]
        with self._lock:
            self.requests.append(name)
            self.largest_request = max(self.largest_request, len(json.dumps(request)))
            self.dead = self.dead or self.die_at(name)
            if self.dead:
                raise ChannelError("guest agent is not connected")
            if name in self.disabled:
                raise GuestAgentError(
                    "CommandDisabled", f"The command {name} has been disabled", request=name
                )
            return getattr(self, name.replace("-", "_"))(
                **{key.replace("-", "_"): value for key, value in request.get("arguments", {}).items()}
            )

    def guest_ping(self) -> dict[str, Any]:
        return {}

    def guest_info(self) -> dict[str, Any]:
        names = [name.replace("_", "-") for name in dir(self) if name.startswith("guest_")]
        commands = [{"name": name, "enabled": name not in self.disabled} for name in names]
        return {"version": "5.2.0", "supported_commands": commands}

    def guest_exec(
        self, path: str, arg: list[str], input_data: str = "", capture_output: bool = False
    ) -> dict[str, int]:
        if path in self.missing:
            desc = f"Guest agent command failed, error was 'Failed to execute child process “{path}”'"
            raise GuestAgentError("GenericError", desc, request="guest-exec")
        self.started.append(path)
        streams = tuple(tempfile.TemporaryFile() for _ in range(2)) if capture_output else ()  # noqa: SIM115
        out, err = streams or (subprocess.DEVNULL, subprocess.DEVNULL)
        process = subprocess.Popen(
            [path, *arg], stdin=subprocess.PIPE if input_data else subprocess.DEVNULL, stdout=out, stderr=err
        )
        if streams:
            self.captured[process.pid] = streams
        if input_data:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(base64.b64decode(input_data))
        self.processes[process.pid] = process
        return {"pid": process.pid}

    def guest_exec_status(self, pid: int) -> dict[str, Any]:
        if pid not in self.processes:
            raise GuestAgentError("GenericError", f"PID {pid} does not exist")
        code = self.processes[pid].poll()
        if code is None:
            return {"exited": False}
        del self.processes[pid]
        ended: dict[str, Any] = {"exited": True}
        ended |= {"signal": -code} if code < 0 else {"exitcode": code}
        for name, file in zip(("out-data", "err-data"), self.captured.pop(pid, ()), strict=False):
            file.seek(0)
            if data := file.read():
                ended[name] = base64.b64encode(data).decode()
            file.close()
        return ended

    def guest_file_open(self, path: str, mode: str = "r") -> int:
        try:
            file = Path(path).open(mode.replace("b", "") + "b", buffering=0)  # noqa: SIM115
        except OSError as error:
            desc = f"failed to open file '{path}' (mode: '{mode}'): {error.strerror}"
            raise GuestAgentError("GenericError", desc) from error
        handle = 1000 + file.fileno()
        self.files[handle] = file
        return handle

    def guest_file_read(self, handle: int, count: int) -> dict[str, Any]:
        data = b""
        while len(data) < count and (more := self.files[handle].read(count - len(data))):
            data += more
        return {"count": len(data), "buf-b64": base64.b64encode(data).decode(), "eof": len(data) < count}

    def guest_file_write(self, handle: int, buf_b64: str) -> dict[str, Any]:
        if self.disk_full:
            raise GuestAgentError("GenericError", "failed to write to file: No space left on device")
        count = self.files[handle].write(base64.b64decode(buf_b64))
        return {"count": count, "eof": False}

    def guest_file_close(self, handle: int) -> dict[str, Any]:
        self.files.pop(handle).close()
        return {}

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        for file in (*self.files.values(), *(one for both in self.captured.values() for one in both)):
            file.close()


class _Interface(paramiko.ServerInterface):
    def __init__(self, server: FakeSshd) -> None:
        self.server = server

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = key.asbytes() in self.server.accepted
        return paramiko.common.AUTH_SUCCESSFUL if known else paramiko.common.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if self.server.closes(channel):
            return False
        self.server.commands.append(command)
        self.server.spawn(self.server.serve, channel, command)
        return True


class FakeSshd:
    """An SSH server on 127.0.0.1 that runs what it is told in a session of its own, as sshd does.

    `noise` is printed before each command, as a login shell's start-up files may. So many sessions as
    `closing` says are closed instead of an answer to what is asked for in them.
    """

    def __init__(self, host_key: paramiko.PKey) -> None:
        self.host_key = host_key
        self.accepted: set[bytes] = set()
        self.commands: list[bytes] = []
        self.connections = 0
        self.noise = b""
        self.closing = 0
        self.closed = 0
        self._threads: list[threading.Thread] = []
        self._transports: list[paramiko.Transport] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._stopped = False
        self.spawn(self._accept)

    def spawn(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _address = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            transport = paramiko.Transport(peer)
            transport.add_server_key(self.host_key)
            self._transports.append(transport)
            server = self._offer(transport)
            with contextlib.suppress(paramiko.SSHException, EOFError):
                transport.start_server(event=threading.Event(), server=server)

    def closes(self, channel: paramiko.Channel) -> bool:
        """Whether this session was closed now."""
        if self.closed >= self.closing:
            return False
        self.closed += 1
        channel.close()
        return True

    def _offer(self, transport: paramiko.Transport) -> paramiko.ServerInterface:
        """What answers on a connection, its subsystems registered."""
        return _Interface(self)

    def serve(self, channel: paramiko.Channel, command: bytes) -> None:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command.decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._processes.append(process)
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            channel.sendall(self.noise)
        self.spawn(_pump_in, channel, process)
        pumps = [
            threading.Thread(target=_pump_out, args=(process.stdout, channel.sendall), daemon=True),
            threading.Thread(target=_pump_out, args=(process.stderr, channel.sendall_stderr), daemon=True),
        ]
        self._threads += pumps
        for pump in pumps:
            pump.start()
        code = process.wait()
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            if code < 0:
                _send_exit_signal(channel, SIGNALS[-code])
            else:
                channel.send_exit_status(code)
            for pump in pumps:
                pump.join()
            channel.close()

    def drop(self) -> None:
        """Every connection ends at once, without a word; new ones are taken."""
        for transport in self._transports:
            transport.close()

    def stop(self) -> None:
        """Nothing listens any more; can be called twice."""
        if not self._stopped:
            self._stopped = True
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        self.drop()
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()
        for thread in self._threads:
            thread.join(5)
        for transport in self._transports:
            transport.join(5)


def _send_exit_signal(channel: paramiko.Channel, name: str) -> None:
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("exit-signal")
    message.add_boolean(False)  # noqa: FBT003 - paramiko's own signature
    message.add_string(name)
    message.add_boolean(False)  # noqa: FBT003 - paramiko's own signature
    message.add_string("")
    message.add_string("")
    channel.transport._send_user_message(message)


def _pump_in(channel: paramiko.Channel, process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError), process.stdin:
        while data := channel.recv(1 << 16):
            process.stdin.write(data)


def _pump_out(pipe: IO[bytes], send: Callable[[bytes], None]) -> None:
    with contextlib.suppress(OSError), pipe:
        for data in _available(pipe):
            send(data)


def _available(pipe: IO[bytes]) -> Iterator[bytes]:
    while data := os.read(pipe.fileno(), 1 << 16):
        yield data
