"""Which cells reach down to a level, without visiting the others.

A dual vector nu bounds the loss from below wherever the neurons together can add little to nu . f,
so a few vectors dispose of exponentially many cells. For each vector the states have weights, the
most a neuron in that state can add, and the cells of total weight at most a limit are covered. The
cells that escape all vectors found so far exceed every limit; the search walks through these,
branching on a state heavy enough for a limit not yet exceeded. Each cell it visits is either low,
or its own optimal dual vector joins the cover.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

from theory.errors import Interrupted
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.domain import Products, bit_set
from theory.landscape.nnls import Minimum, primitive

Tick: TypeAlias = Callable[[int], None]

_FURTHER = 4  # states to try, for a wider dual vector


@dataclass(frozen=True, eq=False)
class Dual:
    """A dual vector nu with its products with all columns and the weights of the states."""

    vector: tuple[int, ...]  # (n,)
    products: Products
    weights: list[int]  # by state

    @classmethod
    def of(cls, complex_: CellComplex, minimum: Minimum) -> Dual:
        """The optimal dual vector of a cell or face: it proves loss >= the minimum there."""
        vector = primitive(minimum.residual)
        products = complex_.domain.products(vector)
        weights = [complex_.domain.weight(products, group) for group in complex_.groups]
        return cls(vector, products, weights)

    @cached_property
    def _heavier(self) -> tuple[list[int], list[int]]:
        """The distinct weights, and for each the states that are heavier, as a bit set."""
        steps = sorted({0, *self.weights})
        states = range(len(self.weights))
        return steps, [bit_set(s for s in states if self.weights[s] > step) for step in steps]

    def heavier(self, weight: int) -> int:
        """The states of more than this weight (>= 0), as a bit set."""
        steps, sets = self._heavier
        return sets[bisect_right(steps, weight) - 1]

    def covers(self, cell: Cell, limit: int) -> bool:
        """Whether the total weight of a cell is within the limit."""
        return sum(self.weights[state] for state in cell) <= limit


@dataclass
class Sublevel:
    """The cells that meet {loss <= level} and the dual vectors that cover all others.

    level: in the integer problem's units. low: multisets of states, sorted, with their minima.
    cover: each other cell is covered by one of them, at its limit for loss > level.
    """

    level: Fraction
    low: dict[Cell, Minimum] = field(default_factory=dict)
    cover: list[Dual] = field(default_factory=list)


class _EscapeSearch:
    """Depth-first search for the multisets of states that escape every dual vector found so far.

    Each one is shown to `visit`, which returns the dual vectors that join the cover from then on,
    with their limits.
    """

    def __init__(
        self, complex_: CellComplex, visit: Callable[[Cell], list[tuple[Dual, int]]], tick: Tick
    ) -> None:
        self.complex = complex_
        self.visit = visit
        self.tick = tick
        self.cover: dict[tuple[int, ...], Dual] = {}
        # For each node on the way down: its states, and the duals whose limit these do not exceed,
        # with what is left of the limit.
        self._stack: list[tuple[Cell, list[tuple[Dual, int]]]] = [((), [])]

    def run(self) -> list[Dual]:
        """Visit until the cover leaves only visited multisets; the cover."""
        # A start from which the first branches are narrow.
        for state in range(self.complex.states):
            self._show((state,) * self.complex.width)
        self._descend((1 << self.complex.states) - 1)
        return list(self.cover.values())

    def _show(self, cell: Cell) -> None:
        for dual, limit in self.visit(tuple(sorted(cell))):
            if dual.vector not in self.cover:
                self.cover[dual.vector] = dual
                for states, pending in self._stack:
                    left = limit - sum(dual.weights[state] for state in states)
                    if left >= 0:
                        pending.append((dual, left))

    def _descend(self, allowed: int) -> None:
        """Visit what escapes among the multisets that complete the top of the stack."""
        self.tick(len(self.complex.domain.least_squares))
        states, pending = self._stack[-1]
        remaining = self.complex.width - len(states)
        if remaining == 1:
            candidates, seen = allowed, 0
            while True:
                while seen < len(pending) and candidates:
                    dual, left = pending[seen]
                    candidates &= dual.heavier(left)
                    seen += 1
                if not candidates:
                    return
                bit = candidates & -candidates
                candidates ^= bit
                self._show((*states, bit.bit_length() - 1))
        # To exceed what is left, one of the remaining states must exceed its share of it.
        branch = min(
            (dual.heavier(left // remaining) & allowed for dual, left in pending),
            key=int.bit_count,
            default=allowed,
        )
        while branch:
            bit = branch & -branch
            branch ^= bit
            state = bit.bit_length() - 1
            unspent = ((dual, left - dual.weights[state]) for dual, left in pending)
            self._stack.append(((*states, state), [item for item in unspent if item[1] >= 0]))
            self._descend(allowed)
            self._stack.pop()
            # What holds this state has now been seen; leaving it out visits each multiset once.
            allowed ^= bit


def sublevel(
    complex_: CellComplex, level: Fraction | None = None, tick: Tick = lambda solved: None
) -> Sublevel:
    """The cells that meet {loss <= level} (default: the global minimum), and a cover of the rest.

    level: in the integer problem's units, >= 0.
    tick: told the number of minima computed, often; it may raise Interrupted to stop the search,
        which then leaves with the lowest loss seen.
    """
    first = (0,) * complex_.width
    result = Sublevel(complex_.minimum(first).value if level is None else level)
    choose = random.Random(0)

    def dual(cell: Cell, minimum: Minimum) -> tuple[Dual, int]:
        narrow = Dual.of(complex_, minimum)
        # A minimum over the columns of further states as well has a dual vector that covers more.
        # A few random ones suffice: more make the cover smaller, but the search no faster.
        heavy = [state for state, weight in enumerate(narrow.weights) if weight]
        further = choose.sample(heavy, min(_FURTHER, len(heavy)))
        wide = complex_.domain.wider(
            [complex_.groups[state] for state in cell],
            [complex_.groups[state] for state in further],
            result.level,
        )
        found = narrow if wide is None else Dual.of(complex_, wide)
        return found, complex_.domain.limit(found.vector, result.level, strict=True)

    def visit(cell: Cell) -> list[tuple[Dual, int]]:
        minimum = complex_.minimum(cell)
        raised: dict[Cell, Minimum] = {}
        if level is None and minimum.value < result.level:
            raised, result.low = result.low, raised
            result.level = minimum.value
        if minimum.value <= result.level:
            result.low[cell] = minimum
        else:
            raised[cell] = minimum
        return [dual(*item) for item in raised.items()]

    try:
        result.cover = _EscapeSearch(complex_, visit, tick).run()
    except Interrupted:
        lowest = min((minimum.value for minimum in result.low.values()), default=None)
        known = "" if lowest is None else f"the minimum is at most {complex_.loss_of(lowest)}"
        raise Interrupted(known) from None
    return result


def thin(
    complex_: CellComplex,
    pool: Iterable[Dual],
    level: Fraction,
    *,
    strict: bool,
    exempt: Container[Cell] = (),
) -> list[Dual]:
    """A smaller cover: from `pool`, vectors that cover every multiset outside `exempt`.

    The pool must do so as a whole. level (integer problem's units) and strict: what is to be proved
    of the covered cells, loss >= level or loss > level.
    """
    limits = [(dual, complex_.domain.limit(dual.vector, level, strict=strict)) for dual in pool]
    limits = [(dual, limit) for dual, limit in limits if limit >= 0]
    limits.sort(key=lambda item: item[0].heavier(item[1] // complex_.width).bit_count())

    def visit(cell: Cell) -> list[tuple[Dual, int]]:
        if cell in exempt:
            return []
        return [next((dual, limit) for dual, limit in limits if dual.covers(cell, limit))]

    return _EscapeSearch(complex_, visit, lambda solved: None).run()
