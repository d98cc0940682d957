"""The largest margin weighs all data nearly alike, if they are nearly orthogonal.

Setting: linear classifiers $w$ of $n$ data $x_i$ with labels $y_i = +-1$; $w$ is $tau$-uniform if
it is a sum of $s_i y_i x_i$ with all $s_i > 0$ and $max s <= tau min s$. With $a$ and $b$ the least
and the largest $||x_i||^2$, and $c$ the largest $|x_i . x_j|$, $i != j$, the data are
$p$-orthogonal if $a^2 >= p n b c$.

Statement: The classifier of largest margin is $tau$-uniform with $R^2 = b / a$ and $tau = R^2 (1 +
2 / (p R^2 - 2))$.

Hypotheses: $p >= 3$. The data are given by their Gram matrix, of $y_i x_i$.

Source: S. Frei, G. Vardi, P. L. Bartlett, N. Srebro, COLT 2023 (PMLR 195), arXiv 2303.01462,
Definitions 1 and 2, Proposition 3.

Tight: for no $n$. The least $tau$ that serves all such data of $n$ points is $(n p R^4 - 1) / (n p
R^2 - 2 n + 3)$, attained by the first instances; as $n$ grows it tends to theirs.

Computed: $max s / min s$ at the solution $s$ of the linear system $G s = 1$; as $s > 0$, it is the
largest margin's by its conditions of optimality.

Note: proofs_notes/gallery.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import TypeAlias

from flint import fmpq_mat

from theory.claims.gallery.base import TOPICS, Relation, Theorem
from theory.exact import flint_matrix, from_flint, is_positive_semidefinite, to_flint
from theory.types import Progress

Gram: TypeAlias = tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True)
class UniformMarginWeights(Theorem[Gram]):
    """How unlike the weights of support vectors may be."""

    topic = TOPICS[5]
    relation = Relation.AT_MOST
    on_record = "loose by a factor 216/205"

    def instances(self) -> Mapping[str, Gram]:
        """The worst for their n, R^2 and p, then others."""
        sizes = ((6, 4, 3), (2, 4, 3), (2, 1, 5), (3, 2, 5), (4, 1, 3))
        return {f"{n} data, R^2 = {r}, p = {p}": _worst(n, r, p) for n, r, p in sizes} | {
            "three norms": _of([[18, 0, 1], [0, 24, 1], [1, 1, 20]]),
            "five data": _of(
                [[25 if i == j else (i + j) % 3 - 1 for j in range(5)] for i in range(5)]
            ),
        }

    def theorem(self, instance: Gram) -> Fraction:
        """With the largest p that the data have."""
        a, b, c = _sizes(instance)
        r, p = b / a, a * a / (len(instance) * b * c)
        assert p >= 3
        return r * (1 + 2 / (p * r - 2))

    def computed(self, instance: Gram, progress: Progress) -> Fraction:
        """Of the classifier of largest margin."""
        G = flint_matrix([to_flint(row) for row in instance], len(instance))
        assert is_positive_semidefinite(G)
        s = from_flint(G.solve(fmpq_mat(len(instance), 1, [1] * len(instance))).entries())
        assert min(s) > 0
        return max(s) / min(s)


def _sizes(gram: Gram) -> tuple[Fraction, Fraction, Fraction]:
    """a, b and c."""
    squares = [row[i] for i, row in enumerate(gram)]
    return (
        min(squares),
        max(squares),
        max(abs(gram[i][j]) for i, j in combinations(range(len(gram)), 2)),
    )


def _worst(n: int, r: int, p: int) -> Gram:
    """The last one is long, and leans towards the others, which lean away from each other."""
    c = Fraction(1, n * p * r)
    rows = [[c if n - 1 in (i, j) else -c for j in range(n)] for i in range(n)]
    for i in range(n):
        rows[i][i] = Fraction(r if i == n - 1 else 1)
    return _of(rows)


def _of(rows: Sequence[Sequence[Fraction | int]]) -> Gram:
    return tuple(tuple(map(Fraction, row)) for row in rows)
