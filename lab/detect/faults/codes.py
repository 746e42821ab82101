"""Codes and names only, from codes.tsv: what the live path needs, without reading the long texts.

codes.tsv, in data/, is what `python -m lab.detect.faults` prints, made from the YAML files; a test keeps
them in step. Refuses to hold meanings.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from lab.detect.faults.fault import Fault, FaultClass

COLUMNS = "code\tname\tclass\taliases\tcodes"


@cache
def brief_faults() -> tuple[Fault, ...]:
    """Every fault that has a code, without texts, in the order of the file."""
    text = (files("lab.detect.faults") / "data" / "codes.tsv").read_text(encoding="utf-8")
    return tuple(parse(line) for line in text.splitlines()[1:] if line)


def parse(line: str) -> Fault:
    """One line of codes.tsv."""
    code, name, kind, aliases, codes = line.split("\t")
    return Fault(
        code=int(code, 16),
        name=name,
        fault_class=FaultClass(kind),
        aliases=tuple(aliases.split("|")) if aliases else (),
        codes=tuple(int(other, 16) for other in codes.split("|")) if codes else (),
    )


def render(faults: Iterable[Fault]) -> str:
    """codes.tsv as it should be for these faults: those with a code, boot states last, by code."""
    coded = [(fault.code, fault) for fault in faults if fault.code is not None]
    coded.sort(key=lambda pair: (pair[1].fault_class is FaultClass.BOOT_STATUS, pair[0]))
    lines = [
        "\t".join(
            (
                f"0x{code:08X}",
                fault.name,
                fault.fault_class.value,
                "|".join(fault.aliases),
                "|".join(f"0x{other:08X}" for other in fault.codes),
            )
        )
        for code, fault in coded
    ]
    return "\n".join((COLUMNS, *lines)) + "\n"
