"""What the stand-in guest is made of: frames, script, texts, dump, archive. It boots in tests/vm."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lab.detect.dumps import read_dump
from lab.detect.lines import Block
from lab.detect.linux.console import Console
from lab.detect.screens import classify
from lab.detect.windows.console import WindowsConsole
from lab.errors import ArtefactError
from lab.images import initrd
from lab.images.built import BuiltImage
from lab.model import BootPath, Family, FindingKind, Firmware
from lab.model.seen import ScreenVerdict
from lab.selftest import painting
from lab.selftest.standin import GREETING, STANDINS, StandIn, building, dump_header, frames, serial_text
from lab.selftest.standin.steps import (
    DUMP_HEADER,
    Dump,
    PowerOff,
    Reset,
    Say,
    Show,
    Stay,
    TellPanicDevice,
    Wait,
    script,
)

CRASHES = {FindingKind.BUGCHECK, FindingKind.BOOT_LOOP}
OBEYED = {"boot", "show", "say", "wait", "fill", "put", "panicked", "reset", "off", "stay", "dump-disk"}


def shows(one: StandIn) -> list[Show]:
    return list(script(one.boots, GREETING).frames.values())


def said(one: StandIn) -> bytes:
    texts = [step.text for boot in one.boots for step in boot if isinstance(step, Say)]
    return b"".join(serial_text.on_the_wire(text) for text in (GREETING, *texts))


def base_image(directory: Path) -> BuiltImage:
    archive = initrd.Cpio()
    for name in ("bin/busybox", "init", "m/virtio_ring.ko", "m/virtio.ko", "m/virtio_blk.ko", "m/ext4.ko",
                 "m/pvpanic.ko", "m/virtio_net.ko"):  # fmt: skip
        archive.file(name, b"base", 0o644)
    (directory / "initrd").write_bytes(archive.finish())
    (directory / "vmlinuz").write_bytes(b"kernel")
    return BuiltImage(
        name="tiny",
        directory=directory,
        disk=directory / "disk.qcow2",
        kernel=directory / "vmlinuz",
        initrd=directory / "initrd",
        cmdline="root=/dev/vda",
        firmware=Firmware.BIOS,
        boot=BootPath.DIRECT,
        family=Family.LINUX,
        release="tiny",
        kernel_release="6.1.0",
        digest="d",
        host_key="",
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 30), st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_an_encoded_frame_holds_every_pixel(wide: int, high: int, seed: int, colours: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (colours, 3), dtype=np.uint8)[rng.integers(0, colours, (high, wide))]
    image = Image.fromarray(pixels)
    assert frames.decoded(frames.encoded(image)).tobytes() == image.tobytes()


@pytest.mark.parametrize("name", STANDINS)
def test_every_frame_is_small_enough_for_the_guests_video_memory_and_says_what_it_is(name: str) -> None:
    one = STANDINS[name]
    assert one.size[0] * one.size[1] * 4 <= frames.LARGEST
    for show in shows(one):
        labelled = frames.paint(show, one.size, code=one.code, module=one.module, parameters=one.parameters)
        if show.decoy:
            bare = painting.decoy(show.layout, one.size)
        else:
            bare = painting.paint(
                show.layout,
                size=one.size,
                code=one.code,
                module=one.module,
                progress=show.progress,
                parameters=one.parameters,
            )
        changed = np.argwhere((np.asarray(labelled) != np.asarray(bare)).any(axis=2))
        assert len(changed) > 30, "the label is there"
        assert changed[:, 0].min() > one.size[1] - 20, "at the bottom"
        assert changed[:, 1].min() > one.size[0] - 80, "at the right"


@pytest.mark.parametrize("name", STANDINS)
def test_the_label_hides_no_crash_and_makes_none(name: str) -> None:
    """Each stand-in's frames are read as what it stands for, label and all."""
    one = STANDINS[name]
    verdicts = set()
    for show in shows(one):
        image = frames.paint(show, one.size, code=one.code, module=one.module, parameters=one.parameters)
        verdicts.add(classify(image).verdict)
    wanted = ScreenVerdict.HEALTHY
    if one.kind in CRASHES:
        wanted = ScreenVerdict.CRASH
    elif one.kind is not None:
        wanted = ScreenVerdict.RECOVERY
    assert wanted in verdicts
    assert verdicts <= {wanted, ScreenVerdict.HEALTHY}


@pytest.mark.parametrize("name", STANDINS)
def test_a_stand_in_prints_a_stop_exactly_when_it_says_so(name: str) -> None:
    one = STANDINS[name]
    windows, linux = WindowsConsole(), Console()
    for console in (windows, linux):
        console.feed(Block(1.0, 0, said(one)))
        console.finish()
    codes = {report.finding().code for report in windows.reports if report.fatal}
    prints = "serial" in one.seen_by or one.kind is FindingKind.BOOT_LOOP
    assert codes == ({one.code} if prints else set())
    assert not [report for report in linux.reports if report.fatal]


