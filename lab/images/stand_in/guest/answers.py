"""What the STAND-IN answers to the scripts that the lab ships, in the form that Windows' own would have.

Values that it has are told (memory, boot, what it loaded); what only Windows has is named in `missing`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Protocol

from lab.images.stand_in.guest.kernel import Kernel

NAME = "STAND-IN"
ECHO = b"""#!STAND-IN program
def main(kernel, argv, streams):
    for word in argv[1:]:
        streams.out.write(word.encode("utf-8", "surrogatepass").hex().encode() + b"\\r\\n")
    return 0
"""
PRODUCT, EDITION, BUILD = "STAND-IN for Windows (no Windows)", "StandIn", "17763"
ABSENT = "not in a stand-in"


class Streams(Protocol):
    """What of `programs.Streams` is needed here."""

    stdin: IO[bytes]
    out: IO[bytes]
    err: IO[bytes]

    def say(self, text: str) -> None: ...


def answer(kernel: Kernel, name: str, values: dict[str, str], streams: Streams) -> int:
    """Do what the script of that name does; its exit code."""
    try:
        return ANSWERS[name](kernel, values, streams)
    except OSError as error:
        streams.err.write(f"{error.strerror or error}\r\n".encode())
        return 1


def _boot(kernel: Kernel, _values: dict[str, str], streams: Streams) -> int:
    streams.say(f"boot={boot_id(kernel)}\n")
    return 0


def boot_id(kernel: Kernel) -> str:
    """Number of the boot, and when wininit.exe would have been made; neither moves with the clock."""
    booted = kernel.booted
    return f"{booted['number']}-{int((booted['at'] + 11_644_473_600) * 10_000_000)}"


def _facts(kernel: Kernel, _values: dict[str, str], streams: Streams) -> int:
    booted, config = kernel.booted, kernel.config
    up_s = time.monotonic() - booted["up"]
    memory = next(
        int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line
    )
    verifier = config["verifier"]
    last_boot = time.strftime("%Y-%m-%dT%H:%M:%S.0000000Z", time.gmtime(time.time() - up_s))
    said = {
        "version": {
            "product": PRODUCT, "edition": EDITION, "display": NAME, "build": BUILD, "ubr": 0, "kind": NAME,
        },
        "system": {
            "memory_kib": memory, "caption": PRODUCT, "last_boot": last_boot, "uptime_s": round(up_s, 1),
        },
        "boot": boot_id(kernel),
        "hotfixes": [],
        "drivers": [
            {"name": name, "path": config["services"][name]["path"]} for name in sorted(kernel.loaded())
        ],
        "secure_boot": False,
        "verifier": {"level": verifier.get("flags", 0), "drivers": " ".join(verifier.get("drivers", []))},
        "missing": [f"guard: {ABSENT}", f"defender: {ABSENT}"],
    }  # fmt: skip
    streams.say(json.dumps(said, separators=(",", ":")) + "\n")
    return 0


def _install(kernel: Kernel, values: dict[str, str], streams: Streams) -> int:
    part, to = kernel.drives.local(values["part"]), kernel.drives.local(values["to"])
    wanted, sha256 = int(values["size"]), values["sha256"]
    problem = "is a directory" if to.is_dir() else ""
    if not problem:
        data = part.read_bytes()
        have = hashlib.sha256(data).hexdigest()
        if len(data) != wanted:
            problem = f"arrived with {len(data)} bytes (wanted {wanted})"
        elif have != sha256:
            problem = f"arrived with sha256 {have} (wanted {sha256})"
    if problem:
        part.unlink(missing_ok=True)
        streams.err.write(f"{problem}\r\n".encode())
        return 1
    part.replace(to)
    os.sync()
    return 0


def _receive(kernel: Kernel, values: dict[str, str], streams: Streams) -> int:
    kernel.drives.local(values["part"]).write_bytes(streams.stdin.read())
    return _install(kernel, values, streams)


def _send(kernel: Kernel, values: dict[str, str], streams: Streams) -> int:
    streams.out.write(kernel.drives.local(values["path"]).read_bytes())
    return 0


def _digest(kernel: Kernel, values: dict[str, str], streams: Streams) -> int:
    data = kernel.drives.local(values["path"]).read_bytes()[: int(values["size"])]
    streams.say(hashlib.sha256(data).hexdigest() + "\n")
    return 0


def _remove(kernel: Kernel, values: dict[str, str], _streams: Streams) -> int:
    with contextlib.suppress(OSError):
        kernel.drives.local(values["path"]).unlink()
    return 0


def _wake(_kernel: Kernel, values: dict[str, str], streams: Streams) -> int:
    first = time.monotonic()
    time.clock_settime(time.CLOCK_REALTIME, int(values["ms"]) / 1000)
    time.sleep(0.05)
    now, second = int(time.time()), time.monotonic()
    streams.say(f"woken first={first:.3f} second={second:.3f} date={now} reseeded=no host={NAME}\n")
    return 0


def _eventlog(kernel: Kernel, values: dict[str, str], streams: Streams) -> int:
    now = time.time()
    streams.say(f"lab-now={_stamp(now)}\n")
    for number, event in enumerate(kernel.events(), start=1):
        if now - event["at"] > int(values["ms"]) / 1000:
            continue
        data = "".join(
            f"<Data Name='{_xml(key)}'>{_xml(value)}</Data>" for key, value in event["data"].items()
        )
        streams.say(
            "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
            f"<Provider Name='{_xml(event['provider'])}'/><EventID>{event['id']}</EventID>"
            f"<Level>{event['level']}</Level><TimeCreated SystemTime='{_stamp(event['at'])}'/>"
            f"<EventRecordID>{number}</EventRecordID><Channel>System</Channel><Computer>{NAME}</Computer>"
            f"</System><EventData>{data}</EventData></Event>\n"
        )
    return 0


def _xml(text: str) -> str:
    named = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
    return "".join(named.get(char, char) for char in text)


def _stamp(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 10_000_000):07d}Z"


def _echo(kernel: Kernel, values: dict[str, str], _streams: Streams) -> int:
    kernel.drives.local(values["path"]).write_bytes(ECHO)
    return 0


ANSWERS: Mapping[str, Callable[[Kernel, dict[str, str], Streams], int]] = {
    "boot": _boot,
    "facts": _facts,
    "install": _install,
    "receive": _receive,
    "send": _send,
    "digest": _digest,
    "remove": _remove,
    "wake": _wake,
    "eventlog": _eventlog,
    "echo": _echo,
}
