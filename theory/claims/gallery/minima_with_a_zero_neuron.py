"""With an l2 penalty a local minimum with a neuron that is zero is global.

Setting: two-layer ReLU networks without biases, $F = L + (beta / 2) ||theta||^2$, $L$ the squared
loss, $theta$ all weights.

Statement: A local minimum of $F$ at which a neuron is zero is a global one.

Hypotheses: fit and penalty are positively homogeneous of one degree in the weights of a neuron. The
abstract speaks of sufficient conditions for networks with one hidden layer; that the condition is a
zero neuron is told by accounts of the paper.

Source: B. D. Haeffele, R. Vidal, Global optimality in neural network training, CVPR 2017, abstract;
also arXiv 1506.07540. A proof for these networks is in proofs_notes/bad-regions.md.

Tight: it is a yes or no. Without the zero neuron it fails: three of the data below have two local
minima of one neuron, of which one is not global.

Computed: local minima of width $m$, the bottoms of the exact tree of valleys, with a zero neuron
beside: whether that is a local minimum of width $m + 1$, by the cells around it. Said is no
wherever it is above the least $F$ of width $m + 1$, known up to $10^-9$.

Note: proofs_notes/bad-regions.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from theory.claims.gallery.base import TOPICS, Theorem
from theory.landscape import Valleys, valleys
from theory.landscape.classify import classify
from theory.network import Network
from theory.problem import Problem
from theory.types import Progress
from theory.within import Penalty

_MINIMA = ("global minimum", "local minimum", "plateau")


@dataclass(frozen=True)
class MinimaWithAZeroNeuron(Theorem[Problem]):
    """Haeffele's and Vidal's condition."""

    topic = TOPICS[3]

    def instances(self) -> Mapping[str, Problem]:
        """Data by the width m of the minima; beta = 1/2."""
        two, unit = [[1], [-1]], [[1, 0], [0, 1]]
        return {
            "two points, one neuron": Problem(X=two, y=[2, 1], width=1),
            "two points, two neurons": Problem(X=two, y=[2, 1], width=2),
            "other signs": Problem(X=unit, y=[3, -4], width=1),
            "other signs, two neurons": Problem(X=unit, y=[3, -4], width=2),
            "one neuron is enough": Problem(X=[[1, 0], [1, 1]], y=[1, 2], width=1),
            "the plane": Problem(X=[[3, 1], [1, -2]], y=[1, -1], width=1),
        }

    def theorem(self, instance: Problem) -> tuple[str, ...]:
        """Of each local minimum of width m, whether it is one with a zero neuron beside."""
        wider = valleys(instance, instance.stated_width + 1, within=_PENALTY)
        return tuple(
            "no" if valley.proved_birth > wider.minimum + _NEAR else "yes"
            for valley in _tree(instance).valleys
        )

    def computed(self, instance: Problem, progress: Progress) -> tuple[str, ...]:
        """The same."""
        wider = replace(instance, width=instance.stated_width + 1)
        found = []
        for valley in _tree(instance).valleys:
            own = valley.representative
            network = Network([[*row, 0] for row in own.W], [*own.a, 0])
            verdict = classify(wider, network, _PENALTY).verdict
            found.append("yes" if verdict in _MINIMA else "no")
        return tuple(found)


_PENALTY = Penalty("1/2")
_NEAR = Fraction(1, 10**9)


def _tree(problem: Problem) -> Valleys:
    return valleys(problem, within=_PENALTY)
