"""`make bench`: steps of training at the default study's size, and what a pair of models takes.

One thread, as in a study, so a rate is that of one of its processes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("transformers")

import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import nn

from numerics.gpt2.alignment import LearnedRotation, align, fold
from numerics.gpt2.config import Config
from numerics.gpt2.data import Texts
from numerics.gpt2.model import LanguageModel, build, hidden_matrices
from numerics.gpt2.muon import Muon
from numerics.gpt2.names import OPTIMIZERS
from numerics.gpt2.parts import texts_of
from numerics.gpt2.paths import profile, straight
from numerics.gpt2.training import MOMENTUM, Recipe, Trainer
from numerics.training.loop import one_thread

CONFIG = Config.read("default")
STEPS = 40  # in each round


@pytest.fixture(scope="module")
def code() -> Texts:
    return texts_of(CONFIG)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


def model(seed: int) -> LanguageModel:
    return LanguageModel(build(CONFIG.shape, seed=seed))


def folded() -> tuple[torch.nn.Module, torch.nn.Module]:
    return fold(model(0).model), fold(model(1).model)


MODULES: dict[str, Callable[[], torch.nn.Module]] = {
    "end": lambda: model(0),
    "bend": lambda: straight(*folded(), bends=1),
    "rotation": lambda: LearnedRotation(*folded()),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("what", MODULES)
def test_steps(benchmark: BenchmarkFixture, code: Texts, what: str, optimizer: str) -> None:
    if what == "rotation" and optimizer != "adamw":
        pytest.skip("a rotation has no hidden matrices")
    recipe = Recipe(optimizer, steps=STEPS, batch=CONFIG.ends.batch)
    module = MODULES[what]()
    benchmark.pedantic(lambda: Trainer(code).fit(module, recipe), rounds=3, warmup_rounds=1)
    benchmark.extra_info["steps per second"] = STEPS / benchmark.stats["min"]


def test_muon_takes_matrices_together(benchmark: BenchmarkFixture) -> None:
    """Of the second study's models; `ratio` is the time of `torch.optim.Muon` by ours."""
    matrices = hidden_matrices(build(Config.read("second").shape, seed=0)).values()
    weights = [nn.Parameter(matrix.clone()) for matrix in matrices]
    for weight in weights:
        weight.grad = torch.randn_like(weight)
    options: dict[str, Any] = {"lr": 0.03, "weight_decay": 0.1, "momentum": MOMENTUM}
    alone = torch.optim.Muon(weights, **options)
    alone.step()  # sets it up
    begun = time.perf_counter()
    for _ in range(STEPS):
        alone.step()
    seconds = (time.perf_counter() - begun) / STEPS
    benchmark.pedantic(Muon(weights, **options).step, rounds=STEPS, warmup_rounds=1)
    benchmark.extra_info["ratio"] = seconds / benchmark.stats["mean"]


def test_profile(benchmark: BenchmarkFixture, code: Texts) -> None:
    windows = code.windows("in", torch.device("cpu"))
    path = straight(*folded())
    benchmark.pedantic(lambda: profile(path, windows, points=CONFIG.points), rounds=3)


@pytest.mark.parametrize("residual", ["orthogonal", "permutation"])
def test_align(benchmark: BenchmarkFixture, residual: str) -> None:
    first, second = folded()
    benchmark.pedantic(lambda: align(first, second, residual=residual), rounds=3)
