"""The channel over WinRM (WS-Management over HTTPS): the way into a Windows guest beside the agent and SSH.

Owns sessions, deadlines and the guest's certificate, which is pinned by its SHA-1 thumbprint as Windows names
it: nothing else about it is believed. Each operation has a connection and a shell of its own. Refuses to send
anything twice. A program that prints much before it has read its input stands still until the deadline, since
WinRM takes all of the input first.
"""

from __future__ import annotations

import contextlib
import math
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from pypsrp.exceptions import AuthenticationError, WinRMError, WSManFaultError
from pypsrp.shell import CommandState, Process, SignalCode, WinRS
from pypsrp.wsman import NAMESPACES, WSMan, WSManAction
from requests.adapters import HTTPAdapter

from lab.clock import Deadline, Stopwatch
from lab.errors import ChannelError
from lab.guest.channel import (
    ChannelLost,
    Command,
    GuestCommandTimeout,
    GuestFileError,
    OutputSink,
    Refused,
    Unavailable,
    quoted,
)
from lab.guest.source import Source
from lab.guest.windows import files, launch, paths
from lab.proc import Completed

UTF8 = 65001
PIECE = 64 << 10
"""Bytes of input per message: base64 makes 87 kB of it, below the envelope of 150 KiB that servers take."""
REQUEST_S = 20.0
POLL_S = 5
"""Seconds that the guest holds a question for output before it answers that there is none."""
GRACE_S = 5.0
NETWORK = (requests.RequestException, OSError)
BROKEN = (WinRMError, *NETWORK)


class WinRmRefused(Refused):
    """The service answered and does not accept the account."""


class WinRmCertificateMismatch(Refused):
    """The service has another certificate than the image's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WinRmEndpoint:
    """Where a guest's WinRM is and what proves both sides to each other.

    :param thumbprint: of the certificate: SHA-1, 40 hexadecimal digits.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    thumbprint: str

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"


class WinRmChannel:
    """Commands and files over WinRM.

    :param connect_timeout_s: for TCP and TLS.
    """

    name = "winrm"

    def __init__(self, endpoint: WinRmEndpoint, connect_timeout_s: float = 30.0) -> None:
        self.endpoint = endpoint
        self._connect_timeout_s = connect_timeout_s

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
        what = launch.readable(command)
        return self._run(launch.order(command), what, timeout_s, Source.of(stdin).pieces(PIECE), on_output)

    def put(self, source: bytes | Path, to: str, *, mode: int = 0o644, timeout_s: float) -> None:  # noqa: ARG002
        """See `Channel.put`; `mode` is ignored."""
        wanted, to = Source.of(source), paths.checked(to)
        part = paths.part_of(to, secrets.token_hex(4))
        receive = launch.order(files.receive(part, to, wanted.size, wanted.sha256))
        try:
            done = self._run(receive, f"put {to}", timeout_s, wanted.pieces(PIECE), None)
        except GuestCommandTimeout:
            with contextlib.suppress(ChannelError):
                self._run(launch.order(files.remove(part)), f"remove {part}", GRACE_S, (), None)
            raise
        if not done.ok:
            raise GuestFileError(to, done.error_text)

    def get(self, path: str, *, timeout_s: float) -> bytes:
        """See `Channel.get`."""
        done = self._run(launch.order(files.send(path)), f"get {path}", timeout_s, (), None)
        if not done.ok:
            raise GuestFileError(path, done.error_text)
        return done.stdout

    def ping(self, timeout_s: float) -> None:
        """See `Channel.ping`. The service tells its configuration; no process is made."""
        with self._connected(Deadline.after(timeout_s)) as wsman:
            wsman.get_server_config()

    def close(self) -> None:
        """Nothing is kept between operations."""

    def _run(
        self,
        order: bytes,
        what: str,
        timeout_s: float,
        stdin: Iterable[bytes],
        on_output: OutputSink | None,
    ) -> Completed:
        watch, deadline = Stopwatch(), Deadline.after(timeout_s)
        with self._connected(deadline) as wsman:
            shell = WinRS(wsman, codepage=UTF8, no_profile=True, working_directory="C:\\")
            shell.open()
            running = _Running(Process(shell, launch.line()), on_output)
            with _closing(shell):
                try:
                    running.process.begin_invoke()
                    running.send(order, stdin, deadline)
                    ended = running.follow(deadline)
                except BROKEN as error:
                    raise running.died(what, timeout_s, deadline, error) from error
                if not ended:
                    note = running.kill()
                    raise running.timeout(what, timeout_s, note)
        return Completed(
            exit_code=(running.process.rc or 0) & 0xFFFFFFFF,
            stdout=running.process.stdout,
            stderr=running.process.stderr,
            duration_s=watch.t_s,
            command=what,
        )

    @contextlib.contextmanager
    def _connected(self, deadline: Deadline) -> Iterator[WSMan]:
        """The service, spoken to anew. What fails while nothing was started is named here.

        :raise Unavailable: it does not answer.
        :raise Refused: it does, and does not let the lab in, or is another one.
        """
        request_s = max(1.0, min(REQUEST_S, deadline.left_s))
        wsman = _Wsman(self.endpoint, request_s, min(self._connect_timeout_s, request_s))
        try:
            yield wsman
        except ChannelError:
            raise
        except AuthenticationError as error:
            hint = "the image holds another account; `lab image rm` and `lab image build` make a new one"
            raise WinRmRefused(f"WinRM refused the account: {self.endpoint}", hint=hint) from error
        except requests.exceptions.SSLError as error:
            raise self._certificate(error) from error
        except WSManFaultError as error:
            raise Unavailable(f"WinRM of {self.endpoint}: {error.reason or error.code}") from error
        except BROKEN as error:
            raise Unavailable(f"WinRM of {self.endpoint} does not answer: {_brief(error)}") from error
        finally:
            wsman.close()

    def _certificate(self, error: Exception) -> ChannelError:
        if "fingerprint" not in str(error).lower():
            return Unavailable(f"WinRM of {self.endpoint}: no TLS: {_brief(error)}")
        return WinRmCertificateMismatch(
            f"WinRM of {self.endpoint}: certificate is not {self.endpoint.thumbprint.lower()}",
            hint="something else listens at this port, or the image was rebuilt: `lab image show` has its"
            " thumbprint",
        )


