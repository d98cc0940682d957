"""Connected sublevel sets, and local minima that are not global all the same.

Setting: two-layer networks, squared loss.

Statement: Where all sets ${L <= c}$ are connected every local minimum is global.

Hypotheses: none is printed. It is true of strict local minima, and of valleys: what can fail is a
plateau, from which a path of no higher loss leads lower.

Source: C. D. Freeman and J. Bruna, ICLR 2017, arXiv 1611.01540, Proposition 2.1, as printed in the
version on OpenReview.

Tight: one datum and two neurons refute it for ReLU: where both are dead the loss is constant
nearby. Leaky networks have no dead neurons; on the same datum, and on two, it is so.

Computed: the number of valleys of the exact tree, 1 where all sets are connected, and the number of
losses of local minima; certified is the tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from theory.certificates import certify
from theory.claims.gallery.base import COUNTEREXAMPLE, TOPICS, Proved, Relation, Theorem
from theory.landscape import limits, valleys
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class ConnectedLevelsAndMinima(Theorem[Problem]):
    """From connected sublevel sets to minima, as Freeman and Bruna have it."""

    topic = TOPICS[2]
    relation = Relation.AT_MOST
    on_record = COUNTEREXAMPLE

    def instances(self) -> Mapping[str, Problem]:
        """Data with connected sublevel sets, neurons in order."""
        leaky, two = "leaky_relu:1/10", [[1, 0], [0, 1]]
        return {
            "one datum": Problem(X=[[1]], y=[1], width=2),
            "one datum, leaky": Problem(X=[[1]], y=[1], width=2, activation=leaky),
            "two data": Problem(X=two, y=[1, -1], width=3),
            "two data, leaky": Problem(X=two, y=[1, -1], width=3, activation=leaky),
        }

    def theorem(self, instance: Problem) -> tuple[int, int]:
        """One valley, and one loss of local minima."""
        return 1, 1

    def computed(self, instance: Problem, progress: Progress) -> Proved:
        """Both numbers."""
        tree = valleys(instance, labelled=True, progress=progress)
        minima = [limit for limit in limits(tree) if limit.kind != "stratum"]
        return Proved((len(tree.valleys), len(minima)), certify(tree), instance)
