"""How long arrangements take, facets and neighbours included; targets for 2 cores stand beside."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from theory.arrangement import arrangement


@pytest.mark.parametrize(
    ("n", "d", "size", "cones"),
    [
        (20, 3, 1000, 382),  # target 50 ms
        (30, 4, 1000, 8180),  # target 0.5 s
        (50, 5, 1000, 463_052),  # target 5 s and 4 GB
        (400, 2, 10**6, 800),
        (300, 3, 1000, 89_702),  # five words of walls
        (30, 4, 10**6, 8180),  # Python integers
        (60, 4, 3, 51_030),  # thousands of rays on four walls or more
    ],
)
def test_arrangement(benchmark: BenchmarkFixture, n: int, d: int, size: int, cones: int) -> None:
    X = np.random.default_rng(0).integers(-size, size + 1, (n, d))
    assert len(benchmark.pedantic(arrangement, args=(X,), rounds=3, warmup_rounds=1)) == cones
