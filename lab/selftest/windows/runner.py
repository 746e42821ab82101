"""Runs the checks in order on one guest and says of each what came of it.

A check that differs does not end the list; a guest that no longer answers does, and the rest count as
failed: what was not tried is not proven.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import lab
from lab.agents.outcomes import AgentFailure
from lab.clock import Stopwatch, wall
from lab.errors import LabError
from lab.images.built import BuiltImage
from lab.machine import embedded
from lab.model import Profile
from lab.places import Places
from lab.running.order import HostChoice
from lab.selftest.windows import bench as benches
from lab.selftest.windows import checks, checks_ends
from lab.selftest.windows.bench import Bench
from lab.selftest.windows.checks import Absent, Check, Differs, Outcome, over
from lab.waiting import WaitTimeout

CHECKS: tuple[Check, ...] = (
    Check(name="agent", verifies="the guest agent answers and tells the boot", act=over("agent")),
    Check(name="ssh", verifies="SSH, with the pinned host key", act=over("ssh")),
    Check(name="winrm", verifies="WinRM over HTTPS, with the pinned certificate", act=over("winrm")),
    Check(
        name="facts",
        verifies="edition, build.UBR, memory, boot; what is unread is named",
        act=checks.told_facts,
    ),
    Check(name="quoting", verifies="24 awkward words reach a program, over each channel", act=checks.quoting),
    Check(name="files", verifies="files there and back, over each channel", act=checks.files),
    Check(name="exit-codes", verifies="1060, 7 and 127 come back as such", act=checks.codes),
    Check(name="clock", verifies="the boot id stays when the clock is set", act=checks.clock),
    Check(name="reboot", verifies="an expected restart is a new boot and no finding", act=checks.restart),
    Check(name="listings", verifies="services, minifilters, driver packages are read", act=checks.listings),
    Check(name="event-log", verifies="System and Application come as XML that is read", act=checks.event_log),
    Check(name="verifier", verifies="Driver Verifier on, in force, and off again", act=checks.verifier),
    Check(name="dump-disk", verifies="Q: is the dump disk", act=checks.dump_disk),
    Check(name="safe-mode", verifies="safe mode by bcdedit, and out of it", act=checks.safe_mode),
    Check(
        name="checkpoint", verifies="checkpoint and restore of the whole guest", act=checks_ends.checkpoint
    ),
    Check(name="stop", verifies="an NMI stops it with 0x80, and that is found", act=checks_ends.stop),
    Check(name="stop-screen", verifies="the stop screen is read", act=checks_ends.screen),
    Check(
        name="panic-device", verifies="GUEST_PANICKED, with Hyper-V's arguments", act=checks_ends.panic_device
    ),
    Check(name="dump", verifies="a dump with that code is on the dump disk", act=checks_ends.dump),
    Check(
        name="after-stop", verifies="it restarts, one boot later, and logs 1001 or 41", act=checks_ends.back
    ),
    Check(name="offline", verifies="a file is renamed on its disk while it is off", act=checks_ends.offline),
)
GONE = "not tried: the guest did not answer any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one check."""

    number: int
    name: str
    verifies: str
    outcome: Outcome
    detail: str
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """All of them, on one image and host."""

    image: str
    release: str
    stand_in: bool
    host: str
    when: str
    lab: str
    recording: str
    """Kept where a check was bad; else ""."""
    results: tuple[Result, ...]

    @property
    def bad(self) -> tuple[Result, ...]:
        return tuple(one for one in self.results if one.outcome.bad)

    @property
    def ok(self) -> bool:
        """Nothing was bad, and something was tried."""
        return not self.bad and any(one.outcome is Outcome.OK for one in self.results)


def run(
    image: BuiltImage,
    profile: Profile,
    host: HostChoice,
    places: Places,
    tell: Callable[[Result], None],
    chosen: Sequence[Check] = CHECKS,
) -> Tried:
    """Boot the image once and try everything on it.

    :param tell: called with each result as it comes.
    :raise LabError: the guest could not be started, or never answered.
    """
    recording = places.state / "selftest" / "windows" / image.name / "a1"
    shutil.rmtree(recording, ignore_errors=True)
    results: list[Result] = []
    with Bench(benches.order(image, host, places, recording, profile)) as bench:
        bench.scenario_started({"selftest": image.name})
        bench.guest.wait_ready()
        alive = True
        for number, check in enumerate(chosen, start=1):
            result = one(bench, number, check) if alive else _result(number, check, Outcome.FAILED, GONE, 0.0)
            alive = alive and (result.outcome is not Outcome.FAILED or answers(bench))
            results.append(result)
            tell(result)
        bench.scenario_ended("completed")
    embedded.settle()
    bad = any(result.outcome.bad for result in results)
    if not bad:
        shutil.rmtree(recording, ignore_errors=True)
    return Tried(
        image=image.name,
        release=image.release,
        stand_in=image.stand_in,
        host=host.name,
        when=wall(),
        lab=lab.__version__,
        recording=str(recording) if bad else "",
        results=tuple(results),
    )


def one(bench: Bench, number: int, check: Check) -> Result:
    """One check. What goes wrong in it is its result."""
    watch = Stopwatch()
    try:
        outcome, detail = Outcome.OK, check.act(bench)
    except Absent as absent:
        outcome, detail = Outcome.ABSENT, str(absent)
    except (Differs, AgentFailure) as differs:
        outcome, detail = Outcome.DIFFERS, str(differs)
    except (LabError, TimeoutError, ValueError, AssertionError) as error:
        outcome, detail = Outcome.FAILED, f"{type(error).__name__}: {error}"
    return _result(number, check, outcome, detail, watch.t_s)


def answers(bench: Bench) -> bool:
    """Whether the guest still, or again, answers: what a check broke may have restarted it."""
    try:
        bench.guest.wait_ready(bench.timeouts.reboot_s / 2)
    except (LabError, WaitTimeout):
        return False
    return True


def _result(number: int, check: Check, outcome: Outcome, detail: str, took_s: float) -> Result:
    return Result(
        number=number,
        name=check.name,
        verifies=check.verifies,
        outcome=outcome,
        detail=detail,
        took_s=round(took_s, 1),
    )
