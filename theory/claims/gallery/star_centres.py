"""Wide students have a centre two straight segments away from any few solutions.

Setting: a student $sum_i relu(w_i . x)$, $i <= m$, of a teacher $sum_j relu(e_j . x)$, $j <= M <=
d$; a solution is a student that equals the teacher everywhere.

Statement: With $m >= k M$ any $k$ solutions have a centre that is joined to each of them by at most
two straight segments of solutions.

Hypotheses: none; below $k M$ it is not stated.

Source: Z. Lin, P. Li, L. Wu, 2024, arXiv 2404.06391, Theorem 11.

Tight: one segment is not enough for two solutions of a teacher of two, nor of one of three neurons'
students; $M = 1$ needs one.

Computed: over all $k$ types of solutions the largest distance of the best centre, from the graph of
types, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from scipy.sparse.csgraph import shortest_path

from theory.claims.gallery.base import TIGHT, TOPICS, Relation, Theorem
from theory.claims.gallery.teacher import neighbours
from theory.types import Progress


@dataclass(frozen=True)
class StarCentres(Theorem[tuple[int, int, int]]):
    """Star-shaped sets of solutions, up to one bend."""

    topic = TOPICS[4]
    relation = Relation.AT_MOST
    on_record = TIGHT

    def instances(self) -> Mapping[str, tuple[int, int, int]]:
        """M, m and k with m >= k M."""
        sizes = ((2, 4, 2), (1, 2, 2), (2, 5, 2), (1, 3, 3))
        return {f"teacher of {M}, student of {m}, {k} solutions": (M, m, k) for M, m, k in sizes}

    def theorem(self, instance: tuple[int, int, int]) -> int:
        """Whatever the widths and the number of solutions."""
        return 2

    def computed(self, instance: tuple[int, int, int], progress: Progress) -> int:
        """The worst of all choices of k types."""
        M, m, k = instance
        steps = shortest_path(neighbours(M, m), unweighted=True)
        choices = combinations_with_replacement(range(len(steps)), k)
        return int(max(np.max(steps[list(each)], axis=0).min() for each in choices))
