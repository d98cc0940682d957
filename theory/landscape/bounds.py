"""Lower bounds on faces, from dual vectors that were found on others.

A dual vector of one face bounds the loss on many others, and where it also has the point of least
loss in common with one, the minimum there is known. So of the faces of a large landscape few are
ever solved.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from theory.landscape.domain import Barred, Parts, WholeSpace
from theory.landscape.kernel import Pool
from theory.landscape.nnls import Minimum

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

    from theory.landscape.cells import Cell, CellComplex
    from theory.types import Array

Order: TypeAlias = tuple[float, Fraction]  # as `Minimum.order`

_NOTHING: Order = (0.0, Fraction())


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
        # For each vector the minima it is the optimal one of: of one value, on several supports.
        self._minima: dict[int, list[Minimum]] = {}
        self._numbers: dict[tuple[int, ...], int] = {}

    def add(self, dual: Barred) -> None:
        """Let the optimal dual vector of a cell or face bound what it can."""
        if not any(dual.vector):
            return
        if dual.vector in self._numbers:
            self._minima[self._numbers[dual.vector]].append(dual.minimum)
            return
        # In an order in which an interrupt does no harm: the pool gives the next vector this number
        # if it has not come to the end of this one.
        number = len(self._pool)
        self._minima[number] = [dual.minimum]
        self._pool.add(dual.minimum.order[0], self._parts.having(dual.positive))
        self._numbers[dual.vector] = number

    def order(self, number: int) -> Order:
        """The bound of a vector by its number; of none with -1."""
        return self._minima[number][0].order if number >= 0 else _NOTHING

    def of_faces(self, cell: Cell) -> tuple[Float64[Array, " f"], Int64[Array, " f"]]:
        """Bounds of the faces of a cell, neuron by neuron, rounded, and the numbers of vectors."""
        return self._pool.faces(cell)

    def settle(self, cell: Cell, position: int, number: int, known: Order) -> int | Minimum:
        """The number of a vector with a bound above the one that is known of a face; where there is
        none, the minimum of the face.

        number: of the move, among those of the neuron's state.
        """
        _, at = self._pool.face(cell, position, number)
        if self.order(at) > known:
            return at
        move = self._complex.moves(cell[position])[number]
        groups = self._complex.face_groups(cell, position, move)
        columns = set().union(*groups)
        for minimum in self._minima.get(at, ()):
            if columns.issuperset(minimum.support):
                return minimum
        minimum = self._domain.minimum(groups)
        self.add(self._domain.dual(minimum))
        return minimum
