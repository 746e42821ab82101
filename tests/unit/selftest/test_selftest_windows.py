"""What `lab selftest --windows` says of its checks, and when it calls them good."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.cli import selftest_windows
from lab.errors import ChannelError, InputError, NothingSelected
from lab.model import Family
from lab.selftest.windows import CHECKS, Outcome, Result, Tried, checks_ends, runner
from lab.selftest.windows.bench import Bench
from lab.selftest.windows.checks import WORDS, Absent, Check, Differs, over
from lab.waiting import WaitTimeout


def result(name: str, outcome: Outcome, number: int = 1) -> Result:
    return Result(number=number, name=name, verifies="v", outcome=outcome, detail="d", took_s=1.0)


def tried(*outcomes: Outcome, stand_in: bool = False) -> Tried:
    results = tuple(result(f"c{at}", outcome, at) for at, outcome in enumerate(outcomes, start=1))
    return Tried(
        image="w",
        release="r",
        stand_in=stand_in,
        host="here",
        when="",
        lab="0",
        recording="",
        results=results,
    )


def test_every_check_has_a_name_of_its_own_and_says_what_it_verifies() -> None:
    assert len({one.name for one in CHECKS}) == len(CHECKS) == 21
    assert all(one.verifies for one in CHECKS)
    assert len(WORDS) == 24, "as the list says"


@pytest.mark.parametrize(
    ("outcomes", "ok"),
    [
        ((Outcome.OK, Outcome.ABSENT), True),
        ((Outcome.OK, Outcome.DIFFERS), False),
        ((Outcome.OK, Outcome.FAILED), False),
        ((Outcome.ABSENT,), False),
        ((), False),
    ],
)
def test_it_is_good_only_when_something_was_tried_and_nothing_was_bad(
    outcomes: tuple[Outcome, ...], ok: bool
) -> None:
    assert tried(*outcomes).ok is ok


def test_title_and_verdict_of_a_stand_in_say_so() -> None:
    good, bad = tried(Outcome.OK, stand_in=True), tried(Outcome.DIFFERS, stand_in=True)
    assert selftest_windows.verdict(good).startswith("STAND-IN: ")
    assert "nothing is proven about Windows" in selftest_windows.verdict(good)
    assert selftest_windows.verdict(bad).startswith("STAND-IN: ")
    assert selftest_windows.title("w", "r", stand_in=True).startswith("STAND-IN")
    assert "STAND-IN" not in selftest_windows.verdict(tried(Outcome.OK))


def test_what_was_not_there_to_be_tried_is_named() -> None:
    assert "not there to be tried: c2" in selftest_windows.verdict(tried(Outcome.OK, Outcome.ABSENT))


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (Differs("other"), Outcome.DIFFERS),
        (Absent("none"), Outcome.ABSENT),
        (ChannelError("silent"), Outcome.FAILED),
        (TimeoutError("late"), Outcome.FAILED),
    ],
)
def test_what_a_check_raises_is_its_result(raised: Exception, outcome: Outcome) -> None:
    def act(_bench: Bench) -> str:
        raise raised

    found = runner.one(cast(Bench, None), 3, Check(name="n", verifies="v", act=act))
    assert (found.outcome, found.number) == (outcome, 3)
    assert str(raised) in found.detail


def test_a_channel_that_tells_another_boot_differs() -> None:
    channel = SimpleNamespace(ping=lambda _s: None)
    bench = SimpleNamespace(
        ways={"ssh": channel},
        timeouts=SimpleNamespace(command_s=1.0),
        dialect=SimpleNamespace(boot_id=lambda _channel, _s: "2-2"),
        guest=SimpleNamespace(boot_id=lambda: "1-1", channel="agent"),
    )
    with pytest.raises(Differs, match="boot 2-2"):
        over("ssh")(cast(Bench, bench))
    with pytest.raises(Absent):
        over("winrm")(cast(Bench, bench))


def stopped(told: list[str | ChannelError]) -> Bench:
    """Of a guest that was stopped in boot 1-1 and answers so, one word after the other, the last for ever."""

    def boot_id(_channel: object, _s: float) -> str:
        word = told.pop(0) if len(told) > 1 else told[0]
        if isinstance(word, ChannelError):
            raise word
        return word

    bench = SimpleNamespace(
        ways={"agent": object()},
        timeouts=SimpleNamespace(command_s=1.0, reboot_s=0.5),
        dialect=SimpleNamespace(boot_id=boot_id),
        guest=SimpleNamespace(crash_log=lambda _s: b""),
        clock=SimpleNamespace(t_s=9.0),
        stopped_s=1.0,
        stopped_boot="1-1",
    )
    return cast(Bench, bench)


def test_the_boot_that_was_stopped_is_not_the_boot_after_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks_ends.eventlog, "crashes", lambda _log, _t_s: [SimpleNamespace(code=0x80)])
    with pytest.raises(WaitTimeout, match="the boot after the stop"):
        checks_ends.back(stopped(["1-1"]))
    assert "1-1 became 2-2" in checks_ends.back(stopped(["1-1", ChannelError("silent"), "2-2"]))


def test_checks_are_chosen_by_name_or_pattern_in_their_own_order() -> None:
    assert [one.name for one in selftest_windows.choose(["stop*", "agent"])] == [
        "agent",
        "stop",
        "stop-screen",
    ]
    with pytest.raises(NothingSelected):
        selftest_windows.choose(["none"])


def test_an_image_that_is_no_windows_is_refused_with_the_remedy() -> None:
    recipes: dict[str, Any] = {"tiny": SimpleNamespace(family=Family.LINUX)}
    with pytest.raises(InputError, match="is no Windows") as caught:
        selftest_windows.recipe_of("tiny", cast(Any, SimpleNamespace(recipes=recipes)))
    assert "windows-stand-in" in str(caught.value.hint)
