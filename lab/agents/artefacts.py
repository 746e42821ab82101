"""The files of one agent version for one image: every digest checked before anything is put anywhere."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.agents.compiling import BuildIn, Workbench
from lab.agents.manifest import AgentManifest, BuildSpec, FileSpec
from lab.config.located import unknown
from lab.errors import ArtefactError, BuildError
from lab.images import sdk
from lab.model import AgentVersion, Family
from lab.places import Places


class Target(Protocol):
    """What of a built image (`lab.images.built.BuiltImage`) agents need to know."""

    @property
    def name(self) -> str: ...
    @property
    def family(self) -> Family: ...
    @property
    def kernel_release(self) -> str: ...
    @property
    def sdk(self) -> Path | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """One file that goes into a guest."""

    name: str
    """Identity in recordings: where it goes, relative to the agent's directory."""
    path: Path
    mode: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefacts:
    """All files of one version, by the axis they belong to."""

    version: AgentVersion
    common: tuple[Artefact, ...]
    build: tuple[Artefact, ...]
    content: tuple[Artefact, ...]

    @property
    def files(self) -> tuple[Artefact, ...]:
        """Every file, in the order they are packed."""
        return (*self.common, *self.build, *self.content)


class ArtefactStore:
    """Resolves versions of one agent; safe to use from several processes at once.

    :param build_in: what compiles inside an SDK; another one in tests only.
    """

    def __init__(self, places: Places, manifest: AgentManifest, *, build_in: BuildIn = sdk.build_in) -> None:
        self._manifest = manifest
        self._workbench = Workbench(
            home=places.artefacts / manifest.name, agent=manifest.name, build_in=build_in
        )

    def resolve(self, version: AgentVersion, image: Target) -> Artefacts:
        """The files of `version` for `image`, each with the digest that it really has.

        :raise InputError: agent.yaml does not describe the image's family.
        :raise ArtefactError: unknown build or content; a file is missing or has another digest.
        :raise BuildError: a build must be compiled and the image has no SDK, or compiling failed.
        """
        ready = self.check(version, image.family)
        build = self._manifest.family(image.family).builds[version.build]
        compiled = self._compiled(version.build, build, image)
        return dataclasses.replace(ready, build=(*ready.build, *compiled))

    def check(self, version: AgentVersion, family: Family) -> Artefacts:
        """The ready-made files of `version`, for a look at everything before anything is compiled or booted.

        :raise InputError: agent.yaml does not describe the family.
        :raise ArtefactError: unknown build or content; a file is missing or has another digest.
        """
        spec = self._manifest.family(family)
        build = spec.builds.get(version.build)
        content = spec.contents.get(version.content)
        if build is None:
            raise self._unknown("build", version.build, list(spec.builds), family)
        if content is None:
            raise self._unknown("content", version.content, list(spec.contents), family)
        return Artefacts(
            version=version,
            common=self._checked(spec.files),
            build=self._checked(build.files),
            content=self._checked([content]),
        )

    def content(self, name: str, family: Family) -> bytes:
        """The bytes of one content.

        :raise InputError: agent.yaml does not describe the family.
        :raise ArtefactError: it lists no such content, or the file has another digest.
        """
        contents = self._manifest.family(family).contents
        if name not in contents:
            raise self._unknown("content", name, list(contents), family)
        self._digest(contents[name])
        return contents[name].path.read_bytes()

    def _unknown(self, kind: str, word: str, known: list[str], family: Family) -> ArtefactError:
        listed = ", ".join(sorted(known))
        return ArtefactError(
            f"agent {self._manifest.name!r}: {unknown(kind, word, known)}",
            hint=f"{self._manifest.path} has under families.{family.value}.{kind}s: {listed}",
        )

    def _checked(self, specs: Iterable[FileSpec]) -> tuple[Artefact, ...]:
        return tuple(
            Artefact(name=one.to, path=one.path, mode=one.mode, sha256=self._digest(one)) for one in specs
        )

    def _digest(self, spec: FileSpec) -> str:
        name, manifest = self._manifest.name, self._manifest.path
        try:
            actual = hashlib.sha256(spec.path.read_bytes()).hexdigest()
        except OSError as error:
            raise ArtefactError(
                f"agent {name!r}: {spec.path}: cannot be read: {error.strerror} (listed in {manifest})",
                hint="restore the file, or take it out of agent.yaml",
            ) from error
        if actual != spec.sha256:
            raise ArtefactError(
                f"agent {name!r}: {spec.path}: sha256 is {actual}, agent.yaml says {spec.sha256}",
                hint=f"restore the file; if it is meant to be new, put its sha256 into {manifest}",
            )
        return actual

    def _compiled(self, name: str, build: BuildSpec, image: Target) -> tuple[Artefact, ...]:
        spec = build.compile
        if spec is None:
            return ()
        if image.sdk is None or not image.kernel_release:
            raise BuildError(
                f"agent {self._manifest.name!r} build {name!r}: image {image.name!r} has no SDK "
                "(wanted one, since the build is compiled for the image's kernel)",
                hint=f"`lab image build {image.name} --force` makes image and SDK; "
                "for a disk of your own give ready-made files instead of `compile`",
            )
        made = self._workbench.outputs(spec, build=name, kernel_release=image.kernel_release, sdk=image.sdk)
        return tuple(
            Artefact(name=one.to, path=made[one.path], mode=one.mode, sha256=_sha256(made[one.path]))
            for one in spec.outputs
        )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def bundle(files: Iterable[Artefact]) -> bytes:
    """The files as one .tar.gz: one transfer instead of many; the same bytes for the same files.

    :raise ArtefactError: a file is no longer what it was when it was resolved.
    """
    return packed((file.name, file.mode, _unchanged(file)) for file in files)


def packed(files: Iterable[tuple[str, int, bytes]]) -> bytes:
    """Name, mode and bytes of files as one .tar.gz, always the same for the same files."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, mode, data in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), compresslevel=6, mtime=0)


def _unchanged(file: Artefact) -> bytes:
    data = file.path.read_bytes()
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ArtefactError(f"{file.path}: changed while it was used (wanted sha256 {file.sha256})")
    return data
