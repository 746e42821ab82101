"""Long runs: what is looked at again and again, for hours of our time or for weeks of the guest's."""

from lab.soaking.soak import SerialLines, Soak, Warp

__all__ = ["SerialLines", "Soak", "Warp"]
