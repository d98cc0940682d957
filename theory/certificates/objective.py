"""What networks have for an objective, the loss with a penalty if there is one, and what a dual
vector lam with columns w proves of it: lam . f <= sum_j w_j . u_j."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from theory.certificates import algebra, reading, work
from theory.certificates.algebra import Vector, dot
from theory.certificates.balls import Ball, Penalty
from theory.certificates.losses import Loss, Proof
from theory.certificates.reading import fail
from theory.problem import Problem

Cost: TypeAlias = "Callable[[Sequence[int]], Fraction]"
"""The squared dual norm of a column, in units in which sigma(X u) is integer for integers."""


class Weights(NamedTuple):
    """A network in integers: columns of W over one scale, a over another; b with c as they are."""

    neurons: list[Vector]
    a: Vector
    w_scale: int
    a_scale: int
    linear: tuple[Fraction, ...]


class Objective:
    """Of one data set; within: null is None. width: of the networks, where it is needed: as biases
    have a bound of their own."""

    def __init__(
        self, problem: Problem, within: Ball | Penalty | None, width: int | None = None
    ) -> None:
        self.problem = problem
        self.within = within
        self.width = width
        self.loss = Loss(problem)
        self.X, x_scale, _, _ = algebra.integer_form(problem)
        self.sigma = algebra.sigma_of(problem)
        self._affine = algebra.Affine(problem)
        self._unit = x_scale * self.sigma.unit  # of sigma(X u), for integers

    def read(self, value: object, width: int | None) -> Weights:
        """The field `network`, of at most so many neurons."""
        columns, a, linear = reading.network(value, "network", self.problem)
        if width is not None and len(a) > width:
            fail("network.a", f"has {len(a)} neurons, but the width is {width}")
        if not a:
            fail("network.a", "is empty")
        flat, w_scale = algebra.integers([v for w in columns for v in w])
        weights, a_scale = algebra.integers(a)
        d = self.problem.d
        neurons = [flat[i : i + d] for i in range(0, len(flat), d)]
        return Weights(neurons, weights, w_scale, a_scale, linear)

    def outputs(self, network: Weights) -> list[list[int]]:
        """X w_j for each neuron, for the integer X and W."""
        longest = max(map(work.length, self.X)) + max(map(work.length, network.neurons))
        each = self.problem.d * work.integer(longest) + work.kept(longest)
        work.spend("outputs of the network", self.problem.n * len(network.neurons) * each)
        return [[dot(row, w) for row in self.X] for w in network.neurons]

    def value(self, network: Weights, outputs: Sequence[Sequence[int]]) -> Fraction:
        """The objective of the network, which has to lie in the ball, or a rational just above."""
        neurons, weights, w_scale, a_scale, linear = network
        scale = w_scale * a_scale
        longest = max(map(work.length, outputs)) + work.length(weights)
        each = 2 * work.integer(longest)
        work.spend("outputs of the network", self.problem.n * len(neurons) * each)
        penalty = Fraction()
        if isinstance(self.within, Penalty):
            squares = Fraction(sum(dot(w, w) for w in neurons), w_scale**2)
            squares += Fraction(dot(weights, weights), a_scale**2)
            penalty = self.within.of(squares)
        elif self.within is not None and not self.within.holds(neurons, weights, scale):
            fail("network", "lies outside the ball")
        fit = tuple(
            sum(v * self.sigma(z) for v, z in zip(weights, values, strict=True))
            for values in zip(*outputs, strict=True)
        )
        fit, scale = algebra.added(fit, self._unit * scale, *self._affine(linear))
        return penalty + self.loss.value(fit, scale)

    def cost(self, Z: object) -> Cost:
        """What a column costs; Z: the field of a dual, None but where duals have one."""
        cost: Cost = _square
        if self.within is not None and self.within.metric:
            metric = self.metric(Z)
            cost = _Metric(metric, self.trace(metric))
        elif self.within is not None and self.within.hidden == "entrywise":
            cost = _sum_squared
        return _Free(cost) if self.within is not None and self.within.free else cost

    def bound(self, proof: Proof, length: Fraction) -> Fraction:
        """What a dual vector proves where the dual norm of its columns, in the units of `Cost`, is
        so much. Without a ball columns have to be zero."""
        if self.within is None:
            return Fraction() if length else proof.below(Fraction())
        return self.within.bound(proof, length / self._unit)

    def metric(self, value: object) -> list[Vector]:
        """The field `Z` of a dual, in integers: a factor of it changes nothing."""
        assert self.within is not None
        d = self.problem.d - self.within.free
        rows = reading.symmetric(value, "dual.Z", d)
        entries, _ = algebra.integers([v for row in rows for v in row])
        Z = [entries[i * d : (i + 1) * d] for i in range(d)]
        if not algebra.is_positive(Z, definite=True):
            fail("dual.Z", "is not positive definite")
        if self.within.bounded:
            if any(row[-1] for row in Z[:-1]):
                fail("dual.Z", "has entries between the bias and the rest, which are apart")
            if not self.within.spectral and not algebra.is_scalar([row[:-1] for row in Z[:-1]]):
                fail("dual.Z", "is no multiple of the identity where weights are no biases")
        return Z

    def trace(self, Z: Sequence[Vector]) -> int:
        """What Z counts: where biases have a bound of their own, that of each neuron."""
        assert self.within is not None
        diagonal = [row[k] for k, row in enumerate(Z)]
        if not self.within.bounded:
            return sum(diagonal)
        assert self.width is not None
        rest = sum(diagonal[:-1]) if self.within.spectral else diagonal[0]
        return rest + self.width * diagonal[-1]


def _square(w: Sequence[int]) -> Fraction:
    return Fraction(sum(v * v for v in w))


def _sum_squared(w: Sequence[int]) -> Fraction:
    return Fraction(sum(map(abs, w)) ** 2)


class _Free:
    """The cost of a column without its last entry, that of a free bias, which has to be zero."""

    def __init__(self, cost: Cost) -> None:
        self._cost = cost

    def __call__(self, w: Sequence[int]) -> Fraction:
        if w[-1]:
            fail("dual", "has a column that grows with the bias, which is free")
        return self._cost(w[:-1])


class _Metric:
    """trace w^T Z^-1 w, for a positive definite integer Z."""

    def __init__(self, Z: list[Vector], trace: int) -> None:
        work.require("the inverse of Z", len(Z) ** 4 * work.rational(0))
        unit = [[int(i == k) for i in range(len(Z))] for k in range(len(Z))]
        columns = [algebra.solve([list(row) for row in Z], e) for e in unit]
        rows = [column for column in columns if column is not None]  # all, as Z is definite
        flat, self._denominator = algebra.integers([v for row in rows for v in row])
        self._inverse = [flat[i : i + len(Z)] for i in range(0, len(flat), len(Z))]
        self._trace = trace

    def __call__(self, w: Sequence[int]) -> Fraction:
        bits = work.length(w) + max(map(work.length, self._inverse))
        work.spend("costs of columns", len(w) ** 2 * work.integer(bits))
        squared = dot(w, [dot(row, w) for row in self._inverse])
        return Fraction(self._trace * squared, self._denominator)
