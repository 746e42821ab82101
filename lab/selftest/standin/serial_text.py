"""What Windows prints on a serial port when it stops: EMS and kernel debugger text. No Windows wrote these.

Formats: the in-band XML of Emergency Management Services (an INSTANCE of class BLUESCREEN with the property
STOPCODE), the `*** STOP` line, and the kernel debugger's `*** Fatal System Error` as ReactOS prints it.
"""

from __future__ import annotations

GREETING = "*** STAND-IN *** This guest only looks like Windows: self-test of the fleet lab ***"


def ems_boot(computer: str = "STAND-IN") -> str:
    """The SAC has started: what a healthy server with EMS prints."""
    return (
        "Computer is booting, SAC started and initialized.\n\n"
        'Use the "ch -?" command for information about using channels.\n'
        'Use the "?" command for general help.\n\n'
        f"SAC>\n<?xml>\n<machine-info>\n<name>{computer}</name>\n<guid>00000000-0000-0000-0000-5354414e4449</guid>\n"
        "<processor-architecture>AMD64</processor-architecture>\n<os-version>10.0</os-version>\n"
        "<os-build-number>17763</os-build-number>\n<os-product>STAND-IN for Windows Server</os-product>\n"
        "</machine-info>\nSAC>"
    )


def ems_stop(code: int, name: str, parameters: tuple[int, ...], module: str = "") -> str:
    """A stop on a server with EMS: the XML, then the text of the screen, then the prompt that is left."""
    values = ",".join(f"0x{value:016X}" for value in parameters)
    failed = f"What failed: {module}\n" if module else ""
    return (
        '\a\a\a<?xml>\a<BP>\n<INSTANCE CLASSNAME="BLUESCREEN">\n'
        f'<PROPERTY NAME="STOPCODE" TYPE="string"><VALUE>"0x{code:X}"</VALUE></PROPERTY>'
        "<machine-info>\n<name>STAND-IN</name>\n<os-build-number>17763</os-build-number>\n</machine-info>\n"
        "</INSTANCE>\n</BP>\a\n!SAC>\n"
        f"Your PC ran into a problem and needs to restart.\nStop code: {name}\n{failed}"
        f"*** STOP: 0x{code:08X} ({values})\n"
    )


def debugger_stop(code: int, parameters: tuple[int, ...], module: str = "") -> str:
    """A stop on a machine with the kernel debugger's port on this line and nobody attached."""
    values = ",".join(f"0x{value:016X}" for value in parameters)
    fault = f"Driver at fault: {module}.\n" if module else ""
    return (
        f"\n*** Fatal System Error: 0x{code:08x}\n                       ({values})\n\n{fault}"
        "Break instruction exception - code 80000003 (first chance)\n\n"
        "A fatal system error has occurred.\n"
        "Debugger entered on first try; Bugcheck callbacks have not been invoked.\n"
    )


def on_the_wire(text: str) -> bytes:
    """Lines end with CR LF."""
    return (text.rstrip("\n") + "\n").replace("\n", "\r\n").encode("ascii")
