"""`make bench`: margins, component by component."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from theory.margins import max_margins, separation
from theory.problem import Problem


def planted(n: int, d: int, m: int, seed: int) -> Problem:
    """Labels that a random network of the width gives; 0 counts as -1."""
    generator = np.random.default_rng(seed)
    X = generator.integers(-3, 4, (n, d))
    fit = np.maximum(X @ generator.integers(-3, 4, (d, m)), 0) @ generator.choice([-1, 1], m)
    return Problem(X.tolist(), np.where(fit > 0, 1, -1).tolist())


def test_separation(benchmark: BenchmarkFixture) -> None:
    """n = 8, d = 3, width 3: 152,096 cells, of which 13,975 hold networks with all labels right."""
    found = benchmark.pedantic(lambda: separation(planted(8, 3, 3, 1), 3), rounds=1)
    assert len(found.cells.found) == 13_975


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_margins(benchmark: BenchmarkFixture, optimizer: str) -> None:
    """The largest margin in these."""
    problem = planted(8, 3, 3, 1)
    found = benchmark.pedantic(lambda: max_margins(problem, [optimizer], 3), rounds=1)
    margin = found.largest(optimizer)
    assert margin.upper - margin.lower <= margin.upper / 10**8
    benchmark.extra_info |= {"margin": float(margin.upper)}
