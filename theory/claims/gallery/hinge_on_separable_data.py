"""With the hinge loss leaky ReLU has no bad local minimum on separable data, and ReLU has some.

Setting: two-layer networks of width $m$ for binary labels, with hidden and output biases, and the
hinge loss $sum_k max(0, 1 - y_k f(x_k))$; data that a hyperplane separates.

Statement: With leaky ReLU every local minimum is global. ReLU networks have local minima that are
not.

Hypotheses: the slope $c$ of leaky ReLU on the left is positive; data are separable by a hyperplane.

Source: T. Laurent, J. H. von Brecht, ICML 2018 (PMLR 80), arXiv 1712.10132, abstract of version 1.

Tight: it is a yes or no. Three data that no hyperplane separates have bad local minima at width 2;
so have separable ones with $c = -1/2$, without an output bias. Both hypotheses are needed there.

Computed: the exact tree of all levels, with a certificate, and the exact list of losses at which
there are local minima: whether one is above the least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from theory.certificates import certify
from theory.claims.gallery.base import TOPICS, Proved, Theorem
from theory.landscape import limits, valleys
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class HingeOnSeparableData(Theorem[Problem]):
    """The bifurcation from leaky ReLU to ReLU, of Laurent and von Brecht."""

    topic = TOPICS[3]

    def instances(self) -> Mapping[str, Problem]:
        """The same data with both activations."""
        line, few = [[1, 1], [2, 1], [-1, 1]], [1, 1, -1]
        longer, more = [*line, [-3, 1]], [*few, -1]
        plane = [[2, 1, 1], [1, -1, 1], [-1, 1, 1]]
        leaky, steep = "leaky_relu:1/10", "leaky_relu:3"
        return {
            "leaky ReLU": _data(line, few, leaky),
            "ReLU": _data(line, few, "relu"),
            "leaky ReLU, four data": _data(longer, more, leaky),
            "ReLU, four data": _data(longer, more, "relu"),
            "steeper on the left": _data(line, few, steep),
            "leaky ReLU in the plane": _data(plane, few, leaky),
            "ReLU in the plane": _data(plane, few, "relu"),
            "one leaky neuron": _data(longer, more, leaky, width=1),
            "leaky ReLU without biases": Problem(
                X=[[2, 1], [1, -1], [-1, 1]], y=few, width=2, loss="hinge", activation=leaky
            ),
        }

    def theorem(self, instance: Problem) -> str:
        """Whether there are bad local minima."""
        return "none" if instance.activation.negative > 0 else "some"

    def computed(self, instance: Problem, progress: Progress) -> Proved:
        """The same."""
        tree = valleys(instance, progress=progress)
        bad = any(limit.kind in ("valley", "plateau") for limit in limits(tree))
        return Proved("some" if bad else "none", certify(tree), instance)


def _data(X: Sequence[Sequence[int]], y: Sequence[int], activation: str, width: int = 2) -> Problem:
    return Problem(
        X=X,
        y=y,
        width=width,
        loss="hinge",
        activation=activation,
        bias="decayed",
        output_bias=True,
    )
