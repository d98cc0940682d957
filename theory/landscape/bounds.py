"""Lower bounds on faces, from dual vectors that were found on others.

A dual vector of one face bounds the loss on many others, and where it also has the point of least
loss in common with one, the minimum there is known. So of the faces of a large landscape few are
ever solved.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from theory.landscape.domain import Barred, WholeSpace
from theory.landscape.kernel import Pool
from theory.landscape.nnls import Minimum

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

    from theory.landscape.cells import Cell, CellComplex
    from theory.types import Array

Order: TypeAlias = tuple[float, Fraction]  # as `Minimum.order`


class FaceBounds:
    """What is known of the faces of a complex without a ball.

    minima: those that dual vectors are optimal for, by their numbers in the pool.
    """

    def __init__(self, complex_: CellComplex, domain: WholeSpace) -> None:
        starts, groups = [0], list(complex_.groups)
        for state in range(complex_.states):
            moves = complex_.moves(state)
            groups += [move.group for move in moves]
            starts.append(starts[-1] + len(moves))
        self.pool = Pool(
            starts, groups, domain.column_count, complex_.width, labelled=complex_.labelled
        )
        self.minima: list[Minimum] = []
        self._orders: list[Order] = [(0.0, Fraction())]  # of vectors
        self._numbers: dict[tuple[tuple[int, ...], Fraction], int] = {}
        # The vectors of one rounded bound, and their exact ones.
        self._equal: dict[float, list[int]] = defaultdict(list, {0.0: [0]})
        self._exact: dict[float, list[Fraction]] = defaultdict(list, {0.0: [Fraction()]})

    def add(self, dual: Barred) -> tuple[int, int]:
        """Let the optimal dual vector of a cell or face bound what it can; its number, and that of
        the minimum."""
        number = 0
        if any(dual.vector):
            # In an order in which an interrupt does no harm: the pool gives the next vector this
            # number if it has not come to the end of this one.
            number = self._numbers.get((dual.vector, dual.scale), len(self.pool))
            if number == len(self.pool):
                order = dual.minimum.order
                del self._orders[number:]
                self._orders.append(order)
                self.pool.add(order[0], dual.positive)
                self._numbers[dual.vector, dual.scale] = number
                self._rank(number, *order)
        self.minima.append(dual.minimum)
        columns = [c for c in dual.minimum.support if c is not None]
        return number, self.pool.attain(number, columns)

    def _rank(self, number: int, key: float, bound: Fraction) -> None:
        """Sort a vector among those of the same rounded bound."""
        equal, exact = self._equal[key], self._exact[key]
        equal.append(number)
        if bound not in exact:
            insort(exact, bound)
        for each in equal if len(exact) > 1 else ():
            self.pool.ranks[each] = bisect_left(exact, self._orders[each][1])

    def order(self, number: int) -> Order:
        """The bound of a vector by its number."""
        return self._orders[number]

    def of_faces(self, cell: Cell) -> tuple[Float64[Array, " f"], Int64[Array, " f"]]:
        """Bounds of the faces of a cell, neuron by neuron, rounded, and the numbers of vectors."""
        return self.pool.faces(cell)
