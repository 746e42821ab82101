"""Room of one command: a temporary directory with a lab of its own, and everything that was started in it.

    TMP/lab-bench-XXXXXXXX/owner.json      whose it is
                           state/ run/     leases, sockets; hosts and keys are links to the user's
                           ...             whatever benches leave

Images, artefacts and templates are the user's cache, as in any run of the lab. What `kill -9` leaves is
ended by the next command: guests by their leases, other processes by the directory's random name on their
command line. Nothing else is touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from lab.machine import leftovers
from lab.places import Places, places

PREFIX = "lab-bench-"
KEPT = "kept-"
"""Before the name of a directory that was asked for: nothing removes it."""
OWNER = "owner.json"
SHARED_STATE = ("hosts", "keys", "libvirt-cache", "selftest")
"""Of the user's state: measured or made once."""
COPIED_STATE = ("digests.json",)
KILL_S = 10.0
NAMING_S = 60.0
SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """The directory, and the places of the lab in it."""

    root: Path
    places: Places

    def room(self, name: str) -> Path:
        """A new directory below it."""
        path = self.root / name
        path.mkdir(parents=True)
        return path


@contextmanager
def scratch(*, keep: bool = False) -> Iterator[Scratch]:
    """A new one; removed with all its processes when left.

    :param keep: leave its files, for whoever wants to know why a bench failed.
    """
    root = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        (root / OWNER).write_text(json.dumps(identity()))
        yield prepare(root)
    finally:
        if keep:
            end_all(root)
            root.rename(root.with_name(KEPT + root.name))
        else:
            remove(root)


def prepare(root: Path) -> Scratch:
    """The lab's directories below `root`; the user's where sharing saves making anew."""
    user, own = places(), open_places(root)
    own.state.mkdir(exist_ok=True)
    for name in SHARED_STATE:
        (user.state / name).mkdir(parents=True, exist_ok=True)
        (own.state / name).symlink_to(user.state / name)
    for name in COPIED_STATE:
        if (user.state / name).is_file():
            shutil.copyfile(user.state / name, own.state / name)
    own.check()
    return Scratch(root=root, places=own)


def open_places(root: Path) -> Places:
    """The places of a scratch directory that is there."""
    return Places(cache=places().cache, state=root / "state", runtime=root / "run")


def reap(temporary: Path | None = None) -> list[str]:
    """End and remove what killed commands left; the names of their directories."""
    where = temporary or Path(tempfile.gettempdir())
    gone = []
    for root in sorted(where.glob(f"{PREFIX}*")):
        if not alive(root):
            remove(root)
            gone.append(root.name)
    return gone


def alive(root: Path) -> bool:
    """Whether the command that made it runs, or may just be writing its name."""
    try:
        owner = json.loads((root / OWNER).read_text())
        return bool(identity(owner["pid"]) == owner)
    except (OSError, ValueError, KeyError, psutil.Error):
        unnamed = not (root / OWNER).exists()
        return unnamed and time.time() - root.stat().st_mtime < NAMING_S


def remove(root: Path) -> None:
    """End its guests and processes, then delete it."""
    end_all(root)
    shutil.rmtree(root, ignore_errors=True)


def end_all(root: Path) -> list[str]:
    """End its guests, by their leases, and its processes; the command lines of the latter."""
    with contextlib.suppress(OSError):
        leftovers.collect(open_places(root), everything=True)
    return end_processes(root)


def end_processes(root: Path) -> list[str]:
    """Kill every other process that names the directory on its command line; what they were."""
    ended = [one for one in psutil.process_iter(["pid", "cmdline"]) if _is_ours(one, str(root))]
    for process in ended:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(ended, timeout=KILL_S)
    return [" ".join(one.info["cmdline"])[:SHOWN] for one in ended]


def _is_ours(process: psutil.Process, root: str) -> bool:
    own = {os.getpid(), os.getppid()}
    return process.pid not in own and any(root in word for word in process.info["cmdline"] or ())


def identity(pid: int = 0) -> dict[str, float]:
    """A pid alone is not one: the kernel gives it away again."""
    process = psutil.Process(pid or None)
    return {"pid": process.pid, "started": process.create_time()}
