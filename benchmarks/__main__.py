"""`python -m benchmarks [NAME...]`: run benches in turn, print one table, write one JSON.

Exit codes: 0 all figures as wanted, 1 one is not or a bench failed, 2 wrong use, 3 the machine is busy.
"""

from __future__ import annotations

import argparse
import signal
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks import catalogue
from benchmarks.core import children, documents, machine, record, scratch, table
from benchmarks.core.settings import ROOT, Settings
from lab import proc
from lab.clock import wall
from lab.config.types import HostSpec
from lab.machine.host import survey

MISSED, WRONG, BUSY = 1, 2, 3


def main(arguments: list[str] | None = None) -> int:
    """One command line; its exit code."""
    asked = _parser().parse_args(arguments)
    if asked.list:
        for name, entry in catalogue.BENCHES.items():
            print(f"{name:14} {entry.about}{'' if entry.guests else ' (no guests)'}")
        return 0
    if asked.write_docs:
        documents.write([record.read(path) for path in asked.write_docs], ROOT / "docs")
        return 0
    unknown = [name for name in asked.names if name not in catalogue.BENCHES]
    if unknown:
        print(f"benchmarks: no bench {unknown[0]!r} (--list names them)", file=sys.stderr)
        return WRONG
    return _measure(asked)


def _measure(asked: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(128 + signal.SIGTERM))
    for name in scratch.reap():
        print(f"benchmarks: what a killed command left in {name} is ended", file=sys.stderr)
    cores = machine.facts().cores
    busy = machine.busy(machine.load(), cores)
    if busy and not (asked.quick or asked.busy):
        print(f"benchmarks: this machine is busy: {'; '.join(busy)}", file=sys.stderr)
        print("hint: wait, or measure all the same with --busy (the table then says so)", file=sys.stderr)
        return BUSY
    with scratch.scratch(keep=asked.keep) as room:
        settings = Settings(
            root=str(room.root),
            quick=asked.quick,
            repeat=asked.repeat,
            images=tuple(filter(None, asked.images.split(","))),
        )
        run = record.Run(
            started=wall(),
            commit=_commit(),
            quick=asked.quick,
            machine=_facts(room),
            busy=tuple(busy),
        )
        for name in asked.names or catalogue.BENCHES:
            left = () if asked.quick or asked.busy else tuple(machine.settle(cores))
            print(f"benchmarks: {name} ...", file=sys.stderr, flush=True)
            run = replace(run, benches=(*run.benches, children.measure(name, settings, left)))
            if asked.json:  # after each bench: a run that is killed keeps what it has
                asked.json.write_text(record.to_json(run), encoding="utf-8")
    print(table.text(run), end="")
    failures = list(table.verdicts(run))
    if failures:
        print("\nnot as wanted:", *failures, sep="\n  ")
    return MISSED if failures else 0


def _facts(room: scratch.Scratch) -> machine.Machine:
    """The machine as the lab knows it; the accelerator is found by booting once and remembered."""
    report = survey(HostSpec(name="here", uri="embed"), room.places, ())
    found = report.acceleration
    return machine.facts(
        qemu=report.qemu,
        libvirt=report.libvirt,
        accelerator=found.accelerator if found else "",
        factor=found.factor if found else 0.0,
    )


def _commit() -> str:
    """Of the checkout, with `+` where it was changed since; "" without git."""
    try:
        head = proc.run(["git", "-C", ROOT, "rev-parse", "--short=12", "HEAD"], timeout_s=10)
        changed = proc.run(["git", "-C", ROOT, "status", "--porcelain"], timeout_s=30)
    except Exception:  # noqa: BLE001 - a checkout without git is measured too
        return ""
    return head.text + ("+" if changed.text else "") if head.ok else ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="benches to run; all without any")
    parser.add_argument("--list", action="store_true", help="name the benches and end")
    parser.add_argument("--quick", action="store_true", help="the least that exercises each bench, on `tiny`")
    parser.add_argument("--busy", action="store_true", help="measure although the machine is busy")
    parser.add_argument(
        "--keep", action="store_true", help="leave the temporary files, as TMP/kept-lab-bench-*"
    )
    parser.add_argument("--repeat", type=int, default=0, metavar="N", help="repetitions of everything")
    parser.add_argument("--images", default="", metavar="A,B", help="only these images")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there")
    parser.add_argument(
        "--write-docs",
        type=Path,
        nargs="+",
        metavar="JSON",
        help="put the figures of a run into docs/ and end; later runs win",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
