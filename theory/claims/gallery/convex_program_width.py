"""How many neurons the convex program of training needs.

Setting: two-layer ReLU networks, squared loss and the penalty $beta/2 (||W||^2 + ||a||^2)$.

Statement: Some $m* <= n + 1$ is such that from $m*$ neurons on training has the optimum of the
convex program, and a network of $m*$ neurons attains it.

Hypotheses: $beta > 0$.

Source: M. Pilanci, T. Ergen, ICML 2020, arXiv 2002.10553, Theorem 1.

Tight: $n$ neurons are always enough (`group-lasso` in proofs_notes/group-lasso.md), and two data
may need two; so the bound is loose by one.

Computed: the fewest neurons of an optimum, from the vertices of the exact optimal polytope, with a
certificate of the optimum.

Note: proofs_notes/group-lasso.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from theory.certificates import certify
from theory.claims.gallery.base import TOPICS, Proved, Relation, Theorem
from theory.connectivity import optimal_polytope
from theory.loading import example
from theory.problem import Problem
from theory.programs import solve
from theory.types import Progress
from theory.within import Penalty


@dataclass(frozen=True)
class ConvexProgramWidth(Theorem[tuple[Problem, Fraction]]):
    """Caratheodory's number in the first proof of hidden convexity."""

    topic = TOPICS[0]
    relation = Relation.AT_MOST
    on_record = "loose by 1"

    def instances(self) -> Mapping[str, tuple[Problem, Fraction]]:
        """Data and beta."""
        signs = Problem(X=[[1, 0], [0, 1]], y=[3, -4])
        return {
            "two labels of two signs": (signs, Fraction(1)),
            "one datum": (Problem(X=[[3, 4]], y=[2]), Fraction(1)),
            "wedge": (example("staircase-wedge"), Fraction(5)),
            "square": (example("staircase-square"), Fraction(5)),
            "hexagon": (example("staircase-hexagon"), Fraction(5)),
        }

    def theorem(self, instance: tuple[Problem, Fraction]) -> int:
        """One more than the data."""
        return instance[0].n + 1

    def computed(self, instance: tuple[Problem, Fraction], progress: Progress) -> Proved:
        """The smallest support of a vertex."""
        problem, beta = instance
        fewest = optimal_polytope(problem, beta).fewest
        certificate = certify(solve(problem, Penalty(beta), progress=progress))
        return Proved(fewest, certificate, problem)
