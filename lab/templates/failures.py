"""What went wrong with templates and clones the last time, so that somebody who was not there can be told.

    state/template-failures/IMAGE_PROFILE[_WARM].json

One entry per image, profile and agent: the last failure. It goes when such a template is made and
proven again. Refuses to decide anything: a failure on record forbids nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path

from lab import clock, codec
from lab.errors import ArtefactError
from lab.places import Places
from lab.templates.key import TemplateKey

LOG_TAIL = 4000
"""Characters kept of the console."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why there is no template, or why a clone of one was no good."""

    image: str
    profile: str
    warm: str
    when: str
    """UTC, ISO 8601."""
    what: str
    """`making` a template, or a `clone` of one."""
    reason: str
    log: str = ""
    """The end of the guest's console, where there was one."""

    @property
    def sentence(self) -> str:
        """`template of debian-12 on bios-1cpu could not be made (2026-11-23 12:30): ...`."""
        agent = f" with {self.warm}" if self.warm else ""
        who = f"of {self.image} on {self.profile}{agent}"
        when = self.when[:16].replace("T", " ")
        if self.what == "making":
            return f"template {who} could not be made ({when}): {self.reason}"
        return f"clone {who} could not be used ({when}): {self.reason}"


class FailureBook:
    """The last failures of one state directory."""

    def __init__(self, places: Places) -> None:
        self._directory = places.state / "template-failures"

    def note(self, key: TemplateKey, what: str, reason: str, log: str = "") -> None:
        """Write it down in place of the one before.

        :param what: `making` or `clone`.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        entry = Failure(
            image=key.image,
            profile=key.profile.name,
            warm=key.warm,
            when=clock.wall(),
            what=what,
            reason=reason,
            log=log[-LOG_TAIL:],
        )
        codec.write(entry, self._path(key))

    def forget(self, key: TemplateKey) -> None:
        """Such a template is there and proven."""
        self._path(key).unlink(missing_ok=True)

    def all(self) -> tuple[Failure, ...]:
        """Newest first; unreadable entries are passed over."""
        found = []
        for path in sorted(self._directory.glob("*.json")):
            with contextlib.suppress(ArtefactError):
                found.append(codec.read(Failure, path))
        return tuple(sorted(found, key=lambda one: one.when, reverse=True))

    def has(self, key: TemplateKey) -> bool:
        """Whether something went wrong since such a template was last proven."""
        return self._path(key).exists()

    def of(self, image: str) -> tuple[Failure, ...]:
        return tuple(one for one in self.all() if one.image == image)

    def _path(self, key: TemplateKey) -> Path:
        warm = f"_{hashlib.sha256(key.warm.encode()).hexdigest()[:8]}" if key.warm else ""
        return self._directory / f"{key.image}_{key.profile.name}{warm}.json"
