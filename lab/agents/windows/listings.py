"""What Windows' tools print, read by numbers and names, which are not translated as words are. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum


class State(IntEnum):
    """Of a service or driver, as SERVICE_STATUS numbers it."""

    STOPPED = 1
    START_PENDING = 2
    STOP_PENDING = 3
    RUNNING = 4
    CONTINUE_PENDING = 5
    PAUSE_PENDING = 6
    PAUSED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What `sc.exe query` tells of one."""

    name: str
    type: int
    """1 kernel driver, 2 file system driver, 0x10 own process, 0x20 shared."""
    state: State
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A minifilter that `fltmc filters` lists."""

    name: str
    instances: int
    altitude: str
    """A decimal number as text: altitudes have fractions (`370030.5`) and are compared exactly."""
    frame: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Driver Verifier's settings as `verifier /querysettings` prints them."""

    flags: int
    drivers: tuple[str, ...]

    @property
    def on(self) -> bool:
        return bool(self.flags)

    @property
    def low_resources(self) -> bool:
        return bool(self.flags & LOW_RESOURCES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A driver package that `pnputil /enum-drivers` lists."""

    published: str
    """`oem12.inf`: its name in this guest."""
    original: str


LOW_RESOURCES = 0x4
"""Of the verifier's flags: randomized low resources simulation."""
STANDARD = 0x209BB
"""What `/standard` sets in Windows 10 1709 and later."""
_NAME = re.compile(r"^SERVICE_NAME\s*:\s*(\S.*?)\s*$", re.MULTILINE | re.IGNORECASE)
_NUMBERED = re.compile(r"^[^:\n]+:\s*([0-9a-fA-F]+)\s\s?([A-Z0-9_ ]+?)\s*$", re.MULTILINE)
_EXIT = re.compile(r":\s*(\d+)\s+\(0x[0-9a-fA-F]+\)")
_FILTER = re.compile(r"^(\S(?:.*?\S)?)\s+(\d+)\s+(\d+(?:\.\d+)?)\s+(\d+)\s*$", re.MULTILINE)
_FLAGS = re.compile(r"0x([0-9a-fA-F]{8})\b")
_SET = re.compile(r"\[X\]\s+0x([0-9a-fA-F]{8})")
_DRIVER = re.compile(r"(?<![\w.-])([\w.-]+\.sys)\b", re.IGNORECASE)
_OEM = re.compile(r":\s*(oem\d+\.inf)\s*$", re.IGNORECASE)
_INF = re.compile(r":\s*(\S.*?\.inf)\s*$", re.IGNORECASE)


def services(text: str) -> dict[str, Service]:
    """By name, of `sc.exe query`; one that tells no state is left out."""
    found: dict[str, Service] = {}
    starts = list(_NAME.finditer(text))
    for at, start in enumerate(starts):
        end = starts[at + 1].start() if at + 1 < len(starts) else len(text)
        numbers = _NUMBERED.findall(text[start.end() : end])
        states = [int(number) for number, word in numbers if word in State.__members__]
        if not states:
            continue
        exits = _EXIT.search(text, start.end(), end)
        kind = int(numbers[0][0], 16) if numbers else 0
        found[start[1]] = Service(
            name=start[1], type=kind, state=State(states[0]), exit_code=int(exits[1]) if exits else 0
        )
    return found


def filters(text: str) -> tuple[Filter, ...]:
    """The minifilters of `fltmc filters`, topmost first; legacy filters have no altitude."""
    return tuple(
        Filter(name=name, instances=int(instances), altitude=altitude, frame=int(frame))
        for name, instances, altitude, frame in _FILTER.findall(text)
    )


def verification(text: str) -> Verification:
    """Of `verifier /querysettings`.

    :raise ValueError: it names no flags at all: nothing is known then.
    """
    flags = _FLAGS.search(text)
    if flags is None:
        raise ValueError(f"verifier settings: no flags in {text[:80]!r}")
    ticked = 0
    for one in _SET.findall(text):
        ticked |= int(one, 16)
    return Verification(
        flags=int(flags[1], 16) | ticked,
        drivers=tuple(dict.fromkeys(name.lower() for name in _DRIVER.findall(text))),
    )


def published(text: str) -> str:
    """The name that `pnputil /add-driver` gave the package, or ""."""
    found = re.search(r"\b(oem\d+\.inf)\b", text, re.IGNORECASE)
    return found[1].lower() if found else ""


def packages(text: str) -> tuple[Package, ...]:
    """Of `pnputil /enum-drivers`: a published name, and the next line that ends in `.inf`."""
    found: list[Package] = []
    waiting = ""
    for line in text.splitlines():
        if oem := _OEM.search(line):
            waiting = oem[1].lower()
        elif waiting and (inf := _INF.search(line)):
            found.append(Package(published=waiting, original=inf[1].lower()))
            waiting = ""
    return tuple(found)
