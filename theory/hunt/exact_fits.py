"""The exact fits of one small problem, fast: which cells hold some, and how these are connected.

Whether y is a nonnegative combination of the columns of a cell is decided for all cells at once, by
elimination without fractions in 64-bit integers; what that leaves open, the exact solver decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement

import numpy as np
from flint import fmpz_mat
from jaxtyping import Bool, Int, Int64
from scipy.cluster.hierarchy import DisjointSet

from theory.gauges import gauge_of
from theory.geometry import geometry
from theory.landscape.analysis import components_of, reached
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.domain import Group, WholeSpace
from theory.landscape.merge_tree import Component
from theory.landscape.sublevel import Sublevel
from theory.radii.radii import radius_of
from theory.states import cone_of
from theory.types import Array

_MOST_CELLS = 20_000  # beyond, a search that looks at few cells is faster


def separate_components(complex_: CellComplex) -> tuple[Component, ...]:
    """The components of {loss = 0} modulo permutation, without a ball, where there are several;
    none where it is connected or empty."""
    table = _Table.of(complex_)
    if table is None:
        low = reached(complex_, Fraction()).low
    else:
        cells = table.cells()
        if table.connected(cells):
            return ()
        low = {cell: complex_.minimum(cell) for cell in cells}
    found = components_of(complex_, Sublevel(Fraction(), low))
    return found if len(found) > 1 else ()


class _Table:
    """The columns of all states and, behind them, of all facets, as one array of integers."""

    def __init__(self, complex_: CellComplex, largest: int) -> None:
        space = complex_.domain
        assert isinstance(space, WholeSpace)
        self.complex = complex_
        columns = space.least_squares.columns
        self._blank = len(columns)  # a column of zeros
        self._columns = np.array([*columns, [0] * complex_.problem.n])
        self._y = np.array(space.least_squares.y)
        self._facets: dict[Group, int] = {}
        for state in range(complex_.states):
            for move in complex_.moves(state):
                self._facets.setdefault(move.group, complex_.states + len(self._facets))
        groups = [*complex_.groups, *self._facets]
        self._groups = np.full((len(groups), largest), self._blank)
        for place, group in enumerate(groups):
            self._groups[place, : len(group)] = group
        signs = np.sign(self._columns[self._groups])  # (groups, columns, n)
        above, below = (signs > 0).any(axis=1), (signs < 0).any(axis=1)
        self._able = (above | (self._y <= 0)).astype(np.int8) + 2 * (below | (self._y >= 0))

    @classmethod
    def of(cls, complex_: CellComplex) -> _Table | None:
        """None where the problem is too large for it."""
        space = complex_.domain
        assert isinstance(space, WholeSpace)
        largest = max(map(len, complex_.groups))
        order = largest * complex_.width
        rows = [*space.least_squares.columns, space.least_squares.y]
        # More columns than equations are dependent, which elimination does not decide.
        few = complex_.count <= _MOST_CELLS and order <= complex_.problem.n
        return cls(complex_, largest) if few and _product_bound(rows, order) < 2**62 else None

    def cells(self) -> list[Cell]:
        """The cells that hold an exact fit."""
        every = _multisets(self.complex.states, self.complex.width)
        places, certain = self._decide(every)
        return [
            cell
            for cell, sure in zip(map(tuple, every[places].tolist()), certain, strict=True)
            if sure or not self.complex.minimum(cell).value
        ]

    def connected(self, cells: Sequence[Cell]) -> bool:
        """Whether these cells are connected through faces that hold an exact fit."""
        complex_, low = self.complex, set(cells)
        faces, pairs, exact = [], [], []
        for cell in cells:
            for position in complex_.positions(cell):
                others = (*cell[:position], *cell[position + 1 :])
                for move in complex_.moves(cell[position]):
                    target = complex_.neighbour(cell, position, move)
                    if cell < target and target in low:
                        faces.append((*others, self._facets[move.group]))
                        pairs.append((cell, target))
                        exact.append((cell, position, move))
        clusters = DisjointSet(cells)
        if faces:
            places, certain = self._decide(np.array(faces))
            for place, sure in zip(places.tolist(), certain.tolist(), strict=True):
                if sure or not complex_.face_minimum(*exact[place]).value:
                    clusters.merge(*pairs[place])
        return bool(clusters.n_subsets <= 1)

    def _decide(
        self, chosen: Int[Array, "B m"]
    ) -> tuple[Int[Array, " possible"], Bool[Array, " possible"]]:
        """Of rows of m groups the places that may hold an exact fit, and whether they do."""
        # Where y_k is not zero, some column must have its sign there.
        able = np.bitwise_or.reduce(self._able[chosen], axis=1) == 3
        places = np.flatnonzero(able.all(axis=1))
        size = chosen.shape[1] * self._groups.shape[1]
        columns = np.sort(self._groups[chosen[places]].reshape(len(places), size), axis=1)
        columns[:, 1:][columns[:, 1:] == columns[:, :-1]] = self._blank  # neurons may share some
        fit, open_ = _combinations(self._columns[columns].transpose(0, 2, 1), self._y)
        return places[fit | open_], fit[fit | open_]


@cache
def _multisets(states: int, size: int) -> Int[Array, "cells size"]:
    return np.array(list(combinations_with_replacement(range(states), size)))


def _product_bound(rows: list[list[int]], order: int) -> int:
    """A bound of the product of two minors of the matrix with these columns (Hadamard)."""
    largest = max(sum(v * v for v in row) for row in rows)
    bound: int = largest ** min(order + 1, len(rows[0]))
    return bound


def _combinations(
    A: Int64[Array, "B n k"], y: Int64[Array, " n"]
) -> tuple[Bool[Array, " B"], Bool[Array, " B"]]:
    """Where y is a nonnegative combination of the columns for certain, and where that is open.

    Gauss-Jordan elimination without fractions (Bareiss): entries stay minors of [A | y]. It gives
    one combination; where columns are dependent and it has a negative coefficient, others may not.
    """
    B, n, k = A.shape
    M = np.concatenate([A, np.broadcast_to(y[None, :, None], (B, n, 1))], axis=2)
    here = np.arange(B)
    used = np.zeros((B, n), dtype=bool)
    before = np.ones(B, dtype=np.int64)
    dependent = np.zeros(B, dtype=bool)
    for j in range(k):
        candidates = (M[:, :, j] != 0) & ~used
        row = candidates.argmax(axis=1)
        found = candidates[here, row]
        dependent |= A[:, :, j].any(axis=1) & ~found
        pivots = M[here, row].copy()
        pivot = np.where(found, pivots[:, j], 1)
        factor = np.where(found[:, None], M[:, :, j], 0)
        scale = np.where(found, before, 1)
        M = (pivot[:, None, None] * M - factor[:, :, None] * pivots[:, None, :]) // scale[
            :, None, None
        ]
        M[here, row] = np.where(found[:, None], pivots, M[here, row])
        used[here, row] |= found
        before = np.where(found, pivot, before)
    right = M[:, :, k]
    consistent = ~((right != 0) & ~used).any(axis=1)
    negative = (used & (right * np.sign(before)[:, None] < 0)).any(axis=1)
    return consistent & ~negative, consistent & negative & dependent


def radius_bounds(
    complex_: CellComplex, component: Component, optimizer: str
) -> tuple[Fraction, Fraction]:
    """Bounds of the least radius of the optimizer's ball that reaches a component of fits.

    Where each cell holds one network, duality for that network is enough and takes no solver.
    """
    gauge = gauge_of(geometry(optimizer).ball)
    bounds = []
    for cell in component.cells:
        if not _single(complex_, cell):
            found = radius_of(complex_, component, optimizer)
            return found.lower, found.upper
        signs, u = zip(*complex_.point(cell, complex_.minimum(cell)), strict=True)
        bounds.append(gauge.bounds(signs, u))
    lowers, uppers = zip(*bounds, strict=True)
    return min(lowers), min(uppers)


def radius_above(complex_: CellComplex, component: Component, optimizer: str) -> Fraction:
    """An upper bound of the same radius, from the networks at hand."""
    gauge = gauge_of(geometry(optimizer).ball)
    points = (complex_.point(cell, complex_.minimum(cell)) for cell in component.cells)
    return min(gauge.witness(*zip(*point, strict=True))[1] for point in points)


def _single(complex_: CellComplex, cell: Cell) -> bool:
    """Whether each fit of a cell has one network: no two combinations of its rays are the same."""
    space = complex_.domain
    assert isinstance(space, WholeSpace)
    generators = sum(len(space.cone(cone_of(state))) for state in cell)
    columns = [column for state in cell for column in complex_.groups[state]]
    if complex_.arrangement.rank < complex_.problem.d or len(columns) < generators:
        return False
    rows = [space.least_squares.columns[c] for c in columns]
    return bool(fmpz_mat(rows).rank() == len(rows))
