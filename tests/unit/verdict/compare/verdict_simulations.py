"""Comparisons of simulated arms with a known answer: how often is each verdict given, after how many pairs?

`python tests/unit/verdict/compare/verdict_simulations.py` prints the tables of docs/comparing.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lab.model import Compared, TestPlan
from lab.verdict.compare import Series, betting, exact, slopes

Array = NDArray[np.float64]
Noise = Callable[[np.random.Generator, tuple[int, ...]], Array]

MANY = 2000
LEVEL = 0.05
PAIRS = 10
BUDGET = 15
FIXED = TestPlan(level=LEVEL)
BUDGETED = TestPlan(level=LEVEL, sequential=True, most=BUDGET)
ENDLESS = TestPlan(level=LEVEL, sequential=True)


def _busy_hours(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Calm and loud pairs in turn: the spread changes tenfold while the arms stay the same."""
    loud = np.where(np.arange(shape[-1]) // 3 % 2, 10.0, 1.0)
    return rng.standard_normal(shape) * loud


NOISES: Mapping[str, Noise] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "heavy tails (Student, 2 degrees)": lambda rng, shape: rng.standard_t(2, shape),
    "no mean at all (Cauchy)": lambda rng, shape: rng.standard_cauchy(shape),
    "skewed in both arms (lognormal)": lambda rng, shape: (
        rng.lognormal(0, 1, shape) - rng.lognormal(0, 1, shape)
    ),
    "ties (rounded)": lambda rng, shape: np.round(rng.standard_normal(shape)),
    "calm and loud hours": _busy_hours,
}
"""Differences of a pair on the logarithmic scale when the candidate is exactly at its margin."""


def regressions(beyond: Array, plan: TestPlan) -> NDArray[np.bool_]:
    """Which of many histories (rows of shifts beyond the edge) are called a regression, at any look."""
    once = np.array([exact.more_shifted(row) for row in beyond])
    if not plan.sequential:
        return once <= plan.level
    share = 2 if plan.most else 1
    bets = betting.against_no_more(beyond) >= share / plan.level
    return bets | (2 * once <= plan.level) if plan.most else bets


def pairs_to_decide(beyond: Array, plan: TestPlan) -> Array:
    """Pairs after which the bets alone decide; infinite where they do not."""
    share = 2 if plan.most else 1
    reached = betting.fortune(betting.sign_steps(beyond)) >= share / plan.level
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.inf)


def failures(rng: np.random.Generator, rate: float, pairs: int, many: int = MANY) -> Array:
    return (rng.random((many, pairs)) < rate).astype(float)


def crash_p(failed_b: Array, failed_c: Array, plan: TestPlan) -> Array:
    """p-values of many histories, with every look counted."""
    counts = zip(failed_b.sum(axis=1), failed_c.sum(axis=1), strict=True)
    pairs = failed_b.shape[1]
    once = np.array([exact.more_failures(int(b), pairs, int(c), pairs) for b, c in counts])
    if not plan.sequential:
        return once
    bets = betting.p_value(betting.against_mean_at_most(failed_c - failed_b, np.zeros(len(failed_b))))
    return np.minimum(2 * bets, 2 * once) if plan.most else bets


def falsely_no_worse(failed_b: Array, failed_c: Array, margin: float, plan: TestPlan) -> Array:
    """Of arms that differ by the margin: which are called no worse."""
    pairs = failed_b.shape[1]
    level = plan.level / (2 if plan.most else 1)
    counts = zip(failed_b.sum(axis=1), failed_c.sum(axis=1), strict=True)
    once = np.array(
        [exact.rate_difference(int(b), pairs, int(c), pairs, level)[1] <= margin for b, c in counts]
    )
    if not plan.sequential:
        return once
    differences = failed_c - failed_b
    bets = betting.against_mean_at_least(differences, np.full(len(differences), margin)) >= 1 / level
    return (bets | once) if plan.most else bets


def leaning(rng: np.random.Generator, samples: int, common: float, *, heavy: bool = False) -> Array:
    """Samples that lean on each other: each has `common` of the one before."""
    fresh = rng.standard_t(3, samples) if heavy else rng.standard_normal(samples)
    made = np.empty(samples)
    made[0] = fresh[0] / np.sqrt(1 - common**2)
    for number in range(1, samples):
        made[number] = common * made[number - 1] + fresh[number]
    return made


def soak(rng: np.random.Generator, kind: str, samples: int, slope: float = 0.0) -> Series:
    """An hour of a value about 1000, by kind of noise."""
    hours = np.arange(samples) / samples
    match kind.partition(" ")[0]:
        case "independent":
            noise = leaning(rng, samples, 0.0)
        case "leaning":
            noise = leaning(rng, samples, float(kind.split()[1]))
        case "heavy":
            noise = leaning(rng, samples, 0.5, heavy=True)
        case "sawtooth":
            noise = 8 * ((hours * 9 + rng.random()) % 1) + leaning(rng, samples, 0.0)
        case "steps":
            noise = np.round(leaning(rng, samples, 0.8))
        case "filling":
            noise = 30 * (1 - np.exp(-hours / 0.05)) + leaning(rng, samples, 0.3)
        case "wandering":
            noise = np.cumsum(rng.standard_normal(samples))
        case _:
            raise ValueError(kind)
    return Series(hours, 1000 + noise + slope * hours)


