"""What goes wrong with templates and clones on real guests: told, undone, made again, and never run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from template_orders import template_order
from temporary_lab import ROOT, TemporaryLab, temporary_lab, tiny

from lab import codec
from lab.errors import ArtefactError, BuildError
from lab.images.workshop import free_mib
from lab.machine import leftovers
from lab.model import Profile
from lab.places import Places
from lab.running.starting import make_template
from lab.running.templating import TemplateOrder, make, prove
from lab.templates import FailureBook, Template, TemplateStore
from lab.waiting import wait_for

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def lab() -> Iterator[TemporaryLab]:
    with temporary_lab() as own:
        own.places = replace(own.places, cache=own.root / "cache")
        yield own


def ordered(places: Places) -> TemplateOrder:
    return template_order(tiny(), places, memory_mib=192, profile="faulty")


@pytest.fixture(scope="module")
def order(lab: TemporaryLab) -> TemplateOrder:
    return ordered(lab.places)


@pytest.fixture(scope="module")
def template(order: TemplateOrder) -> Template:
    return make_template(order)


def flip_a_byte(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0xFF]))


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 4096)


@pytest.mark.parametrize(
    ("name", "harm", "said"),
    [
        ("ram", cut_short, "bytes .wanted 201326592"),
        ("state", flip_a_byte, "sha256 is not that of the record"),
        ("disk.qcow2", flip_a_byte, "sha256 is not that of the record"),
    ],
)
def test_a_template_that_was_harmed_is_told_before_it_is_run(
    order: TemplateOrder, template: Template, name: str, harm: Callable[[Path], None], said: str
) -> None:
    path, kept = template.directory / name, template.directory / f"{name}.kept"
    path.chmod(0o600)
    kept.write_bytes(path.read_bytes())
    try:
        harm(path)
        with pytest.raises(ArtefactError, match=said) as told:
            TemplateStore(order.places).get(order.key)
        assert told.value.hint == "lab image template tiny --profile faulty --force"
    finally:
        kept.rename(path)


def test_device_state_that_is_not_whole_starts_no_guest(
    lab: TemporaryLab, order: TemplateOrder, template: Template
) -> None:
    whole = template.state.read_bytes()
    template.state.write_bytes(whole[: len(whole) // 2])
    try:
        with pytest.raises(BuildError, match="a clone of the template of 'tiny' could not be run"):
            prove(order, TemplateStore(order.places), template)
    finally:
        template.state.write_bytes(whole)
    assert not any("QEMU" in line for line in lab.left_behind())


def test_a_harmed_template_is_made_again_when_it_is_wanted(order: TemplateOrder, template: Template) -> None:
    cut_short(template.ram)
    again = make(order)
    assert again.made != template.made
    assert again.verified
    assert TemplateStore(order.places).get(order.key) == again


def test_a_maker_that_was_killed_leaves_nothing_that_could_be_taken_for_a_template(
    lab: TemporaryLab, order: TemplateOrder
) -> None:
    other = replace(order, profile=Profile(name="killed", memory_mib=160))
    path = lab.root / "order.json"
    codec.write(other, path)
    store = TemplateStore(order.places)
    scratch = store.directory / ".scratch"
    command = [sys.executable, "-m", "lab.running.templating", str(path)]
    maker = subprocess.Popen(command, env=lab.environment(), cwd=ROOT, start_new_session=True)
    try:
        wait_for(lambda: any(scratch.glob("*/draft/ram")), what="RAM of a guest", timeout_s=60)
    finally:
        os.killpg(maker.pid, signal.SIGKILL)
        maker.wait()
    with pytest.raises(ArtefactError, match=r"made for another machine|none was made"):
        store.get(other.key)
    assert store.find(other.key) is None
    (ended,) = leftovers.collect(lab.places)
    assert ended.error == ""
    assert len(store.remove_stale()) == 1
    assert not any("QEMU" in line for line in lab.left_behind())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mounted = tmp_path / "small"
    mounted.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=760m", "lab-small", str(mounted)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here (wants root)")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", "--lazy", str(mounted)], check=True)


def test_a_disk_that_fills_up_under_a_guests_ram_is_named_and_nothing_is_left(
    lab: TemporaryLab, small_disk: Path
) -> None:
    order = ordered(replace(lab.places, cache=small_disk))
    filler = threading.Thread(target=_fill_later, args=(small_disk,), daemon=True)
    filler.start()
    with pytest.raises(BuildError, match=r"not enough room in .*: 0 MiB free"):
        make_template(order)
    filler.join()
    (failure,) = [one for one in FailureBook(order.places).of("tiny") if one.what == "making"]
    assert "0 MiB free" in failure.sentence
    assert TemplateStore(order.places).all() == ()
    assert list((small_disk / "templates/.scratch").glob("tiny*")) == []


def _fill_later(disk: Path) -> None:
    """Room is looked for before a template is begun; somebody else takes it while the guest boots."""
    wait_for(lambda: any(disk.glob("templates/.scratch/*/draft/ram")), what="a guest's RAM", timeout_s=60)
    block = bytes(1 << 20)
    with (disk / "somebody-elses").open("wb") as file:
        while free_mib(disk) > 0:
            try:
                file.write(block)
                file.flush()
            except OSError:
                break
