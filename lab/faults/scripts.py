"""Faults that are made in the guest by a script: texts for its shell, and the one way to run them.

A script gets its values as variables and answers in `key=value` lines; what `inject` answers is handed on
to `prove` and `undo`, so nothing is remembered in the guest. `proof` and `undone` are sentences for the
recording. Everything for Linux works in dash and busybox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.agents import keyvalues
from lab.faults.fault import FaultError
from lab.faults.kind import Value, Values
from lab.faults.subject import Subject
from lab.guest.channel import Command
from lab.guest.windows.quoting import powershell
from lab.model import Family
from lab.proc import Completed

POSIX = 'for pair; do export "$pair"; done\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripts:
    """One fault on one family. Exit code 0: done; of `prove`: the effect is there."""

    inject: str
    prove: str
    undo: str


class Scripted:
    """A fault that is nothing but scripts."""

    in_guest = True

    def __init__(self, subject: Subject, values: Values, scripts: Mapping[Family, Scripts]) -> None:
        self.subject = subject
        self.scripts = scripts[subject.family]
        self.state = {name: _plain(value) for name, value in values.items()}
        self.state["dir"] = subject.agent_dir

    def inject(self) -> None:
        self.state |= run_script(self.subject, self.scripts.inject, self.state)

    def prove(self) -> str:
        return run_script(self.subject, self.scripts.prove, self.state, may_fail=True).get("proof", "")

    def undo(self) -> str:
        return run_script(self.subject, self.scripts.undo, self.state).get("undone", "")


def run_script(
    subject: Subject, script: str, values: Mapping[str, str], *, may_fail: bool = False
) -> dict[str, str]:
    """What a script answers.

    :param may_fail: a non-zero exit code is an answer: none.
    :raise FaultError: it ended with another exit code than 0.
    :raise ChannelError: the guest does not answer.
    """
    command = _windows(script, values) if subject.family is Family.WINDOWS else _posix(script, values)
    done = subject.guest.run(command)
    if done.ok:
        return keyvalues.parse(done.text)
    if may_fail:
        return {}
    raise _failed(done)


def succeed(subject: Subject, command: Command) -> None:
    """Run a probe of the lab's own: that it fails is never the product's fault.

    :raise FaultError: it ended with another exit code than 0.
    """
    done = subject.guest.run(command)
    if not done.ok:
        raise _failed(done)


def _failed(done: Completed) -> FaultError:
    words = (done.error_text.strip() or done.text.strip() or "no output").splitlines()[-1]
    return FaultError(f"a fault's own script ended with {done.exit_code} in the guest: {words}")


def _posix(script: str, values: Mapping[str, str]) -> list[str]:
    return ["/bin/sh", "-c", POSIX + script, "fault", *(f"{name}={value}" for name, value in values.items())]


def _windows(script: str, values: Mapping[str, str]) -> str:
    """Text for the guest's dialect, which runs it in PowerShell and stops at its first error."""
    return "\n".join([*(f"${name} = {powershell(value)}" for name, value in values.items()), script])


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return value if isinstance(value, str) else f"{value:.0f}" if value == int(value) else f"{value}"
