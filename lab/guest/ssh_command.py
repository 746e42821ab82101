"""One command under way over an SSH session: streams, input and exit code on one thread.

Owns the conversation after the session is open. Refuses to open sessions or to judge errors of
the connection beyond "it died".
"""

from __future__ import annotations

import select
from collections.abc import Iterator
from dataclasses import dataclass, field

import paramiko

from lab.clock import Deadline
from lab.guest.channel import OutputSink, Stream
from lab.guest.ssh_connection import Connection

TICK_S = 0.25
SENDING_TICK_S = 0.01
"""Room in the peer's window wakes nobody up, so it is looked for this often."""
QUIET_S = 1.0
"""After the command's end, a stream that a background process holds open is left after such silence."""
READ = 1 << 16


class PeerGone(Exception):
    """The connection ended and no exit code came."""


@dataclass(slots=True)
class SshCommand:
    """A started command.

    :param token: the first line of its stdout is this and the pid, perhaps after noise.
    """

    connection: Connection
    session: paramiko.Channel
    token: bytes
    stdin: Iterator[bytes]
    on_output: OutputSink | None = None
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    pid: int | None = None
    begun: bool = False
    """Whether the first of stdin may have left, without which the peer runs nothing of the command."""
    code: int = 0
    """Once it has ended."""
    _head: bytearray | None = field(default_factory=bytearray)
    _pending: bytes = b""
    _input_open: bool = True

    @property
    def noise(self) -> str:
        """What came before the command announced itself, as long as it has not."""
        return bytes(self._head or b"").decode("utf-8", "replace")

    def converse(self, deadline: Deadline) -> int | None:
        """Pass bytes both ways until the command has ended; None at the deadline. Can be called again.

        :raise PeerGone: the connection ended before the exit code was known.
        """
        poller = select.poll()
        poller.register(self.session.fileno(), select.POLLIN)
        quiet: Deadline | None = None
        while True:
            self._feed()
            # Read first: paramiko's thread may set the code, then the end, between two lines here.
            gone = self.session.closed
            moved = self._drain()
            code = self.connection.exit_codes.get(self.session.get_id())
            if moved or code is None:
                quiet = None
            elif self._output_ended():
                return code
            elif quiet is None:
                quiet = Deadline.after(QUIET_S)
            elif quiet.passed:
                return code
            if gone and code is None and not moved:
                raise PeerGone
            if deadline.passed:
                return None
            tick = SENDING_TICK_S if self._input_open else TICK_S
            # At the end of output the descriptor stays readable: what is awaited is the exit code.
            if self._output_ended():
                self.session.status_event.wait(min(tick, deadline.left_s))
            elif not moved:
                poller.poll(1000 * min(tick, deadline.left_s))

    def _output_ended(self) -> bool:
        ended = bool(self.session.eof_received or self.session.closed)
        return ended and not (self.session.recv_ready() or self.session.recv_stderr_ready())

    def _drain(self) -> bool:
        """Take what has arrived, one read per stream so that neither starves the other."""
        moved = False
        if self.session.recv_ready():
            self._take_stdout(self.session.recv(READ))
            moved = True
        if self.session.recv_stderr_ready():
            self._keep("stderr", self.stderr, self.session.recv_stderr(READ))
            moved = True
        return moved

    def _take_stdout(self, data: bytes) -> None:
        if self._head is None:
            self._keep("stdout", self.stdout, data)
            return
        self._head += data
        _noise, found, rest = self._head.partition(self.token + b" ")
        pid, ended, output = rest.partition(b"\n")
        if found and ended:
            self.pid = int(pid)
            self._head = None
            self._keep("stdout", self.stdout, bytes(output))

    def _keep(self, stream: Stream, into: bytearray, data: bytes) -> None:
        into += data
        if data and self.on_output:
            self.on_output(stream, data)

    def _feed(self) -> None:
        """Send input while the peer has room for it; close the input after the last byte."""
        if self.session.closed:
            self._input_open = False
            return
        try:
            while self._input_open and self.session.send_ready():
                if not self._pending:
                    self._pending = next(self.stdin, b"")
                if not self._pending:
                    self._input_open = False
                    self.session.shutdown_write()
                    return
                self.begun = True
                self._pending = self._pending[self.session.send(self._pending) :]
        except OSError:
            # The command ended without reading all of its input, which is its own affair.
            self._input_open = False
