"""A lab of its own in a temporary directory, which shares only what is expensive with the user's lab.

State (leases, locks), run-time files and reports are its own; the image cache, the client key that
images hold, and the measured host facts are the user's, so that nothing is built or measured twice.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.images import catalogue
from lab.images.built import BuiltImage
from lab.images.store import ImageStore
from lab.machine import leftovers
from lab.machine.leases import Lease, LeaseBook, qemu_process
from lab.model import Observation
from lab.places import Places, places
from lab.recording.reader import read
from lab.running.rundir import RunDirectory
from lab.waiting import wait_for

ROOT = Path(__file__).resolve().parents[1]
SHARED_STATE = ("hosts", "keys", "libvirt-cache")

ANSWER_S = 60.0
"""For a command that boots nothing."""
RUN_S = 400.0
"""For a command that boots guests; the machine may be shared."""


def user_places() -> Places:
    """The user's directories; LAB_TEST_CACHE names another image cache."""
    found = places()
    cache = os.environ.get("LAB_TEST_CACHE")
    return Places(cache=Path(cache), state=found.state, runtime=found.runtime) if cache else found


def tiny() -> BuiltImage:
    """The tiny image, built when it is not there."""
    recipe = catalogue.read(ROOT / "images/tiny.yaml")
    return ImageStore(user_places()).build(recipe)


def settings(**changes: Any) -> dict[str, Any]:
    """A lab.yaml on the tiny image: candidate content 291 on build 1.0."""
    return {
        "version": 1,
        "agent": "demo-sensor",
        "installed": {"build": "1.0", "content": "289"},
        "arms": {
            "baseline": {"build": "1.0", "content": "290"},
            "candidate": {"build": "1.0", "content": "291"},
        },
        "matrix": {"images": ["tiny"], "profiles": ["small"], "scenarios": ["content-update"]},
        "profiles": {"small": {"vcpus": 1, "memory": "256MiB", "firmware": "bios"}},
        **changes,
    }


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit code {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


@dataclass
class TemporaryLab:
    """The directory, and the command line in it."""

    root: Path
    places: Places
    environ: dict[str, str] = field(default_factory=dict)

    # -- files ---------------------------------------------------------------

    def write(self, **changes: Any) -> Path:
        """lab.yaml as `settings`, with places of its own."""
        own = {"places": {name: str(getattr(self.places, name)) for name in ("cache", "state", "runtime")}}
        path = self.root / "lab.yaml"
        path.write_text(yaml.safe_dump(settings(**own, **changes), sort_keys=False))
        return path

    def add_image(self, name: str, recipe: Mapping[str, Any]) -> None:
        (self.root / "images" / f"{name}.yaml").write_text(yaml.safe_dump(dict(recipe), sort_keys=False))

    def add_scenarios(self, source: Path) -> None:
        """`misfortunes.py` -> scenarios/test_misfortunes.py."""
        shutil.copyfile(source, self.root / "scenarios" / f"test_{source.name}")

    # -- commands ------------------------------------------------------------

    def start(self, *words: str | Path, **options: Any) -> subprocess.Popen[str]:
        """`lab WORDS` in the lab's directory, in a session of its own."""
        return subprocess.Popen(
            self.argv(*words),
            cwd=self.root,
            env=self.environment(),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **options,
        )

    def argv(self, *words: str | Path) -> list[str]:
        return [sys.executable, "-c", "from lab.cli import main; main()", *map(str, words)]

    def environment(self) -> dict[str, str]:
        own = {key: value for key, value in os.environ.items() if key not in ("LAB_HOME", "LAB_CELL")}
        return {**own, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1", **self.environ}

    def __call__(self, *words: str | Path, timeout_s: float = ANSWER_S) -> Answer:
        """Run `lab WORDS` to its end."""
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=timeout_s)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        return Answer(process.returncode, out, err)

    # -- what is there -------------------------------------------------------

    @property
    def book(self) -> LeaseBook:
        return LeaseBook(self.places)

    def leases(self) -> list[Lease]:
        return list(self.book.all())

    def await_lease(
        self, fits: Callable[[Lease], bool] = lambda _lease: True, *, timeout_s: float = 90
    ) -> Lease:
        """The first machine that fits and whose QEMU runs."""

        def look() -> Lease | None:
            return next((one for one in self.leases() if fits(one) and qemu_process(one)), None)

        return wait_for(look, what="a running machine", timeout_s=timeout_s)

    def run_directory(self, name: str = "latest") -> RunDirectory:
        return RunDirectory.open(self.root / "reports", name)

    def report(self, name: str = "latest") -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.run_directory(name).path / "report.json").read_text())
        return loaded

    def recorded(self, cell: str, attempt: int = 1, name: str = "latest") -> Sequence[Observation]:
        directory = self.run_directory(name).path / "cells" / cell / f"a{attempt}"
        return read(directory).observations

    def left_behind(self) -> list[str]:
        """Everything of guests that is still there: processes, leases, overlays, sockets, roots."""
        left = [f"lease {lease.machine}" for lease in self.leases()]
        left += [f"QEMU of {lease.machine}" for lease in self.leases() if qemu_process(lease)]
        machines = self.places.state / "machines"
        left += [str(path) for path in machines.glob("*/*")] if machines.is_dir() else []
        left += [str(path) for path in self.places.runtime.glob("*/*")]
        return left + _processes_naming(str(self.places.runtime))


def _processes_naming(text: str) -> list[str]:
    """Processes with `text` on their command line: a QEMU's sockets are below the run-time directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().decode("utf-8", "replace")
            if text in words:
                found.append(f"process {path.parent.name}: {words[:80]}")
    return found


@contextlib.contextmanager
def temporary_lab() -> Iterator[TemporaryLab]:
    """A new lab with the tiny image's recipe, the demo sensor and the shipped scenarios.

    Ends every guest of its own when left.
    """
    user = user_places()
    with tempfile.TemporaryDirectory(prefix="lab-t") as name:
        root, state = Path(name), Path(name) / "state"
        state.mkdir()
        for shared in SHARED_STATE:
            (user.state / shared).mkdir(parents=True, exist_ok=True)
            (state / shared).symlink_to(user.state / shared)
        (root / "images").mkdir()
        shutil.copy(ROOT / "images/tiny.yaml", root / "images")
        shutil.copytree(ROOT / "scenarios", root / "scenarios", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "agents", root / "agents")
        own = TemporaryLab(root, Places(cache=user.cache, state=state, runtime=root / "run"))
        own.write()
        try:
            yield own
        finally:
            leftovers.collect(own.places, everything=True)
            _forget_images(user, root)


def _forget_images(user: Places, root: Path) -> None:
    """Take the lab's own `disk` images out of the shared cache: their disks go with the lab."""
    for disk in user.images.glob("*/*/disk.qcow2"):
        if disk.is_symlink() and root in disk.readlink().parents:
            shutil.rmtree(disk.parent)
            with contextlib.suppress(OSError):  # other builds of that name are still there
                disk.parent.parent.rmdir()
