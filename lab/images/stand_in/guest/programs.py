"""The programs of the STAND-IN: those that the lab starts in Windows, as far as they are documented.

Each takes arguments and three streams and returns an exit code, as Windows' own does; what it does not
know it refuses with exit code 87 (ERROR_INVALID_PARAMETER) and a line on stderr. A file that says
`STAND-IN program` is run; a program for Windows is not (216, ERROR_EXE_MACHINE_TYPE_MISMATCH).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from lab.images.stand_in.guest import answers, tools
from lab.images.stand_in.guest.kernel import Kernel
from lab.images.stand_in.guest.orders import Known, Lines, Program, Reader, Refused

PROGRAM_MARK = b"#!STAND-IN program"
INVALID, NOT_FOUND, REFUSED, FOR_WINDOWS = 87, 127, 125, 216
BATCH = re.compile(r'@(.+) <"(.+)" >"(.+)" 2>"(.+)"')


@dataclass
class Streams:
    """Of one program."""

    stdin: IO[bytes]
    out: IO[bytes]
    err: IO[bytes]

    def say(self, text: str) -> None:
        self.out.write(text.replace("\n", "\r\n").encode())

    def complain(self, text: str) -> None:
        self.err.write(f"STAND-IN: {text}\r\n".encode())


class Programs:
    """:param reader: of the lab's orders."""

    def __init__(self, kernel: Kernel, reader: Reader) -> None:
        self.kernel, self.reader = kernel, reader

    def start(self, argv: Sequence[str], streams: Streams) -> int:
        """Run a program to its end; 127 where there is none of that name."""
        name = argv[0].replace("/", "\\").rpartition("\\")[2].lower()
        name = name if name.endswith(".exe") else f"{name}.exe"
        self.kernel.tell_drivers(name)
        own = OWN.get(name)
        if own is not None and "\\" not in argv[0].removeprefix("C:\\Windows\\System32\\"):
            return own(self, list(argv[1:]), streams)
        if name in tools.TOOLS and "\\" not in argv[0]:
            return tools.run(name, self.kernel, list(argv[1:]), streams)
        return self._file(argv, streams)

    def order(self, line: bytes, streams: Streams) -> int:
        """What the lab's bootstrap does with the first line of stdin."""
        if not line.strip():
            streams.err.write(b"no order\r\n")
            return REFUSED
        try:
            order = self.reader.read(line)
            if order.token:
                streams.out.write(f"{order.token} {os.getpid()}\n".encode())
                streams.out.flush()
            match order.task:
                case Program(argv):
                    return self.start(argv, streams)
                case Known(name, values):
                    return answers.answer(self.kernel, name, values, streams)
                case Lines(steps):
                    return self._lines(steps, streams)
        except Refused as refused:
            streams.complain(f"refused: {refused}")
            return REFUSED
        raise AssertionError("every task is one of these")

    def _lines(self, steps: Sequence[tuple[str, Sequence[str]]], streams: Streams) -> int:
        code = 0
        for what, words in steps:
            if what == "mkdir":
                self.kernel.drives.local(words[0]).mkdir(parents=True, exist_ok=True)
            elif what == "leftovers":
                there = (path for path in words if self.kernel.drives.local(path).exists())
                streams.say("".join(f"leftover={path}\n" for path in there))
            elif what == "run":
                code = self.start(words, streams)
            elif what == "exit":
                return code if words[0].startswith("$") else int(words[0])
            elif code:
                return code
        return code

    def _file(self, argv: Sequence[str], streams: Streams) -> int:
        try:
            content = self.kernel.drives.local(argv[0]).read_bytes()
        except OSError:
            streams.err.write(f"{argv[0]}: The system cannot find the file specified\r\n".encode())
            return NOT_FOUND
        if not content.startswith(PROGRAM_MARK):
            streams.complain(f"{argv[0]}: is no program of the stand-in, and no Windows runs here")
            return FOR_WINDOWS
        names: dict[str, Any] = {"__name__": "program"}
        exec(compile(content, argv[0], "exec"), names)  # noqa: S102 - running programs is what this is for
        code: int = names["main"](self.kernel, list(argv), streams)
        return code

    def batch(self, path: str) -> int:
        """The launcher's batch file of one line: the streams are files."""
        first, last = self.kernel.drives.local(path).read_text().splitlines()
        found = BATCH.fullmatch(first)
        if found is None or found[1] != self.reader.line or last != "@exit %errorlevel%":
            return INVALID
        opened = [self.kernel.drives.local(found[at]) for at in (2, 3, 4)]
        with opened[0].open("rb") as stdin, opened[1].open("wb") as out, opened[2].open("wb") as err:
            return self.order(stdin.readline(), Streams(stdin, out, err))


def _cmd(programs: Programs, words: list[str], streams: Streams) -> int:
    drives = programs.kernel.drives
    match words:
        case ["/d", "/c", path] if path.lower().endswith(".cmd"):
            return programs.batch(path)
        case ["/d", "/c", "del", "/f", "/q", pattern]:
            for found in drives.matching(pattern):
                found.unlink()
            return 0
        case ["/d", "/c", "copy", "/y", "/b", source, target]:
            shutil.copyfile(drives.local(source), drives.local(target))
            return 0
    streams.complain(f"cmd.exe {' '.join(words)}: not known")
    return INVALID


def _powershell(programs: Programs, words: list[str], streams: Streams) -> int:
    if " ".join(["powershell.exe", *words]) == programs.reader.line:
        return programs.order(streams.stdin.readline(), streams)
    streams.complain("no PowerShell runs here")
    return REFUSED


def _taskkill(_programs: Programs, words: list[str], streams: Streams) -> int:
    match words:
        case ["/T", "/F", "/PID", pid] if pid.isdigit():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(os.getpgid(int(pid)), signal.SIGKILL)
            return 0
    streams.complain(f"taskkill.exe {' '.join(words)}: not known")
    return INVALID


def _shutdown(programs: Programs, words: list[str], streams: Streams) -> int:
    if words[:1] not in (["/r"], ["/s"]) or words[1:] != ["/f", "/t", "0"]:
        streams.complain(f"shutdown.exe {' '.join(words)}: not known")
        return INVALID
    if os.fork() == 0:
        os.setsid()
        programs.kernel.hardware.wait(0.5)
        programs.kernel.end(restart=words[0] == "/r")
        os._exit(0)
    return 0


def _tar(programs: Programs, words: list[str], streams: Streams) -> int:
    match words:
        case ["-xzf" | "-xf", archive, "-C", folder]:
            drives = programs.kernel.drives
            done = subprocess.run(
                ["tar", "-xzf", drives.local(archive), "-C", drives.local(folder)],
                stderr=subprocess.PIPE, check=False,
            )  # fmt: skip
            streams.err.write(done.stderr)
            return done.returncode
    streams.complain(f"tar.exe {' '.join(words)}: not known")
    return INVALID


OWN: Mapping[str, Callable[[Programs, list[str], Streams], int]] = {
    "cmd.exe": _cmd,
    "powershell.exe": _powershell,
    "taskkill.exe": _taskkill,
    "shutdown.exe": _shutdown,
    "tar.exe": _tar,
}
