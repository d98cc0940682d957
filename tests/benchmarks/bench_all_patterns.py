"""Optima over all patterns of real data, proved: iris (n = 150, d = 4; 1.1 million cones in general
position) and three columns of diabetes (n = 442, d = 3; 195,000), for every optimizer.

`pytest tests/benchmarks/bench_all_patterns.py -s` prints the table of proofs_notes/all-patterns.md;
with `-k "iris and muon-adamw"` one row. Seconds are of one core.
"""

from __future__ import annotations

import json
import resource
import time
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from sklearn.datasets import load_diabetes, load_iris

from numerics.studies.datasets import dataset
from theory.certificates import certify
from theory.certificates.checker import check
from theory.problem import Problem
from theory.programs import solve
from theory.within import Ball, Penalty

BMI_BP_S5 = [2, 3, 8]
WITHIN: dict[str, tuple[Ball | Penalty, int | None]] = {
    "sgd": (Penalty(1), None),
    **{name: (Ball(name, 2), None) for name in ("ngd", "muon")},
    **{
        name: (Ball(name, 1), 4)
        for name in ("adamw", "colnorm", "adamw-ngd", "colnorm-ngd", "ngd-adamw", "muon-adamw")
    },
}


@cache
def data(name: str) -> Problem:
    """Standardised, rounded to three decimals."""
    X, y = (load_iris if name == "iris" else load_diabetes)(return_X_y=True)
    columns = np.column_stack([X if name == "iris" else X[:, BMI_BP_S5], y])
    columns = np.round((columns - columns.mean(axis=0)) / columns.std(axis=0), 3)
    rows = [[Fraction(round(v * 1000), 1000) for v in row] for row in columns.tolist()]
    return Problem(X=[row[:-1] for row in rows], y=[row[-1] for row in rows])


@pytest.mark.parametrize("optimizer", list(WITHIN))
@pytest.mark.parametrize("name", ["iris", "diabetes"])
def test_all_patterns(benchmark: BenchmarkFixture, name: str, optimizer: str) -> None:
    within, width = WITHIN[optimizer]
    start = time.process_time()
    found = benchmark.pedantic(
        lambda: solve(data(name), within, width=width, max_cells=1), rounds=1
    )
    solved = time.process_time()
    text = json.dumps(certify(found))
    written = time.process_time()
    verdict = check(json.loads(text), data(name))
    checked = time.process_time()
    relaxed, cover = found.relaxed, found.dual.cover
    gap = float((relaxed.upper - relaxed.lower) / relaxed.upper)
    cones = sum(len(half.tree) for half in cover.halves.values())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"\n| {name} | {optimizer} | {found.patterns} | {cones:,} | "
        f"{float(relaxed.upper):.6f} | {gap:.1e} | {relaxed.neurons} | {found.relative_gap:.1e} | "
        f"{solved - start:.0f} | {len(text) / 1e6:.2f} | {checked - written:.1f} | {memory:.0f} |"
    )
    assert found.whole
    assert gap <= 1e-6
    assert "the least loss" in verdict.statement


@pytest.mark.parametrize(
    "within",
    [*(Ball(name, rho) for name in ("ngd", "muon") for rho in ("1/4", 2)), Penalty(30)],
    ids=str,
)
def test_what_is_known_of_ten_columns(benchmark: BenchmarkFixture, within: Ball | Penalty) -> None:
    """All of diabetes: the bound over the patterns priced, and that of quadratics over all."""
    problem = dataset("diabetes", held_out=False).train
    start = time.process_time()
    found = benchmark.pedantic(lambda: solve(problem, within), rounds=1)
    solved = time.process_time()
    text = json.dumps(certify(found))
    written = time.process_time()
    verdict = check(json.loads(text), problem, max_steps=10**9)
    checked = time.process_time()
    print(
        f"\n| {within} | {found.patterns} | {float(found.everywhere):.1f} | "
        f"{float(found.lower):.1f} | {solved - start:.0f} | {len(text) / 1e6:.2f} | "
        f"{checked - written:.1f} |"
    )
    assert not found.whole
    assert found.everywhere <= found.lower <= found.upper
    assert "all others at least" in verdict.statement
