"""What can be done to a guest on purpose: power, disk, network, clock, memory, CPU, the agent itself.

Each fault is injected, proven and undone, and each of these is a `FaultMark` in the recording. Refuses to
judge: a fault whose effect could not be shown is marked so, and what that means is for the verdict to say.
"""

from lab.faults.injecting import Faults, Injected
from lab.faults.schedule import Planned, schedule

__all__ = ["Faults", "Injected", "Planned", "schedule"]
