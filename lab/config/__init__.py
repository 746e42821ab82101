"""lab.yaml and its like: read with places, validate once at the edge, hand out frozen values."""

from __future__ import annotations

from lab.config.json_schema import schema
from lab.config.loading import load, load_media, parse_candidate
from lab.config.types import Exclude, HostSpec, Include, Lab, Matrix, Media, Override, Ring

__all__ = [
    "Exclude",
    "HostSpec",
    "Include",
    "Lab",
    "Matrix",
    "Media",
    "Override",
    "Ring",
    "load",
    "load_media",
    "parse_candidate",
    "schema",
]
