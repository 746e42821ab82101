"""The rescue guest's RAM disk: what is in it, and when it is made anew."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from lab.errors import BuildError
from lab.images import initrd
from lab.offline import rescue, steps
from lab.offline.refusal import REMEDIES, Refusal

RELEASE = "6.1.0-1-amd64"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An unpacked root with every module, of which one needs another."""
    tree = tmp_path / "usr/lib/modules" / RELEASE
    tree.mkdir(parents=True)
    lines = [f"{name}.ko:" for name in rescue.MODULES if name != "ext4"] + ["jbd2.ko:", "ext4.ko: jbd2.ko"]
    (tree / "modules.dep").write_text("\n".join(lines))
    (tree / "modules.builtin").write_text("")
    for line in lines:
        name = line.partition(":")[0]
        (tree / name).write_bytes(name.encode())
    for name in ("usr/bin/busybox", *(program[1:] for program in rescue.PROGRAMS), "lib/libntfs-3g.so.89"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"program")
    (tmp_path / "lib64").mkdir()
    (tmp_path / "lib64/ld-linux-x86-64.so.2").write_bytes(b"loader")
    return tmp_path


def test_the_ram_disk_has_programs_libraries_and_modules_in_the_order_they_load(root: Path) -> None:
    archive = rescue.ram_disk(root, RELEASE)
    names = set(initrd.names(archive))
    assert {"init", "bin/busybox", "usr/bin/ntfs-3g", "lib/libntfs-3g.so.89", "m/ext4.ko"} <= names
    order = archive[archive.index(b"virtio_pci.ko\n") :].split(b"\0")[0].decode().split()
    assert order.index("jbd2.ko") < order.index("ext4.ko")
    assert set(order) == {f"{name}.ko" for name in (*rescue.MODULES, "jbd2")}


def test_a_module_that_is_missing_stops_the_making(root: Path) -> None:
    path = root / "usr/lib/modules" / RELEASE / "modules.dep"
    path.write_text(path.read_text().replace("exfat.ko:\n", ""))
    with pytest.raises(BuildError, match="'exfat'"):
        rescue.ram_disk(root, RELEASE)


def test_another_script_is_another_rescue_guest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = rescue.directory_name()
    changed = tmp_path / "init.sh"
    changed.write_text(rescue.INIT.read_text() + "\n")
    monkeypatch.setattr(rescue, "INIT", changed)
    assert rescue.directory_name() != before
    assert rescue.directory_name().startswith("bookworm-")


@pytest.mark.parametrize("script", [rescue.INIT, steps.SCRIPT])
def test_the_scripts_are_ones_that_a_posix_shell_reads(script: Path) -> None:
    subprocess.run(["sh", "-n", str(script)], check=True, timeout=20)


def test_the_script_and_the_lab_have_the_same_words_for_a_refusal() -> None:
    said = set(re.findall(r"\bsay ([a-z]+)\b", steps.SCRIPT.read_text()))
    assert said
    assert said <= {why.value for why in Refusal}
    assert set(REMEDIES) == set(Refusal)
