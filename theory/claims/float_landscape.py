"""The landscape once more, by brute force in floating point: a cross-check of the exact solver.

Every cell and every face is enumerated and minimised; nothing is pruned, nothing is exact. It
shares nothing with `theory.landscape.analysis`: the cones and which of them touch, the columns, the
minima and the order of merging are computed in other ways. For small problems.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, product
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float
from scipy.cluster.hierarchy import DisjointSet

from theory.claims.sampled import slopes
from theory.claims.sign_vectors import SignVectors, sign_vectors
from theory.landscape.cells import Cell
from theory.network import Network
from theory.problem import Problem
from theory.states import state_of

Piece: TypeAlias = tuple[int, tuple[int, ...]]
"""Where a neuron may be: its sign, and those of x_k . u, 0 where that has to vanish."""

Measure: TypeAlias = Callable[[tuple[Piece, ...]], float]
"""The least value of something over networks with a neuron in each piece, and no others."""

TOLERANCE = 1e-9  # relative to ||y||^2; float minima of exact zeros reach about 1e-13


@dataclass(frozen=True)
class FloatLandscape:
    """Float results: the minimum, the cells of each component, and the barriers between them."""

    minimum: float
    components: tuple[frozenset[Cell], ...]
    barriers: Float[np.ndarray, "K K"]
    cones: SignVectors = field(repr=False)
    labelled: bool

    def home(self, network: Network) -> int | None:
        """The component with a network; None where it has too high a loss."""
        states = []
        for j, a in enumerate(network.a):
            cone = self.cones.cone_of([row[j] for row in network.W])
            states.append(state_of(cone, a))
        name = tuple(states) if self.labelled else tuple(sorted(states))
        return next((i for i, cells in enumerate(self.components) if name in cells), None)


def _half_squared_distance(A: Float[np.ndarray, "k n"], y: Float[np.ndarray, " n"]) -> float:
    """1/2 dist^2 of y from the cone spanned by the rows of A (Lawson-Hanson).

    scipy.optimize.nnls is no use here: with linearly dependent columns it can return a distance of
    zero that does not exist (seen with version 1.17.1; one is in
    tests/theory/claims/test_float_landscape.py).
    """
    A = A / np.linalg.norm(A, axis=1, keepdims=True)
    threshold = 1e-12 * (np.linalg.norm(y) or 1.0)
    z = np.zeros(len(A))
    support = np.zeros(len(A), dtype=bool)
    residual = y
    while (gains := np.where(support, 0.0, A @ residual)).max(initial=0.0) > threshold:
        support[gains.argmax()] = True
        while True:
            target = np.zeros(len(A))
            target[support] = np.linalg.lstsq(A[support].T, y)[0]
            blocked = support & (target <= 0)
            if not blocked.any():
                break
            step = (z[blocked] / np.maximum(z[blocked] - target[blocked], 1e-300)).min()
            z += step * (target - z)
            support &= z > 1e-14
            z[~support] = 0.0
        z, residual = target, y - target @ A
    return float(residual @ residual) / 2


def pieces(cones: SignVectors) -> list[Piece]:
    """The room of a neuron in each state, in the order of their numbers."""
    return [(sign, tuple(signs)) for signs in cones.signs.tolist() for sign in (1, -1)]


def shared_pieces(cones: SignVectors) -> dict[tuple[int, int], Piece | None]:
    """What two states have in common, where they touch: a facet, or zero alone (None)."""
    shared: dict[tuple[int, int], Piece | None] = {
        (state_of(i, 1), state_of(i, -1)): None for i in range(len(cones))
    }
    for i, k in cones.neighbours:
        for sign in (1, -1):
            common = tuple(cones.common(i, k).tolist())
            shared[state_of(i, sign), state_of(k, sign)] = (sign, common)
    return shared


def least_loss(problem: Problem, cones: SignVectors) -> Measure:
    """1/2 ||f - y||^2 at least, by the rays of the pieces."""
    X, y = (np.array(data, dtype=float) for data in (problem.X, problem.y))
    rays = cones.rays.astype(float)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    # The exact signs: a product of 5e-17 in place of zero would be a column that does not exist.
    images = slopes(problem, cones.ray_signs) * (rays @ X.T)

    @cache
    def columns(piece: Piece) -> frozenset[tuple[int, int]]:
        sign, signs = piece
        limits = np.array(signs)
        within = ((cones.ray_signs * limits >= 0) & ((limits != 0) | (cones.ray_signs == 0))).all(1)
        return frozenset((sign, int(ray)) for ray in np.flatnonzero(within))

    @cache
    def minimum(chosen: frozenset[tuple[int, int]]) -> float:
        A = np.array([sign * images[ray] for sign, ray in chosen]).reshape(-1, problem.n)
        return _half_squared_distance(A[A.any(axis=1)], y)

    return lambda room: minimum(frozenset[Any]().union(*map(columns, room)))


def fitting_cells(problem: Problem, width: int) -> tuple[SignVectors, list[Cell]]:
    """The cones, and the cells modulo permutation that hold an exact fit."""
    cones = sign_vectors(problem)
    room, loss = pieces(cones), least_loss(problem, cones)
    limit = TOLERANCE * float(problem.squared_length)
    cells = combinations_with_replacement(range(len(room)), width)
    return cones, [cell for cell in cells if loss(tuple(room[s] for s in cell)) <= limit]


def cell_and_face_values(
    cones: SignVectors, width: int, labelled: bool, least: Measure
) -> tuple[dict[Cell, float], dict[tuple[Cell, Cell], float]]:
    """The least value on every cell, and on every face between two cells."""
    own, shared = pieces(cones), shared_pieces(cones)
    cells: list[Cell] = list(
        product(range(len(own)), repeat=width)
        if labelled
        else combinations_with_replacement(range(len(own)), width)
    )
    values = {cell: least(tuple(own[s] for s in cell)) for cell in cells}
    faces: dict[tuple[Cell, Cell], float] = {}
    for cell in cells:
        for j, state in enumerate(cell):
            others = tuple(own[s] for s in cell[:j] + cell[j + 1 :])
            for (first, second), common in shared.items():
                if state == first:
                    target = (*cell[:j], second, *cell[j + 1 :])
                    pair = (cell, target if labelled else tuple(sorted(target)))
                    value = least(others if common is None else (*others, common))
                    faces[pair] = min(value, faces.get(pair, np.inf))
    return values, faces


def float_landscape(
    problem: Problem,
    width: int,
    *,
    level: Fraction | None = None,
    labelled: bool = False,
    least: Measure | None = None,
) -> FloatLandscape:
    """Components of {loss <= level} (default: the minimum) and barriers, by visiting every face.

    States, cells and the meaning of the results are as in `theory.landscape.analyse`, except that
    everything is decided up to TOLERANCE. least: of another loss than the squared one.
    """
    cones = sign_vectors(problem)
    measure = least_loss(problem, cones) if least is None else least
    values, faces = cell_and_face_values(cones, width, labelled, measure)
    lowest = min(values.values())
    scale = float(problem.squared_length) or 1.0
    bound = (lowest if level is None else float(level)) + TOLERANCE * scale
    joined = DisjointSet(cell for cell, value in values.items() if value <= bound)
    for (cell, target), value in faces.items():
        if value <= bound:
            joined.merge(cell, target)
    components = tuple(frozenset(part) for part in joined.subsets())

    # Kruskal: the first face to join two groups is the lowest between their components.
    barriers = np.full((len(components), len(components)), np.inf)
    groups = DisjointSet(values)
    members: dict[Cell, list[int]] = {}  # by root of a group: the components in it
    for i, component in enumerate(components):
        barriers[i, i] = min(values[cell] for cell in component)
        first, *others = component
        for cell in others:
            groups.merge(first, cell)
        members[groups[first]] = [i]
    for (cell, target), value in sorted(faces.items(), key=lambda item: item[1]):
        left, right = groups[cell], groups[target]
        if groups.merge(cell, target):
            here, there = members.pop(left, []), members.pop(right, [])
            barriers[np.ix_(here, there)] = barriers[np.ix_(there, here)] = value
            members[groups[cell]] = here + there
    return FloatLandscape(lowest, components, barriers, cones, labelled)
