"""JUnit XML for CI systems, in the Surefire (xunit2) dialect.

`failure` = the product failed; `error` = the lab or the scenario did, or nothing was proven; `skipped` =
left out, not run, or a known issue, always with the reason; `flakyFailure` = a pass after a failed
attempt. A test's name is its cell id under class `lab.<scenario>`: stable from run to run.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from lab.model import Blame, Outcome
from lab.report.wording import seconds

OUTPUT_CAP = 16 * 1024
"""Characters of system-out of one test."""

_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Everything that XML 1.0 has no way to write."""


def render(doc: Mapping[str, Any]) -> str:
    """The XML text; its counts are those of its own elements."""
    root = ET.Element("testsuites", name=_text(f"fleet lab {doc['run']['id']}"))
    failures = {failure["id"]: failure for failure in doc["failures"]}
    cases: dict[str, list[ET.Element]] = defaultdict(list)
    stand_ins = {image["name"] for image in doc["images"] if image.get("stand_in")}
    for cell in doc["cells"]:
        case = _case(cell, failures.get(cell["section"]), doc["run"]["id"])
        if cell["image"] in stand_ins:
            properties = case.find("properties")
            assert properties is not None
            ET.SubElement(properties, "property", name="stand-in", value="true")
        cases[cell["scenario"]].append(case)
    for gap in doc["not_tested"]:
        for name in _omitted(gap, doc["cells"]):
            scenario = (
                gap["scenarios"][0] if len(gap["scenarios"]) == 1 else _scenario(name, gap["scenarios"])
            )
            cases[scenario].append(_left_out(name, scenario, gap))
    for scenario, elements in cases.items():
        suite = ET.SubElement(root, "testsuite", name=_text(f"lab.{scenario}"))
        if doc["run"]["started"]:
            suite.set("timestamp", _text(doc["run"]["started"]))
        suite.extend(elements)
        _count(suite, elements)
    _count(root, root.iter("testcase"))
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(cell: Mapping[str, Any], failure: Mapping[str, Any] | None, run_id: str) -> ET.Element:
    element = _element(cell["id"], cell["scenario"], cell["duration_s"])
    _properties(element, cell)
    message = _text(cell["title"] or "; ".join(cell["reasons"]) or cell["outcome"])
    body = _text(
        "\n".join((*cell["reasons"], *_told(failure), f"reproduce: lab repro {run_id} {cell['id']}"))
    )
    match Outcome(cell["outcome"]) if cell["outcome"] != "not-run" else Outcome.SKIPPED:
        case Outcome.PASSED:
            pass
        case Outcome.FAILED:
            tag = "error" if cell["blame"] in (Blame.LAB, Blame.SCENARIO) else "failure"
            kind = failure["kind"] if failure else cell["blame"]
            ET.SubElement(element, tag, message=message, type=_text(kind)).text = body
        case Outcome.INCONCLUSIVE | Outcome.NOT_EXERCISED:
            ET.SubElement(element, "error", message=message, type=_text(cell["outcome"])).text = body
        case Outcome.FLAKY:
            _flaky(element, cell, message, body)
        case Outcome.KNOWN_ISSUE:
            ET.SubElement(element, "skipped", message=f"known issue: {message}")
        case Outcome.SKIPPED:
            ET.SubElement(element, "skipped", message=message)
    output = _output(cell, failure)
    if output:
        ET.SubElement(element, "system-out").text = output
    return element


def _told(failure: Mapping[str, Any] | None) -> list[str]:
    """What the fault means, and which channels saw it and which did not."""
    if failure is None:
        return []
    fault, exhibit = failure["fault"], failure["exhibit"]
    lines = [f"fault: {fault['name']}: {fault['meaning']}"] if fault and fault["meaning"] else []
    lines += [f"diagnosis: {failure['diagnosis']}"] if failure["diagnosis"] else []
    lines += [f"not to be trusted in detail: {failure['corrupted']}"] if failure["corrupted"] else []
    return [*lines, *(witness(one) for one in (exhibit["sightings"] if exhibit else ()))]


