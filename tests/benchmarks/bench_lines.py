"""`make bench`: exact straight lines between two trained networks, one order and the best of all.

Data: integers, n = 20, d = 3. The networks are two runs of AdamW, so their weights are floats,
taken for the rationals that they are.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from numerics.training.loop import train
from theory.lines import align, line
from theory.network import Network
from theory.problem import Problem
from theory.within import Ball

N, D = 20, 3


def trained(width: int) -> tuple[Problem, Network, Network]:
    """The data, and two runs."""
    random = np.random.default_rng(1)
    X, y = random.integers(-3, 4, (N, D)), random.integers(-4, 5, N)
    problem = Problem(X.tolist(), y.tolist())
    runs = train(problem, width, Ball("adamw", 40), seeds=2, steps=3000)
    first, second = (
        Network.from_floats(W.tolist(), a.tolist()) for W, a in zip(runs.W, runs.a, strict=True)
    )
    return problem, first, second


@pytest.mark.parametrize("width", [12, 100])
def test_one_line(benchmark: BenchmarkFixture, width: int) -> None:
    ends = trained(width)
    start = time.process_time()
    found = benchmark.pedantic(lambda: line(*ends), rounds=3)
    seconds = (time.process_time() - start) / 3
    assert found.maximum.is_exact
    benchmark.extra_info |= {"seconds of one processor": round(seconds, 3)}


@pytest.mark.parametrize("width", [6, 8, 10, 12])
def test_all_orders(benchmark: BenchmarkFixture, width: int) -> None:
    ends = trained(width)
    bounded: list[int] = []
    start = time.process_time()
    found = benchmark.pedantic(
        lambda: align(*ends, progress=lambda stage, count: bounded.append(count)), rounds=1
    )
    seconds = time.process_time() - start
    assert found.maximum <= line(*ends).maximum
    benchmark.extra_info |= {
        "choices of neurons bounded": len(bounded),
        "seconds of one processor": round(seconds, 1),
    }
