"""The affine fit is a spurious local minimum, for almost all data.

Setting: networks $x -> sum_j a_j h(w_j . x + b_j) + b$ of width $m$, $h(t) = max(t, 0) + c min(t,
0)$ with $c >= 0$ other than 1, squared loss. All $h$ active on all data make $f$ affine there.

Statement: There is a local minimum that is not global, of the loss of the best affine fit.

Hypotheses: $m >= 2$; no affine function fits the labels; all $x_k$ are distinct.

Source: C. Yun, S. Sra and A. Jadbabaie, ICLR 2019, arXiv 1802.03487, Theorem 1.

Tight: each hypothesis is needed. Without it there are data on which the affine fit is global:
at width 1 four points near a line, at any width a fit without error, and two labels at one point.

Computed: the least loss over networks whose neurons are all active, and whether it is among the
exact list of losses of local minima as a global one, or as one of those that are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from theory.certificates import certify
from theory.claims.gallery.base import HOLDS, TOPICS, Proved, Theorem
from theory.exact import squared_distance
from theory.landscape import limits, valleys
from theory.problem import Problem
from theory.states import state_of
from theory.types import Progress

KINDS = {"global": "global", "valley": "spurious", "plateau": "spurious"}
"""What local minima of the kinds of `theory.landscape.limits` are."""


@dataclass(frozen=True)
class SpuriousAffineMinimum(Theorem[Problem]):
    """Bad local minima of Yun, Sra and Jadbabaie."""

    topic = TOPICS[3]
    on_record = HOLDS

    def instances(self) -> Mapping[str, Problem]:
        """Data of the theorem, then some that miss one hypothesis each."""
        near = [1 - Fraction(1, 20), 2 + Fraction(3, 20), 3 - Fraction(3, 20), 4 + Fraction(1, 20)]
        plane = [[0, 0], [1, 0], [0, 1], [1, 1]]
        return {
            "three points": _data([[0], [1], [2]], [0, 1, 0]),
            "width 1": _data([[1], [2], [3], [4]], near, width=1),
            "the same at width 2": _data([[1], [2], [3], [4]], near),
            "leaky": _data([[0], [1], [2]], [0, 1, 0], activation="leaky_relu:1/10"),
            "xor": _data(plane, [0, 1, 1, 0]),
            "an affine fit": _data(plane, [0, 1, 2, 3]),
            "two labels at one point": _data([[0], [0], [2]], [0, 1, 0]),
        }

    def theorem(self, instance: Problem) -> tuple[Fraction, str]:
        """The loss of the best affine fit, and that it is spurious under the hypotheses."""
        loss = squared_distance(instance.y, zip(*instance.X, strict=True)) / 2
        distinct = len(set(instance.X)) == instance.n
        meant = instance.stated_width >= 2 and loss > 0 and distinct
        return loss, "spurious" if meant else "global"

    def computed(self, instance: Problem, progress: Progress) -> Proved:
        """The same by the cell of networks that are active on all data."""
        tree = valleys(instance, progress=progress)
        cones = tree.complex.arrangement.signs
        (active,) = np.flatnonzero((cones > 0).all(axis=1))
        cell = (state_of(int(active), 1),) * tree.width
        loss = tree.complex.loss_of(tree.complex.minimum(cell).value)
        kinds = {limit.loss: KINDS.get(limit.kind, limit.kind) for limit in limits(tree)}
        return Proved((loss, kinds[loss]), certify(tree), instance)


def _data(
    X: list[list[int]], y: list[int] | list[Fraction], width: int = 2, activation: str = "relu"
) -> Problem:
    return Problem(
        X=[[*row, 1] for row in X],
        y=y,
        width=width,
        activation=activation,
        bias="decayed",
        output_bias=True,
    )
