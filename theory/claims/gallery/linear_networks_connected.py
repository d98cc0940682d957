"""Sublevel sets of linear networks, at the least width that is said to connect them.

Setting: linear networks $x -> A B x$ with inner width $h$, $x in R^r$, squared loss $||A B - T||^2$
for $T = diag(t_1, ..., t_r)$, all $t_i > 0$.

Statement: If $h >= r$ every set ${L <= c}$ is connected.

Hypotheses: as printed, inner widths are at least the smaller of the numbers of inputs and of
outputs, which is how its indices are read here.

Source: C. D. Freeman and J. Bruna, ICLR 2017, arXiv 1611.01540, Proposition 2.2 without weight
decay for two layers, as printed in the version on OpenReview.

Tight: false at $h = r$: global minima with $det A > 0$ and with $det A < 0$ are apart up to the
level of the smallest $t_i^2$. On these instances $h = r + 1$ is enough. That local minima are
global, which is concluded from it, is true all the same.

Computed: the least $c$ at which the minimum $A = 1$, $B = T$ is joined to the one with both signs
of the smallest mode changed. From above: the largest loss at the breakpoints of a path, between
which only $A$ or only $B$ moves, so that the loss is convex. From below at $h = r$: $det A = 0$ on
the way, and no singular matrix is nearer to $T$ than the smallest $t_i$ (Eckart and Young).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from theory.claims.gallery.base import COUNTEREXAMPLE, TOPICS, Relation, Theorem
from theory.types import Progress


@dataclass(frozen=True)
class Linear:
    """T, by its diagonal, and the inner width, r or r + 1."""

    target: tuple[int, ...]
    width: int


@dataclass(frozen=True)
class LinearNetworksConnected(Theorem[Linear]):
    """The width of Freeman and Bruna."""

    topic = TOPICS[1]
    relation = Relation.AT_MOST
    on_record = COUNTEREXAMPLE

    def instances(self) -> Mapping[str, Linear]:
        """At the width of the statement, and with one neuron more."""
        return {
            "r = h = 1": Linear((1,), 1),
            "r = h = 2": Linear((2, 3), 2),
            "r = 1, h = 2": Linear((1,), 2),
            "r = 2, h = 3": Linear((2, 3), 3),
        }

    def theorem(self, instance: Linear) -> tuple[int, int]:
        """Both bounds of the level at which the two minima are joined: that of the minima."""
        return 0, 0

    def computed(self, instance: Linear, progress: Progress) -> tuple[int, int]:
        """From below, and by a path of the smallest mode; the others rest in their neurons."""
        t, blank = min(instance.target), instance.width - len(instance.target)
        lower = 0 if blank else t * t
        points: Sequence[tuple[Sequence[int], Sequence[int]]] = (
            [([1], [t]), ([1], [0]), ([-1], [0]), ([-1], [-t])]
            if not blank
            else [
                ([1, 0], [t, 0]),
                ([1, -1], [t, 0]),
                ([1, -1], [0, -t]),
                ([-1, -1], [0, -t]),
                ([-1, -1], [-t, 0]),
                ([-1, 0], [-t, 0]),
            ]
        )
        assert all(a == c or b == d for (a, b), (c, d) in pairwise(points))
        return lower, max(
            (sum(v * w for v, w in zip(a, b, strict=True)) - t) ** 2 for a, b in points
        )
