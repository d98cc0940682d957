"""Valleys once more, by brute force in floating point: a cross-check of `theory.landscape.valleys`.

Every cell and every face is minimised by Clarabel, in the weights themselves: where a neuron may be
is a system of inequalities, and so is the ball. Nothing is pruned, nothing is proved; the cells and
faces are those of `theory.claims.float_landscape`. For small problems.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import DisjointSet

from theory.claims.float_landscape import Measure, Piece, cell_and_face_values
from theory.claims.sampled import slopes
from theory.claims.sign_vectors import sign_vectors
from theory.landscape.cells import Cell
from theory.problem import Problem
from theory.types import Array

Bar = tuple[float, float]
"""The losses at which a valley is born and dies."""

_ACCURACIES = (1e-11, 1e-8)  # asked of the solver, the second where the first is too much


def float_bars(problem: Problem, width: int, optimizer: str, rho: float) -> list[Bar]:
    """All valleys in an optimizer's ball, modulo permutation, those of depth 0 too.

    optimizer: adamw, colnorm, ngd, muon or muon-adamw.
    """
    measure = least_loss_in_ball(problem, optimizer, rho)
    return bars(*cell_and_face_values(sign_vectors(problem), width, False, measure))


def bars(values: Mapping[Cell, float], faces: Mapping[tuple[Cell, Cell], float]) -> list[Bar]:
    """Births and deaths by Kruskal's algorithm over all faces.

    Of two valleys that meet the one of lower bottom goes on; the last one never dies.
    """
    groups = DisjointSet(values)
    lowest = dict(values)  # by root
    found = [(min(values.values()), math.inf)]
    for (cell, target), value in sorted(faces.items(), key=lambda item: item[1]):
        ends = lowest[groups[cell]], lowest[groups[target]]
        if groups.merge(cell, target):
            found.append((max(ends), value))
            lowest[groups[cell]] = min(ends)
    return found


def least_loss_in_ball(problem: Problem, optimizer: str, rho: float) -> Measure:
    """1/2 ||f - y||^2 at least over networks in the ball; NaN where the solver fails."""
    least = least_points(problem, optimizer, rho)
    return lambda neurons: least(tuple(sorted(neurons)))[0]


def least_points(
    problem: Problem, optimizer: str | None, rho: float
) -> Callable[[tuple[Piece, ...]], tuple[float, Array]]:
    """The least 1/2 ||f - y||^2 of neurons in given pieces, and their u (m, d) where it is.

    optimizer: None for networks anywhere; for sgd rho is the beta of its penalty, which the losses
    are then with. Of several such points it is one in the inside of their
    set, where the solver's path leads. The loss is NaN where the solver fails.
    """
    X, y = (np.array(data, dtype=float) for data in (problem.X, problem.y))
    used = X.any(axis=1)

    @cache
    def room(piece: Piece) -> tuple[Array, Array, Array]:
        """Of one neuron: the fit by its u, what has to vanish, what must not be negative."""
        sign, signs = piece
        limits = np.array(signs)
        on, off = used & (limits == 0), used & (limits != 0)
        return sign * slopes(problem, limits)[:, None] * X, X[on], limits[off, None] * X[off]

    @cache
    def least(neurons: tuple[Piece, ...]) -> tuple[float, Array]:
        if not neurons:
            return float(y @ y) / 2, np.zeros((0, problem.d))
        return _least([room(neuron) for neuron in neurons], y, optimizer, rho)

    return least


def _least(
    rooms: Sequence[tuple[Array, Array, Array]], y: Array, optimizer: str | None, rho: float
) -> tuple[float, Array]:
    """The unknowns are u_1, ..., u_m and, where the output layer is shared, the neurons' shares
    t_j = a_j^2 / ||a||^2 of it; for sgd bounds t_j of their lengths."""
    import clarabel  # type: ignore[import-untyped]

    fits, zero, positive = zip(*rooms, strict=True)
    F, m, d = np.hstack(fits), len(rooms), fits[0].shape[1]
    ball, offset, kinds = _ball(optimizer, rho, m, d)
    size, own = ball.shape[1], m * d
    # Clarabel's cones hold b - A x.
    equal, least = (np.zeros((sum(map(len, each)), size)) for each in (zero, positive))
    for rows, parts in ((equal, zero), (least, positive)):
        start = 0
        for j, part in enumerate(parts):
            rows[start : start + len(part), j * d : (j + 1) * d] = -part
            start += len(part)
    A = _sparse(np.vstack([equal, least, ball]))
    b = np.concatenate([np.zeros(len(equal) + len(least)), offset])
    cones = [clarabel.ZeroConeT(len(equal)), clarabel.NonnegativeConeT(len(least)), *kinds]
    P, q = np.zeros((size, size)), np.zeros(size)
    P[:own, :own], q[:own] = np.triu(F.T @ F), -F.T @ y
    if optimizer == "sgd":
        q[own:] = rho
    for accuracy in _ACCURACIES:
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = accuracy
        found = clarabel.DefaultSolver(_sparse(P), q, A, b, cones, settings).solve()
        if str(found.status) in ("Solved", "AlmostSolved"):
            u = np.array(found.x[:own])
            penalty = rho * sum(found.x[own:]) if optimizer == "sgd" else 0.0
            return float(((F @ u - y) ** 2).sum()) / 2 + penalty, u.reshape(m, d)
    return math.nan, np.zeros((m, d))


def _sparse(A: Array) -> Any:
    """Without SciPy's checks, which take longer than Clarabel."""
    from scipy.sparse import csc_array

    there = A.T != 0
    ends = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    return csc_array((A.T[there], np.nonzero(there)[1], ends), shape=A.shape)


