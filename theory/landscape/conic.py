"""The landscape where minima are convex programs: in balls that are no polytopes, and in all balls
for losses other than the squared one.

Where the ball attains the least squared loss of a face without it, as it does where it holds an
exact fit, that is the minimum, exactly (`theory.landscape.attained`). Else the least loss is known
as an interval. The upper end is the loss of a rational
network that provably lies in the ball. The lower end comes from a rational dual vector nu and, for
the spectral norm, a positive definite Z (else Z = I). Where neurons have l2 norms let q_j be the
maximum of 2 nu.f(u) - u^T Z u over the cone of neuron j, and c_j^2 = q_j, or q_j tr Z; where they
have largest entries c_j = max nu.f(v) over the vertices v of {u in its cone, ||u||_inf <= 1}. Both
are found exactly, and nu.f <= H on the face, where

    H = rho sum_j c_j             no layer is shared (adamw, colnorm)
    H = rho (sum_j c_j^2)^1/2     one is (adamw-ngd, colnorm-ngd, ngd-adamw, muon-adamw)
    H = rho max_j c_j             both are (ngd, muon)

So the loss is at least D(nu) - H (theory/losses.py), for the squared loss and the best multiple of
nu max(0, nu.y - H)^2 / (2 ||nu||^2). Source: proofs_notes/landscape.md.

Where biases are free the cones reach out to infinity along the bias directions, and lengths are
those of the other weights: nu.f is bounded only where it does not grow that way. Source:
proofs_notes/biases.md.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from flint import fmpz_mat

from theory.arrangement import Arrangement
from theory.cone_program import ConeProgram
from theory.exact import (
    dot,
    power_of_two,
    simplest_between,
    sqrt_above,
    squared,
)
from theory.gauges import Gauge, Metric, Size
from theory.landscape.attained import Free, FreeMinima, Nearest, Part, least_radius, on_the_fit
from theory.landscape.completed import completed, free_fit
from theory.landscape.domain import Domain, Dual, EntrywiseBall, Group, Proof, bias_directions
from theory.landscape.form import Form, both_ways, boxed, free_extras
from theory.landscape.nnls import LeastSquares, Minimum, primitive
from theory.losses import SQUARED, Loss
from theory.network import Network
from theory.problem import Problem
from theory.states import cone_of, sign_of, state_of
from theory.units import Units
from theory.within import Ball

if TYPE_CHECKING:
    from jaxtyping import Float

BITS = 40  # kept of float coefficients, relative to the largest
PARTS = 1 << 60  # of a limit, in which weights are rounded up
_INSIDE = Fraction(1, 10**12)
_ROOM = 1 + Fraction(1, 10**6)
"""How much larger than the lengths of its neurons together a ball has to be to hold a network by
these alone: more than least networks in floats are off."""
# Bounds are claimed with the first allowance and used with the second, so that rounding, here and
# in a checker with other square roots, cannot turn a claim down.
CLAIMED = 1 + Fraction(1, 2**40)
_USED = 1 + Fraction(1, 2**50)


@dataclass(frozen=True)
class Bracket(Minimum):
    """A minimum between `least` and `value`, the loss of the point that the numerators give.

    residual: a good dual vector nu in parts of `scale`, with metric Z where the norm is spectral.
    open_at: the least loss without the ball, where it is open whether that is attained in it.
    """

    least: Fraction
    metric: Metric | None = None
    open_at: Fraction | None = None

    @property
    def lower(self) -> Fraction:
        """The end that a dual vector proves."""
        return self.least


Proved: TypeAlias = tuple[tuple[int, ...], Fraction, Fraction]
"""A dual vector, in integers, the scale of these, and the bound that it proves."""


class _Layout(NamedTuple):
    """A face as programs see it: each neuron has as many variables, those too many zero columns.

    places: neuron and column of those used. slots: their variables. rays: None for vertices, or a
    row with zeros for what adds no length. units: coefficients are these times those of the
    program times `scale`.
    """

    places: list[tuple[int, int]]
    slots: list[int]
    size: int
    rays: Float[np.ndarray, "d k"] | None
    images: Float[np.ndarray, "n k"]
    units: Float[np.ndarray, " k"]
    scale: Fraction

    def one(self, slot: int) -> Fraction:
        """The coefficient that is one for the program."""
        return Fraction(float(self.units[slot])) * self.scale

    def at(self, z: Float[np.ndarray, " k"]) -> list[Fraction]:
        """The coefficients, in the order of places, as they are."""
        return [Fraction(float(z[slot] * self.units[slot])) * self.scale for slot in self.slots]

    def rationals(self, z: Float[np.ndarray, " k"]) -> list[Part]:
        """The coefficients that count, of few digits."""
        floats = (z * self.units)[self.slots].tolist()
        largest = max(floats, default=0.0) or 1.0
        unit = Fraction(largest) / 2**BITS * self.scale
        return [
            (*place, unit * round(v / largest * 2**BITS))
            for place, v in zip(self.places, floats, strict=True)
            if v > largest * 2.0**-BITS
        ]


def _places(groups: Sequence[Group]) -> tuple[list[tuple[int, int]], list[int], int]:
    """Of a layout: places, slots and size."""
    size = max(map(len, groups), default=0)
    places = [(place, c) for place, group in enumerate(groups) for c in group]
    slots = [place * size + i for place, group in enumerate(groups) for i in range(len(group))]
    return places, slots, size


class ConicDual:
    """A dual vector nu with a metric, and what it says of the groups asked for so far.

    vector: nu in parts of `scale`, which is of no importance for the squared loss. rho: of the
    ball.
    """

    def __init__(
        self,
        vector: tuple[int, ...],
        scale: Fraction,
        metric: Metric | None,
        columns: Sequence[Column],
        rho: Fraction,
    ) -> None:
        self.vector = vector
        self.scale = scale
        self.metric = metric
        self.columns = columns
        self.rho = rho
        self._factor = rho**2 * (1 if metric is None else metric.trace)
        self.most_squared = lru_cache(maxsize=None)(self._most_squared)

    def bounded(self, group: Group) -> bool:
        """Whether nu.f is, for the columns: it may grow along directions of no length."""
        return all(
            any(self.columns[c].ray) or dot(self.columns[c].image, self.vector) <= 0 for c in group
        )

    def __reduce__(self) -> tuple[type[ConicDual], tuple[Any, ...]]:
        return type(self), (self.vector, self.scale, self.metric, self.columns, self.rho)

    def _most_squared(self, group: Group) -> Fraction:
        """rho^2 max 2 nu.f(u) - u^T Z u over the cone of the columns' rays, times tr Z.

        It is attained on independent rays, where it is the unconstrained maximum.
        """
        rays = [self.columns[c].ray for c in group]
        gains = [dot(self.columns[c].image, self.vector) for c in group]
        scaled = rays
        if self.metric is not None:
            scaled = [tuple(dot(row, ray) for row in self.metric.Z) for ray in rays]
        gram = [[dot(ray, other) for other in scaled] for ray in rays]
        best = Fraction()
        d = len(rays[0]) if rays else 0
        for size in range(1, min(d, len(rays)) + 1):
            for chosen in combinations(range(len(rays)), size):
                A = fmpz_mat([[gram[i][k] for k in chosen] for i in chosen])
                b = fmpz_mat([[gains[i]] for i in chosen])
                try:
                    numerators, denominator = A.solve(b).numer_denom()  # type: ignore[attr-defined]
                except ZeroDivisionError:
                    continue
                z = [int(v) for v in numerators.entries()]
                if min(z) >= 0:
                    value = sum(v * gains[i] for v, i in zip(z, chosen, strict=True))
                    best = max(best, Fraction(value, int(denominator)))
        return self._factor * best


@dataclass(frozen=True)
class Column:
    """A ray (d,) of the arrangement, without its bias where biases are free, and its image
    s sigma(X v), both in integers."""

    ray: tuple[int, ...]
    image: tuple[int, ...]


class ConvexBall(Domain):
    """A ball whose minima are convex programs: exact where they are those without it, or intervals.

    Losses are in the user's units. What a dual vector says of one neuron is the most that nu.f can
    be for it in the whole ball; the power of the gauge says how these add up.
    """

    scale = 1
    exact = False
    unit: int
    """What images are divided by, to be in the user's units."""
    _simple = Fraction(1)
    """A unit in which coefficients may be simple fractions, whatever factors the data have."""
    _plain: Metric | None = None
    """The metric where there is no better one, if there has to be one."""

    def __init__(self, problem: Problem, arrangement: Arrangement, within: Ball) -> None:
        super().__init__(problem, arrangement, within)
        self._ball, self._whole = within, within.gauge
        self.gauge = within.gauge.rest
        """Of the weights that count."""
        self._faces = Faces(problem, self.gauge)
        self._memo: dict[tuple[Group, ...], Bracket] = {}

    @abstractmethod
    def most_squared(self, dual: Any, group: Group) -> Fraction:
        """The square of the most that nu.f of one neuron with these columns can be, in units."""

    @abstractmethod
    def bounded(self, dual: Any, group: Group) -> bool:
        """Whether there is such a bound."""

    def _unbounded(self, column: int) -> bool:
        """Whether it is of a direction of no length."""
        return False

    @abstractmethod
    def _dual(self, vector: tuple[int, ...], scale: Fraction, metric: Metric | None) -> Any: ...

    @abstractmethod
    def _layout(self, groups: tuple[Group, ...]) -> _Layout:
        """A face in floating point."""

    @property
    @abstractmethod
    def _count(self) -> int:
        """The number of columns."""

    @abstractmethod
    def _image(self, column: int) -> Sequence[int]: ...

    @abstractmethod
    def _size(self, neurons: int, parts: Sequence[Part]) -> Fraction:
        """An upper bound of the radius that a point needs."""

    def _holds(self, neurons: int, parts: Sequence[Part]) -> bool:
        """Whether it is proved that a point is in the ball."""
        return self._size(neurons, parts) <= self._ball.rho

    def solved(self) -> int:
        """The number of different programs solved so far."""
        return len(self._memo)

    def minimum(self, groups: Sequence[Group]) -> Bracket:
        """Exact where the ball attains the least loss without it, else an interval; the order of
        neurons does not matter."""
        key = self.used(groups)
        if key not in self._memo:
            self._memo[key] = self._bracket(key) if self.free is None else self._decided(key)
        return self._memo[key]

    def used(self, groups: Sequence[Group]) -> tuple[Group, ...]:
        """The groups of the neurons that are needed for a minimum, sorted."""
        return tuple(groups[j] for j in self._needed(groups))

    def _needed(self, groups: Sequence[Group]) -> list[int]:
        """Neurons that are not zero; of those of one cone one, where they divide all there is."""
        order = sorted((j for j, group in enumerate(groups) if group), key=lambda j: groups[j])
        if not self.gauge.summed:
            return order
        return [j for i, j in enumerate(order) if not i or groups[order[i - 1]] != groups[j]]

    def shares(self, minimum: Minimum, groups: Sequence[Group]) -> list[tuple[int, int, Fraction]]:
        """Neurons that are not needed are zero."""
        needed = self._needed(groups)
        return [
            (needed[place], column, coefficient)
            for (place, column), coefficient in minimum.coefficients()
        ]

    @cached_property
    def free(self) -> FreeMinima | None:
        """The least losses without the ball; None where they are not known exactly."""
        if not self.problem.is_plain:
            return None
        images = [self._image(c) for c in range(self._count)]
        return FreeMinima(self.problem.y, images, self.unit)

    def _decided(self, groups: tuple[Group, ...]) -> Bracket:
        """The least loss without the ball, where it is attained in it; an interval above it, where
        it is not. Where neither is proved, ball and fit touch, or nearly."""
        assert self.free is not None
        free = self.free.minimum(groups)
        if self._holds(len(groups), free.parts):
            return self._attained(free, free.parts)
        found = self._bracket(groups)
        if found.least > free.value:
            return found
        face = self._layout(groups)
        near = self._nearest(face, len(groups), free.fit)
        if near is not None:
            for parts in self._on_the_fit(face, near.z, free.fit):
                if self._holds(len(groups), parts):
                    return self._attained(free, parts)
            at = face.images @ near.z
            metric = self._metric(groups, near.metric, near.nu, at, near.radius)
            above = self._above(groups, free, near.nu, metric, found)
            if above.least > free.value:
                return above
        return replace(
            found,
            residual=free.residual,
            scale=self._multiple(free.residual),
            metric=self._plain,
            least=free.value,
            open_at=free.value,
        )

    def least_radius(self, groups: Sequence[Group]) -> float:
        """An estimate of the least radius, relative to the ball's, that holds an exact fit of
        neurons with these columns; infinity where no radius does, or the solver fails."""
        assert self.free is not None
        free = self.free.minimum(groups)
        if free.value:
            return math.inf
        if not any(free.fit):
            return 0.0
        near = self._nearest(self._layout(tuple(groups)), len(groups), free.fit)
        return math.inf if near is None else near.radius

    def _nearest(self, face: _Layout, neurons: int, fit: Sequence[Fraction]) -> Nearest | None:
        """The network of this fit and least gauge, in floating point."""
        floats = np.array([_float(v / self._faces.unit) for v in fit])
        return least_radius(self.gauge, neurons, face.rays, face.images, floats)

    def _on_the_fit(
        self, face: _Layout, z: Float[np.ndarray, " k"], fit: Sequence[Fraction]
    ) -> Iterator[list[Part]]:
        """Points of the face with this fit, exactly."""
        values = self._netted(face, face.at(z))
        near = [(value, face.one(slot)) for value, slot in zip(values, face.slots, strict=True)]
        images = [self._image(c) for _, c in face.places]
        for found in on_the_fit(images, [v * self.unit for v in fit], near, self._simple):
            pairs = zip(face.places, found, strict=True)
            yield [(*place, coefficient) for place, coefficient in pairs if coefficient]

    def _above(
        self,
        groups: tuple[Group, ...],
        free: Free,
        nu: Float[np.ndarray, " n"],
        metric: Metric | None,
        found: Bracket,
    ) -> Bracket:
        """The interval with a lower end above the free minimum, where nu excludes its fit.

        With r = y - f let H(c) be the most that c.f' is for fits f' on the face in the ball. For
        c = r + e nu the loss is at least (c.y - H(c))^2 / (2 ||c||^2), which grows from ||r||^2 / 2
        with e > 0 where nu.f > H(nu): see proofs_notes/landscape.md.
        """

        (vector, scale, least), metric = self._best(groups, [nu], metric)
        if free.value and scale:
            excluding = [Fraction(v) for v in vector]
            height = self._height(self._dual(vector, scale, metric), groups)
            spare = Fraction() if height is None else dot(excluding, free.fit) - height
            if spare > 0:
                step = spare / (squared(excluding) * self._multiple(free.residual))
                e = simplest_between(step / 2, step)
                pairs = zip(free.residual, vector, strict=True)
                whole = [e.denominator * r + e.numerator * v for r, v in pairs]
                vector = primitive(whole)
                factor = e.numerator * _top(excluding) / _top(whole)
                metric = self._times(metric, factor)
                scale = self._multiple(vector)
                least = self.lower_bound(self._dual(vector, scale, metric), groups)
        least = min(_rounded(least, 0.0), found.value)
        return replace(found, residual=vector, scale=scale, metric=metric, least=least)

    def _metric(
        self,
        groups: tuple[Group, ...],
        Z: Float[np.ndarray, "d d"] | None,
        nu: Float[np.ndarray, " n"],
        fit: Float[np.ndarray, " n"],
        radius: float,
    ) -> Metric | None:
        """From that of a program with multipliers nu of the fit at its solution, which has that
        radius."""
        return self._plain if Z is None else Metric.near(Z)

    def _times(self, metric: Metric | None, factor: Fraction) -> Metric | None:
        """The one for a dual vector that says so many times as much, relative to its largest
        entry."""
        return metric

    def _multiple(self, vector: Sequence[int]) -> Fraction:
        """The best for a bound: for the residual y - f it is that itself."""
        return self.loss.multiple([Fraction(v) for v in vector], self.problem.y)

    def _netted(self, face: _Layout, values: list[Fraction]) -> list[Fraction]:
        """The same network, without what cancels."""
        return values

    def _attained(self, free: Free, parts: Sequence[Part]) -> Bracket:
        """The exact minimum, at a point; the residual proves it, as nu.f <= 0 without the ball."""
        common = math.lcm(*(coefficient.denominator for _, _, coefficient in parts))
        return Bracket(
            free.value,
            tuple((place, c) for place, c, _ in parts),
            tuple(int(coefficient * common) for _, _, coefficient in parts),
            common,
            free.residual,
            self._multiple(free.residual),
            free.value,
            self._plain,
        )

    def dual(self, minimum: Minimum) -> Any:
        """The dual vector that the lower end is due to."""
        assert isinstance(minimum, Bracket)
        return self._dual(minimum.residual, minimum.scale, minimum.metric)

    def proof(self, dual: Any, level: Fraction, *, strict: bool) -> Proof:
        """Weights are parts of what the bound has to spare above the level, squared; rounded up."""
        height = self._spare(dual, level, strict=strict)
        return Proof(dual, -1) if height is None else Proof(dual, PARTS, height**2)

    def _spare(self, dual: Any, level: Fraction, *, strict: bool) -> Fraction | None:
        """What nu.f may be at most, in units of the columns; None where that proves nothing.

        A dual vector spares nothing at a level that it proves exactly, where all weights are zero.
        """
        height = self._faces.height(dual.vector, dual.scale, level * _USED**2) * self.unit
        if height < 0 <= self._faces.height(dual.vector, dual.scale, level):
            height = Fraction()
        return None if height < 0 or (strict and height == 0) else height / _USED

    def weight(self, proof: Proof, group: Group) -> int:
        """The share of a neuron; where only the largest counts, all or nothing."""
        if not self.bounded(proof.dual, group):
            return max(proof.limit, 0) + 1
        square = self.most_squared(proof.dual, group)
        if not square or (self.gauge.summed and square <= proof.height):
            return 0
        if self.gauge.summed or not proof.height:
            return proof.limit + 1
        share = square / proof.height  # squares add up where one layer is shared, else their roots
        return math.ceil((share if self.gauge.power == 2 else sqrt_above(share)) * PARTS)

    def lower_bound(self, dual: Any, groups: Sequence[Group]) -> Fraction:
        """What the dual vector proves about the loss of neurons with these columns."""
        height = self._height(dual, groups)
        if height is None:
            return Fraction()
        return self._faces.bound(dual.vector, dual.scale, height) / CLAIMED**2

    def _height(self, dual: Any, groups: Sequence[Group]) -> Fraction | None:
        """What nu.f is at most for neurons with these columns; a little more. None: no bound."""
        if not all(self.bounded(dual, group) for group in groups):
            return None
        squares = [self.most_squared(dual, group) for group in groups]
        if not any(squares):
            return Fraction()
        costs = [self.gauge.cost_of(square) for square in squares]
        return self.gauge.dual(costs) * CLAIMED / self.unit

    def norm(self, u: Sequence[Sequence[Fraction]]) -> Fraction:
        """The gauge, from above."""
        return self._whole.witness([1] * len(u), tuple(map(tuple, u)))[1] if _any(u) else Fraction()

    def network(self, neurons: Sequence[tuple[int, Sequence[Fraction]]]) -> Network:
        """A network of nearly least ||W|| ||a|| with these convex coordinates."""
        u = tuple(tuple(column) for _, column in neurons)
        if _any(u):
            network = self._whole.witness([sign for sign, _ in neurons], u)[0]
        else:
            network = Network.from_convex(neurons)
        return completed(self.problem, network)

    def _bracket(self, groups: tuple[Group, ...]) -> Bracket:
        """The interval that the program finds."""
        face = self._layout(groups)
        found = self._faces.solve(len(groups), face.size, face.rays, face.images)
        if found is None:
            return self._faces.nothing(self._plain)
        z, lams, Z = found
        metric = self._metric(groups, Z, lams[0], face.images @ z, 1.0)
        return self._proved(groups, face.rationals(z), lams, metric)

    def _proved(
        self,
        groups: tuple[Group, ...],
        parts: Sequence[Part],
        lams: Sequence[Float[np.ndarray, " n"]],
        metric: Metric | None,
    ) -> Bracket:
        """Both ends, exactly, of a point near the optimum and of dual vectors."""
        parts = self._inside(len(groups), parts)

        added = self._added(len(groups), parts)
        best, metric = self._best(groups, lams, metric)
        return self._faces.bracket(parts, self._fit(parts), best, metric, added)

    def _best(
        self,
        groups: tuple[Group, ...],
        lams: Sequence[Float[np.ndarray, " n"]],
        metric: Metric | None,
    ) -> tuple[Proved, Metric | None]:
        """The dual vector of the best bound, with its metric."""
        metrics: dict[tuple[int, ...], Metric | None] = {}

        def bound(nu: tuple[int, ...], scale: Fraction) -> Fraction:
            least = self.lower_bound(self._dual(nu, scale, metric), groups)
            proved, metrics[nu] = self._improved(groups, (nu, scale, least), metric)
            return proved[2]

        best = self._faces.best(lams, bound, self._barred(groups))
        return best, metrics.get(best[0], metric)

    def _improved(
        self, groups: tuple[Group, ...], best: Proved, metric: Metric | None
    ) -> tuple[Proved, Metric | None]:
        """The same dual vector, perhaps with a metric that makes more of it."""
        return best, metric

    def _fit(self, parts: Sequence[Part]) -> list[Fraction]:
        fit = [Fraction()] * self.problem.n
        for _, c, coefficient in parts:
            share = coefficient / self.unit
            for k, v in enumerate(self._image(c)):
                if v:
                    fit[k] += share * v
        return fit

    def _barred(self, groups: Sequence[Group]) -> list[Sequence[int]]:
        """The images of directions along which neurons have no bound."""
        columns = {c for group in groups for c in group if self._unbounded(c)}
        return [self._image(c) for c in sorted(columns)]

    def _inside(self, neurons: int, parts: Sequence[Part]) -> Sequence[Part]:
        """The point, if need be shrunk into the ball: a little more, so that points between two of
        these are seen to be inside as well."""
        size = self._size(neurons, parts) * (1 + _INSIDE)
        shrink = min(Fraction(1), self._ball.rho / size) if size else Fraction(1)
        return [(place, c, shrink * coefficient) for place, c, coefficient in parts]

    def _added(self, neurons: int, parts: Sequence[Part]) -> Fraction:
        """What is added to the loss of a point."""
        return Fraction()


