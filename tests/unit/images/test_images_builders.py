"""Which packages, hooks and command lines the builders ask for."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lab.images import bootstrap, catalogue, keys, mirror, tools
from lab.images.builders import Job, debian, direct
from lab.images.builders.table import BUILDERS
from lab.images.progress import Progress
from lab.images.recipe import DebianRecipe, DiskRecipe
from lab.model import BootPath

sys.path.insert(0, str(Path(__file__).parent))
from images_samples import places

SHIPPED = Path(__file__).parents[3] / "images"


@pytest.fixture(autouse=True)
def archive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "read", lambda: mirror.Mirror("http://m/d", "http://s/d"))


def shipped(name: str) -> DebianRecipe:
    recipe = catalogue.read(SHIPPED / f"{name}.yaml")
    assert isinstance(recipe, DebianRecipe)
    return recipe


def test_every_kind_of_recipe_has_a_builder_that_names_its_tools() -> None:
    assert set(BUILDERS) == {"debian", "tiny", "disk", "windows", "stand-in"}
    for name in ("debian", "tiny"):
        assert {tools.MMDEBSTRAP, tools.MKE2FS, tools.QEMU_IMG} <= set(BUILDERS[name].needs)
        assert BUILDERS[name].room_mib > 1000
    assert BUILDERS["disk"].needs == ()


def test_a_backported_kernel_is_asked_for_by_its_suite(tmp_path: Path) -> None:
    packages = debian._spec(shipped("debian-12-backports"), tmp_path).packages
    assert "linux-image-amd64/bookworm-backports" in packages
    assert "linux-image-amd64" in debian._spec(shipped("debian-12"), tmp_path).packages


def test_only_an_image_with_a_loader_gets_one(tmp_path: Path) -> None:
    with_loader, without = (debian._spec(shipped(name), tmp_path) for name in ("debian-13-uefi", "debian-13"))
    assert "systemd-boot-efi" in with_loader.packages
    assert "systemd-boot-efi" not in without.packages
    assert any("BOOTX64.EFI" in hook for hook in with_loader.hooks)
    assert not any("BOOTX64.EFI" in hook for hook in without.hooks)


def test_an_unpacked_guest_has_the_labs_files_before_its_own_hooks_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bootstrap.Bootstrap] = []

    def run(spec: bootstrap.Bootstrap, scratch: Path, _progress: Progress) -> Path:
        asked.append(spec)
        return scratch / "out"

    monkeypatch.setattr(bootstrap, "run", run)
    job = Job(
        scratch=tmp_path,
        draft=tmp_path / "draft",
        keys=keys.KeyPair(tmp_path / "key", "ssh-ed25519 AAAA"),
        places=places(tmp_path),
        progress=Progress("tiny"),
    )
    direct.unpack(job, ("sid",), ("kmod",), b"a tar", ("ext4", "virtio_blk"), "its own")
    (spec,) = asked
    assert spec.variant == "extract"
    assert [hook[:6] for hook in spec.hooks] == ["tar-in", "MODULE", "its ow"]
    assert "'ext4 virtio_blk'" in spec.hooks[1]
    assert (tmp_path / "overlay.tar").read_bytes() == b"a tar"


def test_a_suite_without_an_archive_here_is_left_out_and_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "read", lambda: mirror.Mirror("http://m/d", None))
    assert debian._spec(shipped("debian-12"), tmp_path).suites == ("bookworm", "bookworm-updates")
    assert direct.notes(shipped("debian-12").suites) == (
        "without bookworm-security: this machine's apt has no security archive",
    )


def test_paths_that_a_recipe_does_without_are_not_unpacked(tmp_path: Path) -> None:
    recipe = replace(shipped("debian-12"), without=("/usr/lib/*/libLLVM*",))
    assert "--dpkgopt=path-exclude=/usr/lib/*/libLLVM*" in debian._spec(recipe, tmp_path).options


def test_more_packages_of_a_recipe_are_installed(tmp_path: Path) -> None:
    assert (
        "stress-ng" in debian._spec(replace(shipped("debian-12"), packages=("stress-ng",)), tmp_path).packages
    )


@pytest.mark.parametrize("line", [direct.CMDLINE, debian.LOADER_CMDLINE])
def test_every_guest_logs_to_the_serial_port_and_restarts_after_a_panic(line: str) -> None:
    words = line.split()
    assert {"console=ttyS0", "loglevel=8", "panic=5", "oops=panic", "rw"} <= set(words)
    assert "quiet" not in words


def test_the_kernel_of_a_loader_image_looks_for_its_disk_by_label() -> None:
    assert "root=LABEL=lab-root" in debian.LOADER_CMDLINE
    assert shipped("debian-13-uefi").boot is BootPath.LOADER


def test_point_releases_are_told_and_code_names_are_not_told_twice(tmp_path: Path) -> None:
    (tmp_path / "pretty_name").write_text("Debian GNU/Linux 12 (bookworm)\n")
    (tmp_path / "debian_version").write_text("12.11\n")
    assert debian._release(tmp_path) == "Debian GNU/Linux 12 (bookworm), 12.11"
    (tmp_path / "debian_version").write_text("forky/sid\n")
    assert debian._release(tmp_path) == "Debian GNU/Linux 12 (bookworm)"


def test_no_disk_recipe_is_shipped_that_cannot_run() -> None:
    assert not [one for one in catalogue.load(SHIPPED).values() if isinstance(one, DiskRecipe)]


# -- keys and tools ----------------------------------------------------------


def test_the_labs_key_is_made_once_and_its_private_half_is_not_printed(tmp_path: Path) -> None:
    own = places(tmp_path)
    pair = keys.ensure(own)
    assert pair == keys.ensure(own)
    assert pair.public == "ssh-ed25519 AAAA lab"
    assert "SECRET" not in repr(keys.HostKey("SECRET", "public"))


def test_missing_tools_are_named_once_with_one_command_for_all() -> None:
    absent = (tools.Tool("no-x", "pkg-b"), tools.Tool("no-x", "pkg-b"), tools.Tool("no-y", "pkg-a"))
    assert tools.missing((*absent, tools.Tool("sh", "dash"))) == (absent[0], absent[2])
    assert tools.install_command(absent) == "apt-get install pkg-a pkg-b"


def test_programs_of_the_administrator_are_found_for_users_too() -> None:
    assert "/usr/sbin" in tools.SEARCH.split(":")
