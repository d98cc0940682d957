"""How many activation patterns there are.

Setting: $n$ rows $x_k$ in $R^d$ of rank $r$; a pattern is the vector of signs of $x_k . u$, none of
them 0.

Statement: There are at most $2 (C(n - 1, 0) + ... + C(n - 1, r - 1))$ activation patterns.

Hypotheses: no row is zero; for equality, every $r$ rows are independent.

Source: T. M. Cover, IEEE Transactions on Electronic Computers EC-14 (1965), Theorem 1; as the
number P of patterns in M. Pilanci and T. Ergen, ICML 2020, arXiv 2002.10553, Section 2.

Tight: in general position; parallel rows, and three in a plane, have fewer.

Computed: every vector of signs, by a linear program each; the rows in general position are integers
on the moment curve, the others are degenerate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb

from theory.claims.gallery.base import TIGHT, TOPICS, Relation, Theorem
from theory.claims.sign_vectors import sign_vectors
from theory.exact import flint_matrix, to_flint
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class ActivationPatterns(Theorem[Problem]):
    """Cover's function counting theorem."""

    topic = TOPICS[0]
    relation = Relation.AT_MOST
    on_record = TIGHT

    def instances(self) -> Mapping[str, Problem]:
        """Rows in general position, then degenerate ones."""
        curve = {(n, d): [[t**i for i in range(d)] for t in range(1, n + 1)] for n, d in _SHAPES}
        return {
            f"{n} rows in general position, d = {d}": _data(X) for (n, d), X in curve.items()
        } | {
            "parallel rows": _data([[1, 0], [2, 0], [-1, 0], [0, 1]]),
            "three rows in a plane": _data([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]]),
            "rank 2 in d = 3": _data([[1, 2, 3], [2, 1, 0], [3, 3, 3], [1, -1, -3]]),
        }

    def theorem(self, instance: Problem) -> int:
        """Cover's number."""
        return 2 * sum(comb(instance.n - 1, i) for i in range(_rank(instance.X)))

    def computed(self, instance: Problem, progress: Progress) -> int:
        """The number of sign vectors of open cones."""
        return len(sign_vectors(instance))


_SHAPES = ((5, 2), (6, 3), (4, 1), (7, 3), (6, 4))  # n, d


def _rank(X: Sequence[Sequence[Fraction]]) -> int:
    return int(flint_matrix([to_flint(row) for row in X], len(X[0])).rank())


def _data(X: Sequence[Sequence[int]]) -> Problem:
    return Problem(X=X, y=[0] * len(X))
