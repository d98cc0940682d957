"""Problems by seed, for tests of single instances; `theory.strategies` draws them at random."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from theory.losses import Loss
from theory.network import Network
from theory.problem import Problem

REGRESSION = Problem([[x, 1] for x in range(-3, 3)], [2, 2, -4, 0, 4, 3])
"""Regression on a line: six points and a bias."""

ACTIVATIONS = (*("relu",) * 3, "abs", "leaky_relu:1/10", "leaky_relu:-1/2", "leaky_relu:2")
"""For properties of all of them: ReLU often, and slopes of every kind."""


def planted(n: int, d: int, m: int, seed: int, *, entries: int = 5) -> tuple[Problem, Network]:
    """Integer data that a random integer network of width m fits exactly, and that network."""
    generator = np.random.default_rng(seed)
    X = generator.integers(-entries, entries + 1, (n, d))
    W = generator.integers(-entries, entries + 1, (d, m))
    a = generator.choice([-1, 1], m)
    y = np.maximum(X @ W, 0) @ a
    return Problem(X=X.tolist(), y=y.tolist()), Network(W=W.tolist(), a=a.tolist())


LOSSES = (
    *("squared", "absolute", "quantile:1/4", "epsilon:1/2", "hinge", "huber:1/2", "squared_hinge"),
)
"""All that are piecewise linear or quadratic."""


def with_loss(problem: Problem, name: str) -> Problem:
    """The same with another loss, and labels as targets where it wants them."""
    y = [1 if v > 0 else -1 for v in problem.y] if "hinge" in name else problem.y
    return having(problem, y=tuple(map(Fraction, y)), loss=Loss.named(name))


def having(problem: Problem, **fields: Any) -> Problem:
    """The same with other fields, losses by name."""
    return replace(problem, **fields)
