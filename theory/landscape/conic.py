"""The landscape inside balls that are no polytopes: those of muon, muon-adamw, ngd and colnorm.

The least loss on a face is then a conic program, and known as an interval. The upper end is the
loss of a rational network that provably lies in the ball. The lower end comes from a rational dual
vector nu and, for the spectral norm, a positive definite Z (else Z = I): with q_j the maximum of
2 nu.f(u) - u^T Z u over the cone of neuron j, found exactly, nu.f <= H on the face, where

    muon  H = rho sqrt(tr Z max_j q_j)       muon-adamw  H = rho sqrt(tr Z sum_j q_j)
    ngd   H = rho max_j sqrt(q_j)            colnorm     H = rho sum_j sqrt(q_j)

and the loss is at least max(0, nu.y - H)^2 / (2 ||nu||^2). Source: proofs_notes/landscape.md.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import fmpz_mat

from theory.arrangement import Arrangement
from theory.errors import InputError
from theory.exact import dot, sqrt_above
from theory.gauges import ColumnNorms, Metric, Spectral
from theory.landscape.domain import Domain, Group, Proof
from theory.landscape.nnls import Minimum
from theory.network import Network
from theory.problem import Problem

if TYPE_CHECKING:
    from jaxtyping import Float

_BITS = 40  # kept of float coefficients, relative to the largest
_PARTS = 1 << 60  # of a limit, in which weights are rounded up
# Of the conic solver: its default of 1e-8 is most of what we promise, but better than nothing.
_TOLERANCES = (1e-10, 1e-8)
_LARGEST = Fraction(10**60)  # squares of squares have to stay in the range of floats
_SMALLEST = 1 / _LARGEST
_INSIDE = Fraction(1, 10**12)
# Bounds are claimed with the first allowance and used with the second, so that rounding, here and
# in a checker with other square roots, cannot turn a claim down.
_CLAIMED = 1 + Fraction(1, 2**40)
_USED = 1 + Fraction(1, 2**50)


@dataclass(frozen=True)
class Bracket(Minimum):
    """A minimum between `least` and `value`, the loss of the point that the numerators give.

    residual: a good dual vector nu, with metric Z where the norm is spectral.
    """

    least: Fraction
    metric: Metric | None

    @property
    def lower(self) -> Fraction:
        """The end that a dual vector proves."""
        return self.least


class ConicDual:
    """A dual vector nu with a metric, and the maxima q of the groups asked for so far."""

    def __init__(
        self, vector: tuple[int, ...], metric: Metric | None, columns: Sequence[_Column]
    ) -> None:
        self.vector = vector
        self.metric = metric
        self.columns = columns
        self.maximum = lru_cache(maxsize=None)(self._maximum)

    def _maximum(self, group: Group) -> Fraction:
        """max 2 nu.f(u) - u^T Z u over the cone of the columns' rays.

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
        return best


@dataclass(frozen=True)
class _Column:
    """A ray (d,) of the arrangement, and its image s relu(X v), both in integers."""

    ray: tuple[int, ...]
    image: tuple[int, ...]


