"""Networks and paths as observations see them: in floating point, with no code of the theory's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Shaped

from theory.network import Network
from theory.problem import Problem
from theory.types import Array


def samples(
    path: Sequence[Network], count: int
) -> Iterator[tuple[Float[Array, "T d m"], Float[Array, "T m"]]]:
    """Weights (W, a) on each straight piece between breakpoints: its ends, T = count + 1 in all."""
    t = np.linspace(0, 1, count + 1)[:, None]
    for ends in pairwise(path):
        (W, other_W), (a, other_a) = (
            np.array([getattr(network, layer) for network in ends], dtype=np.float64)
            for layer in ("W", "a")
        )
        yield (1 - t[..., None]) * W + t[..., None] * other_W, (1 - t) * a + t * other_a


def slopes(problem: Problem, signs: Shaped[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The slope of the activation where x . w has these signs; 0 at zero."""
    positive, negative = float(problem.activation.positive), float(problem.activation.negative)
    found: Array = positive * (signs > 0) + negative * (signs < 0)
    return found


def losses(
    problem: Problem, W: Float[Array, "*T d m"], a: Float[Array, "*T m"]
) -> Float[Array, "*T"]:
    """1/2 ||f - y||^2 of each network."""
    X, y = np.array(problem.X, dtype=np.float64), np.array(problem.y, dtype=np.float64)
    outputs = X @ W
    fits = np.einsum("...nm,...m->...n", slopes(problem, outputs) * outputs, a)
    found: Array = ((fits - y) ** 2).sum(axis=-1) / 2
    return found
