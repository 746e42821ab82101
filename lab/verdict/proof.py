"""What a pass rests on: what was read back from the guest, and which of it is missing.

Passing needs proof; the absence of a crash proves nothing. Refuses to know about findings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from lab.model import AgentVersion, AttemptRecord, Heartbeat, MachineEvent, Observation, Outcome, Proof, Step
from lab.verdict.faulting import injections

OPERATIONS = frozenset({"install", "update", "rollback", "uninstall"})
"""Agent steps after which the version must be read back again."""


CHANGES = OPERATIONS | {"reboot"}
SWITCHES = frozenset({"start", "stop", "feature"})
"""Agent steps after which its health must be checked again; they leave its version alone."""
BOOTS = {"started": "start of the guest", "reset": "reset of the guest", "restored": "restored state"}
"""What the hypervisor says of a guest that is not the one of before."""


class Ending(StrEnum):
    """How a scenario leaves the guest: the `ends_with` of its start step."""

    CANDIDATE = "candidate"
    """With the version of the cell's arm."""
    INSTALLED = "installed"
    """Rolled back to what was there before."""
    REMOVED = "removed"
    """Without the agent."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A proof that is not there; `sentence` is for a person."""

    outcome: Outcome
    """INCONCLUSIVE or NOT_EXERCISED."""
    sentence: str


@dataclass(frozen=True, slots=True)
class _Exercise:
    """One proof that something was exercised, and the version that was on the guest then."""

    version: AgentVersion | None
    before: float
    after: float
    feature: str = ""
    """The switch whose counter it is; "" for the agent's own."""

    @property
    def moved(self) -> bool:
        return self.after > self.before


def missing(record: AttemptRecord) -> list[Missing]:
    """Every proof that a pass of this attempt lacks; empty means proven."""
    proofs = [item for item in record.observations if isinstance(item, Proof)]
    lacks = [
        _final_state(record, proofs),
        _exercised(record),
        *_features(record),
        *_heartbeats(record),
        *_faults(record),
    ]
    return [lack for lack in lacks if lack is not None]


def ending(record: AttemptRecord) -> Ending:
    """What the scenario said of itself; CANDIDATE when it said nothing, or nothing that is known."""
    start = next((step for step in _steps(record.observations) if step.phase == "start"), None)
    said = start.detail.get("ends_with") if start else None
    return next((end for end in Ending if end.value == said), Ending.CANDIDATE)


def scenario_end(record: AttemptRecord) -> Step | None:
    """The last word of the scenario, if it had one."""
    return next((step for step in reversed(_steps(record.observations)) if step.phase == "end"), None)


def _steps(observations: Sequence[Observation]) -> list[Step]:
    return [item for item in observations if isinstance(item, Step) and item.name == "scenario"]


def _final_state(record: AttemptRecord, proofs: Sequence[Proof]) -> Missing | None:
    """The state the scenario promised to leave the guest in, read back last."""
    end, seen = ending(record), record.observations
    if end is Ending.REMOVED:
        again = OPERATIONS - {"uninstall"}
        return _removed(proofs) or _stale("removed", seen, again, "the agent's removal was proven", boots={})
    wanted = record.cell.version if end is Ending.CANDIDATE else record.cell.installed
    return (
        _version(proofs, wanted)
        or _healthy(proofs)
        or _stale("version", seen, CHANGES, "build and content were read back")
        or _stale("healthy", seen, CHANGES | SWITCHES, "the agent's health was checked")
    )


def _stale(
    what: str,
    seen: Sequence[Observation],
    changes: frozenset[str],
    done: str,
    *,
    boots: Mapping[str, str] = BOOTS,
) -> Missing | None:
    """A proof is of the guest as it was then: whatever changed it afterwards needs another one."""
    change = ""
    for item in seen:
        match item:
            case Proof() if item.what == what:
                change = ""
            case Step(phase="start") if item.name in changes:
                change = item.name
            case MachineEvent() if item.name in boots:
                change = boots[item.name]
            case Step(name="scenario", phase="end"):
                break
            case _:
                pass
    if not change:
        return None
    return Missing(Outcome.INCONCLUSIVE, f"{done} before the last {change}, and not again after it")


def _removed(proofs: Sequence[Proof]) -> Missing | None:
    removed = _last(proofs, "removed")
    if removed is None:
        return Missing(Outcome.INCONCLUSIVE, "no proof that the agent was removed")
    left = removed.values.get("leftovers")
    if left is None or left:
        return Missing(Outcome.INCONCLUSIVE, f"the removal left something behind: {left}")
    return None


def _version(proofs: Sequence[Proof], wanted: AgentVersion) -> Missing | None:
    proof = _last(proofs, "version")
    if proof is None:
        return Missing(Outcome.INCONCLUSIVE, "build and content were never read back from the guest")
    found = _told(proof)
    if found != wanted:
        return Missing(Outcome.INCONCLUSIVE, f"the guest ended with {found or 'no agent'} (wanted {wanted})")
    return None


