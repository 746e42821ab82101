"""Synthetic runs for the report's tests: the July 2024 re-enactment, and its happier and sadder siblings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from report_guest_output import REBOOTING, console, screen

from lab.model import (
    AgentVersion,
    Arm,
    AttemptRecord,
    Blame,
    Cell,
    CellId,
    CellVerdict,
    CommandRun,
    EvidenceRef,
    Expectation,
    Finding,
    FindingKind,
    Frame,
    GateDecision,
    Heartbeat,
    MachineEvent,
    Observation,
    Omitted,
    Outcome,
    Plan,
    Proof,
    SerialChunk,
    Signature,
    Step,
)
from lab.report import document

START = datetime(2026, 3, 4, 2, 10, tzinfo=UTC)
INSTALLED = AgentVersion(build="1.0", content="289")
RELEASED = AgentVersion(build="1.0", content="290")
BAD = AgentVersion(build="1.0", content="291")
MENDED = AgentVersion(build="1.1", content="292")
REFUSED = AgentVersion(build="1.1", content="291")

IMAGES = {
    "debian-11": ("Debian 11 (bullseye)", "5.10.0-33-amd64", "bios"),
    "debian-12": ("Debian 12 (bookworm)", "6.1.0-31-amd64", "bios"),
    "debian-12-bpo": ("Debian 12 (bookworm-backports)", "6.12.9+bpo-amd64", "bios"),
    "debian-13": ("Debian 13 (trixie)", "6.12.12-amd64", "uefi"),
    "debian-sid": ("Debian sid", "7.0.3-amd64", "bios"),
}
SCENARIOS = ("install-healthy", "content-update", "update-reboot")
PANIC = "BUG: unable to handle page fault in demo_sensor_match"


def cell(image: str, scenario: str, arm: Arm, version: AgentVersion, **more: Any) -> Cell:
    profile = more.pop("profile", "bios-1cpu")
    return Cell(
        id=CellId(f"{image}_{profile}_{scenario}_{arm}"),
        image=image,
        profile=profile,
        scenario=scenario,
        arm=arm,
        agent="demo-sensor",
        version=version,
        installed=INSTALLED,
        count_loops=scenario == "update-reboot",
        **more,
    )


@dataclass
class Run:
    """A run as the judge leaves it."""

    run: dict[str, Any]
    cells: list[Cell] = field(default_factory=list)
    omitted: list[Omitted] = field(default_factory=list)
    verdicts: list[CellVerdict] = field(default_factory=list)
    attempts: list[AttemptRecord] = field(default_factory=list)
    decision: GateDecision = field(
        default_factory=lambda: GateDecision(ship=True, exit_code=0, sentence="ship: all cells passed")
    )
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        return Plan(cells=tuple(self.cells), omitted=tuple(self.omitted))

    def write(self, run_dir: Path) -> None:
        for name, data in self.files.items():
            path = run_dir / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def doc(self, run_dir: Path | None = None) -> dict[str, Any]:
        if run_dir is not None:
            self.write(run_dir)
        return document.build(self.run, self.plan, self.verdicts, self.decision, self.attempts, run_dir)


def empty(**more: Any) -> Run:
    return Run(
        run={
            "id": "2026-03-04_0210_content-291",
            "started": stamp(0),
            "finished": stamp(1114),
            "lab": "0.1.0",
            "config": "lab.yaml",
            "command": ["lab", "run", "--candidate", "demo-sensor=1.0+291"],
            "images": {
                name: {"release": release, "kernel": kernel, "firmware": firmware, "boot": "direct"}
                for name, (release, kernel, firmware) in IMAGES.items()
            },
            "scenarios": {name: {"summary": f"{name} works"} for name in SCENARIOS},
            **more,
        }
    )


def stamp(offset_s: float) -> str:
    return (START + timedelta(seconds=offset_s)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def facts(one: Cell, offset_s: float) -> dict[str, Any]:
    release, kernel, firmware = IMAGES.get(one.image, (one.image, "6.1.0", "bios"))
    return {
        "image": {
            "name": one.image,
            "release": release,
            "kernel": kernel,
            "firmware": firmware,
            "boot": "loader" if firmware == "uefi" else "direct",
            "digest": "sha256:" + hashlib.sha256(one.image.encode()).hexdigest(),
        },
        "artefacts": [
            {"name": name, "sha256": hashlib.sha256(name.encode()).hexdigest()}
            for name in (f"demo-sensor-{one.version.build}.tar", f"content-{one.version.content}.bin")
        ],
        "host": {
            "uri": "qemu:///embed",
            "libvirt": "9.0.0",
            "qemu": "7.2.15",
            "accelerator": "tcg",
            "factor": 3.42,
        },
        "started": stamp(offset_s),
    }


def opening(one: Cell) -> list[Observation]:
    """Boot, install and update, as every attempt begins."""
    version = one.version
    return [
        MachineEvent(t_s=0.4, name="started"),
        Heartbeat(t_s=6.0, channel="agent", ok=False, error="no answer yet"),
        Step(t_s=24.2, name="booted", phase="note", detail={"boot_s": 23.8}),
        Heartbeat(t_s=24.2, channel="agent", ok=True, boot_id="b1"),
        Step(t_s=25.0, name="scenario", phase="start"),
        CommandRun(
            t_s=26.1,
            channel="agent",
            command="sh /opt/demo-sensor/install.sh",
            exit_code=0,
            stdout="installed build 1.0\ntoken=hunter2hunter2",
            duration_s=2.4,
        ),
        Step(
            t_s=30.0,
            name="update",
            phase="start",
            detail={"build": version.build, "content": version.content},
        ),
    ]


def passed(run: Run, one: Cell, offset_s: float = 0.0) -> None:
    observations = [
        *opening(one),
        Proof(t_s=33.0, what="version", values={"build": one.version.build, "content": one.version.content}),
        Proof(t_s=33.5, what="exercised", values={"before": 3, "after": 9, "trigger": "open /etc/hostname"}),
        Expectation(t_s=35.0, what="reboot", begin=True),
        MachineEvent(t_s=36.0, name="reset"),
        Heartbeat(t_s=60.0, channel="agent", ok=True, boot_id="b2"),
        Step(t_s=64.0, name="scenario", phase="end", outcome="completed"),
        MachineEvent(t_s=65.0, name="destroyed"),
    ]
    add(run, one, Outcome.PASSED, Blame.NOBODY, (), (), observations, offset_s, boots=2)


def crashed(run: Run, one: Cell, offset_s: float = 0.0) -> None:
    """A page fault in the module after the update, again at every boot where loops are counted."""
    boots = 4 if one.count_loops else 1
    text, ranges = console(IMAGES.get(one.image, ("", "6.1.0-31-amd64", ""))[1], boots)
    path = f"cells/{one.id}/a1"
    observations: list[Observation] = opening(one)
    frames = [
        frame(run, path, 1, 20.0, ["demo login: _"]),
        frame(run, path, 2, 30.0, ["demo login: root", "demo:~# _"]),
    ]
    t_s, previous = 31.6, 0
    for boot, (start, end) in enumerate(ranges):
        loading = text.rindex(b"[    9.118204]", 0, start)
        observations += [
            SerialChunk(t_s=t_s - 25.0 if boot else 2.0, start=previous, data=text[previous:loading]),
            SerialChunk(t_s=t_s - 0.3, start=loading, data=text[loading:start]),
            SerialChunk(t_s=t_s, start=start, data=text[start:end]),
            MachineEvent(t_s=t_s + 0.13, name="panicked", details={"action": "run"}),
        ]
        lines = text[start:end].decode().splitlines()[-14:]
        frames.append(frame(run, path, 3 + boot, t_s + 0.4, lines))
        if boot + 1 < boots:
            observations.append(MachineEvent(t_s=t_s + 1.2, name="reset", details={"guest": True}))
        observations.append(Heartbeat(t_s=t_s + 1.0, channel="agent", ok=False, error="connection reset"))
        rest = end + len(REBOOTING)
        observations.append(SerialChunk(t_s=t_s + 1.1, start=end, data=text[end:rest]))
        previous, t_s = rest, t_s + 27.0
    observations += [*frames, MachineEvent(t_s=t_s - 20, name="destroyed")]
    observations.sort(key=lambda item: item.t_s)
    findings = [panic(ranges[0])]
    if boots > 1:
        findings.append(
            Finding(
                kind=FindingKind.BOOT_LOOP,
                signature=Signature(title="boot loop: 3 unexpected resets"),
                fatal=True,
                t_s=31.6 + 27 * 3,
                channels=("event",),
                count=3,
                boot=4,
            )
        )
    run.files[f"{path}/serial.log"] = text
    reason = f"candidate crashed: {PANIC}; the released version passed"
    add(
        run,
        one,
        Outcome.FAILED,
        Blame.CANDIDATE,
        (reason,),
        tuple(findings),
        observations,
        offset_s,
        boots=boots,
        resets=boots - 1,
    )


def panic(where: tuple[int, int]) -> Finding:
    return Finding(
        kind=FindingKind.PANIC,
        signature=Signature(title=PANIC, alt_titles=("kernel panic: Fatal exception",)),
        fatal=True,
        t_s=31.6,
        evidence=(EvidenceRef(path="serial.log", start=where[0], end=where[1], sha256="ab" * 32),),
        channels=("serial", "event"),
        function="demo_sensor_match",
        module="demo_sensor",
        detail="the kernel read memory that is not mapped while running the sensor's matcher",
    )


def refused(run: Run, one: Cell, offset_s: float = 0.0) -> None:
    words = "content 291: declares 21 fields, build 1.1 supplies 20"
    finding = Finding(
        kind=FindingKind.UPDATE_REFUSED,
        signature=Signature(title=f"update refused: {words}"),
        fatal=False,
        t_s=32.0,
        channels=("agent",),
        module="demo-sensord",
        detail=f"the agent said: {words}",
    )
    observations = [
        *opening(one),
        Proof(t_s=32.0, what="refused", values={"build": "1.1", "content": "291", "message": words}),
        Step(t_s=34.0, name="scenario", phase="end", outcome="failed"),
    ]
    add(
        run,
        one,
        Outcome.FAILED,
        Blame.CANDIDATE,
        (finding.title,),
        (finding,),
        observations,
        offset_s,
        boots=1,
    )


def faulted(run: Run, one: Cell, offset_s: float = 0.0, why: str = "guest did not answer in 410 s") -> None:
    observations = [
        MachineEvent(t_s=0.4, name="started"),
        SerialChunk(t_s=3.0, start=0, data=b"SeaBIOS (version 1.16.2)\r\nBooting from Hard Disk...\r\n"),
        Step(t_s=410.4, name="lab-fault", phase="note", detail={"message": why}),
    ]
    add(run, one, Outcome.INCONCLUSIVE, Blame.LAB, (why,), (), observations, offset_s, boots=1)


def add(
    run: Run,
    one: Cell,
    outcome: Outcome,
    blame: Blame,
    reasons: tuple[str, ...],
    findings: tuple[Finding, ...],
    observations: Sequence[Observation],
    offset_s: float,
    *,
    boots: int = 1,
    resets: int = 0,
) -> None:
    path = f"cells/{one.id}/a1"
    run.cells.append(one)
    run.attempts.append(
        AttemptRecord(
            cell=one,
            attempt=1,
            path=path,
            observations=observations,
            findings=findings,
            complete=True,
            facts=facts(one, offset_s),
        )
    )
    run.verdicts.append(
        CellVerdict(
            cell=one,
            outcome=outcome,
            blame=blame,
            reasons=reasons,
            findings=findings,
            attempts=(path,),
            boots=boots,
            unexpected_resets=resets,
            duration_s=max(item.t_s for item in observations),
        )
    )


def frame(run: Run, path: str, number: int, t_s: float, lines: Sequence[str]) -> Frame:
    """A text console as the screen shows it, with its file."""
    data = screen(tuple(lines))
    name = f"frames/{number:06d}.png"
    run.files[f"{path}/{name}"] = data
    return Frame(t_s=t_s, path=name, sha256=hashlib.sha256(data).hexdigest(), width=720, height=400)


Fill = Callable[[Run, Cell, float], None]


def matrix(run: Run, candidate: AgentVersion, fill: Fill, images: Sequence[str] = tuple(IMAGES)) -> Run:
    """Both arms of every image and scenario, two at a time: baseline passes, the candidate by `fill`."""
    free = [4.0, 9.0]
    for image in images:
        for scenario in SCENARIOS:
            for arm, version, act in ((Arm.BASELINE, RELEASED, passed), (Arm.CANDIDATE, candidate, fill)):
                lane = free.index(min(free))
                act(run, cell(image, scenario, arm, version), free[lane])
                free[lane] += run.verdicts[-1].duration_s + 1.5
    return run


def bad_update() -> Run:
    """Content 291 on build 1.0: every OS build goes down; one rule and one missing image leave cells out."""
    run = matrix(empty(census={}), BAD, crashed)
    run.omitted += [
        Omitted(
            id=CellId(f"win11-24h2_uefi-tpm_{scenario}_{arm}"),
            kind="unrunnable",
            reason="image 'win11-24h2' needs an installation medium that only you can bring",
            hint="lab image build win11-24h2 --medium FILE",
            image="win11-24h2",
            scenario=scenario,
            arm=arm,
        )
        for scenario in SCENARIOS
        for arm in Arm
    ]
    run.omitted.append(
        Omitted(
            id=CellId("debian-11_uefi-2cpu_content-update_candidate"),
            kind="excluded",
            reason="exclude rule 2: bullseye is not sold with UEFI machines",
            image="debian-11",
            scenario="content-update",
            arm=Arm.CANDIDATE,
        )
    )
    run.decision = GateDecision(
        ship=False,
        exit_code=1,
        sentence="Do not ship build 1.0 + content 291: it brings down every OS build it was tried on.",
        reasons=(
            f"15 of 15 candidate cells failed: {PANIC}",
            "5 of 5 OS builds end in a boot loop",
            "the released version (build 1.0 + content 290) passed all 15 of the same cells",
        ),
    )
    return run


def good_update() -> Run:
    run = matrix(empty(), MENDED, passed)
    run.decision = GateDecision(
        ship=True,
        exit_code=0,
        sentence="Ship build 1.1 + content 292: all 15 candidate cells passed, each with proof.",
        reasons=("the released version passed the same 15 cells",),
    )
    return run


def refused_update() -> Run:
    run = matrix(empty(), REFUSED, refused)
    run.decision = GateDecision(
        ship=False,
        exit_code=1,
        sentence="Do not ship build 1.1 + content 291: the agent refuses it on every OS build.",
        reasons=("15 of 15 candidate cells: update refused",),
    )
    return run


def lab_fault() -> Run:
    run = matrix(empty(interrupted=True), MENDED, faulted)
    for one in run.cells[-4:]:
        run.verdicts = [verdict for verdict in run.verdicts if verdict.cell.id != one.id]
        run.attempts = [record for record in run.attempts if record.cell.id != one.id]
    run.decision = GateDecision(
        ship=False,
        exit_code=4,
        sentence="No answer: 13 of 15 candidate cells ended without proof, all for faults of the lab.",
        reasons=("guest did not answer in 410 s (13 cells)", "the run was interrupted"),
    )
    return run


def mixed() -> Run:
    """Every outcome at once, two bugs, a census, two profiles."""
    run = empty(
        census={"debian-11": 8, "debian-12": 61, "debian-12-bpo": 4, "debian-13": 26, "debian-sid": 1}
    )
    matrix(run, BAD, passed)
    acts: list[tuple[int, Outcome, Blame]] = [
        (1, Outcome.FLAKY, Blame.UNKNOWN),
        (7, Outcome.INCONCLUSIVE, Blame.LAB),
        (9, Outcome.NOT_EXERCISED, Blame.UNKNOWN),
        (13, Outcome.KNOWN_ISSUE, Blame.IMAGE),
        (15, Outcome.SKIPPED, Blame.NOBODY),
    ]
    for at, outcome, blame in acts:
        findings = (panic((0, 0)),) if outcome in (Outcome.FLAKY, Outcome.KNOWN_ISSUE) else ()
        reason = f"{outcome.value}: wanted for the picture"
        run.verdicts[at] = replace(
            run.verdicts[at], outcome=outcome, blame=blame, reasons=(reason,), findings=findings
        )
    old = run.attempts[1]
    run.attempts[1] = replace(old, findings=(panic((0, 0)),))
    run.attempts.append(replace(old, attempt=2, path=old.path.replace("/a1", "/a2"), findings=()))
    for scenario in SCENARIOS:
        crashed(run, cell("debian-sid", scenario, Arm.CANDIDATE, BAD, profile="uefi-2cpu"), 1300.0)
    refused(run, cell("debian-13", "content-update", Arm.CANDIDATE, REFUSED, profile="uefi-2cpu"), 1400.0)
    run.decision = GateDecision(ship=False, exit_code=1, sentence="Do not ship.", reasons=("3 cells failed",))
    return run


def large(cells: int = 2000) -> Run:
    """Fifty OS builds, ten scenarios, two profiles, both arms; every third candidate crashes."""
    run = empty()
    number = 0
    while len(run.cells) < cells:
        image, rest = f"os-build-{number // 40:03d}", number % 40
        scenario = f"scenario-{rest // 4}"
        profile = ("bios-1cpu", "uefi-2cpu")[rest % 4 // 2]
        arm = (Arm.BASELINE, Arm.CANDIDATE)[rest % 2]
        version = RELEASED if arm is Arm.BASELINE else BAD
        act = crashed if arm is Arm.CANDIDATE and number % 3 == 0 else passed
        act(run, cell(image, scenario, arm, version, profile=profile), number / 8 * 64.0)
        number += 1
    run.files.clear()
    run.decision = GateDecision(ship=False, exit_code=1, sentence="Do not ship: 333 cells failed.")
    return run
