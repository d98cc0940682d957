"""Sublevel sets of a linear network whose hidden layer is just wide enough.

Setting: linear networks x -> a . (w x) with h hidden neurons, one input and one output, one datum
(1, y) and F = (a . w - y)^2 + kappa (|a|^2 + |w|^2).

Statement: If hidden layers have at least min(inputs, outputs) neurons, {F <= c} is connected for
every c; with a ridge kappa > 0 for networks of two layers. Here it is h >= 1.

Hypotheses: as printed in the OpenReview version, none other; at h = min(inputs, outputs) it fails,
and h > min(inputs, outputs) mends it here. That no local minimum is bad, which the paper concludes,
is so all the same.

Source: C. D. Freeman, J. Bruna, ICLR 2017, arXiv 1611.01540, Proposition 2.2 of the OpenReview
version.

Tight: not so at h = 1: a w = y is a hyperbola, and for y > kappa {F <= c} has two components up to
c = y^2, the loss of zero. From h = 2 on it is connected.

Computed: the number of components of {F <= c}: with p = (a + w) / 2 and q = (a - w) / 2, F is a
convex function of P = |p|^2 >= 0 and Q = |q|^2 >= 0, so all (P, Q) below c are one convex set; and
p, q go once round their spheres, which for h = 1 are two points, apart unless P, or Q, can be 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from theory.claims.gallery.base import COUNTEREXAMPLE, TOPICS, Theorem
from theory.types import Progress


class Sublevel(NamedTuple):
    """{F <= c} of the networks of h neurons."""

    h: int
    y: Fraction
    kappa: Fraction
    c: Fraction


@dataclass(frozen=True)
class LinearSublevelSets(Theorem[Sublevel]):
    """Freeman and Bruna on linear networks."""

    topic = TOPICS[1]
    on_record = COUNTEREXAMPLE

    def instances(self) -> Mapping[str, Sublevel]:
        """The hyperbola first; then levels, ridges and widths around it."""
        one, half = Fraction(1), Fraction(1, 2)
        return {
            "the hyperbola": Sublevel(1, one, 0 * one, 0 * one),
            "with a ridge": Sublevel(1, one, half, Fraction(4, 5)),
            "one more neuron": Sublevel(2, one, 0 * one, 0 * one),
            "one more neuron, with a ridge": Sublevel(2, one, half, Fraction(4, 5)),
            "just below the loss of zero": Sublevel(1, one, 0 * one, 1 - Fraction(1, 10**6)),
            "the loss of zero": Sublevel(1, one, 0 * one, one),
            "a negative label": Sublevel(1, -one, 0 * one, half),
            "a strong ridge": Sublevel(1, one, one, one),
            "label zero": Sublevel(1, 0 * one, 0 * one, 0 * one),
        }

    def theorem(self, instance: Sublevel) -> int:
        """One component."""
        return 1

    def computed(self, instance: Sublevel, progress: Progress) -> int:
        """By the set of all (P, Q)."""
        h, y, kappa, c = instance
        least_at = [_least(y, kappa, sign) for sign in (1, -1)]  # where Q = 0, and where P = 0
        # Where both P and Q are positive, F falls, or stays, as they become less by as much.
        assert min(least_at) <= c
        return 2 ** sum(least > c for least in least_at) if h == 1 else 1


def _least(y: Fraction, kappa: Fraction, sign: int) -> Fraction:
    """Of (sign s - y)^2 + 2 kappa s over s >= 0: on the side where only P, or only Q, is there."""
    s = max(Fraction(), sign * y - kappa)
    return (sign * s - y) ** 2 + 2 * kappa * s
