"""A test lab for fleets of virtual machines: boot, update, watch, judge, report.

`lab/workflow.py` is the whole lab on one screen; `docs/architecture.md` is the map.
"""

__version__ = "0.1.0"
