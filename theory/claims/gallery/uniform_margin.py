"""On nearly orthogonal data the max-margin classifier weights all data nearly alike.

Setting: linear classifiers w of n data x_i in R^d with labels 1 and -1, of least length with all
margins y_i w . x_i >= 1: w = sum of s_i y_i x_i. R^2 is the largest |x_i|^2 by the smallest. The
data are p-orthogonal if the smallest |x_i|^2 is at least p R^2 n |x_i . x_j| for all i and j.

Statement: All s_i are positive, and the largest is at most R^2 (1 + 2 / (p R^2 - 2)) times the
smallest.

Hypotheses: p >= 3.

Source: S. Frei, G. Vardi, P. Bartlett and N. Srebro, COLT 2023, PMLR 195, arXiv 2303.01462,
Proposition 3.

Tight: only as p grows. For two data (2 p R^4 - 1) / (2 p R^2 - 1) is the best constant, and for any
n there is a better one in the note; at p = 3 and R^2 = 4 it is loose by the factor on record.

Computed: the s_i by the equations of margin 1, exactly; as they are positive, w is the classifier.

Note: proofs_notes/gallery.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from theory.claims.gallery.base import TOPICS, Relation, Theorem
from theory.exact import dot, from_flint, some_solution, squared, to_flint
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class UniformMargin(Theorem[Problem]):
    """The tau of Frei, Vardi, Bartlett and Srebro."""

    topic = TOPICS[5]
    relation = Relation.AT_MOST
    on_record = "loose by a factor 552/475"

    def instances(self) -> Mapping[str, Problem]:
        """With p = 3, and a little more for the last two."""
        two = [[24, 0, 0, 0, 0], [1, 47, 9, 3, 2]]
        three = [[19, 1, 1], [1, 19, 1], [1, 1, 19]]
        return {
            "two data, R^2 = 4": Problem(X=two, y=[1, 1]),
            "labels of two signs": Problem(X=two, y=[1, -1]),
            "two data, R = 1": Problem(X=[[12, 1], [1, 12]], y=[1, 1]),
            "three data": Problem(X=three, y=[1, 1, -1]),
        }

    def theorem(self, instance: Problem) -> Fraction:
        """The bound of the quotient."""
        squares, p = shape(instance)
        ratio = max(squares) / min(squares)
        return ratio * (1 + 2 / (p * ratio - 2))

    def computed(self, instance: Problem, progress: Progress) -> Fraction | str:
        """The quotient."""
        signed = [[y * v for v in x] for x, y in zip(instance.X, instance.y, strict=True)]
        gram = [to_flint(dot(x, each) for each in signed) for x in signed]
        found = from_flint(some_solution(gram, to_flint([1] * instance.n), instance.n) or ())
        return max(found) / min(found) if min(found) > 0 else "not positive"


def shape(problem: Problem) -> tuple[list[Fraction], Fraction]:
    """All |x_i|^2, and the largest p."""
    squares = [squared(x) for x in problem.X]
    overlap = max(abs(dot(x, z)) for x, z in combinations(problem.X, 2))
    return squares, min(squares) ** 2 / (max(squares) * problem.n * overlap)
