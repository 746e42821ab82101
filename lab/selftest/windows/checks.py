"""The checks of a running Windows guest: channels, facts, quoting, files, codes, clock, restart,
listings, log.

Each takes the bench and returns what it saw, for people; what is not as documented it raises as
`Differs`, what the image does not have as `Absent`. Refuses to judge: `runner` does.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lab.agents.windows.listings import STANDARD
from lab.detect.windows import eventlog
from lab.guest.windows import checks as scripts
from lab.guest.windows.facts import WindowsFacts
from lab.model import Identity
from lab.selftest.windows.bench import Bench

ECHO = "C:\\ProgramData\\lab-echo.exe"
FILE = "C:\\ProgramData\\lab selftest \u00e4\u20ac.bin"
ON_DUMP_DISK = "Q:\\lab-selftest.bin"
FILE_BYTES = 300_000
NO_SUCH_SERVICE = 1060
DAY_S = 86_400.0
WORDS = (
    "plain", "two words", "", 'a "quoted" one', "back\\slash\\", 'end\\"', "%PATH%", "100%", "^caret^",
    "a&b|c<d>e", "(x)", "!bang!", "semi;colon,comma=", "$env:TEMP", "`tick`", "it's",
    "\u00e4\u20ac\u4e16\U0001f512", "tab\there", "-Command", "/c", "--%", "\u2018typographic\u2019", "*.txt",
    "\\\\server\\share",
)  # fmt: skip
"""Words that cmd.exe, PowerShell or the C runtime would read as their own."""


class Outcome(StrEnum):
    """Of one check."""

    OK = "ok"
    DIFFERS = "differs"
    FAILED = "failed"
    """The lab or the guest did not get so far as to tell."""
    ABSENT = "absent"
    """The image or the host does not have it."""

    @property
    def bad(self) -> bool:
        return self in (Outcome.DIFFERS, Outcome.FAILED)


class Differs(Exception):
    """Something is not as docs/windows.md says."""


class Absent(Exception):
    """The image or the host has nothing to check here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One step of the list."""

    name: str
    verifies: str
    act: Callable[[Bench], str]


def want(there: object, what: str) -> None:
    """:raise Differs: it is not so."""
    if not there:
        raise Differs(what)


def over(name: str) -> Callable[[Bench], str]:
    """A channel: it answers, tells the same boot as the first one, and takes a program's words."""

    def act(bench: Bench) -> str:
        channel = bench.ways.get(name)
        if channel is None:
            raise Absent(f"the image has no channel {name!r}")
        limit_s = bench.timeouts.command_s
        channel.ping(limit_s)
        boot, first = bench.dialect.boot_id(channel, limit_s), bench.guest.boot_id()
        want(boot == first, f"it tells boot {boot}, channel {bench.guest.channel!r} tells {first}")
        return f"answers, boot {boot}"

    return act


def told_facts(bench: Bench) -> str:
    """What cannot be read is named; what every Windows has must be there."""
    facts = bench.guest.facts()
    assert isinstance(facts, WindowsFacts)
    for name in ("os", "os_id", "kernel", "boot_id", "memory_mib", "installation", "last_boot"):
        want(getattr(facts, name), f"{name} is not told; missing: {', '.join(facts.missing) or 'nothing'}")
    memory = bench.order.profile.memory_mib
    want(facts.memory_mib <= memory, f"it has {facts.memory_mib} MiB on a machine of {memory} MiB")
    want(facts.boot_id == bench.guest.boot_id(), f"boot {facts.boot_id} is not that of the channel")
    unread = f"; could not be read: {', '.join(facts.missing)}" if facts.missing else ""
    return f"{facts.os} {facts.os_version} {facts.kernel}, {len(facts.drivers)} drivers{unread}"


def quoting(bench: Bench) -> str:
    """A program's own account of its arguments, over every channel."""
    limit_s = bench.timeouts.command_s
    bench.guest.run(scripts.make_echo(ECHO), check=True)
    for name, channel in bench.ways.items():
        done = channel.run([ECHO, *WORDS], timeout_s=limit_s)
        want(done.ok, f"{name}: exit code {done.exit_code}: {done.error_text}")
        got = scripts.echoed(done.text)
        wrong = [f"{sent!r} came as {came!r}" for sent, came in zip(WORDS, got, strict=False) if sent != came]
        want(not wrong, f"{name}: {'; '.join(wrong[:3])}")
        want(len(got) == len(WORDS), f"{name}: {len(WORDS)} words sent, {len(got)} came")
    return f"{len(WORDS)} words as they were sent over {', '.join(bench.ways)}"


