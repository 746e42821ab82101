"""SSH to Windows: commands as everywhere, files by the server's own file service (SFTP).

Owns how files go there and back. Works with cmd.exe and with PowerShell as the server's default shell, since
what is sent means the same to both. Modes are ignored: Windows has none.
"""

from __future__ import annotations

import contextlib
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import paramiko

from lab.clock import Deadline
from lab.guest.channel import ChannelLost, GuestCommandTimeout, GuestFileError, Unavailable
from lab.guest.source import Source
from lab.guest.ssh_channel import BROKEN, PIECE, NotBegun, SshChannel
from lab.guest.windows import files, paths
from lab.guest.windows.dialect import WINDOWS

PREFETCH = 1 << 15
"""Bytes per request to read; sftp-server answers no larger ones whole."""
ENDING_S = 5.0
"""For the end of the file service's process, once it has nothing to do any more."""
Result = TypeVar("Result")


class WindowsSshChannel(SshChannel):
    """As `SshChannel`, for Win32-OpenSSH (part of Windows since 10 1809 and Server 2019)."""

    def __init__(
        self, host: str, port: int, user: str, key: Path, host_key: str, connect_timeout_s: float = 30.0
    ) -> None:
        super().__init__(host, port, user, key, host_key, connect_timeout_s, dialect=WINDOWS)

    def put(self, source: bytes | Path, to: str, *, mode: int = 0o644, timeout_s: float) -> None:  # noqa: ARG002
        """See `Channel.put`; `mode` is ignored."""
        wanted, deadline = Source.of(source), Deadline.after(timeout_s)
        to = paths.checked(to)
        part = paths.part_of(to, secrets.token_hex(4))
        self._files("put", to, timeout_s, deadline, lambda sftp: _write(sftp, wanted, part, deadline))
        install = files.install(part, to, wanted.size, wanted.sha256)
        try:
            done = self._run(install, f"put {to}", max(deadline.left_s, 1.0), iter(()), None)
        except Unavailable as error:
            raise ChannelLost(f"channel 'ssh' died while {to!r} was put: {error}") from error
        if not done.ok:
            raise GuestFileError(to, done.error_text)

    def get(self, path: str, *, timeout_s: float) -> bytes:
        """See `Channel.get`."""
        path, deadline = paths.checked(path), Deadline.after(timeout_s)
        return self._files("get", path, timeout_s, deadline, lambda sftp: _read(sftp, path, deadline))

    def _files(
        self,
        verb: str,
        path: str,
        timeout_s: float,
        deadline: Deadline,
        act: Callable[[paramiko.SFTPClient], Result],
    ) -> Result:
        """Do something over a session of the file service, and name its failures."""
        return self._insist(deadline, lambda: self._in_session(verb, path, timeout_s, deadline, act))

    def _in_session(
        self,
        verb: str,
        path: str,
        timeout_s: float,
        deadline: Deadline,
        act: Callable[[paramiko.SFTPClient], Result],
    ) -> Result:
        connection, session = self._session(deadline)
        limit_s = deadline.left_s + 2.0
        try:
            with self._bounded(connection, session, limit_s), self._sftp(session, deadline) as sftp:
                try:
                    return act(sftp)
                except OSError as error:
                    # SFTP's own answers come so: an errno of ours where it has one, else its words.
                    if not connection.is_active():
                        raise
                    raise GuestFileError(path, error.strerror or str(error)) from error
        except _Late as late:
            raise GuestCommandTimeout(f"{verb} {path!r} ({late})", timeout_s) from late
        except BROKEN as error:
            raise self._broken(verb, path, timeout_s, deadline, error) from error

    @contextlib.contextmanager
    def _sftp(self, session: paramiko.Channel, deadline: Deadline) -> Iterator[paramiko.SFTPClient]:
        """The file service, and its end as `sftp` ends it: no more requests come, and its process is gone.

        Closing the session under it would leave the process behind for a while, and in Windows with it the
        handles of its files.

        :raise NotBegun: the server does not start it.
        """
        try:
            session.invoke_subsystem("sftp")
            sftp = paramiko.SFTPClient(session)
        except BROKEN as error:
            hint = "sshd_config wants the line: Subsystem sftp sftp-server.exe"
            raise NotBegun(f"SSH to {self.endpoint}: no file service: {error}", hint=hint) from error
        with contextlib.closing(sftp):
            try:
                yield sftp
            except Exception:
                _end(session, deadline)
                raise
            _end(session, deadline)

    def _broken(
        self, verb: str, path: str, timeout_s: float, deadline: Deadline, error: Exception
    ) -> ChannelLost | GuestCommandTimeout:
        reason = str(error) or "the connection ended"
        if deadline.passed:
            return GuestCommandTimeout(f"{verb} {path!r}", timeout_s, note=f"and the channel died: {reason}")
        return ChannelLost(f"channel 'ssh' died in {verb} of {path!r}: {reason}")


def _end(session: paramiko.Channel, deadline: Deadline) -> None:
    """Wait until the file service's process has ended; how is of no interest."""
    with contextlib.suppress(*BROKEN):
        session.shutdown_write()
        session.status_event.wait(min(ENDING_S, max(deadline.left_s, 1.0)))


class _Late(Exception):
    """The deadline passed between two pieces."""


def _in_time(deadline: Deadline, how_far: str, *, ended: bool = False) -> None:
    """:raise _Late: the deadline has passed."""
    if deadline.passed and not ended:
        raise _Late(how_far)


def _write(sftp: paramiko.SFTPClient, wanted: Source, part: str, deadline: Deadline) -> None:
    sent = 0
    try:
        with sftp.open(paths.sftp(part), "wb") as file:
            file.set_pipelined(True)
            for piece in wanted.pieces(PIECE):
                file.write(piece)
                sent += len(piece)
                _in_time(deadline, f"{sent} of {wanted.size} bytes sent", ended=sent == wanted.size)
    except (_Late, OSError):
        with contextlib.suppress(OSError, *BROKEN):
            sftp.remove(paths.sftp(part))
        raise


def _read(sftp: paramiko.SFTPClient, path: str, deadline: Deadline) -> bytes:
    content, name = bytearray(), paths.sftp(path)
    found = sftp.stat(name).st_mode
    if found is not None and stat.S_ISDIR(found):
        raise IsADirectoryError(21, "is a directory")
    with sftp.open(name, "rb") as file:
        file.prefetch(max_concurrent_requests=16)
        while piece := file.read(PREFETCH):
            content += piece
            _in_time(deadline, f"{len(content)} bytes read")
    return bytes(content)
