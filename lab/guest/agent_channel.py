"""The channel over the QEMU guest agent: needs no network and answers from early in the boot.

Owns how commands and files map to agent requests. Refuses to know how requests travel: that is
the transport (libvirt, a socket, a fake). Uses nothing newer than qemu-ga 5.2 (Debian 11).
Each request is short, so that a heartbeat on another thread gets its turn during a long transfer.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.clock import Deadline, Stopwatch
from lab.errors import ChannelError
from lab.guest import shell
from lab.guest.agent_command import AgentCommand, Spool, captured
from lab.guest.agent_port import AgentPort, Transport, quietly
from lab.guest.channel import (
    ChannelLost,
    Command,
    GuestAgentError,
    GuestCommandTimeout,
    GuestFileError,
    OutputSink,
    Unavailable,
    quoted,
)
from lab.guest.source import Source
from lab.proc import Completed

NEEDED = frozenset(
    {"guest-exec", "guest-exec-status", "guest-file-open", "guest-file-read", "guest-file-write"}
)
SPOOLS = ("/dev/shm", "/run", "/tmp")  # noqa: S108 - names are random and removed at once
REQUEST_S = 20.0
WRITE = 128 << 10
"""Bytes per request to write. libvirt 9.0 loses its place in a request that the socket's send buffer
(208 KiB by default) does not take in one go, and the agent then waits for ever: 340 kB fail; base64
makes 175 kB of this. Throughput rises little beyond 64 KiB."""
READ = 256 << 10
"""Bytes per request to read."""
CHECKED_FROM = 4 << 20
"""Files from this size on are compared by digest after they were read."""


class AgentChannel:
    """Commands and files through the guest agent.

    :param transport: see `lab.guest.agent_port.Transport`.
    :param request_s: how long one request may take before the agent counts as gone.
    :param write: bytes per request to write a file.
    :param read: bytes per request to read one.
    """

    name = "agent"

    def __init__(
        self, transport: Transport, *, request_s: float = REQUEST_S, write: int = WRITE, read: int = READ
    ) -> None:
        self._port = AgentPort(transport, request_s)
        self._write = write
        self._read = read
        self._able = False
        self._leads = True
        """Whether commands are started as leaders of a process group; not where the guest cannot."""
        self._spools: tuple[str, ...] = SPOOLS

    def run(
        self,
        command: Command,
        *,
        timeout_s: float,
        stdin: bytes = b"",
        on_output: OutputSink | None = None,
        brief: bool = False,
    ) -> Completed:
        """See `Channel.run`. With `on_output`, pieces come at most 0.25 s after they were printed."""
        argv, what = shell.words(command), shell.readable(command)
        watch, deadline = Stopwatch(), Deadline.after(timeout_s)
        if brief:
            pid = self._begun(argv[1:], stdin, what, deadline, path=argv[0], capture=True)
            ended = captured(self._port, pid, what, timeout_s, deadline)
            return Completed(
                exit_code=ended.code,
                stdout=ended.stdout,
                stderr=ended.stderr,
                duration_s=watch.t_s,
                command=what,
            )
        pid, spool = self._start(command, stdin, what, deadline)
        running = AgentCommand(
            self._port, spool, pid, what, timeout_s, deadline, self._read, on_output=on_output
        )
        code = running.wait()
        return Completed(
            exit_code=code,
            stdout=bytes(running.stdout),
            stderr=bytes(running.stderr),
            duration_s=watch.t_s,
            command=what,
        )

    def put(self, source: bytes | Path, to: str, *, mode: int = 0o644, timeout_s: float) -> None:
        """See `Channel.put`."""
        deadline = Deadline.after(timeout_s)
        wanted = Source.of(source)
        part = shell.part_of(to, secrets.token_hex(4))
        self._send(wanted, part, to, deadline, timeout_s)
        install = shell.install(part, to, mode, wanted.size, wanted.sha256)
        try:
            done = self.run(install, timeout_s=max(deadline.left_s, 1.0))
        except Unavailable as error:
            raise ChannelLost(f"channel 'agent' died while {to!r} was put: {error}") from error
        if not done.ok:
            raise GuestFileError(to, done.error_text)

    def get(self, path: str, *, timeout_s: float) -> bytes:
        """See `Channel.get`. Small files cost three requests and no process in the guest."""
        deadline = Deadline.after(timeout_s)
        handle = self._open(path, "rb", deadline)
        content, ended = bytearray(), False
        with self._moving("get", path, handle):
            while not ended:
                data, ended = self._port.read(handle, self._read, deadline)
                content += data
                ended = ended or not data
                if not ended:
                    _in_time(deadline, f"get {path!r} ({len(content)} bytes read)", timeout_s)
        if len(content) >= CHECKED_FROM:
            self._compare(path, content, deadline)
        return bytes(content)

    def ping(self, timeout_s: float) -> None:
        """See `Channel.ping`."""
        self._port.ask("guest-ping", Deadline.after(timeout_s))

    def close(self) -> None:
        """Forget what this agent can do; a guest may come back with another one."""
        self._able = False

    def _require(self, deadline: Deadline) -> None:
        """Ask once what the agent allows; where that costs nobody time, before anything is begun.

        :raise Unavailable: it does not answer, or its configuration forbids what the lab needs.
        """
        if self._able:
            return
        try:
            version, allowed = self._port.allowed(deadline)
        except ChannelError as error:
            raise Unavailable(f"guest agent does not answer: {error}") from error
        missing = sorted(NEEDED - allowed)
        if missing:
            raise Unavailable(
                f"guest agent {version}: does not allow {', '.join(missing)} (the lab needs them)",
                hint="remove them from block-rpcs (formerly blacklist) in the image's qemu-ga.conf",
            )
        self._able = True

    def _start(self, command: Command, stdin: bytes, what: str, deadline: Deadline) -> tuple[int, Spool]:
        """Start the command.

        :raise Unavailable: it certainly does not run.
        :raise ChannelLost: no answer to the request to start it.
        """
        try:
            spool = self._open_spool(stdin, deadline)
        except ChannelError as error:
            self._require(deadline)
            raise Unavailable(f"guest agent cannot run {quoted(what)}: {error}") from error
        direct, arguments = b"" if spool.stdin else stdin, spool.arguments(command)
        if self._leads:
            try:
                return self._port.start([shell.SH, *arguments], direct, deadline, path=shell.LEADER), spool
            except GuestAgentError:
                pass  # nothing was started; this guest may have no such program
            except ChannelError as error:
                raise _lost(what, error) from error
        pid = self._begun(arguments, direct, what, deadline)
        self._leads = False
        return pid, spool

    def _begun(self, argv: list[str], stdin: bytes, what: str, deadline: Deadline, **how: Any) -> int:
        """See `_start` and `AgentPort.start`."""
        try:
            return self._port.start(argv, stdin, deadline, **how)
        except GuestAgentError as error:
            self._require(deadline)
            raise Unavailable(f"guest agent cannot run {quoted(what)}: {error}") from error
        except ChannelError as error:
            raise _lost(what, error) from error

    def _open_spool(self, stdin: bytes, deadline: Deadline) -> Spool:
        """Open the files for output in the first directory that takes them; also large input."""
        token = secrets.token_hex(8)
        for directory in self._spools:
            out, err = f"{directory}/.lab-{token}.out", f"{directory}/.lab-{token}.err"
            try:
                handle = self._port.open(out, "w+", deadline)
            except GuestAgentError:
                if directory == self._spools[-1]:
                    raise
                continue
            self._spools = (directory, *(other for other in self._spools if other != directory))
            inward = f"{directory}/.lab-{token}.in" if len(stdin) > self._write else ""
            if inward:
                self._fill(inward, Source.of(stdin), deadline)
            return Spool((out, handle), (err, self._port.open(err, "w+", deadline)), inward)
        raise AssertionError("the last directory raises")

    def _fill(self, path: str, content: Source, deadline: Deadline) -> None:
        handle = self._port.open(path, "wb", deadline)
        for piece in content.pieces(self._write):
            self._port.write(handle, piece, deadline)
        self._port.close(handle, deadline)

    def _open(self, path: str, mode: str, deadline: Deadline) -> int:
        try:
            return self._port.open(path, mode, deadline)
        except GuestAgentError as error:
            self._require(deadline)
            raise GuestFileError(path, error.desc) from error
        except ChannelError as error:
            raise Unavailable(f"guest agent does not answer: {error}") from error

    def _send(self, wanted: Source, part: str, to: str, deadline: Deadline, timeout_s: float) -> None:
        """Write all of it to `part`."""
        handle, sent = self._open(part, "wb", deadline), 0
        try:
            with self._moving("put", to, handle):
                for piece in wanted.pieces(self._write):
                    self._port.write(handle, piece, deadline)
                    sent += len(piece)
                    if sent < wanted.size:
                        _in_time(deadline, f"put {to!r} ({sent} of {wanted.size} bytes sent)", timeout_s)
        except (GuestFileError, GuestCommandTimeout):
            self._abandon(part)
            raise

    def _abandon(self, part: str) -> None:
        """Have a file removed that was not filled."""
        remove = ["-c", 'rm -f "$1"', "lab", part]
        quietly(lambda: self._port.start(remove, b"", Deadline.after(1.0)))

    @contextlib.contextmanager
    def _moving(self, verb: str, path: str, handle: int) -> Iterator[None]:
        """Name failures of a transfer for what they are and close the handle if anybody listens."""
        try:
            yield
        except GuestAgentError as error:
            quietly(lambda: self._port.close(handle, Deadline.after(1.0)))
            raise GuestFileError(path, error.desc) from error
        except GuestCommandTimeout:
            quietly(lambda: self._port.close(handle, Deadline.after(1.0)))
            raise
        except ChannelError as error:
            raise ChannelLost(f"channel 'agent' died in {verb} of {path!r}: {error}") from error
        # Closing flushes, so its failure would be a failure to write; the size is checked after it.
        quietly(lambda: self._port.close(handle, Deadline.after(1.0)))

    def _compare(self, path: str, content: bytearray, deadline: Deadline) -> None:
        """:raise GuestFileError: the guest's own digest differs from that of what arrived."""
        here = Source.of(bytes(content)).sha256
        there = self.run(shell.digest_of_first(path, len(content)), timeout_s=max(deadline.left_s, 1.0)).text
        if there and there.split()[0] != here:
            raise GuestFileError(path, f"read with sha256 {here} (the guest says {there.split()[0]})")


def _lost(what: str, error: ChannelError) -> ChannelLost:
    return ChannelLost(f"channel 'agent' died while {quoted(what)} was started: {error}")


def _in_time(deadline: Deadline, what: str, timeout_s: float) -> None:
    """:raise GuestCommandTimeout: the deadline has passed."""
    if deadline.passed:
        raise GuestCommandTimeout(what, timeout_s)