class ConicBall(Domain):
    """Networks with ||W|| ||a|| <= rho in the norms of an optimizer, up to rescaling of neurons.

    Losses are in the user's units. Columns belong to rays, signed; where X is rank-deficient, the
    directions of its null space, both ways, are among the rays of every cone.
    """

    scale = 1
    exact = False

    def __init__(
        self,
        problem: Problem,
        arrangement: Arrangement,
        gauge: ColumnNorms | Spectral,
        rho: Fraction,
    ) -> None:
        numbers = [rho, *problem.y, *(v for row in problem.X for v in row)]
        for v in numbers:
            if v and not _SMALLEST <= abs(v) <= _LARGEST:
                raise InputError(
                    "within", "numbers this large or small have landscapes in polytopes only"
                )
        self._arrangement = arrangement
        self._problem = problem
        self._gauge = gauge
        self._rho = rho
        self._X, self._x_scale, _, _ = problem.integer_form()
        rays = [tuple(map(int, ray)) for ray in arrangement.rays]
        null = _null_space(self._X)
        self._null = range(len(rays), len(rays) + 2 * len(null))
        rays += [tuple(sign * v for v in vector) for vector in null for sign in (1, -1)]
        self._columns = [
            _Column(ray, tuple(sign * max(0, dot(row, ray)) for row in self._X))
            for ray in rays
            for sign in (1, -1)
        ]
        spectral = isinstance(gauge, Spectral)
        self._plain = Metric.near(np.eye(problem.d)) if spectral else None
        self._memo: dict[tuple[Group, ...], Bracket] = {}

    def solved(self) -> int:
        """The number of different programs solved so far."""
        return len(self._memo)

    def cone(self, cone: int) -> Sequence[int]:
        """The extreme rays of a cone, with the null space."""
        return [*map(int, self._arrangement.cone_rays(cone)), *self._null]

    def facet(self, cone: int, wall: int) -> Sequence[int]:
        """The extreme rays of a facet, with the null space."""
        return [*map(int, self._arrangement.facet_rays(cone, wall)), *self._null]

    def column(self, generator: int) -> int:
        """Each ray has a column of its own: its length counts."""
        return generator

    def vector(self, generator: int) -> Sequence[Fraction]:
        """The ray itself."""
        return [Fraction(v) for v in self._columns[2 * generator].ray]

    def minimum(self, groups: Sequence[Group]) -> Bracket:
        """An interval; the order of neurons does not matter."""
        key = tuple(sorted(groups))
        if key not in self._memo:
            self._memo[key] = self._bracket(key)
        return self._memo[key]

    def dual(self, minimum: Minimum) -> ConicDual:
        """The dual vector that the lower end is due to."""
        assert isinstance(minimum, Bracket)
        return ConicDual(minimum.residual, minimum.metric, self._columns)

    def proof(self, dual: Any, level: Fraction, *, strict: bool) -> Proof:
        """Weights are parts of what nu.y has to spare above the level, rounded up."""
        root = sqrt_above(2 * level * dot(dual.vector, dual.vector))
        height = self._gain(dual.vector) - self._x_scale * root * _USED
        if height < 0 or (strict and height == 0):
            return Proof(dual, -1)
        return Proof(dual, _PARTS, height)

    def norm(self, u: Sequence[Sequence[Fraction]]) -> Fraction:
        """The gauge, from above."""
        return self._gauge.witness([1] * len(u), tuple(map(tuple, u)))[1] if _any(u) else Fraction()

    def network(self, neurons: Sequence[tuple[int, Sequence[Fraction]]]) -> Network:
        """A network of nearly least ||W|| ||a|| with these convex coordinates."""
        u = tuple(tuple(column) for _, column in neurons)
        if not _any(u):
            return Network.from_convex(neurons)
        return self._gauge.witness([sign for sign, _ in neurons], u)[0]

    def weight(self, proof: Proof, group: Group) -> int:
        """The share of a neuron; where only the largest counts, all or nothing."""
        q = proof.dual.maximum(group)
        if not q:
            return 0
        cost = self._gauge.dual([self._cost(q)], proof.dual.metric) * self._rho * _USED
        if self._gauge.summed:
            return 0 if cost <= proof.height else proof.limit + 1
        if not proof.height:
            return proof.limit + 1
        share = cost / proof.height
        if isinstance(self._gauge, Spectral):  # squares add up
            share = share * share
        return math.ceil(share * _PARTS)

    def _cost(self, q: Fraction) -> Fraction:
        """What the gauge's dual norm is made of: squares for the spectral norm, else lengths."""
        return q if isinstance(self._gauge, Spectral) else sqrt_above(q)

    def _gain(self, nu: Sequence[int]) -> Fraction:
        """nu.y, in the units of the integer X."""
        return self._x_scale * sum(
            (v * y for v, y in zip(nu, self._problem.y, strict=True)), Fraction()
        )

    def lower_bound(self, dual: ConicDual, groups: Sequence[Group]) -> Fraction:
        """What the dual vector proves about the loss of neurons with these columns."""
        costs = [self._cost(dual.maximum(group)) for group in groups]
        height = self._gain(dual.vector)
        if any(costs):
            height -= self._rho * self._gauge.dual(costs, dual.metric) * _CLAIMED
        norm = dot(dual.vector, dual.vector) * (self._x_scale * _CLAIMED) ** 2
        return height * height / (2 * norm) if height > 0 else Fraction()

    def _bracket(self, groups: tuple[Group, ...]) -> Bracket:
        zero = sum((v * v for v in self._problem.y), Fraction()) / 2
        nothing = Bracket(zero, (), (), 1, (0,) * self._problem.n, Fraction(), self._plain)
        if not zero:
            return nothing
        size = max(map(len, groups), default=0)
        if not size:
            return Bracket(
                zero, (), (), 1, tuple(self._problem.integer_form()[2]), zero, self._plain
            )
        top = max(abs(v) for v in self._problem.y)
        n, d, m = self._problem.n, self._problem.d, len(groups)
        rays, images = np.zeros((d, m * size)), np.zeros((n, m * size))
        lengths = np.ones(m * size)
        places: list[tuple[int, int, int]] = []  # variable, place, column
        for place, group in enumerate(groups):
            for i, c in enumerate(group, start=place * size):
                ray, image = self._columns[c].ray, self._columns[c].image
                lengths[i] = math.sqrt(dot(ray, ray))
                rays[:, i] = [v / lengths[i] for v in ray]
                images[:, i] = [float(self._rho * v / (self._x_scale * top)) for v in image]
                places.append((i, place, c))
        images /= lengths
        y = np.array([float(v / top) for v in self._problem.y])
        found = _compiled(self._gauge, m, size, n, d).solve(rays, images, y)
        if found is None:
            return nothing
        z, residual, Z = found
        z = z * float(self._rho) / lengths
        return self._proved(
            groups, [(place, c, float(z[i])) for i, place, c in places], residual, Z
        )

    def _proved(
        self,
        groups: tuple[Group, ...],
        coefficients: list[tuple[int, int, float]],
        residual: Float[np.ndarray, " n"],
        Z: Float[np.ndarray, "d d"] | None,
    ) -> Bracket:
        """Both ends, exactly, from a float solution."""
        largest = max((v for _, _, v in coefficients), default=0.0) or 1.0
        unit = Fraction(largest) / 2**_BITS
        parts = [
            (place, c, unit * round(v / largest * 2**_BITS))
            for place, c, v in coefficients
            if v > largest * 2.0**-_BITS
        ]
        u = [[Fraction()] * self._problem.d for _ in groups]
        for place, c, coefficient in parts:
            for k, v in enumerate(self._columns[c].ray):
                u[place][k] += coefficient * v
        # A little inside, so that points between two of these are seen to be inside as well.
        norm = self.norm(u) * (1 + _INSIDE)
        shrink = min(Fraction(1), self._rho / norm) if norm else Fraction(1)
        parts = [(place, c, shrink * coefficient) for place, c, coefficient in parts]
        fit = [Fraction()] * self._problem.n
        for _, c, coefficient in parts:
            for k, v in enumerate(self._columns[c].image):
                fit[k] += coefficient * v / self._x_scale
        value = (
            sum(((f - y) ** 2 for f, y in zip(fit, self._problem.y, strict=True)), Fraction()) / 2
        )
        scale = float(np.abs(residual).max()) or 1.0
        nu = tuple(round(float(v) / scale * 2**_BITS) for v in residual)
        metric = None if Z is None else Metric.near(Z)
        least = Fraction()
        if any(nu):
            least = self.lower_bound(ConicDual(nu, metric, self._columns), groups)
        common = math.lcm(*(coefficient.denominator for _, _, coefficient in parts))
        return Bracket(
            _rounded(value, math.inf),
            tuple((place, c) for place, c, _ in parts),
            tuple(int(coefficient * common) for _, _, coefficient in parts),
            common,
            nu,
            min(_rounded(least, 0.0), value),
            metric,
        )


