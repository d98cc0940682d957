"""Lower bounds on faces, from dual vectors that were found on others.

A dual vector of one face bounds the loss on many others, and where it also has the point of least
loss in common with one, the minimum there is known. So of the faces of a large landscape few are
ever solved. Bounds are floats rounded down.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from theory.landscape.domain import Barred, Parts, WholeSpace
from theory.landscape.kernel import Pool
from theory.landscape.nnls import Minimum

if TYPE_CHECKING:
    from theory.landscape.cells import Cell, CellComplex
    from theory.types import Array


class FaceBounds:
    """What is known of the faces of a complex without a ball."""

    def __init__(self, complex_: CellComplex, domain: WholeSpace) -> None:
        self._complex, self._domain = complex_, domain
        starts, groups = [0], list(complex_.groups)
        for state in range(complex_.states):
            moves = complex_.moves(state)
            groups += [move.group for move in moves]
            starts.append(starts[-1] + len(moves))
        self._parts = Parts(groups)
        self._pool = Pool(starts, labelled=complex_.labelled)
        self._duals: dict[tuple[int, ...], Barred] = {}
        self._minima: list[Minimum] = []

    def add(self, dual: Barred) -> None:
        """Let a dual vector bound what it can."""
        if dual.vector not in self._duals and any(dual.vector):
            self._duals[dual.vector] = dual
            self._minima.append(dual.minimum)
            bound = math.nextafter(dual.minimum.order[0], 0)
            self._pool.add(bound, self._parts.having(dual.positive))

    def of_faces(self, cell: Cell) -> Array:
        """Bounds of the faces of a cell, neuron by neuron."""
        return self._pool.faces(cell)

    def settle(self, cell: Cell, position: int, number: int, known: float) -> float | Minimum:
        """A bound above the one that is known of a face, else its minimum.

        number: of the move, among those of the neuron's state.
        """
        bound, at = self._pool.face(cell, position, number)
        if bound > known:
            return bound
        move = self._complex.moves(cell[position])[number]
        if at >= 0:
            columns = set().union(*self._complex.face_groups(cell, position, move))
            if columns.issuperset(self._minima[at].support):
                return self._minima[at]
        minimum = self._complex.face_minimum(cell, position, move)
        self.add(self._domain.dual(minimum))
        return minimum
