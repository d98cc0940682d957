"""The least losses of all cells, found by solving few of them.

The optimum of one cell is that of every cell that holds its point and whose columns its dual vector
nu allows: neuron j, with the columns S_j in its part of the support, may be in any state that has
these and no column of a larger product with nu than its own state has (where S_j is empty, than 0),
and none of a positive product of which neurons may have any multiple.
So one exact solution serves a product of sets of states, and cells are gone through until each of
them is served. A cell's minimum is then as certain as if it had been solved.

The point is a local minimum if each neuron may be in *all* states that have its columns: then every
cell around it is served. Source: proofs_notes/valleys.md.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, combinations_with_replacement, product
from math import comb
from operator import getitem

from theory.landscape.domain import Group, Polyhedral
from theory.landscape.nnls import Minimum


@dataclass(frozen=True, eq=False)
class Optimum:
    """A point that is the minimum of all cells in a product of sets of states.

    cell: the first of them, ascending. states: of each neuron of that cell. beyond: a cell, not
    ascending, that holds the point and lower ones; None where there is none.
    """

    cell: tuple[int, ...]
    minimum: Minimum
    states: tuple[tuple[int, ...], ...]
    beyond: tuple[int, ...] | None

    @property
    def value(self) -> Fraction:
        """The loss, in the integer problem's units."""
        return self.minimum.value

    @property
    def local(self) -> bool:
        """Whether it is a local minimum."""
        return self.beyond is None

    def cells(self) -> Iterator[tuple[int, ...]]:
        """All of them, ascending."""
        choices = [
            combinations_with_replacement(states, times)
            for states, times in Counter(self.states).items()
        ]
        for chosen in product(*choices):
            yield tuple(sorted(chain(*chosen)))


class Multisets:
    """The multisets of `size` numbers below `kinds`, numbered (the combinatorial number system)."""

    def __init__(self, kinds: int, size: int) -> None:
        self.count = comb(kinds + size - 1, size)
        self._before = [[comb(k + i, i + 1) for k in range(kinds)] for i in range(size)]

    def rank(self, multiset: Sequence[int]) -> int:
        """The number of a multiset, which is in ascending order."""
        return sum(map(getitem, self._before, multiset))

    def at(self, rank: int) -> tuple[int, ...]:
        """The multiset of a number, in ascending order."""
        found = []
        for before in reversed(self._before):
            found.append(bisect_right(before, rank) - 1)
            rank -= before[found[-1]]
        return tuple(reversed(found))


def optima(
    domain: Polyhedral,
    groups: Sequence[Group],
    width: int,
    tick: Callable[[int], None] = lambda served: None,
) -> Iterator[Optimum]:
    """Points of which one at least is the minimum of each multiset of `width` of the groups.

    groups: the columns of a neuron in its states, or in any parts of its cones. tick: told the
    number of the multiset that is next; it may raise Interrupted.
    """
    cells = Multisets(len(groups), width)
    having = [0] * domain.column_count  # the groups with a column, as a bit set
    for state, group in enumerate(groups):
        for column in group:
            having[column] |= 1 << state
    every = (1 << len(groups)) - 1
    served = bytearray(cells.count)
    rank = 0
    while rank >= 0:
        tick(rank)
        cell = cells.at(rank)
        chosen = [groups[state] for state in cell]
        minimum = domain.minimum(chosen)
        products = domain.products(minimum.residual)
        holding = [every] * width
        for neuron, column, _ in domain.shares(minimum, chosen):
            holding[neuron] &= having[column]
        allowed = []
        dearer: dict[int, int] = {}  # by price the groups with a column of a larger product
        beyond: tuple[int, ...] | None = None
        for neuron, (group, holds) in enumerate(zip(chosen, holding, strict=True)):
            price = max((products.get(column, 0) for column in group), default=0)
            if price not in dearer:
                dearer[price] = 0
                for column, value in products.items():
                    if value > price or column in domain.uncapped:
                        dearer[price] |= having[column]
            free = holds & ~dearer[price]
            if beyond is None and free != holds:
                other = _members(holds & ~free)[0]
                beyond = (*cell[:neuron], other, *cell[neuron + 1 :])
            allowed.append(_members(free))
        optimum = Optimum(cell, minimum, tuple(allowed), beyond)
        for each in optimum.cells():
            served[cells.rank(each)] = 1
        yield optimum
        rank = served.find(0, rank)


def _members(bits: int) -> tuple[int, ...]:
    """The numbers of the bits that are set, ascending."""
    found = []
    while bits:
        lowest = bits & -bits
        found.append(lowest.bit_length() - 1)
        bits ^= lowest
    return tuple(found)
