"""Rust and C++ names as their authors wrote them, from what the compiler made of them.

Covers what stands in kernel stacks: paths, types in `impl` blocks, generic arguments left out. What it
cannot read it gives back unchanged. Refuses to be a full demangler.
"""

from __future__ import annotations

import re
from collections.abc import Callable

CPP = re.compile(r"_Z(?P<nested>N)?(?P<rest>\d.*)", re.ASCII)
MOST_STEPS = 300
"""Paths and types in one name; real names have some twenty."""
HASH = re.compile(r"h[0-9a-f]{16}", re.ASCII)
"""The last part of Rust's older names."""
BASIC = {
    "b": "bool", "c": "char", "e": "str", "u": "()", "a": "i8", "s": "i16", "l": "i32", "x": "i64",
    "n": "i128", "i": "isize", "h": "u8", "t": "u16", "m": "u32", "y": "u64", "o": "u128", "j": "usize",
    "f": "f32", "d": "f64", "z": "!", "p": "_", "v": "...",
}  # fmt: skip
"""Basic types of Rust's symbol mangling, version 0 (RFC 2603)."""


def demangle(name: str) -> str:
    """`_RNvMs3_NtCs1_6binder7processNtB5_7Process3run` is `<binder::process::Process>::run`."""
    if name.startswith("_R"):
        try:
            reader = _Rust(name[2:])
            return reader.path()
        except (ValueError, IndexError):
            return name
    found = CPP.match(name)
    return _cpp(found) if found else name


def _cpp(found: re.Match[str]) -> str:
    parts, rest = [], found["rest"]
    while rest[:1].isdigit():
        digits = re.match(r"\d{1,4}", rest)
        length = int(digits[0]) if digits else 0
        start = len(digits[0]) if digits else 0
        if length == 0 or start + length > len(rest):
            break
        parts.append(rest[start : start + length])
        rest = rest[start + length :]
        if not found["nested"]:
            break
    if len(parts) > 1 and HASH.fullmatch(parts[-1]):
        parts.pop()
    return "::".join(parts) or found[0]


class _Rust:
    """A recursive reader of version 0 names. ValueError or IndexError: not one of them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._steps = 0

    def path(self) -> str:
        self._step()
        return self._path()

    def _step(self) -> None:
        """References let a short name stand for an endless one."""
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise ValueError("too complex")

    def _path(self) -> str:
        match self._next():
            case "C":
                return self._identifier()
            case "N":
                self._next()
                outer = self.path()
                inner = self._identifier()
                return f"{outer}::{inner}" if inner else f"{outer}::{{closure}}"
            case "M":
                self._impl()
                return f"<{self._type()}>"
            case "X":
                self._impl()
                return f"<{self._type()} as {self.path()}>"
            case "Y":
                return f"<{self._type()} as {self.path()}>"
            case "I":
                outer = self.path()
                while self._text[self._at] != "E":
                    self._argument()
                self._at += 1
                return outer
            case "B":
                return self._back(self.path)
            case other:
                raise ValueError(f"unknown path: {other!r}")

    def _type(self) -> str:
        self._step()
        tag = self._text[self._at]
        if tag in BASIC:
            self._at += 1
            return BASIC[tag]
        if tag == "B":
            self._at += 1
            return self._back(self._type)
        if tag in "RQPO":
            self._at += 1
            if self._text[self._at] == "L":
                self._at += 1
                self._number()
            return {"R": "&", "Q": "&mut ", "P": "*const ", "O": "*mut "}[tag] + self._type()
        if tag == "S":
            self._at += 1
            return f"[{self._type()}]"
        return self.path()

    def _argument(self) -> None:
        tag = self._text[self._at]
        if tag == "L":
            self._at += 1
            self._number()
        elif tag == "K":
            self._at = self._text.index("_", self._at) + 1
        else:
            self._type()

    def _impl(self) -> None:
        """Where an `impl` block stands; titles do not tell."""
        self._disambiguator()
        self.path()

    def _identifier(self) -> str:
        self._disambiguator()
        if self._text[self._at] == "u":
            self._at += 1
        digits = re.compile(r"\d{1,4}").match(self._text, self._at)
        if digits is None:
            raise ValueError("no identifier")
        start = digits.end() + (self._text[digits.end() : digits.end() + 1] == "_")
        self._at = start + int(digits[0])
        if self._at > len(self._text):
            raise ValueError("cut off")
        return self._text[start : self._at]

    def _disambiguator(self) -> None:
        if self._text[self._at] == "s":
            self._at += 1
            self._number()

    def _back(self, read: Callable[[], str]) -> str:
        place = self._number()
        if place >= self._at:
            raise ValueError("a reference that does not point back")
        kept, self._at = self._at, place
        name = read()
        self._at = kept
        return name

    def _number(self) -> int:
        """A base-62 number that ends in `_`: `_` is 0, `0_` is 1."""
        end = self._text.index("_", self._at)
        digits, self._at = self._text[self._at : end], end + 1
        value = 0
        for digit in digits:
            value = value * 62 + "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".index(digit)
        return value + 1 if digits else 0

    def _next(self) -> str:
        self._at += 1
        return self._text[self._at - 1]
