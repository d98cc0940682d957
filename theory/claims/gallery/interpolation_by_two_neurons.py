"""Independent data are interpolated by two neurons.

Setting: two-layer ReLU networks without biases on $n <= d$ data of which all rows are independent.

Statement: The least number of neurons that interpolates labels of both signs is two.

Hypotheses: $X$ has full row rank, and $y$ has positive and negative entries.

Source: T. Ergen, M. Pilanci, JMLR 22 (2021), arXiv 2002.11219, Lemma 9.

Tight: it is an equality. With labels of one sign one neuron is enough, and three dependent rows may
need three.

Computed: the least width at which the exact landscape has loss zero, with a certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from theory.certificates import certify
from theory.claims.gallery.base import TOPICS, Proved, Theorem
from theory.landscape import analyse
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class InterpolationByTwoNeurons(Theorem[Problem]):
    """Spike-free data and few neurons."""

    topic = TOPICS[0]

    def instances(self) -> Mapping[str, Problem]:
        """Independent rows."""
        return {
            "two rows": Problem(X=[[2, 1], [-1, 1]], y=[3, -1]),
            "the identity": Problem(X=[[1, 0, 0], [0, 1, 0], [0, 0, 1]], y=[1, -2, 3]),
            "a zero label": Problem(X=[[1, 2, 0], [0, 1, -1], [3, 0, 1]], y=[0, -2, 1]),
            "more features": Problem(X=[[1, 0, 2], [0, 1, -1]], y=[-4, 1]),
        }

    def theorem(self, instance: Problem) -> int:
        """For labels of both signs."""
        return 2

    def computed(self, instance: Problem, progress: Progress) -> Proved:
        """The first width with an exact fit; at width n there is one."""
        for width in range(1, instance.n):
            if not analyse(instance, width, progress=progress).minimum:
                break
        else:
            width = instance.n
        found = analyse(instance, width, progress=progress)
        return Proved(width, certify(found), instance)
