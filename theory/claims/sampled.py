"""Paths seen at samples, in floating point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from theory.network import Network
from theory.problem import Problem

_Array: TypeAlias = np.ndarray[Any, Any]


def samples(
    path: Sequence[Network], count: int
) -> Iterator[tuple[Float[_Array, "T d m"], Float[_Array, "T m"]]]:
    """Weights (W, a) on each straight piece between breakpoints: its ends, T = count + 1 in all."""
    t = np.linspace(0, 1, count + 1)[:, None]
    for ends in pairwise(path):
        (W, other_W), (a, other_a) = (
            np.array([getattr(network, layer) for network in ends], dtype=np.float64)
            for layer in ("W", "a")
        )
        yield (1 - t[..., None]) * W + t[..., None] * other_W, (1 - t) * a + t * other_a


def losses(
    problem: Problem, W: Float[_Array, "T d m"], a: Float[_Array, "T m"]
) -> Float[_Array, " T"]:
    """1/2 ||f - y||^2 of each network."""
    X, y = np.array(problem.X, dtype=np.float64), np.array(problem.y, dtype=np.float64)
    fits = np.einsum("tnm,tm->tn", np.maximum(X @ W, 0), a)
    found: _Array = ((fits - y) ** 2).sum(axis=1) / 2
    return found
