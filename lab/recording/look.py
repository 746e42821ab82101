"""What the frames of a recording show, remembered beside them.

Reading text off a picture takes up to a second; `screens.json` keeps the answers by the frame's digest,
so that judging a recording again reads no picture twice. Answers of another version of the classifier are
dropped. Refuses to decide what a screen means.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from functools import lru_cache
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lab import __version__, codec, log
from lab.model import Capture, Frame, Screen

SCREENS = "screens.json"

Look = Callable[[Frame], Screen | None]


def looker(directory: Path) -> Looker:
    """A function that says what a frame of the recording in `directory` shows.

    Its answer is None where there is no picture, or none that can be decoded. Safe to call from several
    threads; call it where nobody waits, since it reads the picture.
    """
    return Looker(directory)


class Looker:
    """See `looker`. A frame that it could not look at is one on which anything may have been."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._known: dict[str, Screen | None] | None = None
        self._unseen: dict[str, str] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        """Why frames could not be looked at, one sentence each."""
        with self._lock:
            return tuple(self._unseen.values())

    def __call__(self, frame: Frame) -> Screen | None:
        with self._lock:
            known = self._load()
            if frame.sha256 in known:
                return self._seen(frame, known[frame.sha256])
        try:
            data = (self._directory / frame.path).read_bytes()
        except (OSError, ValueError) as error:  # no file is called something with a NUL in it
            said = getattr(error, "strerror", None) or str(error)
            with self._lock:
                self._unseen[frame.path] = f"{frame.path}: {said.lower()}"
            return None
        screen = _classify(data, frame.path)
        with self._lock:
            if hashlib.sha256(data).hexdigest() != frame.sha256:
                self._unseen[frame.path] = f"{frame.path}: is not the picture that was recorded"
                return screen
            known[frame.sha256] = screen
            self._store(known)
            return self._seen(frame, screen)

    def _seen(self, frame: Frame, screen: Screen | None) -> Screen | None:
        self._unseen.pop(frame.path, None)
        if screen is None:
            self._unseen[frame.path] = f"{frame.path}: is no picture that can be read"
        return screen

    def _load(self) -> dict[str, Screen | None]:
        if self._known is None:
            self._known = _read(self._directory / SCREENS)
        return self._known

    def _store(self, known: dict[str, Screen | None]) -> None:
        raw = {
            "classifier": classifier(),
            "screens": {
                digest: codec.to_dict(screen) if screen else None for digest, screen in known.items()
            },
        }
        try:
            codec.replace_text(self._directory / SCREENS, json.dumps(raw, ensure_ascii=False) + "\n")
        except OSError as error:
            log.get("recording").info("screens are not remembered", error=str(error))


def _classify(data: bytes, name: str) -> Screen | None:
    from lab.detect.screens import DamagedPicture, classify

    try:
        return classify(data)
    except DamagedPicture as error:
        log.get("recording").info("frame cannot be read", frame=name, error=str(error))
        return None


def _read(path: Path) -> dict[str, Screen | None]:
    """What is remembered; nothing when it is damaged or of another classifier."""
    try:
        raw: Any = json.loads(path.read_bytes())
        if raw["classifier"] != classifier():
            return {}
        return {
            digest: codec.from_dict(Screen, screen) if screen is not None else None
            for digest, screen in raw["screens"].items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ValidationError):
        return {}


@lru_cache(maxsize=1)
def classifier() -> str:
    """Identity of what classifies: the lab's version and the sources of the rooms that look at pictures."""
    digest = hashlib.sha256(__version__.encode())
    detect = Path(__file__).parents[1] / "detect"
    for room in ("screens", "faults"):
        for path in sorted(detect.joinpath(room).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(path.name.encode() + path.read_bytes())
    return f"{__version__}-{digest.hexdigest()[:16]}"


def remembered(directory: Path) -> Look:
    """As `looker`, from what is remembered alone: None for a frame that nobody has looked at yet."""
    known = _read(directory / SCREENS)
    return lambda frame: known.get(frame.sha256)


def fetcher(directory: Path) -> Callable[[Capture], bytes | mmap | None]:
    """A function that brings the bytes of a capture of the recording in `directory`; None when it has no
    file there. Files are mapped, not read: a dump can be as large as the guest's memory."""

    def fetch(capture: Capture) -> bytes | mmap | None:
        try:
            path = (directory / capture.path).resolve()
            if not capture.path or not path.is_relative_to(directory.resolve()):
                return None
            with path.open("rb") as stream:
                return mmap(stream.fileno(), 0, access=ACCESS_READ)
        except (OSError, ValueError):  # an empty file cannot be mapped
            return None

    return fetch
