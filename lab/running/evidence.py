"""What is taken from a guest before it is destroyed, and in which order.

A guest that crashed is let finish its own dump, then its memory is written down. A silent one is first
looked at (samples, registers), then asked (SysRq, NMI), then dumped. Whatever is taken, or could not be,
is a `Capture` in the recording; nothing here fails an attempt. docs/evidence.md has the costs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from lab.clock import Deadline, Stopwatch
from lab.errors import LabError
from lab.machine.machine import cmdline
from lab.machine.witness import Witness
from lab.model import Capture, DumpWhen, EvidencePolicy, Family, Finding, FindingKind
from lab.offline.repair import Offline
from lab.running.asking import Asking
from lab.running.captures import Captures
from lab.running.dump_slots import DumpSlots, run_of
from lab.running.dumping import Dumping
from lab.running.order import CellOrder

REGISTERS = "registers.txt"
NMI_PANICS = "unknown_nmi_panic"
"""A Linux guest with this on its command line panics, with a backtrace, when the lab interrupts it: so one
is asked that runs with its interrupts off and hears no key."""
SILENCE = frozenset(
    {
        FindingKind.BOOT_FAILURE,
        FindingKind.HANG,
        FindingKind.HUNG_TASK,
        FindingKind.LOCKUP,
        FindingKind.LOST_CONNECTION,
        FindingKind.NO_OUTPUT,
        FindingKind.NO_PROGRESS,
        FindingKind.WATCHDOG,
    }
)
"""What is found of guests that do not say why themselves, and so are asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is known of the guest at the end of its attempt."""

    failed: bool
    """A fatal finding, or silence at the end of a scenario that did not complete."""
    silent: bool
    """It does not answer, and did not say that it crashed."""

    @classmethod
    def of(cls, fatal: Finding | None, *, completed: bool, panicked: bool, unanswered: bool) -> Case:
        """:param unanswered: the last heartbeat failed."""
        found = fatal is not None and fatal.kind in SILENCE
        return cls(
            failed=fatal is not None or (unanswered and not completed),
            silent=not panicked and (found or unanswered),
        )


class Evidence:
    """Takes what one attempt is worth.

    :param burst: takes a burst of samples.
    :param cmdline: of the guest's kernel, where the lab knows it.
    """

    def __init__(
        self,
        witness: Witness,
        captures: Captures,
        asking: Asking,
        dumping: Dumping,
        *,
        policy: EvidencePolicy,
        family: Family,
        cmdline: str,
        burst: Callable[[], None],
    ) -> None:
        self._witness = witness
        self._captures = captures
        self._asking = asking
        self._dumping = dumping
        self._policy = policy
        self._family = family
        self._cmdline = cmdline
        self.burst = burst

    def take(self, case: Case) -> None:
        """Everything that the case calls for; returns when it is on disk."""
        if not self._witness.alive:
            return
        if case.failed and case.silent:
            with contextlib.suppress(LabError):
                self.burst()
        if case.failed:
            self._captures.attempt("registers", self._registers)
            self._ask(case)
        self._memory(case)

    def frozen(self) -> None:
        """Of a crashed guest that was stopped to be kept for a person: what needs no running guest."""
        self._captures.attempt("registers", self._registers)
        self._memory(Case(failed=True, silent=False))

    def _ask(self, case: Case) -> None:
        windows = self._family is Family.WINDOWS
        if case.silent:
            answered = not windows and self._captures.attempt("sysrq", self._asking.sysrq)
            if not answered and (windows or NMI_PANICS in self._cmdline):
                self._captures.attempt("nmi", self._asking.nmi)
        if windows or self._witness.dump_disk is not None:
            self._captures.attempt("guest-dump", self._dumping.by_guest)

    def _memory(self, case: Case) -> None:
        when = self._policy.memory_dump
        if when is DumpWhen.ON or (when is DumpWhen.FAILED and case.failed):
            self._dumping.by_host(linux=self._family is Family.LINUX)

    def _registers(self) -> Capture:
        watch, path = Stopwatch(), self._captures.directory / REGISTERS
        path.write_text(self._witness.registers(), encoding="utf-8")
        return self._captures.file("registers", path, watch.t_s)


def evidence_of(
    order: CellOrder,
    witness: Witness,
    captures: Captures,
    *,
    deadline: Deadline,
    burst: Callable[[], None],
    moved_on: Callable[[], bool],
) -> Evidence:
    """The evidence of one attempt, with the limits that its order sets."""
    policy, factor = order.evidence, max(1.0, order.host.factor)
    slots = DumpSlots(run_of(order.recording), policy.most)
    return Evidence(
        witness,
        captures,
        Asking(witness, captures, factor=factor, moved_on=moved_on),
        Dumping(
            witness,
            captures,
            policy,
            slots,
            factor=factor,
            deadline=deadline,
            moved_on=moved_on,
            offline=Offline(order.places, accelerator=order.host.accelerator, factor=factor),
        ),
        policy=policy,
        family=order.image.family,
        cmdline=cmdline(order.image.cmdline, order.host.accelerator),
        burst=burst,
    )
