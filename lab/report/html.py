"""The page: one self-contained HTML file drawn from report.json, with nothing to fetch and no script.

It decides only how things look: positions, words and pictures. Escaping is jinja2's, for everything.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from lab.report import charts, starts, thumbnails, wording

PICTURE_BUDGET = 5_000_000
"""Characters of data URIs in one page; pictures after that are links to their files."""
DENSE_COLUMNS = 14
"""From so many columns on, the squares of the heat map show their symbol only."""
MANY_CELLS = 120
"""From so many cells on, the table of all cells is left out of the printed page."""
TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)

BOOT_END_WORDS = {
    "requested-reboot": "reboot, as asked for",
    "expected-reboot": "restart, as known beforehand",
    "unexpected-reset": "reset that nobody asked for",
    "crash": "crash",
    "shutdown": "switched off",
    "destroyed": "ended by the lab",
    "gone": "QEMU was gone",
    "open": "end of the recording",
}
WHEN_WORDS = {"before": "before", "first-after": "first after", "after": "after"}
ARM_WORDS = {"baseline": "Released", "candidate": "Candidate"}
STATE_WORDS = {
    "affected": "hit",
    "proven": "proven good",
    "unproven": "not proven",
    "untested": "not tested",
}


def render(doc: Mapping[str, Any], run_dir: Path | None = None) -> str:
    """The page.

    :param run_dir: where the frames are; without it the filmstrip shows links only.
    """
    columns = len(doc["arms"]) * len(doc["heatmap"]["scenarios"])
    cells = {cell["id"]: cell for cell in doc["cells"]}
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            doc=doc,
            headline=_headline(doc["answer"]),
            stand_ins=wording.stand_ins(doc["images"]),
            images={image["name"]: image for image in doc["images"]},
            cells=cells,
            dense=columns > DENSE_COLUMNS,
            many_cells=len(cells) > MANY_CELLS,
            pictures=_pictures(doc, run_dir),
            lanes=_lanes(doc["timeline"]),
            run_ticks=ticks(max((span["end_s"] for span in doc["timeline"]), default=0.0)),
            builds=len({cell["image"] for cell in doc["cells"]}),
            started=starts.sentences(doc["starts"]),
            resets=any(cell["unexpected_resets"] for cell in doc["cells"]),
            outcomes=Counter(cell["outcome"] for cell in doc["cells"]),
            present=_present(doc),
            compared=charts.comparisons(doc),
        )
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("lab.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        seconds=wording.seconds,
        age=wording.age,
        percent=wording.percent,
        count=wording.count,
        listing=wording.listing,
        hyphens=_hyphens,
        axis_time=_axis_time,
        link=_link,
    )
    environment.globals.update(
        percent_of=percent_of,
        ticks=ticks,
        ANSWER=wording.ANSWER_WORDS,
        KIND=wording.KIND_WORD,
        OUTCOME=wording.OUTCOME_WORD,
        SYMBOL=wording.OUTCOME_SYMBOL,
        BLAME=wording.BLAME_WORDS,
        GAP=wording.GAP_WORDS,
        BOOT_END=BOOT_END_WORDS,
        WHEN=WHEN_WORDS,
        ARM=ARM_WORDS,
        STATE=STATE_WORDS,
        DIAGNOSIS=wording.DIAGNOSIS_WORDS,
        VERDICT=wording.COMPARED_WORDS,
        at=_at,
        width=_width,
    )
    return environment


def percent_of(value: float, whole: float) -> str:
    """`value` as a CSS percentage of `whole`, within 0 and 100."""
    share = 0.0 if whole <= 0 or not math.isfinite(value) else min(1.0, max(0.0, value / whole))
    return f"{share * 100:.3f}%"


def _at(value: float, whole: float) -> float:
    """A time as a position on a strip of 100."""
    return round(100 * min(1.0, max(0.0, value / whole)), 3)


def _width(start: float, stop: float, whole: float) -> float:
    """At least so wide that it is seen."""
    return round(max(0.25, _at(stop, whole) - _at(start, whole)), 3)


def ticks(end_s: float) -> list[int]:
    """Round times from 0 to before the end of an axis, at most eight."""
    step = next((step for step in TICKS if end_s / step <= 8), TICKS[-1])
    most = min(int(end_s // step), 8)
    return [number * step for number in range(most + 1) if number * step <= end_s * 0.96]


def _link(path: str) -> str:
    """A relative link to a file of the run: no scheme and no host can come out of it."""
    return "./" + quote(path.lstrip("/"), safe="/")


def _axis_time(tick: int) -> str:
    """`45 s`, `1 min`, `1:30 min`, `2 h`: a round time under an axis."""
    if tick < 60:
        return f"{tick} s"
    if tick % 3600 == 0:
        return f"{tick // 3600} h"
    minutes, rest = divmod(tick, 60)
    return f"{minutes}:{rest:02d} min" if rest else f"{minutes} min"


def _headline(answer: Mapping[str, Any]) -> str:
    """The gate's sentence without the words that already stand above it in large type."""
    said: str = answer["sentence"].strip()
    word = wording.ANSWER_WORDS[answer["word"]]
    if not said.casefold().startswith((f"{word}:".casefold(), f"{word}.".casefold())):
        return said[:1].upper() + said[1:]
    rest = said[len(word) + 1 :].strip()
    return rest[:1].upper() + rest[1:]


def _hyphens(text: str) -> list[str]:
    """The parts of a name between its hyphens, so that a template can allow a line break after each."""
    parts = text.split("-")
    return [f"{part}-" for part in parts[:-1]] + parts[-1:]


def _pictures(doc: Mapping[str, Any], run_dir: Path | None) -> dict[str, str]:
    """Data URIs by path of the frames that can be shown within the budget."""
    if run_dir is None:
        return {}
    found: dict[str, str] = {}
    left = PICTURE_BUDGET
    for failure in doc["failures"]:
        for picture in failure["exhibit"]["filmstrip"] if failure["exhibit"] else ():
            uri = thumbnails.data_uri(run_dir / picture["path"], run_dir)
            if uri and len(uri) <= left and picture["path"] not in found:
                found[picture["path"]] = uri
                left -= len(uri)
    return found


def _lanes(timeline: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """The spans of the timeline by lane."""
    lanes: list[list[Mapping[str, Any]]] = []
    for span in timeline:
        while len(lanes) <= span["lane"]:
            lanes.append([])
        lanes[span["lane"]].append(span)
    return lanes


def _present(doc: Mapping[str, Any]) -> list[str]:
    """The outcomes that the heat map's legend has to explain, worst first."""
    used = {
        square["outcome"] for row in doc["heatmap"]["rows"] for block in row["squares"] for square in block
    }
    return [outcome for outcome in wording.OUTCOME_WORD if outcome in used]