@pytest.mark.parametrize("name", STANDINS)
def test_the_script_of_a_stand_in_has_only_words_its_program_obeys_and_files_that_are_there(
    name: str,
) -> None:
    play = script(STANDINS[name].boots, GREETING)
    for line in play.text.splitlines():
        word, *rest = line.split()
        assert word in OBEYED
        if word in ("show", "say"):
            assert rest[0] in play.frames or rest[0] in play.texts
    assert play.needs_dump_disk == (STANDINS[name].dump_disk_mib > 0)
    assert ("dump" in STANDINS[name].seen_by) == play.needs_dump_disk


def test_the_program_knows_every_word_of_a_script() -> None:
    source = (building.SOURCE / "standin.c").read_text()
    for word in OBEYED - {"boot"}:
        assert f'"{word}"' in source or f'"{word} %' in source, word
    assert '"boot %d"' in source


def test_each_boot_greets_first_and_has_its_own_part_of_the_script() -> None:
    steps = ((Show("10"), Wait(0.25), TellPanicDevice(), Reset()), (Say("well"), PowerOff()), (Stay(),))
    assert script(steps, "hello").text.splitlines() == [
        *("boot 1", "say text-0", "show frame-10-0", "wait 250", "panicked", "reset"),
        *("boot 2", "say text-0", "say text-1", "off"),
        *("boot 3", "say text-0", "stay"),
    ]


def test_a_dump_grows_with_its_progress_on_the_screen_and_its_header_comes_last() -> None:
    play = script(((Dump("10", mib=4, steps=2, pause_s=0.1),),), "hello")
    assert play.text.splitlines()[2:] == [
        "dump-disk",
        *("show frame-10-0", "fill 0 2097152", "wait 100"),
        *("show frame-10-50", "fill 2097152 2097152", "wait 100"),
        *(f"put {DUMP_HEADER} 0", "show frame-10-100"),
    ]


def test_the_dump_is_read_by_the_labs_own_reader_and_says_that_it_is_none() -> None:
    one = STANDINS["bugcheck-10"]
    header = dump_header.header(one.code, one.parameters, dump_bytes=16 << 20)
    dump = read_dump(header + bytes(1 << 20))
    assert (dump.is_kernel_crash, dump.code, dump.parameters) == (True, one.code, one.parameters)
    assert (dump.build, dump.machine) == (17763, "x64")
    assert "STAND-IN" in dump.comment
    assert len(header) == dump_header.SIZE


def test_lines_on_the_serial_port_end_as_windows_ends_them() -> None:
    assert serial_text.on_the_wire("a\nb") == b"a\r\nb\r\n"
    assert serial_text.on_the_wire("a\n\n") == b"a\r\n"


def test_the_archive_puts_the_stand_in_behind_the_other_images_files(tmp_path: Path) -> None:
    """The kernel unpacks one archive after the other; a later file of a name wins."""
    base = base_image(tmp_path)
    assert base.initrd is not None
    original = base.initrd.read_bytes()
    one = dataclasses.replace(STANDINS["bugcheck-10"], size=(320, 240))
    play = script(one.boots, GREETING)
    made = building.archive(original, b"program", one, play)
    assert made.startswith(original)
    assert len(original) % 4 == 0
    names = list(initrd.names(made[len(original) :]))
    assert {"init", "standin/script", "standin/modules", f"standin/{DUMP_HEADER}"} <= set(names)
    assert {f"standin/{name}" for name in (*play.frames, *play.texts)} <= set(names)


def test_only_the_modules_for_disks_and_the_panic_device_are_loaded_in_the_order_of_the_archive(
    tmp_path: Path,
) -> None:
    base = base_image(tmp_path)
    assert base.initrd is not None
    listed = building.modules(base.initrd.read_bytes())
    assert listed == ["/m/virtio_ring.ko", "/m/virtio.ko", "/m/virtio_blk.ko", "/m/pvpanic.ko"]


def test_an_image_that_cannot_lend_its_kernel_or_compiler_is_refused(tmp_path: Path) -> None:
    base = base_image(tmp_path)
    one = STANDINS["healthy-desktop"]
    with pytest.raises(ArtefactError, match=r"image 'tiny': has no SDK") as caught:
        building.build(base, one, tmp_path / "made", artefacts=tmp_path)
    assert caught.value.hint is not None
    with pytest.raises(ArtefactError, match="boots through its own loader"):
        building.build(dataclasses.replace(base, kernel=None), one, tmp_path / "made", artefacts=tmp_path)


def test_everything_a_user_can_see_of_a_stand_in_is_labelled() -> None:
    assert "STAND-IN" in GREETING
    assert all(one.image_name == f"stand-in-{one.name}" for one in STANDINS.values())
    assert all(STANDINS[name].name == name for name in STANDINS)
