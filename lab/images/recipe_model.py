"""What every images/NAME.yaml may say, whatever its kind: the base of the catalogue's pydantic models."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict, overload

from pydantic import Field

from lab.config import located
from lab.config.units import MiB


class AnyImageModel(located.Model):
    """The keys of every kind."""

    summary: str = Field(description="one line for `lab image list`")
    release: str = Field(description="the operating system as people say it")
    kernel: str = Field(default="", description="kernel or build number that is expected")
    min_memory: MiB = Field(default=256, description="least memory a machine must have for this image")
    first_boot_resets: int = Field(
        default=0, ge=0, le=20, description="resets that the image makes by itself after its first start"
    )


class OfAnyImage(TypedDict):
    """The fields of every recipe, by the names of `lab.images.recipe`."""

    name: str
    source: Path
    summary: str
    release: str
    kernel: str
    min_memory_mib: int
    first_boot_resets: int


def of_any_image(parsed: AnyImageModel, path: Path) -> OfAnyImage:
    """What the file at `path` says that every kind says; the image is called as its file is."""
    return OfAnyImage(
        name=path.stem,
        source=path,
        summary=parsed.summary,
        release=parsed.release,
        kernel=parsed.kernel,
        min_memory_mib=parsed.min_memory,
        first_boot_resets=parsed.first_boot_resets,
    )


@overload
def beside(path: Path, given: Path) -> Path: ...
@overload
def beside(path: Path, given: None) -> None: ...
def beside(path: Path, given: Path | None) -> Path | None:
    """A path that the file at `path` names: relative ones are relative to the file."""
    return None if given is None else (path.parent / given.expanduser()).absolute()
