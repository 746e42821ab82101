"""images/*.yaml to recipes, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import ConfigError, InputError
from lab.images import catalogue
from lab.images.recipe import DebianRecipe, DiskRecipe, TinyRecipe
from lab.model import BootPath, Family, Firmware

SHIPPED = Path(__file__).parents[3] / "images"
DEBIAN = "kind: debian\nsummary: s\nrelease: Debian 12\nsuite: bookworm\n"
DISK = f"kind: disk\nsummary: s\nrelease: Windows 11\nsha256: {'a' * 64}\npath: w11.qcow2\n"


def recipe(tmp_path: Path, text: str, name: str = "one") -> object:
    (tmp_path / f"{name}.yaml").write_text(text)
    return catalogue.load(tmp_path)[name]


def refused(tmp_path: Path, text: str, name: str = "one") -> str:
    with pytest.raises(ConfigError) as caught:
        recipe(tmp_path, text, name)
    return caught.value.message


def test_the_shipped_catalogue_has_five_releases_a_tiny_one_and_one_that_boots_by_firmware() -> None:
    recipes = catalogue.load(SHIPPED)
    assert isinstance(recipes["tiny"], TinyRecipe)
    kernels = {one.kernel_suite for one in recipes.values() if isinstance(one, DebianRecipe)}
    assert {"bullseye", "bookworm", "bookworm-backports", "trixie", "sid"} <= kernels
    debian = [one for one in recipes.values() if isinstance(one, DebianRecipe)]
    loaders = [one for one in debian if one.boot is BootPath.LOADER]
    assert [one.firmware for one in loaders] == [Firmware.UEFI]
    assert all(one.summary and one.release and one.source.is_file() for one in recipes.values())


def test_the_shipped_catalogue_names_no_server() -> None:
    for path in SHIPPED.rglob("*.yaml"):
        assert "://" not in path.read_text(), path


def test_a_debian_recipe_takes_packages_from_its_own_suite_unless_told(tmp_path: Path) -> None:
    plain = recipe(tmp_path, DEBIAN + "also: [bookworm-security]\nmin_memory: 1GiB\n")
    assert isinstance(plain, DebianRecipe)
    assert plain.suites == ("bookworm", "bookworm-security")
    assert (plain.kernel_suite, plain.min_memory_mib, plain.disk_mib) == ("bookworm", 1024, 2048)
    assert (plain.firmware, plain.boot) == (Firmware.BIOS, BootPath.DIRECT)


def test_a_loader_makes_it_boot_through_uefi(tmp_path: Path) -> None:
    loaded = recipe(tmp_path, DEBIAN + "loader: systemd-boot\n")
    assert isinstance(loaded, DebianRecipe)
    assert (loaded.firmware, loaded.boot) == (Firmware.UEFI, BootPath.LOADER)


def test_the_kernels_suite_must_be_one_of_the_suites(tmp_path: Path) -> None:
    said = refused(tmp_path, DEBIAN + "kernel_from: bookworm-backports\n")
    assert "kernel_from: 'bookworm-backports' is not among the suites 'bookworm'" in said


def test_a_disk_recipe_finds_its_file_beside_itself(tmp_path: Path) -> None:
    disk = recipe(tmp_path, DISK + "firmware: uefi\nfamily: windows\nneeds_tpm: true\n")
    assert isinstance(disk, DiskRecipe)
    assert disk.path == tmp_path / "w11.qcow2"
    assert (disk.firmware, disk.family, disk.boot) == (Firmware.UEFI, Family.WINDOWS, BootPath.LOADER)
    assert disk.needs_tpm
    assert disk.channels == ("agent",)


def test_a_disk_with_its_own_kernel_is_started_by_qemu(tmp_path: Path) -> None:
    disk = recipe(tmp_path, DISK + "kernel_image: /boot/vmlinuz\ninitrd: initrd\ncmdline: root=/dev/vda\n")
    assert isinstance(disk, DiskRecipe)
    assert disk.boot is BootPath.DIRECT
    assert (disk.kernel_path, disk.initrd_path) == (Path("/boot/vmlinuz"), tmp_path / "initrd")


def test_ssh_into_a_users_disk_needs_the_key_to_pin(tmp_path: Path) -> None:
    assert "host_key: required key is missing" in refused(tmp_path, DISK + "channels: [ssh]\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: vhs\nsummary: s\nrelease: r\n", "kind"),
        (DEBIAN + "colour: red\n", "5:1: colour: unknown key 'colour'"),
        (DEBIAN + "suite: bookworm\n", "suite"),
        (DEBIAN.replace("bookworm", "Book Worm"), "wanted the name of a suite"),
        (DEBIAN + "min_memory: 512\n", "wanted a size with its unit"),
        (DEBIAN + "packages: [UPPER]\n", "wanted the name of a Debian package"),
        (DEBIAN + "without: [usr/lib]\n", "wanted an absolute path, with * for anything"),
        (DEBIAN + "loader: lilo\n", "systemd-boot"),
        (DISK.replace("a" * 64, "abc"), "wanted a sha256"),
        ("kind: debian\nsummary: s\nrelease: r\n", "suite: required key is missing"),
        ("", "wanted"),
    ],
)
def test_wrong_recipes_are_refused_with_a_place(tmp_path: Path, text: str, said: str) -> None:
    message = refused(tmp_path, text)
    assert said in message
    assert str(tmp_path / "one.yaml") in message


def test_all_wrong_recipes_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: debian\n")
    message = refused(tmp_path, "kind: tiny\n", "b")
    assert "a.yaml" in message
    assert "b.yaml" in message


def test_a_name_that_cannot_be_in_a_cell_id_is_refused(tmp_path: Path) -> None:
    assert "image name 'Debian_12'" in refused(tmp_path, DEBIAN, "Debian_12")


def test_a_missing_catalogue_says_what_was_wanted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such directory \(wanted images/NAME\.yaml\)"):
        catalogue.load(tmp_path / "nothing")


def test_an_unknown_name_brings_the_closest_one() -> None:
    recipes = catalogue.load(SHIPPED)
    with pytest.raises(InputError, match=r"unknown image 'debain-12' \(closest is 'debian-12'\)"):
        catalogue.pick(recipes, ["tiny", "debain-12"])
    assert list(catalogue.pick(recipes, ["tiny", "debian-12"])) == ["tiny", "debian-12"]
