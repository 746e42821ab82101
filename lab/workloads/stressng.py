"""stress-ng: command lines for it, and its YAML report.

It counts "bogo operations", which mean something for one stressor and one version only: fine to compare two
arms on one image, never two images. It times no single operation, so operations of the same kind are timed
beside it. Exit codes: 2 a stressor failed, 3 no resources, 4 not implemented here, 5 killed, 7 metrics
untrustworthy (stress-ng(1), EXIT STATUS).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import yaml

from lab.workloads.means import Measured
from lab.workloads.rounds import Round

UNUSABLE = {1: "its options are not understood", 3: "out of resources", 4: "not implemented on this guest"}


def command(stressors: str) -> str:
    """The command line for one round; `$seconds`, `$out` and `$dir` are set by the runner."""
    return (
        f'stress-ng {stressors} --timeout "$seconds" --metrics-brief --yaml "$out/report" '
        '--temp-path "$dir" --oomable'
    )


def read(one: Round) -> Measured:
    """A round: bogo operations of all stressors; latencies are of the operations timed beside them."""
    metrics = _metrics(one.report)
    ops = sum(int(metric.get("bogo-ops", 0)) for metric in metrics)
    wall = max((float(metric.get("wall-clock-time", 0.0)) for metric in metrics), default=0.0)
    trouble = _trouble(one, ops)
    failed = 1 if one.exit_code == 2 or _complaints(one) else 0
    said = (*one.said, *_complaints(one)[:3])
    return Measured(
        seconds=wall or one.seconds,
        ops=ops,
        errors=one.errors + failed,
        latency=one.latency,
        trouble=trouble,
        said=said,
    )


def read_beside(one: Round) -> Measured:
    """A round in which stress-ng only holds something: what counts are the operations beside it."""
    whole = read(one)
    started = any(float(metric.get("wall-clock-time", 0.0)) > 0 for metric in _metrics(one.report))
    trouble = whole.trouble if one.exit_code in UNUSABLE or not started else ""
    return replace(whole, seconds=one.seconds, ops=one.ops, trouble=trouble)


def _trouble(one: Round, ops: int) -> str:
    last = (_lines(one.text) or ["it said nothing"])[-1]
    if one.exit_code in UNUSABLE:
        return f"stress-ng: {UNUSABLE[one.exit_code]}: {last}"
    if not ops:
        return f"stress-ng did nothing (exit code {one.exit_code}): {last}"
    return ""


def _complaints(one: Round) -> tuple[str, ...]:
    """`stress-ng: fail:  [123] vm: detected 3 bit errors`: a stressor that verifies found something."""
    return tuple(line for line in _lines(one.text) if line.startswith("fail:"))


def _lines(text: str) -> list[str]:
    return [
        line.removeprefix("stress-ng: ").strip()
        for line in text.splitlines()
        if line.strip() and "metrc:" not in line
    ]


def _metrics(report: str) -> list[dict[str, Any]]:
    """The `metrics:` of the report; empty when it was cut off or never written."""
    try:
        loaded = yaml.safe_load(report)
    except yaml.YAMLError:
        return []
    found = loaded.get("metrics") if isinstance(loaded, dict) else None
    return [one for one in found or () if isinstance(one, dict)]
