"""The channel over SSH: for guests without an agent, and the second opinion beside it.

Owns one connection that is made at the first use, kept open and shared by all threads; each
operation has a session of its own, so a heartbeat does not wait for a transfer. Files go through
`cat`, which every guest has, rather than SFTP, which small ones lack.

A command waits in the guest for the first of its stdin, which is sent once the server has agreed to start it.
What ended before that has certainly not run and is asked for again; nothing else ever is. Servers do end
sessions so: dropbear 2022.82 to 2024.85 closes one that has no command yet when a command of another session
of the connection ends (mkj/dropbear#321).
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import paramiko

from lab.clock import Deadline, Stopwatch
from lab.errors import ChannelError
from lab.guest import shell
from lab.guest.channel import (
    ChannelLost,
    Command,
    GuestCommandTimeout,
    GuestFileError,
    OutputSink,
    Unavailable,
    quoted,
)
from lab.guest.dialect import POSIX, Dialect
from lab.guest.source import Source
from lab.guest.ssh_command import PeerGone, SshCommand
from lab.guest.ssh_connection import Connection, Endpoint, SshSilent, connect
from lab.proc import Completed

KEEPALIVE_S = 15
KILL_GRACE_S = 5.0
PIECE = 1 << 17
TRIES = 4
"""Sessions that are asked for until one begins."""
BROKEN = (paramiko.SSHException, EOFError, OSError)
Result = TypeVar("Result")


class NotBegun(Unavailable):
    """The server ended a session before anything was begun in it: another one may be asked for."""


class SshChannel:
    """Commands and files over one SSH connection.

    :param host_key: the one public key line that the server must prove to hold.
    :param connect_timeout_s: for TCP, handshake and authentication together.
    :param dialect: the guest's; files go through `cat`, which is POSIX's (Windows': lab.guest.windows.ssh).
    """

    name = "ssh"

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        key: Path,
        host_key: str,
        connect_timeout_s: float = 30.0,
        *,
        dialect: Dialect = POSIX,
    ) -> None:
        self._dialect = dialect
        self.endpoint = Endpoint(host=host, port=port, user=user, key=key, host_key=host_key)
        self._connect_timeout_s = connect_timeout_s
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def run(
        self,
        command: Command,
        *,
        timeout_s: float,
        stdin: bytes = b"",
        on_output: OutputSink | None = None,
        brief: bool = False,  # noqa: ARG002 - there is no shorter way
    ) -> Completed:
        """See `Channel.run`. With `on_output`, pieces come as they arrive."""
        return self._run(command, self._dialect.readable(command), timeout_s, iter((stdin,)), on_output)

    def put(self, source: bytes | Path, to: str, *, mode: int = 0o644, timeout_s: float) -> None:
        """See `Channel.put`."""
        wanted = Source.of(source)
        part = shell.part_of(to, secrets.token_hex(4))
        receive = shell.receive(part, to, mode, wanted.size, wanted.sha256)
        done = self._run(receive, f"put {to}", timeout_s, wanted.pieces(PIECE), None)
        if not done.ok:
            raise GuestFileError(to, done.error_text)

    def get(self, path: str, *, timeout_s: float) -> bytes:
        """See `Channel.get`."""
        done = self._run(["cat", "--", path], f"get {path}", timeout_s, iter(()), None)
        if not done.ok:
            raise GuestFileError(path, done.error_text)
        return done.stdout

    def ping(self, timeout_s: float) -> None:
        """See `Channel.ping`. A session is opened and closed: sshd answers, no process is made."""
        _connection, session = self._session(Deadline.after(timeout_s))
        session.close()

    def close(self) -> None:
        """End the connection; the next use makes a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _run(
        self,
        command: Command,
        what: str,
        timeout_s: float,
        stdin: Iterator[bytes],
        on_output: OutputSink | None,
    ) -> Completed:
        watch, deadline = Stopwatch(), Deadline.after(timeout_s)
        running = self._insist(
            deadline, lambda: self._once(command, what, timeout_s, deadline, stdin, on_output)
        )
        return Completed(
            exit_code=running.code,
            stdout=bytes(running.stdout),
            stderr=bytes(running.stderr),
            duration_s=watch.t_s,
            command=what,
        )

    def _insist(self, deadline: Deadline, act: Callable[[], Result]) -> Result:
        """Do it, again and again where it was not begun."""
        for left in reversed(range(TRIES)):
            try:
                return act()
            except NotBegun:
                if not left or deadline.passed:
                    raise
        raise AssertionError("the last try returns or raises")

    def _once(
        self,
        command: Command,
        what: str,
        timeout_s: float,
        deadline: Deadline,
        stdin: Iterator[bytes],
        on_output: OutputSink | None,
    ) -> SshCommand:
        """The command after its end.

        :raise NotBegun: of `stdin`, nothing was taken.
        """
        token = f"lab-{secrets.token_hex(8)}"
        line, order = self._dialect.remote(token, command)
        connection, session = self._session(deadline)
        running = SshCommand(connection, session, token.encode(), itertools.chain((order,), stdin), on_output)
        with self._bounded(connection, session, deadline.left_s + 2 * KILL_GRACE_S):
            try:
                session.exec_command(line)
                code = running.converse(deadline)
            except (PeerGone, *BROKEN) as error:
                raise self._died(running, what, timeout_s, deadline, error) from error
            if code is None:
                note = self._kill(running)
                raise _timeout(running, what, timeout_s, note)
        if running.pid is None:
            before = f"the server's shell ended with {code} before it{_words(running)}"
            raise Unavailable(f"SSH to {self.endpoint}: {quoted(what)} was not run: {before}")
        running.code = code
        return running

    def _session(self, deadline: Deadline) -> tuple[Connection, paramiko.Channel]:
        """A new session. A connection that proves dead is replaced once: nothing runs in it yet.

        :raise Unavailable: no connection, or the server opens no session.
        """
        kept = self._connection
        if kept is not None and kept.is_active():
            try:
                return kept, kept.open_session(timeout=min(deadline.left_s, self._connect_timeout_s))
            except paramiko.ChannelException as error:
                raise Unavailable(f"SSH to {self.endpoint}: server opens no session: {error}") from error
            except BROKEN:
                self._drop(kept)
        connection = self._connect(deadline)
        try:
            return connection, connection.open_session(timeout=max(deadline.left_s, 1.0))
        except BROKEN as error:
            self._drop(connection)
            raise SshSilent(f"SSH to {self.endpoint}: no session: {error}") from error

    def _connect(self, deadline: Deadline) -> Connection:
        """The live connection, made if there is none; one thread makes it, others wait for it."""
        if not self._lock.acquire(timeout=max(deadline.left_s, 0.001)):
            raise SshSilent(f"SSH to {self.endpoint}: another thread is still connecting")
        try:
            if self._connection is None or not self._connection.is_active():
                timeout_s = min(self._connect_timeout_s, max(deadline.left_s, 0.001))
                self._connection = connect(self.endpoint, timeout_s)
                self._connection.set_keepalive(KEEPALIVE_S)
            return self._connection
        finally:
            self._lock.release()

    def _drop(self, connection: Connection) -> None:
        if self._connection is connection:
            self._connection = None
        connection.close()

    @contextlib.contextmanager
    def _bounded(self, connection: Connection, session: paramiko.Channel, seconds: float) -> Iterator[None]:
        """End the session with the block, and the connection where the session cannot be ended in order.

        paramiko waits without limit for some answers, and for room to say goodbye; ending the
        connection says nothing to the guest and wakes every waiter up.
        """
        breaker = threading.Timer(seconds, self._drop, (connection,))
        breaker.daemon = True
        breaker.start()
        in_order = False
        try:
            yield
            in_order = True
        except ChannelError:
            in_order = True
            raise
        finally:
            if in_order:
                session.close()
            else:
                self._drop(connection)
            breaker.cancel()

    def _died(
        self, command: SshCommand, what: str, timeout_s: float, deadline: Deadline, error: Exception
    ) -> ChannelError:
        """What to say of it. Other sessions of a connection that lives on are left alone."""
        reason = str(error) or "it ended without an exit code"
        if not command.connection.is_active():
            self._drop(command.connection)
        if not command.begun and not deadline.passed:
            return NotBegun(f"SSH to {self.endpoint}: {quoted(what)} was not begun: {reason}")
        if deadline.passed:
            return _timeout(command, what, timeout_s, f"and the channel died: {reason}")
        return ChannelLost(
            f"channel 'ssh' died while {quoted(what)} ran in the guest: {reason}",
            stdout=bytes(command.stdout),
            stderr=bytes(command.stderr),
        )

    def _kill(self, command: SshCommand) -> str:
        """End the process group and take what it printed; why it may live on, or ""."""
        if command.pid is None:
            return "it never reported its pid"
        line, deadline = self._dialect.kill(command.pid), Deadline.after(2 * KILL_GRACE_S)
        try:
            gone = self._insist(deadline, lambda: self._killed(command, line))
        except (PeerGone, Unavailable, *BROKEN) as error:
            self._drop(command.connection)
            return f"it could not be killed: {str(error) or 'the connection ended'}"
        return "" if gone else "it did not die of SIGKILL"

    def _killed(self, command: SshCommand, line: str) -> bool:
        kill = command.connection.open_session(timeout=KILL_GRACE_S)
        with contextlib.closing(kill):
            try:
                kill.exec_command(line)
            except paramiko.SSHException as error:
                raise NotBegun(f"SSH to {self.endpoint}: {error}") from error
            return command.converse(Deadline.after(KILL_GRACE_S)) is not None


def _words(command: SshCommand) -> str:
    """What a shell said that did not get so far as the command."""
    said = bytes(command.stderr).decode("utf-8", "replace").strip() or command.noise.strip()
    return f": {said[-400:]}" if said else ""


def _timeout(command: SshCommand, what: str, timeout_s: float, note: str) -> GuestCommandTimeout:
    return GuestCommandTimeout(
        quoted(what), timeout_s, stdout=bytes(command.stdout), stderr=bytes(command.stderr), note=note
    )
