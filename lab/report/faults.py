"""What the fault catalogue says of a finding, in the report's shape."""

from __future__ import annotations

from itertools import zip_longest

from lab.detect.faults import catalogue
from lab.model import Finding
from lab.report.shape_failures import FaultNote, Parameter

MOST_CHECKS = 5


def note(finding: Finding | None) -> FaultNote | None:
    """The catalogue's entry, with this finding's parameters beside what they mean; None where it has none."""
    fault = catalogue().of_finding(finding) if finding is not None else None
    if fault is None or finding is None:
        return None
    pairs = zip_longest(finding.parameters, fault.parameters[: len(finding.parameters)], fillvalue="")
    return FaultNote(
        name=fault.name,
        code=f"0x{finding.code:X}" if finding.code is not None else "",
        meaning=fault.meaning,
        cause=fault.cause,
        parameters=tuple(
            Parameter(value=f"0x{value:X}" if isinstance(value, int) else "", meaning=meaning)
            for value, meaning in pairs
        ),
        checks=tuple(fault.checks[:MOST_CHECKS]),
    )
