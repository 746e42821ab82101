"""The user's media: who says where they are, what is missing, and what planning tells of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lab import config
from lab.config import Media
from lab.errors import ArtefactError, BuildError, ConfigError, HostError, InputError
from lab.images import catalogue, workshop
from lab.images.built import Provenance
from lab.images.recipe import WindowsRecipe
from lab.images.store import ImageStore, _windows_trouble
from lab.images.windows import given, inputs
from lab.model import BootPath, Family, Firmware
from lab.places import Places

sys.path.insert(0, str(Path(__file__).parent))
import windows_standins as standins
from images_samples import places

LAB = """version: 1
agent: a
installed: {build: "1", content: "1"}
arms: {baseline: {build: "1", content: "1"}, candidate: {build: "2", content: "1"}}
matrix: {images: ["*"], profiles: [p], scenarios: ["*"]}
profiles: {p: {}}
"""
WINDOWS = "kind: windows\nsummary: s\nrelease: r\nos: win11-24h2\nedition: Pro\ndisk: 64GiB\n"


def at(tmp_path: Path, text: str = "") -> dict[str, WindowsRecipe]:
    (tmp_path / "lab.yaml").write_text(LAB + text)
    lab = replace(config.load(tmp_path / "lab.yaml"), places=places(tmp_path))
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "HOME": str(tmp_path)}
    found = given.apply(catalogue.load(standins.SHIPPED), lab, environ)
    return {name: one for name, one in found.items() if isinstance(one, WindowsRecipe)}


def test_nothing_is_given_at_first_and_every_release_says_so() -> None:
    for name, recipe in catalogue.load(standins.SHIPPED).items():
        if isinstance(recipe, WindowsRecipe):
            reason, hint = given.missing(recipe)
            assert reason.startswith("needs your ISO of Windows")
            assert hint == f"lab image build {name} --iso FILE --virtio FILE"


def test_the_strongest_word_wins(tmp_path: Path) -> None:
    own = tmp_path / "config/fleet-lab/media.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("'*': {virtio: /v/own.iso, language: de-DE}\n")
    found = at(tmp_path, "media: {'win11-*': {iso: iso/w.iso, language: fr-FR}}\n")
    eleven, server = found["win11-24h2"], found["win2025"]
    assert (eleven.iso, eleven.virtio, eleven.language) == (
        tmp_path / "iso/w.iso",
        Path("/v/own.iso"),
        "fr-FR",
    )
    assert (server.iso, server.language) == (None, "de-DE")
    given.remember(places(tmp_path), "win11-24h2", Media(language="it-IT", updates=(tmp_path / "a.msu",)))
    given.remember(places(tmp_path), "win11-24h2", Media(edition="Pro"))
    again = at(tmp_path)["win11-24h2"]
    assert (again.language, again.edition, again.updates) == ("it-IT", "Pro", (tmp_path / "a.msu",))
    given.forget(places(tmp_path), "win11-24h2")
    assert at(tmp_path)["win11-24h2"].language == "de-DE"


def test_a_wrong_key_in_the_users_own_file_has_its_place(tmp_path: Path) -> None:
    own = tmp_path / "config/fleet-lab/media.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("win2025: {isso: /x.iso}\n")
    with pytest.raises(ConfigError, match=r"media\.yaml:1:.*isso"):
        at(tmp_path)


def test_files_that_are_named_and_not_there_are_what_is_missing(tmp_path: Path) -> None:
    iso = tmp_path / "w.iso"
    recipe = standins.recipe("win2025", iso=iso)
    assert given.missing(recipe)[0] == f"its ISO {iso} is not there"
    iso.touch()
    assert given.missing(recipe)[0] == "needs virtio-win media with the drivers"
    virtio = tmp_path / "v.iso"
    virtio.touch()
    recipe = replace(recipe, virtio=virtio)
    assert given.missing(recipe) == ("", "")
    reason, hint = given.missing(replace(recipe, updates=(tmp_path / "kb.msu",)))
    assert (reason, "--update FILE" in hint) == (f"its update {tmp_path / 'kb.msu'} is not there", True)


def test_planning_is_told_the_reason_and_the_command(tmp_path: Path) -> None:
    info = ImageStore(places(tmp_path)).info(standins.recipe("win11-24h2"))
    assert (info.family, info.firmware, info.boot) == (Family.WINDOWS, Firmware.UEFI, BootPath.LOADER)
    assert info.needs_tpm
    assert "needs your ISO" in info.unrunnable
    assert "--iso FILE" in info.hint
    assert not info.built


@pytest.mark.parametrize(
    ("expires", "reason"), [("2000-01-01", "its evaluation ended on 2000-01-01"), ("", "")]
)
def test_an_image_of_an_evaluation_that_ended_does_not_run(expires: str, reason: str) -> None:
    built = Provenance(
        name="win2025", kind="windows", recipe_digest="", lab="", built="", build_s=0.0, digest="", files={},
        sizes={}, release="", kernel_release="", kernel_build="", cmdline="", firmware=Firmware.UEFI,
        boot=BootPath.LOADER, expires=expires,
    )  # fmt: skip
    assert _windows_trouble(standins.recipe("win2025"), built)[0] == reason


def test_where_the_media_are_does_not_make_it_another_image_but_the_updates_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab.images import keys

    monkeypatch.setattr(keys, "ensure", lambda _: keys.KeyPair(tmp_path / "key", "ssh-ed25519 AAAA"))
    store = ImageStore(places(tmp_path))
    plain = standins.recipe("win2025")
    moved = replace(plain, iso=tmp_path / "a.iso", virtio=tmp_path / "b.iso")
    assert store.recipe_digest(moved) == store.recipe_digest(plain)
    updated = replace(plain, updates=(tmp_path / "kb5050009.msu",))
    elsewhere = replace(plain, updates=(tmp_path / "x" / "kb5050009.msu",))
    assert store.recipe_digest(updated) != store.recipe_digest(plain)
    assert store.recipe_digest(updated) == store.recipe_digest(elsewhere)
    assert store.recipe_digest(replace(plain, edition="Datacenter")) != store.recipe_digest(plain)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("os: win11-23h3", "unknown release 'win11-23h3' (closest is 'win11-23h2')"),
        ("edition: Enterprize", "unknown edition 'Enterprize' (closest is 'Enterprise')"),
        ("edition: Standard", "unknown edition 'Standard'"),
        ("firmware: bios\nsecure_boot: true", "Secure Boot is part of UEFI"),
        ("language: xx-XX", "knows no keyboard"),
        ("variant: {dump: huge}", "variant.dump: wanted"),
    ],
)
def test_a_wrong_recipe_is_refused_at_its_file(change: str, said: str, tmp_path: Path) -> None:
    key = change.partition(":")[0]
    lines = [line for line in WINDOWS.splitlines() if not line.startswith(f"{key}:")]
    (tmp_path / "w.yaml").write_text("\n".join([*lines, change]) + "\n")
    with pytest.raises(ConfigError) as caught:
        catalogue.load(tmp_path)
    assert said in caught.value.message
    assert "w.yaml:" in caught.value.message


def test_a_variant_arrives_as_it_is_written(tmp_path: Path) -> None:
    text = "variant: {dump: complete, dump_disk: none, pagefile: 2GiB, verifier: pool, clock: utc, "
    text += "updates: true}\n"
    (tmp_path / "w.yaml").write_text(WINDOWS + text)
    recipe = catalogue.load(tmp_path)["w"]
    assert isinstance(recipe, WindowsRecipe)
    wanted = recipe.wanted
    assert (wanted.dump, wanted.dump_disk_mib, wanted.pagefile_mib) == ("complete", 0, 2048)
    assert (wanted.verifier, wanted.clock, wanted.updates) == ("pool", "utc", True)


def check(recipe: WindowsRecipe, room: Path, *, absent: str = "") -> inputs.Inputs:
    return inputs.check(
        recipe, room, program=lambda name: None if name == absent else f"/usr/bin/{name}",
        present=lambda path: not (absent and absent in str(path)),
    )  # fmt: skip


def complete(tmp_path: Path, release: str = "win11-24h2", **changes: object) -> WindowsRecipe:
    iso, virtio = standins.windows_iso(tmp_path, release), standins.virtio_iso(tmp_path, release)
    return standins.recipe(release, iso=iso, virtio=virtio, **changes)


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop, "free_mib", lambda _: 10**6)


@pytest.mark.usefixtures("roomy")
def test_complete_inputs_pass(tmp_path: Path) -> None:
    found = check(complete(tmp_path), tmp_path)
    assert found.image.name == "Windows 11 Enterprise"
    assert not found.ssh
    assert check(complete(tmp_path, "win2025"), tmp_path).ssh


@pytest.mark.usefixtures("roomy")
@pytest.mark.parametrize(
    ("absent", "said", "remedy"),
    [
        (
            "swtpm",
            "is installed with a TPM 2.0, and swtpm is not on this host",
            "apt-get install swtpm swtpm-tools",
        ),
        ("OVMF", "UEFI firmware with Secure Boot is missing", "apt-get install ovmf"),
    ],
)
def test_a_host_without_the_hardware_is_refused_with_its_remedy(
    absent: str, said: str, remedy: str, tmp_path: Path
) -> None:
    with pytest.raises(HostError, match=said) as caught:
        check(complete(tmp_path), tmp_path, absent=absent)
    assert caught.value.hint == remedy


def test_too_little_room_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = complete(tmp_path)
    monkeypatch.setattr(workshop, "free_mib", lambda _: 9_000)
    with pytest.raises(BuildError, match=r"9000 MiB free \(the build needs 30720 MiB\)") as caught:
        check(recipe, tmp_path)
    assert "LAB_HOME" in str(caught.value.hint)


@pytest.mark.usefixtures("roomy")
def test_an_iso_that_does_not_boot_with_the_firmware_is_refused(tmp_path: Path) -> None:
    files = standins.windows_files(standins.RELEASES["win11-24h2"])
    iso = standins.make_iso(tmp_path / "w.iso", files, udf=True, boots=False)
    recipe = replace(complete(tmp_path), iso=iso)
    with pytest.raises(ArtefactError, match="does not boot with uefi firmware"):
        check(recipe, tmp_path)


@pytest.mark.usefixtures("roomy")
def test_files_that_are_not_what_their_names_say_are_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "x.msu"
    wrong.write_bytes(b"<html>")
    with pytest.raises(ArtefactError, match="no update of Windows"):
        check(complete(tmp_path, updates=(wrong,)), tmp_path)
    with pytest.raises(ArtefactError, match="no MSI file"):
        check(complete(tmp_path, openssh=wrong), tmp_path)
    with pytest.raises(ArtefactError, match=r"its update .* is not there"):
        check(complete(tmp_path, updates=(tmp_path / "absent.msu",)), tmp_path)


def test_missing_media_are_told_before_the_host_is_looked_at(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="needs your ISO"):
        check(standins.recipe("win2025"), tmp_path, absent="OVMF")
    with pytest.raises(InputError, match="edition 'Ultimate'"):
        check(standins.recipe("win2025", edition="Ultimate"), tmp_path)


def test_places_keep_what_is_remembered_apart_by_image(tmp_path: Path) -> None:
    here: Places = places(tmp_path)
    given.remember(here, "win2025", Media(language="de-DE"))
    assert given.remembered(here, "win2022") == Media()
