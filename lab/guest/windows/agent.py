"""The QEMU guest agent in Windows: commands through a batch file of one line, files by its own requests.

Owns how a command's streams get to files and back. qga opens files so that nobody else may write them
(qga/commands-win32.c: no FILE_SHARE_WRITE), so unlike in Linux nothing can be read while the command runs:
with `on_output`, all of it comes at the end. What is left in the guest's Temp folder after a crash is small
and has a `lab-` name.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from lab.clock import Deadline, Stopwatch
from lab.errors import ChannelError
from lab.guest.agent_channel import AgentChannel
from lab.guest.agent_command import KILL_GRACE_S, POLL_FIRST_S, POLL_LAST_S
from lab.guest.agent_port import quietly
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
from lab.guest.windows import files, launch, paths
from lab.proc import Completed

SPOOL = "C:\\Windows\\Temp"
CMD = "cmd.exe"
LATE_S = 1.0
"""A program left in the background keeps the output file open; it is asked for this much longer."""


@dataclass(frozen=True, slots=True)
class Spool:
    """The files of one command in the guest."""

    stem: str

    def of(self, ending: str) -> str:
        return f"{self.stem}.{ending}"

    @property
    def batch(self) -> bytes:
        """cmd.exe opens the files; the exit code of the one program is that of the batch file."""
        line = f'{launch.line()} <"{self.of("in")}" >"{self.of("out")}" 2>"{self.of("err")}"'
        return f"@{line}\r\n@exit %errorlevel%\r\n".encode("ascii")


class WindowsAgentChannel(AgentChannel):
    """As `AgentChannel`, for qemu-ga.exe (runs as SYSTEM)."""

    def run(
        self,
        command: Command,
        *,
        timeout_s: float,
        stdin: bytes = b"",
        on_output: OutputSink | None = None,
        brief: bool = False,  # noqa: ARG002 - there is no shorter way
    ) -> Completed:
        """See `Channel.run`. With `on_output`, everything comes when the command has ended."""
        order, what = launch.order(command), launch.readable(command)
        watch, deadline = Stopwatch(), Deadline.after(timeout_s)
        self._require(deadline)
        spool = Spool(f"{SPOOL}\\lab-{secrets.token_hex(8)}")
        pid = self._begin(spool, order + stdin, what, deadline)
        try:
            code = self._wait(pid, deadline)
            note = self._kill(pid) if code is None else ""
            grace = Deadline.after(max(deadline.left_s, KILL_GRACE_S))
            out, err = self._collected(spool, grace, patient=code is not None)
        except ChannelError as error:
            if deadline.passed:
                note = f"and the channel died: {error}"
                raise GuestCommandTimeout(quoted(what), timeout_s, note=note) from error
            raise ChannelLost(
                f"channel 'agent' died while {quoted(what)} ran in the guest: {error}"
            ) from error
        finally:
            self._tidy(spool)
        if code is None:
            raise GuestCommandTimeout(quoted(what), timeout_s, stdout=out, stderr=err, note=note)
        if on_output and out:
            on_output("stdout", out)
        if on_output and err:
            on_output("stderr", err)
        return Completed(exit_code=code, stdout=out, stderr=err, duration_s=watch.t_s, command=what)

    def put(self, source: bytes | Path, to: str, *, mode: int = 0o644, timeout_s: float) -> None:  # noqa: ARG002
        """See `Channel.put`; `mode` is ignored."""
        deadline, wanted = Deadline.after(timeout_s), Source.of(source)
        to = paths.checked(to)
        part = paths.part_of(to, secrets.token_hex(4))
        self._require(deadline)
        self._send(wanted, part, to, deadline, timeout_s)
        try:
            install = files.install(part, to, wanted.size, wanted.sha256)
            done = self.run(install, timeout_s=max(deadline.left_s, 1.0))
        except Unavailable as error:
            raise ChannelLost(f"channel 'agent' died while {to!r} was put: {error}") from error
        if not done.ok:
            raise GuestFileError(to, done.error_text)

    def get(self, path: str, *, timeout_s: float) -> bytes:
        """See `Channel.get`; a file that somebody holds open for writing is refused by Windows."""
        return super().get(paths.checked(path), timeout_s=timeout_s)

    def _begin(self, spool: Spool, content: bytes, what: str, deadline: Deadline) -> int:
        """Start the command.

        :raise Unavailable: it certainly does not run.
        :raise ChannelLost: no answer to the request to start it.
        """
        try:
            self._fill(spool.of("in"), Source.of(content), deadline)
            self._fill(spool.of("cmd"), Source.of(spool.batch), deadline)
        except ChannelError as error:
            raise Unavailable(f"guest agent cannot run {quoted(what)}: {error}") from error
        return self._begun(["/d", "/c", spool.of("cmd")], b"", what, deadline, path=CMD)

    def _wait(self, pid: int, deadline: Deadline) -> int | None:
        """The exit code, or None at the deadline."""
        pause = POLL_FIRST_S
        while True:
            time.sleep(min(pause, deadline.left_s))
            code = self._port.exit_code(pid, deadline)
            if code is not None or deadline.passed:
                return code
            pause = min(POLL_LAST_S, pause * 1.5)

    def _collected(self, spool: Spool, deadline: Deadline, *, patient: bool = True) -> tuple[bytes, bytes]:
        """Both streams, from the files.

        :raise ChannelError: the agent does not answer.
        """
        out = self._stream(spool.of("out"), deadline, patient)
        return out, self._stream(spool.of("err"), deadline, patient)

    def _stream(self, path: str, deadline: Deadline, patient: bool) -> bytes:
        """A file's content; where a program in the background holds it, what it has when that lets go.

        :raise ChannelError: the agent does not answer, or the file stays held.
        """
        until = Deadline.after(LATE_S if patient else 0.0)
        handle: int | None = None
        while handle is None:
            try:
                handle = self._port.open(path, "rb", deadline)
            except GuestAgentError:
                if until.passed:
                    return self._held(path, deadline)
                time.sleep(POLL_LAST_S)
        taken = handle
        content, ended = bytearray(), False
        while not ended:
            data, ended = self._port.read(taken, self._read, deadline)
            content += data
            ended = ended or not data
        quietly(lambda: self._port.close(taken, Deadline.after(1.0)))
        return bytes(content)

    def _held(self, path: str, deadline: Deadline) -> bytes:
        """A copy that cmd.exe makes, since it shares files with their writers; nothing where it cannot."""
        copy = f"{path}.copy"
        words = ["/d", "/c", "copy", "/y", "/b", path, copy]
        pid = self._port.start(words, b"", deadline, path=CMD)
        if self._wait(pid, Deadline.after(KILL_GRACE_S)) != 0:
            return b""
        return super().get(copy, timeout_s=max(deadline.left_s, 1.0))

    def _kill(self, pid: int) -> str:
        """End the command and what it started; why it may live on, or ""."""
        grace = Deadline.after(KILL_GRACE_S)
        program, *words = launch.kill(pid)
        try:
            self._port.start(words, b"", grace, path=program)
            gone = self._wait(pid, grace) is not None
        except ChannelError as error:
            return f"it could not be killed: {error}"
        return "" if gone else "it did not end when it was killed"

    def _tidy(self, spool: Spool) -> None:
        words = ["/d", "/c", "del", "/f", "/q", spool.of("*")]
        quietly(lambda: self._port.start(words, b"", Deadline.after(1.0), path=CMD))

    def _abandon(self, part: str) -> None:
        words = ["/d", "/c", "del", "/f", "/q", part]
        quietly(lambda: self._port.start(words, b"", Deadline.after(1.0), path=CMD))

    def _compare(self, path: str, content: bytearray, deadline: Deadline) -> None:
        """A file that grows while it is read is told by its size, which PowerShell reads with its digest."""
        script = files.digest_of_first(path, len(content))
        here = Source.of(bytes(content)).sha256
        there = self.run(script, timeout_s=max(deadline.left_s, 1.0)).text
        if there.strip() and there.split()[0] != here:
            raise GuestFileError(path, f"read with sha256 {here} (the guest says {there.split()[0]})")
