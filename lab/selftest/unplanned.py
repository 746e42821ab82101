"""The attempt of a cell that is in no plan and tests no agent: what a guest of the self-tests is ordered as.

Says nothing of what is done to the guest; `bench` and `windows.bench` do.
"""

from __future__ import annotations

from pathlib import Path

from lab import codec
from lab.images.built import BuiltImage
from lab.model import (
    AgentVersion,
    Arm,
    Cell,
    CellId,
    DumpWhen,
    EvidencePolicy,
    Profile,
    ScenarioInfo,
    Timeouts,
)
from lab.places import Places
from lab.running.attempt import Attempt, facts
from lab.running.order import CellOrder, HostChoice


class UnplannedAttempt(Attempt):
    """An attempt without an agent under test."""

    def _prepare_agent(self) -> None:
        codec.replace_text(self.order.recording / "attempt.json", facts(self.order, []))


def order(
    image: BuiltImage,
    host: HostChoice,
    places: Places,
    recording: Path,
    profile: Profile,
    *,
    name: str,
    timeouts: Timeouts,
    scenario: str = "selftest",
    dump_disk_mib: int = 0,
    loop_resets: int = 3,
) -> CellOrder:
    """Everything that the attempt is told.

    :param recording: must not exist; holds the attempt afterwards.
    :param name: what the cell's id says after `selftest-`.
    :param dump_disk_mib: size of the disk that the guest may write its own dump to; 0: there is none.
    """
    nothing = AgentVersion(build="", content="")
    cell = Cell(
        id=CellId(f"selftest-{name}"),
        image=image.name,
        profile=profile.name,
        scenario=scenario,
        arm=Arm.BASELINE,
        agent="",
        version=nothing,
        installed=nothing,
        timeouts=timeouts,
        memory_mib=profile.memory_mib,
    )
    return CellOrder(
        run="selftest",
        cell=cell,
        attempt=1,
        recording=recording,
        root=recording,
        places=places,
        image=image,
        profile=profile,
        scenario=ScenarioInfo(name=scenario, path="", function=""),
        host=host,
        loop_resets=loop_resets,
        evidence=EvidencePolicy(memory_dump=DumpWhen.OFF, dump_disk_mib=dump_disk_mib),
    )
