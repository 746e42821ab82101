"""What is left out of a plan is told in as many lines as anybody reads."""

from __future__ import annotations

import pytest

from lab.cli import planned
from lab.model import Omitted


def left_out(number: int, reason: str, image: str = "win11") -> Omitted:
    return Omitted(
        id=f"{image}_secure_{number}", kind="unrunnable", reason=reason, image=image, hint="build it"
    )


def shown(capsys: pytest.CaptureFixture[str], *omitted: Omitted, everything: bool = False) -> list[str]:
    planned._omitted(omitted, everything=everything)
    return [line.strip() for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]


def test_an_image_that_is_missing_is_one_line_with_its_cells_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    eight = [left_out(number, "needs your ISO") for number in range(8)]
    assert shown(capsys, *eight) == ["win11, 8 cells: needs your ISO  [build it]"]
    assert len(shown(capsys, *eight, everything=True)) == 8


def test_a_few_are_named_each(capsys: pytest.CaptureFixture[str]) -> None:
    two = [left_out(number, "excluded") for number in range(2)]
    assert shown(capsys, *two) == [
        "win11_secure_0: excluded  [build it]",
        "win11_secure_1: excluded  [build it]",
    ]


def test_many_of_several_images_are_counted_by_image(capsys: pytest.CaptureFixture[str]) -> None:
    many = [left_out(number, "excluded", image) for number in range(9) for image in ("win11", "win10")]
    lines = shown(capsys, *many)
    assert len(lines) == planned.MOST_ALIKE + 1
    assert lines[-1] == "and 10 more for the same reason: 9 of win11, 9 of win10"
