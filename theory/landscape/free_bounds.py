"""Lower bounds on faces in a ball: the least losses without it, which take far less time.

Most faces around a region are higher than the way out of it even so, and are never solved.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from theory.landscape.conic import ConvexBall
from theory.landscape.nnls import order_of

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

    from theory.landscape.attained import FreeMinima
    from theory.landscape.bounds import Order
    from theory.landscape.cells import Cell, CellComplex
    from theory.types import Array


class FreeBounds:
    """Those of a complex in a ball; `theory.landscape.bounds.FaceBounds` without one.

    free: the least losses without the ball. Bounds have numbers, one for each value.
    """

    def __init__(self, complex_: CellComplex, domain: ConvexBall, free: FreeMinima) -> None:
        self._complex, self._domain, self._free = complex_, domain, free
        self._numbers: dict[Fraction, int] = {}
        self._orders: list[Order] = []

    def add(self, dual: Any) -> None:
        """Nothing: each face has a bound of its own."""

    def order(self, number: int) -> Order:
        """The bound of a number."""
        return self._orders[number]

    def of_faces(self, cell: Cell) -> tuple[Float64[Array, " f"], Int64[Array, " f"]]:
        """Bounds of the faces of a cell, neuron by neuron, rounded, and their numbers."""
        numbers = [
            self._number(self._free.least(self._complex.face_groups(cell, position, move)))
            for position, _, move in self._complex.faces(cell)
        ]
        return np.array([self._orders[number][0] for number in numbers]), np.array(numbers)

    def _number(self, bound: Fraction) -> int:
        if bound not in self._numbers:
            self._orders.append(order_of(bound))
            self._numbers[bound] = len(self._orders) - 1
        return self._numbers[bound]
