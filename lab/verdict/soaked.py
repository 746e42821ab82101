"""What a soak did not show: gaps in which nobody looked, uptimes cut short, growth that was not compared.

Told beside a verdict and never instead of one. Refuses to read what samples say.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.model import AttemptRecord, Step
from lab.verdict.compare.reading import FEWEST_SAMPLES, lives


def remarks(attempts: Sequence[AttemptRecord]) -> list[str]:
    """Sentences on all attempts of one cell, the first attempt first."""
    told = [gap for record in attempts if (gap := _gap(record))]
    if not any(_soaked(record) for record in attempts):
        return told
    found = [life for life in lives(attempts) if life]
    if len(found) > 1:
        spans = " and ".join(_span(life[-1].guest_s - life[0].guest_s) for life in found)
        told.append(f"the soak is of {len(found)} guests' lives, {spans}: growth is read from the longest")
    missed = sum(_missed(record) for record in attempts)
    if missed:
        told.append(f"{missed} of the soak's looks were not answered")
    most = max((len(life) for life in found), default=0)
    if most < FEWEST_SAMPLES:
        told.append(
            f"growth was not compared: {most} samples of one life of the guest (wanted {FEWEST_SAMPLES})"
        )
    return told


def _gap(record: AttemptRecord) -> str:
    """What nobody saw between this attempt and the one before it, which was cut short."""
    for item in record.observations:
        if isinstance(item, Step) and item.name == "resumed":
            gap_s, before = item.detail.get("gap_s", 0), item.detail.get("after", "?")
            told = f"{gap_s:.0f} s" if isinstance(gap_s, int | float) else "an unknown time"
            return f"resumed after attempt {before} was cut short: {told} between them were not seen"
    return ""


def _missed(record: AttemptRecord) -> int:
    return sum(isinstance(item, Step) and item.name == "soak-missed" for item in record.observations)


def _soaked(record: AttemptRecord) -> bool:
    return any(
        isinstance(item, Step) and item.name == "soak" and item.phase == "end" for item in record.observations
    )


def _span(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 7200 else f"{seconds / 60:.0f} min"
