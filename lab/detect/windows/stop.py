"""Names for what stopped Windows: titles, signatures, and the stop information of a panic event.

One wording for all channels, so that an event, a serial line, a screen and a dump of one crash get
one title. Refuses to look at any channel's text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lab.detect.faults import brief, fold
from lab.model import Finding, FindingKind, Signature

UNTOLD = "bugcheck (code not told)"
"""pvpanic without arguments, or a screen on which no code can be read."""
HARDWARE = "hardware malfunction (NMI)"
"""The HAL's text when an NMI reports a hardware error and Windows is not set to make a bug check of it."""
NMI_HARDWARE_FAILURE = 0x80
ARGUMENTS = ("arg1", "arg2", "arg3", "arg4", "arg5")
MODULE = re.compile(r"[A-Za-z0-9_.~@#$%&()+,=\[\] -]{1,64}")


def title(code: int | None, module: str = "") -> str:
    """`SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E) in csagent.sys`; `bugcheck 0xABC (unknown)` for a code
    that the catalogue does not have; UNTOLD for None."""
    place = f" in {tidy(module)}" if tidy(module) else ""
    if code is None:
        return f"{UNTOLD}{place}"
    known = brief().by_code(code)
    name = f"{known.name} (0x{fold(code):X})" if known is not None else f"bugcheck 0x{fold(code):X} (unknown)"
    return f"{name}{place}"


def signature(code: int | None, module: str = "") -> Signature:
    """The identity of a stop. Alternative titles: without the module (another channel may not tell it),
    and under the code's older names."""
    main = title(code, module)
    alts = [title(code)]
    known = brief().by_code(code) if code is not None else None
    if known is not None and code is not None:
        place = main.removeprefix(alts[0])
        for alias in known.aliases:
            alts += [f"{alias} (0x{fold(code):X}){place}", f"{alias} (0x{fold(code):X})"]
    return Signature(title=main, alt_titles=tuple(dict.fromkeys(alt for alt in alts if alt != main)))


def hardware_signature() -> Signature:
    """`*** Hardware Malfunction`: the same event that NMI_HARDWARE_FAILURE reports where Windows may."""
    return Signature(title=HARDWARE, alt_titles=(title(NMI_HARDWARE_FAILURE),))


def boot_title(status: int | None, file: str = "", text: str = "") -> str:
    r"""`boot failure: STATUS_NO_SUCH_FILE (0xC000000F) on \Boot\BCD`; without a status, the screen's text."""
    if status is None:
        told = f"{text} on {file}" if text and file else text or file
        return f"boot failure: {told or 'Windows Boot Manager'}"
    known = brief().boot_status(status) or brief().by_code(status)
    name = f"{known.name} (0x{status:X})" if known is not None else f"status 0x{status:X}"
    return f"boot failure: {name}" + (f" on {file}" if file else "")


def boot_signature(status: int | None, file: str = "", text: str = "") -> Signature:
    """The identity of a boot failure; also known without its file."""
    main, short = boot_title(status, file, text), boot_title(status, "", text)
    return Signature(title=main, alt_titles=(short,) if short != main else ())


def tidy(module: str) -> str:
    """A module's name as titles have it: without path and address, in lower case."""
    name = module.replace("/", "\\").rpartition("\\")[2].strip(" .,:;\"'").lower()
    return name if MODULE.fullmatch(name) else ""


def finding_from_event(details: Mapping[str, Any]) -> tuple[int, tuple[int, ...]] | None:
    """Stop code and up to four parameters of a panic event, or None when it tells none.

    `details` is what came with GUEST_PANICKED: QEMU's GuestPanicInformationHyperV (arg1 is the code, arg2
    to arg5 the parameters), flat or under `info`, as numbers or as text (libvirt's log has '0x7e').
    A pvpanic device has no arguments.
    """
    info = details.get("info")
    found = {**details, **info} if isinstance(info, Mapping) else details
    values = [number(found.get(name)) for name in ARGUMENTS]
    code = values[0]
    if code is None or found.get("type") not in (None, "hyper-v", "hyperv"):
        return None
    parameters = []
    for value in values[1:]:
        if value is None:
            break
        parameters.append(value)
    return fold(code), tuple(parameters)


def event_finding(details: Mapping[str, Any], t_s: float, *, windows: bool = False) -> Finding | None:
    """The finding for a panic event that tells a stop code. None for one that tells none, unless the guest
    is known to run `windows`: then it is a stop whose code is not told (pvpanic)."""
    stop = finding_from_event(details)
    if stop is None and not windows:
        return None
    code, parameters = stop if stop is not None else (None, ())
    return Finding(
        kind=FindingKind.BUGCHECK,
        signature=signature(code),
        fatal=True,
        t_s=t_s,
        channels=("event",),
        code=code,
        parameters=parameters,
        detail=sentence(code, parameters),
    )


def sentence(code: int | None, parameters: tuple[int, ...] = ()) -> str:
    """What a channel told, for a person."""
    if code is None:
        return "Windows stopped and did not tell its stop code"
    rest = ", ".join(f"0x{value:X}" for value in parameters)
    return f"stop code 0x{code:X}" + (f" with parameters {rest}" if parameters else "")


def number(value: object) -> int | None:
    """A number, or the text of one; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value & 0xFFFFFFFFFFFFFFFF
    if isinstance(value, str):
        try:
            return int(value.strip(" '\""), 0) & 0xFFFFFFFFFFFFFFFF
        except ValueError:
            return None
    return None
