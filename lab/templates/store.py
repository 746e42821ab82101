"""The templates of this machine: made once, found again, checked before use, dropped when unused.

    cache/templates/IMAGE/KEY/     template.json disk.qcow2 state ram [nvram.fd] [tpm.permall]
    cache/templates/.scratch/      templates in the making
    cache/templates/.locks/        one per key: two processes that want the same one make it once

A template is made in the scratch directory and renamed when it is whole; `template.json` holds the
size and sha256 of every file. Whatever does not agree with it is removed and made again, never
run. A running clone keeps the files it has open, so removing a template ends no clone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab import clock, codec
from lab.errors import ArtefactError
from lab.images import digest, workshop
from lab.images.progress import Progress
from lab.places import Places
from lab.templates.key import TemplateKey

RECORD = "template.json"
DISK, STATE, RAM, NVRAM, TPM = "disk.qcow2", "state", "ram", "nvram.fd", "tpm.permall"
USED = "used"
"""Touched at every use: its modification time is the order of dropping."""
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A frozen guest. Its files are never written to."""

    key: TemplateKey
    directory: Path
    made: str
    """UTC, ISO 8601."""
    boot_s: float
    """From power-on to the first answer of the guest that was frozen."""
    settled_s: float
    """From power-on to freezing."""
    files: dict[str, str] = field(default_factory=dict)
    """Name to sha256."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Name to bytes."""
    base: Path | None = None
    """The image's disk, which the template's own disk is an overlay of."""
    base_sha256: str = ""
    verified: bool = False
    """One clone of it ran a command; before that it must not be used."""
    clone_s: float = 0.0
    """From nothing to the first command in that clone."""
    private_mib: int = 0
    """Memory of the host that an idle clone has for itself, measured on that clone."""

    @property
    def disk(self) -> Path:
        return self.directory / DISK

    @property
    def state(self) -> Path:
        return self.directory / STATE

    @property
    def ram(self) -> Path:
        return self.directory / RAM

    @property
    def nvram(self) -> Path | None:
        return self.directory / NVRAM if NVRAM in self.sizes else None

    @property
    def tpm(self) -> Path | None:
        return self.directory / TPM if TPM in self.sizes else None


