"""The guest that the checks of `lab selftest --windows` work on: recorded and watched as a cell's guest
is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lab.agents.windows.tools import WindowsTools
from lab.guest.channel import Channel
from lab.guest.guest import Guest
from lab.images.built import BuiltImage
from lab.model import Finding, MachineEvent, Observation, Profile, Timeouts
from lab.places import Places
from lab.running.order import CellOrder, HostChoice
from lab.selftest import unplanned
from lab.selftest.unplanned import UnplannedAttempt
from lab.waiting import wait_for

DUMP_DISK_MIB = 4096
STAND_IN_DUMP_DISK_MIB = 64
LEAST_MIB = 384
LASTS_S = 3600.0
"""Before scaling; a real Windows restarts nine times."""


class Bench(UnplannedAttempt):
    """An attempt whose channels and tools the checks use."""

    events: list[MachineEvent]
    ways: dict[str, Channel]
    stopped_s: float = 0.0
    """When a stop was provoked, on the recording's clock."""
    stopped_boot: str = ""

    def _open_recording(self) -> None:
        super()._open_recording()
        self.events = []
        self.ways = {}
        self.recorder.subscribe(self._listen)

    def _listen(self, observation: Observation) -> None:
        if isinstance(observation, MachineEvent):
            self.events.append(observation)

    def _reach(self, channels: Sequence[Channel]) -> None:
        self.ways = {channel.name: channel for channel in channels}
        self.guest = Guest(
            channels, self.record, self.clock, self.timeouts, rewinder=self.machine, dialect=self.dialect
        )
        self._stack.callback(self.guest.close)

    def _linger(self) -> None:
        """The checks themselves wait for what they provoke."""

    @property
    def image(self) -> BuiltImage:
        return self.order.image

    @property
    def tools(self) -> WindowsTools:
        return WindowsTools(self.guest)

    def event(self, name: str, since_s: float) -> MachineEvent | None:
        """The first of that name after `since_s` of the recording."""
        return next((one for one in self.events if one.name == name and one.t_s >= since_s), None)

    def found(self, fits: Callable[[Finding], bool], what: str, timeout_s: float) -> Finding:
        """The first finding that fits, also one that comes within `timeout_s`.

        :raise WaitTimeout: there is none.
        """

        def look() -> Finding | None:
            return next((one for one in self.watch.findings if fits(one)), None)

        return wait_for(look, what=what, timeout_s=timeout_s)


def order(
    image: BuiltImage, host: HostChoice, places: Places, recording: Path, profile: Profile
) -> CellOrder:
    """The checks as an attempt."""
    return unplanned.order(
        image,
        host,
        places,
        recording,
        profile,
        name=image.name,
        timeouts=Timeouts(boot_s=600.0, reboot_s=600.0, cell_s=LASTS_S),
        scenario="selftest-windows",
        dump_disk_mib=STAND_IN_DUMP_DISK_MIB if image.stand_in else DUMP_DISK_MIB,
    )


def profile_of(image: BuiltImage, *, needs_tpm: bool = False, secure_boot: bool = False) -> Profile:
    """The smallest machine that the image can be started on."""
    memory_mib = max(image.min_memory_mib, LEAST_MIB)
    return Profile(
        name="selftest",
        vcpus=1 if image.stand_in else 2,
        memory_mib=memory_mib,
        firmware=image.firmware,
        tpm=needs_tpm,
        secure_boot=secure_boot,
    )
