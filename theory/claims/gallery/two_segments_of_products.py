"""Two solutions of a linear network that no two segments join.

Setting: the network $f(x) = (a . b) x$ of one input with $m$ hidden linear neurons; squared loss $E
(f(x) - x)^2$, and $E x^2 = 1$. $(e, e)$ and $(-e, -e)$, $e = (1, 0, ..., 0)$, are solutions.

Statement: For $m = 4$, along both segments that lead from the two to any solution $(a, b)$ the
losses have integrals of at least 4/15 together.

Hypotheses: $(a, b)$ is a solution, $a . b = 1$.

Source: Z. Lin, P. Li, L. Wu, 2024, arXiv 2404.06391, Lemma 17.

Tight: at every solution with $a_1 + b_1 = 0$. The width does not matter from $m = 2$ on; a single
neuron has $|a_1 + b_1| >= 2$, and at least 8/15.

Computed: both losses are polynomials in $t$ and $s = a_1 + b_1$, integrated exactly; the least over
the values of $s$ that a width allows. The greatest loss on the way is at least 1/4, at $t = 1/2$.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq_poly

from theory.claims.gallery.base import TIGHT, TOPICS, Relation, Theorem
from theory.exact import from_flint
from theory.types import Progress


@dataclass(frozen=True)
class TwoSegmentsOfProducts(Theorem[int]):
    """Why three pieces are needed."""

    topic = TOPICS[4]
    relation = Relation.AT_LEAST
    on_record = TIGHT

    def instances(self) -> Mapping[str, int]:
        """The width."""
        return {f"width {m}": m for m in (4, 2, 1)}

    def theorem(self, instance: int) -> Fraction:
        """Whatever the solution."""
        return Fraction(4, 15)

    def computed(self, instance: int, progress: Progress) -> Fraction:
        """A quadratic in s, symmetric about 0: its least value where |s| is least."""
        return _integrals(Fraction(2) if instance == 1 else Fraction())


def _integrals(s: Fraction) -> Fraction:
    """Of the loss over both segments, summed."""
    t = fmpq_poly([0, 1])
    total = fmpq_poly([0])
    for sign in (1, -1):
        # a . b on the way from (sign e, sign e): (1 - t)^2 + t (1 - t) sign s + t^2.
        product = (
            (1 - t) ** 2 + t * (1 - t) * fmpq_poly([sign * s.numerator]) / s.denominator + t**2
        )
        total += (product - 1) ** 2
    (value,) = from_flint([total.integral()(1)])
    return value
