"""Typed requests to the QEMU guest agent over a given transport, each short and with a deadline.

Owns request names, base64 and handles; refuses to know commands, shells or what a failure means
for the caller. Limits met on the way: libvirt drops the agent for good after a reply of more than
10 MiB and its remote protocol carries strings of up to 4 MiB, so no request or reply comes near
either, and `capture-output` (up to 16 MiB per stream in one reply) is for what is known to print little.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.clock import Deadline
from lab.errors import ChannelError
from lab.guest.channel import GuestAgentError

Transport = Callable[[dict[str, Any], float], Any]
"""Sends one request, waits so many seconds, returns the `return` member of the reply.

Must be safe to call from several threads (requests are answered one after the other), must raise
GuestAgentError where the agent refused and another ChannelError where no answer came.
"""

LEAST_REQUEST_S = 2.0
"""A request is given this long even just before a deadline: cutting it off costs a new handshake
with the agent (libvirt's guest-sync), which is dearer than the wait."""

NTSTATUS_ERROR = 0xC0000000


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has ended, and what it printed where the agent captured that."""

    code: int
    """Negative for a death by signal."""
    stdout: bytes = b""
    stderr: bytes = b""


class AgentPort:
    """The agent's requests as methods.

    :param request_s: an answer that takes longer than this means that the agent is gone.
    """

    def __init__(self, transport: Transport, request_s: float) -> None:
        self._transport = transport
        self._request_s = request_s

    def ask(self, execute: str, deadline: Deadline, **arguments: Any) -> Any:
        """One request; `_` in argument names stands for `-`.

        :raise ChannelError: as the transport does.
        """
        request: dict[str, Any] = {"execute": execute}
        if arguments:
            request["arguments"] = {name.replace("_", "-"): value for name, value in arguments.items()}
        return self._transport(request, max(LEAST_REQUEST_S, min(self._request_s, deadline.left_s)))

    def allowed(self, deadline: Deadline) -> tuple[str, frozenset[str]]:
        """The agent's version and the requests it is willing to serve."""
        info = self.ask("guest-info", deadline)
        names = (entry["name"] for entry in info["supported_commands"] if entry["enabled"])
        return str(info.get("version", "?")), frozenset(names)

    def open(self, path: str, mode: str, deadline: Deadline) -> int:
        """A handle; `mode` as for C's fopen."""
        return int(self.ask("guest-file-open", deadline, path=path, mode=mode))

    def read(self, handle: int, count: int, deadline: Deadline) -> tuple[bytes, bool]:
        """Up to `count` bytes, and whether this was the end for now.

        The agent clears the end-of-file mark after each read, so a file that grows can be read on.
        """
        answer = self.ask("guest-file-read", deadline, handle=handle, count=count)
        return base64.b64decode(answer.get("buf-b64") or ""), bool(answer["eof"])

    def write(self, handle: int, data: bytes, deadline: Deadline) -> None:
        """Write all of `data`.

        :raise ChannelError: also when the agent wrote less.
        """
        text = base64.b64encode(data).decode("ascii")
        answer = self.ask("guest-file-write", deadline, handle=handle, buf_b64=text)
        if answer["count"] != len(data):
            desc = f"wrote {answer['count']} of {len(data)} bytes"
            raise GuestAgentError("GenericError", desc, request="guest-file-write")

    def close(self, handle: int, deadline: Deadline) -> None:
        self.ask("guest-file-close", deadline, handle=handle)

    def start(
        self,
        argv: list[str],
        stdin: bytes,
        deadline: Deadline,
        *,
        path: str = "/bin/sh",
        capture: bool = False,
    ) -> int:
        """Start `path` with `argv`; its pid.

        :param capture: the agent keeps the output until the end; that is then not seen before whatever the
            process left in the background has closed it too.
        """
        more: dict[str, Any] = {"input_data": base64.b64encode(stdin).decode("ascii")} if stdin else {}
        if capture:
            more["capture_output"] = True
        return int(self.ask("guest-exec", deadline, path=path, arg=argv, **more)["pid"])

    def ended(self, pid: int, deadline: Deadline) -> Ended | None:
        """None while it runs. The agent tells the end only once.

        Windows has no signals: there the agent calls codes from 0xC0000000 on (NTSTATUS) so, as a number
        below zero (qga/commands.c), and they are returned as Windows has them.
        """
        status = self.ask("guest-exec-status", deadline, pid=pid)
        if not status["exited"]:
            return None
        code = int(status.get("exitcode", 0))
        if "signal" in status:
            number = int(status["signal"])
            code = number & 0xFFFFFFFF if number < 0 or number >= NTSTATUS_ERROR else -number
        printed = (base64.b64decode(status.get(name) or "") for name in ("out-data", "err-data"))
        return Ended(code, *printed)

    def exit_code(self, pid: int, deadline: Deadline) -> int | None:
        """Of a process that has ended; None while it runs."""
        ended = self.ended(pid, deadline)
        return None if ended is None else ended.code


def quietly(act: Callable[[], object]) -> str:
    """Do something that may fail without consequence; the failure's words, or ""."""
    try:
        act()
    except ChannelError as error:
        return str(error)
    return ""
