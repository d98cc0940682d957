"""The landscape once more, by brute force in floating point: a cross-check of the exact solver.

Every cell and every face is enumerated and minimised; nothing is pruned, nothing is exact. It
shares only the list of cones and rays with `theory.landscape.analysis`: which cones touch, the
columns, the minima and the order of merging are computed in other ways. For small problems.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations, combinations_with_replacement, product
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float
from scipy.cluster.hierarchy import DisjointSet

from theory.arrangement import arrangement
from theory.landscape.cells import Cell
from theory.problem import Problem

_Column: TypeAlias = tuple[int, int]  # the sign of a neuron and a ray of its cone

TOLERANCE = 1e-9  # relative to ||y||^2; float minima of exact zeros reach about 1e-13


@dataclass(frozen=True)
class Exhaustive:
    """Float results: the minimum, the cells of each component, and the barriers between them."""

    minimum: float
    components: tuple[frozenset[Cell], ...]
    barriers: Float[np.ndarray, "K K"]


def _half_squared_distance(A: Float[np.ndarray, "k n"], y: Float[np.ndarray, " n"]) -> float:
    """1/2 dist^2 of y from the cone spanned by the rows of A (Lawson-Hanson).

    scipy.optimize.nnls is no use here: with linearly dependent columns it can return a distance of
    zero that does not exist (seen with version 1.17.1; tests/landscape/test_exhaustive.py has one).
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


def _values(
    problem: Problem, width: int, labelled: bool
) -> tuple[dict[Cell, float], dict[tuple[Cell, Cell], float]]:
    """The minimum of the loss on every cell, and on every face between two cells."""
    X = np.array([[float(v) for v in row] for row in problem.X])
    y = np.array([float(v) for v in problem.y])
    cones = arrangement(problem.X)
    rays = cones.rays.astype(float)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    # The exact signs: a product of 5e-17 in place of zero would be a column that does not exist.
    images = np.where(cones.ray_signs > 0, rays @ X.T, 0.0)
    # A ray lies in a closed cone when no sign of X v contradicts the cone's.
    clash = cones.signs[:, None, :] * cones.ray_signs[None, :, :] < 0
    inside = np.logical_not(clash.any(axis=2))  # (P, R)

    def columns(sign: int, members: Bool[np.ndarray, " R"]) -> frozenset[_Column]:
        return frozenset((1 - 2 * sign, int(ray)) for ray in np.flatnonzero(members))

    own = [columns(state % 2, inside[state // 2]) for state in range(2 * len(cones))]
    # Two cones share a facet when their common rays span a hyperplane, two signs share only zero.
    shared = {(state, state + 1): frozenset[_Column]() for state in range(0, len(own), 2)}
    for i, k in combinations(range(len(cones)), 2):
        common = inside[i] & inside[k]
        dimension = np.linalg.matrix_rank(rays[common] @ X.T) if common.any() else 0
        if dimension == cones.rank - 1:
            for sign in (0, 1):
                shared[2 * i + sign, 2 * k + sign] = columns(sign, common)

    @cache
    def minimum(chosen: frozenset[_Column]) -> float:
        A = np.array([sign * images[ray] for sign, ray in chosen]).reshape(-1, problem.n)
        return _half_squared_distance(A[A.any(axis=1)], y)

    cells: list[Cell] = list(
        product(range(len(own)), repeat=width)
        if labelled
        else combinations_with_replacement(range(len(own)), width)
    )
    values = {cell: minimum(frozenset().union(*(own[s] for s in cell))) for cell in cells}
    faces: dict[tuple[Cell, Cell], float] = {}
    for cell in cells:
        for j, state in enumerate(cell):
            others = frozenset().union(*(own[s] for s in cell[:j] + cell[j + 1 :]))
            for (first, second), common_columns in shared.items():
                if state == first:
                    target = (*cell[:j], second, *cell[j + 1 :])
                    pair = (cell, target if labelled else tuple(sorted(target)))
                    value = minimum(others | common_columns)
                    faces[pair] = min(value, faces.get(pair, np.inf))
    return values, faces


def exhaustive(
    problem: Problem, width: int, *, level: Fraction | None = None, labelled: bool = False
) -> Exhaustive:
    """Components of {loss <= level} (default: the minimum) and barriers, by visiting every face.

    States, cells and the meaning of the results are as in `theory.landscape.analyse`, except that
    everything is decided up to TOLERANCE.
    """
    values, faces = _values(problem, width, labelled)
    lowest = min(values.values())
    scale = float(sum(v * v for v in problem.y)) or 1.0
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
    return Exhaustive(lowest, components, barriers)
