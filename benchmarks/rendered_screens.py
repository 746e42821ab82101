"""How well rendered stop screens are read: every layout, language and size, each damaged in its own way.

    .venv/bin/python benchmarks/rendered_screens.py [--every N]

Prints what was missed, then a table per kind of damage: screens, those called a crash, those whose stop
code and module were read. Deterministic; `--every N` takes each Nth screen only.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from PIL import Image

from lab.detect.screens import classify
from lab.model.seen import ScreenVerdict
from lab.selftest.painting import (
    BUGCHECK_LAYOUTS,
    DECOYS,
    LANGUAGES,
    LAYOUTS,
    STOP_NAMES,
    decoy,
    degrade,
    paint,
)

SIZES = ((640, 480), (1024, 768), (1280, 800), (1920, 1080))
MODULE = "demosens.sys"
DAMAGE: dict[str, dict[str, Any]] = {
    "none": {},
    "noise": {"noise": 8},
    "jpeg": {"jpeg": 50},
    "letterboxed": {"letterbox": (1280, 720)},
    "window": {"window": "guest - viewer"},
    "enlarged": {"scale": 1.5},
    "cropped": {"crop": (0.03, 0.05, 0.03, 0.05)},
    "photo-like": {"scale": 0.9, "noise": 5, "jpeg": 70},
}


def screens() -> Iterator[tuple[str, str, tuple[int, int]]]:
    """(layout, language, size) of every stop screen there is to paint."""
    for layout in BUGCHECK_LAYOUTS:
        for language in LANGUAGES if LAYOUTS[layout].translated else ("en",):
            for size in SIZES:
                yield layout, language, size


def damaged(layout: str, language: str, size: tuple[int, int]) -> tuple[str, Image.Image, int]:
    """(damage, picture, stop code); which ones follows from the arguments alone."""
    rng = random.Random(f"{layout} {language} {size}")
    damage, code = rng.choice(list(DAMAGE)), rng.choice(list(STOP_NAMES))
    progress = rng.choice((0, 20, 45, 100))
    painted = paint(layout, language=language, size=size, code=code, module=MODULE, progress=progress)
    return damage, degrade(painted, seed=1, **DAMAGE[damage]), code


def judged(layout: str, image: Image.Image, code: int) -> tuple[dict[str, bool], str]:
    """What was read right, and the classifier's own reason."""
    seen, entry = classify(image), LAYOUTS[layout]
    right = {
        "crash": seen.verdict is ScreenVerdict.CRASH,
        "code": not entry.code or seen.code == code,
        "module": not entry.module or seen.module.lower() == MODULE,
    }
    return right, f"{seen.kind}, {seen.name or seen.code}, {seen.module or 'no module'}: {seen.reason}"


def stop_screens(every: int) -> dict[str, Counter[str]]:
    """Counts per kind of damage; each miss is printed."""
    found: dict[str, Counter[str]] = {name: Counter() for name in DAMAGE}
    for layout, language, size in list(screens())[::every]:
        damage, image, code = damaged(layout, language, size)
        right, said = judged(layout, image, code)
        found[damage]["screens"] += 1
        found[damage].update(name for name, ok in right.items() if ok)
        wrong = [name for name, ok in right.items() if not ok]
        if wrong:
            where = f"{damage}: {layout} {language} {size[0]}x{size[1]} {STOP_NAMES[code]}"
            print(f"  {where}: wrong {', '.join(wrong)} ({said})", flush=True)
    return found


def false_alarms(seeds: int) -> list[str]:
    """Healthy look-alikes that are called anything but healthy."""
    alarms = []
    for name in DECOYS:
        for size in SIZES:
            for seed in range(seeds):
                seen = classify(decoy(name, size, seed))
                if seen.verdict is not ScreenVerdict.HEALTHY:
                    alarms.append(f"{name} {size[0]}x{size[1]}: {seen.kind} ({seen.reason})")
    return alarms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each Nth screen")
    every = parser.parse_args().every
    began = time.monotonic()
    found = stop_screens(every)
    total = sum(found.values(), Counter())
    columns = ("screens", "crash", "code", "module")
    print(f"\n{'damage':12} " + " ".join(f"{key:>8}" for key in columns))
    for name, counter in [*found.items(), ("all", total)]:
        print(f"{name:12} " + " ".join(f"{counter[key]:8}" for key in columns))
    alarms = false_alarms(seeds=3)
    looked = len(DECOYS) * len(SIZES) * 3
    print(f"\n{looked} healthy look-alikes, {len(alarms)} false alarms", *alarms, sep="\n  ")
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
