"""Where the lab keeps things outside the checkout: cache, state and run-time files.

XDG base directories by default; one variable, `LAB_HOME`, moves them all (then `cache`, `state`
and `run` are below it); `places:` in lab.yaml moves each. UNIX socket paths end at 107 bytes
(sun_path), so the run-time directory must be short: `Places.check()` refuses a long one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.errors import InputError

LONGEST_RUNTIME = 50
"""Bytes; what libvirt and QEMU append below it takes up to 57 more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The three directories, created on first use by whoever writes to them."""

    cache: Path
    """Images, templates, built artefacts: expensive, safe to delete."""
    state: Path
    """Host facts, locks, leases, keys, and the overlays of running guests."""
    runtime: Path
    """Sockets and libvirt roots of running guests; private to the user (0700)."""

    @property
    def images(self) -> Path:
        return self.cache / "images"

    @property
    def artefacts(self) -> Path:
        return self.cache / "artefacts"

    def check(self) -> None:
        """:raise InputError: the run-time directory is too long for UNIX sockets below it."""
        if len(os.fsencode(self.runtime)) > LONGEST_RUNTIME:
            raise InputError(
                f"run-time directory {str(self.runtime)!r} is too long "
                f"(at most {LONGEST_RUNTIME} bytes, since UNIX socket paths end at 107)",
                hint="set LAB_HOME or places.runtime to something shorter",
            )


def places(
    environ: Mapping[str, str] | None = None,
    *,
    cache: Path | None = None,
    state: Path | None = None,
    runtime: Path | None = None,
) -> Places:
    """The directories: the arguments (from lab.yaml) win over XDG, LAB_HOME wins over both."""
    env = os.environ if environ is None else environ
    if env.get("LAB_HOME"):
        home = Path(env["LAB_HOME"]).expanduser().absolute()
        return Places(cache=home / "cache", state=home / "state", runtime=home / "run")
    user = Path(env.get("HOME") or Path.home())
    return Places(
        cache=cache or Path(env.get("XDG_CACHE_HOME") or user / ".cache") / "fleet-lab",
        state=state or Path(env.get("XDG_STATE_HOME") or user / ".local/state") / "fleet-lab",
        runtime=runtime or _runtime(env),
    )


def _runtime(env: Mapping[str, str]) -> Path:
    given = env.get("XDG_RUNTIME_DIR")
    if given and Path(given).is_dir():
        return Path(given) / "fleet-lab"
    return Path(tempfile.gettempdir()) / f"fleet-lab-{os.getuid()}"
