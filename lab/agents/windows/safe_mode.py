r"""Safe mode on one Windows guest: on, restart, seen from inside, and off again; and where WinRE is.

Safe mode starts only what `SafeBoot\Minimal` or `\Network` name, so the lab's own ways into the guest are
entered there before. Refuses to take anybody's word: whether it is safe mode, the registry of the running
system says. Sources: "BCDEdit /set" (`safeboot`), "REAgentC command-line options" and KB 315222 (the SafeBoot
keys) on learn.microsoft.com. Never run on a real Windows by the lab's own tests: docs/offline.md.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from enum import IntEnum

from lab.agents.outcomes import AgentFailure
from lab.agents.windows.guestlike import GuestLike
from lab.proc import Completed

SAFE_BOOT = r"HKLM\SYSTEM\CurrentControlSet\Control\SafeBoot"
WAYS_IN = ("QEMU-GA", "sshd", "WinRM")
"""Services that the lab reaches the guest by; one that is not installed does no harm there."""
_OPTION = re.compile(r"OptionValue\s+REG_DWORD\s+0x([0-9a-fA-F]+)")
_LOCATION = re.compile(r"\\\\\?\\GLOBALROOT\\\S+")


class SafeMode(IntEnum):
    """`OptionValue`, which only a system in safe mode has."""

    OFF = 0
    MINIMAL = 1
    NETWORK = 2


def current(guest: GuestLike) -> SafeMode:
    """How the guest was started.

    :raise AgentFailure: the registry says something else.
    """
    done = guest.run(["reg.exe", "query", rf"{SAFE_BOOT}\Option", "/v", "OptionValue"])
    found = _OPTION.search(done.text)
    if found is None:
        return SafeMode.OFF
    try:
        return SafeMode(int(found[1], 16))
    except ValueError as error:
        raise AgentFailure(f"safe mode: OptionValue is {found[1]} (wanted 1 or 2)", done) from error


@contextlib.contextmanager
def safe_mode(
    guest: GuestLike, *, network: bool = False, services: Sequence[str] = WAYS_IN
) -> Iterator[SafeMode]:
    """Safe mode for the body, with an expected restart before and after it.

    When the body fails the setting stays: the guest ends with its attempt.

    :param network: with networking: SSH and WinRM work, else only the guest agent.
    :param services: what else must start.
    :raise AgentFailure: a command failed, or the guest did not come up as it should.
    """
    mode = SafeMode.NETWORK if network else SafeMode.MINIMAL
    for name in services:
        key = rf"{SAFE_BOOT}\{mode.name.capitalize()}\{name}"
        _run(guest, ["reg.exe", "add", key, "/ve", "/t", "REG_SZ", "/d", "Service", "/f"])
    _run(guest, ["bcdedit.exe", "/set", "{current}", "safeboot", mode.name.lower()])
    guest.reboot(reason="safe mode is switched on")
    found = current(guest)
    if found is not mode:
        raise AgentFailure(f"safe mode: the guest came up with {found.name} (wanted {mode.name})")
    yield found
    _run(guest, ["bcdedit.exe", "/deletevalue", "{current}", "safeboot"])
    guest.reboot(reason="safe mode is switched off")
    if current(guest) is not SafeMode.OFF:
        raise AgentFailure("safe mode: still on after it was switched off and the guest restarted")


def recovery_environment(guest: GuestLike) -> str:
    """Where WinRE is (a device path), "" when it is switched off. The text around it is in any language.

    :raise AgentFailure: `reagentc` failed.
    """
    found = _LOCATION.search(_run(guest, ["reagentc.exe", "/info"]).text)
    return found[0] if found else ""


def _run(guest: GuestLike, words: list[str]) -> Completed:
    done = guest.run(words)
    if not done.ok:
        raise AgentFailure(f"{' '.join(words)}: exit code {done.exit_code}: {done.error_text[-200:]}", done)
    return done
