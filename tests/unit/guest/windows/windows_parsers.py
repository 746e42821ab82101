"""Parsers of command lines, written from the documented rules and from nothing of lab's."""

from __future__ import annotations


def argv_of(line: str) -> list[str]:
    """CommandLineToArgvW, by "Parsing C command-line arguments" (learn.microsoft.com)."""
    at, argv = 0, []
    if line[:1] == '"':  # the program's name: no backslash escapes
        end = line.find('"', 1)
        argv.append(line[1:end])
        at = end + 1
    else:
        while at < len(line) and line[at] not in " \t":
            at += 1
        argv.append(line[:at])
    while True:
        while at < len(line) and line[at] in " \t":
            at += 1
        if at >= len(line):
            return argv
        word, quoted = "", False
        while at < len(line) and (quoted or line[at] not in " \t"):
            slashes = 0
            while at < len(line) and line[at] == "\\":
                slashes += 1
                at += 1
            if at < len(line) and line[at] == '"':
                word += "\\" * (slashes // 2)
                if slashes % 2:
                    word += '"'
                elif quoted and line[at + 1 : at + 2] == '"':
                    word += '"'
                    at += 1
                else:
                    quoted = not quoted
                at += 1
            else:
                word += "\\" * slashes
                if at < len(line) and (quoted or line[at] not in " \t"):
                    word += line[at]
                    at += 1
        argv.append(word)


class CmdError(Exception):
    """cmd.exe would do something else than start one program."""


def cmd_of(line: str, variables: dict[str, str], *, batch: bool = False) -> str:
    """The command line of the one program that a line of cmd.exe starts: percent signs first, then carets,
    quotes and special characters."""
    line = _percents(line, variables, batch)
    out, quoted, at = "", False, 0
    while at < len(line):
        char = line[at]
        if char == '"':
            quoted = not quoted
        elif not quoted and char == "^":
            at += 1
            if at >= len(line):
                raise CmdError("a caret at the end asks for more")
            char = line[at]
        elif not quoted and char in "&|<>()\r\n":
            raise CmdError(f"{char!r} is cmd.exe's own here")
        out += char
        at += 1
    return out


def _percents(line: str, variables: dict[str, str], batch: bool) -> str:
    out, at = "", 0
    while at < len(line):
        if line[at] != "%":
            out += line[at]
            at += 1
            continue
        if batch and line[at + 1 : at + 2] == "%":
            out += "%"
            at += 2
            continue
        end = line.find("%", at + 1)
        name = line[at + 1 : end] if end > 0 else ""
        if name and name.upper() in variables:
            out += variables[name.upper()]
            at = end + 1
        elif batch and (end > 0 or line[at + 1 : at + 2].isdigit() or line[at + 1 : at + 2] == "*"):
            at = end + 1 if end > 0 else at + 2  # an unknown variable is nothing in a batch file
        elif batch:
            at += 1
        else:
            out += "%"
            at += 1
    return out


def powershell_of(text: str) -> str:
    """A single-quoted literal, by about_Quoting_Rules; typographic quotes are quotes."""
    quotes = "'\u2018\u2019\u201a\u201b"
    assert text[0] in quotes
    assert text[-1] in quotes
    out, at = "", 1
    while at < len(text) - 1:
        if text[at] in quotes:
            at += 1
            assert at < len(text) - 1, "the literal ended early"
            assert text[at] in quotes, "the literal ended early"
        out += text[at]
        at += 1
    return out