def _rounded(value: Fraction, towards: float) -> Fraction:
    """A rational of few digits, up or down."""
    return Fraction(math.nextafter(float(value), towards)) if value else value


class _Compiled:
    """The program for all faces of one shape: CVXPY canonicalises it once."""

    def __init__(self, gauge: ColumnNorms | Spectral, m: int, size: int, n: int, d: int) -> None:
        import cvxpy

        cp: Any = cvxpy  # mypy does not see the functions it exports
        self._z = cp.Variable(m * size, nonneg=True)
        self._rays = cp.Parameter((d, m * size))
        self._images = cp.Parameter((n, m * size))
        self._y = cp.Parameter(n)
        columns = [
            self._rays[:, j * size : (j + 1) * size] @ self._z[j * size : (j + 1) * size]
            for j in range(m)
        ]
        U = cp.vstack(columns).T
        self._block = None
        if isinstance(gauge, Spectral):
            alpha = cp.Variable(m)
            block = cp.bmat([[np.eye(d), U], [U.T, cp.diag(alpha)]])
            self._block = block >> 0
            ball = [self._block, cp.sum(alpha) <= 1 if gauge.summed else alpha <= 1]
        else:
            lengths = cp.norm(U, 2, axis=0)
            ball = [cp.sum(lengths) <= 1 if gauge.summed else lengths <= 1]
        residual = self._images @ self._z - self._y
        self._problem = cp.Problem(cp.Minimize(cp.sum_squares(residual) / 2), ball)

    def solve(
        self,
        rays: Float[np.ndarray, "d k"],
        images: Float[np.ndarray, "n k"],
        y: Float[np.ndarray, " n"],
    ) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " n"], Any] | None:
        """Coefficients, y - f, and Z if there is one; None where the solver fails.

        Each neuron has as many variables as the longest group; those too many have zero columns.
        """
        self._rays.value, self._images.value, self._y.value = rays, images, y
        solve_conic(self._problem)
        block = [] if self._block is None else [self._block.dual_value]
        if not all(v is not None and np.isfinite(v).all() for v in (self._z.value, *block)):
            return None
        z = np.maximum(self._z.value, 0.0)
        d = len(rays)
        return z, y - images @ z, block[0][:d, :d] if block else None