class ConicBall(ConvexBall):
    """Networks in a ball that bounds the l2 norms of neurons, or the spectral norm of all.

    Columns belong to rays, signed; where X is rank-deficient, the directions of its null space,
    both ways, are among the rays of every cone.
    """

    _weight = 1.0  # of lengths, where they are a penalty

    def __init__(self, problem: Problem, arrangement: Arrangement, within: Ball) -> None:
        super().__init__(problem, arrangement, within)
        units = Units.of(problem)
        self._simple = units.y / units.x
        self._reach = units.reach(within.rho) * self._simple
        X, x_scale, _, _ = problem.integer_form()
        sigma, steps = problem.activation.whole
        self.unit = steps * x_scale
        rays = [tuple(map(int, ray)) for ray in arrangement.rays]
        null = _null_space(X)
        self._null = range(len(rays), len(rays) + 2 * len(null))
        rays += [tuple(sign * v for v in vector) for vector in null for sign in (1, -1)]
        self._counted = problem.d - self._whole.free
        self._biases = range(len(rays), len(rays) + 2 * self._whole.free)
        if self._whole.free:
            rays += [tuple(map(int, ray)) for ray in bias_directions(problem.d)]
        self._rays = rays
        images = [[sigma.value(dot(row, ray)) for row in X] for ray in rays]
        self._columns = [
            Column(ray[: self._counted], tuple(sign * v for v in image))
            for ray, image in zip(rays, images, strict=True)
            for sign in (1, -1)
        ]
        size = self._whole.metric_size(problem.d)
        self._plain = self.gauge.metric_near(np.eye(size)) if self.gauge.hidden.joint else None

    def cone(self, cone: int) -> Sequence[int]:
        """The extreme rays of a cone, with the null space, and with the bias direction in it."""
        rays = [*map(int, self.arrangement.cone_rays(cone)), *self._null]
        for generator, sign in zip(self._biases, (1, -1), strict=False):
            if (self.arrangement.signs[cone] == sign).all():
                rays.append(generator)
        return rays

    def facet(self, cone: int, wall: int) -> Sequence[int]:
        """The extreme rays of a facet, with the null space."""
        return [*map(int, self.arrangement.facet_rays(cone, wall)), *self._null]

    def column(self, generator: int) -> int:
        """Each ray has a column of its own: its length counts. Only bias directions may do without,
        where they add nothing."""
        if generator in self._biases and not any(self._columns[state_of(generator, 1)].image):
            return -1
        return generator

    def vector(self, generator: int) -> Sequence[Fraction]:
        """The ray itself."""
        return [Fraction(v) for v in self._rays[generator]]

    def most_squared(self, dual: ConicDual, group: Group) -> Fraction:
        """Of the dual vector's own memory."""
        return dual.most_squared(group)

    def bounded(self, dual: Any, group: Group) -> bool:
        """Neurons are longer and longer along all directions but those of free biases."""
        return not self._biases or dual.bounded(group)

    def _unbounded(self, column: int) -> bool:
        return cone_of(column) in self._biases

    def _dual(self, vector: tuple[int, ...], scale: Fraction, metric: Metric | None) -> ConicDual:
        return ConicDual(vector, scale, metric, self._columns, self._ball.rho)

    def _image(self, column: int) -> Sequence[int]:
        return self._columns[column].image

    def _netted(self, face: _Layout, values: list[Fraction]) -> list[Fraction]:
        """Of opposite directions of the null space programs use both."""
        values = list(values)
        index = {(j, cone_of(c)): i for i, (j, c) in enumerate(face.places)}
        for (j, generator), i in index.items():
            if generator in self._null[::2]:
                other = index[j, generator + 1]
                both = min(values[i], values[other])
                values[i], values[other] = values[i] - both, values[other] - both
        return values

    def _points(self, neurons: int, parts: Sequence[Part]) -> list[list[Fraction]]:
        """u, neuron by neuron."""
        u = [[Fraction()] * self.problem.d for _ in range(neurons)]
        for place, c, coefficient in parts:
            for k, v in enumerate(self._rays[cone_of(c)]):
                if v:
                    u[place][k] += coefficient * v
        return u

    def _size(self, neurons: int, parts: Sequence[Part]) -> Fraction:
        return self.norm(self._points(neurons, parts))

    def _holds(self, neurons: int, parts: Sequence[Part]) -> bool:
        """By the triangle inequality, where that says so: gauges are lengths of single neurons."""
        if self._lengths(neurons, parts) * _ROOM <= self._ball.rho:
            return True
        return super()._holds(neurons, parts)

    def _lengths(self, neurons: int, parts: Sequence[Part]) -> Fraction:
        """Those of all neurons together, rounded up."""
        points = self._points(neurons, parts)
        return sum((sqrt_above(squared(u)) for u in points), Fraction())

    @property
    def _count(self) -> int:
        return len(self._columns)

    def _layout(self, groups: tuple[Group, ...]) -> _Layout:
        places, slots, size = _places(groups)
        n, m = self.problem.n, len(groups)
        rays, images = np.zeros((self._counted, m * size)), np.zeros((n, m * size))
        lengths = np.ones(m * size)
        # In units in which rays and images are floats, whatever the numbers are.
        top = max((abs(v) for _, c in places for v in self._columns[c].ray), default=1)
        unit = self._reach / (self.unit * self._faces.unit * top)
        for i, (_, c) in zip(slots, places, strict=True):
            rays[:, i] = [v / top for v in self._columns[c].ray]
            lengths[i] = float(np.linalg.norm(rays[:, i])) or 1.0
            images[:, i] = [_float(unit * v) for v in self._columns[c].image]
        scale = power_of_two(self._reach / top)
        units = float(self._reach / top / scale) / lengths
        rays, images = self._weight * rays / lengths, images / lengths
        return _Layout(places, slots, size, rays, images, units, scale)