SOAKS = (
    "independent",
    "leaning 0.5",
    "leaning 0.9",
    "leaning 0.97",
    "heavy tails, leaning 0.5",
    "sawtooth",
    "steps",
    "filling caches",
    "wandering (random walk)",
)


def leaks_called(
    kind: str, many: int, samples: int = 120, slope: float = 0.0, runs: int = 1, margin: float = 0.0
) -> float:
    """Share of simulated soaks that are called a leak; the candidate grows by `slope` an hour."""
    rng = np.random.default_rng(11)
    called = 0
    for _ in range(many):
        baseline = [soak(rng, kind, samples) for _ in range(runs)]
        candidate = [soak(rng, kind, samples, slope) for _ in range(runs)]
        made = slopes(baseline, candidate, plan=FIXED, margin=margin)
        called += made.verdict is Compared.REGRESSION
    return called / many


def percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    print(f"\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def figures_tables() -> None:
    rng = np.random.default_rng(5)
    rows = []
    for name, noise in NOISES.items():
        shifts = noise(rng, (MANY, BUDGET))
        row = [regressions(shifts[:, :PAIRS], FIXED), regressions(shifts, BUDGETED)]
        row.append(regressions(noise(rng, (MANY, 60)), ENDLESS))
        rows.append((name, *(percent(float(one.mean())) for one in row)))
    table(
        ("noise", f"one look, {PAIRS} pairs", f"a look after each of {BUDGET}", "60 looks, no budget"), rows
    )
    rows = []
    for effect in (0.5, 1.0, 1.5, 2.0, 3.0):
        shifts = rng.standard_normal((MANY, 60)) + effect
        one, many = regressions(shifts[:, :BUDGET], FIXED), regressions(shifts[:, :BUDGET], BUDGETED)
        six = regressions(shifts[:, :6], FIXED)
        spent = np.minimum(pairs_to_decide(shifts[:, :BUDGET], BUDGETED), BUDGET)
        rows.append(
            (
                f"{effect:g}",
                *(percent(float(item.mean())) for item in (six, one, many)),
                f"{np.mean(spent):.1f}",
            )
        )
    table(
        ("beyond the margin, in spreads of a pair", "power, 6 pairs, one look", f"{BUDGET} pairs, one look",
         f"up to {BUDGET}, stopping", "pairs used"), rows,
    )  # fmt: skip


def crash_tables() -> None:
    rng = np.random.default_rng(6)
    rows = []
    for rate in (0.02, 0.1, 0.3, 0.5):
        b, c = failures(rng, rate, BUDGET, 10 * MANY), failures(rng, rate, BUDGET, 10 * MANY)
        worse = failures(rng, min(1.0, rate + 0.2), BUDGET, 10 * MANY)
        rows.append(
            (
                f"{rate:g}",
                *(percent(float((crash_p(b, c, plan) <= LEVEL).mean())) for plan in (FIXED, BUDGETED)),
                *(percent(float(falsely_no_worse(b, worse, 0.2, plan).mean())) for plan in (FIXED, BUDGETED)),
            )
        )
    table(
        ("failure rate of both", "false regression, one look", "stopping", "20 points worse, called no worse",
         "stopping"), rows,
    )  # fmt: skip
    rows = []
    for rate in (0.1, 0.2, 0.3, 0.5, 1.0):
        power = []
        for pairs in (5, 10, 20, 40):
            b, c = failures(rng, 0.0, pairs), failures(rng, rate, pairs)
            plan = replace(BUDGETED, most=pairs)
            power += [percent(float((crash_p(b, c, one) <= LEVEL).mean())) for one in (FIXED, plan)]
        rows.append((f"{rate:g}", *(f"{power[at]} / {power[at + 1]}" for at in range(0, 8, 2))))
    table(("candidate fails (baseline never)", "5 pairs", "10", "20", "40"), rows)


def slopes_tables(many: int) -> None:
    rows = []
    for kind in SOAKS:
        fast = kind.startswith("wandering")
        rows.append(
            (
                kind,
                percent(leaks_called(kind, many)),
                percent(leaks_called(kind, many, runs=3)),
                "" if fast else percent(leaks_called(kind, many // 4, slope=5.0)),
                "" if fast else percent(leaks_called(kind, many // 4, slope=10.0)),
            )
        )
    table(
        ("noise of spread 1 a sample, 120 samples", "false leak, 1 run", "3 runs each", "leak of 5 an hour",
         "of 10"), rows,
    )  # fmt: skip


if __name__ == "__main__":
    figures_tables()
    crash_tables()
    slopes_tables(int(sys.argv[1]) if len(sys.argv) > 1 else MANY)
