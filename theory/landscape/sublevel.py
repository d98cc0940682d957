"""Which cells reach down to a level, without visiting the others.

A dual vector nu bounds the loss from below on every cell whose columns it makes non-positive, so a few
vectors dispose of exponentially many cells. The cells that escape all vectors found so far are the
hitting sets of the families {states with a positive product with nu}; the search walks through these.
Each cell it visits is either low, or its own optimal dual vector joins the cover.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from theory.errors import Interrupted
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.nnls import Minimum, dot, primitive


@dataclass(frozen=True)
class Dual:
    """A dual vector: loss >= bound (integer problem's units) on all cells that avoid `reaches`."""

    vector: tuple[int, ...]  # (n,)
    bound: Fraction
    reaches: int  # bit set of states

    @classmethod
    def of(cls, complex_: CellComplex, minimum: Minimum) -> Dual:
        """The optimal dual vector of a cell or face; its bound is the minimum."""
        vector = primitive(minimum.residual)
        return cls(vector, minimum.value, complex_.reaches(vector))


def bound(vector: tuple[int, ...], y: list[int]) -> Fraction:
    """The best lower bound from a dual vector over all its positive multiples."""
    product = dot(vector, y)
    return Fraction(product * product, 2 * dot(vector, vector)) if product > 0 else Fraction()


@dataclass
class Sublevel:
    """The cells that meet {loss <= level} and the dual vectors that cover all others.

    level: in the integer problem's units. low: multisets of states, sorted, with their minima.
    cover: bounds are above the level, and each other cell avoids `reaches` for some vector.
    """

    level: Fraction
    low: dict[Cell, Minimum] = field(default_factory=dict)
    cover: list[Dual] = field(default_factory=list)


class _Search:
    """Depth-first search through the hitting sets, growing the cover as it goes."""

    def __init__(
        self, complex_: CellComplex, level: Fraction | None, tick: Callable[[int], None]
    ) -> None:
        self.complex = complex_
        self.lowering = level is None  # the level falls to the least minimum seen so far
        self.level = level
        self.tick = tick
        self.low: dict[Cell, Minimum] = {}
        self.cover: dict[tuple[int, ...], Dual] = {}
        # For each node on the way down: its states as a bit set, and the duals they do not hit.
        self.stack: list[tuple[int, list[Dual]]] = [(0, [])]

    def visit(self, cell: Cell) -> None:
        """Sort one cell in: low, or covered from now on."""
        minimum = self.complex.minimum(cell)
        if self.lowering and (self.level is None or minimum.value < self.level):
            self.level = minimum.value
            above, self.low = self.low, {}
            for other in above.values():
                self._cover(other)
        assert self.level is not None
        if minimum.value <= self.level:
            self.low[tuple(sorted(cell))] = minimum
        else:
            self._cover(minimum)

    def _cover(self, minimum: Minimum) -> None:
        dual = Dual.of(self.complex, minimum)
        if dual.vector not in self.cover:
            self.cover[dual.vector] = dual
            for states, pending in self.stack:
                if not dual.reaches & states:
                    pending.append(dual)

    def descend(self, prefix: Cell, allowed: int, remaining: int) -> None:
        """Visit every uncovered cell that consists of `prefix` and `remaining` allowed states."""
        self.tick(len(self.complex.least_squares))
        states, pending = self.stack[-1]
        if remaining == 1:
            candidates, seen = allowed, 0
            while True:
                while seen < len(pending) and candidates:
                    candidates &= pending[seen].reaches
                    seen += 1
                if not candidates:
                    return
                bit = candidates & -candidates
                candidates ^= bit
                self.visit((*prefix, bit.bit_length() - 1))
        branch = min(
            (dual.reaches & allowed for dual in pending), key=int.bit_count, default=allowed
        )
        while branch:
            bit = branch & -branch
            branch ^= bit
            unhit = [dual for dual in pending if not dual.reaches & bit]
            self.stack.append((states | bit, unhit))
            self.descend((*prefix, bit.bit_length() - 1), allowed, remaining - 1)
            self.stack.pop()
            # What holds this state has now been seen; leaving it out visits each multiset once.
            allowed ^= bit


def sublevel(
    complex_: CellComplex,
    level: Fraction | None = None,
    tick: Callable[[int], None] = lambda solved: None,
) -> Sublevel:
    """The cells that meet {loss <= level}, by default at the global minimum, and a cover of the rest.

    level: in the integer problem's units.
    tick: told the number of minima computed, often; it may raise Interrupted to stop the search, which
        then leaves with the lowest loss seen.
    """
    search = _Search(complex_, level, tick)
    for state in range(complex_.states):
        search.visit((state,) * complex_.width)
    try:
        search.descend((), (1 << complex_.states) - 1, complex_.width)
    except Interrupted:
        lowest = min(minimum.value for minimum in search.low.values()) if search.low else None
        known = "" if lowest is None else f"the minimum is at most {complex_.loss_of(lowest)}"
        raise Interrupted(known) from None
    assert search.level is not None
    return Sublevel(search.level, search.low, list(search.cover.values()))