class ConvexBox(ConvexBall, EntrywiseBall):
    """Networks in a ball that bounds the largest entry of neurons, by vertices as those of adamw.

    For the l2 norm on `a`, and for losses other than the squared one.
    """

    def __init__(self, problem: Problem, arrangement: Arrangement, within: Ball) -> None:
        super().__init__(problem, arrangement, within)
        self.unit, self.scale = self.least_squares.form.unit, 1

    def _form(self, unit: int) -> Form:
        """Of the targets, in integers; nothing is solved with it."""
        unit = math.lcm(unit, *(v.denominator for v in self.problem.y))
        return Form.squares([int(v * unit) for v in self.problem.y], unit)

    def most_squared(self, dual: Dual, group: Group) -> Fraction:
        """The largest product with a vertex."""
        return Fraction(max((dual.products.get(c, 0) for c in group), default=0) ** 2)

    def bounded(self, dual: Dual, group: Group) -> bool:
        """As products with bias directions say."""
        return not self.unbounded(dual, group)

    def _unbounded(self, column: int) -> bool:
        return column in self.uncapped

    def _dual(self, vector: tuple[int, ...], scale: Fraction, metric: Metric | None) -> Dual:
        return self.priced(vector, scale)

    def _image(self, column: int) -> Sequence[int]:
        return [sign_of(column) * v for v in self.positive_columns[cone_of(column)]]

    def _size(self, neurons: int, parts: Sequence[Part]) -> Fraction:
        """From the shares of vertices: columns may belong to several of these."""
        totals = [Fraction()] * neurons
        for place, c, coefficient in parts:
            totals[place] += 0 if c in self.uncapped else coefficient
        largest = max(totals, default=Fraction())
        if self.gauge.power == 2:
            largest = sqrt_above(squared(totals))
        return self.within.rho * largest

    @property
    def _count(self) -> int:
        return self.column_count

    def _layout(self, groups: tuple[Group, ...]) -> _Layout:
        places, slots, size = _places(groups)
        images = np.zeros((self.problem.n, len(groups) * size))
        counted = np.ones((1, images.shape[1])) if self.uncapped else None
        unit = 1 / (self.unit * self._faces.unit)
        for i, (_, c) in zip(slots, places, strict=True):
            images[:, i] = [_float(unit * v) for v in self._image(c)]
            if counted is not None and c in self.uncapped:
                counted[0, i] = 0
        return _Layout(places, slots, size, counted, images, np.ones(images.shape[1]), Fraction(1))


