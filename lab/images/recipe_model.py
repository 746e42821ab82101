"""What every images/NAME.yaml may say, whatever its kind: the base of the catalogue's pydantic models."""

from __future__ import annotations

from pydantic import Field

from lab.config import located
from lab.config.units import MiB


class Common(located.Model):
    """The keys of every kind."""

    summary: str = Field(description="one line for `lab image list`")
    release: str = Field(description="the operating system as people say it")
    kernel: str = Field(default="", description="kernel or build number that is expected")
    min_memory: MiB = Field(default=256, description="least memory a machine must have for this image")
    first_boot_resets: int = Field(
        default=0, ge=0, le=20, description="resets that the image makes by itself after its first start"
    )
