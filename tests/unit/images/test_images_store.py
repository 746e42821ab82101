"""What the image store promises: whole images or none, built once, checked before use."""

from __future__ import annotations

import fcntl
import hashlib
import sys
import threading
from pathlib import Path

import pytest

from lab.errors import ArtefactError, BuildError, HostError
from lab.images import store as store_module
from lab.images import tools, workshop
from lab.images.builders.disk import DiskBuilder
from lab.images.recipe import DiskRecipe
from lab.images.store import ImageStore
from lab.model import BootPath, Firmware

sys.path.insert(0, str(Path(__file__).parent))
from images_samples import FakeBuilder, places, qcow2, recipe


@pytest.fixture
def builder() -> FakeBuilder:
    return FakeBuilder()


@pytest.fixture
def store(tmp_path: Path, builder: FakeBuilder) -> ImageStore:
    return ImageStore(places(tmp_path), builders={"tiny": builder, "disk": DiskBuilder()})  # type: ignore[dict-item]


def scratch(tmp_path: Path) -> list[str]:
    directory = tmp_path / "cache/images/.scratch"
    return [path.name for path in directory.iterdir() if path.is_dir()] if directory.is_dir() else []


def break_file(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


def disk_recipe(tmp_path: Path, content: bytes | None = None, **changes: object) -> DiskRecipe:
    path = tmp_path / "own.qcow2"
    if content is not None:
        path.write_bytes(content)
    fields = {
        "name": "own", "source": tmp_path / "own.yaml", "summary": "s", "release": "Windows 11",
        "kernel": "22631", "min_memory_mib": 4096, "path": path,
        "disk_firmware": Firmware.UEFI, "needs_tpm": True,
        "sha256": hashlib.sha256(content or b"").hexdigest(),
    } | changes  # fmt: skip
    return DiskRecipe(**fields)  # type: ignore[arg-type]


def test_a_built_image_knows_how_it_boots_and_where_it_came_from(store: ImageStore) -> None:
    image = store.build(recipe())
    assert image.disk.read_bytes()[:4] == b"QFI\xfb"
    assert image.kernel is not None
    assert image.initrd is None
    assert (image.cmdline, image.host_key, image.user) == ("console=ttyS0", "ssh-ed25519 BBBB tiny", "root")
    provenance = store.provenance(recipe())
    assert provenance is not None
    assert provenance.packages == {"busybox-static": "1:1.35"}
    assert provenance.files["vmlinuz"] == hashlib.sha256(b"kernel").hexdigest()
    assert provenance.digest == image.digest


def test_a_built_image_is_not_built_again_unless_forced(store: ImageStore, builder: FakeBuilder) -> None:
    first = store.build(recipe())
    assert store.build(recipe()) == first
    assert builder.builds == 1
    assert store.build(recipe(), force=True).digest != first.digest
    assert builder.builds == 2


@pytest.mark.parametrize(
    "change", [{"disk_mib": 65}, {"suites": ("bookworm", "bookworm-updates")}, {"cmdline": "quiet"}]
)
def test_a_changed_recipe_is_another_image(
    store: ImageStore, builder: FakeBuilder, change: dict[str, object]
) -> None:
    before = store.build(recipe())
    assert store.build(recipe(**change)).directory != before.directory
    assert builder.builds == 2


def test_its_summary_file_and_quirks_do_not_make_another_image(store: ImageStore) -> None:
    same = recipe(summary="other words", source=Path("/elsewhere/tiny.yaml"), first_boot_resets=1)
    assert store.recipe_digest(same) == store.recipe_digest(recipe())


def test_a_new_builder_or_a_new_key_makes_another_image(
    store: ImageStore, builder: FakeBuilder, tmp_path: Path
) -> None:
    before = store.recipe_digest(recipe())
    builder.version = 2
    newer = store.recipe_digest(recipe())
    (tmp_path / "state/keys/lab_ed25519.pub").write_text("ssh-ed25519 CCCC lab\n")
    assert len({before, newer, store.recipe_digest(recipe())}) == 3


def test_files_of_a_built_image_cannot_be_written_by_mistake(store: ImageStore) -> None:
    assert store.build(recipe()).disk.stat().st_mode & 0o222 == 0


def test_a_failed_build_leaves_nothing_behind(
    store: ImageStore, builder: FakeBuilder, tmp_path: Path
) -> None:
    builder.fails = BuildError("packages of 'bookworm': unreachable")
    with pytest.raises(BuildError, match="unreachable"):
        store.build(recipe())
    assert scratch(tmp_path) == []
    assert not (tmp_path / "cache/images/tiny").exists()
    assert not store.info(recipe()).built


@pytest.mark.parametrize(
    "trouble",
    [OSError(28, "No space left on device"), BuildError("packages of 'bookworm': the disk is full")],
)
def test_a_disk_that_fills_up_is_named_with_what_is_free_and_what_was_needed(
    store: ImageStore, builder: FakeBuilder, tmp_path: Path, trouble: Exception
) -> None:
    builder.fails = trouble
    with pytest.raises(BuildError, match=r"MiB free \(the build needs 1 MiB\)") as caught:
        store.build(recipe())
    assert str(tmp_path / "cache/images") in caught.value.message
    assert "LAB_HOME" in (caught.value.hint or "")
    assert scratch(tmp_path) == []


def test_a_build_that_cannot_fit_is_not_begun(store: ImageStore, builder: FakeBuilder) -> None:
    builder.room_mib = 10**9
    with pytest.raises(BuildError, match="not enough room in"):
        store.build(recipe())
    assert builder.builds == 0


def test_a_missing_tool_is_named_before_the_build(
    store: ImageStore, builder: FakeBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder.needs = (tools.Tool("no-such-program", "no-such-package"),)
    with pytest.raises(HostError, match="building the image 'tiny' needs 'no-such-program'"):
        store.build(recipe())
    assert store.missing_tools(recipe()) == builder.needs
    assert builder.builds == 0


def test_an_image_that_is_not_built_says_how_to_build_it(store: ImageStore) -> None:
    with pytest.raises(ArtefactError, match="image 'tiny': not built") as caught:
        store.get(recipe())
    assert caught.value.hint == "lab image build tiny"


def test_a_truncated_disk_is_refused_with_the_command_that_mends_it(store: ImageStore) -> None:
    image = store.build(recipe())
    break_file(image.disk, image.disk.read_bytes()[:-700])
    with pytest.raises(ArtefactError, match=r"disk\.qcow2: truncated: ") as caught:
        store.get(recipe())
    assert caught.value.hint == "lab image build tiny --force"


def test_force_mends_a_broken_image(store: ImageStore) -> None:
    break_file(store.build(recipe()).disk, b"")
    assert store.build(recipe(), force=True) == store.get(recipe())


def test_a_missing_kernel_and_a_longer_file_are_refused(store: ImageStore) -> None:
    image = store.build(recipe())
    assert image.kernel is not None
    break_file(image.kernel, b"kernel and more")
    with pytest.raises(ArtefactError, match="vmlinuz: not the file that was built"):
        store.get(recipe())
    image.kernel.unlink()
    with pytest.raises(ArtefactError, match="vmlinuz: no such file"):
        store.get(recipe())


@pytest.mark.parametrize("full", [False, True])
def test_verify_finds_a_changed_byte_that_leaves_the_size_alone(store: ImageStore, full: bool) -> None:
    image = store.build(recipe())
    store.verify(image, full=full)
    assert image.kernel is not None
    break_file(image.kernel, b"KERNEL")
    with pytest.raises(ArtefactError, match=r"sha256 of .* is .* \(its provenance says"):
        store.verify(image, full=full)


def test_verify_reports_a_missing_file(store: ImageStore) -> None:
    image = store.build(recipe())
    image.disk.unlink()
    with pytest.raises(ArtefactError, match="no such file"):
        store.verify(image)


def test_info_of_an_image_before_and_after_its_build(store: ImageStore) -> None:
    before = store.info(recipe())
    assert (before.built, before.kernel, before.digest) == (False, "6.1", "")
    digest = store.build(recipe()).digest
    after = store.info(recipe())
    assert (after.built, after.kernel, after.digest) == (True, "6.1.0-40-amd64", digest)


def test_remove_takes_every_build_of_a_name(store: ImageStore, tmp_path: Path) -> None:
    store.build(recipe())
    store.build(recipe(disk_mib=99))
    assert store.remove("tiny") is True
    assert store.remove("tiny") is False
    assert not store.info(recipe()).built


def test_stages_are_told_with_the_name_and_the_time(store: ImageStore) -> None:
    told: list[str] = []
    store.build(recipe(), told.append)
    assert told == ["tiny: writing (0 s)", "tiny: computing digests (0 s)", "tiny: built (0 s)"]


def test_a_second_builder_waits_says_so_and_takes_the_first_ones_image(
    store: ImageStore, builder: FakeBuilder, tmp_path: Path
) -> None:
    lock = tmp_path / "cache/images/.locks/tiny.lock"
    lock.parent.mkdir(parents=True)
    told: list[str] = []
    waiting = threading.Event()

    def say(line: str) -> None:
        told.append(line)
        waiting.set()

    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        second = threading.Thread(target=store.build, args=(recipe(), say))
        second.start()
        assert waiting.wait(10)
    second.join(10)
    assert told[0] == "tiny: another process is building it, waiting (0 s)"
    assert builder.builds == 1
    store.build(recipe())
    assert builder.builds == 1


def test_what_a_killed_build_left_is_removed_by_the_next_one(store: ImageStore, tmp_path: Path) -> None:
    stale = tmp_path / "cache/images/.scratch/tiny.dead0000"
    stale.mkdir(parents=True)
    (stale / "half.qcow2").write_bytes(b"x")
    store.build(recipe())
    assert scratch(tmp_path) == []


def test_a_build_at_work_keeps_its_scratch_directory(store: ImageStore, tmp_path: Path) -> None:
    busy = tmp_path / "cache/images/.scratch/debian-12.beef0000"
    busy.mkdir(parents=True)
    with (busy / workshop.ALIVE).open("w") as alive:
        fcntl.flock(alive, fcntl.LOCK_SH)
        store.build(recipe())
        assert scratch(tmp_path) == [busy.name]


def test_an_sdk_that_was_removed_is_made_again(
    store: ImageStore, builder: FakeBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = builder.build
    monkeypatch.setattr(builder, "build", lambda *args: replace_sdk(made(*args)))
    asked: list[str] = []
    monkeypatch.setattr(
        store_module.sdk, "ensure", lambda _places, _suites, release, _progress: asked.append(release)
    )
    store.build(recipe())
    store.build(recipe())
    assert asked == ["6.1.0-40-amd64"]


def replace_sdk(made: object) -> object:
    from dataclasses import replace

    return replace(made, sdk="bookworm-6.1.0-40-amd64")  # type: ignore[type-var]


# -- the user's own disk -----------------------------------------------------


def test_a_users_disk_is_linked_to_and_never_written(store: ImageStore, tmp_path: Path) -> None:
    mine = disk_recipe(tmp_path, qcow2())
    image = store.build(mine)
    assert image.disk.resolve() == mine.path
    assert (image.boot, image.firmware, image.kernel) == (BootPath.LOADER, Firmware.UEFI, None)
    assert mine.path.stat().st_mode & 0o200
    store.remove("own")
    assert mine.path.read_bytes() == qcow2()


def test_a_users_disk_may_bring_its_kernel(store: ImageStore, tmp_path: Path) -> None:
    (tmp_path / "vmlinuz").write_bytes(b"k")
    image = store.build(
        disk_recipe(tmp_path, qcow2(), kernel_path=tmp_path / "vmlinuz", cmdline="root=/dev/vda")
    )
    assert image.kernel is not None
    assert image.kernel.resolve() == tmp_path / "vmlinuz"
    assert image.boot is BootPath.DIRECT


def test_a_users_missing_disk_is_unrunnable_with_its_reason(store: ImageStore, tmp_path: Path) -> None:
    mine = disk_recipe(tmp_path)
    info = store.info(mine)
    assert "no such file" in info.unrunnable
    assert (info.built, info.needs_tpm) == (False, True)
    with pytest.raises(ArtefactError, match=r"own\.qcow2: no such file") as caught:
        store.build(mine)
    assert str(mine.source) in (caught.value.hint or "")


def test_a_users_disk_with_another_digest_is_refused(store: ImageStore, tmp_path: Path) -> None:
    mine = disk_recipe(tmp_path, qcow2(), sha256="0" * 64)
    with pytest.raises(ArtefactError, match=r"sha256 is [0-9a-f]{64} \(its recipe says 0000"):
        store.build(mine)


def test_a_users_file_that_is_no_qcow2_is_refused(store: ImageStore, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="not a qcow2 image"):
        store.build(disk_recipe(tmp_path, b"PK\x03\x04" + bytes(500)))


def test_a_users_truncated_disk_is_refused(store: ImageStore, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="truncated"):
        store.build(disk_recipe(tmp_path, qcow2()[:-1100]))


def test_a_users_disk_that_was_exchanged_later_is_refused(store: ImageStore, tmp_path: Path) -> None:
    mine = disk_recipe(tmp_path, qcow2())
    store.build(mine)
    mine.path.write_bytes(qcow2()[:-1] + b"!")
    with pytest.raises(ArtefactError, match="its provenance says"):
        store.get(mine)
    mine.path.unlink()
    with pytest.raises(ArtefactError, match="no such file"):
        store.get(mine)
