"""How far a point is from stationary, on kinks too: the least gap over Clarke's subdifferential.

At a kink x_k . w_j = 0 the gradient of w_j jumps, and Clarke's subdifferential has all mixtures of
the gradients around; at a kink of the loss the slope of an output is any in an interval. The least
gap over all of them is a convex program. In floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

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


class _Gradient(NamedTuple):
    """Of W, a, and the free columns."""

    W: Float[Array, "d m"]
    a: Float[Array, " m"]
    free: Float[Array, " r"]


def least_gap(
    problem: Problem,
    within: Within | None,
    W: Float[Array, "d m"],
    a: Float[Array, " m"],
    kinks: Sequence[Kink],
    slopes: tuple[Float[Array, " n"], Float[Array, " n"]] | None = None,
) -> float:
    """The least Frank-Wolfe gap in the balls R_W = R_a = sqrt(rho); without a ball the least length
    of the gradient of loss and penalty.

    kinks: where x_k . w_j = 0, whatever floats make of it; rows parallel to x_k jump with it.
    slopes: the least and the largest subgradient of the loss in each output; by default the
    gradient at the fit of these neurons. Where rows of different walls are dependent, or the slope
    of an output jumps together with that of a neuron, mixtures of more than the gradients around
    are allowed.
    Without a ball b and c are weights as others are. In one, which does not count them, they count
    by steps of c of size rho, and of b as far as these move an output: as zero where they are best.
    """
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    activation, walls = problem.activation, parallel(X)
    Z = X @ W
    sides = activation.slopes(Z > 0)
    jumps = []
    for k, j in distinct(walls, kinks):
        rows = np.flatnonzero(walls[k])
        above, below = (activation.slopes(side * walls[k, rows] > 0) for side in (1, -1))
        Z[rows, j], sides[rows, j] = 0.0, below
        jumps.append((rows, j, above - below))
    hidden = activation.at(Z)
    free = np.array(problem.free_columns, dtype=float).reshape(-1, len(y))
    least, most = (problem.loss.gradient(hidden @ a, y),) * 2 if slopes is None else slopes

    def gradient(error: Float[Array, " n"]) -> _Gradient:
        return _Gradient(X.T @ (sides * (error[:, None] * a)), hidden.T @ error, free @ error)

    def jumped(place: int, error: Float[Array, " n"]) -> _Gradient:
        rows, j, jump = jumps[place]
        step = np.zeros_like(W)
        step[:, j] = X[rows].T @ (jump * error[rows] * a[j])
        return _Gradient(step, np.zeros_like(a), np.zeros(len(free)))

    found = gradient(least)
    if isinstance(within, Penalty):
        beta = float(within.beta)
        found = found._replace(W=found.W + beta * W, a=found.a + beta * a)
    # Shares of the jumps of neurons, then of outputs, then of what is in both.
    loose = np.flatnonzero(most > least).tolist()
    steps = [jumped(i, least) for i in range(len(jumps))]
    steps += [gradient(_only(most - least, k)) for k in loose]
    pairs = []
    for i, (rows, _, _) in enumerate(jumps):
        for k in set(rows.tolist()) & set(loose):
            pairs.append((i, len(jumps) + loose.index(k)))
            steps.append(jumped(i, _only(most - least, k)))
    sizes = _Sizes(within, W, a, float(np.abs(X).max()), problem.output_bias)
    if steps:
        found = sizes.least(found, steps, pairs)
    return sizes.gap(found)


def _only(values: Float[Array, " n"], k: int) -> Float[Array, " n"]:
    """The vector with one entry of this one."""
    alone = np.zeros_like(values)
    alone[k] = values[k]
    return alone


class _Sizes:
    """What a gradient is measured by at one network."""

    def __init__(
        self,
        within: Within | None,
        W: Float[Array, "d m"],
        a: Float[Array, " m"],
        row: float,
        output_bias: bool,
    ) -> None:
        self._ball = within if isinstance(within, Ball) else None
        self._W, self._a, self._row, self._bias = W, a, row, output_bias

    def _far(self, r: int) -> Float[Array, " r"]:
        """How far b and c may be moved in a ball."""
        assert self._ball is not None
        far = np.full(r, float(self._ball.rho))
        far[: self._bias] *= self._row
        return far

    def gap(self, gradient: _Gradient) -> float:
        """The gap, or the length."""
        if self._ball is None:
            return float(np.sqrt(sum((each**2).sum() for each in gradient)))
        R = float(self._ball.rho) ** 0.5
        layers = frank_wolfe_gap(
            self._ball.geometry, self._W, self._a, gradient.W, gradient.a, R, R
        )
        return float(layers + self._far(len(gradient.free)) @ np.abs(gradient.free))

    def least(
        self, gradient: _Gradient, steps: Sequence[_Gradient], pairs: Sequence[tuple[int, int]]
    ) -> _Gradient:
        """Of the gradient with shares of the steps, that of least gap; the last steps have shares
        that may be products of two others."""
        import cvxpy

        cp: Any = cvxpy
        shares = cp.Variable(len(steps))
        parts = []
        for first, *further in zip(gradient, *steps, strict=True):
            mean = first + sum(shares[i] * step for i, step in enumerate(further))
            parts.append(mean if first.size else None)
        constraints = [shares >= 0, shares <= 1]
        start = len(steps) - len(pairs)
        for place, pair in enumerate(pairs, start):
            i, k = pair
            constraints += [
                shares[place] <= shares[i],
                shares[place] <= shares[k],
                shares[place] >= shares[i] + shares[k] - 1,
            ]
        objective = self._expression(cp, *parts)
        if not ConeProgram(cp.Problem(cp.Minimize(objective), constraints)).solve():
            return gradient
        values = [
            first if mean is None else np.asarray(mean.value)
            for first, mean in zip(gradient, parts, strict=True)
        ]
        return _Gradient(*values)

    def _expression(self, cp: Any, W: Any, a: Any, free: Any) -> Any:
        """The same in CVXPY."""
        if self._ball is None:
            flat = [each.flatten(order="F") for each in (W, a, free) if each is not None]
            return cp.norm(cp.hstack(flat), 2)
        gauge, R = self._ball.gauge, float(self._ball.rho) ** 0.5
        norms = {
            "entrywise": lambda: cp.sum(cp.abs(W)),
            "column": lambda: cp.sum(cp.norm(W, 2, axis=0)),
            "frobenius": lambda: cp.norm(W, "fro"),
            "spectral": lambda: cp.normNuc(W),
        }
        outputs = cp.norm(a, 2) if gauge.output.shared else cp.sum(cp.abs(a))
        size = R * norms[gauge.hidden.name]() + R * outputs
        size += cp.sum(cp.multiply(self._W, W)) + self._a @ a
        if free is not None:
            size += self._far(free.size) @ cp.abs(free)
        return size
