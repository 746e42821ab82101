"""A short summary in GitHub-flavoured markdown for the page of a CI job: answer, map, failures, gaps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lab.report import starts
from lab.report.wording import (
    ANSWER_WORDS,
    BLAME_WORDS,
    GAP_WORDS,
    OUTCOME_SYMBOL,
    count,
    listing,
    percent,
    seconds,
    stand_ins,
)

MOST_ROWS = 60
MOST_FAILURES = 12
MOST_GAPS = 20
ANSWER_SIGN = {"ship": "✅", "do-not-ship": "⛔", "no-answer": "❔"}

_SPECIAL = re.compile(r"[\\`*\[\]|~#$]|(?<!\w)_|_(?!\w)")
_AT_START = re.compile(r"^(?:[-+>=:]|\d+(?=[.)]))")
_LINK = re.compile(r":(?=//)|(?<=www)\.", re.IGNORECASE)
"""What GitHub makes a link of by itself."""


def render(doc: Mapping[str, Any]) -> str:
    """The markdown text."""
    answer = doc["answer"]
    word = ANSWER_WORDS[answer["word"]].upper()
    parts = [
        f"# {ANSWER_SIGN[answer['word']]} {word}",
        f"**{_text(answer['sentence'])}**",
        "\n".join(f"- {_text(reason)}" for reason in answer["reasons"][:8]),
        f"**{_text(stood)}**" if (stood := stand_ins(doc["images"])) else "",
        _facts(doc),
        *_failures(doc),
        *_map(doc),
        *_gaps(doc),
        *_starts(doc),
        f"Full report: `report.html` · {_code(doc['run']['id'])} · exit code {answer['exit_code']}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(doc: Mapping[str, Any]) -> str:
    arms = [
        f"{arm['arm']}: {_text(_version(arm['version']))}, {count(arm['cells'], 'cell')}"
        for arm in doc["arms"]
    ]
    fleet = doc["fleet"]
    hit = f"fleet affected: {percent(fleet['affected'])}, proven good: {percent(fleet['proven'])}"
    return " · ".join([*arms, hit, f"took {seconds(doc['run']['duration_s'])}"])


def _failures(doc: Mapping[str, Any]) -> list[str]:
    failures = doc["failures"]
    if not failures:
        return []
    shown = [_failure(failure) for failure in failures[:MOST_FAILURES]]
    if len(failures) > MOST_FAILURES:
        shown.append(f"… and {len(failures) - MOST_FAILURES} more in the full report.")
    return [f"## {count(len(failures), 'failure')}", *shown]


def _failure(failure: Mapping[str, Any]) -> str:
    where = " in " + _code(failure["module"]) if failure["module"] else ""
    loop = f" · boot loop: {count(failure['resets'], 'reset')}" if failure["looped_cells"] else ""
    where_from = f"{count(len(failure['cells']), 'cell')} on {_text(listing(failure['images']))}"
    fault = failure["fault"]
    known = f" {_text(fault['meaning'])}" if fault and fault["meaning"] else ""
    return "\n".join(
        [
            f"**{_text(failure['title'])}**{where}  ",
            f"{_text(failure['meaning'])}{known} {_text(failure['since'])}".strip() + "  ",
            *_seen(failure),
            f"blame: {_text(BLAME_WORDS[failure['blame']])} · {where_from}{loop}  ",
            f"reproduce: {_code(failure['repro'])}",
        ]
    )


def _seen(failure: Mapping[str, Any]) -> list[str]:
    """`seen by event, serial +0.12 s · missed by screen`."""
    exhibit = failure["exhibit"]
    told = exhibit["sightings"] if exhibit else ()
    seen = [
        one["channel"] + (f" +{seconds(one['delay_s'])}" if one["delay_s"] and not one["first"] else "")
        for one in told
        if one["seen"]
    ]
    missed = [one["channel"] for one in told if not one["seen"] and not one["blind"] and one["what"]]
    if not seen:
        return []
    return [
        f"seen by {_text(', '.join(seen))}" + (f" · missed by {', '.join(missed)}" if missed else "") + "  "
    ]


def _map(doc: Mapping[str, Any]) -> list[str]:
    arms, scenarios, rows = doc["arms"], doc["heatmap"]["scenarios"], doc["heatmap"]["rows"]
    if not rows:
        return []
    head = ["OS build", *(f"{name}: {_text(one['name'])}" for name in _arm_names(arms) for one in scenarios)]
    kernels = {image["name"]: image for image in doc["images"]}
    lines = [_line(head), _line(["---"] + [":-:"] * (len(head) - 1))]
    for row in rows[:MOST_ROWS]:
        image = kernels.get(row["image"], {"release": row["image"], "kernel": ""})
        name = _text(f"{image['release']} {image['kernel']}")
        if doc["heatmap"]["profiles"] > 1:
            name += f" · {_text(row['profile'])}"
        lines.append(_line([name, *(_square(square) for block in row["squares"] for square in block)]))
    more = f"\n\n… and {len(rows) - MOST_ROWS} more rows in the full report." if len(rows) > MOST_ROWS else ""
    return ["## OS builds × scenarios", "\n".join(lines) + more]


def _arm_names(arms: Sequence[Mapping[str, Any]]) -> list[str]:
    """`baseline`, `candidate`; with its version where there are several of one arm."""
    words = [arm["arm"] for arm in arms]
    return [
        f"{word} {_text(_version(arm['version']))}" if words.count(word) > 1 else word
        for word, arm in zip(words, arms, strict=True)
    ]


def _square(square: Mapping[str, Any]) -> str:
    loop = f" ↻{square['resets']}" if square["resets"] else ""
    return f"{OUTCOME_SYMBOL[square['outcome']]} {_text(square['label'])}{loop}".strip()


def _gaps(doc: Mapping[str, Any]) -> list[str]:
    gaps = doc["not_tested"]
    if not gaps:
        return []
    lines = [
        f"- {_text(GAP_WORDS.get(gap['kind'], gap['kind']))}, {count(len(gap['cells']), 'cell')}: "
        + _text(gap["reason"])
        for gap in gaps[:MOST_GAPS]
    ]
    if len(gaps) > MOST_GAPS:
        lines.append(f"- … and {len(gaps) - MOST_GAPS} more reasons in the full report")
    return ["## Not tested or not proven", "\n".join(lines)]


def _starts(doc: Mapping[str, Any]) -> list[str]:
    """Clones and boots from power-off; what the lab had to do instead is not to be overlooked."""
    lines = starts.sentences(doc["starts"])
    return ["\n".join(f"- {_text(line)}" for line in lines)] if lines else []


def _line(columns: Sequence[str]) -> str:
    return f"| {' | '.join(columns)} |"


def _version(version: Mapping[str, str]) -> str:
    return f"build {version['build']} + content {version['content']}"


def _text(value: str) -> str:
    """`value` on one line, so that no character of it is markdown, HTML, a link or a mention."""
    flat = " ".join(str(value).split())
    flat = flat.replace("&", "&amp;").replace("<", "&lt;")
    flat = _SPECIAL.sub(lambda found: "\\" + found.group(), flat)
    flat = _LINK.sub(lambda found: f"&#{ord(found.group())};", flat).replace("@", "&#64;")
    return _AT_START.sub(lambda found: "".join(f"&#{ord(one)};" for one in found.group()), flat)


def _code(value: str) -> str:
    """`value` as a code span, with a fence longer than any run of backticks in it."""
    flat = " ".join(str(value).split()) or "-"
    longest = max((len(run) for run in re.findall("`+", flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}"
