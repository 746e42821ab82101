"""The choice of the channel, the recording, and reboots; channels are scripted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.clock import Stopwatch
from lab.errors import ChannelError
from lab.guest import guest as guest_module
from lab.guest import shell
from lab.guest.channel import (
    ChannelLost,
    Command,
    GuestCommandTimeout,
    GuestFileError,
    OutputSink,
    Refused,
    Unavailable,
)
from lab.guest.guest import CommandFailed, Guest
from lab.model import CommandRun, Expectation, Observation, Step, Timeouts
from lab.proc import Completed
from lab.waiting import WaitTimeout

QUICK = Timeouts(boot_s=0.4, command_s=0.6, reboot_s=0.4)


class Scripted:
    """A channel whose every operation first asks `mood`, which may raise."""

    def __init__(self, name: str, boot_ids: list[str] | None = None) -> None:
        self.name = name
        self.mood: Callable[[str], None] = lambda _operation: None
        self.boot_ids = boot_ids or ["boot-1"]
        self.calls: list[str] = []
        self.done = Completed(exit_code=0, stdout=b"out", stderr=b"err", duration_s=1.5)

    def _called(self, operation: str) -> None:
        self.calls.append(operation)
        self.mood(operation)

    def run(
        self,
        command: Command,
        *,
        timeout_s: float,
        stdin: bytes = b"",
        on_output: OutputSink | None = None,
        brief: bool = False,
    ) -> Completed:
        self.timeout_s = timeout_s
        self._called(f"run {shell.readable(command)}")
        return self.done

    def put(self, source: bytes | Path, to: str, *, mode: int = 0o644, timeout_s: float) -> None:
        self._called(f"put {to}")

    def get(self, path: str, *, timeout_s: float) -> bytes:
        self._called(f"get {path}")
        return (self.boot_ids.pop(0) if len(self.boot_ids) > 1 else self.boot_ids[0]).encode() + b"\n"

    def ping(self, timeout_s: float) -> None:
        self._called("ping")

    def close(self) -> None:
        self.calls.append("close")


def failing(error: Exception) -> Callable[[str], None]:
    def mood(_operation: str) -> None:
        raise error

    return mood


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest_module, "LOOK_AGAIN_S", 0.01)


@pytest.fixture
def agent() -> Scripted:
    return Scripted("agent")


@pytest.fixture
def ssh() -> Scripted:
    return Scripted("ssh")


@pytest.fixture
def seen() -> list[Observation]:
    return []


@pytest.fixture
def guest(agent: Scripted, ssh: Scripted, seen: list[Observation]) -> Guest:
    return Guest([agent, ssh], seen.append, Stopwatch(), QUICK)


def test_a_guest_without_channels_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="no channel"):
        Guest([], lambda _observation: None, Stopwatch(), QUICK)


# -- commands ----------------------------------------------------------------


def test_a_command_runs_over_the_first_channel_and_is_recorded(
    guest: Guest, agent: Scripted, ssh: Scripted, seen: list[Observation]
) -> None:
    assert guest.run("uname") is agent.done
    assert ssh.calls == []
    [run] = seen
    assert isinstance(run, CommandRun)
    assert (run.channel, run.command, run.exit_code) == ("agent", "uname", 0)
    assert (run.stdout, run.stderr, run.duration_s) == ("out", "err", 1.5)


def test_the_configured_timeout_is_used_unless_another_is_given(guest: Guest, agent: Scripted) -> None:
    guest.run("x")
    assert agent.timeout_s == QUICK.command_s
    guest.run("x", 7.0)
    assert agent.timeout_s == 7.0


def test_a_failing_command_is_a_value_unless_it_is_checked(guest: Guest, agent: Scripted) -> None:
    agent.done = Completed(exit_code=3, stderr=b"first\nlast words\n", command="x")
    assert guest.run("x").exit_code == 3
    with pytest.raises(CommandFailed, match="'x': exit code 3 in the guest: last words") as caught:
        guest.run("x", check=True)
    assert caught.value.done is agent.done


def test_secrets_in_commands_are_not_recorded(guest: Guest, seen: list[Observation]) -> None:
    guest.run("login password=hunter2")
    assert "hunter2" not in repr(seen)


@pytest.mark.parametrize(
    "error",
    [
        GuestCommandTimeout("'x'", 3.0, stdout=b"half", stderr=b"why"),
        ChannelLost("channel 'agent' died", stdout=b"half", stderr=b"why"),
    ],
)
def test_a_command_that_may_have_run_is_recorded_and_never_run_again(
    guest: Guest, agent: Scripted, ssh: Scripted, seen: list[Observation], error: ChannelError
) -> None:
    agent.mood = failing(error)
    with pytest.raises(type(error)):
        guest.run("x")
    assert (agent.calls, ssh.calls) == (["run x"], [])
    [run] = seen
    assert isinstance(run, CommandRun)
    assert (run.exit_code, run.stdout) == (None, "half")
    assert run.stderr.startswith("why\n[")


# -- the choice of the channel -----------------------------------------------


def test_the_next_channel_takes_over_where_nothing_was_begun(
    guest: Guest, agent: Scripted, ssh: Scripted, seen: list[Observation]
) -> None:
    agent.mood = failing(Unavailable("agent is not there"))
    guest.run("x")
    assert ssh.calls == ["run x"]
    step, run = seen
    assert isinstance(step, Step)
    assert (step.name, step.phase, step.outcome) == ("channel", "note", "ssh")
    assert step.detail == {"left": "agent", "why": "agent is not there"}
    assert isinstance(run, CommandRun)
    assert run.channel == "ssh"


def test_the_new_channel_is_kept_and_noted_once(
    guest: Guest, agent: Scripted, seen: list[Observation]
) -> None:
    agent.mood = failing(Unavailable("agent is not there"))
    guest.run("x")
    guest.run("y")
    assert agent.calls == ["run x"]
    assert [step.outcome for step in seen if isinstance(step, Step)] == ["ssh"]
    assert guest.channel == "ssh"


def test_a_channel_that_died_must_answer_before_it_is_used_again(
    guest: Guest, agent: Scripted, ssh: Scripted
) -> None:
    agent.mood = failing(ChannelLost("died"))
    with pytest.raises(ChannelLost):
        guest.run("x")
    agent.mood = failing(ChannelError("no answer"))
    guest.run("y")
    assert agent.calls == ["run x", "ping"]
    assert ssh.calls == ["run y"]


def test_a_channel_that_came_back_is_used_again(guest: Guest, agent: Scripted, ssh: Scripted) -> None:
    agent.mood = failing(ChannelLost("died"))
    with pytest.raises(ChannelLost):
        guest.run("x")
    agent.mood = lambda _operation: None
    guest.run("y")
    guest.run("z")
    assert agent.calls == ["run x", "ping", "run y", "run z"]
    assert ssh.calls == []


def test_a_refused_file_is_no_reason_to_change_the_channel(
    guest: Guest, agent: Scripted, ssh: Scripted, seen: list[Observation]
) -> None:
    agent.mood = failing(GuestFileError("/x", "no such file"))
    with pytest.raises(GuestFileError):
        guest.get("/x")
    assert ssh.calls == []
    [run] = seen
    assert isinstance(run, CommandRun)
    assert (run.command, run.exit_code) == ("get /x", None)


def test_when_no_channel_is_left_every_reason_is_told(guest: Guest, agent: Scripted, ssh: Scripted) -> None:
    agent.mood = failing(Unavailable("agent is not there"))
    ssh.mood = failing(Unavailable("SSH refused the key", hint="lab image build"))
    with pytest.raises(Unavailable, match="agent: agent is not there; ssh: SSH refused the key") as caught:
        guest.run("x")
    assert caught.value.hint == "lab image build"


def test_a_single_channels_own_error_is_kept(agent: Scripted) -> None:
    guest = Guest([agent], lambda _observation: None, Stopwatch(), QUICK)
    error = Unavailable("SSH refused the key")
    agent.mood = failing(error)
    with pytest.raises(Unavailable) as caught:
        guest.run("x")
    assert caught.value is error


class Ended(BaseException):
    """As the watcher raises it."""


def test_an_interruption_passes_without_further_talk(
    guest: Guest, agent: Scripted, ssh: Scripted, seen: list[Observation]
) -> None:
    agent.mood = failing(Ended())  # type: ignore[arg-type]
    with pytest.raises(Ended):
        guest.run("x")
    with pytest.raises(Ended):
        guest.wait_ready()
    assert agent.calls == ["run x", "ping"]
    assert (ssh.calls, seen) == ([], [])


# -- files -------------------------------------------------------------------


def test_files_are_recorded_without_their_content(
    guest: Guest, agent: Scripted, seen: list[Observation]
) -> None:
    guest.put(b"secret content", "/etc/x", mode=0o600)
    assert guest.get("/etc/x") == b"boot-1\n"
    assert agent.calls == ["put /etc/x", "get /etc/x"]
    assert [run.command for run in seen if isinstance(run, CommandRun)] == ["put /etc/x", "get /etc/x"]
    assert "secret content" not in repr(seen)


# -- ready and reboot --------------------------------------------------------


def test_a_guest_is_ready_with_the_first_answer(
    guest: Guest, agent: Scripted, seen: list[Observation]
) -> None:
    tries = iter([ChannelError("not yet"), ChannelError("not yet"), None])

    def mood(_operation: str) -> None:
        if error := next(tries):
            raise error

    agent.mood = mood
    guest.wait_ready(60.0)
    assert agent.calls == ["ping"] * 3
    [step] = seen
    assert isinstance(step, Step)
    assert (step.name, step.detail["channel"]) == ("booted", "agent")
    assert step.detail["boot_s"] >= 0


def test_the_other_channel_gets_its_chance_when_the_first_stays_silent(
    guest: Guest, agent: Scripted, ssh: Scripted
) -> None:
    agent.mood = failing(ChannelError("not connected"))
    guest.wait_ready()
    assert guest.channel == "ssh"
    assert len(agent.calls) > 1, "the most trusted channel has a time for itself"


def test_a_guest_that_never_answers_says_what_was_seen(guest: Guest, agent: Scripted, ssh: Scripted) -> None:
    agent.mood = failing(ChannelError("not connected"))
    ssh.mood = failing(ChannelError("connection refused"))
    with pytest.raises(WaitTimeout, match=r"answer of the guest: not in 0 s; last seen: .*not connected"):
        guest.wait_ready()


def test_waiting_ends_at_once_when_the_guest_is_there_and_refuses_the_lab(agent: Scripted) -> None:
    agent.mood = failing(Refused("SSH refused the key"))
    patient = Guest([agent], lambda _observation: None, Stopwatch(), Timeouts(boot_s=3600.0))
    with pytest.raises(Refused, match="SSH refused the key"):
        patient.wait_ready()
    assert agent.calls == ["ping"]


def test_a_refusal_of_one_channel_is_not_the_end_while_another_may_come(
    guest: Guest, agent: Scripted, ssh: Scripted
) -> None:
    ssh.mood = failing(Refused("SSH refused the key"))
    agent.mood = failing(Unavailable("not yet"))
    with pytest.raises(WaitTimeout):
        guest.wait_ready()
    assert "ping" in ssh.calls
    assert agent.calls.count("ping") > 1


def test_a_reboot_is_announced_asked_for_and_over_with_a_new_boot_id(
    guest: Guest, agent: Scripted, seen: list[Observation]
) -> None:
    agent.boot_ids = ["boot-1", "boot-1", "boot-1", "boot-2"]
    guest.reboot(reason="after the update")
    kinds = [type(observation).__name__ for observation in seen]
    assert kinds == ["Step", "Expectation", "CommandRun", "Expectation", "Step"]
    start, begin, _run, end, done = seen
    assert isinstance(begin, Expectation)
    assert isinstance(end, Expectation)
    assert (begin.what, begin.begin, begin.reason) == ("reboot", True, "after the update")
    assert (end.what, end.begin) == ("reboot", False)
    assert isinstance(start, Step)
    assert isinstance(done, Step)
    assert (start.name, start.phase) == ("reboot", "start")
    assert (done.phase, done.outcome, done.detail["boot_id"]) == ("end", "completed", "boot-2")
    assert agent.calls.count(f"run {shell.REBOOT}") == 1


@pytest.mark.parametrize("error", [ChannelLost("died"), GuestCommandTimeout("'reboot'", 1.0)])
def test_a_guest_that_goes_before_it_answers_is_rebooting(
    guest: Guest, agent: Scripted, error: ChannelError
) -> None:
    agent.boot_ids = ["boot-1", "boot-2"]

    def mood(operation: str) -> None:
        if operation.startswith("run"):
            raise error

    agent.mood = mood
    guest.reboot()
    assert agent.calls.count(f"run {shell.REBOOT}") == 1


def test_a_guest_that_does_not_come_back_leaves_the_expectation_open(
    guest: Guest, agent: Scripted, ssh: Scripted, seen: list[Observation]
) -> None:
    with pytest.raises(WaitTimeout, match="new boot of the guest"):
        guest.reboot()
    assert [e.begin for e in seen if isinstance(e, Expectation)] == [True]
    last = seen[-1]
    assert isinstance(last, Step)
    assert (last.name, last.phase, last.outcome) == ("reboot", "end", "failed")


def test_a_hook_reboots_instead_of_the_guest(agent: Scripted, seen: list[Observation]) -> None:
    def hook() -> None:
        agent.boot_ids = ["boot-2"]

    Guest([agent], seen.append, Stopwatch(), QUICK, hook).reboot()
    assert not any(call.startswith("run") for call in agent.calls)


def test_a_reboot_can_be_waited_for_later(guest: Guest, agent: Scripted, seen: list[Observation]) -> None:
    agent.boot_ids = ["boot-1", "boot-2"]
    guest.reboot(wait=False)
    assert [e.begin for e in seen if isinstance(e, Expectation)] == [True]
    guest.wait_rebooted()
    assert [e.begin for e in seen if isinstance(e, Expectation)] == [True, False]
    with pytest.raises(ValueError, match="no reboot is under way"):
        guest.wait_rebooted()


def test_a_boot_id_is_asked_for_without_a_record(guest: Guest, seen: list[Observation]) -> None:
    assert guest.boot_id() == "boot-1"
    assert seen == []


def test_facts_come_from_one_command(guest: Guest, agent: Scripted) -> None:
    agent.done = Completed(exit_code=0, stdout=b"ID=debian\n\n--lab--\n6.1.0\n1.00 2.00\n")
    facts = guest.facts()
    assert (facts.os_id, facts.kernel, facts.uptime_s) == ("debian", "6.1.0", 1.0)
    assert len(agent.calls) == 1


def test_closing_closes_every_channel(guest: Guest, agent: Scripted, ssh: Scripted) -> None:
    guest.close()
    assert (agent.calls, ssh.calls) == (["close"], ["close"])


def test_a_reboot_that_somebody_else_causes_is_declared_and_waited_for(
    guest: Guest, agent: Scripted, seen: list[Observation]
) -> None:
    agent.boot_ids = ["boot-1", "boot-2"]
    guest.declare_reboot("the fault hard-reset")
    assert guest.rebooting
    guest.wait_rebooted()
    assert not guest.rebooting
    begin = next(e for e in seen if isinstance(e, Expectation))
    assert (begin.begin, begin.reason) == (True, "the fault hard-reset")
    assert not any(call.startswith("run") for call in agent.calls)


def test_a_guest_that_cannot_be_asked_any_more_is_told_its_boot_id(guest: Guest, agent: Scripted) -> None:
    agent.boot_ids = ["boot-2"]
    guest.declare_reboot("the fault power-cut", boot_id="boot-1")
    assert agent.calls == []
    guest.wait_rebooted()


def test_a_reboot_that_does_not_come_after_all_is_expected_no_more(
    guest: Guest, agent: Scripted, seen: list[Observation]
) -> None:
    guest.declare_reboot("the fault power-cut", boot_id="boot-1")
    guest.withdraw_reboot()
    guest.withdraw_reboot()
    assert [e.begin for e in seen if isinstance(e, Expectation)] == [True, False]
    assert not guest.rebooting
