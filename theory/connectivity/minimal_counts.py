"""The least numbers of neurons that fit, block by block, and the width that follows.

A network has k_b neurons in block b = (cone, sign). The counts k for which the ball holds a network
of the fit y* are closed upwards, so by Dickson's lemma finitely many are minimal: k^1 .. k^N. With
V = max |k^i| the networks of that fit are connected at every width

    m >= max(V + 1, max over i, j of |k^i v k^j|),   v: the larger count in each block.

It is enough that a chain of such joins of size <= m leads from every k^i to every other, so the
maximum may be replaced by the bottleneck: the largest join in a minimum spanning tree.

For the ball of adamw a minimal k has |k| <= ceil(S) + r - 1 (S: see `largest_mass`, r: the rank of
the columns), so the list is complete once all counts up to there are settled. For other balls no
such rule is known, and with it no complete list.

Source: `any-region`, `minimal-counts`, proofs_notes/width-profile.md.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement

from scipy.cluster.hierarchy import DisjointSet

from theory.connectivity.critical_radii import CriticalRadii
from theory.connectivity.theorems import MAX_BASES, attainable, largest_mass, rank_of_columns
from theory.errors import BudgetError, InputError
from theory.landscape.cells import Cell, CellComplex
from theory.problem import Problem
from theory.types import Progress, silent
from theory.within import Ball, require_decayed, require_within

MAX_COUNTS = 13_000
"""Counts of neurons that `minimal_counts` may have to look at; some 0.3 milliseconds each."""


@dataclass(frozen=True)
class MinimalCounts:
    """counts: each minimal k as a multiset of states, 2 cone + (0 for sign +, 1 for -)."""

    counts: tuple[Cell, ...]

    @property
    def largest(self) -> int:
        """V = max |k^i|."""
        return max(map(len, self.counts))

    @property
    def largest_join(self) -> int:
        """max |k^i v k^j|."""
        return max(self._joins(), default=self.largest)

    @property
    def bottleneck_join(self) -> int:
        """The least w such that joins of size <= w lead from every k^i to every other."""
        clusters = DisjointSet(range(len(self.counts)))
        for size, pairs in sorted(self._joins().items()):
            for one, other in pairs:
                clusters.merge(one, other)
            if clusters.n_subsets == 1:
                return size
        return self.largest

    @property
    def connected_from(self) -> int:
        """The width from which on the networks of the fit are connected."""
        return max(self.largest + 1, self.bottleneck_join)

    def _joins(self) -> dict[int, list[tuple[int, int]]]:
        """The pairs of counts by |k^i v k^j|."""
        tallies = [Counter(cell) for cell in self.counts]
        found: dict[int, list[tuple[int, int]]] = {}
        for one, other in combinations(range(len(tallies)), 2):
            size = (tallies[one] | tallies[other]).total()
            found.setdefault(size, []).append((one, other))
        return found


def minimal_counts(
    problem: Problem,
    within: Ball,
    *,
    max_counts: int = MAX_COUNTS,
    max_bases: int = MAX_BASES,
    progress: Progress = silent,
) -> MinimalCounts:
    """All minimal counts of the fit y*, the projection of y on the span of the columns.

    Raises InputError where the ball is no polytope, BudgetError beyond `max_counts` counts up to
    the size at which the search ends, or `max_bases` sets of columns for that size.
    """
    require_within(within, Ball)
    require_decayed(problem, within, "minimal counts are known")
    if not within.gauge.exact:
        raise InputError("within", f"in {within} no complete list of counts is known")
    rho = within.rho
    reachable = attainable(problem)
    mass = largest_mass(problem, rho, max_bases=max_bases)
    last = math.ceil(mass) + rank_of_columns(problem) - 1
    complex_ = CellComplex.of(reachable, 1, within=Ball(within.geometry, 1))
    needed = math.comb(complex_.states + last, max(last, 0))
    if needed > max_counts:
        raise BudgetError("counts of neurons", needed, max_counts, "max_counts")
    if not mass:
        return MinimalCounts(((),))
    radii = CriticalRadii(complex_)
    found: list[tuple[Cell, Counter[int]]] = []
    for size in range(1, last + 1):
        for cell in combinations_with_replacement(range(complex_.states), size):
            progress(f"minimal counts of neurons among those of {size}, found", len(found))
            counts = Counter(cell)
            if any(counts >= smaller for _, smaller in found):
                continue
            radius = radii.of([complex_.groups[state] for state in cell])
            if radius is not None and radius <= rho:
                found.append((cell, counts))
    return MinimalCounts(tuple(cell for cell, _ in found))
