"""How well rendered stop screens are read: every layout, language and size, each damaged in its own way.

Deterministic: what is measured is reading, not speed. Misses go to stderr. Refuses to know a real screen:
recordings are measured by `lab detect --evaluate`.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from PIL import Image

from benchmarks.core.figures import Figure, Wanted
from benchmarks.core.settings import Settings
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
QUICK_EVERY = 60
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
            print(f"  {where}: wrong {', '.join(wrong)} ({said})", file=sys.stderr, flush=True)
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


def run(settings: Settings) -> Iterator[Figure]:
    found = stop_screens(QUICK_EVERY if settings.quick else 1)
    total = sum(found.values(), Counter())
    for damage, counter in [*found.items(), ("all", total)]:
        if not counter["screens"]:
            continue
        for what in ("crash", "code", "module"):
            yield Figure(
                name=f"stop screens read right: {what}",
                subject=f"damage: {damage}",
                unit="%",
                samples=(counter[what] / counter["screens"] * 100,),
                note=f"{counter[what]} of {counter['screens']}",
            )
    seeds = 1 if settings.quick else 3
    alarms = false_alarms(seeds)
    yield Figure(
        name="false alarms",
        subject=f"{len(DECOYS) * len(SIZES) * seeds} healthy look-alikes",
        unit="",
        samples=(float(len(alarms)),),
        wanted=Wanted(limit=0, at_least=False),
        note="; ".join(alarms[:3]),
    )
