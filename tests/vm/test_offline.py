"""The rescue guest on disks of four file systems: what it reads, mends and refuses to touch."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import ntfs_log
import pytest
from temporary_lab import user_places

from lab.images.tools import MKE2FS, SFDISK, Tool
from lab.offline.disk import Disk
from lab.offline.refusal import DiskRefused, Refusal
from lab.offline.repair import Offline
from lab.offline.steps import CopyOut, Delete, List, Read, Rename, Replace

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]

MIB = 1 << 20
BASIC, LINUX = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", "L"
NTFSCLUSTER = Tool("ntfscluster", "ntfs-3g")
NTFSCP, NTFSFIX = Tool("ntfscp", "ntfs-3g"), Tool("ntfsfix", "ntfs-3g")
CONTENT = "C-00000291-00000000-00000032.sys"
BAD = b"\xaa" * 41_003


def run(*words: object, stdin: bytes = b"") -> None:
    subprocess.run([str(word) for word in words], check=True, capture_output=True, input=stdin)


def volume(path: Path, mib: int, tool: Tool, *options: str) -> Path:
    with path.open("wb") as stream:
        stream.truncate(mib * MIB)
    run(tool.path, *options, path)
    return path


def ntfs(directory: Path, name: str, **files: bytes) -> Path:
    """A volume with files in its root, put there by ntfs-3g's own tool."""
    part = volume(directory / name, 64, Tool("mkfs.ntfs", "ntfs-3g"), "-Q", "-F", "-q")
    for inner, content in files.items():
        (directory / "content").write_bytes(content)
        run(NTFSCP.path, "-f", part, directory / "content", inner)
    return part


def disk(directory: Path, parts: list[tuple[str, Path]]) -> Disk:
    """An overlay on a qcow2 with a GPT of these parts, as a guest's is."""
    raw, base, overlay = (directory / name for name in ("raw", "base.qcow2", "overlay.qcow2"))
    with raw.open("wb") as stream:
        stream.truncate((64 * len(parts) + 8) * MIB)
    table = "label: gpt\n" + "".join(f"size=64MiB,type={kind}\n" for kind, _part in parts)
    run(SFDISK.path, raw, stdin=table.encode())
    for number, (_kind, part) in enumerate(parts):
        run("dd", f"if={part}", f"of={raw}", "bs=1M", f"seek={1 + 64 * number}", "conv=notrunc")
    run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, base)
    run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, overlay)
    return Disk(overlay, "qcow2")


@pytest.fixture(scope="module")
def offline() -> Offline:
    room = Offline(user_places(), accelerator="tcg", factor=3.0)
    room.prepare()
    return room


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Disk:
    """Looks as a Windows disk does, with a Linux partition behind."""
    directory = tmp_path_factory.mktemp("windows")
    exfat = volume(directory / "exfat", 64, Tool("mkfs.exfat", "exfatprogs"))
    fat = volume(directory / "fat", 64, Tool("mkfs.vfat", "dosfstools"), "-F", "32")
    run("mcopy", "-i", fat, Path(__file__), "::/BOOTX64.EFI")
    system = ntfs(directory, "ntfs", **{CONTENT: BAD, "Agent.sys": b"driver", "big.dmp": bytes(3 * MIB)})
    ext4 = volume(directory / "ext4", 64, MKE2FS, "-q", "-t", "ext4")
    return disk(directory, [("U", fat), (BASIC, system), (BASIC, exfat), (LINUX, ext4)])


