"""Boot an image of ours, run one command, tear down: the lab beside programs that others published.

All boot the same disk, kernel and memory under the same QEMU and accelerator, each as a process of its own
from its start to its end, in turns. What each waits for by itself counts: it is what its user waits for.
A peer that cannot be installed or cannot run has its reason in the table.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import guests
from benchmarks.bare import bare
from benchmarks.core.figures import Figure, interleaved, missing, ratio
from benchmarks.core.settings import ROOT, Settings
from benchmarks.peers.image import PeerOrder, prepared
from lab import codec, proc
from lab.clock import Stopwatch
from lab.errors import InfraError, LabError
from lab.templates import Template

INSTALL_S = 300.0
HERE = Path(__file__).parent / "peers"
DONE = "boot, `true`, tear down"
CLONE, COLD = "lab, clone", "lab, cold boot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """An installed peer: a command that does it all once."""

    name: str
    version: str
    command: tuple[str, ...]


def run(settings: Settings) -> Iterator[Figure]:
    room = Path(settings.root) / "comparing"
    room.mkdir()
    subject, order = prepared(settings, room)
    ways: dict[str, Callable[[], float]] = dict(_ours(subject, room, settings))
    failed: dict[str, str] = {}
    try:
        ways[CLONE] = _lab(subject, room, "clone", subject.template())
    except LabError as error:
        failed[CLONE] = str(error).splitlines()[0]
    for name, install in (("labgrid QEMUDriver", _labgrid), ("autopkgtest-virt-qemu", _autopkgtest)):
        try:
            peer = install(room, order)
            once = _timed(peer.command, order.deadline_s * 2)
            once()  # its first run writes byte code, and shows whether it works here
        except (LabError, TimeoutError) as error:
            failed[name] = str(error).splitlines()[0]
        else:
            ways[f"{peer.name} {peer.version}"] = once
    taken = interleaved(ways, settings.times(5))
    yield from _figures(str(subject), taken)
    for name, why in failed.items():
        yield missing(f"{name}: {DONE}", "s", why, subject=str(subject))


def _figures(what: str, taken: Mapping[str, tuple[float, ...]]) -> Iterator[Figure]:
    """Each way with its ratio to the lab's clone, and a note with that to the lab's cold boot."""
    clone, cold = taken.get(CLONE, ()), taken[COLD]
    for name, samples in taken.items():
        figure = Figure(name=f"{name}: {DONE}", subject=what, unit="s", samples=samples)
        beside = None if name in (CLONE, COLD) else ratio("", samples, cold)
        yield replace(
            figure,
            ratio=None if name == CLONE else ratio("this / lab's clone", samples, clone),
            note=f"{beside.median:.2f} times the lab's cold boot" if beside else "",
        )


def _ours(
    subject: guests.Subject, room: Path, settings: Settings
) -> Iterator[tuple[str, Callable[[], float]]]:
    yield "bare QEMU script, cold boot", bare(subject, Path(settings.root) / "b").seconds
    yield COLD, _lab(subject, room, "cold", None)


def _lab(subject: guests.Subject, room: Path, name: str, template: Template | None) -> Callable[[], float]:
    """The lab's own machine and guest in a process of their own, as the peers are."""
    path = room / f"{name}.json"
    codec.write(subject.order, path)
    if template is not None:
        codec.write(template, path.with_suffix(".template"))
    command = (sys.executable, "-m", "benchmarks.peers.lab_guest", str(path))
    return _timed(command, subject.order.scaled.boot_s * 2)


def _timed(command: tuple[str, ...], most_s: float) -> Callable[[], float]:
    """Runs the command and gives its seconds.

    :raise InfraError: it failed; its last words are in the message.
    """

    def once() -> float:
        watch = Stopwatch()
        done = proc.run(command, timeout_s=most_s, cwd=ROOT)
        seconds = watch.t_s
        if not done.ok:
            last = (done.error_text.splitlines() or ["no output"])[-1]
            raise InfraError(f"exit code {done.exit_code}: {last[:200]}")
        return seconds

    return once


def _labgrid(room: Path, order: PeerOrder) -> Peer:
    """In an environment of its own; it is never a dependency of the lab."""
    tool = room / "labgrid"
    proc.checked([sys.executable, "-m", "venv", tool], timeout_s=INSTALL_S, what="venv for labgrid")
    pip: list[str | Path] = [tool / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "labgrid"]
    proc.checked(pip, timeout_s=INSTALL_S, what="labgrid could not be installed")
    ask: list[str | Path] = [
        tool / "bin/python",
        "-c",
        "import importlib.metadata as m; print(m.version('labgrid'))",
    ]
    version = proc.checked(ask, timeout_s=60, what="labgrid's version").text
    told = _order(room, "labgrid", replace(order, tool=str(tool)))
    script = str(HERE / "labgrid_guest.py")
    return Peer(name="labgrid QEMUDriver", version=version, command=(f"{tool}/bin/python", script, told))


def _autopkgtest(room: Path, order: PeerOrder) -> Peer:
    """Debian's package, unpacked and not installed: it is Python that needs nothing else here."""
    tool = room / "autopkgtest"
    tool.mkdir()
    done = proc.run(["apt-get", "download", "autopkgtest"], timeout_s=INSTALL_S, cwd=tool)
    package = next(iter(tool.glob("autopkgtest_*.deb")), None)
    if package is None:
        last = (done.error_text.splitlines() or ["no output"])[-1]
        raise InfraError(f"apt-get download autopkgtest: {last[:200]}")
    proc.checked(["dpkg-deb", "-x", package, tool], timeout_s=60, what="autopkgtest unpacked")
    version = package.name.split("_")[1]
    told = _order(room, "autopkgtest", replace(order, tool=str(tool)))
    command = (sys.executable, str(HERE / "autopkgtest_guest.py"), told)
    return Peer(name="autopkgtest-virt-qemu", version=version, command=command)


def _order(room: Path, name: str, order: PeerOrder) -> str:
    """Its order, with a directory of its own that is short enough for sockets."""
    own = Path(tempfile.mkdtemp(prefix=name[:1], dir=room.parent))
    path = own / "order.json"
    replace(order, room=str(own)).write(path)
    return str(path)
