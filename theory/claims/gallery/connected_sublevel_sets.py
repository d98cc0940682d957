"""Sublevel sets are connected when there are more neurons than data.

Setting: two-layer ReLU networks of width $m$ on $n$ data, a convex loss, no ball, neurons in order.

Statement: With $m >= n + 1$ neurons every set ${L <= b}$ is connected.

Hypotheses: none for two layers; the theorem is for deep networks whose first layer is wide.

Source: Q. Nguyen, A note on connectivity of sublevel sets in deep learning, 2021, arXiv 2101.08576,
Theorem 1.

Tight: of two data, and of three, there are some with a set ${L <= b}$ that is not connected at
width $n$.

Computed: the least width at which, and up to width $n + 1$, no set ${L <= b}$ has two components,
by the exact tree of all levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from theory.claims.gallery.base import TIGHT, TOPICS, Relation, Theorem
from theory.landscape import valleys
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class ConnectedSublevelSets(Theorem[Problem]):
    """Nguyen's width."""

    topic = TOPICS[1]
    relation = Relation.AT_MOST
    on_record = TIGHT

    def instances(self) -> Mapping[str, Problem]:
        """Data at which n neurons are too few, and some at which fewer do."""
        return {
            "two points": Problem(X=[[3, 1], [1, -2]], y=[1, -1]),
            "three roles": Problem(X=[[1, 0], [-1, 0], [0, 1]], y=[1, 1, -1]),
            "a zero row": Problem(X=[[1, 1], [0, 0], [1, -1]], y=[1, 2, -1]),
            "equal labels": Problem(X=[[1, 0], [0, 1], [1, 1]], y=[1, 1, 1]),
        }

    def theorem(self, instance: Problem) -> int:
        """From which width on sublevel sets are connected."""
        return instance.n + 1

    def computed(self, instance: Problem, progress: Progress) -> int:
        """The same, by exact landscapes up to the theorem's width."""
        for width in range(instance.n + 1, 0, -1):
            if len(valleys(instance, width, labelled=True, progress=progress).valleys) > 1:
                return width + 1
        return 1