def witness(one: Mapping[str, Any]) -> str:
    """`serial: saw it 0.12 s after the first`, `screen: could not see it, no frame was taken`."""
    what = f", {one['what']}" if one["what"] else ""
    if not one["seen"]:
        return f"{one['channel']}: {'could not see it' if one['blind'] else 'missed it'}{what}"
    when = "saw it first" if one["first"] else "saw it"
    if not one["first"] and one["delay_s"] is not None:
        when = f"saw it {seconds(one['delay_s'])} after the first"
    return f"{one['channel']}: {when}{what}"


def _flaky(element: ET.Element, cell: Mapping[str, Any], message: str, body: str) -> None:
    """One flakyFailure for each attempt that failed: a pass on a later one never hides it."""
    failed = [attempt for attempt in cell["attempts"] if attempt["titles"] or attempt["faults"]]
    for attempt in failed or cell["attempts"][:1] or [{"titles": [], "faults": []}]:
        told = "; ".join((*attempt["titles"], *attempt["faults"]))
        flaky = ET.SubElement(element, "flakyFailure", message=_text(told) or message, type="flaky")
        ET.SubElement(flaky, "stackTrace").text = body


def _left_out(name: str, scenario: str, gap: Mapping[str, Any]) -> ET.Element:
    element = _element(name, scenario, 0.0)
    hint = f" (hint: {gap['hint']})" if gap["hint"] else ""
    ET.SubElement(element, "skipped", message=_text(f"{gap['kind']}: {gap['reason']}{hint}"))
    return element


def _omitted(gap: Mapping[str, Any], cells: Iterable[Mapping[str, Any]]) -> list[str]:
    """The cells of a gap that are not in the plan, which has its own entry for every cell."""
    if gap["kind"] not in ("excluded", "unrunnable", "unselected", "decided"):
        return []
    planned = {cell["id"] for cell in cells}
    return [name for name in gap["cells"] if name not in planned]


def _scenario(name: str, scenarios: Iterable[str]) -> str:
    """The scenario in a cell id, of those that the gap names; `other` when none is in it."""
    found = [one for one in scenarios if f"_{one}_" in f"_{name}_"]
    return max(found, key=len, default="other")


def _element(name: str, scenario: str, duration_s: float) -> ET.Element:
    return ET.Element(
        "testcase",
        classname=_text(f"lab.{scenario}"),
        name=_text(name),
        time=f"{duration_s:.3f}",
    )


def _properties(element: ET.Element, cell: Mapping[str, Any]) -> None:
    told = {
        "cell": cell["id"],
        "arm": cell["arm"],
        "image": cell["image"],
        "image.digest": cell["image_digest"],
        "profile": cell["profile"],
        "agent.build": cell["version"]["build"],
        "agent.content": cell["version"]["content"],
        "installed.build": cell["installed"]["build"],
        "installed.content": cell["installed"]["content"],
        "seed": cell["seed"],
        "repetition": cell["repetition"],
        "outcome": cell["outcome"],
        "blame": cell["blame"],
        "boots": cell["boots"],
        "unexpected-resets": cell["unexpected_resets"],
        **{f"artefact.{item['name']}": item["sha256"] for item in cell["artefacts"]},
    }
    properties = ET.SubElement(element, "properties")
    for name, value in told.items():
        if value != "":
            ET.SubElement(properties, "property", name=_text(name), value=_text(str(value)))


def _output(cell: Mapping[str, Any], failure: Mapping[str, Any] | None) -> str:
    """Where the recordings are, and the console of the attempt that the failure's section shows."""
    lines = [
        f"attempt {attempt['attempt']}: {attempt['path']}"
        + "".join(f"\n  lab: {one}" for one in attempt["faults"])
        for attempt in cell["attempts"]
    ]
    exhibit = failure["exhibit"] if failure else None
    if exhibit and exhibit["cell"] == cell["id"] and exhibit["excerpt"]:
        lines += ["", *(line["text"] for line in exhibit["excerpt"]["lines"])]
    text = _text("\n".join(lines))
    return text if len(text) <= OUTPUT_CAP else text[:OUTPUT_CAP] + "\n[cut]"


def _count(element: ET.Element, cases: Iterable[ET.Element]) -> None:
    every = list(cases)
    element.set("tests", str(len(every)))
    for tag, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        element.set(name, str(sum(1 for case in every if case.find(tag) is not None)))
    element.set("time", f"{sum(float(case.get('time', '0')) for case in every):.3f}")


def _text(value: str) -> str:
    return _NOT_XML.sub("\ufffd", value)