class _Wsman(WSMan):
    """pypsrp's client with a pinned certificate, that never asks for the same output twice."""

    def __init__(self, where: WinRmEndpoint, request_s: float, connect_s: float) -> None:
        super().__init__(
            where.host,
            port=where.port,
            username=where.user,
            password=where.password,
            ssl=True,
            auth="negotiate",
            cert_validation=False,
            encryption="never",  # by WinRM itself, below TLS
            no_proxy=True,
            operation_timeout=max(1, math.floor(request_s)),
            read_timeout=math.ceil(request_s) + 2,
            connection_timeout=math.ceil(connect_s),
        )
        session: requests.Session = self.transport._build_session()  # noqa: SLF001 - nothing else makes it
        session.mount("https://", _Pinned(where.thumbprint))
        session.trust_env = False
        self.transport.session = session

    def receive(
        self,
        resource_uri: str,
        resource: Any,
        option_set: Any = None,
        selector_set: Any = None,
        timeout: int | None = None,
    ) -> Any:
        """Without pypsrp's five repetitions: what a lost answer held is lost, and the deadline is ours."""
        answer = self.invoke(WSManAction.RECEIVE, resource_uri, resource, option_set, selector_set, timeout)
        return answer.find("s:Body", NAMESPACES)


class _Pinned(HTTPAdapter):
    """Accepts one certificate, by its thumbprint."""

    def __init__(self, thumbprint: str) -> None:
        self._thumbprint = thumbprint
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, assert_fingerprint=self._thumbprint, **kwargs)


@dataclass(slots=True)
class _Running:
    """A command that may have been started."""

    process: Process
    on_output: OutputSink | None

    def send(self, order: bytes, stdin: Iterable[bytes], deadline: Deadline) -> None:
        """All of the input, and its end. A command that ended without reading it is followed all the same."""
        pending = order
        with contextlib.suppress(WSManFaultError):
            for piece in stdin:
                if deadline.passed:
                    return
                for start in range(0, len(pending), PIECE):
                    self.process.send(pending[start : start + PIECE], end=False)
                pending = piece
            starts = range(0, max(len(pending), 1), PIECE)
            for start in starts:
                self.process.send(pending[start : start + PIECE], end=start == starts[-1])

    def follow(self, deadline: Deadline) -> bool:
        """Take output until the command has ended; False at the deadline."""
        while self.process.state != CommandState.DONE:
            if deadline.passed:
                return False
            self._poll(deadline)
        return True

    def kill(self) -> str:
        """End it with everything it started; why it may live on, or ""."""
        grace = Deadline.after(GRACE_S)
        try:
            self.process.signal(SignalCode.TERMINATE)
            while self.process.state != CommandState.DONE and not grace.passed:
                self._poll(grace)
        except WSManFaultError:
            return ""  # the shell has forgotten the command: it is gone
        except BROKEN as error:
            return f"it could not be killed: {_brief(error)}"
        return "" if self.process.state == CommandState.DONE else "it did not end when it was killed"

    def died(self, what: str, timeout_s: float, deadline: Deadline, error: Exception) -> ChannelError:
        reason = _brief(error)
        if deadline.passed:
            return self.timeout(what, timeout_s, f"and the channel died: {reason}")
        return ChannelLost(
            f"channel 'winrm' died while {quoted(what)} ran in the guest: {reason}",
            stdout=self.process.stdout,
            stderr=self.process.stderr,
        )

    def timeout(self, what: str, timeout_s: float, note: str) -> GuestCommandTimeout:
        return GuestCommandTimeout(
            quoted(what), timeout_s, stdout=self.process.stdout, stderr=self.process.stderr, note=note
        )

    def _poll(self, deadline: Deadline) -> None:
        out, err = len(self.process.stdout), len(self.process.stderr)
        self.process.poll_invoke(timeout=max(1, min(POLL_S, math.floor(deadline.left_s))))
        if self.on_output and len(self.process.stdout) > out:
            self.on_output("stdout", self.process.stdout[out:])
        if self.on_output and len(self.process.stderr) > err:
            self.on_output("stderr", self.process.stderr[err:])


@contextlib.contextmanager
def _closing(shell: WinRS) -> Iterator[None]:
    """Closing the shell ends what still runs in it; whether it closes changes nothing about the result."""
    try:
        yield
    finally:
        with contextlib.suppress(*BROKEN):
            shell.close()


def _brief(error: BaseException) -> str:
    """The innermost reason: requests and urllib3 wrap it in several layers of their own words."""
    inner: BaseException = error
    while (deeper := inner.__cause__ or inner.__context__) is not None:
        inner = deeper
    return str(inner) or type(inner).__name__
