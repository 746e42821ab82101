"""Stop code, name, parameters, module and progress, out of text that was read from a stop screen.

Hexadecimal digits are repaired (O is 0, l is 1); a name is looked up in the catalogue by its letters, so
that underscores lost to a low resolution do not matter. Where number and name disagree, the better read one
wins. Refuses to decide whether the screen is one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.detect.faults import FaultClass, brief

DIGITS = str.maketrans("OQUIL|!ZGT?S&R°É", "000111126775880E")
"""What recognition makes of digits, and the digits."""
HEX = r"[0-9A-Fa-fOoQUIlLi|!ZzGSsTt?&°Éé]"
NUMBER = re.compile(rf"[0OoQCc(]{{0,2}}[0OoQ]\s?[xX×]\s?({HEX}{{2,20}})")
STOP = re.compile(r"(?:S[TI7][O0Q]P|STOP)\s*[:;.,]?\s*(.*)", re.DOTALL)
ENDED = re.compile(r"\)\s*$|\)\s*\S{0,2}$")
SMALL = re.compile(r"(?<=[xX0-9A-F])[doqag](?=[0-9A-Fdoqag])")
STOP_NUMBER = re.compile(rf"[0OoQ]\s?[xX×]\s?({HEX}{{6,12}})")
PER_CENT = re.compile(r"(?<![\w.])([0-9OolI]{1,3})\s?[%％]|[%％]\s?([0-9]{1,3})(?!\d)")
DUMPING = re.compile(r"(?:memory|disk)\s*(?:to disk|dump)?\s*[:;.]\s*([0-9OolI]{1,3})\s*$", re.IGNORECASE)
FILE = re.compile(
    r"([A-Za-z0-9_\-~$+]{1,40}(?:\.[A-Za-z0-9_\-~]{1,20}){0,2})\s?[.,·]\s?(sys|exe|dll|tmp|drv|efi|bin|ocx)\b",
    re.IGNORECASE,
)
SPACED = re.compile(r"^([A-Za-z0-9_\-~$+.]{1,40})\s+(sys|exe|dll|tmp)\b", re.IGNORECASE)
"""A file after its label, whose dot was too faint."""
NOUGHT = re.compile(r"^[69DG](?=0{5})")
"""Leading digits of parameters that were a nought with a dot or a stroke in it."""
LABELLED = re.compile(r"(?:what|vhat|wh?at)\s*fai[l1I]ed\s*[:;.]?\s*(\S.*)$", re.IGNORECASE)
Again = Callable[[int], list[str]]
"""Reads the hexadecimal numbers of a line once more, in several ways."""
NAME_SURE = 90.0
"""Similarity (0-100) from which a name decides against a number that was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopText:
    """What a stop screen's text says; None, "" and () where nothing can be read."""

    code: int | None = None
    name: str = ""
    score: float = 0.0
    """How well the name was read, 0-100."""
    parameters: tuple[int, ...] = ()
    module: str = ""
    progress: int | None = None
    in_stop_line: bool = False
    """`*** STOP: 0x...` was there."""


def read_stop(lines: Sequence[str], again: Again | None = None) -> StopText:
    """Everything that can be had from the lines of a stop screen."""
    code, parameters, stop_line = _stop_line(lines, again)
    name, named, score = _named(lines)
    if code is None:
        code = _lone_code(lines, again)
    if code is not None and brief().by_code(code) is None:
        code = nearest_code(code) if stop_line else code
    fault = brief().by_code(code) if code is not None else None
    if named is not None and (
        code is None or fault is None or (score >= NAME_SURE and not _agree(code, named))
    ):
        code = named
    elif fault is not None:
        name = fault.name
    return StopText(
        code=code,
        name=name,
        score=score,
        parameters=parameters,
        module=_module(lines),
        progress=progress(lines),
        in_stop_line=stop_line,
    )


def _agree(code: int, named: int) -> bool:
    one, other = brief().by_code(code), brief().by_code(named)
    return one is not None and one is other


def number(text: str) -> int:
    """Hexadecimal digits as read, repaired."""
    plain = text.upper().translate(DIGITS)
    return int("".join(digit for digit in plain if digit in "0123456789ABCDEF") or "0", 16)


def _stop_line(lines: Sequence[str], again: Again | None) -> tuple[int | None, tuple[int, ...], bool]:
    """`*** STOP: 0x0000007E (0x..., 0x..., 0x..., 0x...)`, which may be broken over two or three lines."""
    for place, line in enumerate(lines):
        match = STOP.search(line)
        if match is None or STOP_NUMBER.search(line[match.start() :]) is None:
            continue
        last = next((at for at in range(place, min(place + 3, len(lines))) if ENDED.search(lines[at])), place)
        # Windows writes these digits in capitals: a small d or o in them was a nought.
        looks = [SMALL.sub("0", "".join((match[1], *lines[place + 1 : last + 1])))]
        if again is not None:
            readings = [again(number) for number in range(place, last + 1)]
            looks += ["".join(pieces) for pieces in zip(*readings, strict=False)]
        code, parameters = _agreed([_numbers(look) for look in looks])
        return code, parameters, True
    return None, (), False


