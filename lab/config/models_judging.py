"""What lab.yaml may say of judging: the gate, known issues, how sure a comparison must be. See `models`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lab.config.located import Model
from lab.config.units import Flag
from lab.config.values import FigureGlob, Glob, IsoDate


class KnownIssueModel(Model):
    """A bug that is accepted until a date."""

    title: Annotated[str, Field(min_length=1)] = Field(description="Pattern over the titles of findings.")
    images: Glob = Field(default="*", description="Images on which it is accepted.")
    until: IsoDate = Field(description="Last day on which it is accepted, as YYYY-MM-DD.")
    link: str = Field(default="", description="Where the bug is tracked.")


class GateModel(Model):
    """What turns verdicts into the exit code."""

    min_cells: Annotated[int, Field(ge=1)] = Field(
        default=1, description="Fewer passed candidate cells than this is never a ship."
    )
    allow_flaky: Flag = Field(
        default=False,
        description="Ship although a cell passed only after a failed attempt; never after a fatal finding.",
    )
    allow_inconclusive: Annotated[int, Field(ge=0)] = Field(
        default=0, description="So many inconclusive candidate cells are tolerated."
    )
    allow_unrunnable: Flag = Field(
        default=True,
        description="Cells that cannot run on these hosts do not close the gate; they are always listed.",
    )
    require_baseline: Flag = Field(
        default=True,
        description="Each candidate cell's baseline twin must have passed, or the comparison is void.",
    )
    require_comparison: Flag = Field(
        default=False,
        description="Every comparison of the arms must have an answer; else `not enough runs` is a remark.",
    )
    known_issues: tuple[KnownIssueModel, ...] = Field(
        default=(), description="Bugs that are accepted until a date."
    )


class CompareModel(Model):
    """How sure comparisons of the arms must be, and what is tolerated; docs/comparing.md."""

    level: Annotated[float, Field(ge=0.0001, le=0.2)] = Field(
        default=0.05,
        description="Largest chance of one false regression in the whole run, and of each false `no worse`.",
    )
    power: Annotated[float, Field(ge=0.5, le=0.99)] = Field(
        default=0.8, description="Chance to decide with as many further runs as a report asks for."
    )
    most: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=0,
        description="Pairs of runs (one of each arm) per image, profile and scenario at which repeating "
        "gives up. Beyond the matrix's repetitions a pair is run only while the comparison is open; an "
        "override's repetitions are exact. 0: only the matrix's repetitions, one look.",
    )
    crashes: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.2,
        description="More failures per run than this are ruled out before `no worse` is said (0.2: one run "
        "in five). An increase that is shown is always a regression.",
    )
    leak: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.01,
        description="Growth per hour beyond the released agent's, as share of its amount, that is tolerated.",
    )
    figures: dict[FigureGlob, Annotated[float, Field(ge=0, lt=1)]] = Field(
        default={},
        description="Figure pattern to the share by which the candidate may be worse; the first that matches "
        "counts, before the lab's own (docs/comparing.md).",
    )
