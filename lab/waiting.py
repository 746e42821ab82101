"""Waiting for a condition, always with a deadline and always able to say what was seen last."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from lab.clock import Deadline

Value = TypeVar("Value")


class WaitTimeout(TimeoutError):
    """A wait passed its deadline; `last` says what was seen instead of what was wanted."""

    def __init__(self, what: str, seconds: float, last: str) -> None:
        super().__init__(f"{what}: not in {seconds:.0f} s; last seen: {last or 'nothing'}")
        self.what = what
        self.seconds = seconds
        self.last = last


def wait_for(
    probe: Callable[[], Value | None],
    *,
    what: str,
    timeout_s: float,
    interval_s: float = 0.2,
    soon_s: float | None = None,
    ignore: tuple[type[Exception], ...] = (),
) -> Value:
    """Call `probe` until it returns something other than None or False.

    :param soon_s: the first pause, for what is often there at once; pauses double up to `interval_s`.
    :param ignore: exceptions that mean "not yet"; the last one is named on a timeout.
    :raise WaitTimeout: when `timeout_s` has passed. `probe` runs at least once.
    """
    deadline = Deadline.after(timeout_s)
    last = ""
    pause_s = interval_s if soon_s is None else min(soon_s, interval_s)
    while True:
        try:
            value = probe()
        except ignore as error:
            last = f"{type(error).__name__}: {error}"
        else:
            if value is not None and value is not False:
                return value
            last = repr(value)
        if deadline.passed:
            raise WaitTimeout(what, timeout_s, last)
        time.sleep(min(pause_s, max(deadline.left_s, 0.001)))
        pause_s = min(interval_s, 2 * pause_s)
