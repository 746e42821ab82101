"""When sensors should look closer: a guest that stopped answering, or one that takes long to begin.

Follows the recording and asks sensors for bursts; whether anything is wrong is for the detectors to say.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.model import Expectation, Heartbeat, MachineEvent, Observation

SLOW_SHARE = 0.5
"""Share of the boot deadline after which a guest that never answered is looked at closer."""


class Suspicion:
    """A subscriber of the recorder.

    :param boot_s: the boot deadline, scaled.
    :param pulse: asks for samples with instruction pointers.
    :param screen: asks for frames.
    """

    def __init__(self, boot_s: float, *, pulse: Callable[[], None], screen: Callable[[], None]) -> None:
        self._slow_s = boot_s * SLOW_SHARE
        self._pulse = pulse
        self._screen = screen
        self._answered = False
        self._failing = False
        self._since = 0.0
        """When waiting for an answer began."""
        self._declared = 0
        self.panicked = False
        """A panic was told, and the guest has not been reset since."""
        self.moved_on = False
        """It was reset or powered off after a panic, or powered off at all."""

    @property
    def unanswered(self) -> bool:
        """No heartbeat since the last that failed."""
        return self._failing

    def observe(self, observation: Observation) -> None:
        match observation:
            case Heartbeat(ok=True):
                self._answered, self._failing = True, False
            case Heartbeat():
                self._failing = True
                self._consider(observation.t_s)
            case Expectation():
                self._declared = max(0, self._declared + (1 if observation.begin else -1))
            case MachineEvent():
                self._event(observation)
            case _:
                pass

    def _consider(self, t_s: float) -> None:
        """A guest that never answered gets its time first; a declared reboot is no reason."""
        if self._answered and not self._declared:
            self._pulse()
            self._screen()
        elif t_s - self._since > self._slow_s:
            self._pulse()

    def _event(self, event: MachineEvent) -> None:
        match event.name:
            case "panicked":
                self.panicked, self.moved_on = True, False
                self._screen()
            case "watchdog" | "io-error":
                self._pulse()
                self._screen()
            case "reset":
                self.moved_on = self.moved_on or self.panicked
                self._answered, self._since, self.panicked = False, event.t_s, False
                self._screen()
            case "shutdown":
                self.moved_on = True
            case _:
                pass
