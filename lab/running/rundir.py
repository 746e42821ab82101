"""The directory of one run: the state of record. A killed orchestrator loses nothing that is in it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from lab import codec
from lab.errors import ArtefactError, InfraError, InputError
from lab.model import AttemptRecord, Cell, CellId, GatePolicy, Omitted, Plan, TestPlan
from lab.recording.layout import Layout
from lab.running.records import record, records
from lab.verdict.gate import NOT_RUN

Noun = TypeVar("Noun")

WHOLE = "planned.json"
"""The plan before anything was left out of it."""
STOP_FILE = "stop"
"""Its presence asks every cell of the run, on whichever host, to end."""


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Paths and contents of `reports/<run-id>/`."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @classmethod
    def create(cls, reports: Path) -> RunDirectory:
        """A new directory with a readable id: date, time, four random characters.

        :raise InfraError: it cannot be made.
        """
        stamp = datetime.now(tz=UTC).strftime("%Y%m%d-%H%M%S")
        path = reports / f"{stamp}-{secrets.token_hex(2)}"
        try:
            path.mkdir(parents=True)
            _point_latest(reports, path)
        except OSError as error:
            raise InfraError(
                f"run directory {str(path)!r} cannot be made: {(error.strerror or str(error)).lower()}",
                hint="reports: in lab.yaml says where runs are kept; it must take files and links",
            ) from error
        return cls(path)

    @classmethod
    def open(cls, reports: Path, name: str) -> RunDirectory:
        """An existing run by id, unique start of an id, path, or `latest`.

        :raise InputError: there is none, or several.
        """
        direct = Path(name)
        if (direct / "run.json").is_file():
            return cls(direct.resolve())
        if (reports / name / "run.json").is_file():
            return cls((reports / name).resolve())
        found = sorted(path.parent for path in reports.glob(f"{name}*/run.json"))
        if len(found) == 1:
            return cls(found[0])
        known = sorted(path.parent.name for path in reports.glob("*/run.json"))
        if found:
            raise InputError(f"run {name!r} fits {len(found)} runs", hint="say more of its id: " + ", ".join(
                path.name for path in found[-3:]))  # fmt: skip
        recent = ", ".join(known[-3:]) or "none yet"
        raise InputError(f"run {name!r} is not in {reports}", hint=f"the newest are: {recent}")

    # -- contents ------------------------------------------------------------

    def write_run(self, facts: Mapping[str, Any]) -> None:
        codec.replace_text(self.path / "run.json", json.dumps(facts, indent=1, default=str) + "\n")

    def run_facts(self) -> dict[str, Any]:
        try:
            facts: dict[str, Any] = json.loads((self.path / "run.json").read_text())
        except (OSError, ValueError) as error:
            raise ArtefactError(f"{self.path / 'run.json'}: cannot be read: {error}") from error
        if not isinstance(facts, dict):
            raise ArtefactError(f"{self.path / 'run.json'}: a {type(facts).__name__} (wanted an object)")
        return facts

    def write_plan(self, plan: Plan) -> None:
        codec.replace_text(self.path / "plan.json", codec.to_text(plan) + "\n")

    def plan(self) -> Plan:
        return codec.read(Plan, self.path / "plan.json")

    def policy(self) -> GatePolicy:
        """The gate policy the run was started with."""
        return self._told(GatePolicy, "gate")

    def comparing(self) -> TestPlan:
        """How the run was to be compared; the defaults for a run that did not say."""
        return self._told(TestPlan, "compare", {})

    def _told(self, kind: type[Noun], key: str, default: object = None) -> Noun:
        """:raise ArtefactError: run.json does not have it, or not of that shape."""
        try:
            return codec.from_dict(kind, self.run_facts().get(key, default))
        except ValidationError as error:
            raise ArtefactError(
                f"{self.path / 'run.json'}: {key}: not a {kind.__name__}",
                hint="lab gate applies the policy of lab.yaml instead of the run's own",
            ) from error

    def recording(self, cell: CellId, attempt: int = 1) -> Path:
        return self.path / "cells" / cell / f"a{attempt}"

    def recordings(self, cell: CellId) -> list[Path]:
        """Attempts of a cell that began, in order."""
        directory = self.path / "cells" / cell
        numbered = [path for path in directory.glob("a*") if path.name[1:].isdigit()]
        return sorted(numbered, key=lambda path: int(path.name[1:]))

    def attempts(self, plan: Plan) -> list[AttemptRecord]:
        """Every attempt, detected afresh from disk: what `lab judge` judges."""
        return records([(self.path, cell, path) for cell in plan.cells for path in self.recordings(cell.id)])

    def attempt(self, cell: Cell, recording: Path) -> AttemptRecord:
        """One attempt; a recording that cannot be read at all is an incomplete one."""
        return record(self.path, cell, recording)

    def resumable(self) -> Plan:
        """The plan with the cells that did not run: what a stopped run has still to do."""
        now, first = self.plan(), self.path / WHOLE
        if not first.is_file():
            return now
        whole = {cell.id: cell for cell in codec.read(Plan, first).cells}
        due = {item.id for item in now.omitted if item.kind == NOT_RUN and item.id in whole}
        due |= {cell.id for cell in now.cells}
        return replace(
            now,
            cells=tuple(cell for cell in whole.values() if cell.id in due),
            omitted=tuple(item for item in now.omitted if item.id not in due),
        )

    def leave_out(self, plan: Plan, omitted: Sequence[Omitted]) -> Plan:
        """The plan with cells that will not run after all moved to what was left out.

        One that has been recorded stays: what its guest did is judged, whatever became of the lab.
        """
        omitted = [item for item in omitted if not self._recorded(item.id)]
        if not (self.path / WHOLE).exists():
            codec.replace_text(self.path / WHOLE, codec.to_text(plan) + "\n")
        gone = {item.id for item in omitted}
        kept = tuple(cell for cell in plan.cells if cell.id not in gone)
        changed = replace(plan, cells=kept, omitted=(*plan.omitted, *omitted))
        self.write_plan(changed)
        return changed

    def _recorded(self, cell: CellId) -> bool:
        return any(Layout(path).events.exists() for path in self.recordings(cell))

    def ask_to_stop(self) -> None:
        (self.path / STOP_FILE).touch()

    def forget_stop(self) -> None:
        (self.path / STOP_FILE).unlink(missing_ok=True)


def stop_file(recording: Path) -> Path | None:
    """What asks the cell of this recording to end; a repeat belongs to no run and has none."""
    cells = recording.parents[1]
    return cells.parent / STOP_FILE if cells.name == "cells" else None


def _point_latest(reports: Path, path: Path) -> None:
    """`reports/latest` leads to the newest run."""
    link = reports / "latest"
    scratch = reports / f".latest-{path.name}"
    scratch.symlink_to(path.name)
    scratch.replace(link)
