r"""Text that three Windows parsers read back exactly: the C runtime's, cmd.exe's and PowerShell's.

Pure. Refuses what a parser cannot be given, instead of passing on something near it. Sources: "Parsing C
command-line arguments" and `CommandLineToArgvW` (learn.microsoft.com), cmd.exe's phases as
"How does the Windows Command Interpreter parse scripts?" (stackoverflow.com/questions/4094699) has them,
"about_Quoting_Rules" and "about_PowerShell_exe".
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

LONGEST_LINE = 32_766
"""Characters of a command line that CreateProcessW takes (its limit counts the final NUL)."""
LONGEST_CMD_LINE = 8_191
"""Characters of a line that cmd.exe takes."""
_NEEDS_QUOTES = re.compile(r'[\s"]|^$')
_BEFORE_QUOTE = re.compile(r'(\\*)"')
_LAST_BACKSLASHES = re.compile(r"(\\+)$")
_CMD_SPECIAL = re.compile(r'([()%!^"<>&|,;=` \t])')
_PS_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")
"""PowerShell takes typographic quotes for single ones."""
BATCH = (".bat", ".cmd")


def argument(word: str) -> str:
    """`word` as the C runtime and CommandLineToArgvW read it: one argument, never the program's name."""
    _without_nul(word)
    if not _NEEDS_QUOTES.search(word):
        return word
    inner = _LAST_BACKSLASHES.sub(r"\1\1", _BEFORE_QUOTE.sub(r'\1\1\\"', word))
    return f'"{inner}"'


def program(name: str) -> str:
    r"""The first word of a command line, in which a backslash is only itself.

    :raise ValueError: it holds a quote, or is a batch file, whose arguments cmd.exe would read again.
    """
    _without_nul(name)
    if not name or '"' in name:
        raise ValueError(f"program {name!r}: not a file's name (wanted one without quotes)")
    if name.rstrip(" .").lower().endswith(BATCH):
        raise ValueError(f"program {name!r}: a batch file (wanted cmd.exe, with a line made by quoting.cmd)")
    return f'"{name}"' if re.search(r"\s", name) else name


def arguments(words: Sequence[str]) -> str:
    """The part of a command line behind the program."""
    return " ".join(argument(word) for word in words)


def command_line(argv: Sequence[str]) -> str:
    """What CreateProcessW is given, so that the program's argv is exactly `argv`.

    :raise ValueError: nothing can be made of it, or it is too long.
    """
    line = " ".join([program(argv[0]), *(argument(word) for word in argv[1:])])
    if len(line) > LONGEST_LINE:
        raise ValueError(f"command line of {len(line)} characters (wanted {LONGEST_LINE}; `put` a script)")
    return line


def cmd(argv: Sequence[str]) -> str:
    """A line for cmd.exe as it is typed, behind `/c` too, that starts a program with exactly these arguments.

    Quotes are hidden from cmd.exe by carets, so that it never thinks itself inside of quotes and every
    caret counts. `%` gets one too: `%PATH^%` asks for a variable whose name ends in a caret, and what
    cmd.exe does not know it leaves alone, there and only there: in a batch file use `batch`.

    :raise ValueError: it holds a line break or NUL, which no line can.
    """
    return _cmd_name(argv[0]) + "".join(f" {_careted(argument(word))}" for word in argv[1:])


def batch(argv: Sequence[str]) -> str:
    """The same as a line of a batch file, where `%%` is a percent sign."""
    words = [_careted(argument(word)).replace("^%", "%%") for word in argv[1:]]
    return " ".join([_cmd_name(argv[0]).replace("%", "%%"), *words])


def through_cmd(line: str) -> str:
    """The command line that has cmd.exe run `line` and nothing else: no AutoRun, no `!variables!`.

    With `/s` it takes off the first and the last quote and leaves the others where they are.
    """
    whole = f'cmd.exe /d /v:off /s /c "{line}"'
    if len(whole) > LONGEST_CMD_LINE:
        raise ValueError(f"cmd.exe line of {len(whole)} characters (wanted {LONGEST_CMD_LINE})")
    return whole


def powershell(text: str) -> str:
    """`text` as a literal of PowerShell, in single quotes: nothing in it is expanded, line breaks stay."""
    _without_nul(text)
    return "'" + _PS_QUOTES.sub(r"\1\1", text) + "'"


def encoded(script: str) -> str:
    """`script` for `powershell.exe -EncodedCommand`: base64 of UTF-16LE, safe in every shell."""
    return base64.b64encode(script.encode("utf-16-le", "surrogatepass")).decode("ascii")


def _careted(text: str) -> str:
    if re.search(r"[\r\n\0]", text):
        raise ValueError(f"cmd.exe word {text!r}: holds a line break or NUL (wanted PowerShell for it)")
    return _CMD_SPECIAL.sub(r"^\1", text)


def _cmd_name(name: str) -> str:
    """In real quotes, since carets do not keep a name together; there nothing keeps `%` from its meaning."""
    if re.search(r'[\r\n\0"%]', name) or not name:
        raise ValueError(f"program {name!r}: cmd.exe cannot be given this name")
    return f'"{name}"' if re.search(r"[^\w.:\\/-]", name) else name


def _without_nul(text: str) -> None:
    if "\0" in text:
        raise ValueError(f"{text!r}: holds a NUL byte (no program can be given one)")
