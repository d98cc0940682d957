"""Perturbed slopes exclude differentiable local minima that are not global.

Setting: two-layer networks without biases, $d$ inputs, $m$ neurons, $n$ data, squared loss; the
slope of neuron $j$ at datum $k$ is $e_kj$ if it is active there, and $c e_kj$ if not, with a fixed
$(n, m)$ matrix $E$.

Statement: If $d m >= n$, then for almost all $X$ and $E$ the loss is zero at every differentiable
local minimum.

Hypotheses: $c$ is not 0; $E$ is generic, so that no two neurons have the same slopes; no datum is
on a kink of a neuron.

Source: D. Soudry, Y. Carmon, 2016, arXiv 1605.08361, abstract; as it is told for two layers.

Tight: $d m >= n$ is needed, as are $E$ and $c$. With all $e_kj = 1$, which is leaky ReLU, and with
$c = 0$, which is ReLU, some activation patterns are left out at all $X$.

Computed: how many activation patterns of all neurons have features $e_kj a_kj x_k$ of rank below
$n$, exactly, at one $X$ and $E$. If none has, none has at almost all: their minors are polynomials
that are not zero. At rank $n$, and output weights that are not zero, the residual is zero at
stationary points; others are not looked at here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import NamedTuple

from theory.claims.gallery.base import TOPICS, Theorem
from theory.exact import flint_matrix, to_flint
from theory.types import Progress


class Slopes(NamedTuple):
    """X (n, d), E (n, m) and the slope c on the left."""

    X: Sequence[Sequence[int]]
    E: Sequence[Sequence[int]]
    c: Fraction


@dataclass(frozen=True)
class PerturbedSlopes(Theorem[Slopes]):
    """Soudry and Carmon, for one hidden layer."""

    topic = TOPICS[3]

    def instances(self) -> Mapping[str, Slopes]:
        """By n, d and m."""
        tenth, three = Fraction(1, 10), [[1, 2], [3, -1], [-2, 5]]
        return {
            "n = 3, d = 2, m = 2": Slopes(three, _PRIMES, tenth),
            "n = 4, d = 2, m = 2": Slopes([*three, [1, 4]], [*_PRIMES, [17, 19]], tenth),
            "a negative slope": Slopes(three, _PRIMES, -tenth),
            "one feature": Slopes([[1], [2], [3]], [[2, 3, 5], [7, 11, 13], [17, 23, 19]], tenth),
            "one neuron": Slopes([[1, 0, 0], [1, 1, 0], [1, 1, 1]], [[2], [3], [5]], tenth),
        }

    def theorem(self, instance: Slopes) -> int:
        """How many patterns may have other local minima."""
        return 0

    def computed(self, instance: Slopes, progress: Progress) -> int:
        """Those of lower rank."""
        X, E, c = instance
        n, m = len(E), len(E[0])
        columns = m * len(X[0])
        lower = 0
        for pattern in product((Fraction(1), c), repeat=n * m):
            rows = [
                to_flint(E[k][j] * pattern[k * m + j] * v for j in range(m) for v in X[k])
                for k in range(n)
            ]
            lower += flint_matrix(rows, columns).rank() < n
        return lower


_PRIMES = ([2, 3], [5, 7], [11, 13])
