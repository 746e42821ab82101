"""How each workload is made on Windows."""

from lab.workloads.means import Means

WINDOWS: dict[str, tuple[Means, ...]] = {}
