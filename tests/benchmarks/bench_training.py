"""Batched training of 200 seeds x 20,000 steps, and how much faster it is than torch.optim alone.

The target is 20 s for each optimizer on 2 shared cores. `ratio` is the time per seed and step of a
Python loop over torch.optim, one network at a time, by that of the batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from numerics.training.loop import one_thread, train
from theory.loading import example
from theory.within import Ball

SEEDS, STEPS = 200, 20_000
LOOP_STEPS = 500


def torch_loop(optimizers: Callable[[list[torch.Tensor]], list[torch.optim.Optimizer]]) -> float:
    """Seconds per step of one network trained with torch.optim and autograd."""
    problem = example("flagship")
    X, y = (torch.tensor(np.array(v, dtype=float)) for v in (problem.X, problem.y))
    W = torch.randn(problem.d, 2, dtype=torch.float64, requires_grad=True)
    a = torch.randn(2, dtype=torch.float64, requires_grad=True)
    stepping = optimizers([W, a])
    for count in range(LOOP_STEPS + 1):
        if count == 1:  # the first step sets torch up
            start = time.perf_counter()
        for optimizer in stepping:
            optimizer.zero_grad()
        (((torch.relu(X @ W) @ a - y) ** 2).sum() / 2).backward()
        for optimizer in stepping:
            optimizer.step()
    return (time.perf_counter() - start) / LOOP_STEPS


LOOPS: dict[str, Callable[[list[torch.Tensor]], list[torch.optim.Optimizer]]] = {
    "adamw": lambda layers: [torch.optim.AdamW(layers)],
    "muon-adamw": lambda layers: [torch.optim.Muon(layers[:1]), torch.optim.AdamW(layers[1:])],
}


@pytest.mark.parametrize(
    ("optimizer", "rho"),
    [("adamw", "11/5"), ("lion", "11/5"), ("muon", "7/2"), ("muon-adamw", "7/2")],
)
def test_training(benchmark: BenchmarkFixture, optimizer: str, rho: str) -> None:
    result = benchmark.pedantic(
        train,
        args=(example("flagship"), 2, Ball(optimizer, rho)),
        kwargs={"seeds": SEEDS, "steps": STEPS},
        rounds=1,
    )
    assert result.complete
    per_seed_step = benchmark.stats["mean"] / SEEDS / STEPS
    benchmark.extra_info["per_seed_step_us"] = 1e6 * per_seed_step
    if optimizer in LOOPS:
        with one_thread():  # with two, these small kernels mostly wait for each other
            loop = torch_loop(LOOPS[optimizer])
        benchmark.extra_info["torch_loop_per_step_us"] = 1e6 * loop
        benchmark.extra_info["ratio"] = loop / per_seed_step
