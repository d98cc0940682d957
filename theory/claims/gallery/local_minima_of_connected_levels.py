"""Sublevel sets can all be connected where some local minima are not global.

Setting: two-layer ReLU networks of width m without biases, squared loss L on n data.

Statement: If {L <= c} is connected for every c, every local minimum is global.

Hypotheses: as printed in the OpenReview version, none on L. That the local minimum is strict mends
it; and no component of a set {L <= c} is without a global minimum, whatever its local minima.

Source: C. D. Freeman, J. Bruna, ICLR 2017, arXiv 1611.01540, Proposition 2.1 of the OpenReview
version.

Tight: not so for ReLU: dead neurons make a plateau, on which the loss is constant nearby though a
path that never rises leads from it to the global minimum. With abs or leaky ReLU, which have no
dead neurons, it is so on these data.

Computed: of data with a single valley over all levels, by the exact merge tree, with a certificate,
the number of losses above the least at which there are local minima.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from theory.certificates import certify
from theory.claims.gallery.base import COUNTEREXAMPLE, TOPICS, Proved, Theorem
from theory.landscape import limits, valleys
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class LocalMinimaOfConnectedLevels(Theorem[Problem]):
    """Freeman and Bruna on what connected sublevel sets exclude."""

    topic = TOPICS[1]
    on_record = COUNTEREXAMPLE
    few = 1

    def instances(self) -> Mapping[str, Problem]:
        """Data at widths where all sublevel sets are connected."""
        return {
            "one datum": Problem(X=[[1]], y=[1], width=2),
            "one datum, abs": Problem(X=[[1]], y=[1], width=2, activation="abs"),
            "two data": Problem(X=[[1, 0], [0, 1]], y=[1, -2], width=3),
            "two data, leaky": Problem(
                X=[[1, 0], [0, 1]], y=[1, -2], width=3, activation="leaky_relu:1/10"
            ),
        }

    def theorem(self, instance: Problem) -> int:
        """How many losses of local minima there are beside the least."""
        return 0

    def computed(self, instance: Problem, progress: Progress) -> Proved:
        """The same."""
        tree = valleys(instance, labelled=True, progress=progress)
        assert len(tree.valleys) == 1
        bad = sum(limit.kind in ("valley", "plateau") for limit in limits(tree))
        return Proved(bad, certify(tree), instance)
