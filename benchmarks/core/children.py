"""Each bench in a process of its own: libvirt's driver is one per process, memory is counted per process, and
a call that hangs costs one bench.

`python -m benchmarks.core.children NAME SETTINGS OUT` measures; figures go to OUT as JSON lines as soon as
they are there, so that one that is ended at its deadline keeps those that it had.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import traceback
from dataclasses import asdict
from pathlib import Path

from benchmarks import catalogue
from benchmarks.core.figures import Figure
from benchmarks.core.record import Bench, figure_from_dict, figure_to_dict
from benchmarks.core.scratch import end_all
from benchmarks.core.settings import ROOT, Settings
from lab import proc
from lab.errors import LabError
from lab.running import lifeline

GRACE_S = 10.0
"""For a bench that is ended; whatever it had started is ended after it."""
TAIL = 400


def measure(name: str, settings: Settings, busy: tuple[str, ...] = ()) -> Bench:
    """Run one bench to its end or its deadline; a bench that fails is a value."""
    entry = catalogue.BENCHES[name]
    out, errors = Path(settings.root) / f"{name}.jsonl", Path(settings.root) / f"{name}.err"
    begun = time.monotonic()
    process = _start(name, settings, out, errors)
    reason = ""
    try:
        process.wait(entry.deadline(quick=settings.quick))
    except subprocess.TimeoutExpired:
        reason = f"not done in {entry.deadline(quick=settings.quick):.0f} s"
        _end(process)
    except BaseException:
        _end(process)
        raise
    finally:
        _clean(settings, out)
    if not reason and process.returncode:
        reason = last_line(errors) or f"exit code {process.returncode}"
    figures = tuple(figure_from_dict(json.loads(line)) for line in _lines(out))
    return Bench(
        name=name,
        state="failed" if reason else "done",
        reason=reason,
        seconds=time.monotonic() - begun,
        busy=busy,
        figures=figures,
    )


def _start(name: str, settings: Settings, out: Path, errors: Path) -> subprocess.Popen[bytes]:
    told = json.dumps(asdict(settings))
    with errors.open("wb") as sink:
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.core.children", name, told, str(out)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            stderr=sink,
            start_new_session=True,
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        proc.kill_group(process.pid)
        process.wait()


def _clean(settings: Settings, out: Path) -> None:
    """Nothing of a bench runs when the next begins."""
    for what in end_all(Path(settings.root)):
        print(f"benchmarks: {out.stem} left a process, which was ended: {what}", file=sys.stderr)


def _lines(path: Path) -> list[str]:
    """Whole lines: the last one of a killed process may be torn."""
    if not path.exists():
        return []
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    return whole.splitlines()


def last_line(errors: Path) -> str:
    """What a process said last, shortened."""
    lines = [
        line for line in errors.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()
    ]
    return lines[-1][:TAIL] if lines else ""


def main(arguments: list[str]) -> int:
    """The child's side."""
    name, told, out = arguments
    given = json.loads(told)
    settings = Settings(**{**given, "images": tuple(given["images"])})
    lifeline.attach()
    with Path(out).open("w", encoding="utf-8") as sink:

        def keep(figure: Figure) -> None:
            sink.write(json.dumps(figure_to_dict(figure)) + "\n")
            sink.flush()

        try:
            for figure in catalogue.BENCHES[name].load()(settings):
                keep(figure)
        except (LabError, TimeoutError) as error:
            hint = f" ({error.hint})" if isinstance(error, LabError) and error.hint else ""
            print(f"{type(error).__name__}: {str(error).splitlines()[0]}{hint}", file=sys.stderr)
            return 1
        except Exception as error:  # noqa: BLE001 - the bench's edge: its words go into the table
            traceback.print_exc()
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
