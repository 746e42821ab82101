"""report.json: run, plan, verdicts, decision and attempts become one document, the single truth.

It joins and words what others decided: it finds nothing, judges nothing, and does not change the
gate's answer. Everything that comes from a guest is cleaned and redacted on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from lab import codec
from lab.errors import ExitCode
from lab.model import AttemptRecord, CellVerdict, Comparison, GateDecision, Plan
from lab.report import coverage, failures, fleet, gaps, heatmap, hosts, reactions, starts
from lab.report.cases import Case, join, lab_faults, length_s
from lab.report.facts import by_name, moment, numbers, part, texts
from lab.report.shape import (
    SCHEMA_VERSION,
    Answer,
    Artefact,
    Attempt,
    CellRow,
    ImageFacts,
    Report,
    RunFacts,
    Span,
)
from lab.report.shape_failures import Noise
from lab.report.wording import scrub


def build(
    run: Mapping[str, Any],
    plan: Plan,
    verdicts: Sequence[CellVerdict],
    decision: GateDecision,
    attempts: Sequence[AttemptRecord],
    run_dir: Path | None = None,
    comparisons: Sequence[Comparison] = (),
) -> dict[str, Any]:
    """The document, as plain JSON types.

    :param run: run.json. Keys used, all optional: id, started, finished (ISO 8601), lab, config, command,
        interrupted, hosts (as `lab doctor` knows them), images (name -> ImageInfo
        fields), scenarios (name -> ScenarioInfo fields), census (image -> weight), faults (the names of
        every kind of fault that the lab knows).
    :param run_dir: where the recordings are; without it there are no console excerpts from files.
    """
    run_id = str(run.get("id") or (run_dir.name if run_dir else "run"))
    cases = join(plan, verdicts, attempts)
    share = fleet.shares(cases, plan.omitted, numbers(run.get("census")))
    bugs = failures.build(cases, share, run_id, run_dir)
    holes = gaps.build(cases, plan.omitted, run_dir)
    anchors: dict[str, str] = {case.cell.id: f"c{number}" for number, case in enumerate(cases, start=1)}
    sections: dict[str, str] = dict(anchors)
    sections.update({cell: gap.id for gap in holes for cell in gap.cells})
    sections.update({cell: bug.id for bug in bugs for cell in bug.cells})
    arms = heatmap.arms(cases)
    rows = tuple(_row(case, anchors[case.cell.id], sections[case.cell.id]) for case in cases)
    spans = _timeline(cases, str(run.get("started") or ""))
    report = Report(
        schema_version=SCHEMA_VERSION,
        run=_run_facts(run, run_id, spans, str(attempts[-1].facts.get("lab") or "") if attempts else ""),
        answer=_answer(decision),
        fleet=fleet.build(cases, share, bugs),
        arms=arms,
        artefacts=_artefacts(rows),
        hosts=hosts.build(run, attempts),
        images=_images(run, share, attempts),
        heatmap=heatmap.build(cases, arms, sections, by_name(run.get("scenarios"))),
        failures=bugs,
        comparisons=tuple(comparisons),
        coverage=coverage.build(cases, by_name(run.get("scenarios")), texts(run.get("faults"))),
        reactions=reactions.build(cases),
        not_tested=holes,
        starts=starts.build(cases),
        timeline=spans,
        cells=rows,
        noise=_noise(attempts),
    )
    made: dict[str, Any] = scrub(codec.to_dict(report))
    return made


def _answer(decision: GateDecision) -> Answer:
    """A `ship` with any other exit code than 0 is not a ship."""
    word: Literal["ship", "do-not-ship", "no-answer"]
    if decision.ship and decision.exit_code == ExitCode.SHIP:
        word = "ship"
    elif decision.exit_code == ExitCode.DO_NOT_SHIP:
        word = "do-not-ship"
    else:
        word = "no-answer"
    return Answer(
        word=word,
        ship=word == "ship",
        exit_code=decision.exit_code,
        sentence=decision.sentence,
        reasons=decision.reasons,
    )


def _run_facts(run: Mapping[str, Any], run_id: str, spans: Sequence[Span], recorded_by: str) -> RunFacts:
    """:param recorded_by: the lab's version by the attempts, for when run.json does not tell it."""
    started, ended = str(run.get("started") or ""), str(run.get("finished") or "")
    begin, end = moment(started), moment(ended)
    command = run.get("command") or ""
    duration_s = (end - begin) if begin is not None and end is not None else _end(spans)
    return RunFacts(
        id=run_id,
        started=started,
        ended=ended,
        duration_s=max(0.0, duration_s),
        lab=str(run.get("lab") or recorded_by),
        config=str(run.get("config") or ""),
        command=command if isinstance(command, str) else " ".join(map(str, command)),
        interrupted=bool(run.get("interrupted")) or bool(started and not ended),
    )


