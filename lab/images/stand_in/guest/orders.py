r"""What the lab's order says: a program with arguments, a script of the lab's own, or plain lines of
programs.

Reads orders as `lab.guest.windows.launch` writes them; its texts come as data (`known.json`), so that an
order of another form is seen as one. PowerShell is not interpreted: a text that is neither one of the
lab's scripts nor made of plain program lines is refused.

    New-Item -ItemType Directory -Force C:\a | Out-Null; tar.exe -xf C:\a.tgz -C C:\a
    if ($LASTEXITCODE) { exit $LASTEXITCODE }; & 'C:\a\b.exe' install 1.0
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

STATEMENT = re.compile(r"(?:'(?:[^']|'')*'|\"[^\"]*\"|[^;\n'\"])+")
NEW_ITEM = re.compile(r"New-Item -ItemType Directory -Force (?:-Path )?(.+?) \| Out-Null", re.IGNORECASE)
STOP_ON_FAILURE = re.compile(r"if \(\$LASTEXITCODE(?: -ne 0)?\) \{ exit \$LASTEXITCODE \}", re.IGNORECASE)
LEFTOVERS = re.compile(
    r"foreach \(\$p in ((?:'[^']*'(?:, )?)+)\) \{ if \(Test-Path \$p\) \{ \"leftover=\$p\" \} \}"
)
EXIT = re.compile(r"exit (\d+|\$LASTEXITCODE)", re.IGNORECASE)
WORD = re.compile(r"'(?:[^']|'')*'|[^\s'\"`$@(){}|&<>,;]+")
PROGRAM = re.compile(r"(?:[A-Za-z]:\\[^:*?\"<>|]*|[\w.-]+)\.exe", re.IGNORECASE)


class Refused(Exception):
    """The STAND-IN does not know what this asks for, and does not pretend to."""


@dataclass(frozen=True)
class Program:
    """A program and its arguments, as CreateProcess gets them."""

    argv: Sequence[str]


@dataclass(frozen=True)
class Known:
    """One of the lab's own scripts, with the values that are written in it."""

    name: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lines:
    """Statements one after another: directories to make, programs, ends."""

    steps: Sequence[tuple[str, Sequence[str]]]
    """`mkdir`, `run`, `check` (end here after a failure), `leftovers` (which of them are there) or `exit`."""


Task = Program | Known | Lines


@dataclass(frozen=True)
class Order:
    """What stands in the first line of stdin."""

    token: str
    """To be printed with the process id first, where it is not empty."""
    task: Task


class Reader:
    """:param known: what `lab.images.stand_in.known` wrote."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.line: str = known["line"]
        self._announce = re.compile(known["announce"], re.DOTALL)
        self._program = re.compile(known["program"], re.DOTALL)
        self._text = re.compile(known["text"], re.DOTALL)
        self._scripts = [(name, re.compile(pattern, re.DOTALL)) for name, pattern in known["scripts"]]

    def read(self, line: bytes) -> Order:
        """:raise Refused: it is no order of the lab, or asks for what the STAND-IN cannot do."""
        try:
            script = base64.b64decode(line.strip(), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Refused(f"the order cannot be read: {error}") from error
        announced = self._announce.search(script)
        token = announced["token"] if announced else ""
        if found := self._program.search(script):
            words = literal(found["arguments"])
            return Order(token, Program([literal(found["name"]), *arguments(words)]))
        if found := self._text.search(script):
            return Order(token, self.task(literal(found["text"])))
        raise Refused("the order has a form that the lab does not send")

    def task(self, text: str) -> Task:
        """What a text of PowerShell asks for."""
        for name, pattern in self._scripts:
            if found := pattern.fullmatch(text):
                return Known(name, {key: _value(value) for key, value in found.groupdict().items()})
        return Lines(_steps(text))


def _value(text: str) -> str:
    return literal(text) if text[:1] == "'" else text


def _steps(text: str) -> list[tuple[str, Sequence[str]]]:
    steps: list[tuple[str, Sequence[str]]] = []
    rest = text.strip()
    while rest:
        # `if (...) { ... }` needs no semicolon behind it, and none is inside of it.
        if found := STOP_ON_FAILURE.match(rest):
            steps.append(("check", ()))
            rest = rest[found.end() :].lstrip(" ;\r\n")
            continue
        if found := LEFTOVERS.match(rest):
            steps.append(("leftovers", re.findall(r"'([^']*)'", found[1])))
            rest = rest[found.end() :].lstrip(" ;\r\n")
            continue
        found = STATEMENT.match(rest)
        if found is None:
            raise Refused(f"no PowerShell runs here: {rest[:120]!r}")
        steps.append(_step(found[0].strip()))
        rest = rest[found.end() :].lstrip(" ;\r\n")
    if not steps:
        raise Refused("an empty text")
    return steps


def _step(statement: str) -> tuple[str, Sequence[str]]:
    if found := NEW_ITEM.fullmatch(statement):
        return "mkdir", _words(found[1])
    if found := EXIT.fullmatch(statement):
        return "exit", (found[1],)
    called = statement.removeprefix("& ")
    words = _words(called)
    # Without `&` a quoted word is a text to PowerShell, and no program.
    if not PROGRAM.fullmatch(words[0]) or (called is statement and statement.startswith("'")):
        raise Refused(f"no PowerShell runs here: {statement[:120]!r}")
    return "run", words


def _words(text: str) -> list[str]:
    words, at = [], 0
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        found = WORD.match(text, at)
        if found is None or (found.end() < len(text) and text[found.end()] != " "):
            raise Refused(f"no PowerShell runs here: {text[:120]!r}")
        words.append(literal(found[0]) if found[0][0] == "'" else found[0])
        at = found.end()
    if not words:
        raise Refused("a statement without words")
    return words


def literal(text: str) -> str:
    """The value of a single-quoted literal of PowerShell."""
    return re.sub("(['\u2018\u2019\u201a\u201b])\\1", r"\1", text[1:-1])


def arguments(line: str) -> list[str]:
    """A command line's arguments, by "Parsing C command-line arguments" (learn.microsoft.com)."""
    at = 0
    argv: list[str] = []
    while True:
        while line[at : at + 1] in (" ", "\t"):
            at += 1
        if at >= len(line):
            return argv
        word, at = _argument(line, at)
        argv.append(word)


def _argument(line: str, at: int) -> tuple[str, int]:
    word, quoted = "", False
    while at < len(line) and (quoted or line[at] not in " \t"):
        slashes = 0
        while line[at : at + 1] == "\\":
            slashes, at = slashes + 1, at + 1
        if line[at : at + 1] == '"':
            word += "\\" * (slashes // 2)
            if slashes % 2:
                word += '"'
            elif quoted and line[at + 1 : at + 2] == '"':
                word, at = word + '"', at + 1
            else:
                quoted = not quoted
            at += 1
            continue
        word += "\\" * slashes
        if at < len(line) and (quoted or line[at] not in " \t"):
            word, at = word + line[at], at + 1
    return word, at
