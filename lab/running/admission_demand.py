"""What a guest takes of its host, measured where it has been measured.

A clone shares the RAM of its template and has for itself what it has written since: `private_mib` of the
template (measured on a clone that did nothing yet), and what the scenario adds. How much that is, earlier
runs have measured; before the first of them it is allowed by level. A guest that boots from power-off is
counted with all of its memory: it may touch every page. Refuses to look at hosts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab import codec
from lab.matrix.capacity import GUEST_OVERHEAD_MIB
from lab.model import Cell, Level
from lab.running.order import CellOrder
from lab.running.templating import TemplateOrder
from lab.templates import Template

FILE = "memory.json"
MARGIN = 1.15
"""On everything measured: no two runs take the same."""
LEAST_MARGIN_MIB = 16
GROWTH_MIB: Mapping[Level, int] = {
    Level.MODULE: 48,
    Level.COMPONENT: 64,
    Level.FEATURE: 96,
    Level.PRODUCT: 192,
    Level.PRODUCTION: 256,
}
"""What a scenario adds to an idle clone, before it was measured."""
PROCESS_MIB = 72
"""Of the process that drives the guest, forked from the server."""
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one guest takes."""

    memory_mib: int
    """For itself, QEMU included."""
    vcpus: int
    shared: str = ""
    """The template whose RAM it maps, or "": counted once on a host, however many clones there are."""
    shared_mib: int = 0
    alone: bool = False
    """Its processors are shared with nobody."""


@dataclass(slots=True)
class Measured:
    """The most that clones took for themselves, by `key`, over all runs that wrote it down."""

    most_mib: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of_runs(cls, reports: Path) -> Measured:
        """From the `memory.json` of every run; damaged ones are passed over."""
        found = cls()
        for path in sorted(reports.glob(f"*/{FILE}")):
            try:
                raw = json.loads(path.read_bytes())
                values = {str(name): int(value) for name, value in raw.items()}
            except (OSError, ValueError, TypeError, AttributeError):
                continue
            for name, value in values.items():
                found.add(name, value)
        return found

    def add(self, name: str, private_mib: int) -> None:
        """One more measurement; 0 is none."""
        if private_mib > self.most_mib.get(name, 0):
            self.most_mib[name] = private_mib

    def write(self, directory: Path) -> None:
        """Into a run's directory, for the runs after it."""
        codec.replace_text(directory / FILE, json.dumps(self.most_mib, indent=1) + "\n")


def key(cell: Cell) -> str:
    """Cells that take about the same: both arms, all seeds."""
    return f"{cell.image}_{cell.profile}_{cell.scenario}"


def of_cell(order: CellOrder, measured: Measured) -> Claim:
    """What the attempt will take, as a clone where it has a template."""
    cell, template = order.cell, order.template
    whole = cell.memory_mib + GUEST_OVERHEAD_MIB
    if template is None or template.private_mib <= 0:
        return Claim(memory_mib=whole, vcpus=cell.vcpus, alone=cell.latency_sensitive)
    return Claim(
        memory_mib=min(whole, _private(cell, template, measured)),
        vcpus=cell.vcpus,
        shared=template.key.digest,
        shared_mib=resident_mib(template.ram),
        alone=cell.latency_sensitive,
    )


def of_template(order: TemplateOrder) -> Claim:
    """What making a template takes: a guest that boots, whose RAM file is in memory too."""
    memory_mib = order.profile.memory_mib + GUEST_OVERHEAD_MIB
    return Claim(memory_mib=memory_mib, vcpus=order.profile.vcpus)


def _private(cell: Cell, template: Template, measured: Measured) -> int:
    known = measured.most_mib.get(key(cell), 0)
    expected = known or template.private_mib + GROWTH_MIB[cell.level] + PROCESS_MIB
    return max(round(expected * MARGIN), expected + LEAST_MARGIN_MIB)


def resident_mib(ram: Path) -> int:
    """What a RAM file really takes: pages that the guest never touched are holes."""
    try:
        return ram.stat().st_blocks * 512 // MIB
    except OSError:
        return 0
