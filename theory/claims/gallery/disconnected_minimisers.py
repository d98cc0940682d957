"""At every width some data of a teacher with two neurons have minimisers that are not connected.

Setting: two-layer ReLU networks of width $h$ without biases, squared loss.

Statement: For every $h$ there are data, with the labels of a teacher of two neurons, at which the
set of minimisers of width $h$ has at least two components.

Hypotheses: the loss is convex and least where the output is the label.

Source: R. Kuditipudi, X. Wang, H. Lee, Y. Zhang, Z. Li, W. Hu, R. Ge and S. Arora, NeurIPS 2019,
arXiv 1906.06247, Theorem 4 and its proof in Appendix C.

Tight: two components, on fewer data than in the proof, where $n >= 3 h + 6$: two at $h = 1$, three
at $h = 2$, four at $h = 3$. The data of the proof with $h = 2$ and $n = 12$ have three components.

Computed: the exact components, modulo permutation of the neurons, so that two of them are not the
same networks in another order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from theory.certificates import certify
from theory.claims.gallery.base import TIGHT, TOPICS, Proved, Relation, Theorem
from theory.landscape import analyse
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class DisconnectedMinimisers(Theorem[Problem]):
    """Disconnected modes of Kuditipudi and others."""

    topic = TOPICS[1]
    relation = Relation.AT_LEAST
    on_record = TIGHT
    few = 3

    def instances(self) -> Mapping[str, Problem]:
        """Small data, found by search, then those of the proof at h = 2."""
        return {
            "h = 1": Problem(X=[[1], [-1]], y=[1, -1], width=1),
            "h = 2": Problem(X=[[0, -1], [1, 0], [-1, -1]], y=[1, 0, 0], width=2),
            "h = 3": Problem(X=[[0, 1], [-1, 1], [-1, 0], [0, -1]], y=[0, 0, -1, 0], width=3),
            "h = 2, the data of the proof": _data_of_the_proof(2),
        }

    def theorem(self, instance: Problem) -> int:
        """The least number of components."""
        return 2

    def computed(self, instance: Problem, progress: Progress) -> Proved:
        """Their number."""
        found = analyse(instance, progress=progress)
        return Proved(len(found.components), certify(found), instance)


def _data_of_the_proof(h: int) -> Problem:
    """With the least k, l, m and n that it allows; i and j count from 1, as there."""
    k = h + 1
    ell, m, n = 2 * k, 2 * k + 3, 3 * k + 3

    def entry(i: int, j: int) -> int:
        same = (i - j) % h == 0
        if i <= ell:
            others = 1 if same else -1 if i <= k else 0
            return {1: i, 2: i - 1}.get(j, others)
        return -1 if same and (j <= 2) == (i <= m) else 0

    X = [[entry(i, j) for j in range(1, h + 3)] for i in range(1, n + 1)]
    return Problem(X=X, y=[1] * ell + [0] * (n - ell), width=h)