class TemplateStore:
    """Templates by key, in one cache directory."""

    def __init__(self, places: Places) -> None:
        self.directory = places.cache / "templates"
        self._digests = digest.Remembered(places.state / "digests.json")

    def path(self, key: TemplateKey) -> Path:
        """Where the template of this key is or would be."""
        return self.directory / key.image / key.directory

    def get(self, key: TemplateKey) -> Template:
        """The template, whole and proven; its digests are compared (a file is read once per content).

        :raise ArtefactError: there is none, or it is damaged; the message says which file and how.
        """
        template = self.find(key)
        if template is None:
            raise ArtefactError(
                f"template of {key.image!r}: {self._why_not(key)}",
                hint=f"lab image template {key.image} --profile {key.profile.name}",
            )
        self.check(template)
        if not template.verified:
            raise ArtefactError(
                f"template of {key.image!r}: no clone of it has run yet", hint=_again(template)
            )
        (template.directory / USED).touch()
        return template

    def find(self, key: TemplateKey) -> Template | None:
        """What there is for this key, unchecked and perhaps not proven."""
        return self._read(self.path(key))

    def check(self, template: Template) -> None:
        """Compare the files with the record.

        :raise ArtefactError: a file is missing, truncated or another one.
        """
        what = f"template of {template.key.image!r}"
        for name, size in template.sizes.items():
            path = template.directory / name
            try:
                found = path.stat().st_size
            except FileNotFoundError as error:
                raise ArtefactError(f"{what}: {path}: no such file", hint=_again(template)) from error
            if found != size:
                raise ArtefactError(f"{what}: {path}: {found} bytes (wanted {size})", hint=_again(template))
            if self._digests.of_file(path) != template.files[name]:
                raise ArtefactError(
                    f"{what}: {path}: its sha256 is not that of the record", hint=_again(template)
                )
        self._check_base(template, what)

    def _check_base(self, template: Template, what: str) -> None:
        if template.base is None:
            return
        try:
            found = self._digests.of_file(template.base)
        except FileNotFoundError as error:
            said = f"{what}: {template.base}: the image's disk below it is gone"
            raise ArtefactError(said, hint=_again(template)) from error
        if found != template.base_sha256:
            said = f"{what}: {template.base}: the image's disk below it is another one than it was made on"
            raise ArtefactError(said, hint=_again(template))

    @contextlib.contextmanager
    def making(self, key: TemplateKey, *, need_mib: int, progress: Progress | None = None) -> Iterator[Draft]:
        """Be the only maker of a template; what the body left in the draft becomes it, or nothing does.

        :raise BuildError: there is not room for `need_mib`.
        """
        with (
            workshop.turn(
                self.directory / ".locks" / f"{key.directory}.lock", progress or Progress(key.image)
            ),
            workshop.scratch(self.directory / ".scratch", key.image, need_mib=need_mib) as scratch,
        ):
            draft = Draft(scratch / "draft", key, self._digests)
            draft.directory.mkdir()
            yield draft
            if draft.ready:
                codec.write(replace(draft.template, directory=self.path(key)), draft.directory / RECORD)
                workshop.publish(draft.directory, self.path(key))
                # QEMU maps the RAM privately and still wants the file writable (memory-backend-file, 7.2).
                (self.path(key) / RAM).chmod(0o600)
                (self.path(key) / RECORD).chmod(0o600)

    def proven(self, template: Template, *, clone_s: float, private_mib: int) -> Template:
        """Write down that a clone of it ran."""
        done = _proven(template, clone_s, private_mib)
        codec.write(done, template.directory / RECORD)
        (template.directory / USED).touch()
        return done

    def doubt(self, template: Template) -> None:
        """A clone of it was no good: it is not used again before it was made anew. Clones that run go on."""
        there = self.find(template.key)
        if there is not None and there.made == template.made:
            codec.write(replace(there, verified=False), there.directory / RECORD)

    def drop(self, template: Template) -> None:
        """Remove it: damaged, disproven or not wanted any more."""
        workshop.remove_tree(template.directory)

    def all(self) -> tuple[Template, ...]:
        """Every template with a readable record, least recently used first."""
        found = []
        for record in sorted(self.directory.glob(f"*/*/{RECORD}")):
            template = self._read(record.parent)
            if template is not None:
                found.append((self.used(template), template))
        return tuple(template for _, template in sorted(found, key=lambda pair: pair[0]))

    def prune(self, *, most_mib: int, keep: frozenset[str] = frozenset()) -> tuple[Template, ...]:
        """Drop least recently used ones until the rest take `most_mib` at most; what went.

        :param keep: digests of keys that the caller needs.
        """
        spare = [template for template in self.all() if template.key.digest not in keep]
        kept_mib = sum(disk_mib(template) for template in self.all()) - sum(map(disk_mib, spare))
        dropped = self.overflow(spare, most_mib=most_mib - kept_mib)
        for template in dropped:
            self.drop(template)
        return dropped

    def overflow(self, templates: Sequence[Template], *, most_mib: int) -> tuple[Template, ...]:
        """The least recently used ones without which the rest of `templates` takes `most_mib` at most."""
        total = sum(map(disk_mib, templates))
        dropped = []
        for template in sorted(templates, key=self.used):
            if total <= most_mib:
                break
            total -= disk_mib(template)
            dropped.append(template)
        return tuple(dropped)

    @staticmethod
    def place(template: Template) -> Path:
        """Where this version of the lab would have put it."""
        return template.directory.with_name(template.key.directory)

    @staticmethod
    def used(template: Template) -> float:
        """When it was last used, in seconds since the epoch."""
        for name in (USED, RECORD):
            with contextlib.suppress(FileNotFoundError):
                return (template.directory / name).stat().st_mtime
        return 0.0

    def remove_stale(self) -> tuple[str, ...]:
        """Remove what killed makers left; the names."""
        scratch = self.directory / ".scratch"
        return workshop.remove_stale(scratch) if scratch.is_dir() else ()

    def _read(self, directory: Path) -> Template | None:
        try:
            return replace(codec.read(Template, directory / RECORD), directory=directory)
        except ArtefactError:
            return None

    def _why_not(self, key: TemplateKey) -> str:
        """Nothing there, or what is there was made for something else."""
        others = [
            other for other in self.all() if other.key.image == key.image and other.key.warm == key.warm
        ]
        if not others:
            return "none was made"
        return f"made for another machine: {', '.join(key.differences(others[-1].key))}"


@dataclass(slots=True)
class Draft:
    """A template in the making."""

    directory: Path
    key: TemplateKey
    digests: digest.Remembered
    ready: bool = False
    """Becomes the template when its maker leaves."""
    _template: Template | None = None

    @property
    def template(self) -> Template:
        assert self._template is not None
        return self._template

    def finish(self, *, base: Path | None = None, boot_s: float, settled_s: float) -> Template:
        """All files are there: take their sizes and digests.

        :param base: the image's disk, which must not change as long as there are clones.
        """
        names = [name for name in (DISK, STATE, RAM, NVRAM, TPM) if (self.directory / name).exists()]
        self._template = Template(
            key=self.key,
            directory=self.directory,
            made=clock.wall(),
            boot_s=round(boot_s, 3),
            settled_s=round(settled_s, 3),
            files={name: digest.of_file(self.directory / name) for name in names},
            sizes={name: (self.directory / name).stat().st_size for name in names},
            base=base,
            base_sha256=self.digests.of_file(base) if base else "",
        )
        self.ready = True
        return self._template

    def proven(self, clone_s: float, private_mib: int) -> None:
        """A clone of it ran."""
        self._template = _proven(self.template, clone_s, private_mib)


def disk_mib(template: Template) -> int:
    """What it really takes: RAM files have holes."""
    paths = (template.directory / name for name in template.sizes)
    return sum(path.stat().st_blocks * 512 for path in paths if path.exists()) // MIB


def _proven(template: Template, clone_s: float, private_mib: int) -> Template:
    return replace(template, verified=True, clone_s=round(clone_s, 3), private_mib=private_mib)


def _again(template: Template) -> str:
    warm = " --warm" if template.key.warm else ""
    return f"lab image template {template.key.image} --profile {template.key.profile.name}{warm} --force"
