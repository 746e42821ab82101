"""Faults of the processor: less of it, none for a while, an interrupt that nobody expects.

Starvation and theft stop the QEMU process itself (SIGSTOP), so the guest's clock runs on while its CPUs
do not, as on a host that gives it no time. They need QEMU on this host.
"""

from __future__ import annotations

import contextlib
import threading
import time

import psutil

from lab.clock import Stopwatch
from lab.faults.kind import Values, number
from lab.faults.scripts import Scripts, run_script, succeed
from lab.faults.subject import Subject
from lab.model import Family

LOOP = "i=0; while [ $i -lt 10000 ]; do i=$((i+1)); done"
LOOP_WINDOWS = "for($i=0;$i -lt 100000;$i++){}"
SLICE_S = 0.1
"""One turn of stop and go: short beside every time-out, long beside a task switch."""
JOIN_S = 2.0


class Starved:
    """The guest gets a share of the time."""

    in_guest = False

    def __init__(self, subject: Subject, values: Values) -> None:
        self._subject = subject
        self._share = number(values, "share")
        self._process: psutil.Process | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cpu-starvation", daemon=True)
        self._before_s = 0.0
        self._stops = 0
        """Times that QEMU was seen to stand still, and for how long in all."""
        self._held_s = 0.0

    def inject(self) -> None:
        self._process = self._subject.machine.process()
        self._before_s = self._loop()
        self._thread.start()

    def prove(self) -> str:
        """A slow loop alone proves nothing on a busy host: QEMU must have stood still meanwhile, for a third
        of what was to be taken from it."""
        stops, held_s = self._stops, self._held_s
        took_s = self._loop()
        stops, held_s = self._stops - stops, self._held_s - held_s
        if not stops or held_s < took_s * (1 - self._share) / 3:
            return ""
        loops = f"the same loop took {took_s:.2f} s, {self._before_s:.2f} s before the fault"
        return f"{loops}; QEMU stood still {stops} times meanwhile, for {held_s:.2f} s"

    def undo(self) -> str:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)
        _continue(self._process)
        return "QEMU is stopped no more"

    def _run(self) -> None:
        assert self._process is not None
        with contextlib.suppress(psutil.Error):
            while not self._over.is_set():
                self._process.suspend()
                watch = Stopwatch()
                time.sleep(SLICE_S * (1 - self._share))
                stood = self._process.status() == psutil.STATUS_STOPPED
                self._process.resume()
                if stood:
                    self._stops, self._held_s = self._stops + 1, self._held_s + watch.t_s
                self._over.wait(SLICE_S * self._share)

    def _loop(self) -> float:
        watch = Stopwatch()
        if self._subject.family is Family.WINDOWS:
            succeed(self._subject, ["powershell.exe", "-NoProfile", "-Command", LOOP_WINDOWS])
        else:
            succeed(self._subject, LOOP)
        return watch.t_s


class Stolen:
    """The guest's CPUs do not run at all, while its clock does."""

    in_guest = False

    def __init__(self, subject: Subject, _values: Values) -> None:
        self._subject = subject
        self._process: psutil.Process | None = None
        self._used_s = 0.0
        self._watch = Stopwatch()

    def inject(self) -> None:
        self._process = self._subject.machine.process()
        self._process.suspend()
        self._watch = Stopwatch()
        self._used_s = _cpu_s(self._process)

    def prove(self) -> str:
        assert self._process is not None
        stopped = self._process.status() == psutil.STATUS_STOPPED
        if not stopped or self._watch.t_s < SLICE_S:
            return ""
        used_s = _cpu_s(self._process) - self._used_s
        return f"QEMU is stopped; its CPUs ran {used_s:.2f} s of {self._watch.t_s:.1f} s"

    def undo(self) -> str:
        _continue(self._process)
        return f"QEMU goes on after {self._watch.t_s:.1f} s"


class Nmi:
    """A non-maskable interrupt on every CPU, for which a kernel that can have no reason."""

    in_guest = True

    def __init__(self, subject: Subject, _values: Values) -> None:
        self._subject = subject
        self._state: dict[str, str] = {}

    def inject(self) -> None:
        self._state = run_script(self._subject, NMI.inject, {})
        self._subject.domain.inject_nmi()

    def prove(self) -> str:
        return run_script(self._subject, NMI.prove, self._state, may_fail=True).get("proof", "")

    def undo(self) -> str:
        return run_script(self._subject, NMI.undo, self._state).get("undone", "")


NMI = Scripts(
    inject=r"""
k=/proc/sys/kernel
for name in unknown_nmi_panic panic_on_unrecovered_nmi panic_on_io_nmi; do
    [ -e $k/$name ] && echo "$name=$(cat $k/$name)" && echo 0 >$k/$name
done
echo "before=$(grep 'NMI:' /proc/interrupts | tr -cd '0-9 ' | tr -s ' ' | cut -d ' ' -f 2)"
""",
    prove=r"""
now=$(grep 'NMI:' /proc/interrupts | tr -cd '0-9 ' | tr -s ' ' | cut -d ' ' -f 2)
[ "$now" -gt "$before" ] && echo "proof=the kernel counts $now NMIs on its first CPU, $before before"
""",
    undo=r"""
k=/proc/sys/kernel
for name in unknown_nmi_panic panic_on_unrecovered_nmi panic_on_io_nmi; do
    eval "value=\${$name:-}"
    [ -n "$value" ] && echo "$value" >$k/$name
done
echo "undone=the kernel treats an NMI as before"
""",
)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _continue(process: psutil.Process | None) -> None:
    if process is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()
