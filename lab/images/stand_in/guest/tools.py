"""Windows' tools in the STAND-IN, in the forms that Microsoft documents; each prints what it keeps on its
disk.

`sc`, `fltmc`, `pnputil`, `verifier`, `bcdedit`, `reg`: as much of each as the lab uses. Any other word is
refused with exit code 87 and a line on stderr.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from lab.images.stand_in.guest.kernel import AUTO, BOOT, DEMAND, DISABLED, SYSTEM, Kernel

INVALID, NO_SERVICE, RUNNING, NOT_RUNNING, EXISTS = 87, 1060, 1056, 1062, 1073
STARTS = {"boot": BOOT, "system": SYSTEM, "auto": AUTO, "demand": DEMAND, "disabled": DISABLED}
STANDARD = 0x209BB


class Streams(Protocol):
    """What of `programs.Streams` is needed here."""

    def say(self, text: str) -> None: ...

    def complain(self, text: str) -> None: ...


def run(name: str, kernel: Kernel, words: list[str], streams: Streams) -> int:
    """The tool's exit code."""
    code = TOOLS[name](kernel, words, streams)
    if code == INVALID:
        streams.complain(f"{name} {' '.join(words)}: not known to the stand-in")
    return code


def _sc(kernel: Kernel, words: list[str], streams: Streams) -> int:
    services: dict[str, Any] = kernel.config["services"]
    match words:
        case ["create", name, "type=", "kernel", "start=", start, "binPath=", path] if start in STARTS:
            if name in services:
                return EXISTS
            kernel.change(services={**services, name: {"path": path, "start": STARTS[start]}})
            streams.say("[SC] CreateService SUCCESS\n")
            return 0
        case ["delete" | "query" | "start" | "stop", name] if name not in services:
            streams.say(f"[SC] OpenService FAILED {NO_SERVICE}:\n")
            return NO_SERVICE
        case ["delete", name]:
            kernel.unload(name)
            kernel.change(services={key: value for key, value in services.items() if key != name})
            return 0
        case ["query", name]:
            state = "4  RUNNING" if name in kernel.loaded() else "1  STOPPED"
            streams.say(
                f"\nSERVICE_NAME: {name}\n        TYPE               : 1  KERNEL_DRIVER\n"
                f"        STATE              : {state}\n        WIN32_EXIT_CODE    : 0  (0x0)\n"
            )
            return 0
        case ["start", name]:
            if name in kernel.loaded():
                return RUNNING
            return _started(kernel, name)
        case ["stop", name]:
            if name not in kernel.loaded():
                return NOT_RUNNING
            kernel.unload(name)
            return 0
    return INVALID


def _started(kernel: Kernel, name: str) -> int:
    try:
        kernel.load(name)
    except OSError as error:
        return 2 if error.errno == 2 else 193
    return 0


def _fltmc(kernel: Kernel, words: list[str], streams: Streams) -> int:
    if words != ["filters"]:
        return INVALID
    streams.say("\nFilter Name                     Num Instances    Altitude    Frame\n")
    streams.say("------------------------------  -------------  ------------  -----\n")
    for name, kept in kernel.loaded().items():
        if "altitude" in kept:
            streams.say(f"{name:<30}  {1:>13}  {kept['altitude']:>12}  {0:>5}\n")
    return 0


def _pnputil(_kernel: Kernel, words: list[str], streams: Streams) -> int:
    if words != ["/enum-drivers"]:
        return INVALID
    streams.say(
        "Microsoft PnP Utility\n\nPublished Name:     oem0.inf\nOriginal Name:      standin.inf\n"
        "Provider Name:      STAND-IN\nClass Name:         System\n"
        "Class GUID:         {4d36e97d-e325-11ce-bfc1-08002be10318}\n"
        "Driver Version:     07/19/2024 1.0.0.0\nSigner Name:        STAND-IN\n\n"
    )
    return 0


def _verifier(kernel: Kernel, words: list[str], streams: Streams) -> int:
    kept: dict[str, Any] = kernel.config["verifier"]
    match words:
        case ["/querysettings"]:
            flags = kept.get("flags", 0)
            streams.say(f"Verifier Flags: 0x{flags:08x}\n\n  Verified Drivers:\n\n")
            for name in kept.get("drivers", []):
                streams.say(f"  {name}\n")
            return 0
        case ["/bootmode", "persistent"]:
            return 0
        case ["/reset"]:
            kernel.change(verifier={})
            return 2
        case ["/flags", flags, *rest] if re.fullmatch(r"0x[0-9a-fA-F]+", flags) and "/driver" in rest:
            low = 0x4 if "/faults" in rest else 0
            kernel.change(
                verifier={"flags": int(flags, 16) | low, "drivers": rest[rest.index("/driver") + 1 :]}
            )
            return 2
    return INVALID


def _bcdedit(kernel: Kernel, words: list[str], streams: Streams) -> int:
    kept: dict[str, str] = kernel.config["bcd"]
    match words:
        case ["/set", "{current}" | "{default}", "safeboot", ("minimal" | "network") as kind]:
            kernel.change(bcd={**kept, "safeboot": kind})
        case ["/deletevalue", "{current}" | "{default}", "safeboot"]:
            if "safeboot" not in kept:
                return 1
            kernel.change(bcd={key: value for key, value in kept.items() if key != "safeboot"})
        case _:
            return INVALID
    streams.say("The operation completed successfully.\n")
    return 0


def _reg(kernel: Kernel, words: list[str], streams: Streams) -> int:
    kept: dict[str, Any] = {**_volatile(kernel), **kernel.config["registry"]}
    match words:
        case ["add", key, "/v", name, "/t", kind, "/d", value, "/f"]:
            kernel.change(registry={**kernel.config["registry"], f"{key}|{name}".lower(): [kind, value]})
            streams.say("The operation completed successfully.\n")
            return 0
        case ["add", key, "/ve", "/t", kind, "/d", value, "/f"]:
            kernel.change(registry={**kernel.config["registry"], f"{key}|".lower(): [kind, value]})
            return 0
        case ["delete", key, "/f"]:
            gone = f"{key}|".lower()
            left = {name: one for name, one in kernel.config["registry"].items() if not name.startswith(gone)}
            kernel.change(registry=left)
            return 0
        case ["query", key, "/v", name]:
            found = kept.get(f"{key}|{name}".lower())
            if found is None:
                streams.complain("the system was unable to find the specified registry key or value")
                return 1
            text = f"0x{int(found[1]):x}" if found[0] == "REG_DWORD" else found[1]
            streams.say(f"\n{key}\n    {name}    {found[0]}    {text}\n\n")
            return 0
    return INVALID


def _volatile(kernel: Kernel) -> dict[str, list[str]]:
    """Keys that Windows makes anew at each boot."""
    kind = {"minimal": "1", "network": "2"}.get(kernel.booted["safe"])
    option = "hklm\\system\\currentcontrolset\\control\\safeboot\\option|optionvalue"
    crash = "hklm\\system\\currentcontrolset\\control\\crashcontrol"
    found = {f"{crash}|autoreboot": ["REG_DWORD", "1"], f"{crash}|nmicrashdump": ["REG_DWORD", "1"]}
    return {**found, option: ["REG_DWORD", kind]} if kind else found


TOOLS: Mapping[str, Callable[[Kernel, list[str], Streams], int]] = {
    "sc.exe": _sc,
    "fltmc.exe": _fltmc,
    "pnputil.exe": _pnputil,
    "verifier.exe": _verifier,
    "bcdedit.exe": _bcdedit,
    "reg.exe": _reg,
}
