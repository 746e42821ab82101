"""How a plan is shown: cells, what is left out and why, and the bill. Long lists are counted, not printed.

rich lays out a table of 100,000 rows in half a minute, and nobody reads it: above `MOST_LINES` a plan is
shown by image, and `lab plan --all` prints one plain line per cell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.text import Text

from lab.cli.display import err, out, table
from lab.model import Bill, Cell, Omitted, Plan
from lab.report import wording
from lab.setting import Setting
from lab.verdict.board import nothing_new

MOST_LINES = 400
MOST_ALIKE = 8
"""Of omissions with one reason; the others are counted."""
FEW = 3
"""From so many on, omissions of one image with one reason are one line."""


def show(plan: Plan, setting: Setting, *, everything: bool = False) -> None:
    """Cells, what was left out with its reason, and the bill."""
    if everything:
        print("\n".join(_lines(plan.cells)))
    elif len(plan.cells) > MOST_LINES:
        _by_image(plan.cells)
    else:
        _each(plan.cells)
    _omitted(plan.omitted, everything=everything)
    stand_ins = wording.stand_ins(_images(plan, setting))
    if stand_ins:
        out.print(Text(f"\n{stand_ins}", "yellow"))
    for words in nothing_new(plan.cells):
        err.print(f"{words}: that puts nothing to the test", style="yellow", soft_wrap=True)
    if plan.bill is not None:
        out.print("\n" + "\n".join(_bill(plan.bill, setting)), markup=False, soft_wrap=True)


def _images(plan: Plan, setting: Setting) -> list[dict[str, object]]:
    infos = setting.image_infos()
    return [
        {"name": name, "stand_in": infos[name].stand_in}
        for name in sorted({cell.image for cell in plan.cells} & set(infos))
    ]


def _each(cells: Sequence[Cell]) -> None:
    rows = table("cell", "agent after the update", "level", "why")
    for cell in cells:
        rows.add_row(cell.id, str(cell.version), cell.level, cell.reason)
    out.print(rows)


def _lines(cells: Sequence[Cell]) -> Iterator[str]:
    """One per cell, in columns."""
    width = max((len(cell.id) for cell in cells), default=0)
    for cell in cells:
        yield f"{cell.id:<{width}}  {cell.version}  {cell.level}  {cell.reason}"


def _by_image(cells: Sequence[Cell]) -> None:
    rows = table("image", "cells", "profiles", "scenarios", "from power-off")
    by_image: dict[str, list[Cell]] = {}
    for cell in cells:
        by_image.setdefault(cell.image, []).append(cell)
    for image, own in by_image.items():
        profiles, scenarios = {cell.profile for cell in own}, {cell.scenario for cell in own}
        cold = sum(1 for cell in own if cell.cold)
        rows.add_row(image, str(len(own)), str(len(profiles)), str(len(scenarios)), str(cold))
    out.print(rows)
    out.print(f"{len(cells)} cells; lab plan --all lists each of them, lab plan -k WORDS some", markup=False)


def _omitted(omitted: Sequence[Omitted], *, everything: bool) -> None:
    """By kind and reason."""
    by_kind: dict[str, dict[tuple[str, str], list[Omitted]]] = {}
    for item in omitted:
        by_kind.setdefault(item.kind, {}).setdefault((item.reason, item.hint), []).append(item)
    for kind, by_reason in by_kind.items():
        out.print(Text(f"\n{kind}: {sum(map(len, by_reason.values()))}", "bold"))
        for (reason, hint), alike in by_reason.items():
            mend = f"  [{hint}]" if hint else ""
            images = {item.image for item in alike}
            if len(images) == 1 and len(alike) >= FEW and not everything:
                print(f"  {images.pop()}, {len(alike)} cells: {reason}{mend}")
                continue
            shown = alike if everything or len(alike) <= MOST_ALIKE else alike[:MOST_ALIKE]
            lines = [f"  {item.id}: {reason}{mend}" for item in shown]
            if len(shown) < len(alike):
                lines.append(f"  and {len(alike) - len(shown)} more for the same reason: {_kinds_of(alike)}")
            print("\n".join(lines))


def _kinds_of(omitted: Sequence[Omitted]) -> str:
    """How many of which image, the most first."""
    counts = Counter(item.image for item in omitted if item.image)
    return ", ".join(f"{count} of {image}" for image, count in counts.most_common(MOST_ALIKE))


def _long_runs(setting: Setting) -> Iterator[str]:
    """What of the bill is soaking: it was told how long to run, so no earlier run says."""
    cells = setting.plan.cells if setting.plan is not None else ()
    soaking = [setting.scenarios[cell.scenario] for cell in cells if setting.scenarios[cell.scenario].soak]
    minutes = f"{setting.lab.soak.for_s / 60:g} min"
    warped = sum(info.time_warp for info in soaking)
    if len(soaking) > warped:
        yield f"of these {len(soaking) - warped} cells soak for {minutes} each (soak.for)"
    if warped:
        yield f"of these {warped} cells have a warped clock and {minutes} each at most (soak.for)"


def _bill(bill: Bill, setting: Setting) -> Iterator[str]:
    """What it costs, and how many guests that is at a time and why."""
    hosts = setting.usable_hosts()
    if bill.least_cells:
        yield (
            f"at least {bill.least_cells} cells, {bill.least_guest_seconds / 60:.0f} guest minutes, about "
            f"{bill.least_wall_seconds / 60:.0f} min; repeated until the comparison of the arms is decided, "
            f"up to {setting.lab.compare.most} pairs per place (compare.most), which is at most:"
        )
    yield (
        f"{bill.cells} cells, {bill.guest_seconds / 60:.0f} guest minutes; about "
        f"{bill.wall_seconds / 60:.0f} min with {bill.slots} guests at a time; "
        f"at most {bill.peak_memory_mib} MiB and {bill.vcpus} vCPUs at once"
    )
    yield from _long_runs(setting)
    for host in hosts:
        facts = host.facts
        accelerator = host.acceleration.accelerator if host.acceleration else "?"
        cap = f", lab.yaml allows {facts.slots} guests" if facts.slots else ""
        yield (
            f"{facts.name} ({accelerator}): {facts.first_vcpus} vCPUs at a time to begin with, up to "
            f"{facts.most_vcpus} while the host is calm, {facts.starts} guests starting at a time{cap}; "
            f"{'; '.join(facts.why)}"
        )
    if bill.builds:
        yield f"images to be built first: {', '.join(bill.builds)}"
