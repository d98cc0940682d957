"""From which width on the optimal networks under an l2 penalty are connected.

Setting: two-layer ReLU networks, squared loss with the penalty $beta/2 (||W||^2 + ||a||^2)$,
neurons in their order.

Statement: The optima of $m$ neurons are connected for each $m >= min(m* + M*, n + 1)$, where $m*$
is the fewest neurons of an optimum and $M*$ the most of one whose images are independent.

Hypotheses: $beta > 0$.

Source: S. Kim, A. Mishkin, M. Pilanci, ICLR 2025, arXiv 2411.07729, Theorem 2.

Tight: on the square and on the wedge. On the cube connectivity comes one width earlier: the rank of
the images may stand for $n$ (`staircase` in proofs_notes/staircase.md).

Computed: the width after the last at which brute force over all assignments of neurons to optimal
directions finds several components.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from theory.claims.gallery.base import TIGHT, TOPICS, Relation, Theorem
from theory.connectivity import OptimalPolytope, count_components, optimal_polytope
from theory.loading import example
from theory.types import Progress

_BETA = {"square": 5, "wedge": 5, "cube": 3}


@dataclass(frozen=True)
class StaircaseWidth(Theorem[OptimalPolytope]):
    """The last step of the staircase."""

    topic = TOPICS[1]
    relation = Relation.AT_MOST
    on_record = TIGHT

    def instances(self) -> Mapping[str, OptimalPolytope]:
        """Shipped data with a beta each."""
        return {
            name: optimal_polytope(example(f"staircase-{name}"), Fraction(beta))
            for name, beta in _BETA.items()
        }

    def theorem(self, instance: OptimalPolytope) -> int:
        """From the two sizes."""
        return min(instance.fewest + instance.most, instance.problem.n + 1)

    def computed(self, instance: OptimalPolytope, progress: Progress) -> int:
        """All widths below the theorem's are looked at, and the theorem's."""
        images = [direction.image for direction in instance.directions]
        connected_from = 1
        for width in range(1, self.theorem(instance) + 1):
            step = count_components(images, instance.fit, width)
            if step.components_labelled != 1:
                connected_from = width + 1
        return connected_from
