"""The operating system inside a machine, as scenarios and agent operations use it.

Owns the choice of the channel, the recording of what was run, and reboots. Refuses to judge: a
non-zero exit code is a value, a guest that stays silent is a timeout, and what either means is
read from the recording. Nothing that a guest may have begun is begun a second time.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from lab.clock import Deadline, Stopwatch
from lab.errors import ChannelError
from lab.guest.channel import (
    Channel,
    ChannelLost,
    Command,
    GuestCommandTimeout,
    GuestFileError,
    OutputSink,
    Refused,
    Unavailable,
    quoted,
)
from lab.guest.dialect import POSIX, Dialect
from lab.guest.facts import Facts
from lab.guest.transcript import kept
from lab.guest.waking import wake
from lab.log import redact
from lab.model import CommandRun, Expectation, MachineEvent, Observation, Step, Timeouts
from lab.proc import Completed
from lab.waiting import WaitTimeout, wait_for

Answer = TypeVar("Answer")

PROBE_SHARE = 1 / 12
"""Share of `command_s` that a look for a sign of life may take (5 s of 60 s); scales with the host."""
LOOK_AGAIN_S = 0.5
LOOK_SOON_S = 0.02
"""The first pause. A guest that is there and was only out of reach (a clone, a restored one) answers as soon
as libvirt sees its agent's port open."""


class CommandFailed(Exception):
    """`run(..., check=True)` met a non-zero exit code: the guest's doing, not the lab's."""

    def __init__(self, done: Completed) -> None:
        last = (done.error_text.splitlines() or ["no output"])[-1]
        super().__init__(f"{quoted(done.command)}: exit code {done.exit_code} in the guest: {last}")
        self.done = done


class Rewinder(Protocol):
    """What can put a whole guest back in time: `lab.machine.machine.Machine`."""

    def checkpoint(self, name: str) -> None: ...

    def restore(self, name: str) -> None: ...


class _Final(Exception):
    """Carries a refusal past a wait that takes every ChannelError for "not yet"."""

    def __init__(self, error: ChannelError) -> None:
        super().__init__(str(error))
        self.error = error


