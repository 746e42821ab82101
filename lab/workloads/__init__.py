"""Loads that the lab puts on a guest: started, watched, stopped and measured, on Linux and Windows.

What each does is in `catalogue`; scenarios use `Load` through the fixture `load`. A load says what it
did to the guest; whether the product bore it is for the detectors and the verdict.
"""

from lab.workloads.catalogue import CATALOGUE, Workload
from lab.workloads.drivers import driver_of
from lab.workloads.load import Activity, Load
from lab.workloads.outcomes import LoadFailed, LoadResult, Progress, WorkloadDidNotRun, WorkloadUnusable

__all__ = [
    "CATALOGUE",
    "Activity",
    "Load",
    "LoadFailed",
    "LoadResult",
    "Progress",
    "Workload",
    "WorkloadDidNotRun",
    "WorkloadUnusable",
    "driver_of",
]