def _numbers(text: str) -> list[tuple[int, int]]:
    """Value and number of digits of every number after an x."""
    found = []
    for piece in re.split(r"[xX×]", text)[1:]:
        digits = re.match(rf"(?:{HEX}|[ ](?=\w))*", piece.split(",")[0].split("(")[0].split(" C")[0])
        spelled = (digits[0] if digits else "").replace(" ", "")
        if len(spelled) >= 4:
            found.append((number(NOUGHT.sub("0", spelled)), len(spelled)))
    return found


def _agreed(looks: list[list[tuple[int, int]]]) -> tuple[int | None, tuple[int, ...]]:
    """What most looks saw at each place. A look that lost a number counts only for the first."""
    heads = [look[0][0] & 0xFFFFFFFF for look in looks if look]
    if not heads:
        return None, ()
    known = [head for head in heads if brief().by_code(head) is not None]
    code = Counter(known or heads).most_common(1)[0][0]
    most = Counter(len(look) for look in looks if look).most_common(1)[0][0]
    whole = [look for look in (*looks[1:], looks[0]) if len(look) == most]
    values = []
    for place in range(1, min(most, 5)):
        sound = [look[place][0] for look in whole if look[place][1] in (8, 16)]
        values.append(Counter(sound or [look[place][0] for look in whole]).most_common(1)[0][0])
    return code, tuple(value & 0xFFFFFFFFFFFFFFFF for value in values)


def _lone_code(lines: Sequence[str], again: Again | None) -> int | None:
    """A code in brackets or alone: `CRITICAL_PROCESS_DIED (0xEF)`, `this error: 0xc000021a`. Long ones first:
    a short one may be a misread word."""
    matches = [(match, place) for place, line in enumerate(lines) for match in NUMBER.finditer(line)]
    matches.sort(key=lambda pair: -len(pair[0][1]))
    for match, place in matches:
        value = number(match[1])
        bracketed = match.string[: match.start()].rstrip().endswith(("(", ":")) or match[0].startswith(
            ("(", "C(")
        )
        if len(match[1]) < 6 and not bracketed:
            continue
        looks = again(place) if again is not None and len(match[1]) >= 6 else []
        for candidate in (value, *(other for look in looks for other, _ in _numbers(look))):
            if is_stop(candidate):
                return candidate
        if len(match[1]) == 8 and is_stop(nearest_code(value)):
            return nearest_code(value)
    return None


def is_stop(code: int) -> bool:
    """Whether the catalogue has a stop (or another dump code) with this number."""
    fault = brief().by_code(code) if 0 < code <= 0xFFFFFFFF else None
    return fault is not None and fault.fault_class is not FaultClass.BOOT_STATUS


def nearest_code(code: int, *, boot: bool = False) -> int:
    """The one known stop code (or boot status) whose eight digits differ from these in one place, or the
    code itself."""
    digits = f"{code & 0xFFFFFFFF:08X}"
    alike = [
        fault.code
        for fault in brief().all()
        if fault.code is not None
        and (fault.fault_class is FaultClass.BOOT_STATUS) == boot
        and _apart(f"{fault.code:08X}", digits) == 1
    ]
    return alike[0] if len(alike) == 1 else code


def _apart(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


def _named(lines: Sequence[str]) -> tuple[str, int | None, float]:
    """The best read stop name: on one line, or broken over two."""
    best: tuple[str, int | None, float] = ("", None, 0.0)
    for place, line in enumerate(lines):
        pair = (line, f"{line} {lines[place + 1]}") if place + 1 < len(lines) else (line,)
        for text in pair:
            found = brief().closest_name(text)
            if found is not None and found[1] > best[2]:
                best = (found[0].name, found[0].code, found[1])
    return best


def _module(lines: Sequence[str]) -> str:
    for line in lines:
        match = LABELLED.search(line)
        if match is not None:
            named = FILE.search(match[1]) or SPACED.match(match[1])
            return f"{named[1]}.{named[2]}" if named else match[1].split()[0].strip(".,;")
    for line in lines:
        named = FILE.search(line)
        if named is not None and not named[1].lower().endswith(("windows", "www")):
            return f"{named[1]}.{named[2]}"
    return ""


def progress(lines: Sequence[str]) -> int | None:
    """Per cent of a dump or an update."""
    for line in lines:
        match = PER_CENT.search(line) or DUMPING.search(line)
        if match is not None:
            digits = next(group for group in match.groups() if group)
            value = int(digits.translate(str.maketrans("OolI", "0011")))
            if value <= 100:
                return value
    return None


def boot_status(lines: Sequence[str], again: Again | None = None) -> int | None:
    """An NTSTATUS of the boot manager or of recovery: `Status: 0xc0000225`, `Error code: 0xc0000102`."""
    for place, line in enumerate(lines):
        for match in NUMBER.finditer(line):
            value = number(match[1])
            if value >> 28 not in (0xC, 0x8) or value > 0xFFFFFFFF:
                continue
            if brief().boot_status(value) is not None:
                return value
            looks = again(place) if again is not None else []
            others = [other for look in looks for other, _ in _numbers(look)]
            known = [other for other in others if brief().boot_status(other) is not None]
            return known[0] if known else nearest_code(value, boot=True)
    return None
