"""Networks anywhere, where the loss is no least squares or linear program: by intervals.

That is the logistic loss. Its least value on a cell need not be attained: it is 0 where the data
are separated there. A dual vector nu proves D(nu) on a cell on which nu.f(u) <= 0 for all neurons.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from theory.arrangement import Arrangement
from theory.exact import dot
from theory.landscape.attained import Part
from theory.landscape.completed import completed
from theory.landscape.conic import Bracket, ConicBall, ConicDual, Faces
from theory.landscape.domain import Group, Proof
from theory.network import Network
from theory.problem import Problem
from theory.units import Units
from theory.within import Ball


class Anywhere(ConicBall):
    """The rays of cones, as in a ball of ngd; but for units, its radius means nothing."""

    def __init__(self, problem: Problem, arrangement: Arrangement) -> None:
        units = Units.of(problem)
        super().__init__(problem, arrangement, Ball("ngd", units.y / units.x))
        self.within = None
        self._faces = Faces(problem, None)

    def norm(self, u: Sequence[Sequence[Fraction]]) -> Fraction:
        """Networks may be anywhere."""
        return Fraction()

    def network(self, neurons: Sequence[tuple[int, Sequence[Fraction]]]) -> Network:
        """With the best output bias and linear part, where there are."""
        return completed(self.problem, Network.from_convex(neurons))

    def most_squared(self, dual: ConicDual, group: Group) -> Fraction:
        """Whether a neuron can add to nu.f, and then as much as it likes: 1 or 0."""
        return Fraction(any(dot(self._columns[c].image, dual.vector) > 0 for c in group))

    def lower_bound(self, dual: Any, groups: Sequence[Group]) -> Fraction:
        """D(nu), or nothing."""
        if any(self.most_squared(dual, group) for group in groups):
            return Fraction()
        return self._faces.bound(dual.vector, dual.scale, Fraction())

    def proof(self, dual: Any, level: Fraction, *, strict: bool) -> Proof:
        """D(nu) has to reach the level."""
        value = self._faces.bound(dual.vector, dual.scale, Fraction())
        return Proof(dual, -int(value < level or (strict and value == level)))

    def weight(self, proof: Proof, group: Group) -> int:
        """One neuron that can add to nu.f is one too many."""
        return int(self.most_squared(proof.dual, group))

    def _proved(
        self,
        groups: tuple[Group, ...],
        parts: Sequence[Part],
        lams: Sequence[np.ndarray],
        metric: Any,
    ) -> Bracket:
        images = (self._image(c) for c in sorted({c for group in groups for c in group}))
        barred = [image for image in images if any(image)]
        nu, scale, least = self._faces.best(
            lams, lambda nu, scale: self._faces.bound(nu, scale, Fraction()), barred
        )
        fit = self._fit(parts)
        return self._faces.bracket(parts, fit, (nu, scale, least), metric, Fraction())
