"""`lab image` on stand-in media of every release: all that Setup would start with, and each refusal.

The ISO files are made by genisoimage, which is not what the lab reads them with, and the lab's own are read
by xorriso, which is not what made them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporary_lab import ROOT, Answer, TemporaryLab, temporary_lab

from lab.cli import invoke
from lab.images.windows import answer_disc, components, ntfs
from lab.images.windows.releases import RELEASES
from lab.offline.disk import Disk
from lab.offline.volumes import FileSystem

sys.path.insert(0, str(ROOT / "tests/unit/images"))
import windows_standins as standins

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
TOOLS = ("genisoimage", "xorriso", "mkfs.ntfs", "ntfscp", "sfdisk")
missing = [name for name in TOOLS if shutil.which(name, path="/usr/bin:/usr/sbin:/sbin:/bin") is None]
needs_tools = pytest.mark.skipif(bool(missing), reason=f"not on this machine: {', '.join(missing)}")


@pytest.fixture(scope="module")
def lab() -> Iterator[TemporaryLab]:
    with temporary_lab() as own:
        for path in (ROOT / "images").glob("win*.yaml"):
            shutil.copy(path, own.root / "images")
        # an identity of its own: the image names are those of the user's lab
        (own.places.state / "keys").unlink()
        (own.places.state / "keys").mkdir()
        yield own


def iso(directory: Path, release: str) -> Path:
    """A stand-in ISO with UDF 1.02 and two El Torito entries, as Microsoft's have."""
    source = directory / f"{release}.files"
    for name, data in standins.windows_files(RELEASES[release]).items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)
    target = directory / f"{release}.iso"
    boot = ["-b", "boot/etfsboot.com", "-no-emul-boot", "-eltorito-alt-boot", "-e", "efi/boot/efisys.bin"]
    argv = ["genisoimage", "-quiet", "-udf", "-iso-level", "3", "-V", "STAND-IN", *boot, "-no-emul-boot"]
    subprocess.run([*argv, "-o", str(target), str(source)], check=True, capture_output=True, timeout=60)
    shutil.rmtree(source)
    return target


def invoked(lab: TemporaryLab, capsys: pytest.CaptureFixture[str], *words: str | Path) -> Answer:
    code = invoke([*map(str, words), "--config", str(lab.root / "lab.yaml")])
    said = capsys.readouterr()
    return Answer(code, said.out, said.err)


def media(
    lab: TemporaryLab, capsys: pytest.CaptureFixture[str], release: str, directory: Path, to: str = "to"
) -> Path:
    virtio = standins.virtio_iso(directory, release)
    found = directory / f"{release}.iso"
    if not found.is_file():
        iso(directory, release)
    words = ("image", "media", release, "--iso", found, "--virtio", virtio, "--to", directory / to)
    answer = invoked(lab, capsys, *words)
    assert answer.code == 0, answer
    return directory / to


def hashes(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.suffix not in (".raw", ".qcow2") and path.name != "machine.xml"
    }


