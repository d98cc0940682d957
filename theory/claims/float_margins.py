"""Margins once more, by brute force in floating point: a cross-check of the exact search.

Every cell and every face has a linear program of its own, in the weights themselves, for HiGHS. It
shares nothing with `theory.margins`: the cones come from all sign vectors. For small problems.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations_with_replacement, product
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float
from scipy.cluster.hierarchy import DisjointSet
from scipy.optimize import linprog

from theory.claims.sampled import slopes
from theory.claims.sign_vectors import SignVectors, sign_vectors
from theory.problem import Problem
from theory.types import Array

Piece: TypeAlias = tuple[int, tuple[int, ...]]
"""Where a neuron may be: its sign, and those of x_k . u, 0 where that has to vanish."""

_NONE = 1e-7  # of a margin


@dataclass(frozen=True)
class Constraints:
    """The networks of one piece for each neuron, and margins of at most t: A z <= 0 and E z = 0 for
    z = (u_1 .. u_m, t)."""

    A: Float[Array, "r N"]
    E: Float[Array, "s N"]


@dataclass(frozen=True)
class FloatMargins:
    """The components of networks with all labels right, as sets of cells (a cone and a sign for
    each neuron), and the largest margin in each."""

    margins: tuple[float, ...]
    components: tuple[frozenset[tuple[Any, ...]], ...]
    cones: SignVectors = field(repr=False)
    labelled: bool

    def home(self, W: Float[Array, "d m"], a: Float[Array, " m"]) -> int | None:
        """The component with a network; None where some label is wrong."""
        pairs = zip(W.T.tolist(), a.tolist(), strict=True)
        cell = [(self.cones.cone_of(w), 1 if b > 0 else -1) for w, b in pairs]
        name = tuple(cell if self.labelled else sorted(cell))
        return next((i for i, cells in enumerate(self.components) if name in cells), None)


def in_the_cube(constraints: Constraints, d: int, m: int) -> float:
    """The largest margin for entries of u of at most one: AdamW's ball."""
    bounds = [*[(-1.0, 1.0)] * (d * m), (None, None)]
    E = constraints.E
    found = linprog(
        -np.eye(d * m + 1)[-1],
        A_ub=constraints.A,
        b_ub=np.zeros(len(constraints.A)),
        A_eq=E if len(E) else None,
        b_eq=np.zeros(len(E)) if len(E) else None,
        bounds=bounds,
    )
    return float(-found.fun)


def float_margins(
    problem: Problem,
    width: int,
    *,
    labelled: bool = False,
    largest: Callable[[Constraints, int, int], float] = in_the_cube,
) -> FloatMargins:
    """By a program on all cells and faces; largest: of constraints, d and m, in a ball."""
    cones = sign_vectors(problem)
    states = list(product(range(len(cones)), (-1, 1)))  # ascending, as cells are

    def margin(pieces: Sequence[Piece]) -> float:
        return largest(_constraints(problem, pieces), problem.d, width)

    def piece(state: tuple[int, int]) -> Piece:
        return state[1], tuple(cones.signs[state[0]].tolist())

    def moves(state: tuple[int, int]) -> Iterator[tuple[tuple[int, int], Piece]]:
        cone, sign = state
        yield (cone, -sign), (sign, (0,) * problem.n)
        for i, k in cones.neighbours:
            if cone in (i, k):
                yield (i + k - cone, sign), (sign, tuple(cones.common(i, k).tolist()))

    cells = (
        product(states, repeat=width) if labelled else combinations_with_replacement(states, width)
    )
    values = {}
    for cell in cells:
        value = margin([piece(state) for state in cell])
        if value > _NONE:
            values[cell] = value
    clusters = DisjointSet(values)
    for cell, j in product(values, range(width)):
        for target, face in moves(cell[j]):
            moved = (*cell[:j], target, *cell[j + 1 :])
            other = moved if labelled else tuple(sorted(moved))
            if other in values and cell < other and clusters[cell] != clusters[other]:
                pieces = [piece(state) for state in cell]
                pieces[j] = face
                if margin(pieces) > _NONE:
                    clusters.merge(cell, other)
    parts = sorted(map(sorted, clusters.subsets()))
    return FloatMargins(
        tuple(max(values[cell] for cell in part) for part in parts),
        tuple(map(frozenset, parts)),
        cones,
        labelled,
    )


def _constraints(problem: Problem, pieces: Sequence[Piece]) -> Constraints:
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    signs = np.array([signs for _, signs in pieces])
    outputs = np.array([sign for sign, _ in pieces])
    fit = np.hstack(
        [s * own[:, None] * X for s, own in zip(outputs, slopes(problem, signs), strict=True)]
    )
    A, E = [np.hstack([-y[:, None] * fit, np.ones((problem.n, 1))])], []
    for j, own in enumerate(signs):
        block = np.zeros((problem.n, fit.shape[1] + 1))
        block[:, j * problem.d : (j + 1) * problem.d] = X
        A.append(-own[own != 0, None] * block[own != 0])
        E.append(block[(own == 0) & X.any(axis=1)])
    return Constraints(np.vstack(A), np.vstack(E))
