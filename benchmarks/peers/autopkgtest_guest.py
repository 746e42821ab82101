"""autopkgtest-virt-qemu: open (boot), `true` through its auxverb, close. Speaks its line protocol.

    python autopkgtest_guest.py ORDER.json

The protocol is that of autopkgtest's doc/README.virtualisation-server.rst. A QEMU command of ours stands in
front of the real one: it adds the kernel that our image has outside of its disk, and takes out
`-enable-kvm` where KVM cannot run guests. Imports nothing of the lab.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import IO
from urllib.parse import unquote

FRONT = """\
#!/usr/bin/python3
import os, sys
words, skip = [], False
for word in sys.argv[1:]:
    if skip or (word == "-enable-kvm"):
        skip = False
    elif word == "-cpu":
        skip = True
    else:
        words.append(word)
os.execv("/usr/bin/qemu-system-x86_64", ["qemu-system-x86_64", *words, *MORE])
"""


def main() -> int:
    """One guest, from nothing to closed."""
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    room, tool = Path(order["room"]), Path(order["tool"])
    front = room / "qemu"
    more = ["-machine", "q35", "-accel", order["accelerator"], "-cpu", order["cpu"]]
    more += ["-kernel", order["kernel"], "-initrd", order["initrd"], "-append", order["cmdline"]]
    front.write_text(FRONT.replace("MORE", repr(more)), encoding="utf-8")
    front.chmod(0o755)
    command = [
        str(tool / "usr/bin/autopkgtest-virt-qemu"),
        "--qemu-command", str(front), "--overlay-dir", str(room),
        "--ram-size", str(order["memory_mib"]),
        "--timeout-reboot", str(int(order["deadline_s"])),
        order["disk"],
    ]  # fmt: skip
    # It looks for its own modules where the installed package has them.
    modules = str(tool / "usr/share/autopkgtest/lib")
    environment = {**os.environ, "TMPDIR": str(room), "PYTHONPATH": modules}
    errors = room / "errors"
    try:
        converse(command, environment, errors)
    except RuntimeError as error:
        lines = errors.read_text(encoding="utf-8", errors="replace").split("\n")
        why = next((line for line in lines if "failure" in line or "Error" in line), "no reason given")
        raise SystemExit(f"{error}: {why}") from error
    return 0


def converse(command: list[str], environment: dict[str, str], errors: Path) -> None:
    """Boot, run, close over the server's standard input and output.

    :raise RuntimeError: it did not answer `ok`.
    """
    with (
        errors.open("wb") as sink,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink, text=True, env=environment
        ) as server,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        answer(server.stdout)
        say(server.stdin, server.stdout, "open")
        words = say(server.stdin, server.stdout, "print-execute-command")
        auxverb = [unquote(word) for word in words[0].split(",")]
        subprocess.run([*auxverb, "true"], check=True, stdin=subprocess.DEVNULL)
        say(server.stdin, server.stdout, "close")
        say(server.stdin, server.stdout, "quit")


def say(to: IO[str], back: IO[str], command: str) -> list[str]:
    """One command; the words after its `ok`."""
    to.write(command + "\n")
    to.flush()
    return answer(back) if command != "quit" else []


def answer(back: IO[str]) -> list[str]:
    """:raise RuntimeError: anything but `ok`."""
    line = back.readline()
    words = shlex.split(line)
    if not words or words[0] != "ok":
        raise RuntimeError(f"autopkgtest-virt-qemu said {line.strip()!r}")
    return words[1:]


if __name__ == "__main__":
    sys.exit(main())
