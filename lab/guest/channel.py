"""What every channel into a guest promises, and the ways in which one can fail.

Owns the seam; refuses to know any protocol. The error types say what the caller may do next:

    ChannelError
    ├── Unavailable           nothing was started in the guest: another channel may be tried
    ├── ChannelLost           it died under way: the operation may have happened, never repeat it
    ├── GuestCommandTimeout   the deadline passed; carries the output so far
    ├── GuestFileError        the guest refused a file (missing, read-only, disk full, ...)
    └── GuestAgentError       the QEMU guest agent answered a request with an error
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Protocol

from lab.errors import ChannelError
from lab.proc import Completed

Command = str | Sequence[str]
"""Text for the guest's shell, or a program and its arguments that reach it unchanged."""

Stream = Literal["stdout", "stderr"]

OutputSink = Callable[[Stream, bytes], None]
"""Called with each piece of output, in order per stream, while the command runs."""


QUOTED = 100
"""Characters of a command that an error repeats; the recording has all of it."""


def quoted(command: str) -> str:
    """A command as an error names it: scripts of the lab's own are long."""
    return repr(command if len(command) <= QUOTED else command[: QUOTED - 1] + "…")


class Unavailable(ChannelError):
    """The channel could not be used; nothing was started in the guest."""


class Refused(Unavailable):
    """The guest answered and does not let the lab in: it is alive, and waiting changes nothing."""


class ChannelLost(ChannelError):
    """The channel died while an operation was under way; it may have been carried out.

    :param stdout: what had arrived until then.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, stdout: bytes = b"", stderr: bytes = b""
    ) -> None:
        super().__init__(message, hint=hint)
        self.stdout = stdout
        self.stderr = stderr


class GuestCommandTimeout(ChannelError):
    """An operation in the guest passed its deadline; a command was killed with its process group.

    :param note: why the command may still run, or "".
    """

    def __init__(
        self, what: str, timeout_s: float, *, stdout: bytes = b"", stderr: bytes = b"", note: str = ""
    ) -> None:
        tail = f" ({note})" if note else ""
        super().__init__(f"{what}: did not end in {timeout_s:.1f} s in the guest{tail}")
        self.timeout_s = timeout_s
        self.stdout = stdout
        self.stderr = stderr
        self.note = note


class GuestFileError(ChannelError):
    """The guest refused to read or write a file; `reason` is in the guest's own words."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"guest file {path!r}: {reason}")
        self.path = path
        self.reason = reason


class GuestAgentError(ChannelError):
    """The guest agent understood a request and refused it.

    :param klass: QAPI error class (`GenericError`, `CommandDisabled`, ...), or "" when the
        transport lost it (libvirt keeps only the description).
    :param desc: the agent's own words.
    """

    def __init__(self, klass: str, desc: str, *, request: str = "") -> None:
        super().__init__(f"guest agent refused {request or 'a request'!r}: {desc}")
        self.klass = klass
        self.desc = desc


class Channel(Protocol):
    """A way into one guest. Safe to use from several threads at once.

    Every method ends at its deadline, give or take a few seconds, also when the guest is dead.
    Nothing that may have been started is ever started again. An exception that a signal handler
    raises in the calling thread passes through at once, without further talk to the guest.
    """

    @property
    def name(self) -> str:
        """`agent`, `ssh`, ...: the word used in recordings."""
        ...

    def run(
        self,
        command: Command,
        *,
        timeout_s: float,
        stdin: bytes = b"",
        on_output: OutputSink | None = None,
        brief: bool = False,
    ) -> Completed:
        """Run a command in `/` as the channel's user and wait for its end.

        A non-zero exit code is a value; death by signal N is exit code -N. Output is exact bytes.
        The call returns when the command itself has ended, whatever it left in the background.

        :param stdin: all of the command's input; its end is closed.
        :param brief: the lab's own word that the command ends soon, prints little and leaves nothing in the
            background that holds its output: a channel may then take a shorter way.
        :raise Unavailable: nothing was started.
        :raise ChannelLost: the command may have run; what it printed until then is in the error.
        :raise GuestCommandTimeout: killed at the deadline; carries the output so far.
        """
        ...

    def put(self, source: bytes | Path, to: str, *, mode: int = 0o644, timeout_s: float) -> None:
        """Make `to` (absolute) hold exactly `source`: readers see the old file or the new one.

        Size and sha256 are checked in the guest, and the file is on its disk when this returns,
        so that it outlives a crash.

        :raise GuestFileError: the guest refused; the old file is untouched.
        :raise GuestCommandTimeout: the deadline passed; the old file is untouched.
        """
        ...

    def get(self, path: str, *, timeout_s: float) -> bytes:
        """The bytes of a file in the guest; works for /proc and /sys too.

        :raise GuestFileError: it cannot be read.
        """
        ...

    def ping(self, timeout_s: float) -> None:
        """Return when the guest's end answered.

        :raise ChannelError: no answer in `timeout_s`.
        """
        ...

    def close(self) -> None:
        """End the connection; the next use makes a new one."""
        ...
