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
    parent.mkdir(parents=True, exist_ok=True)
    remove_stale(parent)
    check_room(parent, need_mib, name)
    directory = parent / f"{name}.{uuid.uuid4().hex[:8]}"
    directory.mkdir()
    try:
        with (directory / ALIVE).open("w") as alive:
            fcntl.flock(alive, fcntl.LOCK_SH)
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


def remove_stale(parent: Path) -> tuple[str, ...]:
    """Remove the scratch directories that nobody works in: their builders were killed. Returns their names."""
    removed = []
    for directory in sorted(parent.iterdir()):
        try:
            with (directory / ALIVE).open("w") as alive:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, NotADirectoryError):
            continue
        except FileNotFoundError:
            # Between mkdir and the lock, or half removed: only an old one is surely nobody's.
            if not _old(directory):
                continue
        remove_tree(directory)
        removed.append(directory.name)
    return tuple(removed)


def _old(directory: Path) -> bool:
    import time

    with contextlib.suppress(FileNotFoundError):
        return time.time() - directory.stat().st_mtime > 60
    return False


def check_room(directory: Path, need_mib: int, name: str) -> None:
    """:raise BuildError: the file system of `directory` has less than `need_mib` free."""
    if free_mib(directory) < need_mib:
        raise _full(directory, need_mib, name)


def free_mib(directory: Path) -> int:
    """MiB that a user may still write on the file system of `directory`."""
    return shutil.disk_usage(directory).free // MIB


def _full(directory: Path, need_mib: int, name: str) -> BuildError:
    return BuildError(
        f"{name}: not enough room in {str(directory)!r}: {free_mib(directory)} MiB free (the build needs {need_mib} MiB)",
        hint="make room there, or set LAB_HOME (or places.cache in lab.yaml) to a larger disk",
    )


def remove_tree(directory: Path) -> None:
    """Remove a directory, also what a user namespace of ours left there under other user ids."""
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists() and os.geteuid() != 0:
        command = ["unshare", "--map-auto", "--map-root-user", "rm", "-rf", str(directory)]
        subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)


def publish(draft: Path, target: Path) -> None:
    """Move a finished directory to its place in one step; an older one there is replaced.

    Readers that hold files of the older one open keep them.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    (draft / ALIVE).unlink(missing_ok=True)
    for path in draft.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o444)
    old = draft.with_name(f"{draft.name}.old")
    if target.exists():
        target.rename(old)
    draft.rename(target)
    remove_tree(old)
