"""Host processes: every one has a deadline, its own process group and an owner that ends it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.clock import Stopwatch
from lab.errors import HostError, InfraError


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A command that ended; a non-zero exit code is a value, not an exception.

    `exit_code` is negative for a death by signal, on the host and over every guest channel alike.
    """

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""
    duration_s: float = 0.0
    command: str = ""

    @property
    def ok(self) -> bool:
        return self.exit_code == 0

    @property
    def text(self) -> str:
        """stdout as text, undecodable bytes replaced, outer white space removed."""
        return self.stdout.decode("utf-8", "replace").strip()

    @property
    def error_text(self) -> str:
        """stderr as text, or stdout when stderr is empty."""
        return (self.stderr or self.stdout).decode("utf-8", "replace").strip()


class CommandTimeout(InfraError):
    """A host command was ended at its deadline."""


def run(
    argv: Sequence[str | Path],
    *,
    timeout_s: float,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Completed:
    """Run a host command to its end.

    :param on_line: called with each line of the merged output while the command runs; stdout then
        holds the merged output and stderr is empty.
    :raise HostError: the program is not installed.
    :raise CommandTimeout: the deadline passed; the whole process group was killed.
    """
    words = [str(word) for word in argv]
    watch = Stopwatch()
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if on_line else subprocess.PIPE,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        hint = f"install the package that has {words[0]!r}; `lab doctor` names it"
        raise HostError(f"{words[0]!r}: no such program on this host", hint=hint) from error
    try:
        if on_line is None:
            out, err = process.communicate(input=stdin, timeout=timeout_s)
        else:
            out, err = _stream(process, timeout_s, on_line), b""
    except subprocess.TimeoutExpired as error:
        kill_group(process.pid)
        process.wait()
        raise CommandTimeout(f"{words[0]!r} did not end in {timeout_s:.0f} s") from error
    except BaseException:
        kill_group(process.pid)
        process.wait()
        raise
    return Completed(
        exit_code=process.returncode,
        stdout=out,
        stderr=err,
        duration_s=watch.t_s,
        command=" ".join(words),
    )


def _stream(process: subprocess.Popen[bytes], timeout_s: float, on_line: Callable[[str], None]) -> bytes:
    """Hand out lines as they come; a timer kills the group so that a silent command ends too."""
    import threading

    expired = threading.Event()

    def expire() -> None:
        expired.set()
        kill_group(process.pid)

    timer = threading.Timer(timeout_s, expire)
    timer.daemon = True
    timer.start()
    lines: list[bytes] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            on_line(line.decode("utf-8", "replace").rstrip())
        process.wait()
    finally:
        timer.cancel()
        if process.stdout is not None:
            process.stdout.close()
    if expired.is_set():
        raise subprocess.TimeoutExpired(process.args, timeout_s)
    return b"".join(lines)


def kill_group(pid: int) -> None:
    """SIGKILL the process group led by `pid`; silent when it is gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def checked(
    argv: Sequence[str | Path], *, timeout_s: float, what: str, stdin: bytes | None = None
) -> Completed:
    """`run`, where a non-zero exit code is the lab's own failure.

    :raise InfraError: with `what`, the exit code and the last line of the command's own words.
    """
    done = run(argv, timeout_s=timeout_s, stdin=stdin)
    if not done.ok:
        last = (done.error_text.splitlines() or ["no output"])[-1]
        raise InfraError(f"{what}: {str(argv[0])!r} exited with {done.exit_code}: {last}")
    return done
