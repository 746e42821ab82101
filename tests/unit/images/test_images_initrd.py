"""The RAM disk: module order, the archive format, and what it says when something is missing."""

from __future__ import annotations

import lzma
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import BuildError
from lab.images import initrd

RELEASE = "6.1.0-test-amd64"
DEP = """\
kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko kernel/fs/jbd2/jbd2.ko
kernel/lib/crc16.ko:
kernel/fs/jbd2/jbd2.ko:
kernel/drivers/virtio/virtio_pci.ko:
kernel/drivers/block/virtio_blk.ko.xz:
kernel/crypto/crc32c_generic.ko:
kernel/drivers/misc/pvpanic/pvpanic-pci.ko: kernel/drivers/misc/pvpanic/pvpanic.ko
kernel/drivers/misc/pvpanic/pvpanic.ko:
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An unpacked root with one kernel and a busybox."""
    tree = tmp_path / "usr/lib/modules" / RELEASE
    for line in DEP.splitlines():
        path = tree / line.partition(":")[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        content = f"module {path.name}".encode()
        path.write_bytes(lzma.compress(content) if path.suffix == ".xz" else content)
    (tree / "modules.dep").write_text(DEP)
    (tree / "modules.builtin").write_text("kernel/drivers/watchdog/i6300esb.ko\n")
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/busybox").write_bytes(b"\x7fELF busybox")
    return tmp_path


def tree(root: Path) -> initrd.ModuleTree:
    return initrd.ModuleTree.read(root / "usr/lib/modules" / RELEASE)


def test_a_module_comes_after_everything_it_needs_and_once(root: Path) -> None:
    order = [initrd.module_name(path) for path in tree(root).in_order(("ext4", "crc16", "ext4"))]
    assert order == ["jbd2", "crc16", "ext4"]


def test_builtin_modules_and_absent_optional_ones_are_left_out(root: Path) -> None:
    assert tree(root).in_order(("crc16", "i6300esb"), ("virtio_gpu",)) == ("kernel/lib/crc16.ko",)


def test_a_missing_module_that_the_root_disk_needs_is_an_error(root: Path) -> None:
    with pytest.raises(BuildError, match="kernel module 'xfs': not in"):
        tree(root).in_order(("xfs",))


def test_names_are_spelled_as_the_kernel_spells_them() -> None:
    assert initrd.module_name("kernel/drivers/misc/pvpanic/pvpanic-pci.ko.xz") == "pvpanic_pci"


def test_the_archive_loads_the_modules_in_order_and_holds_them_decompressed(root: Path) -> None:
    archive = initrd.build(root, RELEASE, optional=("pvpanic_pci",))
    names = list(initrd.names(archive))
    loaded = [name.removeprefix("m/").removesuffix(".ko") for name in names if name.startswith("m/")]
    assert loaded == [
        "virtio_pci",
        "virtio_blk",
        "jbd2",
        "crc16",
        "ext4",
        "pvpanic",
        "pvpanic_pci",
    ]
    assert b"module virtio_blk.ko.xz" in archive
    script = archive.decode("latin-1")
    places = [script.index(f"insmod /m/{name}.ko") for name in loaded]
    assert places == sorted(places)
    assert {"init", "bin/busybox", "bin/sh", "dev/console"} <= set(names)


def test_a_root_without_busybox_is_told_the_package(root: Path) -> None:
    (root / "usr/bin/busybox").unlink()
    with pytest.raises(BuildError, match="busybox-static"):
        initrd.build(root, RELEASE)


@given(st.lists(st.tuples(st.text("abcdef/", min_size=1, max_size=20), st.binary(max_size=50)), max_size=8))
def test_every_archive_member_is_found_again_whatever_its_length(members: list[tuple[str, bytes]]) -> None:
    archive = initrd.Cpio()
    for name, content in members:
        archive.file(name, content, 0o644)
    data = archive.finish()
    assert list(initrd.names(data)) == [name for name, _ in members]
    assert len(data) % 4 == 0


def test_zstd_modules_are_decompressed_by_the_tool(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(argv, *, input, **_rest):  # noqa: A002
        assert argv[-1] == "-dcq"
        return subprocess.CompletedProcess(argv, 0, stdout=b"plain " + input)

    monkeypatch.setattr(initrd.subprocess, "run", run)
    (root / "usr/lib/modules" / RELEASE / "a.ko.zst").write_bytes(b"packed")
    assert tree(root).content("a.ko.zst") == b"plain packed"