class Faces:
    """Programs on faces, in floats and units of the targets; what they prove, exactly.

    gauge: of the ball; None where there is none. penalised: whether lengths of neurons are added.
    """

    def __init__(self, problem: Problem, gauge: Gauge | None, *, penalised: bool = False) -> None:
        self.problem = problem
        self.loss = loss = problem.loss
        self.unit = loss.unit(problem.y)
        self._gauge, self._penalised = gauge, penalised
        self._extras = tuple(free_extras(problem))
        self._unseen = tuple(both_ways(problem.unseen))
        directions = [extra.column for extra in self._extras[::2]]
        columns = [[v / max(map(abs, each)) for v in each] for each in directions]
        self._free = np.array(columns, dtype=float).reshape(len(columns), problem.n).T
        self._slope = loss.factor(self.unit) / self.unit
        self._rescaled = loss.rescaled(self.unit)
        self._y = np.array([float(v / self.unit) for v in problem.y])
        self._zero = problem.zero

    def nothing(self, metric: Metric | None) -> Bracket:
        """What is known where no program was solved: the loss of the zero network."""
        return Bracket(self._zero, (), (), 1, (0,) * len(self._y), Fraction(1), Fraction(), metric)

    def solve(
        self,
        m: int,
        size: int,
        rays: Float[np.ndarray, "d k"] | None,
        images: Float[np.ndarray, "n k"],
    ) -> tuple[Float[np.ndarray, " k"], list[Float[np.ndarray, " n"]], Any] | None:
        """Coefficients, dual vectors, and Z if there is one; None where the solver fails."""
        if not self._zero or not np.isfinite(images).all():
            return None
        z, fit, multipliers, Z = np.zeros(m * size), np.zeros(len(self._y)), None, None
        if size or self._extras:
            d = 0 if rays is None else len(rays)
            shape = (m, size, len(self._y), d, self._free.shape[1])
            compiled = _compiled(self._gauge, self._rescaled, self._penalised, *shape)
            found = compiled.solve(rays, images, self._y, self._free)
            if found is None:
                return None
            z, fit, multipliers, Z = found
        lam = -self._rescaled.gradient(fit, self._y)
        if multipliers is None:
            return z, [lam], Z
        if not self.loss.smooth:
            return z, [multipliers, lam], Z
        # The multipliers of the fit can be the more accurate; those of a wrong sign prove nothing.
        return z, [lam, np.where(multipliers * lam > 0, multipliers, lam)], Z

    def best(
        self,
        lams: Sequence[Float[np.ndarray, " n"]],
        bound: Callable[[tuple[int, ...], Fraction], Fraction],
        barred: Sequence[Sequence[int]] = (),
    ) -> Proved:
        """The dual vector, in units of the targets, of the best bound: integers, scale, bound.

        barred: columns (n,) with which it must have no positive product.
        """
        found = []
        for lam in lams:
            top = float(np.abs(lam).max()) or 1.0
            nu = tuple(round(float(v) / top * 2**BITS) for v in lam)
            scale = Fraction(top) / 2**BITS * self._slope
            if barred or not self.problem.is_plain:
                nu, scale = self._allowed([scale * v for v in nu], barred)
            # Not too long for D.
            scale *= self.loss.multiple([scale * v for v in nu], self.problem.y)
            found.append((nu, scale, bound(nu, scale) if any(nu) else Fraction()))
        return max(found, key=lambda each: each[2])

    def _allowed(
        self, lam: Sequence[Fraction], barred: Sequence[Sequence[int]]
    ) -> tuple[tuple[int, ...], Fraction]:
        """The nearest dual vector that proves something: with a finite D, and no product with what
        is `unseen`. It is what least squares leave of one that is near."""
        ends = self.loss.ends(self.problem.y)
        fine = math.lcm(*(v.denominator for pair in ends for v in pair if v is not None))
        fine <<= max(0, BITS - math.frexp(float(max(map(abs, lam))))[1])
        target = [round(v * fine) for v in lam]
        form = replace(Form.squares(target), extras=(*boxed(ends, fine), *self._unseen))
        table = np.array(barred, dtype=object).reshape(-1, len(lam))
        found = LeastSquares(table, form).minimum(tuple(range(len(table))))
        divisor = math.gcd(*found.residual) or 1
        return primitive(found.residual), found.scale * divisor / fine

    def bound(self, nu: Sequence[int], scale: Fraction, height: Fraction) -> Fraction:
        """What nu.f <= height proves about the loss."""
        return self.loss.bound([scale * v for v in nu], scale * height, self.problem.y)

    def height(self, nu: Sequence[int], scale: Fraction, level: Fraction) -> Fraction:
        """What nu.f may be at most for a loss of at least the level to be proved."""
        height = self.loss.height([scale * v for v in nu], level, self.problem.y)
        return Fraction(-1) if height is None or not scale else height / scale

    def bracket(
        self,
        parts: Sequence[Part],
        fit: Sequence[Fraction],
        dual: Proved,
        metric: Metric | None,
        added: Fraction,
    ) -> Bracket:
        """The interval, its point with integer numerators; dual: as of `best`.

        added: to the loss of the point.
        """
        nu, scale, least = dual
        value = self.problem.loss_of(free_fit(self.problem, fit)) + added
        common = math.lcm(*(coefficient.denominator for _, _, coefficient in parts))
        return Bracket(
            _rounded(value, math.inf),
            tuple((place, c) for place, c, _ in parts),
            tuple(int(coefficient * common) for _, _, coefficient in parts),
            common,
            nu,
            scale,
            min(_rounded(least, 0.0), value),
            metric,
        )