@lru_cache(maxsize=64)
def _ball(optimizer: str | None, rho: float, m: int, d: int) -> tuple[Array, Array, list[Any]]:
    """The rows of A and b that say that the network is in the ball, and their cones."""
    import clarabel

    shared = optimizer in ("muon", "ngd", "sgd")
    unknown = np.eye(m * d + m * shared)
    u = unknown[: m * d].reshape(m, d, -1)
    # t_j = 1 where each neuron has an output weight of its own.
    shares = unknown[m * d :] if shared else np.zeros((m, m * d))
    given = np.full(m, 0.0 if shared else 1.0)
    rows: list[Array] = []
    offsets: list[Array] = []
    kinds: list[Any] = []

    def inside(cone: Any, A: Array, b: Array) -> None:
        rows.append(A)
        offsets.append(b)
        kinds.append(cone)

    if optimizer is None:
        return np.zeros((0, m * d)), np.zeros(0), []
    if optimizer == "adamw":
        inside(
            clarabel.NonnegativeConeT(2 * m * d),
            np.vstack([unknown, -unknown]),
            np.full(2 * m * d, rho),
        )
    elif optimizer in ("colnorm", "ngd"):  # ||u_j|| <= rho t_j
        for j in range(m):
            A = np.vstack([-rho * shares[j], -u[j]])
            inside(clarabel.SecondOrderConeT(d + 1), A, np.pad([rho * given[j]], (0, d)))
    elif optimizer == "sgd":  # ||u_j|| <= t_j, which the objective has beta times
        for j in range(m):
            inside(
                clarabel.SecondOrderConeT(d + 1), np.vstack([-shares[j], -u[j]]), np.zeros(d + 1)
            )
        shared = False
    else:  # [[I, U], [U^T, diag t]] >= 0 with U / rho, its upper triangle column by column
        top = np.zeros((d + m, d + m, unknown.shape[1]))
        constant = np.diag([*np.ones(d), *given])
        for j in range(m):
            top[:d, d + j] = math.sqrt(2) * u[j] / rho
            top[d + j, d + j] = shares[j]
        places = [(i, k) for k in range(d + m) for i in range(k + 1)]
        A = -np.array([top[place] for place in places])
        inside(clarabel.PSDTriangleConeT(d + m), A, np.array([constant[p] for p in places]))
    if shared:
        inside(clarabel.NonnegativeConeT(1), shares.sum(axis=0)[None], np.ones(1))
    return np.vstack(rows), np.concatenate(offsets), kinds
