"""Labels in a cone have spurious local minima; three data on a line need no cone.

Setting: networks $x -> a relu(w x + b) + c$, of one neuron, on three different data on a line,
squared loss. $y = y_1 + y_2$ with $y_1$ affine in $x$ and $y_2$ orthogonal to all that is.

Statement: There are spurious local minima if $||y_2||^2 > Theta / (1 - Theta) ||y_1||^2$, with
$Theta$ the largest squared distance of unit labels to what networks fit. Here $Theta$ is 3/4, the
ratio 3.

Hypotheses: $y_2$ is not 0. The paper has any numbers of inputs and outputs, $n$ of more than the
inputs and one, activations that are affine somewhere, and any width of at least one of the two
numbers.

Source: C. Christof, JMLR 22 (2021), arXiv 2011.03293, Corollary 47.

Tight: loose; there is no least ratio, so the factor is that of the labels below. With two neurons
it is so for any number of data (Yun and others, ICLR 2019); with one, four data may need a ratio.

Computed: of the given labels the ratio $||y_2||^2 / ||y_1||^2$, if the loss of the affine fit is
that of local minima that are not global, by the exact tree, certified, and the exact list of
losses.

Note: proofs_notes/gallery.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from theory.certificates import certify
from theory.claims.gallery.base import TOPICS, Proved, Relation, Theorem
from theory.exact import dot, squared
from theory.landscape import limits, valleys
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class ConeOfLabels(Theorem[Problem]):
    """Christof's cone, for three data."""

    topic = TOPICS[3]
    relation = Relation.AT_MOST
    on_record = "loose by a factor 10000"

    def instances(self) -> Mapping[str, Problem]:
        """Labels near an affine function."""
        return {
            "near a line": _data([-1, 0, 1], [-99, -2, 101]),
            "near a falling line": _data([-1, 0, 1], [101, -2, -99]),
            "other distances": _data([-2, 1, 5], [-998, 493, 2500]),
        }

    def theorem(self, instance: Problem) -> Fraction:
        """From which ratio on; Theta is the same for all three data."""
        theta = Fraction(3, 4)
        return theta / (1 - theta)

    def computed(self, instance: Problem, progress: Progress) -> Proved:
        """A ratio at which they have spurious minima."""
        (a, b, c), y = (row[0] for row in instance.X), instance.y
        other = (b - c, c - a, a - b)  # orthogonal to what is affine
        far = dot(other, y) ** 2 / squared(other)
        tree = valleys(instance, progress=progress)
        kinds = {limit.loss: limit.kind for limit in limits(tree)}
        assert kinds[far / 2] in ("valley", "plateau")
        return Proved(far / (squared(y) - far), certify(tree), instance)


def _data(x: Sequence[int], y: Sequence[int]) -> Problem:
    return Problem(X=[[v, 1] for v in x], y=y, width=1, bias="decayed", output_bias=True)
