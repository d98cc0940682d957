"""The landscape of loss and l2 penalty: networks anywhere, by intervals.

Of the networks with the same signs s_j and u_j = |a_j| w_j the least penalty (beta/2) (||W||_F^2 +
||a||^2) is that of the balanced ones, |a_j| = ||w_j||, and it is beta sum_j ||u_j||. So the
objective is convex in u on every cell. Its least is at most that of a rational point, and at least
nu.y - ||nu||^2 / 2 for each dual vector nu with nu.f(u) <= beta ||u|| on the cones of all neurons.
Source: `penalty-cells`, proofs_notes/valleys.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from theory.arrangement import Arrangement
from theory.errors import InputError
from theory.exact import sqrt_above, squared
from theory.gauges import Metric
from theory.landscape.attained import Part
from theory.landscape.completed import completed
from theory.landscape.conic import ConicBall, ConicDual, Faces
from theory.landscape.domain import Group, Proof
from theory.network import Network
from theory.problem import Problem
from theory.within import Ball, Penalty


def balanced(neurons: Sequence[tuple[int, Sequence[Fraction]]]) -> Network:
    """The network with convex coordinates (s_j, u_j) of nearly least penalty: |a_j| = ||w_j||."""
    sizes = [sqrt_above(sqrt_above(squared(u))) for _, u in neurons]
    columns = [[v / (size or 1) for v in u] for size, (_, u) in zip(sizes, neurons, strict=True)]
    outputs = [sign * size for size, (sign, _) in zip(sizes, neurons, strict=True)]
    return Network(list(zip(*columns, strict=True)), outputs)


class Penalised(ConicBall):
    """Loss and penalty, of networks anywhere.

    Whatever is below the zero network is in the ball of ngd with rho = L(0) / beta, from which
    floating point has its units.
    """

    def __init__(self, problem: Problem, arrangement: Arrangement, penalty: Penalty) -> None:
        ball = Ball("ngd", problem.zero / penalty.beta or 1)
        super().__init__(problem, arrangement, ball)
        self.within = None
        self.beta: Fraction = penalty.beta
        self._faces = Faces(problem, None, penalised=True)
        self.free = None  # what is least without a penalty is not with one
        self._weight = float(self.beta * self._reach / self.loss.factor(self._faces.unit))

    def objective(self, network: Network) -> Fraction:
        """Loss and penalty."""
        return network.loss(self.problem) + Penalty(self.beta).of(network)

    def norm(self, u: Sequence[Sequence[Fraction]]) -> Fraction:
        """Networks may be anywhere."""
        return Fraction()

    def network(self, neurons: Sequence[tuple[int, Sequence[Fraction]]]) -> Network:
        """Balanced, as nearly as rationals are."""
        return completed(self.problem, balanced(neurons))

    def lower_bound(self, dual: ConicDual, groups: Sequence[Group]) -> Fraction:
        """From the multiple of the dual vector that is the best of those allowed."""
        lam = [dual.scale * v for v in dual.vector]
        times = self.loss.multiple(lam, self.problem.y)
        most = max((self.most_squared(dual, group) for group in groups), default=Fraction())
        if most and times:
            times = min(times, self.beta * self.unit / (dual.scale * sqrt_above(most)))
        if not times:
            return Fraction()
        value = self.loss.dual([times * v for v in lam], self.problem.y)
        return Fraction() if value is None else max(Fraction(), value)

    def proof(self, dual: Any, level: Fraction, *, strict: bool) -> Proof:
        """The heaviest neuron decides; the height is the level that its bound has to reach."""
        if strict:
            raise InputError("within", "levels are covered without a penalty only")
        return Proof(dual, 0 if self.lower_bound(dual, ()) >= level else -1, level)

    def weight(self, proof: Proof, group: Group) -> int:
        """All or nothing."""
        return int(self.lower_bound(proof.dual, (group,)) < proof.height)

    def _dual(self, vector: tuple[int, ...], scale: Fraction, metric: Metric | None) -> ConicDual:
        return ConicDual(vector, scale, metric, self._columns, Fraction(1))

    def _inside(self, neurons: int, parts: Sequence[Part]) -> Sequence[Part]:
        return parts

    def _added(self, neurons: int, parts: Sequence[Part]) -> Fraction:
        return self.beta * self._lengths(neurons, parts)
