"""Which multisets of states no dual covers: the search, and weights in integers for it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import reduce
from itertools import combinations_with_replacement
from math import ceil, comb, floor
from operator import and_, getitem
from typing import TypeAlias

from theory.certificates import algebra, work
from theory.certificates.algebra import Vector

# What is chosen, duals and what they have left, a state to choose next, the states allowed with it.
_Branch: TypeAlias = tuple[Vector, list[int], list[int], int | None, int]

_EXACT = 4096  # bits of a common denominator up to which weights are exact
_PARTS = 1 << 62  # of the limit, in which weights are counted beyond that


class Multisets:
    """The multisets of `size` of the states 0..kinds-1, numbered: combinatorial number system."""

    def __init__(self, kinds: int, size: int) -> None:
        work.require("cells", size * kinds)
        self.count = comb(kinds + size - 1, size)
        work.spend("cells", size * kinds * work.kept(self.count.bit_length()))
        self._before = [[comb(k + i, i + 1) for k in range(kinds)] for i in range(size)]

    def rank(self, multiset: Sequence[int]) -> int:
        """The number of a multiset, which is in ascending order."""
        return sum(map(getitem, self._before, multiset))

    def at(self, rank: int) -> Vector:
        """The multiset of a number, in ascending order."""
        found = []
        for before in reversed(self._before):
            found.append(bisect_right(before, rank) - 1)
            rank -= before[found[-1]]
        return tuple(reversed(found))


def weigh(
    costs: Sequence[Fraction | None], limit: Fraction, *, strict: bool
) -> tuple[list[int], int]:
    """Integer weights of states, and a limit for `escaping`, from costs (None: infinite).

    A sum of weights within the limit proves that the sum of costs is (strict: below it), and the
    converse holds unless the denominators are too long. The limit is negative where no sum can be.
    """
    if limit < 0:
        return [0] * len(costs), -1
    known = [limit, *(cost for cost in costs if cost is not None)]
    work.spend("weights of states", len(costs) * (work.rational(work.lengths(known)) + 64))
    unit = algebra.common_denominator(known)
    if unit.bit_length() > _EXACT:
        unit = ceil(_PARTS / limit) if limit else 1
    most = ceil(limit * unit) - 1 if strict else floor(limit * unit)
    return [most + 1 if cost is None else ceil(cost * unit) for cost in costs], most


def escaping(
    size: int, weights: Sequence[Sequence[int]], limits: Sequence[int], width: int
) -> Iterator[Vector]:
    """The multisets of `width` of the states 0..size-1 that exceed every limit, sorted, each once.

    weights: by dual and state; the weight of a multiset is the sum. To exceed what is left of a
    limit, one of the remaining states must exceed its share of it. So branch on such a state for
    one dual after another; a branch excludes the states of those before it.
    """
    what = "the search for cells that no dual covers"
    words = 1 + size // 64
    work.spend(what, len(weights) * size * (16 + 2 * words))
    steps = [sorted({0, *own}) for own in weights]
    heavier = [_heavier(own, shares) for own, shares in zip(weights, steps, strict=True)]

    def above(dual: int, share: int) -> int:
        """The states heavier than `share`."""
        return heavier[dual][bisect_right(steps[dual], share) - 1]

    duals = [dual for dual, limit in enumerate(limits) if limit >= 0]
    unspent = [limits[dual] for dual in duals]
    stack: list[_Branch] = [((), duals, unspent, None, (1 << size) - 1)]
    while stack:
        chosen, duals, lefts, state, allowed = stack.pop()
        work.spend(what, 16 + width + len(duals) * (8 + words // 16))
        if state is not None:
            chosen = (*chosen, state)
            lefts = [left - weights[dual][state] for dual, left in zip(duals, lefts, strict=True)]
            if min(lefts) < 0:
                kept = [k for k, left in enumerate(lefts) if left >= 0]
                duals, lefts = [duals[k] for k in kept], [lefts[k] for k in kept]
        rest = width - len(chosen)
        if not duals:
            for others in combinations_with_replacement(list(algebra.bits(allowed)), rest):
                work.spend(what, 16 + 2 * width)
                yield tuple(sorted(chosen + others))
        elif rest == 1:
            for state in algebra.bits(reduce(and_, map(above, duals, lefts), allowed)):
                work.spend(what, 16 + 2 * width)
                yield tuple(sorted((*chosen, state)))
        else:
            shares = (above(dual, left // rest) for dual, left in zip(duals, lefts, strict=True))
            heavy = min((share & allowed for share in shares), key=int.bit_count)
            work.spend(what, heavy.bit_count() * (24 + 2 * words))
            for state in algebra.bits(heavy):
                stack.append((chosen, duals, lefts, state, allowed))
                allowed &= ~(1 << state)


def _heavier(weights: Sequence[int], shares: Sequence[int]) -> list[int]:
    """For each share, ascending, the set of the states that weigh more."""
    order = sorted(range(len(weights)), key=weights.__getitem__)
    found, above = [], 0
    for share in reversed(shares):
        while order and weights[order[-1]] > share:
            above |= 1 << order.pop()
        found.append(above)
    return found[::-1]
