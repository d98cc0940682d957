"""Sublevel sets are connected when there are twice as many neurons as data.

Setting: two-layer ReLU networks of width $m$ on $n$ data, with hidden and output biases, a convex
loss, neurons in order.

Statement: With $m >= 2 n$ neurons every set ${L <= c}$ is connected.

Hypotheses: the data are distinct; the theorem is for deep networks whose first layer is wide.

Source: Q. Nguyen, ICML 2019, PMLR 97:4790-4799, arXiv 1901.07417, Theorem 6.1.

Tight: nowhere. With an output bias $n$ neurons are enough, so it is loose by $n$ at least; that is
attained at $n = 1$, 2 and 3.

Computed: the least width from which on, and up to $n + 1$, no set ${L <= c}$ has two components, by
the exact tree of all levels; certified there.

Note: proofs_notes/gallery.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from theory.certificates import certify
from theory.claims.gallery.base import TOPICS, Proved, Relation, Theorem
from theory.landscape import valleys
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class WideConnectedSublevelSets(Theorem[Problem]):
    """Nguyen's first width."""

    topic = TOPICS[1]
    relation = Relation.AT_MOST
    on_record = "loose by 1"

    def instances(self) -> Mapping[str, Problem]:
        """One datum, which decides the verdict, then more."""
        return {
            "one point": _data([[1]], [1]),
            "two points": _data([[1], [2]], [1, -1]),
            "two points in a plane": _data([[3, 1], [1, -2]], [1, -1]),
            "three points": _data([[0], [1], [2]], [0, 1, 0]),
        }

    def theorem(self, instance: Problem) -> int:
        """From which width on sublevel sets are connected."""
        return 2 * instance.n

    def computed(self, instance: Problem, progress: Progress) -> Proved:
        """The same, by exact landscapes."""
        tree = valleys(instance, instance.n + 1, labelled=True, progress=progress)
        for width in range(instance.n, 0, -1):
            narrower = valleys(instance, width, labelled=True, progress=progress)
            if len(narrower.valleys) > 1:
                break
            tree = narrower
        return Proved(tree.width + (len(tree.valleys) > 1), certify(tree), instance)


def _data(X: Sequence[Sequence[int]], y: Sequence[int]) -> Problem:
    return Problem(X=[[*row, 1] for row in X], y=y, bias="decayed", output_bias=True)
