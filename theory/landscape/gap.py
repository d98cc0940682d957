"""How far a point is from stationary, on kinks too: the least gap over Clarke's subdifferential.

At a kink x_k . w_j = 0 the gradient of w_j jumps, and Clarke's subdifferential has all mixtures of
the gradients around. The gradient of a does not jump, and <G, W> is the same for all mixtures, so
the least gap is at the mixture of least dual norm: a convex program. In floats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from theory.cone_program import ConeProgram
from theory.geometry import frank_wolfe_gap
from theory.problem import Problem
from theory.types import Array
from theory.within import Ball, Penalty, Within

if TYPE_CHECKING:
    from jaxtyping import Float

Kink: TypeAlias = tuple[int, int]
"""A row k of the data and a neuron j with x_k . w_j = 0."""

_PARALLEL = 1e-12  # of two rows, by the cosine of their angle


def parallel(X: Float[Array, "n d"]) -> Float[Array, "n n"]:
    """1 and -1 where two rows are on one wall: with the same + side, or not; else 0."""
    units = X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-300)
    cosines = units @ units.T
    return np.where(np.abs(cosines) > 1 - _PARALLEL, np.sign(cosines), 0.0)


def distinct(walls: Float[Array, "n n"], kinks: Sequence[Kink]) -> list[Kink]:
    """The first of those that a neuron crosses together, on walls that are one; see `parallel`."""
    found: dict[Kink, Kink] = {}
    for k, j in kinks:
        found.setdefault((int(np.flatnonzero(walls[k])[0]), j), (k, j))
    return list(found.values())


def least_gap(
    problem: Problem,
    within: Within | None,
    W: Float[Array, "d m"],
    a: Float[Array, " m"],
    kinks: Sequence[Kink],
) -> float:
    """The least Frank-Wolfe gap in the balls R_W = R_a = sqrt(rho); without a ball the least length
    of the gradient of loss and penalty.

    kinks: where x_k . w_j = 0, whatever floats make of it; rows parallel to x_k jump with it. Where
    rows of different walls are dependent, mixtures of more than the gradients around are allowed.
    Of hidden neurons alone; where the loss has kinks, of one of its subgradients.
    """
    problem.require_plain("least gaps are", loss=False)
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    activation, walls = problem.activation, parallel(X)
    Z = X @ W
    slopes = activation.slopes(Z > 0)
    jumps = []
    for k, j in distinct(walls, kinks):
        rows = np.flatnonzero(walls[k])
        above, below = (activation.slopes(side * walls[k, rows] > 0) for side in (1, -1))
        Z[rows, j], slopes[rows, j] = 0.0, below
        jumps.append((rows, j, above - below))
    hidden = activation.at(Z)
    error = problem.loss.gradient(hidden @ a, y)
    G, g = X.T @ (slopes * (error[:, None] * a)), hidden.T @ error
    if isinstance(within, Penalty):
        G, g = G + float(within.beta) * W, g + float(within.beta) * a
    if jumps:
        steps = [np.zeros_like(G) for _ in jumps]
        for step, (rows, j, jump) in zip(steps, jumps, strict=True):
            step[:, j] = X[rows].T @ (jump * error[rows] * a[j])
        G = _shortest(G, steps, within)
    if not isinstance(within, Ball):
        return float(np.hypot(np.linalg.norm(G), np.linalg.norm(g)))
    R = float(within.rho) ** 0.5
    return float(frank_wolfe_gap(within.geometry, W, a, G, g, R, R))


def _shortest(
    G: Float[Array, "d m"], steps: Sequence[Float[Array, "d m"]], within: Within | None
) -> Any:
    """Of G and shares of the steps the sum of least dual norm."""
    import cvxpy

    cp: Any = cvxpy
    shares = cp.Variable(len(steps))
    mean = G + sum(shares[i] * step for i, step in enumerate(steps))
    norms: dict[str, Callable[[], Any]] = {
        "entrywise": lambda: cp.sum(cp.abs(mean)),
        "column": lambda: cp.sum(cp.norm(mean, 2, axis=0)),
        "frobenius": lambda: cp.norm(mean, "fro"),
        "spectral": lambda: cp.normNuc(mean),
    }
    norm = norms["frobenius" if within is None else within.gauge.hidden.name]()
    found = ConeProgram(cp.Problem(cp.Minimize(norm), [shares >= 0, shares <= 1])).solve()
    return mean.value if found else G
