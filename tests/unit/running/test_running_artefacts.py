"""What cells put into their guests is compiled before they have a place, and is theirs to complain about."""

from __future__ import annotations

from pathlib import Path

import pytest
from running_factories import cell, image

from lab.errors import BuildError
from lab.images.built import BuiltImage
from lab.model import AgentVersion
from lab.places import Places
from lab.running import artefacts


class Store:
    """Counts what it is asked for; one build of it cannot be compiled."""

    asked: list[tuple[str, str]]

    def __init__(self, places: Places, manifest: str) -> None:
        self.manifest = manifest

    def resolve(self, version: AgentVersion, of: BuiltImage) -> None:
        Store.asked.append((version.build, of.name))
        if version.build == "broken":
            raise BuildError("it does not compile")


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> type[Store]:
    Store.asked = []
    monkeypatch.setattr(artefacts, "ArtefactStore", Store)
    monkeypatch.setattr(artefacts.agents, "load", lambda path: path.name)
    return Store


def test_each_version_of_the_cells_of_an_image_is_made_once_and_one_that_fails_stops_no_other(
    tmp_path: Path,
) -> None:
    places = Places(cache=tmp_path, state=tmp_path, runtime=tmp_path)
    builds = ("1.0", "broken", "1.1", "1.1")
    cells = [
        cell(
            installed=AgentVersion(build="1.0", content="289"), version=AgentVersion(build=build, content="1")
        )
        for build in builds
    ]
    elsewhere = cell(image="other", version=AgentVersion(build="9.9", content="1"))
    artefacts.make_ready([*cells, elsewhere], image(), tmp_path, places)
    made = [build for build, _ in Store.asked]
    assert set(made) == {"1.0", "broken", "1.1"}
    assert made.count("1.1") == 1
    assert {name for _, name in Store.asked} == {"tiny"}
