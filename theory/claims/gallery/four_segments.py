"""Four straight segments connect the solutions of a wide student of a ReLU teacher.

Setting: a student $sum_i relu(w_i . x)$, $i <= m$, of a teacher $sum_j relu(e_j . x)$, $j <= M <=
d$; a solution is a student that equals the teacher everywhere. Each $w_i$ of one is 0 or a multiple
of some $e_j$, so a solution has a type: which $e_j$, or none, for each neuron.

Statement: With $m >= 2 M - 1$ any two solutions are joined by at most 4 straight segments of
solutions.

Hypotheses: none; below $2 M - 1$ it is not stated.

Source: Z. Lin, P. Li, L. Wu, 2024, arXiv 2404.06391, Theorem 9.

Tight: four segments are needed for $M = 2$ and $M = 3$; with $m = 4 < 2 M - 1$ neurons $M = 3$
needs five.

Computed: the largest number of segments between two of all types, exactly: two types are neighbours
where the middle between them equals the teacher at every $x$ with entries $-1$, 0 and 1, in
integers. What a segment of solutions needs does not depend on the weights of a type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scipy.sparse.csgraph import shortest_path

from theory.claims.gallery.base import TIGHT, TOPICS, Relation, Theorem
from theory.claims.gallery.teacher import neighbours
from theory.types import Progress


@dataclass(frozen=True)
class FourSegments(Theorem[tuple[int, int]]):
    """Piecewise linear connectivity with a number of pieces that no width lowers."""

    topic = TOPICS[4]
    relation = Relation.AT_MOST
    on_record = TIGHT

    def instances(self) -> Mapping[str, tuple[int, int]]:
        """M and m >= 2 M - 1."""
        sizes = ((2, 3), (2, 4), (1, 2), (2, 5), (2, 6), (3, 5))
        return {f"teacher of {M}, student of {m}": (M, m) for M, m in sizes}

    def theorem(self, instance: tuple[int, int]) -> int:
        """Whatever the two widths."""
        return 4

    def computed(self, instance: tuple[int, int], progress: Progress) -> int:
        """The largest distance of two types."""
        return int(shortest_path(neighbours(*instance), unweighted=True).max())
