"""One command under way over the guest agent, its output collected through files in the guest.

The agent can capture output itself, but hands it over only at the end and in one reply. So the
command writes to two files whose names are removed as soon as it runs; the agent's open handles
are then the only way to them and nothing is left over, whatever happens to guest or lab.
Output may be as large as the file system that holds it (by preference /dev/shm, half the RAM).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from lab.clock import Deadline
from lab.errors import ChannelError
from lab.guest import shell
from lab.guest.agent_port import AgentPort, Ended, quietly
from lab.guest.channel import ChannelLost, Command, GuestCommandTimeout, OutputSink, Stream, quoted

POLL_FIRST_S = 0.02
"""For what ends at once."""
POLL_SLOWER = 1.25
"""Each further pause is so many times as long: a look costs an emulated guest 5 ms."""
POLL_AGAIN_S = 0.05
"""While output is coming."""
POLL_LAST_S = 0.25
KILL_GRACE_S = 5.0

Seen = TypeVar("Seen")


@dataclass(frozen=True, slots=True)
class Spool:
    """Files in the guest that are open in the agent; `stdin` is a path or ""."""

    out: tuple[str, int]
    err: tuple[str, int]
    stdin: str = ""

    def arguments(self, command: Command) -> list[str]:
        return shell.spooled(self.out[0], self.err[0], self.stdin, command)


@dataclass(slots=True)
class AgentCommand:
    """A started command.

    :param chunk: bytes asked for per read.
    """

    port: AgentPort
    spool: Spool
    pid: int
    what: str
    timeout_s: float
    deadline: Deadline
    chunk: int
    on_output: OutputSink | None = None
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)

    def wait(self) -> int:
        """The exit code, with all output in `stdout` and `stderr`.

        :raise ChannelLost: the agent stopped answering.
        :raise GuestCommandTimeout: the deadline passed.
        """
        try:
            code = self._poll()
            if code is not None:
                self._collect()
                self._release(Deadline.after(KILL_GRACE_S))
                return code
        except ChannelError as error:
            if self.deadline.passed:
                raise self._timeout(f"and the channel died: {error}") from error
            raise ChannelLost(
                f"channel 'agent' died while {self.what!r} ran in the guest: {error}",
                stdout=bytes(self.stdout),
                stderr=bytes(self.stderr),
            ) from error
        raise self._timeout(self._kill())

    def _poll(self) -> int | None:
        """The exit code, or None at the deadline."""
        return poll(
            lambda: self.port.exit_code(self.pid, self.deadline),
            self.deadline,
            fresh=self._collect if self.on_output else None,
        )

    def _collect(self, deadline: Deadline | None = None) -> int:
        """Read what is there; the number of new bytes."""
        until = deadline or self.deadline
        out = self._drain(self.spool.out[1], self.stdout, "stdout", until)
        return out + self._drain(self.spool.err[1], self.stderr, "stderr", until)

    def _drain(self, handle: int, into: bytearray, stream: Stream, deadline: Deadline) -> int:
        before = len(into)
        while True:
            data, ended = self.port.read(handle, self.chunk, deadline)
            into += data
            if data and self.on_output:
                self.on_output(stream, data)
            # A process left in the background may write for ever: its first pause is the end.
            if ended or not data:
                return len(into) - before

    def _kill(self) -> str:
        """End the process group and take what it printed; why it may live on, or ""."""
        grace = Deadline.after(KILL_GRACE_S)
        try:
            self.port.start(["-c", shell.kill_group(self.pid)], b"", grace)
            gone = False
            while not (gone or grace.passed):
                time.sleep(POLL_AGAIN_S)
                gone = self.port.exit_code(self.pid, grace) is not None
            self._collect(Deadline.after(KILL_GRACE_S))
        except ChannelError as error:
            return f"it could not be killed: {error}"
        self._release(Deadline.after(KILL_GRACE_S))
        return "" if gone else "it did not die of SIGKILL"

    def _release(self, deadline: Deadline) -> None:
        for _path, handle in (self.spool.out, self.spool.err):
            quietly(lambda handle=handle: self.port.close(handle, deadline))  # type: ignore[misc]

    def _timeout(self, note: str) -> GuestCommandTimeout:
        return GuestCommandTimeout(
            repr(self.what),
            self.timeout_s,
            stdout=bytes(self.stdout),
            stderr=bytes(self.stderr),
            note=note,
        )


def poll(
    look: Callable[[], Seen | None], deadline: Deadline, *, fresh: Callable[[], int] | None = None
) -> Seen | None:
    """Look until there is something to see, or None at the deadline.

    :param fresh: called after each look that saw nothing; above 0, the next one comes soon.
    """
    pause = POLL_FIRST_S
    while True:
        time.sleep(min(pause, deadline.left_s))
        seen = look()
        if seen is not None:
            return seen
        more = fresh() if fresh is not None else 0
        if deadline.passed:
            return None
        pause = POLL_AGAIN_S if more else min(POLL_LAST_S, pause * POLL_SLOWER)


def captured(port: AgentPort, pid: int, what: str, timeout_s: float, deadline: Deadline) -> Ended:
    """Wait for a process whose output the agent captures; it is killed at the deadline.

    :raise ChannelLost: the agent stopped answering.
    :raise GuestCommandTimeout: the deadline passed.
    """
    try:
        ended = poll(lambda: port.ended(pid, deadline), deadline)
    except ChannelError as error:
        raise ChannelLost(f"channel 'agent' died while {quoted(what)} ran in the guest: {error}") from error
    if ended is None:
        quietly(lambda: port.start(["-c", shell.kill_group(pid)], b"", Deadline.after(KILL_GRACE_S)))
        raise GuestCommandTimeout(quoted(what), timeout_s)
    return ended
