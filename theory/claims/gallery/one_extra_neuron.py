"""One neuron more than a ReLU teacher connects all solutions.

Setting: a student $sum_i relu(w_i . x)$, $i <= m$, of a teacher $sum_j relu(e_j . x)$, $j <= M <=
d$; a solution equals the teacher everywhere. Of $M$ neurons there are $M!$ solutions, its
permutations.

Statement: One extra neuron is enough to connect all these isolated solutions with each other.

Hypotheses: the paper's are for smooth activations and points that need their width; ReLU is another
case, in which it is so too.

Source: B. Simsek, F. Ged, A. Jacot, F. Spadaro, C. Hongler, W. Gerstner, J. Brea, ICML 2021, arXiv
2105.12221, abstract.

Tight: it is an equality for $M >= 2$; a teacher of one neuron needs none.

Computed: the number of components of width $M$, and the least width with one, exactly: the types of
solutions (which teacher's neuron each of the student's is a part of, or of none) are joined where
the middle between two equals the teacher at every $x$ with entries $-1$, 0 and 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from math import factorial

from scipy.sparse.csgraph import connected_components

from theory.claims.gallery.base import TOPICS, Theorem
from theory.claims.gallery.teacher import neighbours
from theory.types import Progress


@dataclass(frozen=True)
class OneExtraNeuron(Theorem[int]):
    """Connectivity by symmetry."""

    topic = TOPICS[1]

    def instances(self) -> Mapping[str, int]:
        """The width of the teacher."""
        return {f"teacher of {M}": M for M in (2, 3, 4)}

    def theorem(self, instance: int) -> tuple[int, int]:
        """Isolated at M neurons, connected at M + 1."""
        return factorial(instance), instance + 1

    def computed(self, instance: int, progress: Progress) -> tuple[int, int]:
        """The components of the graph of types."""
        isolated = _components(instance, instance)
        return isolated, next(m for m in count(instance) if _components(instance, m) == 1)


def _components(M: int, m: int) -> int:
    return int(connected_components(neighbours(M, m), directed=False)[0])