def _row(case: Case, anchor: str, section: str) -> CellRow:
    cell, verdict = case.cell, case.verdict
    facts = case.attempts[-1].facts if case.attempts else {}
    return CellRow(
        anchor=anchor,
        id=cell.id,
        image=cell.image,
        profile=cell.profile,
        scenario=cell.scenario,
        level=cell.level.value,
        arm=cell.arm.value,
        version=heatmap.version(cell.version),
        installed=heatmap.version(cell.installed),
        seed=cell.seed,
        repetition=cell.repetition,
        ring=cell.ring,
        weight=cell.weight,
        outcome=case.outcome,
        blame=verdict.blame.value if verdict else "lab",
        reasons=case.reasons,
        title=case.main.title if case.main else "",
        section=section if section != anchor else "",
        duration_s=verdict.duration_s if verdict else 0.0,
        boots=verdict.boots if verdict else 0,
        unexpected_resets=verdict.unexpected_resets if verdict else 0,
        image_digest=str(part(facts, "image").get("digest") or ""),
        artefacts=tuple(
            Artefact(name=str(item.get("name") or ""), sha256=str(item.get("sha256") or ""))
            for item in facts.get("artefacts") or ()
            if isinstance(item, Mapping)
        ),
        attempts=tuple(_attempt(record) for record in case.attempts),
    )


def _attempt(record: AttemptRecord) -> Attempt:
    return Attempt(
        attempt=record.attempt,
        path=record.path,
        duration_s=length_s(record),
        complete=record.complete,
        clone=starts.cloned(record),
        cold=starts.cold_reason(record),
        titles=tuple(dict.fromkeys(finding.title for finding in record.findings)),
        faults=lab_faults(record),
        problems=tuple(map(str, record.facts.get("problems") or ())),
    )


def _noise(attempts: Sequence[AttemptRecord]) -> tuple[Noise, ...]:
    """What was suppressed, once for each title and reason, the most frequent first."""
    found: dict[tuple[str, str], list[str]] = {}
    for record in attempts:
        for finding in record.suppressed:
            found.setdefault((finding.title, finding.suppressed), []).extend([record.cell.id] * finding.count)
    made = [
        Noise(title=title, reason=reason, count=len(cells), cells=tuple(dict.fromkeys(cells)))
        for (title, reason), cells in found.items()
    ]
    return tuple(sorted(made, key=lambda one: (-one.count, one.title)))


def _artefacts(rows: Sequence[CellRow]) -> tuple[Artefact, ...]:
    found = {(item.name, item.sha256): item for row in rows for item in row.artefacts}
    return tuple(found[key] for key in sorted(found))


def _images(
    run: Mapping[str, Any], share: Mapping[str, float], attempts: Sequence[AttemptRecord]
) -> tuple[ImageFacts, ...]:
    """Every OS build of the plan; what an attempt saw wins over what run.json planned."""
    planned = by_name(run.get("images"))
    seen = {record.cell.image: part(record.facts, "image") for record in attempts}
    return tuple(_image(name, {**planned.get(name, {}), **seen.get(name, {})}) for name in share)


def _image(name: str, told: Mapping[str, Any]) -> ImageFacts:
    return ImageFacts(
        name=name,
        release=str(told.get("release") or name),
        kernel=str(told.get("kernel") or ""),
        firmware=str(told.get("firmware") or ""),
        boot=str(told.get("boot") or ""),
        digest=str(told.get("digest") or ""),
        stand_in=told.get("stand_in") is True,
    )


def _timeline(cases: Sequence[Case], started: str) -> tuple[Span, ...]:
    """Attempts on the clock of the run, in as few lanes as they need; without wall times there is none."""
    begin = moment(started)
    known = []
    for case in cases:
        for record in case.attempts:
            at = moment(str(record.facts.get("started") or ""))
            if at is not None:
                known.append((at, record, case.outcome))
    known.sort(key=lambda item: item[0])
    if begin is None:
        begin = known[0][0] if known else 0.0
    lanes: list[float] = []
    spans = []
    for at, record, outcome in known:
        start_s = max(0.0, at - begin)
        end_s = start_s + length_s(record)
        lane = next((number for number, free in enumerate(lanes) if free <= start_s), len(lanes))
        lanes[lane : lane + 1] = [end_s]
        spans.append(
            Span(
                cell=record.cell.id,
                attempt=record.attempt,
                start_s=start_s,
                end_s=end_s,
                lane=lane,
                outcome=outcome,
            )
        )
    return tuple(spans)


def _end(spans: Sequence[Span]) -> float:
    return max((span.end_s for span in spans), default=0.0)
