"""What happened to the guest, read from observations. Pure: imports nothing of the lab but its nouns."""

from lab.detect.detectors import Detectors, detect, detected

__all__ = ["Detectors", "detect", "detected"]