def test_a_bad_file_is_taken_away_and_the_rest_is_what_it_was(
    offline: Offline, windows: Disk, tmp_path: Path
) -> None:
    """One start for what a repair does, one to look: what was written is there for the next to mount it."""
    done = offline.do(
        windows,
        [
            Rename(path=r"C:\AGENT.SYS", to="Agent.sys.bad"),
            Delete(path=r"C:\c-00000291*.sys"),
            Replace(path=r"C:\big.dmp", content=b"small"),
        ],
    )
    assert [(one.volume, one.paths) for one in done] == [
        (2, ("/Agent.sys",)),
        (2, (f"/{CONTENT}",)),
        (2, ("/big.dmp",)),
    ]
    written = windows.path.read_bytes()
    seen = offline.do(
        windows,
        [
            List(path="C:\\", volume=2),
            Read(path=r"C:\agent.sys.BAD"),
            CopyOut(path=r"C:\BootX64.efi", target=tmp_path / "copy"),
            List(path="/lost+found"),
            List(path="/", volume=3),
            Read(path="/never-there", optional=True),
        ],
    )
    assert [(entry.path, entry.size) for entry in seen[0].entries] == [("/Agent.sys.bad", 6), ("/big.dmp", 5)]
    assert seen[1].data == b"driver"
    assert (tmp_path / "copy").read_bytes() == Path(__file__).read_bytes()
    assert [one.volume for one in seen[2:5]] == [1, 4, 3]
    assert seen[5].paths == ()
    assert windows.path.read_bytes() == written, "volumes that are only read stay as they are"
    assert list(tmp_path.iterdir()) == [tmp_path / "copy"]


def leave_open(part: Path, log: Callable[[int], bytes]) -> None:
    """Make the log of a volume one that Windows did not close."""
    told = subprocess.run([NTFSCLUSTER.path, "-F", "$LogFile", part], check=True, capture_output=True).stdout
    words = told.split()
    cluster = int(words[words.index(b"Length") + 2])
    with part.open("r+b") as stream:
        stream.seek(cluster * 4096)
        stream.write(log(2 * MIB))


@pytest.mark.parametrize("why", [Refusal.DIRTY, Refusal.HIBERNATED, Refusal.UNCLEAN])
def test_a_volume_that_windows_is_not_done_with_is_not_written_to(
    why: Refusal, offline: Offline, tmp_path: Path
) -> None:
    """Of one that is hibernated, another volume says so: what it has in memory is of all of them."""
    part = ntfs(tmp_path, "part", **{CONTENT: BAD})
    parts = [(BASIC, part)]
    if why is Refusal.DIRTY:
        run(NTFSFIX.path, part)
    elif why is Refusal.UNCLEAN:
        leave_open(part, ntfs_log.without_records)
    else:
        leave_open(part, ntfs_log.of_a_running_windows)
        parts.append((BASIC, ntfs(tmp_path, "system", **{"hiberfil.sys": b"HIBR".ljust(8192, b"\1")})))
    sick = disk(tmp_path, parts)
    before = sick.path.read_bytes()
    with pytest.raises(DiskRefused) as refused:
        offline.do(sick, [Delete(path=rf"C:\{CONTENT}")])
    assert refused.value.why is why
    assert refused.value.hint
    assert sick.path.read_bytes() == before


def test_the_log_of_a_windows_whose_power_was_cut_is_replayed_before_a_file_is_taken_away(
    offline: Offline, tmp_path: Path
) -> None:
    part = ntfs(tmp_path, "part", **{CONTENT: BAD, "Agent.sys": b"driver"})
    leave_open(part, ntfs_log.of_a_running_windows)
    cut = disk(tmp_path, [(BASIC, part)])
    assert offline.read(cut, r"C:\agent.sys") == b"driver"
    steps = [Delete(path=rf"C:\{CONTENT}"), Rename(path=r"C:\Agent.sys", to="Agent.bad"), List(path="C:\\")]
    done = offline.do(cut, steps)
    assert [entry.path for entry in done[2].entries] == ["/Agent.bad"]


def test_a_disk_that_a_qemu_has_open_is_refused_at_once(offline: Offline, tmp_path: Path) -> None:
    path = tmp_path / "disk.qcow2"
    run("qemu-img", "create", "-q", "-f", "qcow2", path, "64M")
    node = f"driver=qcow2,node-name=d,file.driver=file,file.filename={path}"
    export = "type=nbd,id=e,node-name=d,writable=on"
    server = f"addr.type=unix,addr.path={tmp_path / 's'}"
    words = ["qemu-storage-daemon", "--nbd-server", server, "--blockdev", node, "--export", export]
    holder = subprocess.Popen(words)
    try:
        deadline = time.monotonic() + 20
        while not (tmp_path / "s").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        with pytest.raises(DiskRefused) as refused:
            offline.look(Disk(path, "qcow2"), "/")
        assert refused.value.why is Refusal.IN_USE
    finally:
        holder.kill()
        holder.wait()