class Guest:
    """A guest reached over `channels`, most trusted first.

    One channel serves until it fails; then the first that answers takes over for what is begun
    after that, and the recording says so. Channels may be used beside it by other threads.

    :param record: called with each observation.
    :param timeouts: already scaled to the host.
    :param reboot_hook: reboots the guest from outside, instead of asking it; must return at once.
    :param rewinder: the machine, for `checkpoint` and `restore`.
    :param dialect: of the guest's operating system (lab.guest.dialects).
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        record: Callable[[Observation], None],
        clock: Stopwatch,
        timeouts: Timeouts,
        reboot_hook: Callable[[], None] | None = None,
        rewinder: Rewinder | None = None,
        *,
        dialect: Dialect = POSIX,
    ) -> None:
        if not channels:
            raise ValueError("guest: no channel (wanted at least one)")
        self.channels = tuple(channels)
        self._current: Channel = self.channels[0]
        self._doubted: Channel | None = None
        self._record = record
        self._clock = clock
        self._timeouts = timeouts
        self._reboot_hook = reboot_hook
        self._dialect = dialect
        self._rewinder = rewinder
        self._checkpoints = 0
        self._left_boot: str | None = None

    @property
    def channel(self) -> str:
        """Name of the channel in use."""
        return self._current.name

    def run(
        self,
        command: Command,
        timeout_s: float | None = None,
        check: bool = False,
        *,
        stdin: bytes = b"",
        on_output: OutputSink | None = None,
        brief: bool = False,
    ) -> Completed:
        """Run shell text, or a program with arguments, and record it.

        :param timeout_s: already scaled; the configured command timeout when None.
        :raise CommandFailed: `check` and a non-zero exit code.
        :raise ChannelError: see `Channel.run`; whatever it is, the command is recorded.
        """
        limit_s = self._timeouts.command_s if timeout_s is None else timeout_s
        watch, text = Stopwatch(), self._dialect.readable(command)
        try:
            done = self._over_a_channel(
                lambda channel: channel.run(
                    command, timeout_s=limit_s, stdin=stdin, on_output=on_output, brief=brief
                )
            )
        except (GuestCommandTimeout, ChannelLost) as error:
            noted = error.stderr + f"\n[{error}]".encode()
            self._record_run(text, None, error.stdout, noted, watch.t_s)
            raise
        except ChannelError as error:
            self._record_run(text, None, b"", f"[{error}]".encode(), watch.t_s)
            raise
        self._record_run(text, done.exit_code, done.stdout, done.stderr, done.duration_s)
        if check and not done.ok:
            raise CommandFailed(done)
        return done

    def put(
        self, source: bytes | Path, to: str, *, mode: int = 0o644, timeout_s: float | None = None
    ) -> None:
        """See `Channel.put`. Recorded as a command that carries no content."""
        limit_s = self._transfer_s if timeout_s is None else timeout_s
        self._transfer(f"put {to}", lambda channel: channel.put(source, to, mode=mode, timeout_s=limit_s))

    def get(self, path: str, *, timeout_s: float | None = None) -> bytes:
        """See `Channel.get`. Recorded as a command that carries no content."""
        limit_s = self._transfer_s if timeout_s is None else timeout_s
        return self._transfer(f"get {path}", lambda channel: channel.get(path, timeout_s=limit_s))

    def boot_id(self) -> str:
        """What tells this boot from every other. Not recorded: it is asked for often."""
        limit_s = self._timeouts.command_s
        return self._over_a_channel(lambda channel: self._dialect.boot_id(channel, limit_s))

    def facts(self) -> Facts:
        """The guest's own account of itself, of Windows a `WindowsFacts`; one command."""
        return self._dialect.parse_facts(self.run(self._dialect.facts, check=True).text)

    def crash_log(self, age_s: float) -> bytes | None:
        """What the guest has written down of crashes; None where its family keeps no such log.

        :raise ChannelError: it does not answer.
        :raise CommandFailed: it cannot read its log.
        """
        command = self._dialect.crash_log(age_s)
        if command is None:
            return None
        limit_s, probe_s = self._timeouts.command_s, self._probe_s

        def ask(channel: Channel) -> Completed:
            channel.ping(probe_s)
            return channel.run(command, timeout_s=limit_s)

        done = self._over_a_channel(ask)
        if not done.ok:
            raise CommandFailed(done)
        return done.stdout

    def wait_ready(self, timeout_s: float | None = None) -> None:
        """Wait until a channel answers and record `booted` with the seconds it took.

        :raise WaitTimeout: none did; the message has the last answer of each.
        :raise Refused: every channel was answered by a guest that does not let the lab in.
        """
        limit_s = self._timeouts.boot_s if timeout_s is None else timeout_s
        watch, probe_s = Stopwatch(), self._probe_s

        def answers(channel: Channel) -> bool:
            channel.ping(probe_s)
            return True

        self._first_to(answers, "answer of the guest", limit_s)
        self._step("booted", "end", boot_s=round(watch.t_s, 3), channel=self.channel)

    def reboot(self, wait: bool = True, timeout_s: float | None = None, *, reason: str = "scenario") -> None:
        """Reboot and, with `wait`, return when the new boot answers.

        The recording gets an Expectation before the guest is asked, so that the reset is not
        taken for a crash.

        :raise WaitTimeout: no new boot answered; the Expectation stays open, as it was not met.
        """
        self.declare_reboot(reason)
        self._ask_to_reboot()
        if wait:
            self.wait_rebooted(timeout_s)

    def declare_reboot(self, reason: str, *, boot_id: str = "") -> None:
        """Say that the present boot is about to end; `wait_rebooted` then waits for the next.

        :param boot_id: of the present boot, where the guest can no longer be asked.
        """
        self._left_boot = boot_id or self.boot_id()
        self._step("reboot", "start", reason=reason)
        self._record(Expectation(t_s=self._clock.t_s, what="reboot", begin=True, reason=reason))

    def withdraw_reboot(self) -> None:
        """The boot that `declare_reboot` announced does not come after all."""
        if self._left_boot is not None:
            self._left_boot = None
            self._record(Expectation(t_s=self._clock.t_s, what="reboot", begin=False))
            self._step("reboot", "end", "withdrawn")

    @property
    def rebooting(self) -> bool:
        """Whether a boot that was announced has not answered yet."""
        return self._left_boot is not None

    def wait_rebooted(self, timeout_s: float | None = None) -> None:
        """Wait for the boot that `reboot(wait=False)` or `declare_reboot` announced.

        :raise ValueError: no reboot was asked for.
        :raise WaitTimeout: see `reboot`.
        """
        left = self._left_boot
        if left is None:
            raise ValueError(
                "wait_rebooted: no reboot is under way (wanted reboot(wait=False) or declare_reboot before)"
            )
        limit_s = self._timeouts.reboot_s if timeout_s is None else timeout_s
        watch, probe_s = Stopwatch(), self._probe_s

        def new_boot(channel: Channel) -> str | None:
            found = self._dialect.boot_id(channel, probe_s)
            return None if found == left else found

        try:
            boot_id = self._first_to(new_boot, "new boot of the guest", limit_s)
        except WaitTimeout as error:
            self._step("reboot", "end", "failed", last=error.last)
            raise
        self._left_boot = None
        self._record(Expectation(t_s=self._clock.t_s, what="reboot", begin=False))
        seconds = round(watch.t_s, 3)
        self._step("reboot", "end", "completed", boot_s=seconds, boot_id=boot_id, channel=self.channel)

    def checkpoint(self) -> str:
        """Remember the whole guest, disk, RAM and devices, in about a second; a name for `restore`.

        :raise MachineError: the machine cannot (UEFI firmware), or QEMU refused.
        """
        self._checkpoints += 1
        name, watch = f"lab{self._checkpoints}", Stopwatch()
        self._rewind().checkpoint(name)
        self._step("checkpoint", "end", "completed", checkpoint=name, seconds=round(watch.t_s, 3))
        return name

    def restore(self, name: str, timeout_s: float | None = None) -> None:
        """Put the guest back to `checkpoint`, as often as wanted, and return when it answers.

        Connections into the guest are of the time before and end; its clock is set to now.

        :raise MachineError: there is no such checkpoint, or QEMU refused.
        :raise WaitTimeout: the guest does not answer.
        """
        limit_s = self._timeouts.boot_s if timeout_s is None else timeout_s
        watch, probe_s = Stopwatch(), self._probe_s
        self._record(Expectation(t_s=self._clock.t_s, what="silence", begin=True, reason="restore"))
        self._rewind().restore(name)
        self._record(MachineEvent(t_s=self._clock.t_s, name="restored", details={"checkpoint": name}))
        self.close()

        def answers(channel: Channel) -> bool:
            channel.ping(probe_s)
            return True

        self._first_to(answers, "answer of the restored guest", limit_s)
        wake(self, time.time, words=self._dialect.wake, generation="same")
        self._record(Expectation(t_s=self._clock.t_s, what="silence", begin=False))
        self._step("restore", "end", "completed", checkpoint=name, seconds=round(watch.t_s, 3))

    def _rewind(self) -> Rewinder:
        if self._rewinder is None:
            raise ValueError("guest: no machine to rewind (wanted a Guest made with a rewinder)")
        return self._rewinder

    def close(self) -> None:
        """Close every channel; the guest can still be used, on new connections."""
        for channel in self.channels:
            channel.close()

    @property
    def _transfer_s(self) -> float:
        """For files of any size that scenarios use; 100 MB over an emulated guest's agent fits."""
        return 3 * self._timeouts.command_s

    @property
    def _probe_s(self) -> float:
        return self._timeouts.command_s * PROBE_SHARE

    def _ask_to_reboot(self) -> None:
        if self._reboot_hook is not None:
            self._reboot_hook()
            return
        # The guest may go before it can say that it does; whether it did is seen by its new boot.
        with contextlib.suppress(ChannelLost, GuestCommandTimeout):
            self.run(self._dialect.reboot)

    def _first_to(
        self,
        act: Callable[[Channel], Answer | None],
        what: str,
        limit_s: float,
    ) -> Answer:
        """The first answer of any channel, which then becomes the one in use.

        The most trusted channel has the first quarter of the time for itself: while nothing
        listens in the guest, a try over the network hangs and would delay the sight of the agent.
        """
        others_from = Deadline.after(limit_s / 4)

        def look() -> Answer | None:
            nonlocal others_from
            tried = self.channels if others_from.passed else self.channels[:1]
            failures: list[tuple[Channel, ChannelError]] = []
            answer: Answer | None = None
            for channel in tried:
                try:
                    answer = act(channel)
                except ChannelError as error:
                    failures.append((channel, error))
                    continue
                if answer:
                    self._use(channel, failures)
                return answer
            if len(tried) > 1:
                others_from = Deadline.after(3 * self._probe_s)
            refused = [error for _channel, error in failures if isinstance(error, Refused)]
            if len(refused) == len(self.channels):
                raise _Final(_unavailable(failures))
            raise _unavailable(failures)

        try:
            return wait_for(
                look,
                what=what,
                timeout_s=limit_s,
                interval_s=LOOK_AGAIN_S,
                soon_s=LOOK_SOON_S,
                ignore=(ChannelError,),
            )
        except _Final as final:
            raise final.error from None

    def _over_a_channel(self, act: Callable[[Channel], Answer]) -> Answer:
        """Do something over the channel in use, or over the first other where that one is unavailable."""
        failures: list[tuple[Channel, ChannelError]] = []
        for channel in (self._current, *(c for c in self.channels if c is not self._current)):
            try:
                self._trust(channel)
                answer = act(channel)
            except Unavailable as error:
                failures.append((channel, error))
                continue
            except ChannelLost:
                self._doubted = channel
                raise
            except (GuestFileError, GuestCommandTimeout):
                self._use(channel, failures)
                raise
            self._use(channel, failures)
            return answer
        raise _unavailable(failures)

    def _trust(self, channel: Channel) -> None:
        """A channel that died must answer before anything is begun over it.

        :raise Unavailable: it does not.
        """
        if self._doubted is not channel:
            return
        try:
            channel.ping(self._probe_s)
        except ChannelError as error:
            raise Unavailable(f"channel {channel.name!r} died and did not come back: {error}") from error
        self._doubted = None

    def _use(self, channel: Channel, failures: Sequence[tuple[Channel, ChannelError]]) -> None:
        if channel is self._current:
            return
        before, self._current = self._current, channel
        why = "; ".join(str(error) for _channel, error in failures) or "it answers again"
        self._step("channel", "note", channel.name, left=before.name, why=why)

    def _transfer(self, text: str, act: Callable[[Channel], Answer]) -> Answer:
        watch = Stopwatch()
        try:
            answer = self._over_a_channel(act)
        except ChannelError as error:
            self._record_run(text, None, b"", f"[{error}]".encode(), watch.t_s)
            raise
        self._record_run(text, 0, b"", b"", watch.t_s)
        return answer

    def _record_run(
        self, text: str, exit_code: int | None, stdout: bytes, stderr: bytes, duration_s: float
    ) -> None:
        """`t_s` is when the command ended, as recordings are in order of `t_s`."""
        self._record(
            CommandRun(
                t_s=self._clock.t_s,
                channel=self.channel,
                command=redact(text),
                exit_code=exit_code,
                stdout=kept(stdout),
                stderr=kept(stderr),
                duration_s=duration_s,
            )
        )

    def _step(self, name: str, phase: str, outcome: str = "", **detail: Any) -> None:
        self._record(Step(t_s=self._clock.t_s, name=name, phase=phase, outcome=outcome, detail=detail))


def _unavailable(failures: Sequence[tuple[Channel, ChannelError]]) -> ChannelError:
    """One error for all channels; with a single channel, its own."""
    if len(failures) == 1:
        return failures[0][1]
    reasons = "; ".join(f"{channel.name}: {error}" for channel, error in failures)
    hint = next((error.hint for _channel, error in reversed(failures) if error.hint), None)
    return Unavailable(f"no channel into the guest: {reasons}", hint=hint)