def files(bench: Bench) -> str:
    """There and back over every channel: large, empty, replaced, with a name beyond ASCII."""
    limit_s = 3 * bench.timeouts.command_s
    for name, channel in bench.ways.items():
        for content in (secrets.token_bytes(FILE_BYTES), b"", b"\r\n\x00\xff\x1a" * 7):
            channel.put(content, FILE, timeout_s=limit_s)
            back = channel.get(FILE, timeout_s=limit_s)
            want(back == content, f"{name}: {len(content)} bytes sent, {len(back)} other bytes came back")
    return f"{FILE_BYTES} bytes, none, and control characters over {', '.join(bench.ways)}"


def codes(bench: Bench) -> str:
    """A program's exit code of more than eight bits, a text's own, a program that is not there."""
    for command, wanted in (
        (["sc.exe", "query", "lab-no-such-service"], NO_SUCH_SERVICE),
        ("exit 7", 7),
        (["C:\\lab-no-such-program.exe"], 127),
    ):
        done = bench.guest.run(command)
        want(done.exit_code == wanted, f"{command!r} ended with {done.exit_code} (wanted {wanted})")
    return f"{NO_SUCH_SERVICE}, 7 and 127, as Windows gave them"


def clock(bench: Bench) -> str:
    """The boot's identity stays when the clock is set, and the clock takes what it is given."""
    before = bench.guest.boot_id()
    for ahead_s in (DAY_S, 0.0):
        words = bench.dialect.wake(time.time() + ahead_s, Identity.KEEP, "", "same")
        done = bench.guest.run(words, check=True)
        told = int(done.text.partition("date=")[2].split()[0])
        off_s = abs(told - time.time() - ahead_s)
        want(
            off_s < 2 * bench.timeouts.command_s, f"it was set {ahead_s:.0f} s ahead and is {off_s:.0f} s off"
        )
        now = bench.guest.boot_id()
        want(now == before, f"boot {before} became {now} when the clock was set")
    return f"boot {before} before, a day ahead, and after"


def restart(bench: Bench) -> str:
    """An expected restart: a new boot, a reset event, and no finding."""
    before, since_s = bench.guest.boot_id(), bench.clock.t_s
    bench.guest.reboot(reason="selftest")
    after = bench.guest.boot_id()
    want(after != before, f"boot is {after} before and after")
    want(bench.event("reset", since_s), "no reset event came from the hypervisor")
    found = [one.title for one in bench.watch.findings if one.fatal]
    want(not found, f"an expected restart was found to be {found}")
    return f"boot {before} became {after}, no finding"


def listings(bench: Bench) -> str:
    """Services, drivers, minifilters, driver packages in the forms that the lab reads."""
    tools = bench.tools
    want(tools.service("lab-no-such-service") is None, "a service that is not there was told of")
    filters, packages = tools.filters(), tools.driver_packages()
    want(packages, "pnputil names no driver package (virtio-win brings some)")
    return f"{len(filters)} minifilters, {len(packages)} driver packages"


def event_log(bench: Bench) -> str:
    """System and Application as the lab asks for them after a crash."""
    log = eventlog.read(bench.guest.crash_log(DAY_S) or b"")
    want(log.now is not None, "the guest did not tell its time")
    want(not log.broken, f"{log.broken} events could not be read")
    return f"{len(log.events)} events, none broken"


def verifier(bench: Bench) -> str:
    """Driver Verifier with low-resource simulation, over two restarts, and off again."""
    with bench.tools.verified("beep.sys", low_resources=True) as now:
        flags = now.flags
        want(flags & STANDARD == STANDARD, f"flags are 0x{flags:X} (wanted those of 0x{STANDARD:X})")
    return f"beep.sys verified with flags 0x{flags:X}, then off"


def dump_disk(bench: Bench) -> str:
    """Drive Q: is the dump disk, and can be written to."""
    content = secrets.token_bytes(4096)
    bench.guest.put(content, ON_DUMP_DISK)
    want(bench.guest.get(ON_DUMP_DISK) == content, "what was written to it reads otherwise")
    return "Q: is there and takes files"


def safe_mode(bench: Bench) -> str:
    """Into safe mode with the lab's ways in, and out again."""
    with bench.tools.safe_mode() as mode:
        name = mode.name.lower()
    return f"safe mode ({name}) and back, over the guest agent"
