"""A place to build in: a scratch directory that is either turned into the result at once or removed.

Holds the locks that make builds parallel-safe (the second builder of a thing waits for the first and says
so) and cleans up after builders that were killed. Knows nothing of what is built.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lab.errors import BuildError
from lab.images.bootstrap import ALIVE
from lab.images.progress import Progress

MIB = 1024 * 1024


@contextlib.contextmanager
def turn(lock: Path, progress: Progress) -> Iterator[None]:
    """Be the only builder of a thing; tells when another one is at it and waits for its end."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.stage("another process is building it, waiting")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def scratch(parent: Path, name: str, *, need_mib: int) -> Iterator[Path]:
    """A directory for one build, on the file system of its result; removed on every way out.

    :param need_mib: room the build takes at its peak.
    :raise BuildError: there is less room than that, before or because of the build.
    """
    check_room(parent, need_mib, name)
    directory, alive = _open(parent, name)
    try:
        with alive:
            yield directory
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(parent, need_mib, name) from error
        raise
    except BuildError as error:
        if "the disk is full" in error.message:
            raise _full(parent, need_mib, name) from error
        raise
    finally:
        remove_tree(directory)


def _open(parent: Path, name: str) -> tuple[Path, IO[str]]:
    """A new scratch directory and the lock that says it is in use; stale ones are removed on the way.

    Under one lock for all, or a directory could be taken for stale between its making and its locking.
    """
    parent.mkdir(parents=True, exist_ok=True)
    with (parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in _left(parent):
            remove_tree(left)
        directory = parent / f"{name}.{uuid.uuid4().hex[:8]}"
        directory.mkdir()
        alive = (directory / ALIVE).open("w")
        fcntl.flock(alive, fcntl.LOCK_SH)
    return directory, alive


def remove_stale(parent: Path) -> tuple[str, ...]:
    """Remove the scratch directories that nobody works in: their builders were killed.

    :return: the names of what was removed.
    """
    left = stale(parent)
    for directory in left:
        remove_tree(directory)
    return tuple(directory.name for directory in left)


def stale(parent: Path) -> list[Path]:
    """The scratch directories that nobody works in, now or soon."""
    if not parent.is_dir():
        return []
    with (parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _left(parent)


def _left(parent: Path) -> list[Path]:
    """Under the lock: a directory that nobody has locked is nobody's."""
    return [path for path in sorted(parent.iterdir()) if path.is_dir() and not _in_use(path)]


def _in_use(directory: Path) -> bool:
    try:
        with (directory / ALIVE).open("r+") as alive:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def check_room(directory: Path, need_mib: int, name: str) -> None:
    """:raise BuildError: the file system of `directory` has less than `need_mib` free."""
    directory.mkdir(parents=True, exist_ok=True)
    if free_mib(directory) < need_mib:
        raise _full(directory, need_mib, name)


def free_mib(directory: Path) -> int:
    """MiB that a user may still write on the file system of `directory`."""
    return shutil.disk_usage(directory).free // MIB


def _full(directory: Path, need_mib: int, name: str) -> BuildError:
    return BuildError(
        f"{name}: not enough room in {str(directory)!r}: "
        f"{free_mib(directory)} MiB free (the build needs {need_mib} MiB)",
        hint="make room there, or set LAB_HOME (or places.cache in lab.yaml) to a larger disk",
    )


def remove_tree(directory: Path) -> None:
    """Remove a directory, also what a user namespace of ours left there under other user ids.

    Whatever is mounted below it is unmounted first and never entered.
    """
    if any(_stuck(point) for point in mounts_below(directory)):
        return
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists() and os.geteuid() != 0:
        command = ["unshare", "--map-auto", "--map-root-user", "rm", "-rf", str(directory)]
        subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)


def mounts_below(directory: Path) -> list[str]:
    """Mount points below a directory, innermost first (proc(5): field 5 of mountinfo, octal escapes)."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    points = [line.split()[4].encode().decode("unicode_escape") for line in lines]
    return sorted((point for point in points if point.startswith(f"{directory}/")), reverse=True)


def _stuck(point: str) -> bool:
    """Unmount; whether that failed."""
    command = ["umount", "--lazy", point]
    subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    return os.path.ismount(point)


def publish(draft: Path, target: Path) -> None:
    """Move a finished directory to its place in one step; an older one there is replaced.

    Readers that hold files of the older one open keep them.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for path in draft.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o444)
    old = draft.with_name(f"{draft.name}.old")
    if target.exists():
        target.rename(old)
    draft.rename(target)
    remove_tree(old)
