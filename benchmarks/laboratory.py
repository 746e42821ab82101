"""A lab in the scratch directory, used over its command line as a user does; and what its runs recorded.

Owns its lab.yaml and the reading of when each cell did what. Refuses to look into the lab's processes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from benchmarks.core.scratch import open_places
from benchmarks.core.settings import ROOT, Settings
from lab.clock import Stopwatch
from lab.errors import InfraError
from lab.model import CommandRun, MachineEvent, Observation, Profile, Step
from lab.places import Places
from lab.recording.reader import read
from lab.running.rundir import RunDirectory

JUDGED = (0, 1, 4)
"""Exit codes of a run with a report, whatever the verdict; cells without an update prove nothing: 4."""
GRACE_S = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Laboratory:
    """The directory of one lab.yaml."""

    root: Path
    places: Places

    @classmethod
    def make(cls, settings: Settings, name: str) -> Laboratory:
        """With the checkout's images, agents and scenarios, and the benches' own scenarios."""
        root = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=settings.root))
        skip = shutil.ignore_patterns("__pycache__")
        for part in ("images", "agents", "scenarios"):
            shutil.copytree(ROOT / part, root / part, ignore=skip)
        for path in sorted((ROOT / "benchmarks/scenarios").glob("test_*.py")):
            shutil.copy(path, root / "scenarios")
        return cls(root=root, places=open_places(Path(settings.root)))

    def write(self, settings: Mapping[str, Any]) -> None:
        """lab.yaml, with the places of the scratch directory."""
        own = {name: str(getattr(self.places, name)) for name in ("cache", "state", "runtime")}
        text = yaml.safe_dump({**settings, "places": own}, sort_keys=False)
        (self.root / "lab.yaml").write_text(text, encoding="utf-8")

    def start(self, *words: str, output: Path | None = None) -> subprocess.Popen[bytes]:
        """`lab WORDS` as a process; the caller ends it."""
        with (output or self.root / "output.log").open("wb") as sink:
            return subprocess.Popen(
                [sys.executable, "-c", "from lab.cli import main; main()", *words],
                cwd=self.root,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )

    def environment(self) -> dict[str, str]:
        """The user's without what leads to the user's own lab; the scratch directory for temporary files."""
        own = {key: value for key, value in os.environ.items() if key not in ("LAB_HOME", "LAB_CELL")}
        return {**own, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200", "TMPDIR": str(self.root)}

    def __call__(self, *words: str, most_s: float) -> tuple[int, float]:
        """Run `lab WORDS` to its end: exit code and seconds.

        :raise InfraError: it did not end, or with an exit code that says the lab failed.
        """
        watch = Stopwatch()
        process = self.start(*words)
        try:
            code = process.wait(most_s)
        except BaseException as error:
            end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise InfraError(f"lab {words[0]} did not end in {most_s:.0f} s") from error
            raise
        if code not in JUDGED:
            raise InfraError(f"lab {' '.join(words)} exited with {code}: {self.said()}")
        return code, watch.t_s

    def said(self) -> str:
        """The last line of the last command."""
        lines = (self.root / "output.log").read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "no output")

    def latest(self) -> RunDirectory:
        return RunDirectory.open(self.root / "reports", "latest")

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.latest().path / "report.json").read_text())
        return found


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a run to end as Ctrl-C does, and kill it when it does not."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def one_image(image: str, profile: Profile, scenarios: list[str], **more: Any) -> dict[str, Any]:
    """A lab.yaml on one image with both arms of the demo sensor, one guest at a time."""
    hardware = {
        "vcpus": profile.vcpus,
        "memory": f"{profile.memory_mib}MiB",
        "firmware": str(profile.firmware),
    }
    return {
        "version": 1,
        "agent": "demo-sensor",
        "installed": {"build": "1.0", "content": "289"},
        "arms": {
            "baseline": {"build": "1.0", "content": "290"},
            "candidate": {"build": "1.1", "content": "292"},
        },
        "matrix": {
            "images": [image],
            "profiles": [profile.name],
            "scenarios": scenarios,
            **more.pop("matrix", {}),
        },
        "profiles": {profile.name: hardware},
        "hosts": [{"name": "here", "uri": "embed", "slots": 1}],
        **more,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTimes:
    """When one attempt did what, in seconds since the epoch."""

    cell: str
    clone: bool
    outcome: str
    """Of the scenario."""
    detail: str
    opened: float
    """Its recording began: the cell's process is up."""
    marks: dict[str, float] = field(default_factory=dict)
    """`started`, `woken`, `true`, `ended`, `closed`: those that the recording has."""

    def between(self, first: str, last: str) -> float | None:
        """Seconds from one mark to another."""
        found = {"opened": self.opened, **self.marks}
        return found[last] - found[first] if first in found and last in found else None


def times(run: RunDirectory) -> list[CellTimes]:
    """Every first attempt of a run that was closed, in the order of their ends."""
    found = (_times(path) for path in sorted(run.path.glob("cells/*/a1")) if (path / "closed.json").exists())
    return sorted(found, key=lambda one: one.marks["closed"])


def completed(run: RunDirectory) -> list[CellTimes]:
    """The same, of a run in which nothing was to go wrong.

    :raise InfraError: an attempt was not completed, or a cell needed a second one.
    """
    again = sorted(run.path.glob("cells/*/a2"))
    found = times(run)
    failed = [one for one in found if one.outcome != "completed"]
    if again or failed or not found:
        what = again[0].parent.name if again else failed[0].cell if failed else "no cell"
        why = failed[0].detail if failed else "the lab tried again"
        raise InfraError(f"run {run.id}: {what} was not completed at once: {why}")
    return found


def _times(recording: Path) -> CellTimes:
    recorded = read(recording)
    began = next(
        (one for one in recorded.observations if isinstance(one, Step) and one.name == "attempt"), None
    )
    if began is None:
        raise InfraError(f"{recording}: the recording does not say when it began")
    origin = datetime.fromisoformat(str(began.detail["wall"])).timestamp() - began.t_s
    closed = json.loads((recording / "closed.json").read_text())
    marks = {"closed": origin + closed["t_s"]}
    for one in recorded.observations:
        name = _mark(one)
        if name and name not in marks:
            marks[name] = origin + one.t_s
    return CellTimes(
        cell=recording.parent.name,
        clone=bool(recorded.facts.get("clone")),
        outcome=str(closed["scenario"]),
        detail=str(closed["detail"]),
        opened=origin + began.t_s,
        marks=marks,
    )


def _mark(one: Observation) -> str:
    match one:
        case MachineEvent(name="started"):
            return "started"
        case Step(name="woken"):
            return "woken"
        case CommandRun(command="true"):
            return "true"
        case Step(name="scenario", phase="end"):
            return "ended"
    return ""
