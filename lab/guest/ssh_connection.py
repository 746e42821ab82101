"""One authenticated SSH connection to a guest whose host key is known beforehand.

Owns the handshake and gives each way in which it fails a type and a hint. Accepts exactly one host
key and one client key: no known_hosts file, no agent, no passwords, no questions.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import logging
import signal
import socket
import threading
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.common import MSG_CHANNEL_REQUEST

from lab.clock import Deadline
from lab.errors import InputError
from lab.guest.channel import Refused, Unavailable

# Without any handler Python prints paramiko's tracebacks of refused handshakes on stderr;
# the typed errors below carry what matters.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class SshRefused(Unavailable):
    """Nothing listens at the guest's SSH port."""


class SshSilent(Unavailable):
    """The port took the connection, but no SSH server answered in time (it may still be starting)."""


class SshKeyRefused(Refused):
    """The server answered and did not accept the lab's key."""


class SshHostKeyMismatch(Refused):
    """The server proved to be another one than the image's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a guest's SSH server is and what proves both sides to each other.

    :param host_key: one public key line, `ssh-ed25519 AAAA... comment`.
    """

    host: str
    port: int
    user: str
    key: Path
    host_key: str

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"


def fingerprint(blob: bytes) -> str:
    """As `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


def parse_host_key(line: str) -> tuple[str, bytes]:
    """The key type and the key of a public key or known_hosts line.

    :raise InputError: it is neither.
    """
    words = line.split()
    for kind, text in itertools.pairwise(words):
        if kind.startswith(("ssh-", "ecdsa-")):
            try:
                return kind, base64.b64decode(text, validate=True)
            except binascii.Error:
                break
    raise InputError(f"host key {line!r}: not a public key (wanted 'ssh-ed25519 AAAA...')")


class Connection(paramiko.Transport):
    """A transport that also hears of deaths by signal, which paramiko's own ignores."""

    def __init__(self, sock: socket.socket, timeout_s: float) -> None:
        super().__init__(sock)
        self.exit_codes: dict[int, int] = {}
        """Exit code by channel number; negative for a signal, absent until it is known."""
        # paramiko's own limits (15 s) are too short for emulated guests.
        self.banner_timeout = timeout_s
        self.handshake_timeout = timeout_s
        self.auth_timeout = timeout_s
        self._channel_handler_table = {  # a class attribute of paramiko's, overridden per object
            **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined] # noqa: SLF001 - see _on_request
            MSG_CHANNEL_REQUEST: self._on_request,
        }

    def _on_request(self, channel: paramiko.Channel, message: paramiko.Message) -> None:
        """RFC 4254 6.10: `exit-signal` comes instead of `exit-status`; no public hook exists."""
        kind = message.get_text()
        message.get_boolean()
        if kind == "exit-signal":
            self.exit_codes[channel.get_id()] = -_signal_number(message.get_text())
            channel.status_event.set()
            return
        if kind == "exit-status":
            self.exit_codes[channel.get_id()] = message.get_int()
        message.rewind()
        message.get_int()  # the channel number, which the dispatcher had read
        channel._handle_request(message)  # type: ignore[attr-defined] # noqa: SLF001


def _signal_number(name: str) -> int:
    """9 for `KILL`; SIGABRT's number for names that this host does not know (RFC: `sig@domain`)."""
    return int(getattr(signal, f"SIG{name.partition('@')[0]}", signal.SIGABRT))


def connect(where: Endpoint, timeout_s: float) -> Connection:
    """Connect, check the host key, authenticate; all of it within `timeout_s`.

    :raise SshRefused, SshSilent, SshHostKeyMismatch, SshKeyRefused: see there.
    :raise Unavailable: the lab's own key cannot be read.
    """
    kind, pinned = parse_host_key(where.host_key)
    key = _client_key(where.key)
    deadline = Deadline.after(timeout_s)
    connection = Connection(_tcp(where, timeout_s), timeout_s)
    try:
        _negotiate(connection, where, kind, deadline)
        _check_host_key(connection, where, kind, pinned)
        _authenticate(connection, where, key, deadline)
    except BaseException:
        connection.close()
        raise
    return connection


def _client_key(path: Path) -> paramiko.PKey:
    try:
        return paramiko.PKey.from_path(path)
    except (OSError, ValueError, paramiko.SSHException) as error:
        hint = "`lab image build` makes the key and puts it into images"
        raise Unavailable(f"ssh key {str(path)!r}: cannot be read: {error}", hint=hint) from error


def _tcp(where: Endpoint, timeout_s: float) -> socket.socket:
    try:
        return socket.create_connection((where.host, where.port), timeout=timeout_s)
    except ConnectionRefusedError as error:
        hint = "sshd does not run in the guest, or the machine's port is not forwarded"
        raise SshRefused(f"SSH to {where}: connection refused", hint=hint) from error
    except TimeoutError as error:
        raise SshSilent(f"SSH to {where}: no connection in {timeout_s:.1f} s") from error
    except OSError as error:
        raise SshRefused(f"SSH to {where}: {error.strerror or error}") from error


def _negotiate(connection: Connection, where: Endpoint, kind: str, deadline: Deadline) -> None:
    """Exchange keys, asking for the pinned key's type first: servers hold several host keys."""
    options = connection.get_security_options()
    offered = tuple(options.key_types)
    stem = "rsa-" if kind == "ssh-rsa" else kind
    options.key_types = tuple(sorted(offered, key=lambda name: not name.startswith(stem)))
    negotiated = threading.Event()
    connection.start_client(event=negotiated)
    negotiated.wait(deadline.left_s)
    if connection.is_active() and negotiated.is_set():
        return
    error = connection.get_exception()
    why = f"no SSH handshake: {error}" if error else "no SSH handshake before the deadline"
    hint = "the guest may still be starting, or its sshd is stuck; see its serial console"
    raise SshSilent(f"SSH to {where}: {why}", hint=hint) from error


def _check_host_key(connection: Connection, where: Endpoint, kind: str, pinned: bytes) -> None:
    got = connection.get_remote_server_key()
    if got.asbytes() == pinned:
        return
    raise SshHostKeyMismatch(
        f"SSH to {where}: host key is {got.get_name()} {fingerprint(got.asbytes())} "
        f"(wanted {kind} {fingerprint(pinned)})",
        hint="something else listens at this port, or the image was rebuilt: `lab image show` has its key",
    )


def _authenticate(connection: Connection, where: Endpoint, key: paramiko.PKey, deadline: Deadline) -> None:
    refused = SshKeyRefused(
        f"SSH refused the key: {where} does not accept {key.get_name()} {fingerprint(key.asbytes())}",
        hint="the image holds another key; `lab image rm` and `lab image build` put the lab's own into it",
    )
    try:
        connection.auth_publickey(where.user, key)
    except paramiko.AuthenticationException as error:
        if deadline.passed:
            raise SshSilent(f"SSH to {where}: no answer to the key in time") from error
        raise refused from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise SshSilent(f"SSH to {where}: connection ended while authenticating: {error}") from error
    if not connection.is_authenticated():
        raise refused
