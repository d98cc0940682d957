"""The landscape once more, by brute force in floating point: a cross-check of the exact solver.

Every cell and every face is enumerated and minimised; nothing is pruned, nothing is exact. It shares
only the list of cones and rays with `theory.landscape.analysis`: which cones touch, the columns, the
minima and the order of merging are computed in other ways. For small problems.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, combinations_with_replacement, product

import numpy as np
from jaxtyping import Float
from scipy.cluster.hierarchy import DisjointSet

from theory.arrangement import arrangement
from theory.landscape.cells import Cell
from theory.problem import Problem

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


def exhaustive(
    problem: Problem, width: int, *, level: Fraction | None = None, labelled: bool = False
) -> Exhaustive:
    """Components of {loss <= level} (default: the minimum) and barriers, by visiting every face.

    States, cells and the meaning of the results are as in `theory.landscape.analyse`, except that
    everything is decided up to TOLERANCE.
    """
    X = np.array([[float(v) for v in row] for row in problem.X])
    y = np.array([float(v) for v in problem.y])
    scale = float(y @ y) or 1.0
    cones = arrangement(problem.X)
    rays = cones.rays.astype(float)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    # The exact signs: a product of 5e-17 in place of zero would be a column that does not exist.
    images = np.where(cones.ray_signs > 0, rays @ X.T, 0.0)
    # A ray lies in a closed cone when no sign of X v contradicts the cone's.
    inside = ~(cones.signs[:, None, :] * cones.ray_signs[None, :, :] < 0).any(axis=2)  # (P, R)
    size = 2 * len(cones)
    memo: dict[frozenset[tuple[int, int]], float] = {}

    def minimum(columns: frozenset[tuple[int, int]]) -> float:
        """1/2 dist^2 of y from the cone of the columns (sign, ray)."""
        if columns not in memo:
            A = np.array([sign * images[ray] for sign, ray in columns]).reshape(-1, problem.n)
            memo[columns] = _half_squared_distance(A[A.any(axis=1)], y)
        return memo[columns]

    def columns(state: int, members: np.ndarray) -> frozenset[tuple[int, int]]:
        return frozenset((1 - 2 * (state % 2), int(ray)) for ray in np.flatnonzero(members))

    own = [columns(state, inside[state // 2]) for state in range(size)]
    # Two cones share a facet when their common rays span a hyperplane; two signs share only zero.
    shared: dict[tuple[int, int], frozenset[tuple[int, int]]] = {}
    for i, k in combinations(range(len(cones)), 2):
        common = inside[i] & inside[k]
        if np.linalg.matrix_rank(rays[common] @ X.T) == cones.rank - 1 if common.any() else cones.rank == 1:
            for sign in (0, 1):
                shared[2 * i + sign, 2 * k + sign] = columns(sign, common)
    for state in range(0, size, 2):
        shared[state, state + 1] = frozenset()

    cells: list[Cell] = list(
        product(range(size), repeat=width)
        if labelled
        else combinations_with_replacement(range(size), width)
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

    lowest = min(values.values())
    bound = (lowest if level is None else float(level)) + TOLERANCE * scale
    joined = DisjointSet(cell for cell, value in values.items() if value <= bound)
    for (cell, target), value in faces.items():
        if value <= bound:
            joined.merge(cell, target)
    components = tuple(frozenset(part) for part in joined.subsets())

    barriers = np.full((len(components), len(components)), np.inf)
    groups = DisjointSet(cells)
    home = {i: [i] for i in range(len(components))}
    for i, component in enumerate(components):
        barriers[i, i] = min(values[cell] for cell in component)
        first = next(iter(component))
        for cell in component:
            groups.merge(first, cell)
    holder = {groups[next(iter(component))]: i for i, component in enumerate(components)}
    for (cell, target), value in sorted(faces.items(), key=lambda item: item[1]):
        one, other = groups[cell], groups[target]
        if one == other:
            continue
        groups.merge(cell, target)
        left, right = holder.pop(one, None), holder.pop(other, None)
        if left is not None and right is not None:
            for i in home[left]:
                for k in home[right]:
                    barriers[i, k] = barriers[k, i] = value
            home[left] += home[right]
        kept = left if left is not None else right
        if kept is not None:
            holder[groups[cell]] = kept
    return Exhaustive(lowest, components, barriers)
