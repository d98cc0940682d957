"""From a trained network, in floats, to one exactly in a solution set, and how far that is.

Training ends near the solution set, not in it. `project` moves the hidden weights as little as it
can see: least squares steps towards the fit and back into the ball, in floats; then few digits, and
an exact solution for as many weights as there are data.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from flint import fmpq, fmpq_mat, fmpz_mat
from jaxtyping import Bool, Float
from scipy.linalg import qr

from theory.connectivity.solutions import SolutionSet
from theory.errors import InputError
from theory.exact import (
    float_of,
    from_flint,
    some_solution,
    sqrt_above,
    squared,
    to_flint,
    transposed,
)
from theory.network import Network
from theory.types import Array
from theory.units import Units
from theory.within import Ball

_Move: TypeAlias = "tuple[int, tuple[Fraction, ...]]"  # a neuron and a direction of its w

_STEPS = 500
_BITS = (24, 36, 50)  # kept of the weights, relative to the largest: the first that serve
_INSIDE = 1 - 1e-9  # of the radius, so that rounding stays inside
_FREE = 1e-6  # how far, relatively, a weight must be from its bound to be adjusted
_SPARE = 4  # weights changed on a grid, for each data point
_LARGEST_LATTICE = 100
_GRID_BITS = 30
_DEPENDENT = 1e-12  # singular values this small, relatively
# Bits by which the distance to hyperplanes must exceed rounding for a neuron to be adjusted.
_GUARD, _GRID_GUARD = 4, 11


@dataclass(frozen=True)
class Projection:
    """A network in a solution set, and its Euclidean distance in (W, a) from the one given."""

    network: Network
    distance: float


def project(solutions: SolutionSet, network: Network) -> Projection:
    """A network in the solution set near the given one; itself where it is in the set.

    It need not be the nearest. Raises InputError where none is found: the set may be empty, or the
    network too far from it.
    """
    if not solutions.violation_of(network):
        return Projection(network, 0.0)
    solutions.problem.require_plain("networks are brought into the solution set")
    # Data of size one, for floats. Weights of a penalised set have a size of their own.
    units = Units(Fraction(1), Fraction(1), Fraction(1))
    if solutions.within.rho is not None:
        units = Units.of(solutions.problem)
    found = _projected(_in_units(solutions, units), units.inner(network))
    back = units.network(found, balanced=False)
    return Projection(back, _distance(back, network))


def _in_units(solutions: SolutionSet, units: Units) -> SolutionSet:
    within = solutions.within
    return SolutionSet(
        units.problem(solutions.problem),
        Ball(within.geometry, units.radius(within.rho)) if isinstance(within, Ball) else within,
        solutions.level / units.loss,
    )


def _projected(solutions: SolutionSet, network: Network) -> Network:
    W = np.array([[float(v) for v in row] for row in network.W])
    a = np.array([float(v) for v in network.a])
    # Where a_j = 0 input weights do nothing but take room, so they may go.
    starts = [W] if a.all() else [W, W * (a != 0)]
    for near in (_alternate(solutions, start, a) for start in starts):
        for bits in _BITS:
            for found in _candidates(solutions, _rounded(near, a, bits), 2.0**-bits):
                if found is not None and not solutions.violation_of(found):
                    return found
    reason = solutions.violation_of(_rounded(near, a, _BITS[-1]))
    raise InputError(
        "network",
        "no network of the solution set was found near it"
        + (f" (the best one is not in it: {reason})" if reason else "")
        + "; train it longer, or allow a larger radius or level",
    )


def _alternate(
    solutions: SolutionSet, W: Float[Array, "d m"], a: Float[Array, " m"]
) -> Float[Array, "d m"]:
    """Hidden weights that fit and are in the ball, as nearly as alternating steps get."""
    X = np.array(solutions.problem.X, dtype=float)
    y = np.array(solutions.problem.y, dtype=float)
    activation = solutions.problem.activation
    for _ in range(_STEPS):
        W = _into_ball(solutions, W, a)
        slopes = activation.slopes(X @ W > 0)
        missing = y - activation.fit(X, W, a)
        loss = missing @ missing / 2
        allowed = _allowed(solutions, W, a)
        if loss <= allowed * (1 - 1e-6) or loss <= 1e-28 * max(1.0, float(y @ y)):
            break
        missing *= 1 - math.sqrt(allowed / loss) * (1 - 1e-3)
        movable = _movable(solutions, W, a)
        # Rows of the Jacobian in W, for the weights that may move.
        jacobian = np.einsum("nd,nm,m->ndm", X, slopes, a) * movable
        flat = jacobian.reshape(len(y), -1)
        W = W + (flat.T @ np.linalg.lstsq(flat @ flat.T, missing, rcond=1e-13)[0]).reshape(W.shape)
    return _into_ball(solutions, W, a)


def _allowed(solutions: SolutionSet, W: Float[Array, "d m"], a: Float[Array, " m"]) -> float:
    """What the level leaves for the loss."""
    level = float(solutions.level)
    if solutions.within.beta is not None:
        level -= float(solutions.within.beta) * float((W**2).sum() + (a**2).sum()) / 2
    return max(level, 0.0)


def _into_ball(
    solutions: SolutionSet, W: Float[Array, "d m"], a: Float[Array, " m"]
) -> Float[Array, "d m"]:
    if not isinstance(solutions.within, Ball):
        return W
    radius = _radius(solutions, a)
    if math.isinf(radius):
        return W
    return solutions.within.geometry.hidden.project(W, radius)


def _radius(solutions: SolutionSet, a: Float[Array, " m"]) -> float:
    """What ||W|| may be, a little less."""
    assert isinstance(solutions.within, Ball)
    size = float(solutions.within.geometry.output.value(a))
    return float(solutions.within.rho) * _INSIDE / size if size else math.inf


def _movable(
    solutions: SolutionSet, W: Float[Array, "d m"], a: Float[Array, " m"]
) -> Float[Array, "d m"]:
    """1 for the weights that may be adjusted: those inside their bounds, if each has one."""
    movable = np.ones_like(W)
    if solutions.gauge is None:
        return movable
    bounded = np.full(len(W), solutions.gauge.hidden.entries)
    if solutions.gauge.apart:
        bounded[-1] = solutions.gauge.bounded
    near = np.abs(W) >= _radius(solutions, a) * (1 - _FREE)
    movable[bounded[:, None] & near] = 0.0
    return movable


def _rounded(W: Float[Array, "d m"], a: Float[Array, " m"], bits: int) -> Network:
    """The weights to so many bits: towards zero, as balls are."""

    def short(values: Float[Array, "*shape"]) -> list[Any]:
        top = float(np.abs(values).max(initial=0.0)) or 1.0
        unit = Fraction(2) ** (math.frexp(top)[1] - bits)
        counts = np.trunc(values / float(unit))
        scaled: list[Any] = np.vectorize(lambda c: unit * int(c), otypes=[object])(counts).tolist()
        return scaled

    return Network(W=tuple(map(tuple, short(W))), a=tuple(short(a)))


def _candidates(
    solutions: SolutionSet, network: Network, rounding: float
) -> Iterator[Network | None]:
    """The network, then with hidden weights changed such that its loss is the level's, exactly.

    None where a way finds no such changes. rounding: of the weights, relative to the largest.
    """
    yield network
    problem = solutions.problem
    fit = network.fit(problem)
    missing = [v - f for v, f in zip(problem.y, fit, strict=True)]
    loss = squared(missing) / 2
    W = np.array([[float(v) for v in row] for row in network.W])
    a = np.array([float(v) for v in network.a])
    allowed = _allowed(solutions, W, a)
    if allowed and loss:
        part = 1 - Fraction(math.sqrt(allowed / float(loss)) * (1 - 1e-3)).limit_denominator(10**6)
        missing = [part * r for r in missing]
    X = np.array(problem.X, dtype=float)
    outputs = X @ W
    # Distances to the hyperplanes, relative to the largest weight as rounding is.
    lengths = np.linalg.norm(X, axis=1)[:, None] * max(np.abs(W).max(initial=0.0), 1e-300)
    zero = lengths == 0
    margins = np.where(zero, np.inf, np.abs(outputs) / np.where(zero, 1.0, lengths)).min(axis=0)
    movable: Bool[Array, "d m"] = _movable(solutions, W, a) > 0

    def units(guard: int) -> list[_Move]:
        """The weights that may be changed one by one, of neurons far enough from hyperplanes."""
        clear = margins > rounding * 2**guard
        return [
            (j, tuple(Fraction(i == k) for i in range(problem.d)))
            for k, j in np.argwhere(movable & clear).tolist()
        ]

    yield _on_grid(solutions, network, units(_GRID_GUARD), missing)
    # Along itself a neuron crosses no hyperplane, even where it is near one.
    moves = [(j, w) for j, w in enumerate(network.neurons()) if any(w) and movable[:, j].all()]
    yield _solved(solutions, network, [*moves, *units(_GUARD)], missing)


def _on_grid(
    solutions: SolutionSet,
    network: Network,
    moves: Sequence[_Move],
    missing: Sequence[Fraction],
) -> Network | None:
    """Weights changed in their last digits only, so that they stay short; None if not found.

    Of the integers z with sum_k z_k column_k = missing LLL finds short ones: with many more columns
    than data there are some.
    """
    n = solutions.problem.n
    step = Fraction(1, math.lcm(*(v.denominator for row in network.W for v in row)))
    spread = np.random.default_rng(0).permutation(len(moves))
    moves = [moves[k] for k in spread[: min(_SPARE * n, _LARGEST_LATTICE)].tolist()]
    if len(moves) <= n:
        return None
    columns = [from_flint(column) for column in _images(solutions, network, moves)]
    target = [v / step for v in missing]
    scale = math.lcm(*(v.denominator for column in (*columns, target) for v in column))
    entries = [[int(scale * v) for v in column] for column in (*columns, target)]
    mark = 1 << _GRID_BITS  # both so large that short vectors avoid them where they can
    weight = mark * max(1, *(abs(v) for column in entries for v in column))
    size = len(moves)
    rows = [
        [int(i == k) for i in range(size)] + [0] + [weight * v for v in column]
        for k, column in enumerate(entries[:-1])
    ]
    rows.append([0] * size + [mark] + [-weight * v for v in entries[-1]])
    for row in fmpz_mat(rows).lll().tolist():
        if abs(row[size]) == mark and not any(row[size + 1 :]):
            sign = 1 if row[size] > 0 else -1
            return _changed(network, moves, [step * sign * int(z) for z in row[:size]])
    return None


def _solved(
    solutions: SolutionSet,
    network: Network,
    moves: Sequence[_Move],
    missing: Sequence[Fraction],
) -> Network | None:
    """As many moves as there are data; their sizes may have many digits."""
    n = solutions.problem.n
    columns = _images(solutions, network, moves)
    floats = np.array([[float_of(v) for v in column] for column in columns]).reshape(-1, n)
    _, triangle, order = qr(floats.T, mode="economic", pivoting=True)
    sizes = np.abs(np.diag(triangle))
    chosen = order[: int((sizes > _DEPENDENT * sizes.max(initial=0.0)).sum())].tolist()
    rows = transposed([columns[k] for k in chosen], n)
    changes = some_solution(rows, to_flint(missing), len(chosen))
    if changes is None:
        return None
    return _changed(network, [moves[k] for k in chosen], from_flint(changes))


def _changed(network: Network, moves: Sequence[_Move], changes: Sequence[Fraction]) -> Network:
    neurons = [list(w) for w in network.neurons()]
    for (j, direction), change in zip(moves, changes, strict=True):
        neurons[j] = [v + change * step for v, step in zip(neurons[j], direction, strict=True)]
    return Network(W=tuple(zip(*neurons, strict=True)), a=network.a)


def _images(solutions: SolutionSet, network: Network, moves: Sequence[_Move]) -> list[list[fmpq]]:
    """How the fit changes with each move: a_j D_j X direction."""
    X = fmpq_mat([to_flint(row) for row in solutions.problem.X])
    outputs = X * fmpq_mat([to_flint(row) for row in network.W])
    directions = X * fmpq_mat(
        transposed([to_flint(step) for _, step in moves], solutions.problem.d)
    )
    a, rows, part = to_flint(network.a), range(X.nrows()), solutions.problem.activation.part
    active = [[outputs[i, j] > 0 for i in rows] for j in range(len(a))]
    return [
        part(active[j], [a[j] * directions[i, k] for i in rows]) for k, (j, _) in enumerate(moves)
    ]


def _distance(network: Network, other: Network) -> float:
    pairs = zip((*network.W, network.a), (*other.W, other.a), strict=True)
    return float(sqrt_above(squared(v - w for rows in pairs for v, w in zip(*rows, strict=True))))
