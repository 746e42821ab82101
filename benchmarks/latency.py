"""Seconds from the trigger of a crash to the recorded finding, per channel, on real guests.

    .venv/bin/python benchmarks/latency.py [RUNS]

Boots the `tiny` image once per run and crash: a panic that event and serial console see, an oops only the
serial console sees, a panic only the screen shows. The trigger is the moment its command is sent to the
guest agent, so the time in which the guest gets to it is in the figures. Run it on a quiet machine.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median

from lab.config.types import HostSpec
from lab.images import catalogue
from lab.images.store import ImageStore
from lab.machine.host import survey
from lab.places import places
from lab.running.order import HostChoice
from lab.selftest import bench
from lab.selftest.canaries import CANARIES

ROOT = Path(__file__).resolve().parents[1]
WANTED = (
    ("panic", "event", 0.3),
    ("oops", "serial", 1.0),
    ("panic-only-on-screen", "screen", 3.0),
    ("panic-on-screen", "screen", 3.0),
)
"""Canary, channel, and the latency in seconds that is wanted."""


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    where = places()
    base = ImageStore(where).build(catalogue.load(ROOT / "images")["tiny"])
    report = survey(HostSpec(name="here", uri="embed"), where, ())
    assert report.acceleration is not None, report.problems
    host = HostChoice(
        name="here",
        uri="embed",
        accelerator=report.acceleration.accelerator,
        factor=report.acceleration.factor,
        qemu=report.qemu,
    )
    seen: dict[tuple[str, str], list[float]] = defaultdict(list)
    missed: dict[tuple[str, str], int] = defaultdict(int)
    by_name = {canary.name: canary for canary in CANARIES}
    for _ in range(runs):
        for name, channel, _wanted in WANTED:
            directory = Path(tempfile.mkdtemp(prefix="lab-latency-"))
            watched = bench.run(by_name[name], base, host, where, directory / "a1")
            shutil.rmtree(directory)
            if channel not in watched.seen:
                missed[name, channel] += 1
            for other, seconds in watched.seen.items():
                seen[name, other].append(seconds)
    print(f"{host.accelerator}, factor {host.factor}, QEMU {host.qemu}, {runs} runs each; seconds")
    print(f"{'canary':24}{'channel':12}{'median':>8}{'max':>8}{'wanted':>8}")
    wanted = {(name, channel): limit for name, channel, limit in WANTED}
    late = sum(missed.values())
    for (name, channel), values in sorted(seen.items()):
        limit = wanted.get((name, channel))
        late += limit is not None and median(values) > limit
        target = f"{limit:8.1f}" if limit is not None else f"{'-':>8}"
        print(f"{name:24}{channel:12}{median(values):8.2f}{max(values):8.2f}{target}")
    for (name, channel), times in missed.items():
        print(f"{name}: {channel} missed it in {times} of {runs} runs")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
