"""What a guest is expected to take: measured where it was measured, allowed for where not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from running_factories import cell, order

from lab.matrix.capacity import GUEST_OVERHEAD_MIB
from lab.model import Level, Profile
from lab.running.admission_demand import (
    GROWTH_MIB,
    MARGIN,
    PROCESS_MIB,
    Claim,
    Measured,
    key,
    of_cell,
    of_template,
)
from lab.running.order import CellOrder
from lab.running.templating import TemplateOrder
from lab.templates import Template, TemplateKey

WHOLE = 512 + GUEST_OVERHEAD_MIB


def template(directory: Path, private_mib: int = 150) -> Template:
    (directory / "ram").write_bytes(b"x" * 3 * 1024 * 1024)
    return Template(
        key=TemplateKey(
            image="tiny", image_digest="d", profile=Profile(name="small"), accelerator="tcg", qemu="7",
            libvirt="9", hardware="h",
        ),
        directory=directory, made="", boot_s=1.0, settled_s=2.0, private_mib=private_mib,
    )  # fmt: skip


def clone(directory: Path, **changes: object) -> CellOrder:
    return order(directory / "a1", replace(cell(), **changes), template=template(directory))  # type: ignore[arg-type]


def test_a_guest_from_power_off_is_counted_with_all_of_its_memory(tmp_path: Path) -> None:
    assert of_cell(order(tmp_path), Measured()) == Claim(memory_mib=WHOLE, vcpus=1)


def test_a_clone_is_counted_with_what_an_idle_one_had_and_what_its_scenario_may_add(tmp_path: Path) -> None:
    claim = of_cell(clone(tmp_path, level=Level.MODULE), Measured())
    assert claim.memory_mib == round((150 + GROWTH_MIB[Level.MODULE] + PROCESS_MIB) * MARGIN)
    assert claim.shared == template(tmp_path).key.digest
    assert 3 <= claim.shared_mib <= 4, "what the RAM file takes, not what it could"


def test_what_was_measured_takes_the_place_of_what_is_allowed(tmp_path: Path) -> None:
    measured = Measured()
    measured.add(key(cell()), 200)
    assert of_cell(clone(tmp_path), measured).memory_mib == 230
    measured.add(key(cell()), 60)
    assert of_cell(clone(tmp_path), measured).memory_mib == 230, "the most counts"


def test_a_clone_never_takes_more_than_a_whole_guest(tmp_path: Path) -> None:
    measured = Measured({key(cell()): 5000})
    assert of_cell(clone(tmp_path), measured).memory_mib == WHOLE


def test_a_template_that_was_never_measured_is_counted_as_a_whole_guest(tmp_path: Path) -> None:
    unmeasured = order(tmp_path / "a1", template=template(tmp_path, private_mib=0))
    assert of_cell(unmeasured, Measured()) == Claim(memory_mib=WHOLE, vcpus=1)


def test_both_arms_and_all_seeds_are_measured_together() -> None:
    assert key(cell(seed=1)) == key(cell(seed=2)) == "tiny_small_one"


@pytest.mark.parametrize("cold", [True, False])
def test_a_scenario_that_measures_latency_says_so_in_its_claim(tmp_path: Path, cold: bool) -> None:
    one = clone(tmp_path, latency_sensitive=True)
    assert of_cell(one.from_power_off("x") if cold else one, Measured()).alone


def test_making_a_template_takes_a_whole_guest(tmp_path: Path) -> None:
    one = order(tmp_path)
    made = TemplateOrder(
        image=one.image, profile=Profile(name="small", vcpus=2), host=one.host, places=one.places,
        timeouts=one.cell.timeouts,
    )  # fmt: skip
    assert of_template(made) == Claim(memory_mib=WHOLE, vcpus=2)


def test_measurements_outlive_their_run_and_damaged_ones_are_passed_over(tmp_path: Path) -> None:
    for run, values in (("1", {"a": 100, "b": 7}), ("2", {"a": 90})):
        (tmp_path / run).mkdir()
        Measured(dict(values)).write(tmp_path / run)
    for run, text in (("3", "{"), ("4", '{"a": "much"}'), ("5", "[1]")):
        (tmp_path / run).mkdir()
        (tmp_path / run / "memory.json").write_text(text)
    assert Measured.of_runs(tmp_path).most_mib == {"a": 100, "b": 7}
