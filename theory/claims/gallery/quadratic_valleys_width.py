"""Quadratic networks have no spurious valleys from twice the number of inputs on.

Setting: $f(x) = u_1 (w_1 . x)^2 + ... + u_m (w_m . x)^2$ with $x in R^n$, squared loss. A spurious
valley is a component of a set ${L <= c}$ without a global minimum.

Statement: There are no spurious valleys if $m >= 2 n + 1$.

Hypotheses: the loss is convex and has a global minimum.

Source: L. Venturi, A. S. Bandeira and J. Bruna, JMLR 20(133), 2019, arXiv 1802.06384, Theorem 12.

Tight: nowhere. It is loose by $n + 1$: $n$ neurons are enough, and $n - 1$ are not, by the same
paper's Corollary 14.

Computed: with $x$ standard normal and labels $x^T T x$, $T$ diagonal, the least width from which
on, and up to $2 n + 1$, no spurious valley is found. $L$ depends on $M = sum_i u_i w_i w_i^T$:
networks whose $M$ has at most $k$ eigenvalues above 0 and $l$ below meet those with $k - 1$ and $l
+ 1$, for $k + l = m$, where $M$ has at most $k - 1$ and $l$. Least losses of all of these are
exact.

Note: proofs_notes/gallery.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from theory.claims.gallery.base import TOPICS, Relation, Theorem
from theory.types import Progress

Target = Sequence[int]
"""The diagonal of T."""


@dataclass(frozen=True)
class QuadraticValleysWidth(Theorem[Target]):
    """The width of Venturi, Bandeira and Bruna for z^2."""

    topic = TOPICS[2]
    relation = Relation.AT_MOST
    on_record = "loose by 2"

    def instances(self) -> Mapping[str, Target]:
        """One eigenvalue below 0, and larger than the others."""
        return {f"n = {n}": (*[1] * (n - 1), -2) for n in range(1, 5)}

    def theorem(self, instance: Target) -> int:
        """From which width on."""
        return 2 * len(instance) + 1

    def computed(self, instance: Target, progress: Progress) -> int:
        """The same, from signatures."""
        widths = range(2 * len(instance) + 1, 0, -1)
        return next((m + 1 for m in widths if _has_spurious_valley(instance, m)), 1)


def _has_spurious_valley(target: Target, width: int) -> bool:
    """Whether some signatures in a row are apart from the others above their least loss, which is
    not that of all."""
    parts = [_least(target, width - low, low) for low in range(width + 1)]
    passes = [_least(target, width - low - 1, low) for low in range(width)]
    for first in range(width + 1):
        for last in range(first, width + 1):
            least = min(parts[first : last + 1])
            ways = [*passes[max(first - 1, 0) : first], *passes[last : last + 1]]
            if least > min(parts) and all(way > least for way in ways):
                return True
    return False


def _least(target: Target, positive: int, negative: int) -> Fraction:
    """The least ||M - T||^2 + tr(M - T)^2 / 2, which is half the mean of (x^T (M - T) x)^2, of all
    M with so many eigenvalues above and below 0.

    Of M with given eigenvalues those have the least that are diagonal as T is (von Neumann). At the
    least loss all entries of M that are not 0 are by the same number above those of T.
    """
    losses = []
    for size in range(len(target) + 1):
        for support in combinations(range(len(target)), size):
            left = [t for i, t in enumerate(target) if i not in support]
            above = Fraction(sum(left), 2 + size)
            entries = [target[i] + above for i in support]
            if sum(v > 0 for v in entries) <= positive and sum(v < 0 for v in entries) <= negative:
                trace = size * above - sum(left)
                losses.append(size * above**2 + sum(t * t for t in left) + trace**2 / 2)
    return min(losses)
