"""Two weights for each datum, and one for each input, represent any labels.

Setting: networks $x -> sum_j a_j relu(w . x - b_j)$, $j = 1, ..., m$, all with the same $w$ in
$R^d$: they have $2 m + d$ weights. $n$ data.

Statement: Some such network with $2 n + d$ weights has any given labels.

Hypotheses: the data are distinct.

Source: C. Zhang, S. Bengio, M. Hardt, B. Recht and O. Vinyals, ICLR 2017, arXiv 1611.03530,
Theorem 1.

Tight: for labels of alternating signs, $d = 1$. With an output bias $2 n + d - 1$ weights are
enough, $n - 1$ neurons among them, and these are needed.

Computed: the least number of kinks of a piecewise linear function through all points that is zero,
or with an output bias constant, before the first kink; both ways along the line. It follows from
the slopes with which each point can be reached. It stands against both numbers.

Note: proofs_notes/gallery.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from theory.claims.gallery.base import TIGHT, TOPICS, Relation, Theorem
from theory.problem import Problem
from theory.types import Progress

Slopes = set[tuple[Fraction | float, Fraction | float]]
"""Open intervals, and single slopes (c, c)."""

ALL: Slopes = {(-math.inf, math.inf)}


@dataclass(frozen=True)
class MemorisingNetwork(Theorem[Problem]):
    """The weights of Zhang and others."""

    topic = TOPICS[2]
    relation = Relation.AT_MOST
    on_record = TIGHT

    def instances(self) -> Mapping[str, Problem]:
        """Points on a line."""
        labels = {
            "alternating": [1, -1, 1, -1, 1],
            "two points": [1, -1],
            "one point": [2],
            "convex": [4, 1, 0, 1, 4],
            "equal": [1, 1, 1, 1],
            "one of them": [0, 0, 1, 0, 0],
        }
        return {name: Problem(X=[[k] for k in range(len(y))], y=y) for name, y in labels.items()}

    def theorem(self, instance: Problem) -> tuple[int, int]:
        """The number of weights, and the one that is enough with an output bias."""
        weights = 2 * instance.n + instance.d
        return weights, weights - 1

    def computed(self, instance: Problem, progress: Progress) -> tuple[int, int]:
        """The least numbers."""
        points = sorted((x, y) for (x,), y in zip(instance.X, instance.y, strict=True))
        both = points, [(-x, y) for x, y in reversed(points)]
        without, biased = (min(_kinks(each, free=free) for each in both) for free in (False, True))
        return 2 * without + instance.d, 2 * biased + instance.d + 1


def _kinks(points: Sequence[tuple[Fraction, Fraction]], *, free: bool) -> int:
    """The least number of kinks; free: with an output bias."""
    height, flat = points[0][1], (Fraction(), Fraction())
    reach: dict[int, Slopes] = {0: set(), 1: set(), 2: ALL}  # by the number of kinks so far
    if free or not height:
        reach[0] = {flat}
    if free:
        reach[1] = ALL
    elif height:
        reach[1] = {(Fraction(), math.inf) if height > 0 else (-math.inf, Fraction())}
    for (t, y), (u, z) in pairwise(points):
        chord, found = (z - y) / (u - t), dict[int, Slopes]()
        for kinks, slopes in reach.items():
            for more in range(3):
                found.setdefault(kinks + more, set()).update(_across(slopes, chord, more))
        reach = found
    return min(kinks for kinks, slopes in reach.items() if slopes)


def _across(slopes: Slopes, chord: Fraction, kinks: int) -> Slopes:
    """With which slopes a point is reached from the one before, with so many kinks from there on:
    one kink leads along the chord, or to slopes on its other side."""
    if not slopes or kinks > 1:
        return ALL if slopes else set()
    if not kinks:
        on_it = any(low < chord < high or low == high == chord for low, high in slopes)
        return {(chord, chord)} if on_it else set()
    found: Slopes = {(chord, chord)}
    if any(low < chord for low, _ in slopes):
        found.add((chord, math.inf))
    if any(high > chord for _, high in slopes):
        found.add((-math.inf, chord))
    return found
