"""A cell whose template is damaged, or whose clone failed, boots from power-off and says why."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import running_factories as make

from lab import codec
from lab.model import MachineEvent, Observation, Profile, Step
from lab.places import Places
from lab.running.falling_back import after_fault, sound
from lab.running.order import CellOrder
from lab.templates import FailureBook, Template, TemplateKey, TemplateStore
from lab.verdict.trial import asleep

STARTED = MachineEvent(t_s=0.1, name="started")
CLONED = MachineEvent(t_s=0.1, name="cloned")
WOKEN = Step(t_s=1.0, name="woken", phase="note")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(cache=tmp_path / "c", state=tmp_path / "s", runtime=tmp_path / "r")


@pytest.fixture
def template(places: Places, tmp_path: Path) -> Template:
    base = tmp_path / "image.qcow2"
    base.write_bytes(b"the image")
    key = TemplateKey(
        image="tiny", image_digest="a" * 64, profile=Profile(name="small"), accelerator="tcg",
        qemu="7", libvirt="9", hardware="c" * 64,
    )  # fmt: skip
    store = TemplateStore(places)
    with store.making(key, need_mib=1) as draft:
        for name in ("disk.qcow2", "state", "ram"):
            (draft.directory / name).write_bytes(os.urandom(4096))
        draft.finish(base=base, boot_s=1.0, settled_s=2.0)
        draft.proven(0.5, 50)
    return store.get(key)


@pytest.fixture
def order(places: Places, template: Template, tmp_path: Path) -> CellOrder:
    return replace(make.order(tmp_path / "a1"), places=places, template=template)


def test_a_whole_template_is_used(order: CellOrder) -> None:
    assert sound(order) is order


def test_a_cell_from_power_off_has_nothing_to_check(order: CellOrder) -> None:
    cold = order.from_power_off("asked for")
    assert sound(cold) is cold
    assert after_fault(cold, 1, "QEMU ended by itself") is cold


@pytest.mark.parametrize("file", ["ram", "state", "disk.qcow2", "the image's disk"])
def test_what_was_changed_since_the_run_began_is_not_started_from(
    order: CellOrder, template: Template, file: str
) -> None:
    path = template.base if file.startswith("the") else template.directory / file
    assert path is not None
    path.chmod(0o600)
    path.write_bytes(b"another")
    cold = sound(order)
    assert cold.template is None
    assert cold.cold.startswith("its template is damaged: template of 'tiny': ")
    assert path.name in cold.cold
    (failure,) = FailureBook(order.places).all()
    assert failure.what == "clone"
    found = TemplateStore(order.places).find(template.key)
    assert found is not None
    assert not found.verified, "it is made anew before it is used again"


def test_after_a_fault_of_a_clone_that_was_woken_its_template_is_not_doubted(
    order: CellOrder, template: Template
) -> None:
    make.record(order.recording, STARTED, CLONED, WOKEN)
    cold = after_fault(order, 1, "QEMU ended by itself")
    assert cold.cold == "attempt 1, a clone, ended by a lab fault: QEMU ended by itself"
    assert TemplateStore(order.places).get(template.key) == template


@pytest.mark.parametrize("recorded", [[STARTED, CLONED], None])
def test_after_a_fault_of_a_clone_that_was_not_woken_it_is(
    order: CellOrder, template: Template, recorded: list[Observation] | None
) -> None:
    if recorded is not None:
        make.record(order.recording, *recorded)
    after_fault(order, 1, "a clone does not answer")
    found = TemplateStore(order.places).find(template.key)
    assert found is not None
    assert not found.verified


def test_a_template_that_was_made_anew_meanwhile_is_not_doubted_for_the_old_ones_clone(
    order: CellOrder, template: Template
) -> None:
    store = TemplateStore(order.places)
    newer = replace(template, made="2999-01-01T00:00:00Z")
    codec.write(newer, template.directory / "template.json")
    store.doubt(template)
    found = store.find(template.key)
    assert found is not None
    assert found.verified


@pytest.mark.parametrize(
    ("seen", "sleeps"),
    [([STARTED], False), ([STARTED, CLONED], True), ([STARTED, CLONED, WOKEN], False), ([], False)],
)
def test_a_clone_sleeps_until_it_was_woken(seen: list[Observation], sleeps: bool) -> None:
    assert asleep(seen) is sleeps
