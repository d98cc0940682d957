"""That kinks at the data are enough on a line needs an output bias.

Setting: two-layer ReLU networks of any width on points $a$ of a line, with hidden biases that are
not counted and without an output bias; $|u_j| <= 1$, and the norm is $sum_j |w_j|$.

Statement: Among the networks of least norm through the points some have $u_j = 1$ or $-1$ and each
kink at a point, so that the least norm is that with kinks at the points.

Hypotheses: none are printed beyond $n$ points on a line; the output bias is left out "without loss
of generality".

Source: T. Ergen, M. Pilanci, JMLR 22 (2021), arXiv 2002.11219, Lemma 6 and Corollary 3.

Tight: it is not so as printed. Through (0, 1) and (1, 2) goes one neuron, $relu(x + 1)$, of norm 1;
with kinks at 0 and 1 the least norm is 3. In the proof a bias has to be in an interval, which is
not bounded for a neuron that is active on all points. With an output bias it is so: see
minimal-norm-splines.

Computed: the least norm (an infimum), by exact linear programs; said is that with kinks at the
points, found that over all neurons. Of these, those that are active on all points have biases as
large as one likes, and so make a constant as cheap as one likes: a constant is free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq

from theory.claims.gallery.base import COUNTEREXAMPLE, TOPICS, Theorem
from theory.exact import from_flint, to_flint
from theory.linear import least_absolute_sum
from theory.types import Progress

Points = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class KinksAtData(Theorem[Points]):
    """The extreme points of a problem without an output bias."""

    topic = TOPICS[0]
    on_record = COUNTEREXAMPLE

    def instances(self) -> Mapping[str, Points]:
        """Points (x, y)."""
        return {
            "two points above zero": [(0, 1), (1, 2)],
            "a hinge": [(0, 0), (1, 0), (2, 1)],
            "a tent": [(-1, 0), (0, 1), (1, 0)],
            "three points above zero": [(0, 5), (1, 6), (2, 8)],
        }

    def theorem(self, instance: Points) -> Fraction:
        """With kinks at the points, and no constant."""
        return _least(instance, constants=0)

    def computed(self, instance: Points, progress: Progress) -> Fraction:
        """With kinks anywhere."""
        return _least(instance, constants=1)


def _least(points: Points, constants: int) -> Fraction:
    x = [p for p, _ in points]
    hinges = [to_flint(max(s * (p - kink), 0) for p in x) for kink in x for s in (1, -1)]
    free: list[list[fmpq]] = [to_flint([1] * len(x))] * constants
    (value,) = from_flint([least_absolute_sum(hinges, free, to_flint(y for _, y in points))])
    return value
