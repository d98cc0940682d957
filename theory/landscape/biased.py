"""The landscape in balls that neurons share, of Muon and NGD, with hidden biases as AdamW leaves
them: no |b_j| above R_W.

The set of u_j = (v_j, b_j) is still convex, but lengths of neurons do not add up in it. A dual
vector nu comes with a positive definite Z and a level k > 0. With |a| free for the neurons to
share, let y_j >= 0 be the least number with max(0, nu.f(u))^2 <= k (v^T Z v + y_j b^2) on the cone
of neuron j; where each has its own, let h_j be the maximum of nu.f(u) - v^T Z v / (2 k) over the
part of the cone with |b| <= rho. Both are found exactly, and nu.f <= H on the face, where

    H = rho (k (tr Z + sum_j y_j))^1/2         muon, ngd
    H = rho^2 tr Z / (2 k) + sum_j h_j         muon-adamw, ngd-adamw

Where W has the Frobenius norm Z is a multiple of the identity, and tr Z stands for that number.
The level 0 stands for H = 0, where nu.f <= 0 on all cones. Source: `bias-duals`,
proofs_notes/biases.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from flint import fmpq_mat

from theory.exact import dot, flint_matrix, from_flint, simplest_between, sqrt_above, to_flint
from theory.gauges import Metric
from theory.landscape.conic import CLAIMED, PARTS, Column, ConicBall, Proved
from theory.landscape.domain import Group, Proof

if TYPE_CHECKING:
    from jaxtyping import Float

_Curvature: TypeAlias = Callable[[int, int], Fraction]

_NEAR = Fraction(1, 10**10)
"""So near to what floats find is the level, relatively."""


class BiasDual:
    """A dual vector nu with a metric, and what it says of the groups asked for so far.

    vector: nu in parts of `scale`. own: whether each neuron has its own |a|.
    """

    def __init__(
        self,
        vector: tuple[int, ...],
        scale: Fraction,
        metric: Metric,
        columns: Sequence[Column],
        rho: Fraction,
        own: bool,
    ) -> None:
        self.vector = vector
        self.scale = scale
        self.metric = metric
        self.columns = columns
        self.rho = rho
        self.own = own
        top = max(map(abs, vector))
        self.level = metric.level / top if own and top else metric.level * top**2
        """k, for the vector as it is."""
        self.share = lru_cache(maxsize=None)(self._share)

    def __reduce__(self) -> tuple[type[BiasDual], tuple[Any, ...]]:
        parts = (self.vector, self.scale, self.metric, self.columns, self.rho, self.own)
        return type(self), parts

    def stated(self, unit: int, scale: Fraction) -> Fraction:
        """k for the dual vector in parts of a scale, and f as it is: images are f times `unit`."""
        return self.level * unit / scale if self.own else self.level * (scale / unit) ** 2

    def common(self, height: Fraction) -> Fraction:
        """What sum_j y_j or sum_j h_j may be at most for nu.f <= height; negative: it never is."""
        if not self.level:
            return Fraction()
        if self.own:
            return height - self.rho**2 * self.metric.trace / (2 * self.level)
        return height**2 / (self.rho**2 * self.level) - self.metric.trace

    def height(self, shares: Sequence[Fraction]) -> Fraction:
        """H, rounded up."""
        if not self.level:
            return Fraction()
        total = sum(shares, Fraction())
        if self.own:
            return self.rho**2 * self.metric.trace / (2 * self.level) + total
        return self.rho * sqrt_above(self.level * (self.metric.trace + total))

    def _share(self, group: Group) -> Fraction | None:
        """y_j or h_j of a neuron with these columns; None where it is infinite."""
        cone = self._cone(group)
        if max(cone.gains, default=0) <= 0:
            return Fraction()
        if not self.level:
            return None
        return cone.most(self.level, self.rho) if self.own else cone.excess(self.level)

    def steepest(self, group: Group, side: Fraction | None = None) -> Fraction:
        """The maximum of max(0, nu.f)^2 / v^T Z v on a cone, where there is one; side: 0 where the
        bias is 0."""
        return self._cone(group).steepest(side)

    def _cone(self, group: Group) -> _Cone:
        rays = [self.columns[c].ray for c in group]
        gains = [dot(self.columns[c].image, self.vector) for c in group]
        return _Cone(rays, gains, self.metric)


class _Cone:
    """A cone of u = (v, b) by its rays, and the linear function nu.f on it.

    Maxima are attained on a support of rays on which the equations of stationarity have one
    solution: on a larger one there is a direction in which nothing changes.
    """

    def __init__(
        self, rays: Sequence[tuple[int, ...]], gains: Sequence[int], metric: Metric
    ) -> None:
        short = [ray[:-1] for ray in rays]
        scaled = [tuple(dot(row, ray) for row in metric.Z) for ray in short]
        self._gram = [[dot(ray, other) for other in scaled] for ray in short]
        self._biases = [ray[-1] for ray in rays]
        self.gains = list(gains)
        self._d = len(rays[0]) if rays else 0

    def _points(
        self, curvature: _Curvature, slope: Fraction, sides: Sequence[Fraction | None]
    ) -> Iterator[tuple[Fraction, Fraction, Fraction]]:
        """nu.f, v^T Z v and b of the points where 2 slope nu.f - z^T curvature z is stationary on
        some support, for all b (None) or for b on a side."""
        indices = range(len(self.gains))
        for size in range(1, min(self._d, len(indices)) + 1):
            for support in combinations(indices, size):
                rows = [[curvature(i, k) for k in support] for i in support]
                biases = [self._biases[i] for i in support]
                for side in sides:
                    z = _solved(rows, [slope * self.gains[i] for i in support], biases, side)
                    if z is not None:
                        yield self._at(support, z)

    def _at(
        self, support: Sequence[int], z: Sequence[Fraction]
    ) -> tuple[Fraction, Fraction, Fraction]:
        pairs = list(zip(support, z, strict=True))
        products = (p * q * self._gram[i][k] for i, p in pairs for k, q in pairs)
        gain = sum((p * self.gains[i] for i, p in pairs), Fraction())
        return (
            gain,
            sum(products, Fraction()),
            sum((p * self._biases[i] for i, p in pairs), Fraction()),
        )

    def _length(self, i: int, k: int) -> Fraction:
        return Fraction(self._gram[i][k])

    def steepest(self, side: Fraction | None) -> Fraction:
        """The maximum of max(0, nu.f)^2 / v^T Z v where nu.f is not positive on (0, b).

        side: 0 for that over b = 0.
        """
        return max(
            (gain for gain, *_ in self._points(self._length, Fraction(1), [side])),
            default=Fraction(),
        )

    def excess(self, level: Fraction) -> Fraction | None:
        """The least y >= 0 with max(0, nu.f)^2 <= level (v^T Z v + y b^2); None: there is none.

        Where b = 0 no y helps. Elsewhere y is the maximum of max(0, nu.f)^2 / level - v^T Z v over
        b = 1 and b = -1.
        """
        if self.steepest(Fraction()) >= level:
            return None

        def curvature(i: int, k: int) -> Fraction:
            return self._gram[i][k] - self.gains[i] * self.gains[k] / level

        points = self._points(curvature, Fraction(), [Fraction(1), Fraction(-1)])
        excesses = (gain**2 / level - square for gain, square, _ in points if gain > 0)
        return max((Fraction(), *excesses))

    def most(self, level: Fraction, rho: Fraction) -> Fraction:
        """The maximum of nu.f - v^T Z v / (2 level) over |b| <= rho."""
        points = self._points(self._length, level, [None, rho, -rho])
        return max(
            (gain - square / (2 * level) for gain, square, bias in points if abs(bias) <= rho),
            default=Fraction(),
        )


def _solved(
    rows: list[list[Fraction]], right: list[Fraction], biases: list[int], side: Fraction | None
) -> list[Fraction] | None:
    """z >= 0 with rows z = right, on a side up to a multiple of the biases and with b = side; None
    where there is none, or more than one."""
    size = len(right)
    if side is not None and any(biases):
        rows = [[*row, Fraction(b)] for row, b in zip(rows, biases, strict=True)]
        rows.append([*map(Fraction, biases), Fraction()])
        right = [*right, side]
    elif side:
        return None
    try:
        column = fmpq_mat(len(right), 1, to_flint(right))
        solved = from_flint(
            flint_matrix([to_flint(row) for row in rows], len(right)).solve(column).entries()
        )
    except ZeroDivisionError:
        return None
    return list(solved[:size]) if min(solved[:size]) >= 0 else None


class BoundedBiasBall(ConicBall):
    """Networks in a ball of muon or muon-adamw, ngd or ngd-adamw, with |b_j| <= R_W."""

    def bounded(self, dual: Any, group: Group) -> bool:
        """Whether its share is finite."""
        return dual.share(group) is not None

    def proof(self, dual: BiasDual, level: Fraction, *, strict: bool) -> Proof:
        """Weights are parts of what the neurons have in common."""
        height = self._spare(dual, level, strict=strict)
        common = Fraction(-1) if height is None else dual.common(height)
        return Proof(dual, -1 if common < 0 else PARTS, common)

    def weight(self, proof: Proof, group: Group) -> int:
        """The part of a neuron, rounded up."""
        share = proof.dual.share(group)
        if share is None or (share and proof.height <= 0):
            return max(proof.limit, 0) + 1
        return math.ceil(share / proof.height * PARTS) if share else 0

    def _height(self, dual: BiasDual, groups: Sequence[Group]) -> Fraction | None:
        shares = [dual.share(group) for group in groups]
        finite = [share for share in shares if share is not None]
        return dual.height(finite) * CLAIMED / self.unit if len(finite) == len(shares) else None

    def _dual(self, vector: tuple[int, ...], scale: Fraction, metric: Metric | None) -> Any:
        assert metric is not None
        return BiasDual(vector, scale, metric, self._columns, self._ball.rho, self._own)

    def _metric(
        self,
        groups: tuple[Group, ...],
        Z: Float[np.ndarray, "d d"] | None,
        nu: Float[np.ndarray, " n"],
        fit: Float[np.ndarray, " n"],
        radius: float,
    ) -> Metric | None:
        """With the level of the program."""
        top, height = float(np.abs(nu).max()), float(nu @ fit)
        if Z is None or not top:
            return self._plain
        # The multipliers P of the semidefinite constraint are forces 2 P v / radius on the v_j,
        # which Z v is in the lemma, for nu as it is. The image of a column is nu.f in other units,
        # the rays are too.
        metric = self.gauge.metric_near(Z)
        size = np.diag(Z) @ (metric.counts or np.ones(len(Z)))
        stretch = Fraction(2 * float(size) / radius) / metric.trace
        image = self.unit * self._faces.unit / Fraction(top)
        if stretch <= 0 or height <= 0:
            return metric
        if self._own:
            return self._leveled(metric, self._reach**2 / (stretch * image))
        return self._leveled(metric, Fraction(height) * stretch * (image / self._reach) ** 2)

    def _improved(
        self, groups: tuple[Group, ...], best: Proved, metric: Metric | None
    ) -> tuple[Proved, Metric | None]:
        """The level of the program is off a little, or by much where it has nothing to go by; that
        where a bias comes to its bound, or where no bias is at it, is known exactly."""
        vector, scale, _ = best
        top = max(map(abs, vector))
        if metric is None or not top:
            return best, metric
        plain = self._dual(vector, scale, metric)
        steepest = [plain.steepest(group) for group in groups]
        levels = []
        if not self._own:
            flat = [plain.steepest(group, Fraction()) for group in groups]
            levels = [level * (1 + _NEAR) / top**2 for level in {*steepest, *flat} if level]
        elif any(steepest):
            ratio = Fraction(metric.trace) / sum(steepest, Fraction())
            levels = [self._ball.rho * sqrt_above(ratio) * top]
        for level in levels:
            other = self._leveled(metric, level)
            bound = self.lower_bound(self._dual(vector, scale, other), groups)
            if bound > best[2]:
                best, metric = (vector, scale, bound), other
        return best, metric

    @property
    def _own(self) -> bool:
        """Whether each neuron has its own |a|."""
        return not self.gauge.output.shared

    def _leveled(self, metric: Metric, level: Fraction) -> Metric:
        """With a level of few digits."""
        return metric._replace(level=simplest_between(level, level * (1 + _NEAR)))

    def _times(self, metric: Metric | None, factor: Fraction) -> Metric | None:
        if metric is None:
            return None
        return metric._replace(level=metric.level * (1 / factor if self._own else factor**2))
