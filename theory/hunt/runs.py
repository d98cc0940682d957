"""Training of many small networks in plain numpy, the same whenever it is repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from theory.landscape.kinks import RULES
from theory.problem import Problem
from theory.types import Array
from theory.within import Ball

if TYPE_CHECKING:
    from jaxtyping import Float

_STEPS, _COOLING = 4000, 2000
_FIRST, _FALL = 0.04, 100  # of the rates, relative to the radius: the first, and to which part
_SEED = 0


def ends_of_runs(
    problem: Problem, within: Ball, width: int, runs: int
) -> tuple[Float[Array, "S d m"], Float[Array, "S m"], float]:
    """W and a where random starts end, and the rate up to which they have come to rest.

    Rates are those of `isthmus train`, 0.04 R / (1 + t / 40), for 4,000 steps; in 2,000 more they
    fall from the last one, which is returned, to a hundredth of it.
    """
    X, y = (np.array(data, dtype=float) for data in (problem.X, problem.y))
    activation, radius = problem.activation, float(within.rho) ** 0.5
    random = np.random.default_rng(_SEED)
    W = random.normal(size=(runs, problem.d, width)) / np.sqrt(problem.d)
    a = random.normal(size=(runs, width)) / np.sqrt(width)
    hidden, output = RULES[within.optimizer]
    of_W, of_a = hidden.start(np.zeros_like(W)), output.start(np.zeros_like(a))
    falling = _FIRST * radius / (1 + np.arange(_STEPS) * (_FALL / _STEPS))
    rates = np.concatenate([falling, falling[-1] * np.geomspace(1, 1 / _FALL, _COOLING)])
    for rate in rates:
        Z = X @ W
        active = activation.at(Z)
        error = np.einsum("snm,sm->sn", active, a) - y
        back = activation.slopes(Z > 0) * error[:, :, None] * a[:, None]
        D, of_W = hidden.step(of_W, X.T @ back)
        b, of_a = output.step(of_a, np.einsum("snm,sn->sm", active, error))
        W = W - rate * (W / radius + D)
        a = a - rate * (a / radius + b)
    return W, a, float(falling[-1])
