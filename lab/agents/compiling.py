"""Builds of an agent compiled for one kernel, kept by digest of everything that goes into them.

One directory per digest below `cache/artefacts/AGENT/`, made under a lock and published by rename,
so that any number of runs compile once. A cached file that changed is compiled again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lab import codec, log
from lab.agents.manifest import CompileSpec
from lab.agents.placeholders import fill
from lab.errors import ArtefactError, BuildError
from lab.images.digest import Remembered

MADE = "made.json"
_log = log.get("lab.agents")


class BuildIn(Protocol):
    """`lab.images.sdk.build_in`: runs a command on a copy of the sources inside an SDK."""

    def __call__(
        self,
        sdk_tarball: Path,
        source_dir: Path,
        command: Sequence[str],
        outputs: Sequence[str],
        *,
        timeout_s: float,
    ) -> Mapping[str, bytes]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """made.json: what a directory of compiled files holds, written with them."""

    key: str
    files: dict[str, str] = field(default_factory=dict)
    """File name -> sha256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """Where builds of one agent are compiled and kept."""

    home: Path
    agent: str
    build_in: BuildIn

    def outputs(self, spec: CompileSpec, *, build: str, kernel_release: str, sdk: Path) -> dict[str, Path]:
        """The compiled files by their path in `spec.outputs`, from the cache or freshly made.

        :raise ArtefactError: the sources are missing.
        :raise BuildError: compiling failed; `log` has what it printed.
        """
        if not spec.source.is_dir():
            raise ArtefactError(f"agent {self.agent!r}: {spec.source}: no such folder (compile.source)")
        command = fill(spec.command, {"build": build, "kernel_release": kernel_release})
        names = [one.path for one in spec.outputs]
        sdk_digest = Remembered(self.home / ".sdk-digests.json").of_file(sdk)
        key = _key(tree_digest(spec.source), command, names, kernel_release, sdk_digest)
        place = self.home / f"{build}-{kernel_release}-{key[:16]}"
        with self._turn(key):
            if not _whole(place, key):
                shutil.rmtree(place, ignore_errors=True)
                made = self._compile(spec, command, names, sdk, build, kernel_release)
                self._publish(made, key, place)
        return {name: place / _flat(name) for name in names}

    def _compile(
        self, spec: CompileSpec, command: str, names: Sequence[str], sdk: Path, build: str, release: str
    ) -> Mapping[str, bytes]:
        _log.info("compiling the agent", agent=self.agent, build=build, kernel=release)
        try:
            return self.build_in(sdk, spec.source, shlex.split(command), names, timeout_s=spec.timeout_s)
        except BuildError as error:
            raise BuildError(
                f"agent {self.agent!r} build {build!r} for kernel {release}: {error}",
                hint=error.hint or f"the sources are in {spec.source}; the command is {command!r}",
                log=error.log,
            ) from error

    def _publish(self, made: Mapping[str, bytes], key: str, place: Path) -> None:
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=self.home))
        try:
            for name, data in made.items():
                (draft / _flat(name)).write_bytes(data)
            digests = {_flat(name): hashlib.sha256(data).hexdigest() for name, data in made.items()}
            codec.write(Made(key=key, files=digests), draft / MADE)
            draft.chmod(0o755)
            draft.rename(place)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise

    @contextlib.contextmanager
    def _turn(self, key: str) -> Iterator[None]:
        """One at a time per key, among threads and processes; the lock ends with the process."""
        locks = self.home / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / key).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def tree_digest(directory: Path) -> str:
    """sha256 over the names and bytes of all files below `directory`, whatever their times and owners."""
    whole = hashlib.sha256()
    for path in sorted(one for one in directory.rglob("*") if one.is_file()):
        data = path.read_bytes()
        whole.update(f"{path.relative_to(directory).as_posix()}\0{len(data)}\0".encode())
        whole.update(data)
    return whole.hexdigest()


def _key(tree: str, command: str, names: Sequence[str], kernel_release: str, sdk_digest: str) -> str:
    parts = json.dumps([tree, command, list(names), kernel_release, sdk_digest])
    return hashlib.sha256(parts.encode()).hexdigest()


def _flat(name: str) -> str:
    return name.replace("/", "_")


def _whole(place: Path, key: str) -> bool:
    """Whether `place` holds what was made for `key`, bit for bit."""
    try:
        made = codec.read(Made, place / MADE)
        return made.key == key and all(
            hashlib.sha256((place / name).read_bytes()).hexdigest() == sha256
            for name, sha256 in made.files.items()
        )
    except (ArtefactError, OSError):
        return False
