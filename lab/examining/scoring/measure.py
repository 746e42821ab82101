"""Running the detectors over labelled cases; one judgement each. Refuses to sum up.

The rules by which a finding counts as right are those of docs/scoring.md.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from PIL import Image

from lab.clock import Stopwatch
from lab.detect.faults import catalogue, fold
from lab.detect.lines import LineStream
from lab.detect.linux.console import Console
from lab.errors import ArtefactError
from lab.examining.examine import Examined, Outcome, examine
from lab.examining.scoring.dressing import DRESSES, dressed
from lab.examining.scoring.labels import Case, CorpusSet
from lab.examining.subjects import Source, Subject
from lab.model import Finding, FindingKind, ScreenVerdict, SerialChunk

CLASSES: dict[FindingKind, str] = {
    FindingKind.PANIC: "panic",
    FindingKind.OOPS: "oops",
    FindingKind.BUG: "bug-other",
    FindingKind.WARNING: "warning",
    FindingKind.SANITIZER: "sanitizer",
    FindingKind.LOCKDEP: "lockdep",
    FindingKind.LEAK: "leak",
    FindingKind.LOCKUP: "hang",
    FindingKind.HUNG_TASK: "hang",
    FindingKind.HANG: "hang",
    FindingKind.OOM: "oom",
    FindingKind.UNEXPECTED_REBOOT: "unexpected-reboot",
}
"""The corpora's classes of console findings."""
SCREEN_FOLDERS = {"positive": "crash", "recovery": "recovery", "negative": "healthy"}
OPTIONAL_ALERT = frozenset(
    {"bootloader-menu", "bootmgr-menu", "uefi-bootmenu", "uefi-setup", "rescue-menu", "network-boot"}
)
"""Menus and setup screens: an alert is right, and none is right too."""
NOT_SCORED = frozenset({"ambiguous", "fuzzer-artifact"})
VARIANTS: dict[CorpusSet, tuple[str, ...]] = {
    CorpusSet.SCREENS: ("scale=0.5", "scale=0.75", "scale=1.5", "scale=2", "jpeg=30", "jpeg=95", "letterbox"),
    CorpusSet.CONSOLE: tuple(DRESSES),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One case, examined. Fields that do not apply to it are None."""

    case: Case
    truth: str
    """The verdict or class that the label states."""
    found: str
    title: str = ""
    seen: bool | None = None
    """A report was found, where there is one."""
    false_alarm: bool | None = None
    """A crash was claimed, where there is none."""
    exact: bool | None = None
    same_bug: bool | None = None
    class_right: bool | None = None
    fatal_right: bool | None = None
    right: bool | None = None
    """The verdict is the label's."""
    code_right: bool | None = None
    seconds: float = 0.0
    bytes: int = 0
    problem: str = ""


def judge_all(cases: Sequence[Case], *, jobs: int = 1, variants: bool = False) -> Iterator[Judged]:
    """A judgement per case, in order; with `variants` screens and console logs also in changed forms."""
    wanted = [case for case in cases if scored(case)]
    if variants:
        wanted += [
            replace(case, variant=variant) for case in wanted for variant in VARIANTS.get(case.corpus_set, ())
        ]
    if jobs <= 1:
        yield from map(judge, wanted)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(judge, wanted, chunksize=8)


def scored(case: Case) -> bool:
    """Whether the label takes part: what nobody can decide does not."""
    words = {case.truth.get("verdict", ""), case.truth.get("lab_class", ""), case.path.parent.name}
    return NOT_SCORED.isdisjoint(words)


def judge(case: Case) -> Judged:
    """Examine one case and hold it against its label."""
    watch = Stopwatch()
    judges = {
        CorpusSet.CONSOLE: _console,
        CorpusSet.SERIAL: _serial,
        CorpusSet.SCREENS: _screen,
        CorpusSet.DUMPS: _dump,
    }
    done = judges[case.corpus_set](case)
    return replace(done, seconds=watch.t_s, bytes=case.path.stat().st_size)


def console_log(data: bytes) -> bytes:
    """The log of a file that begins with header lines and one empty line, and may end in a `REPORT:`."""
    data = data.replace(b"\r", b"")
    log = data.partition(b"\n\n")[2]
    head, mark, _ = log.rpartition(b"\nREPORT:\n")
    return head if mark else log


def _console(case: Case) -> Judged:
    data = dressed(console_log(case.path.read_bytes()), case.variant)
    console, stream = Console(reboots=True), LineStream()
    for block in (stream.feed(SerialChunk(t_s=0.0, start=0, data=data)), stream.finish()):
        if block is not None:
            console.feed(block)
    console.finish()
    told = [report.finding() for report in console.reports]
    findings = sorted((one for one in told if not one.suppressed), key=_place)
    first = findings[0] if findings else None
    truth = case.truth["title"]
    found = CLASSES.get(first.kind, str(first.kind)) if first else "none"
    done = Judged(case=case, truth=case.label, found=found, title=first.title if first else "")
    if not truth:
        return replace(done, false_alarm=first is not None, right=first is None)
    exact, same_bug = _titles(case, first)
    return replace(
        done,
        seen=first is not None or bool(told and case.truth.get("suppressed") == "1"),
        exact=exact,
        same_bug=same_bug,
        class_right=first is not None and found == case.label,
        fatal_right=first is not None and first.fatal == (case.truth["lab_fatal"] == "Y"),
        right=first is not None,
    )


def _titles(case: Case, first: Finding | None) -> tuple[bool | None, bool | None]:
    """Whether the title is exact, and whether it is the same bug's; None where the log is corrupted."""
    if case.truth["corrupted"] in ("1", "Y"):
        return None, None
    if first is None:
        return False, False
    truth = case.truth["title"]
    wanted = {truth, *filter(None, (alt.strip() for alt in case.truth["alt"].split("|")))}
    mine = {first.title, *first.signature.alt_titles}
    return first.title == truth, not wanted.isdisjoint(mine)


def _place(finding: Finding) -> int:
    return finding.evidence[0].start if finding.evidence else 1 << 62


def _examined(case: Case, subject: Subject, path: Path | None = None) -> Examined | str:
    try:
        return examine(Source(case.name, path or case.path, subject))
    except ArtefactError as error:
        return error.message


def _serial(case: Case) -> Judged:
    done = _examined(case, Subject.LOG)
    truth = case.truth["verdict"]
    if isinstance(done, str):
        return Judged(case=case, truth=truth, found="unreadable", right=False, problem=done)
    quiet = truth in ("warning", "healthy")
    return Judged(
        case=case,
        truth=truth,
        found=str(done.outcome),
        title=done.findings[0].title if done.findings else "",
        seen=None if quiet else done.outcome.fatal,
        false_alarm=done.outcome.fatal if quiet else None,
        right=str(done.outcome) == truth,
    )


def _screen(case: Case) -> Judged:
    truth = SCREEN_FOLDERS.get(case.path.parent.name, case.truth.get("verdict", ""))
    if case.variant:
        scratch = changed(case.path, case.variant)
        done = _screen_of(case, scratch)
    else:
        done = _examined(case, Subject.SCREEN)
    if isinstance(done, str) or done.screen is None:
        problem = done if isinstance(done, str) else "not a picture"
        return Judged(case=case, truth=truth, found="unreadable", right=False, problem=problem)
    verdict = done.screen.verdict
    optional = case.label in OPTIONAL_ALERT and verdict is not ScreenVerdict.CRASH
    code = readable_code(case.truth["stop_text"]) if truth != "healthy" else None
    return Judged(
        case=case,
        truth=truth,
        found=str(verdict),
        title=f"{done.screen.kind}: {done.findings[0].title if done.findings else done.screen.reason}",
        seen=verdict is ScreenVerdict.CRASH if truth == "crash" else None,
        false_alarm=verdict is ScreenVerdict.CRASH if truth == "healthy" else None,
        right=str(verdict) == truth or (optional and truth in ("recovery", "healthy")),
        code_right=None if code is None else done.screen.code == code,
    )


def _screen_of(case: Case, data: bytes) -> Examined | str:
    from lab.detect.screens import DamagedPicture, classify

    try:
        screen = classify(data)
    except DamagedPicture as error:
        return str(error)
    return Examined(name=case.name, subject=Subject.SCREEN, outcome=Outcome.HEALTHY, screen=screen)


def changed(path: Path, variant: str) -> bytes:
    """A picture, scaled, compressed or with black bars at the sides, as a file's bytes."""
    name, _, amount = variant.partition("=")
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    out = io.BytesIO()
    if name == "jpeg":
        image.save(out, "JPEG", quality=int(amount))
        return out.getvalue()
    if name == "scale":
        factor = float(amount)
        size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
        image = image.resize(size, Image.Resampling.BICUBIC)
    else:
        wide = Image.new("RGB", (round(image.width * 1.3), round(image.height * 1.1)))
        wide.paste(image, ((wide.width - image.width) // 2, (wide.height - image.height) // 2))
        image = wide
    image.save(out, "PNG")
    return out.getvalue()


def readable_code(text: str) -> int | None:
    """The stop code or boot status that a label says a person can read; None for words without one."""
    if "(fake)" in text or text.startswith("custom text"):
        return None
    for word in re.findall(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+", text):
        fault = catalogue().by_name(word)
        if fault is not None and fault.code is not None:
            return fault.code
    found = re.search(r"\b0x([0-9A-Fa-f]{1,8})\b", text)
    if found is None:
        return None
    code = int(found[1], 16)
    fault = catalogue().by_code(code)
    return fault.code if fault is not None and fault.code is not None else code


def _dump(case: Case) -> Judged:
    positive = case.label == "positive"
    done = _examined(case, Subject.DUMP)
    truth = "crash" if positive else "no crash"
    if isinstance(done, str):
        return Judged(
            case=case, truth=truth, found="unreadable", right=not positive, problem=done, title=done
        )
    finding = done.findings[0] if done.findings else None
    found = "crash" if finding else "no crash"
    code_right = None
    if positive:
        code, *parameters = (int(word, 16) for word in case.truth["bugcheck"].split())
        told = (done.dump.code, *done.dump.parameters) if done.dump else ()
        code_right = told == (fold(code), *parameters)
    return Judged(
        case=case,
        truth=truth,
        found=found,
        title=finding.title if finding else done.note,
        seen=finding is not None if positive else None,
        false_alarm=None if positive else finding is not None,
        right=found == truth,
        code_right=code_right,
    )
