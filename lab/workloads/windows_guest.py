"""Loads in a Windows guest: `windows/load.ps1` carried in and talked to, in Windows PowerShell 5.1.

Knows no workload. Awaiting a real host, as `on_windows` says.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import InputError
from lab.guest.windows.quoting import powershell
from lab.proc import Completed
from lab.workloads import rounds, sizing
from lab.workloads.inguest import HERE, GuestLike, text, values
from lab.workloads.means import Task
from lab.workloads.on_windows import HOME
from lab.workloads.rounds import Look
from lab.workloads.sizing import GuestSize

POWERSHELL = ("powershell.exe", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass")
SCRIPTS = ("load.ps1", "run.ps1", "ops.ps1")


class WindowsDriver:
    """Through `windows/load.ps1`, in Windows PowerShell 5.1, which is in every supported Windows.

    Awaiting a real host: what it sends and reads is tested, the scripts themselves have run in no guest yet.

    :param tools: the user's programs, `diskspd` and `package`, as given in lab.yaml.
    """

    def __init__(self, guest: GuestLike, *, tools: Mapping[str, Path] | None = None) -> None:
        self._guest = guest
        self._tools = dict(tools or {})
        self._prepared = False

    def prepare(self) -> None:
        """The scripts are on the disk: they outlive a restart."""
        if self._prepared:
            return
        for name, path in self._tools.items():
            if not path.is_file():
                raise InputError(f"tools.{name}: {path}: no such file", hint="mend `tools:` in lab.yaml")
        tools = powershell(f"{HOME}\\tools")
        make = f"New-Item -ItemType Directory -Force -Path {tools} | Out-Null"
        self._guest.run(make, check=True)
        for name in SCRIPTS:
            self._guest.put((HERE / "windows" / name).read_bytes(), f"{HOME}\\{name}")
        for name, path in self._tools.items():
            self._guest.put(path, f"{HOME}\\tools\\{name}{path.suffix.lower()}")
        self._prepared = True

    def survey(self, programs: Sequence[str]) -> tuple[GuestSize, list[str]]:
        return sizing.parse(self._ask("size", *programs, check=True).text)

    def start(self, load_id: str, task: Task, *, for_s: int, round_s: int) -> None:
        order = values(task, for_s=for_s, round_s=round_s, directory=f"{HOME}\\{load_id}\\files")
        self._ask("start", load_id, check=True, stdin=json.dumps(order).encode())

    def look(self, load_id: str, after: int) -> Look:
        return rounds.parse(text(self._ask("look", load_id, str(after))))

    def stop(self, load_id: str, after: int, patience_s: float) -> Look:
        words = ("stop", load_id, str(after), str(math.ceil(2 * patience_s)))
        return rounds.parse(text(self._ask(*words, timeout_s=4 * patience_s + 30)))

    def tidy(self, load_id: str) -> None:
        self._ask("tidy", load_id)

    def _ask(
        self, *words: str, check: bool = False, timeout_s: float | None = None, stdin: bytes = b""
    ) -> Completed:
        command = [*POWERSHELL, "-File", f"{HOME}\\load.ps1", *words]
        return self._guest.run(command, timeout_s, check, stdin=stdin)
