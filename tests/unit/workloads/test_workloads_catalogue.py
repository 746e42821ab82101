"""The table of workloads: complete, and consistent with the scripts that the guests get."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import lab.workloads
from lab.errors import InputError
from lab.model import Family
from lab.workloads import CATALOGUE
from lab.workloads.catalogue import named
from lab.workloads.means import Means
from lab.workloads.on_linux import LINUX
from lab.workloads.on_windows import WINDOWS
from lab.workloads.sizing import GuestSize

SCRIPTS = Path(lab.workloads.__file__).parent
SIZE = GuestSize(vcpus=2, memory_mib=1024, available_mib=800, disk_free_mib=4000)
WAYS = [
    pytest.param(name, means, operations, id=f"{name}-{means.tool}-{number}")
    for table, operations in (
        (LINUX, set(re.findall(r"^([a-z]+)\) #", (SCRIPTS / "linux/ops.sh").read_text(), re.MULTILINE))),
        (
            WINDOWS,
            set(re.findall(r"^    ([a-z]+) = @\{", (SCRIPTS / "windows/ops.ps1").read_text(), re.MULTILINE)),
        ),
    )
    for name, ways in table.items()
    for number, means in enumerate(ways)
]


def test_every_workload_that_a_family_has_is_in_the_catalogue() -> None:
    assert set(LINUX) | set(WINDOWS) == set(CATALOGUE)
    assert set(LINUX) == set(CATALOGUE)


@pytest.mark.parametrize(("name", "means", "operations"), WAYS)
@pytest.mark.parametrize("intensity", [0.25, 1.0, 2.0])
def test_a_plan_does_something_that_the_guests_scripts_know(
    name: str, means: Means, operations: set[str], intensity: float
) -> None:
    task = means.plan(SIZE, intensity)
    assert task.command or task.op, f"{name} does nothing"
    assert not task.op or task.op in operations
    assert task.workers >= (1 if task.op else 0)
    assert 0 < task.duty <= 1


@pytest.mark.parametrize(("name", "means", "operations"), WAYS)
def test_a_tool_is_named_among_what_the_guest_needs(name: str, means: Means, operations: set[str]) -> None:
    assert name in CATALOGUE
    assert operations
    assert means.tool in means.needs or means.tool in ("shell", "powershell")


def test_more_intensity_is_never_less_load() -> None:
    for ways in LINUX.values():
        low, high = (ways[-1].plan(SIZE, intensity) for intensity in (0.25, 1.0))
        assert low.workers * low.duty <= high.workers * high.duty


def test_a_misspelt_workload_is_answered_with_the_closest() -> None:
    with pytest.raises(InputError, match=r"unknown workload 'file-small' \(closest is 'files-small'\)"):
        named("file-small")


def test_a_workload_that_a_family_has_no_way_to_make_says_where_there_is_one() -> None:
    only = replace(CATALOGUE["pauses"], means={Family.LINUX: LINUX["pauses"]})
    with pytest.raises(
        InputError, match=r"'pauses': there is no way to make it on windows \(only on linux\)"
    ):
        only.ways(Family.WINDOWS)
