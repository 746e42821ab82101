"""Faults of the power: the plug pulled, the reset button pressed, the machine paused."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import psutil

from lab.errors import LabError
from lab.faults.kind import Values, number
from lab.faults.subject import Subject
from lab.guest.guest import Guest
from lab.model import MachineEvent


class HardReset:
    """The reset button: the guest's memory is lost to it, its disk's cache is not."""

    in_guest = True

    def __init__(self, subject: Subject, _values: Values) -> None:
        self._subject = subject
        self._since_s = 0.0

    def inject(self) -> None:
        self._since_s = self._subject.clock.t_s
        with _announced(self._subject.guest, "the fault hard-reset", ""):
            self._subject.machine.reset()

    def prove(self) -> str:
        seen = self._subject.seen.since(self._since_s, "reset")
        return f"QEMU told of a reset at {seen[0].t_s:.1f} s" if seen else ""

    def undo(self) -> str:
        return _answered(self._subject.guest)


class PowerCut:
    """The plug pulled, and put back in."""

    in_guest = True

    def __init__(self, subject: Subject, values: Values) -> None:
        self._subject = subject
        self._off_s = number(values, "off_s")
        self._pid = 0
        self._told = False
        """Whether the recording says that the machine starts again."""
        self._cut_s = 0.0

    def inject(self) -> None:
        self.cut("")
        threading.Event().wait(self._off_s)
        self.power_on()

    def cut(self, boot_id: str) -> None:
        """Pull the plug.

        :param boot_id: the guest's, where there is no time to ask.
        """
        with _announced(self._subject.guest, "the fault power-cut", boot_id):
            self._pid = self._subject.machine.cut_power()
        self._cut_s = self._subject.clock.t_s
        details = {"by": "lab", "fault": "power-cut", "pid": self._pid}
        self._subject.record(MachineEvent(t_s=self._cut_s, name="destroyed", details=details))

    def power_on(self) -> None:
        """Put the plug back in; the guest boots."""
        self._subject.guest.close()
        machine = self._subject.machine
        if not self._told:  # a second try, after the first one failed, is the same start
            self._told = True
            details = {"machine": machine.name, "after": "power-cut"}
            self._subject.record(MachineEvent(t_s=self._subject.clock.t_s, name="started", details=details))
        machine.power_on()

    @property
    def happened(self) -> bool:
        """Whether the plug was pulled."""
        return bool(self._pid)

    def prove(self) -> str:
        if not self._pid or not _gone(self._pid):
            return ""
        return f"QEMU (pid {self._pid}) was gone by SIGKILL at {self._cut_s:.1f} s, and its memory with it"

    def undo(self) -> str:
        if not self._pid:
            return "the power was not cut"
        if not self._subject.machine.powered:
            self.power_on()
        return _answered(self._subject.guest)


class Pause:
    """The machine stopped by its hypervisor: no instruction runs, and its clock stands still."""

    in_guest = False

    def __init__(self, subject: Subject, _values: Values) -> None:
        self._subject = subject
        self._since_s = 0.0

    def inject(self) -> None:
        self._since_s = self._subject.clock.t_s
        self._subject.domain.suspend()

    def prove(self) -> str:
        seen = self._subject.seen.since(self._since_s, "stopped")
        state = self._subject.domain.state()
        return (
            f"QEMU told of a stop at {seen[0].t_s:.1f} s; its state is {state}"
            if seen and state == "paused"
            else ""
        )

    def undo(self) -> str:
        self._subject.domain.resume()
        return f"QEMU's state is {self._subject.domain.state()}"


@contextlib.contextmanager
def _announced(guest: Guest, reason: str, boot_id: str) -> Iterator[None]:
    """A reboot is declared before it is brought about, and no longer if that fails."""
    guest.declare_reboot(reason, boot_id=boot_id)
    try:
        yield
    except LabError:
        guest.withdraw_reboot()
        raise


def _answered(guest: Guest) -> str:
    """Waits for the announced boot, unless somebody did already."""
    if guest.rebooting:
        guest.wait_rebooted()
    return "the guest answers, with another boot id"


def _gone(pid: int) -> bool:
    """Also when nobody has asked yet how it ended."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
