"""MB/s at which serial text is read: the fast scan, the Linux console, and all detectors together.

Healthy logs are generated here, in several styles, and fed in chunks of 64 KiB; the figure that matters is
`all detectors`, on one core, wanted at 80 MB/s or more. Each is held against counting newlines in the same
bytes in the same run, so that a slow or busy machine shows. Hostile text has no wanted rate, only an end:
its figure is the seconds that 100 MB would take. Processor time, not wall-clock time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

from benchmarks.core.figures import Figure, Wanted, interleaved, ratio
from benchmarks.core.settings import Settings
from lab.detect import Detectors
from lab.detect.hotwords import HotWords
from lab.detect.lines import Block, LineStream
from lab.detect.linux.console import HOT_WORDS, Console
from lab.model import DetectSettings, SerialChunk

CHUNK = 1 << 16
WANTED_MB_S = 80
SETTINGS = DetectSettings(boot_s=60, heartbeat_s=10, loop_resets=3)
DRIVERS = (
    "ata1",
    "pci 0000:00:1f.2",
    "usb 1-1",
    "virtio_net virtio0",
    "EXT4-fs (vda1)",
    "systemd[1]",
    "audit",
)
SAID = (
    "registered new interface driver",
    "SATA link up 6.0 Gbps (SStatus 133 SControl 300)",
    "reg 0x10: [mem 0xfebd0000-0xfebd0fff]",
    "mounted filesystem with ordered data mode. Quota mode: none.",
    "Started Journal Service.",
    "new high-speed USB device number 2 using xhci_hcd",
    "type=1130 audit(1700000000.123:42): pid=1 uid=0 auid=4294967295 ses=4294967295 res=success",
    "clocksource: tsc: mask: 0xffffffffffffffff max_cycles: 0x24093d6e846, max_idle_ns: 440795249997 ns",
)


def boot_log(rng: random.Random, size: int) -> bytes:
    """A kernel's messages with time stamps."""
    lines, now, length = ["[    0.000000] Linux version 6.1.0 (builder@host) (gcc 12.2.0)"], 0.0, 0
    while length < size:
        now += rng.random() / 50
        lines.append(f"[{now:12.6f}] {rng.choice(DRIVERS)}: {rng.choice(SAID)}")
        length += len(lines[-1])
    return ("\r\n".join(lines) + "\r\n").encode()


def journal(rng: random.Random, size: int) -> bytes:
    """A system log, as a console that it is forwarded to shows it."""
    lines, length = [], 0
    while length < size:
        at = f"Nov 23 {rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"
        name = rng.choice(("kernel", "sshd[812]", "systemd[1]", "cron[77]", "demo-sensord[412]"))
        lines.append(f"{at} fleet {name}: {rng.choice(SAID)}")
        length += len(lines[-1])
    return ("\n".join(lines) + "\n").encode()


def windows(rng: random.Random, size: int) -> bytes:
    """What a servicing log and a management console print."""
    lines, length = ["Computer is booting, SAC started and initialized."], 0
    while length < size:
        at = f"2026-11-23 {rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"
        lines.append(f"{at}, Info                  CBS    Session: {rng.randrange(10**9)} {rng.choice(SAID)}")
        length += len(lines[-1])
    return ("\r\n".join(lines) + "\r\n").encode()


def long_lines(rng: random.Random, size: int) -> bytes:
    """Whole documents on a line."""
    words = " ".join(SAID).split()
    line = " ".join(rng.choice(words) for _ in range(2000)).encode() + b"\n"
    return line * (size // len(line) + 1)


HEALTHY: dict[str, Callable[[random.Random, int], bytes]] = {
    "boot log": boot_log,
    "journal": journal,
    "windows": windows,
    "long lines": long_lines,
}
STAMP = b"[    1.000000] "
HOSTILE: dict[str, bytes] = {
    "short hot lines": b"BUG: \n",
    "long hot lines": b"BUG: " * 400 + b"\n",
    "panics": STAMP + b"Kernel panic - not syncing: x\n",
    "warnings": STAMP + b"WARNING: CPU: 0 PID: 1 at a.c:1 f+0x1/0x2\n" + b"noise\n" * 130,
    "endless stack": STAMP + b"BUG: KASAN: use-after-free in f+0x1/0x2\n" + (STAMP + b" f+0x1/0x2\n") * 3000,
    "all hot words": b" ".join(sorted(HOT_WORDS)) + b"\n",
    "stamps": b"[    1.000000][    2.000000]",
    "brackets": b"[",
    "escapes": b"\x1b[0m",
    "nul": b"\x00",
}


def scan(data: bytes) -> None:
    words = HotWords(HOT_WORDS)
    for start in range(0, len(data), CHUNK):
        words.starts(Block(0.0, start, data[start : start + CHUNK]))


def console(data: bytes) -> None:
    stream, reader = LineStream(), Console()
    for start in range(0, len(data), CHUNK):
        block = stream.feed(SerialChunk(t_s=0.0, start=start, data=data[start : start + CHUNK]))
        if block is not None:
            reader.feed(block)
    reader.finish()


def everything(data: bytes) -> None:
    detectors = Detectors(SETTINGS)
    for start in range(0, len(data), CHUNK):
        detectors.feed(SerialChunk(t_s=start / 1e6, start=start, data=data[start : start + CHUNK]))
    detectors.finish(len(data) / 1e6)


READERS: dict[str, Callable[[bytes], object]] = {
    "counting newlines": lambda data: data.count(b"\n"),
    "scan": scan,
    "console": console,
    "all detectors": everything,
}


def seconds(work: Callable[[bytes], object], data: bytes) -> float:
    """Processor time."""
    begun = time.process_time()
    work(data)
    return max(time.process_time() - begun, 1e-9)


def run(settings: Settings) -> Iterator[Figure]:
    size, times = (1_000_000 if settings.quick else 16_000_000), settings.times(3)
    wanted = Wanted(limit=WANTED_MB_S, at_least=True)
    for work in READERS.values():  # tables are made at the first call
        work(HEALTHY["boot log"](random.Random(1), CHUNK))
    for name, make in HEALTHY.items():
        data = make(random.Random(1), size)
        rate = {
            reader: (lambda work=work, data=data: len(data) / 1e6 / seconds(work, data))
            for reader, work in READERS.items()
        }
        taken = interleaved(rate, times)
        for reader, samples in taken.items():
            own = reader == "all detectors" and not settings.quick
            yield Figure(
                name=reader,
                subject=f"healthy: {name}",
                unit="MB/s",
                samples=samples,
                ratio=None
                if reader == "counting newlines"
                else ratio("counting newlines / this", taken["counting newlines"], samples),
                wanted=wanted if own else None,
            )
    for name, piece in HOSTILE.items():
        data = piece * ((100_000 if settings.quick else 1_000_000) // len(piece) + 1)
        for reader in ("console", "all detectors"):
            taken_s = tuple(seconds(READERS[reader], data) / len(data) * 1e8 for _ in range(times))
            yield Figure(name=reader, subject=f"hostile: {name}", unit="s per 100 MB", samples=taken_s)
