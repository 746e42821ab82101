"""The builder of Windows images: an image only of a guest that is what was asked for."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.errors import BuildError
from lab.images import keys, workshop
from lab.images.builders import disk
from lab.images.builders import windows as builder
from lab.images.builders.windows import WindowsBuilder
from lab.images.recipe import WindowsRecipe
from lab.images.store import ImageStore
from lab.images.windows import answers, identity, inputs, preparing
from lab.images.windows.preparing import Prepared
from lab.places import Places
from lab.proc import Completed

sys.path.insert(0, str(Path(__file__).parent))
import windows_standins as standins
from images_samples import places, qcow2
from test_images_windows_machine import HOST_KEY, report

SECRET = identity.Identity(password="p", host_key=keys.HostKey("private", HOST_KEY))


@pytest.fixture
def recipe(tmp_path: Path) -> WindowsRecipe:
    iso, virtio = standins.windows_iso(tmp_path, "win2025"), standins.virtio_iso(tmp_path, "win2025")
    return standins.recipe("win2025", iso=iso, virtio=virtio)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A host on which nothing is started: the media are files, and the guest is its report."""

    def prepare(*given: Any) -> Prepared:
        directory: Path = given[-1]
        directory.mkdir()
        (directory / "disk.qcow2").write_bytes(qcow2())
        return Prepared(
            directory=directory, answers_iso=directory / "a", disk=directory / "disk.qcow2",
            dump_disk=None, files={},
        )  # fmt: skip

    def convert(argv: list[Any], **_: object) -> Completed:
        Path(argv[-1]).write_bytes(Path(argv[-2]).read_bytes())
        return Completed(exit_code=0)

    monkeypatch.setattr(keys, "ensure", lambda _: keys.KeyPair(tmp_path / "key", "ssh-ed25519 AAAA"))
    monkeypatch.setattr(identity, "ensure", lambda *_: SECRET)
    monkeypatch.setattr(inputs, "check_host", lambda *_, **__: None)
    monkeypatch.setattr(preparing, "prepare", prepare)
    monkeypatch.setattr(builder, "accelerator", lambda _: "kvm")
    monkeypatch.setattr(builder.proc, "checked", convert)
    monkeypatch.setattr(workshop, "free_mib", lambda _: 10**6)
    return places(tmp_path)


def told(monkeypatch: pytest.MonkeyPatch, **system: object) -> None:
    """The guest's report: as asked for, but for what is given."""

    def install(
        _self: WindowsBuilder, recipe: WindowsRecipe, given: inputs.Inputs, *_: object
    ) -> dict[str, Any]:
        found = report(given, recipe.wanted)
        return {**found, "os": {**found["os"], **system}, "evaluation_minutes": 1440}

    monkeypatch.setattr(WindowsBuilder, "_install", install)


def test_an_image_knows_its_build_with_revision_and_how_it_is_reached(
    recipe: WindowsRecipe, here: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(monkeypatch)
    store = ImageStore(here)
    image = store.build(recipe)
    assert (image.kernel_release, image.user) == ("26100.1742", "lab")
    assert image.channels == ("agent", "ssh", "winrm")
    assert (image.host_key, image.winrm_thumbprint) == (HOST_KEY, "AB12")
    info = store.info(recipe)
    assert (info.built, info.unrunnable, info.kernel) == (True, "", "26100.1742")
    provenance = store.provenance(recipe)
    assert provenance is not None
    assert provenance.expires == ""
    assert provenance.packages == {"KB5050009": ""}


def test_a_built_image_runs_without_its_media_at_hand(
    recipe: WindowsRecipe, here: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(monkeypatch)
    store = ImageStore(here)
    store.build(recipe)
    info = store.info(replace(recipe, iso=None, virtio=None))
    assert (info.built, info.unrunnable) == (True, "")


def test_a_guest_of_another_build_than_asked_for_is_no_image(
    recipe: WindowsRecipe, here: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(monkeypatch, build=20348)
    store = ImageStore(here)
    with pytest.raises(BuildError, match=r"not what was asked for: build is 20348 \(wanted 26100") as caught:
        store.build(recipe)
    assert "win2025.last" in str(caught.value.hint)
    assert not list((here.images / "win2025").glob("*"))
    assert not store.info(recipe).built


def test_foreign_disks_are_told_by_their_first_or_last_bytes(tmp_path: Path) -> None:
    for head, tail, kind in (
        (b"vhdxfile", b"", "vhdx"),
        (b"KDMV", b"", "vmdk"),
        (b"# Disk DescriptorFile", b"", "vmdk"),
        (b"conectix", b"", "vpc"),
        (b"", b"conectix".ljust(512, b"\0"), "vpc"),
        (b"QFI\xfb", b"", ""),
        (b"", b"", ""),
    ):
        path = tmp_path / "disk"
        path.write_bytes(head.ljust(4096, b"\1") + tail)
        assert disk.foreign_format(path) == kind


def test_the_preparation_compares_only_with_what_lasts_and_needs_no_dump_disk() -> None:
    files = answers.preparation()
    assert b"BypassNRO" not in files["settings.json"]
    assert b"DedicatedDumpFile" not in files["settings.json"]
    assert b"CrashDumpEnabled" in files["settings.json"]
    text = files["prepare.ps1"].decode("ascii")
    assert all(name in text for name in ("settings.json", "lab.pub", "prepare.json"))
