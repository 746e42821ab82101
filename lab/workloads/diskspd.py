"""diskspd: command lines for it, and its XML report (`-Rxml`; the DiskSpd wiki, "Analyze the test results").

The XML has the latency at each percentile instead of a histogram: the share of operations between two
percentiles is put at the upper one's time, which is enough to add rounds up.
"""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree as ET

from lab.workloads.latency import Latency
from lab.workloads.means import Measured
from lab.workloads.rounds import Round

NS_PER_MS = 1e6


def command(*, threads: int, target_mib: int) -> str:
    """Random reads and writes of 64 KiB in a file of `target_mib`, for one round.

    `-L` measures latencies, `-yp` ends it early and has it report all the same, `-Z1M` writes random data.
    """
    return (
        f"-c{target_mib}M -b64K -r -w30 -t{threads} -o4 -d{{seconds}} -W0 -C0 -L -Z1M -Rxml "
        '-yplab-load-{id} "{dir}\\large.dat"'
    )


def synced(*, threads: int) -> str:
    """Writes of 4 KiB, each through to the disk (`-Sh`: no cache of software or hardware)."""
    return (
        f"-c64M -b4K -r -w100 -Sh -t{threads} -o1 -d{{seconds}} -W0 -C0 -L -Z1M -Rxml "
        '-yplab-load-{id} "{dir}\\synced.dat"'
    )


def read(one: Round) -> Measured:
    """A round: reads and writes of all threads. A report that is cut off is trouble, not a zero."""
    span = _time_span(one.report)
    last = (one.text.splitlines() or ["it said nothing"])[-1]
    if span is None:
        trouble = f"diskspd left no report (exit code {one.exit_code}): {last}"
        return Measured(seconds=one.seconds, ops=0, errors=0, latency=Latency(), trouble=trouble)
    targets = span.findall("Thread/Target")
    ops = sum(_count(target, "ReadCount") + _count(target, "WriteCount") for target in targets)
    return Measured(
        seconds=float(span.findtext("TestTimeSeconds", "0") or 0) or one.seconds,
        ops=ops,
        errors=0 if one.exit_code == 0 else 1,
        latency=_latency(span, ops),
        said=() if one.exit_code == 0 else (last,),
    )


def _time_span(report: str) -> ET.Element | None:
    start = report.find("<Results")
    if start < 0:
        return None
    try:
        # the report is our own tool's in our own guest; entities are not resolved by ElementTree
        return ET.fromstring(report[start:]).find("TimeSpan")
    except ET.ParseError:
        return None


def _latency(span: ET.Element, ops: int) -> Latency:
    """Buckets are `Percentile` (0 to 100) with `TotalMilliseconds`; 0 is the shortest, 100 the longest."""
    bins: Counter[int] = Counter()
    before = worst = 0
    for bucket in span.findall("Latency/Bucket"):
        text = bucket.findtext("TotalMilliseconds")
        if text is None:
            continue
        ns = round(float(text) * NS_PER_MS)
        reached = round(float(bucket.findtext("Percentile", "0")) / 100 * ops)
        if reached > before:
            bins[ns] += reached - before
            before = reached
        worst = max(worst, ns)
    return Latency(bins=dict(bins), worst_ns=worst)


def _count(target: ET.Element, name: str) -> int:
    return int(target.findtext(name, "0") or 0)
