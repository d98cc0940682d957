"""Problems by seed, for tests of single instances; `theory.strategies` draws them at random."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

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


def having(problem: Problem, **fields: Any) -> Problem:
    """The same with other fields, losses by name."""
    return replace(problem, **fields)
