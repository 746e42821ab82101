"""How a command is started in Windows, the same over every channel: one constant line, and an order on stdin.

Owns the bootstrap and the order; refuses to know how they travel. The line that starts PowerShell never
changes and has no character that cmd.exe, PowerShell or a guest agent could read as its own, so it is safe
whatever shell a channel puts in front of it, and far from cmd.exe's 8191 characters. What to run comes as the
first line of stdin, what follows it is the command's own input: the bootstrap reads byte by byte to the
line's end and leaves the rest where it is. `-InputFormat None` keeps PowerShell's hands off stdin.
"""

from __future__ import annotations

import base64

from lab.guest.channel import Command
from lab.guest.windows import quoting

LONGEST = 1 << 20
"""Bytes of a script; more is a file."""
POWERSHELL = (
    "powershell.exe -NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass"
    " -InputFormat None -OutputFormat Text -EncodedCommand"
)
BOOTSTRAP = (
    "$ErrorActionPreference='Stop';$i=[Console]::OpenStandardInput();$b=New-Object IO.MemoryStream;"
    "while(($c=$i.ReadByte())-ge 0-and$c-ne 10){$b.WriteByte($c)}"
    "if($b.Length-eq 0){[Console]::Error.WriteLine('no order');exit 125}"
    "$t=[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String([Text.Encoding]::ASCII.GetString($b.ToArray())));"
    "&([scriptblock]::Create($t))"
)
NOT_FOUND = 127
"""As a POSIX shell says it; what Windows said is on stderr."""
KILLED = 1
"""The exit code that taskkill leaves."""

_SURROUNDINGS = """\
$ErrorActionPreference='Stop'; $ProgressPreference='SilentlyContinue'
$OutputEncoding=New-Object Text.UTF8Encoding $false
try { [Console]::OutputEncoding=$OutputEncoding } catch { }
[Environment]::CurrentDirectory='C:\\'; Set-Location 'C:\\'
"""
_ANNOUNCE = """\
$lab=[Console]::OpenStandardOutput(); $said=[Text.Encoding]::ASCII.GetBytes('{token} '+$PID+"`n")
$lab.Write($said,0,$said.Length); $lab.Flush()
"""
_PROGRAM = """\
$s=New-Object Diagnostics.ProcessStartInfo; $s.FileName={name}; $s.Arguments={arguments}
$s.UseShellExecute=$false; $s.WorkingDirectory='C:\\'
try {{ $p=[Diagnostics.Process]::Start($s) }}
catch {{ [Console]::Error.WriteLine({name}+': '+$_.Exception.GetBaseException().Message); exit {missing} }}
$p.WaitForExit(); exit $p.ExitCode
"""
_TEXT = """\
$global:LASTEXITCODE=0
try {{ & ([scriptblock]::Create({text})) }}
catch {{ [Console]::Error.WriteLine(($_ | Out-String).Trim()); exit 1 }}
exit $global:LASTEXITCODE
"""


def line() -> str:
    """What is run in the guest, whatever the command is."""
    return f"{POWERSHELL} {quoting.encoded(BOOTSTRAP)}"


def argv() -> list[str]:
    """The same in words, for channels that take them."""
    return line().split(" ")


def order(command: Command, token: str = "") -> bytes:
    r"""The first line of stdin.

    Text is for Windows PowerShell 5.1: an error that it does not catch ends it with exit code 1, `exit N`
    with N, its end with the code of the last program it ran. A program and its arguments reach
    CreateProcess unchanged, below no shell.

    :param token: printed with the process id as the first line of stdout, when given.
    :raise ValueError: there is nothing to run, it is too long, or cannot be passed.
    """
    if not command:
        raise ValueError(f"guest command {command!r}: empty (wanted text or a program and its arguments)")
    announce = announced(token) if token else ""
    script = _SURROUNDINGS + announce + _task(command)
    data = script.encode("utf-8")
    if len(data) > LONGEST:
        raise ValueError(f"guest command of {len(data)} bytes (wanted {LONGEST}; `put` a script)")
    return base64.b64encode(data) + b"\n"


def readable(command: Command) -> str:
    """One text for people, logs and recordings."""
    return command if isinstance(command, str) else quoting.command_line(command)


def kill(pid: int) -> list[str]:
    """End a process and everything it started."""
    return ["taskkill.exe", "/T", "/F", "/PID", str(pid)]


def announced(token: str) -> str:
    """The part of an order that prints `token` and the process id first."""
    return _ANNOUNCE.format(token=token)


def guarded(text: str) -> str:
    """The part that runs PowerShell text, already without surroundings."""
    return _TEXT.format(text=quoting.powershell(text))


def started(name: str, arguments: str) -> str:
    """The part that starts a program.

    :param arguments: its command line behind its name.
    """
    literals = {"name": quoting.powershell(name), "arguments": quoting.powershell(arguments)}
    return _PROGRAM.format(**literals, missing=NOT_FOUND)


def _task(command: Command) -> str:
    if isinstance(command, str):
        return guarded(command)
    quoting.command_line(command)
    return started(command[0], quoting.arguments(command[1:]))
