"""Asking a silent guest what it is doing: SysRq keys, and an interrupt that no kernel can mask.

Announced in the recording before, since the guest's answer looks like a crash (backtraces) or is one
(an NMI stops Windows with a stop code). Refuses to ask a guest that has already told.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from lab.clock import Stopwatch
from lab.errors import MachineError
from lab.machine.witness import Witness
from lab.model import Capture
from lab.running.captures import Captures
from lab.waiting import WaitTimeout, wait_for

SYSRQ_KEYS = "lwm"
"""CPUs, blocked tasks, memory. Not `t`: all tasks of a Debian are 200 KB at the speed of a serial line."""
ANSWER_S = 1.5
"""How long the answer to a key may take to begin."""
QUIET_S = 0.4
"""What silence ends it."""
TALK_S = 4.0
"""When the next key is sent although it goes on."""
NMI_S = 5.0
SERIAL = "serial.log"


class Asking:
    """Questions to one guest.

    :param factor: of the host; every wait here is multiplied by it.
    :param moved_on: whether the guest has rebooted or powered off.
    """

    def __init__(
        self, witness: Witness, captures: Captures, *, factor: float, moved_on: Callable[[], bool]
    ) -> None:
        self._witness = witness
        self._captures = captures
        self._factor = factor
        self._moved_on = moved_on
        self._log = captures.directory / SERIAL

    def sysrq(self) -> Capture:
        """By the serial line; by the keyboard when nothing came of that, or somebody else has the line."""
        watch, before = Stopwatch(), self._size()
        self._captures.announce("sysrq", f"sends {', '.join(SYSRQ_KEYS)}")
        with contextlib.suppress(MachineError), self._witness.serial_keys() as press:
            for key in SYSRQ_KEYS:
                self._press(press, key)
        how = "serial line"
        if self._size() == before:
            how = "keyboard"
            for key in SYSRQ_KEYS:
                self._press(self._witness.keyboard, key)
        return self._answer(
            "sysrq", before, watch, f"{SYSRQ_KEYS} by the {how}", "no answer, by serial line or keyboard"
        )

    def nmi(self) -> Capture:
        """On every virtual CPU."""
        watch, before = Stopwatch(), self._size()
        self._captures.announce("nmi", "interrupts every CPU")
        self._witness.nmi()
        self._await(lambda: self._size() > before or self._moved_on(), NMI_S)
        return self._answer("nmi", before, watch, "sent", "sent; nothing came of it on the console")

    def _answer(self, what: str, before: int, watch: Stopwatch, heard: str, unheard: str) -> Capture:
        grown = self._size() - before
        return self._captures.note(
            what,
            ok=grown > 0,
            took_s=watch.t_s,
            path=SERIAL if grown else "",
            size=grown,
            detail=heard if grown else unheard,
        )

    def _press(self, press: Callable[[str], None], key: str) -> None:
        """Send a key and let the answer end."""
        size = self._size()
        press(key)
        if self._await(lambda: self._size() > size, ANSWER_S):
            self._await(self._rests, TALK_S)

    def _rests(self) -> bool:
        size = self._size()
        return not self._await(lambda: self._size() > size, QUIET_S)

    def _await(self, condition: Callable[[], bool], seconds: float) -> bool:
        with contextlib.suppress(WaitTimeout):
            return wait_for(condition, what="an answer", timeout_s=seconds * self._factor, interval_s=0.05)
        return False

    def _size(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0
