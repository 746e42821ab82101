"""The nouns of the lab: values only, no input or output.

Everything here is frozen and imports nothing else of the lab, so that `detect` and `verdict`,
which may import only this, stay pure. Times named `t_s` are monotonic seconds since the attempt
started; wall times are UTC ISO 8601 text. Always imported from here: `from lab.model import Cell`.
"""

from __future__ import annotations

from lab.model.found import Diagnosis, Finding, FindingKind, Missed, Sighted, Signature
from lab.model.judged import AttemptRecord, Blame, CellVerdict, GateDecision, GatePolicy, KnownIssue, Outcome
from lab.model.planned import (
    AgentVersion,
    Arm,
    Bill,
    BootPath,
    Cell,
    CellId,
    DetectSettings,
    Family,
    Firmware,
    ImageInfo,
    Level,
    Omitted,
    Plan,
    Profile,
    ScenarioInfo,
    Timeouts,
)
from lab.model.recorded import (
    Capture,
    CommandRun,
    EvidenceRef,
    Expectation,
    Frame,
    Heartbeat,
    MachineEvent,
    MachineSample,
    Observation,
    Proof,
    SerialChunk,
    Step,
    VcpuSample,
)
from lab.model.seen import Screen, ScreenKind, ScreenVerdict

__all__ = [
    "AgentVersion",
    "Arm",
    "AttemptRecord",
    "Bill",
    "Blame",
    "BootPath",
    "Capture",
    "Cell",
    "CellId",
    "CellVerdict",
    "CommandRun",
    "DetectSettings",
    "Diagnosis",
    "EvidenceRef",
    "Expectation",
    "Family",
    "Finding",
    "FindingKind",
    "Firmware",
    "Frame",
    "GateDecision",
    "GatePolicy",
    "Heartbeat",
    "ImageInfo",
    "KnownIssue",
    "Level",
    "MachineEvent",
    "MachineSample",
    "Missed",
    "Observation",
    "Omitted",
    "Outcome",
    "Plan",
    "Profile",
    "Proof",
    "ScenarioInfo",
    "Screen",
    "ScreenKind",
    "ScreenVerdict",
    "SerialChunk",
    "Sighted",
    "Signature",
    "Step",
    "Timeouts",
    "VcpuSample",
]
