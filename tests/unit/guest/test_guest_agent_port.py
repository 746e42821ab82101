"""Requests as they go to the guest agent."""

from __future__ import annotations

from typing import Any

import pytest

from lab.clock import Deadline
from lab.errors import ChannelError
from lab.guest.agent_port import LEAST_REQUEST_S, AgentPort, quietly
from lab.guest.channel import GuestAgentError


class Scripted:
    """Answers with what it was given and keeps what it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []
        self.given_s: list[float] = []

    def __call__(self, request: dict[str, Any], timeout_s: float) -> Any:
        self.asked.append(request)
        self.given_s.append(timeout_s)
        return self.answer


@pytest.fixture
def soon() -> Deadline:
    return Deadline.after(60)


def test_arguments_are_spelled_as_the_agent_wants_them(soon: Deadline) -> None:
    agent = Scripted({"pid": 7})
    assert AgentPort(agent, 20).start(["-c", "x"], b"in", soon) == 7
    assert agent.asked == [
        {"execute": "guest-exec", "arguments": {"path": "/bin/sh", "arg": ["-c", "x"], "input-data": "aW4="}}
    ]


def test_a_command_without_input_gets_none(soon: Deadline) -> None:
    agent = Scripted({"pid": 7})
    AgentPort(agent, 20).start(["-c", "x"], b"", soon)
    assert "input-data" not in agent.asked[0]["arguments"]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ({"exited": False}, None),
        ({"exited": True, "exitcode": 0}, 0),
        ({"exited": True, "exitcode": 137}, 137),
        ({"exited": True, "signal": 9}, -9),
    ],
)
def test_the_end_of_a_command_is_read(status: dict[str, Any], code: int | None, soon: Deadline) -> None:
    assert AgentPort(Scripted(status), 20).exit_code(7, soon) == code


@pytest.mark.parametrize(
    "answer", [{"count": 0, "eof": True}, {"count": 0, "buf-b64": "", "eof": True}], ids=["absent", "empty"]
)
def test_an_empty_read_has_no_bytes(answer: dict[str, Any], soon: Deadline) -> None:
    assert AgentPort(Scripted(answer), 20).read(3, 10, soon) == (b"", True)


def test_a_short_write_is_an_error(soon: Deadline) -> None:
    with pytest.raises(GuestAgentError, match="wrote 2 of 3 bytes"):
        AgentPort(Scripted({"count": 2, "eof": False}), 20).write(3, b"abc", soon)


def test_only_what_is_enabled_counts_as_allowed(soon: Deadline) -> None:
    info = {
        "version": "7.2",
        "supported_commands": [
            {"name": "guest-ping", "enabled": True},
            {"name": "guest-exec", "enabled": False},
        ],
    }
    assert AgentPort(Scripted(info), 20).allowed(soon) == ("7.2", frozenset({"guest-ping"}))


def test_a_request_has_the_time_that_is_left_within_its_own_bounds() -> None:
    agent = Scripted({})
    port = AgentPort(agent, 20)
    for left_s in (0.0, 10.0, 1000.0):
        port.ask("guest-ping", Deadline.after(left_s))
    assert agent.given_s[0] == LEAST_REQUEST_S
    assert LEAST_REQUEST_S < agent.given_s[1] <= 10.0
    assert agent.given_s[2] == 20


def test_what_may_fail_without_consequence_tells_its_failure() -> None:
    def fail() -> None:
        raise ChannelError("gone")

    assert quietly(fail) == "gone"
    assert quietly(lambda: None) == ""
