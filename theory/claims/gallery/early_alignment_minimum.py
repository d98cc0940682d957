"""Where early alignment leads: a linear fit that is a spurious local minimum, or a saddle.

Setting: two-layer ReLU networks without biases, squared loss; three data in the plane, x_1 near
(-1, 1), x_2 near (0, 1), x_3 near (1, 1), labels near 1, 0 and 1, all up to eta.

Statement: Small networks train to the least squares fit x . beta, of positive loss, although two
neurons fit the data. There it is a local minimum if no output weight is zero, and a saddle if a
neuron is zero.

Hypotheses: eta < 1/6 and the signs of Assumption 3; gradient flow from |a_j| >= |w_j| small enough.

Source: E. Boursier and N. Flammarion, JMLR 26, 2025, arXiv 2401.10791, Theorem 2, and Section 6 for
the kinds of points.

Tight: both kinds of points are there. What flow does is not decided here, only where it ends.

Computed: the exact loss of the neuron w = beta, a = 1; what it is beside a neuron w = 0, a = -1,
with a certificate, and beside one that is zero, by the cells around; and the least loss of two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from theory.certificates import certify
from theory.claims.gallery.base import HOLDS, TOPICS, Proved, Theorem
from theory.exact import dot, from_flint, some_solution, squared_distance, to_flint
from theory.landscape import analyse
from theory.landscape.classify import classify
from theory.network import Network
from theory.problem import Problem, Rational
from theory.types import Progress

LOCAL = ("local minimum", "plateau")


@dataclass(frozen=True)
class EarlyAlignmentMinimum(Theorem[Problem]):
    """The example of Boursier and Flammarion."""

    topic = TOPICS[3]
    on_record = HOLDS

    def instances(self) -> Mapping[str, Problem]:
        """With eta = 1/10, 1/10 and 4/25."""
        return {
            "symmetric": _data(("-19/20", 0, "19/20"), (1, 1, 1), (1, "1/10", 1)),
            "not symmetric": _data(
                ("-19/20", "1/20", "9/10"), ("21/20", 1, 1), ("11/10", "1/10", 1)
            ),
            "larger eta": _data(
                ("-21/25", "-4/25", "99/100"), (1, "22/25", "29/25"), (1, "4/25", "11/10")
            ),
        }

    def theorem(self, instance: Problem) -> tuple[Fraction, int, str, str]:
        """The loss of the linear fit, the least one, and what the fit is."""
        loss = squared_distance(instance.y, zip(*instance.X, strict=True)) / 2
        return loss, 0, "local minimum", "saddle"

    def computed(
        self, instance: Problem, progress: Progress
    ) -> Proved | tuple[Fraction, Fraction, str, str]:
        """The same, by the cells around it."""
        columns = list(zip(*instance.X, strict=True))
        rows = [to_flint(dot(c, each) for each in columns) for c in columns]
        labels = to_flint(dot(c, instance.y) for c in columns)
        beta = from_flint(some_solution(rows, labels, instance.d) or ())
        fit, zero = (Network([[v, 0] for v in beta], [1, a]) for a in (-1, 0))
        kinds = classify(instance, fit), classify(instance, zero)
        least = analyse(instance, 2, progress=progress).minimum
        rest, leaves = kinds[0].verdict in LOCAL, kinds[1].lower is not None
        values = (
            fit.loss(instance),
            least,
            "local minimum" if rest else "none",
            "saddle" if leaves else "none",
        )
        return Proved(values, certify(kinds[0]), instance) if rest else values


def _data(first: Sequence[Rational], second: Sequence[Rational], y: Sequence[Rational]) -> Problem:
    return Problem(X=list(zip(first, second, strict=True)), y=y)
