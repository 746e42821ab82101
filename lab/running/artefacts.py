"""What the cells of an image will put into their guests, compiled before the first of them takes up room on
a host.

A kernel module takes 7 to 20 s, once per image and build; a cell that has to wait for it holds processors
that others could use meanwhile. Refuses to judge: what cannot be had is said by the cell that needs it, in
its recording.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lab import agents, log
from lab.agents.artefacts import ArtefactStore
from lab.errors import LabError
from lab.images.built import BuiltImage
from lab.model import Cell
from lab.places import Places


def make_ready(cells: Iterable[Cell], image: BuiltImage, root: Path, places: Places) -> None:
    """Resolve every version that those of `cells` on `image` will use.

    :param root: of the lab: `agents/` is below it.
    """
    own = [cell for cell in cells if cell.image == image.name]
    versions = [(cell.agent, version) for cell in own for version in (cell.installed, cell.version)]
    for agent, version in dict.fromkeys(versions):
        try:
            ArtefactStore(places, agents.load(root / "agents" / agent)).resolve(version, image)
        except LabError as error:
            log.get("running").debug(
                "not ready", agent=agent, version=str(version), image=image.name, error=str(error)
            )