def _healthy(proofs: Sequence[Proof]) -> Missing | None:
    proof = _last(proofs, "healthy")
    if proof is None:
        return Missing(Outcome.INCONCLUSIVE, "the agent's health was never checked")
    if proof.values.get("ok") is not True:
        return Missing(Outcome.INCONCLUSIVE, "the last health check did not pass")
    return None


def _exercised(record: AttemptRecord) -> Missing | None:
    """Whether the counter moved when the arm's version was last exercised: once is not for ever."""
    tries = [item for item in _exercises(record.observations) if item.version == record.cell.version]
    own = [item for item in tries if not item.feature]
    if own and own[-1].moved:
        return None
    sentence = f"no proof that {record.cell.version} was exercised"
    if own:
        sentence += f": the counter stayed at {own[-1].after:g}"
    if any(item.moved for item in own):
        sentence += ", though it had moved before"
    return Missing(Outcome.NOT_EXERCISED, sentence)


def _features(record: AttemptRecord) -> list[Missing]:
    """Switches that the scenario put on, whose own counter was not seen to move while they were on."""
    wanted: dict[str, bool] = {}
    for item in record.observations:
        match item:
            case Step(name="feature", phase="end") if item.detail.get("proof_wanted"):
                if item.detail.get("state") == "on":
                    wanted[str(item.detail.get("name"))] = False
            case Proof(what="exercised") if item.values.get("feature") in wanted:
                name, moved = str(item.values["feature"]), _moved(item)
                wanted[name] = wanted[name] or moved
            case _:
                pass
    return [
        Missing(Outcome.NOT_EXERCISED, f"no proof that the feature {name} was exercised while it was on")
        for name, moved in wanted.items()
        if not moved
    ]


def _exercises(observations: Sequence[Observation]) -> list[_Exercise]:
    version: AgentVersion | None = None
    found = []
    for item in observations:
        match item:
            case Step(phase="start") if item.name in OPERATIONS:
                version = None
            case MachineEvent(name="restored"):
                version = None
            case Proof(what="version"):
                version = _told(item)
            case Proof(what="exercised"):
                before, after = _number(item, "before"), _number(item, "after")
                if before is not None and after is not None:
                    feature = str(item.values.get("feature", ""))
                    found.append(_Exercise(version, before, after, feature))
            case _:
                pass
    return found


def _moved(proof: Proof) -> bool:
    before, after = _number(proof, "before"), _number(proof, "after")
    return before is not None and after is not None and after > before


def _faults(record: AttemptRecord) -> list[Missing]:
    """Faults that happened to nobody, or never ended."""
    told = [fault.lacks for fault in injections(record.observations)]
    return [Missing(Outcome.INCONCLUSIVE, words) for words in told if words]


def _heartbeats(record: AttemptRecord) -> list[Missing]:
    """Whether the guest was seen alive from its first answer to the scenario's end."""
    end = scenario_end(record)
    beats = [item.t_s for item in record.observations if isinstance(item, Heartbeat) and item.ok]
    if not beats:
        return [Missing(Outcome.INCONCLUSIVE, "no heartbeat was ever answered")]
    until = end.t_s if end else beats[-1]
    limit = _limit(record)
    times = sorted([*(t for t in beats if t <= until), until, *_excuses(record, until)])
    times = [t for t in times if t >= beats[0]]
    gaps = [(late - early, early) for early, late in pairwise(times) if late - early > limit]
    if not gaps:
        return []
    length, at = max(gaps)
    return [
        Missing(
            Outcome.INCONCLUSIVE, f"no heartbeat for {length:.0f} s after {at:.1f} s (limit {limit:.0f} s)"
        )
    ]


def _limit(record: AttemptRecord) -> float:
    """The silence that the attempt's own detectors called a lost heartbeat."""
    settings = record.facts.get("detect")
    told = settings.get("heartbeat_s") if isinstance(settings, dict) else None
    return float(told) if isinstance(told, int | float) else record.cell.timeouts.heartbeat_s


def _excuses(record: AttemptRecord, until: float) -> list[float]:
    """Every second of a declared reboot, shutdown or silence counts as seen."""
    begun: float | None = None
    spans: list[tuple[float, float]] = []
    for item in record.observations:
        what, begin = getattr(item, "what", ""), getattr(item, "begin", None)
        if begin is None or what not in ("reboot", "shutdown", "silence"):
            continue
        if begin:
            begun = item.t_s if begun is None else begun
        elif begun is not None:
            spans.append((begun, item.t_s))
            begun = None
    if begun is not None:
        spans.append((begun, until))
    return [start + second for start, stop in spans for second in range(int(max(0.0, stop - start)) + 1)] + [
        stop for _, stop in spans if stop <= until
    ]


def _last(proofs: Sequence[Proof], what: str) -> Proof | None:
    return next((proof for proof in reversed(proofs) if proof.what == what), None)


def _told(proof: Proof) -> AgentVersion | None:
    build, content = proof.values.get("build"), proof.values.get("content")
    if build is None or content is None:
        return None
    return AgentVersion(build=str(build), content=str(content))


def _number(proof: Proof, name: str) -> float | None:
    """Counters are numbers, or text that the agent printed."""
    try:
        return float(proof.values.get(name))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