@needs_tools
@pytest.mark.parametrize("release", RELEASES)
def test_everything_setup_would_start_with_is_made_and_is_whole(
    release: str, lab: TemporaryLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = media(lab, capsys, release, tmp_path)
    answers = (to / "answers/autounattend.xml").read_bytes()
    assert components.problems(answers) == []
    assert answer_disc.read(to / "answers.iso")["autounattend.xml"] == answers
    listed = subprocess.run(
        ["xorriso", "-indev", to / "answers.iso", "-read_fs", "norock", "-find", "/", "-type", "f"],
        check=True, capture_output=True, text=True, timeout=60,
    ).stdout  # fmt: skip
    assert len(listed.splitlines()) == len(answer_disc.read(to / "answers.iso"))
    assert "$WinPEDriver$/viostor/viostor.inf" in answer_disc.read(to / "answers.iso")
    machine = (to / "machine.xml").read_text()
    assert f"{release}.iso" in machine
    assert (to / "disk.qcow2").stat().st_size < 1 << 20
    (volume,) = Disk(to / "dump.raw", "raw").volumes
    assert volume.type is FileSystem.NTFS


@needs_tools
def test_media_that_are_made_twice_are_the_same_bytes(
    lab: TemporaryLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = hashes(media(lab, capsys, "win2025", tmp_path, "one"))
    assert first == hashes(media(lab, capsys, "win2025", tmp_path, "two"))
    assert "answers.iso" in first


@needs_tools
def test_each_refusal_names_its_remedy(
    lab: TemporaryLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, virtio = iso(tmp_path, "win2022"), standins.virtio_iso(tmp_path, "win2025")
    for words, said, hint in (
        (("win2025",), "needs your ISO of Windows Server 2025", "lab image build win2025 --iso FILE"),
        (("win2025", "--iso", found), "needs virtio-win media", "--virtio FILE"),
        (
            ("win2025", "--iso", found, "--virtio", virtio),
            "wanted Windows Server 2025, build 26100",
            "--iso FILE",
        ),
        (("win2025", "--iso", virtio, "--virtio", virtio), "virtio-win media, not Windows", "--iso FILE"),
        (("win2022", "--iso", found, "--virtio", virtio), "no driver viostor", "virtio-win.iso"),
        (("win2025", "--iso", tmp_path / "none.iso"), "none.iso is not there", "--iso FILE"),
        (("win2022", "--edition", "Ultimate"), "edition 'Ultimate' (wanted one of 'Standard'", ""),
        (("tiny", "--iso", found), "takes no media of yours", "lab image build tiny"),
    ):
        answer = invoked(lab, capsys, "image", "build", *words)
        assert answer.code == 2, answer
        assert said in answer.err, answer
        assert hint in answer.err, answer
        assert "Traceback" not in answer.err
        if words[0] != "tiny":
            invoked(lab, capsys, "image", "rm", str(words[0]))


def test_planning_lists_every_windows_image_as_not_runnable_with_the_command(lab: TemporaryLab) -> None:
    answer = lab("image", "list", "--json")
    infos = [one for one in json.loads(answer.out) if one["kind"] == "windows"]
    assert {one["name"] for one in infos} == set(RELEASES)
    for one in infos:
        assert one["unrunnable"].startswith("needs your ISO of"), one
        assert one["hint"] == f"lab image build {one['name']} --iso FILE --virtio FILE"


@needs_tools
def test_setup_logs_are_read_off_a_disk_that_was_not_booted(tmp_path: Path) -> None:
    part, disk, wanted = tmp_path / "part.raw", tmp_path / "disk.raw", b"2026 Error SP Could not apply\r\n"
    log = tmp_path / "setupact.log"
    log.write_bytes(wanted)
    part.write_bytes(bytes(64 << 20))
    disk.write_bytes(bytes(80 << 20))
    kind = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
    table = f"label: gpt\nstart=2048,size=20480,type=U\nstart=22528,size=131072,type={kind}\n"
    subprocess.run(["/sbin/sfdisk", "-q", disk], input=table, text=True, check=True, timeout=30)
    subprocess.run(["/sbin/mkfs.ntfs", "-Q", "-F", "-q", part], check=True, capture_output=True, timeout=30)
    subprocess.run(["ntfscp", "-f", part, log, "setupact.log"], check=True, capture_output=True, timeout=30)
    with disk.open("r+b") as stream:
        stream.seek(22528 * 512)
        stream.write(part.read_bytes())
    qcow2 = tmp_path / "disk.qcow2"
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", disk, qcow2], check=True, timeout=60)
    files, reason = ntfs.fetch(qcow2, ("setupact.log", "setuperr.log"), tmp_path)
    assert files == {"setupact.log": wanted}
    assert reason == ""
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", qcow2, "64M"], check=True, timeout=60)
    assert ntfs.fetch(qcow2, ("setupact.log",), tmp_path) == ({}, "the disk has no Windows partition yet")


@pytest.mark.parametrize("kind", ["vhdx", "vmdk", "vpc"])
def test_a_disk_of_another_hypervisor_becomes_an_image(
    kind: str, lab: TemporaryLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk, name = tmp_path / f"own.{kind}", f"own-{kind}"
    subprocess.run(["qemu-img", "create", "-q", "-f", kind, disk, "64M"], check=True, timeout=60)
    found = hashlib.sha256(disk.read_bytes()).hexdigest()
    recipe = {"kind": "disk", "summary": "s", "release": "Windows 11", "family": "windows", "sha256": found}
    lab.add_image(name, recipe | {"path": str(disk), "firmware": "uefi", "channels": ["agent", "winrm"]})
    try:
        answer = invoked(lab, capsys, "image", "build", name)
        assert answer.code == 0, answer
        assert (Path(answer.out.strip()) / "disk.qcow2").read_bytes()[:4] == b"QFI\xfb"
        assert hashlib.sha256(disk.read_bytes()).hexdigest() == found
        assert invoked(lab, capsys, "image", "verify", name).code == 0
    finally:
        invoked(lab, capsys, "image", "rm", name)