def _float(value: Fraction) -> float:
    """The nearest float, which may be infinity."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _rounded(value: Fraction, towards: float) -> Fraction:
    """A rational of few digits, up or down."""
    if not value:
        return value
    unit = power_of_two(value)
    return Fraction(math.nextafter(float(value / unit), towards)) * unit


class _Compiled:
    """The program for all faces of one shape: CVXPY canonicalises it once."""

    def __init__(
        self,
        gauge: Gauge | None,
        loss: Loss,
        penalised: bool,
        m: int,
        size: int,
        n: int,
        d: int,
        free: int,
    ) -> None:
        import cvxpy

        cp: Any = cvxpy  # mypy does not see the functions it exports
        self._z = cp.Variable(m * size, nonneg=True)
        self._rays = cp.Parameter((d, m * size)) if d else None
        self._images = cp.Parameter((n, m * size))
        self._y = cp.Parameter(n)
        self._size = Size([])
        blocks = [slice(j * size, (j + 1) * size) for j in range(m)]
        added: Any = 0
        ball: list[Any] = []
        if not size or (gauge is None and not penalised):
            pass
        elif self._rays is None:  # vertices
            assert gauge is not None
            sizes = cp.hstack([cp.sum(self._z[block]) for block in blocks])
            ball = [cp.norm(sizes, gauge.power) <= 1 if gauge.power == 2 else sizes <= 1]
        else:
            U = cp.vstack([self._rays[:, block] @ self._z[block] for block in blocks]).T
            if gauge is None:
                added = cp.sum(cp.norm(U, axis=0))
            else:
                self._size = gauge.hidden.ball(U, 1.0, gauge.power)
                ball = self._size.constraints
        fit: Any = self._images @ self._z if size else cp.Constant(np.zeros(n))
        self._directions = None
        if free:
            self._directions = cp.Parameter((n, free))
            fit = fit + self._directions @ cp.Variable(free)
        self._slope = loss.slope
        self._on_fit = None
        self._fit = fit
        if loss != SQUARED or free:
            # Two parameters must not be multiplied, as labels and images would be.
            variable = cp.Variable(n)
            self._on_fit = variable == fit
            ball.append(self._on_fit)
            self._fit = fit = variable
        objective = (loss.expression(fit, self._y) + added) / loss.slope
        self._program = ConeProgram(cp.Problem(cp.Minimize(objective), ball))

    def solve(
        self,
        rays: Float[np.ndarray, "d k"] | None,
        images: Float[np.ndarray, "n k"],
        y: Float[np.ndarray, " n"],
        directions: Float[np.ndarray, "n free"],
    ) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " n"], Any, Any] | None:
        """Coefficients, the fit, its multipliers and Z where there are; None where it fails.

        Each neuron has as many variables as the longest group; those too many have zero columns.
        """
        if self._rays is not None and rays is not None:
            self._rays.save_value(rays)
        self._images.save_value(images)
        if self._directions is not None:
            self._directions.save_value(directions)
        self._y.save_value(y)
        if not self._program.solve():
            return None
        lam = None if self._on_fit is None else self._on_fit.dual_value
        z = np.maximum(self._z.value, 0.0) if self._z.size else np.zeros(0)
        Z = None if rays is None else self._size.metric(len(rays))
        Z = None if Z is None else Z * self._slope
        fit = images @ z if self._on_fit is None else np.asarray(self._fit.value)
        return z, fit, None if lam is None else lam * self._slope, Z


@lru_cache(maxsize=64)
def _compiled(
    gauge: Gauge | None, loss: Loss, penalised: bool, m: int, size: int, n: int, d: int, free: int
) -> _Compiled:
    return _Compiled(gauge, loss, penalised, m, size, n, d, free)


def _top(vector: Sequence[int] | Sequence[Fraction]) -> Fraction:
    return max(abs(Fraction(v)) for v in vector)


def _any(u: Sequence[Sequence[Fraction]]) -> bool:
    return any(map(any, u))


def _null_space(X: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """A basis of {u : X u = 0} in integers."""
    basis, rank = fmpz_mat([list(row) for row in X]).nullspace()
    vectors = ([int(basis[i, k]) for i in range(len(X[0]))] for k in range(int(rank)))
    return [primitive(vector) for vector in vectors]