def solve_conic(problem: Any) -> None:
    """Solve a CVXPY problem as accurately as may be; its variables have no value if that fails."""
    import cvxpy

    # Whatever it finds is proved or rejected exactly: warnings of inaccuracy would only disturb.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for tolerance in _TOLERANCES:
            try:
                problem.solve(
                    solver=cvxpy.CLARABEL,
                    # Else the scaling is that of an earlier solve, and so are success and failure.
                    warm_start=False,
                    tol_gap_abs=tolerance,
                    tol_gap_rel=tolerance,
                    tol_feas=tolerance,
                )
            except cvxpy.SolverError:
                for variable in problem.variables():  # those of an earlier solve are still there
                    variable.value = None
            else:
                return


@lru_cache(maxsize=64)
def _compiled(gauge: ColumnNorms | Spectral, m: int, size: int, n: int, d: int) -> _Compiled:
    return _Compiled(gauge, m, size, n, d)


def _any(u: Sequence[Sequence[Fraction]]) -> bool:
    return any(map(any, u))


def _null_space(X: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """A basis of {u : X u = 0} in integers."""
    basis, rank = fmpz_mat([list(row) for row in X]).nullspace()
    return [tuple(int(basis[i, k]) for i in range(len(X[0]))) for k in range(int(rank))]
