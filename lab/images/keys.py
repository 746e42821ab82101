"""The lab's own SSH keys: the client key that opens every guest, and host keys injected into images.

Private keys never leave the state directory and the image they belong to; they are not logged.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass, field
from pathlib import Path

from lab import proc
from lab.errors import InfraError
from lab.images import tools
from lab.places import Places


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An ed25519 key: the file with the private half, and the public line."""

    private: Path
    public: str
    """`ssh-ed25519 AAAA... comment`, one line."""


@dataclass(frozen=True, slots=True)
class HostKey:
    """A guest's host key as it is injected; the private half is not printed."""

    private: str = field(repr=False)
    public: str


def ensure(places: Places) -> KeyPair:
    """The lab's client key in `places.state/keys`, made on first use; safe to call from many processes.

    :raise HostError: ssh-keygen is not installed.
    """
    directory = places.state / "keys"
    private = directory / "lab_ed25519"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not private.is_file() or not _public(private).is_file():
            _generate(private, "fleet-lab")
    return KeyPair(private, _public(private).read_text(encoding="ascii").strip())


def host_key(scratch: Path, comment: str) -> HostKey:
    """A fresh host key for one image; its files are made in `scratch` and removed again."""
    private = scratch / "host_key"
    _generate(private, comment)
    public = _public(private)
    try:
        return HostKey(private.read_text(encoding="ascii"), public.read_text(encoding="ascii").strip())
    finally:
        private.unlink()
        public.unlink()


def _public(private: Path) -> Path:
    return private.with_name(f"{private.name}.pub")


def _generate(private: Path, comment: str) -> None:
    """Make the pair beside its place and move it there, public half first: a kill leaves no half pair."""
    tools.require([tools.SSH_KEYGEN], "making an SSH key")
    draft = private.with_name(f".{private.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(draft)]
    done = proc.run(argv, timeout_s=60)
    if not done.ok:
        raise InfraError(
            f"ssh key {private.name!r}: ssh-keygen exited with {done.exit_code}: {done.error_text}"
        )
    _public(draft).replace(_public(private))
    draft.replace(private)
