"""What a console shows when Windows stops or does not start: data, one entry each.

Every entry has an example row that its expression must find (a test checks it) and the place that
prints it. Two sorts: what begins a report, and what an open report learns from a row. Refuses to
decide what belongs together; that is reports.py's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

PREFIX = r"^(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?[:|]? {0,2})? ?"
"""A recorder's time stamp may stand before a row. More than one space, or a program's name and level, is
somebody else's account of it."""
HEX = r"(?:0[xX])?[0-9A-Fa-f`]{1,17}"
VALUES = rf"{HEX}(?:, ?{HEX}){{0,3}}"
CODE = r"0x(?P<code>[0-9A-Fa-f]{1,8})"
FILE = r"[\w.$~@#&()\[\]{}+=^!%'-]{1,64}"


class Trouble(StrEnum):
    """What a report is about."""

    STOP = "stop"
    HARDWARE = "hardware"
    BOOT = "boot"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A row that begins a report."""

    id: str
    trouble: Trouble
    row: re.Pattern[str]
    """Searched in a row. Groups: `code`, `values` (hexadecimal, separated by commas), `what`."""
    hot: bytes
    """Every such row holds these bytes; for the fast search."""
    sure: bool = True
    """Enough by itself. What is not needs a second row before it is reported."""
    on_linux: bool = False
    """Also looked for on a console on which Linux was seen: it stands in a host's log."""
    fatal: bool = True
    example: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What an open report learns from a row."""

    id: str
    row: re.Pattern[str]
    """Groups: `code`, `values`, `one` (a single parameter), `module`, `status`, `file`, `info`."""
    weight: int = 0
    """Of a module: the heavier one is believed."""
    example: str
    source: str


def _re(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.ASCII)


SIGNS: tuple[Sign, ...] = (
    Sign(
        id="ems",
        trouble=Trouble.STOP,
        row=_re(r'<INSTANCE CLASSNAME="BLUESCREEN">'),
        hot=b"BLUESCREEN",
        example='<INSTANCE CLASSNAME="BLUESCREEN">',
        source="Emergency Management Services: in-band XML of a break point (Avocent ACS manual, table 7.4)",
    ),
    Sign(
        id="stop",
        trouble=Trouble.STOP,
        row=_re(rf"{PREFIX}\*\*\* STOP: {CODE}(?: ?\((?P<values>{VALUES})\)?)?"),
        hot=b"*** STOP: 0x",
        example="*** STOP: 0x000000D1 (0x0000000C,0x00000002,0x00000000,0xF86B5A89)",
        source="text stop screen of Windows NT 4 to 7, mirrored to the EMS port",
    ),
    Sign(
        id="hard-error",
        trouble=Trouble.STOP,
        row=_re(rf"{PREFIX}(?:\*\*\* )?STOP: (?P<code>c0[0-9A-Fa-f]{{6}})\b"),
        hot=b"STOP: c0",
        example="STOP: c000021a {Fatal System Error}",
        source="stop screen for a hard error: the status without 0x, then its caption",
    ),
    Sign(
        id="text-screen",
        trouble=Trouble.STOP,
        row=_re(PREFIX + r"A problem has been detected and Windows has been shut down to prevent"),
        hot=b"Windows has been shut down",
        example="A problem has been detected and Windows has been shut down to prevent damage",
        source="first line of the text stop screen of Windows XP to 7",
    ),
    Sign(
        id="kernel-debugger",
        trouble=Trouble.STOP,
        row=_re(rf"{PREFIX}\*\*\* Fatal System Error: {CODE}(?: ?\((?P<values>{VALUES})\)?)?"),
        hot=b"*** Fatal System Error: 0x",
        example="*** Fatal System Error: 0x0000007e",
        source="KeBugCheckEx with the kernel debugger enabled; also ReactOS, in plain text",
    ),
    Sign(
        id="analysis",
        trouble=Trouble.STOP,
        row=_re(rf"{PREFIX}BugCheck (?P<code>[0-9A-Fa-f]{{1,8}}), \{{(?P<values>{VALUES})\}}"),
        hot=b"BugCheck ",
        example="BugCheck 7E, {ffffffffc0000005, fffff80012345678, ffffa00111112222, ffffa00111112333}",
        source="kd.exe: first analysis after a break",
    ),
    Sign(
        id="analysis-banner",
        trouble=Trouble.STOP,
        row=_re(r"^\* {10,}Bugcheck Analysis +\*$"),
        hot=b"  Bugcheck Analysis  ",
        sure=False,
        example="*                        Bugcheck Analysis                                    *",
        source="!analyze of kd.exe and WinDbg; the code follows",
    ),
    Sign(
        id="panic-log",
        trouble=Trouble.STOP,
        row=_re(
            rf"panic hyper-v: arg1='0x(?P<code>[0-9a-f]{{1,16}})'(?P<values>(?:, arg[2-5]='{HEX}'){{0,4}})"
        ),
        hot=b"panic hyper-v: arg1=",
        on_linux=True,
        example="panic hyper-v: arg1='0x3e', arg2='0x46d359bbdff', arg3='0x2', arg4='0x0', arg5='0x0'",
        source="libvirt's log of a domain: qemuProcessHandleGuestPanic",
    ),
    Sign(
        id="event-log",
        trouble=Trouble.STOP,
        row=_re(
            r"rebooted from a bugcheck\.(?: +The bugcheck was: (?:0x(?P<code>[0-9a-fA-F]{1,8}))"
            rf"(?: ?\((?P<values>{VALUES})\))?)?"
        ),
        hot=b"rebooted from a bugcheck",
        example="The computer has rebooted from a bugcheck.  The bugcheck was: 0x0000001a (0x4, 0x0).",
        source="Windows event 1001 of WER-SystemErrorReporting",
    ),
    Sign(
        id="hardware",
        trouble=Trouble.HARDWARE,
        row=_re(PREFIX + r"\*\*\* Hardware Malfunction"),
        hot=b"*** Hardware Malfunction",
        example="*** Hardware Malfunction",
        source="HAL: an NMI that no driver claims",
    ),
    Sign(
        id="boot-manager",
        trouble=Trouble.BOOT,
        row=_re(PREFIX + r"(?:\s*Windows Boot Manager\s*)?\s*Windows failed to start\. A recent hardware or"),
        hot=b"Windows failed to start. A recent",
        example="Windows failed to start. A recent hardware or software change might be the cause.",
        source="Windows boot manager, Vista and later",
    ),
    Sign(
        id="boot-manager-short",
        trouble=Trouble.BOOT,
        row=_re(PREFIX + r"(?:\s*Windows Boot Manager\s*)?\s*Windows failed to start\b"),
        hot=b"Windows failed to start",
        sure=False,
        example="Windows failed to start.",
        source="Windows boot manager, abridged by a recorder; the status must follow",
    ),
    Sign(
        id="boot-device",
        trouble=Trouble.BOOT,
        row=_re(
            PREFIX + r"(?:\s*Windows Boot Manager\s*)?\s*Windows has encountered a problem communicating with"
        ),
        hot=b"Windows has encountered a problem comm",
        example="Windows has encountered a problem communicating with a device connected to your computer.",
        source="Windows boot manager, Vista and later: status 0xc00000e9",
    ),
    Sign(
        id="boot-file",
        trouble=Trouble.BOOT,
        row=_re(PREFIX + r"Windows could not start because (?:the following file is|of (?:a|an error in))"),
        hot=b"Windows could not start because",
        example="Windows could not start because the following file is missing or corrupt:",
        source="NTLDR of Windows 2000 to Server 2003",
    ),
    Sign(
        id="no-bootmgr",
        trouble=Trouble.BOOT,
        row=_re(PREFIX + r"(?P<what>BOOTMGR (?:is missing|is compressed|image is corrupt))"),
        hot=b"BOOTMGR ",
        example="BOOTMGR is missing",
        source="boot sector of an NTFS volume, Vista and later",
    ),
    Sign(
        id="no-ntldr",
        trouble=Trouble.BOOT,
        row=_re(PREFIX + r"(?P<what>NTLDR is (?:missing|compressed))"),
        hot=b"NTLDR is ",
        example="NTLDR is missing",
        source="boot sector of an NTFS volume, before Vista",
    ),
    Sign(
        id="repair",
        trouble=Trouble.RECOVERY,
        row=_re(r"(?:^|Recovery\s+)\s*Your (?:PC|device|PC/Device) needs to be repaired"),
        hot=b" needs to be repaired",
        example="Your PC/Device needs to be repaired",
        source="Windows boot manager, 8 and later",
    ),
    Sign(
        id="error-recovery",
        trouble=Trouble.RECOVERY,
        row=_re(r"^\s*Windows (?P<what>Error Recovery\s*$|did not shut down successfully)"),
        hot=b"Windows ",
        fatal=False,
        example="Windows Error Recovery",
        source="Windows boot manager, Vista and 7",
    ),
)

FACTS: tuple[Fact, ...] = (
    Fact(
        id="ems-code",
        row=_re(r'<VALUE>"?0x(?P<code>[0-9A-Fa-f]{1,8})"?'),
        example='<PROPERTY NAME="STOPCODE" TYPE="string"><VALUE>"0x7E"</VALUE></PROPERTY>',
        source="EMS",
    ),
    Fact(
        id="values",
        row=_re(rf"^\s*\((?P<values>0x[0-9A-Fa-f`]{{1,17}}(?:, ?{HEX}){{1,3}})\)"),
        example="                       (0xFFFFFFFFC0000005,0xFFFFF80012345678,0x0000000000000000,0x0)",
        source="second line of *** Fatal System Error",
    ),
    Fact(
        id="stop",
        row=_re(rf"\*\*\* STOP: 0x(?P<code>[0-9A-Fa-f]{{1,8}})(?: ?\((?P<values>{VALUES})\)?)?"),
        example="*** STOP: 0x0000007B (0xF8955640, 0xC0000034, 0x00000000, 0x00000000)",
        source="text stop screen",
    ),
    Fact(
        id="fatal",
        row=_re(r"\*\*\* Fatal System Error: 0x(?P<code>[0-9A-Fa-f]{1,8})"),
        example="*** Fatal System Error: 0x000000d1",
        source="KeBugCheckEx",
    ),
    Fact(
        id="analysis",
        row=_re(rf"^BugCheck (?P<code>[0-9A-Fa-f]{{1,8}}), \{{(?P<values>{VALUES})\}}"),
        example="BugCheck 3B, {c0000005, fffff80012345678, ffffa00111112222, 0}",
        source="kd.exe",
    ),
    Fact(
        id="analysis-name",
        row=_re(r"^[A-Z][A-Z0-9_]{5,80} \((?P<code>[0-9a-f]{1,8})\)$"),
        example="SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (7e)",
        source="!analyze -v",
    ),
    Fact(
        id="analysis-argument",
        row=_re(r"^Arg[1-4]: (?P<one>[0-9a-f]{1,16})(?:,|$)"),
        example="Arg1: ffffffffc0000005, The exception code that was not handled",
        source="!analyze -v",
    ),
    Fact(
        id="bugcheck-code",
        row=_re(r"^BUGCHECK_CODE:\s+(?P<code>[0-9A-Fa-f]{1,8})$"),
        example="BUGCHECK_CODE:  7e",
        source="!analyze -v",
    ),
    Fact(
        id="bugcheck-parameter",
        row=_re(r"^BUGCHECK_P[1-4]:\s+(?P<one>[0-9A-Fa-f]{1,16})$"),
        example="BUGCHECK_P1: ffffffffc0000005",
        source="!analyze -v",
    ),
    Fact(
        id="driver-at-fault",
        row=_re(rf"^Driver at fault: (?P<module>{FILE}?)\.?$"),
        weight=4,
        example="Driver at fault: csagent.sys.",
        source="KeBugCheckEx with the kernel debugger enabled",
    ),
    Fact(
        id="caused-by-file",
        row=_re(rf"caused by the following file: (?P<module>{FILE})"),
        weight=4,
        example="The problem seems to be caused by the following file: gv3.sys",
        source="text stop screen",
    ),
    Fact(
        id="address-line",
        row=_re(rf"^\s*\*\*\* +(?P<module>{FILE}) - Address "),
        weight=3,
        example="***  gv3.sys - Address F86B5A89 base at F86B5000, DateStamp 3dd991eb",
        source="text stop screen",
    ),
    Fact(
        id="probably",
        row=_re(rf"^Probably caused by ?: (?P<module>{FILE})"),
        weight=3,
        example="Probably caused by : csagent.sys ( csagent+e14ed )",
        source="kd.exe",
    ),
    Fact(
        id="image-name",
        row=_re(rf"^IMAGE_NAME:\s+(?P<module>{FILE})"),
        weight=3,
        example="IMAGE_NAME:  csagent.sys",
        source="!analyze -v",
    ),
    Fact(
        id="module-name",
        row=_re(rf"^MODULE_NAME:\s+(?P<module>{FILE})"),
        weight=1,
        example="MODULE_NAME: csagent",
        source="!analyze -v",
    ),
    Fact(
        id="what-failed",
        row=_re(rf"^\s*What failed: (?P<module>{FILE})"),
        weight=4,
        example="What failed: csagent.sys",
        source="stop screen of Windows 8 and later",
    ),
    Fact(
        id="related-driver",
        row=_re(rf"Possibly related driver: (?P<module>{FILE}?)\.?$"),
        weight=2,
        example="Possibly related driver: nvlddmkm.sys.",
        source="Windows event 1019 of WER-SystemErrorReporting",
    ),
    Fact(
        id="status",
        row=_re(r"(?:Status|Error [Cc]ode) ?:? *(?P<status>0x[0-9A-Fa-f]{6,8})"),
        example="Status: 0xc000000f",
        source="Windows boot manager",
    ),
    Fact(
        id="file",
        row=_re(r"File ?: *(?P<file>\\[^\x00-\x1f:*?\"<>|]{1,200}?)(?:\s{2,}|\s*Status|\s*Error [Cc]ode|$)"),
        example=r"File: \Windows\system32\drivers\csagent.sys",
        source="Windows boot manager",
    ),
    Fact(
        id="loader-file",
        row=_re(
            r"^\s*(?:<Windows root>)?(?P<file>\\(?:WINDOWS|WINNT|system32)\\[\w\\.$-]{3,120}|\\?hal\.dll)\s*$"
        ),
        example=r"\WINDOWS\SYSTEM32\CONFIG\SYSTEM",
        source="NTLDR of Windows 2000 to Server 2003, the line after",
    ),
    Fact(
        id="info",
        row=_re(r"Info ?: *(?P<info>\S.{3,200}?)(?:\s{2,}|$)"),
        example="Info: The selected entry could not be loaded because the application is missing or corrupt.",
        source="Windows boot manager",
    ),
)

DUMPED = _re(r"Physical memory dump (?P<what>complete|FAILED)|Dumping physical memory to disk: +100")
POST_MORTEM = b"Loading Dump File ["
"""kd.exe opens a dump: what follows is a report on another time, perhaps on another machine."""
LINUX = b"Linux version "
BOOT_MANAGER = b"Windows Boot Manager"
NEEDLES = (
    b"*** ",
    b"BLUESCREEN",
    b"STOP: c0",
    b"Windows ",
    b"BugCheck ",
    b"  Bugcheck Analysis  ",
    b"panic hyper-v: arg1=",
    b"rebooted from a bugcheck",
    b"BOOTMGR ",
    b"NTLDR is ",
    b" needs to be repaired",
    POST_MORTEM,
    LINUX,
)
"""One of these is in every row that matters; few, because each costs a pass over all bytes (0.2 to 0.6 ns per
byte)."""
NEEDLES_ON_LINUX = (b"panic hyper-v: arg1=", BOOT_MANAGER)
"""While Linux runs: a host's log, or the machine's other system is started."""
GOES_ON = {
    b"*** ": re.compile(rb"\*\*\* (?:STOP: 0x|Fatal System Error: 0x|Hardware Malfunction)"),
    b"Windows ": re.compile(
        rb"Windows (?:failed to start|has been shut down|Error Recovery|did not shut down|"
        rb"has encountered a problem comm|could not start because)"
    ),
}
"""Of needles that stand in much harmless text: how they must go on."""
BOOT = _re(
    r"Computer is booting, SAC started|^SeaBIOS \(|^BdsDxe: (?:loading|starting)|^UEFI firmware|^iPXE |"
    r"Windows is loading files|^Shutdown occurred at|^Booting from"
)
"""A machine starts again (firmware, SAC, the debugger's account of it)."""
BOOT_EXAMPLE = "Computer is booting, SAC started and initialized."
