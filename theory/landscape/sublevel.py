"""Which cells reach down to a level, without visiting the others.

A dual vector nu bounds the loss from below on every cell whose columns it makes non-positive, so a
few vectors dispose of exponentially many cells. The cells that escape all vectors found so far are
the hitting sets of the families {states with a positive product with nu}; the search walks through
these. Each cell it visits is either low, or its own optimal dual vector joins the cover.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from theory.errors import Interrupted
from theory.landscape.cells import Cell, CellComplex, bit_set
from theory.landscape.nnls import Minimum, primitive

Tick: TypeAlias = Callable[[int], None]


@dataclass(frozen=True)
class Dual:
    """A dual vector nu: loss >= bound (integer problem's units) wherever no column has nu.c > 0.

    positive: the columns with nu.c > 0, reaches: the states that have one of them; bit sets.
    """

    vector: tuple[int, ...]  # (n,)
    bound: Fraction
    positive: int
    reaches: int

    @classmethod
    def of(cls, complex_: CellComplex, minimum: Minimum) -> Dual:
        """The optimal dual vector of a cell or face; its bound is the minimum."""
        vector = primitive(minimum.residual)
        positive = complex_.positive_columns(vector)
        return cls(vector, minimum.value, positive, complex_.states_with(positive))


@dataclass
class Sublevel:
    """The cells that meet {loss <= level} and the dual vectors that cover all others.

    level: in the integer problem's units. low: multisets of states, sorted, with their minima.
    cover: bounds are above the level, and each other cell avoids `reaches` for some vector.
    """

    level: Fraction
    low: dict[Cell, Minimum] = field(default_factory=dict)
    cover: list[Dual] = field(default_factory=list)


class _EscapeSearch:
    """Depth-first search for the multisets of states that escape every dual vector found so far.

    Each one is shown to `visit`, which returns the dual vectors that join the cover from then on.
    """

    def __init__(
        self, complex_: CellComplex, visit: Callable[[Cell], list[Dual]], tick: Tick
    ) -> None:
        self.complex = complex_
        self.visit = visit
        self.tick = tick
        self.cover: dict[tuple[int, ...], Dual] = {}
        # For each node on the way down: its states as a bit set, and the duals they do not hit.
        self._stack: list[tuple[int, list[Dual]]] = [(0, [])]

    def run(self) -> list[Dual]:
        """Visit until the cover leaves only visited multisets; the cover."""
        # A start from which the first branches are narrow.
        for state in range(self.complex.states):
            self._show((state,) * self.complex.width)
        self._descend((), (1 << self.complex.states) - 1, self.complex.width)
        return list(self.cover.values())

    def _show(self, cell: Cell) -> None:
        for dual in self.visit(tuple(sorted(cell))):
            if dual.vector not in self.cover:
                self.cover[dual.vector] = dual
                for states, pending in self._stack:
                    if not dual.reaches & states:
                        pending.append(dual)

    def _descend(self, prefix: Cell, allowed: int, remaining: int) -> None:
        """Visit what escapes among the multisets of `prefix` and `remaining` allowed states."""
        self.tick(len(self.complex.least_squares))
        states, pending = self._stack[-1]
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
                self._show((*prefix, bit.bit_length() - 1))
        branch = min(
            (dual.reaches & allowed for dual in pending), key=int.bit_count, default=allowed
        )
        while branch:
            bit = branch & -branch
            branch ^= bit
            unhit = [dual for dual in pending if not dual.reaches & bit]
            self._stack.append((states | bit, unhit))
            self._descend((*prefix, bit.bit_length() - 1), allowed, remaining - 1)
            self._stack.pop()
            # What holds this state has now been seen; leaving it out visits each multiset once.
            allowed ^= bit


def sublevel(
    complex_: CellComplex, level: Fraction | None = None, tick: Tick = lambda solved: None
) -> Sublevel:
    """The cells that meet {loss <= level}, by default at the global minimum, and a cover of the
    rest.

    level: in the integer problem's units.
    tick: told the number of minima computed, often; it may raise Interrupted to stop the search,
    which
        then leaves with the lowest loss seen.
    """
    first = (0,) * complex_.width
    result = Sublevel(complex_.minimum(first).value if level is None else level)

    widener = _Widener(complex_)

    def visit(cell: Cell) -> list[Dual]:
        minimum = complex_.minimum(cell)
        raised: dict[Cell, Minimum] = {}
        if level is None and minimum.value < result.level:
            raised, result.low = result.low, raised
            result.level = minimum.value
        if minimum.value <= result.level:
            result.low[cell] = minimum
        else:
            raised[cell] = minimum
        return [widener.dual(*item, result.level) for item in raised.items()]

    try:
        result.cover = _EscapeSearch(complex_, visit, tick).run()
    except Interrupted:
        lowest = min((minimum.value for minimum in result.low.values()), default=None)
        known = "" if lowest is None else f"the minimum is at most {complex_.loss_of(lowest)}"
        raise Interrupted(known) from None
    return result


class _Widener:
    """Dual vectors that cover more than their own cell.

    The minimum over the columns of a cell and of further states, as long as it stays above the
    level, has a dual vector that covers all of them. A few tries at random states suffice: more
    tries make the cover smaller, but the search no faster.
    """

    TRIES = 4
    MARGIN = 1e-6  # relative to max |y_k|^2; exact arithmetic has the last word

    def __init__(self, complex_: CellComplex) -> None:
        self.complex = complex_
        self._random = random.Random(0)

    def dual(self, cell: Cell, minimum: Minimum, level: Fraction) -> Dual:
        """A dual vector of bound above the level that covers a cell of the given minimum."""
        complex_ = self.complex
        narrow = Dual.of(complex_, minimum)
        uncovered = [s for s in range(complex_.states) if narrow.reaches >> s & 1]
        columns = {c for state in cell for c in complex_.state_columns[state]}
        threshold = float(level / complex_.least_squares.scale) + self.MARGIN
        tried = self._random.sample(uncovered, min(self.TRIES, len(uncovered)))
        for state in tried:
            wider = columns.union(complex_.state_columns[state])
            if complex_.least_squares.estimate(tuple(wider)) > threshold:
                columns = wider
        wide = complex_.least_squares.minimum(tuple(sorted(columns)))
        return Dual.of(complex_, wide) if level < wide.value < minimum.value else narrow


def thin(complex_: CellComplex, pool: Iterable[Dual], exempt: Container[Cell] = ()) -> list[Dual]:
    """A smaller cover: from `pool`, vectors that cover every multiset outside `exempt`.

    The pool must do so as a whole.
    """
    widest = sorted(pool, key=lambda dual: dual.reaches.bit_count())

    def visit(cell: Cell) -> list[Dual]:
        if cell in exempt:
            return []
        states = bit_set(cell)
        return [next(dual for dual in widest if not dual.reaches & states)]

    return _EscapeSearch(complex_, visit, lambda solved: None).run()
