"""The least R_W R_a of a geometry as a gauge of convex coordinates: exact bounds.

A ball is a pair of norms, `Hidden` on W and `Output` on a, of which each is *shared*, so that the
neurons divide what there is, or leaves each neuron a ball of its *own*. That decides how the gauge
of U = [u_1 .. u_m] is made of the lengths ||u_j||: by their maximum where no layer is shared, by
the root of their squares where one is, by their sum where both are. Each gauge has an exact upper
bound, from a network, and an exact upper bound of its dual norm, which weak duality makes a lower
bound. With W = [w_1 .. w_m] and positive definite Z (proofs_notes/radii.md):

| norms of W and a           | of            | gauge of U                | dual norm of W          |
|----------------------------|---------------|---------------------------|-------------------------|
| entrywise, max             | adamw         | max |u_jk|                | sum_j ||w_j||_1         |
| entrywise, l2              | adamw-ngd     | (sum_j ||u_j||_inf^2)^1/2 | (sum_j ||w_j||_1^2)^1/2 |
| column, max                | colnorm       | max_j ||u_j||_2           | sum_j ||w_j||_2         |
| column, l2; Frobenius, max | colnorm-ngd, ngd-adamw | ||U||_F          | ||W||_F                 |
| Frobenius, l2              | ngd           | sum_j ||u_j||_2           | max_j ||w_j||_2         |
| spectral, max              | muon-adamw    | ||U||_op                  | <= (tr Z sum_j q_j)^1/2 |
| spectral, l2               | muon          | 2-summing norm            | <= (tr Z max_j q_j)^1/2 |

with q_j = w_j^T Z^-1 w_j; the least of these bounds is the dual norm. Hidden biases, the last
entries of the u_j, may be apart from the norm on W: see `Apart` and proofs_notes/biases.md.
"""

from __future__ import annotations

import contextlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias, cast

import numpy as np
from flint import fmpq, fmpq_mat, fmpz_mat

from theory.errors import InputError
from theory.exact import (
    dot,
    from_flint,
    is_positive_definite,
    is_positive_semidefinite,
    simplest_between,
    snapped,
    sqrt_above,
    squared,
    to_flint,
)
from theory.geometry import Apart, Geometry, LionK, MixedNorm, Norm, SchattenNorm, VectorNorm
from theory.geometry.lp_norm import conjugate
from theory.geometry.two_summing import least_lengths_of_outputs, least_squares_of_outputs
from theory.network import Network
from theory.types import Array

if TYPE_CHECKING:
    import cvxpy
    from jaxtyping import Float

Point: TypeAlias = tuple[tuple[Fraction, ...], ...]  # (m, d): u_1..u_m
Cost: TypeAlias = "Fraction | tuple[Fraction, Fraction]"
"""Of a column of the dual norm; where biases have a bound apart, of the rest, and of the bias."""
Scaled: TypeAlias = "Sequence[tuple[Fraction, Sequence[Fraction]]]"
"""Columns w = u / sqrt(alpha), as pairs (alpha, u) with alpha > 0."""


_BITS = 50  # kept of a float array, relative to its largest entry
_REGULARISATION = 1e-9  # of Z, relative to its trace: it may be singular at the optimum
_FIXED = 1e-15  # a change of Z that ends a fixed point iteration
_ITERATIONS = 500  # of a fixed point; whatever it finds is a bound
_ROUGH = Fraction(1, 10**7)  # relative: more than what floats of sizes are off
_FAINT = (
    30  # the share of a layer that what needs none of it has, in bits: its square is no float's
)
_CLOSE = Fraction(1, 10**12)  # an eigenvalue is first tried as the simplest fraction this near


class Metric(NamedTuple):
    """A positive definite integer matrix Z (d, d), with Z^-1 = numerators / denominator.

    level: where biases are bounded apart, for a dual vector whose largest entry is one: see
    `theory.landscape.biased`. counts: how often each diagonal entry counts in the trace; once,
    unless they say something else.
    """

    Z: tuple[tuple[int, ...], ...]
    numerators: tuple[tuple[int, ...], ...]
    denominator: int
    level: Fraction = Fraction()
    counts: tuple[int, ...] | None = None

    @classmethod
    def near(cls, matrix: Float[Array, "d d"]) -> Metric:
        """A positive multiple of the positive semidefinite float matrix, made definite.

        Where rounding has spoilt it, the identity: any Z gives a bound.
        """
        identity = np.eye(len(matrix))
        trace = np.trace(matrix)
        regular = identity
        if trace > 0:
            regular = (matrix + matrix.T) / (2 * trace) + _REGULARISATION * identity
        Z = fmpz_mat([[round(v * 2**_BITS) for v in row] for row in regular.tolist()])
        if not is_positive_definite(Z):
            Z = fmpz_mat([[int(v) for v in row] for row in identity])
        return cls.of(_rows(Z))

    @classmethod
    def of(cls, Z: tuple[tuple[int, ...], ...]) -> Metric:
        """That of a positive definite matrix."""
        inverse, denominator = cast(
            fmpq_mat, fmpz_mat([list(row) for row in Z]).inv()
        ).numer_denom()
        return cls(Z, _rows(inverse), int(denominator))

    @property
    def trace(self) -> int:
        """tr Z, as `counts` has it."""
        counts = self.counts or (1,) * len(self.Z)
        return sum(
            times * row[k] for k, (times, row) in enumerate(zip(counts, self.Z, strict=True))
        )

    def norm_squared(self, w: Sequence[int]) -> Fraction:
        """w^T Z^-1 w"""
        return Fraction(dot(w, [dot(row, w) for row in self.numerators]), self.denominator)


class Size(NamedTuple):
    """A ball as CVXPY constraints; `arrow` is the semidefinite one, if there is one, whose
    multiplier has Z in its corner. alpha: the squares of |a|, in parts of the radius, where they
    are variables. rows, biases: what bounds ||V||_F and the biases together, where Z is made of the
    multipliers of these, as multiples of the identity."""

    constraints: list[cvxpy.Constraint]
    arrow: cvxpy.Constraint | None = None
    alpha: cvxpy.Variable | None = None
    rows: cvxpy.Constraint | None = None
    biases: cvxpy.Constraint | None = None

    @property
    def priced(self) -> tuple[cvxpy.Constraint | None, ...]:
        """The constraints that Z is made of the multipliers of."""
        return (self.arrow, self.rows, self.biases)

    def metric(self, d: int) -> Array | None:
        """Z once solved, of d input weights or, where biases are free, of those but the bias; None
        where there is none."""
        rest: Any = None
        if self.arrow is not None:
            assert self.alpha is not None
            size = self.arrow.shape[0] - self.alpha.size
            rest = self.arrow.dual_value[:size, :size]
        if self.rows is not None:
            rest = np.eye(d - 1) * np.asarray(self.rows.dual_value).item()
        if self.biases is None:
            return cast("Array | None", rest)
        Z = np.zeros((d, d))
        Z[:-1, :-1], Z[-1, -1] = rest, np.asarray(self.biases.dual_value).item()
        return Z


@dataclass(frozen=True)
class Hidden(ABC):
    """A norm on W, exactly, and the lengths of neurons that belong to it.

    name: among the four. shared: whether neurons divide its ball; else each has one of its own.
    entries: whether that is {|w_k| <= R}, a polytope. joint: whether more than lengths counts, so
    that duals come with a metric Z. norm: the same in floating point.
    power, wherever it is asked for: of the sum that a gauge is of lengths; see `Gauge.power`.
    """

    @property
    @abstractmethod
    def name(self) -> str: ...

    @property
    @abstractmethod
    def norm(self) -> Norm: ...

    @property
    @abstractmethod
    def shared(self) -> bool: ...

    @property
    def entries(self) -> bool:
        return False

    @property
    def joint(self) -> bool:
        return False

    def counts(self, size: int) -> tuple[int, ...] | None:
        """How often the diagonal entries of Z count in its trace, where that is not once."""
        return None

    @abstractmethod
    def squared(self, W: Sequence[Sequence[Fraction]]) -> Fraction:
        """An upper bound of ||W||^2; W by columns, (m, d)."""

    @abstractmethod
    def stretched(self, columns: Scaled) -> Fraction:
        """||W||^2 of scaled columns; for the spectral norm an upper bound."""

    @abstractmethod
    def at_most(self, columns: Scaled, bound: Fraction) -> bool:
        """Whether ||W||^2 <= bound, exactly, for scaled columns."""

    @abstractmethod
    def sizes(self, u: Point) -> list[Fraction]:
        """What each neuron adds to the gauge where both layers are shared, rounded up."""

    @abstractmethod
    def dual_squared(self, w: Sequence[int], metric: Metric | None) -> Fraction:
        """The squared norm of a column that is dual to lengths; tr Z w^T Z^-1 w with a metric."""

    @abstractmethod
    def support(
        self, U: Float[Array, "d m"], power: float
    ) -> tuple[Float[Array, "d m"], Float[Array, "d d"] | None]:
        """W and Z that nearly attain gauge(U) = max <U, W> / (dual norm of W), for U != 0."""

    @abstractmethod
    def ball(
        self,
        U: cvxpy.Expression,
        radius: cvxpy.Expression | float,
        power: float,
        counts: Float[Array, " m"] | None = None,
    ) -> Size:
        """gauge(U) <= radius, for U (d, m) whose columns are sums of `counts` equal neurons."""

    def gauge_squared(self, u: Point, power: float) -> Fraction | None:
        """The square of the gauge, where it has a rational closed form."""
        return None

    def scale(self, u: Point) -> list[Fraction]:
        """|a_j| of a nearly least network with the l2 norm on `a`, up to a common factor; 0 exactly
        where u_j = 0."""
        top = max(abs(v) for uj in u for v in uj) or Fraction(1)
        U = np.array([[float(v / top) for v in uj] for uj in u]).T
        _, a = LionK("", self.norm, VectorNorm(2)).lift(np.ones(len(u), dtype=int), U)
        return list(map(Fraction, a.tolist()))


class _Lengths(Hidden):
    """A norm of the columns' l_p norms, p = 2 or infinity."""

    p: ClassVar[float] = 2

    def square(self, u: Sequence[Fraction]) -> Fraction:
        """||u||_p^2"""
        return squared(u)

    def _total(self, squares: Iterable[Fraction]) -> Fraction:
        return sum(squares, Fraction()) if self.shared else max(squares)

    def squared(self, W: Sequence[Sequence[Fraction]]) -> Fraction:
        return self._total(map(self.square, W))

    def stretched(self, columns: Scaled) -> Fraction:
        return self._total(self.square(u) / alpha for alpha, u in columns)

    def at_most(self, columns: Scaled, bound: Fraction) -> bool:
        if self.shared:
            return self.stretched(columns) <= bound
        return all(self.square(u) <= bound * alpha for alpha, u in columns)

    def sizes(self, u: Point) -> list[Fraction]:
        return [sqrt_above(self.square(uj)) for uj in u]

    def scale(self, u: Point) -> list[Fraction]:
        """||u_j||, or its root where the neurons divide this layer as well."""
        return _roots(list(map(self.square, u)), 1 + self.shared) or super().scale(u)

    def dual_squared(self, w: Sequence[int], metric: Metric | None) -> Fraction:
        return Fraction(dot(w, w))

    def support(
        self, U: Float[Array, "d m"], power: float
    ) -> tuple[Float[Array, "d m"], Float[Array, "d d"] | None]:
        return -MixedNorm(conjugate(self.p), conjugate(power)).lmo(U, 1.0), None

    def ball(
        self,
        U: cvxpy.Expression,
        radius: cvxpy.Expression | float,
        power: float,
        counts: Float[Array, " m"] | None = None,
    ) -> Size:
        from cvxpy.atoms.affine.binary_operators import multiply
        from cvxpy.atoms.norm import norm

        counts = np.ones(U.shape[1]) if counts is None else counts
        lengths = norm(U, "inf" if self.entries else 2, axis=0)
        if power == 1:
            return Size([lengths.sum() <= radius])
        if power == 2:
            return Size([norm(multiply(lengths, 1 / np.sqrt(counts)), 2) <= radius])
        return Size([lengths <= radius * counts])

    def gauge_squared(self, u: Point, power: float) -> Fraction | None:
        if power == 1:
            return None
        squares = map(self.square, u)
        return sum(squares, Fraction()) if power == 2 else max(squares)


class Entrywise(_Lengths):
    """The largest entry."""

    name = "entrywise"
    norm = MixedNorm(math.inf, math.inf)
    shared = False
    entries = True
    p = math.inf

    def square(self, u: Sequence[Fraction]) -> Fraction:
        return max(map(abs, u)) ** 2

    def sizes(self, u: Point) -> list[Fraction]:
        return [max(map(abs, uj)) for uj in u]

    def dual_squared(self, w: Sequence[int], metric: Metric | None) -> Fraction:
        return Fraction(sum(map(abs, w)) ** 2)

    def scale(self, u: Point) -> list[Fraction]:
        return self.sizes(u)


class Column(_Lengths):
    """The largest l2 norm of a column."""

    name = "column"
    norm = MixedNorm(2, math.inf)
    shared = False


class Frobenius(_Lengths):
    """The l2 norm of all entries."""

    name = "frobenius"
    norm = MixedNorm(2, 2)
    shared = True


class Spectral(Hidden):
    """The largest singular value."""

    name = "spectral"
    norm = SchattenNorm(math.inf)
    shared = True
    joint = True

    def squared(self, W: Sequence[Sequence[Fraction]]) -> Fraction:
        """lambda_max of the Gram matrix: the least multiple of I tried that proves larger. Exact
        where it is a simple fraction."""
        denominator = math.lcm(*(v.denominator for w in W for v in w)) << _BITS
        U = fmpz_mat([[int(v * denominator) for v in w] for w in W])
        gram = U.transpose() * U if U.ncols() <= U.nrows() else U * U.transpose()
        size = gram.nrows()
        trace = sum(int(gram[k, k]) for k in range(size))
        if trace == 0:
            return Fraction()
        floats = np.array([[int(v) / trace for v in row] for row in gram.tolist()])
        top = float(np.linalg.eigvalsh(floats)[-1])
        excess = 2.0**-_BITS
        near, value = 4 * Fraction(excess), trace * Fraction(top)
        units = (denominator**2, 1 << 2 * _BITS)  # it may be simple in that of W, or of its entries
        simple = [
            unit * simplest_between(value * (1 - near) / unit, value * (1 + near) / unit)
            for unit in units
        ]
        for found in sorted(simple):
            if _below(fmpq_mat(gram), found):
                return found / denominator**2
        while True:
            bound = math.ceil(trace * Fraction(top + excess))
            identity = fmpz_mat([[int(i == k) for k in range(size)] for i in range(size)])
            if is_positive_definite(bound * identity - gram):
                return Fraction(bound, denominator**2)
            excess *= 2

    def stretched(self, columns: Scaled) -> Fraction:
        """Exact where it is a simple fraction."""
        gram = _gram(columns)
        trace = sum(from_flint([gram[k, k] for k in range(gram.nrows())]), Fraction())
        if not trace:
            return trace
        floats = np.array([[float(v / trace) for v in from_flint(row)] for row in gram.tolist()])
        top = trace * Fraction(float(np.linalg.eigvalsh(floats)[-1]))
        excess = _CLOSE
        bound = simplest_between(top * (1 - excess), top * (1 + excess))
        while not _below(gram, bound):
            bound = top * (1 + excess)
            excess *= 2
        return bound

    def at_most(self, columns: Scaled, bound: Fraction) -> bool:
        """Of two matrices that are positive semidefinite together, the smaller one decides."""
        if not columns or len(columns) > len(columns[0][1]):
            return not columns or _below(_gram(columns), bound)
        U = fmpq_mat([to_flint(u) for _, u in columns])
        rest = -(U * U.transpose())
        for j, size in enumerate(to_flint(bound * alpha for alpha, _ in columns)):
            rest[j, j] += size
        return is_positive_semidefinite(rest)

    def sizes(self, u: Point) -> list[Fraction]:
        return _parts(self, u)

    def dual_squared(self, w: Sequence[int], metric: Metric | None) -> Fraction:
        assert metric is not None
        return metric.trace * metric.norm_squared(w)

    def support(
        self, U: Float[Array, "d m"], power: float
    ) -> tuple[Float[Array, "d m"], Float[Array, "d d"] | None]:
        """Where both layers are shared the gauge is the largest sum_j sqrt(u_j^T Z u_j) with
        tr Z = 1, whose maximiser is a fixed point of Z -> G Z G / tr(G Z G), G its gradient."""
        if power != 1:
            left, values, right = np.linalg.svd(U)
            direction = left[:, :1]
            return values[0] * direction @ right[:1], direction @ direction.T
        Z = np.eye(len(U)) / len(U)
        for _ in range(_ITERATIONS):
            sizes = np.sqrt(np.maximum(np.einsum("im,ik,km->m", U, Z, U), 0.0))
            V = np.where(sizes > 0, U / np.where(sizes > 0, sizes, 1.0), 0.0)
            G = V @ U.T
            before, Z = Z, G @ Z @ G
            Z = (Z + Z.T) / (2 * np.trace(Z))
            if np.abs(Z - before).max() <= _FIXED:
                break
        return Z @ V, Z

    def ball(
        self,
        U: cvxpy.Expression,
        radius: cvxpy.Expression | float,
        power: float,
        counts: Float[Array, " m"] | None = None,
    ) -> Size:
        """[[radius I, U], [U^T, diag alpha]] >= 0 (psd), alpha the squares of |a|."""
        import cvxpy

        cp: Any = cvxpy  # mypy does not see the functions it exports
        d, m = U.shape
        alpha = cp.Variable(m)
        arrow = cp.bmat([[radius * np.eye(d), U], [U.T, cp.diag(alpha)]]) >> 0
        counts = np.ones(m) if counts is None else counts
        room = cp.sum(alpha) <= radius if power == 1 else alpha <= radius * counts
        return Size([arrow, room], arrow, alpha)

    def gauge_squared(self, u: Point, power: float) -> Fraction | None:
        """The 2-summing norm of two columns is the larger of ||u_1 + u_2|| and ||u_1 - u_2||."""
        if power != 1 or len(u) != 2:
            return None
        return sum(map(squared, u), 2 * _inner(*u))

    def scale(self, u: Point) -> list[Fraction]:
        used = [uj for uj in u if any(uj)]
        if len(used) < len(u):
            found = iter(self.scale(tuple(used)) if used else ())
            return [next(found) if any(uj) else Fraction() for uj in u]
        # The least diag(t) >= U^T U has t_j = ||u_j||^2 + |u_1 . u_2| for two neurons, and t_j in
        # proportion to ||u_j|| for neurons on one line.
        if len(u) == 2:
            t = [squared(uj) + _inner(*u) for uj in u]
            top = max(t)
            return _roots(t, 1) or [Fraction(math.sqrt(v / top)) for v in t]
        exact: list[Fraction] | None = None
        if fmpq_mat([to_flint(uj) for uj in u]).rank() == 1:
            exact = _roots(list(map(squared, u)), 2)
        return exact or super().scale(u)


@dataclass(frozen=True)
class _Apart(Hidden):
    """A norm on W without its last row, the biases."""

    rest: Hidden

    @property
    def name(self) -> str:
        """Of the rest: certificates say of the problem how biases are treated."""
        return self.rest.name

    @property
    def shared(self) -> bool:
        return self.rest.shared

    @property
    def entries(self) -> bool:
        return self.rest.entries

    @property
    def joint(self) -> bool:
        return self.rest.joint

    def dual_squared(self, w: Sequence[int], metric: Metric | None) -> Fraction:
        """Of the rest; `Gauge.cost` knows what biases add."""
        return self.rest.dual_squared(w[:-1], metric)

    def support(
        self, U: Float[Array, "d m"], power: float
    ) -> tuple[Float[Array, "d m"], Float[Array, "d d"] | None]:
        raise InputError("bias", f"dual norms are for decayed biases, not for {self.norm}")


class FreeBiases(_Apart):
    """Only the rest counts."""

    @property
    def norm(self) -> Norm:
        return Apart(self.rest.norm, free=True)

    def squared(self, W: Sequence[Sequence[Fraction]]) -> Fraction:
        return self.rest.squared([w[:-1] for w in W])

    def stretched(self, columns: Scaled) -> Fraction:
        return self.rest.stretched(_short(columns))

    def at_most(self, columns: Scaled, bound: Fraction) -> bool:
        return self.rest.at_most(_short(columns), bound)

    def sizes(self, u: Point) -> list[Fraction]:
        return self.rest.sizes(tuple(uj[:-1] for uj in u))

    def ball(
        self,
        U: cvxpy.Expression,
        radius: cvxpy.Expression | float,
        power: float,
        counts: Float[Array, " m"] | None = None,
    ) -> Size:
        return self.rest.ball(U[:-1], radius, power, counts)

    def gauge_squared(self, u: Point, power: float) -> Fraction | None:
        return self.rest.gauge_squared(tuple(uj[:-1] for uj in u), power)

    def scale(self, u: Point) -> list[Fraction]:
        """Neurons with nothing but a bias need next to nothing of the output layer, but not none:
        what the others have grows by less than floats can tell."""
        sizes = self.rest.scale(tuple(uj[:-1] for uj in u))
        least = (max(sizes) or Fraction(1)) / 2**_FAINT
        return [least if uj[-1] and not any(uj[:-1]) else v for uj, v in zip(u, sizes, strict=True)]


class BoundedBiases(_Apart):
    """The larger of the norm of the rest and of the largest bias: for the spectral and the
    Frobenius norm. Z is of the rest; for the latter a multiple of the identity, which counts once.
    """

    @property
    def joint(self) -> bool:
        return True

    def counts(self, size: int) -> tuple[int, ...] | None:
        return None if self.rest.joint else (1, *(0,) * (size - 1))

    @property
    def norm(self) -> Norm:
        return Apart(self.rest.norm, free=False)

    def squared(self, W: Sequence[Sequence[Fraction]]) -> Fraction:
        biases = max(w[-1] ** 2 for w in W)
        return max(biases, self.rest.squared([w[:-1] for w in W]))

    def stretched(self, columns: Scaled) -> Fraction:
        biases = (u[-1] ** 2 / alpha for alpha, u in columns)
        return max(self.rest.stretched(_short(columns)), *biases)

    def at_most(self, columns: Scaled, bound: Fraction) -> bool:
        biases = all(u[-1] ** 2 <= bound * alpha for alpha, u in columns)
        return biases and self.rest.at_most(_short(columns), bound)

    def sizes(self, u: Point) -> list[Fraction]:
        raise InputError("bias", f"neurons have no sizes of their own where W has {self.norm}")

    def ball(
        self,
        U: cvxpy.Expression,
        radius: cvxpy.Expression | float,
        power: float,
        counts: Float[Array, " m"] | None = None,
    ) -> Size:
        """Those of the rest, and b_j^2 <= radius alpha_j, or |b_j| <= radius for own |a_j|; radius
        times the counts, where there are."""
        import cvxpy

        cp: Any = cvxpy  # mypy does not see the functions it exports
        found = _shared(self.rest, U[:-1], radius, power, counts)
        each = radius if counts is None else radius * counts
        if power != 1:
            room = [cp.abs(U[-1]) <= each]
        else:
            assert found.alpha is not None
            cones = cp.vstack([2 * U[-1], each - found.alpha])
            room = [cp.norm(cones, 2, axis=0) <= each + found.alpha]
        return found._replace(constraints=[*found.constraints, *room])

    def scale(self, u: Point) -> list[Fraction]:
        """In floating point, near those of the least network."""
        top = max(abs(v) for uj in u for v in uj) or Fraction(1)
        U = np.array([[float(v / top) for v in uj] for uj in u]).T
        V, floors = U[:-1], U[-1] ** 2
        if self.rest.joint:
            squares = least_squares_of_outputs(V.T @ V, floors)
        else:
            squares = least_lengths_of_outputs((V**2).sum(axis=0), floors)
        largest = squares.max() or 1.0
        return [
            max(Fraction(math.sqrt(v / largest)), Fraction(1, 2**_FAINT)) if any(uj) else Fraction()
            for v, uj in zip(squares.tolist(), u, strict=True)
        ]


@dataclass(frozen=True)
class SharedBiases(_Apart):
    """What `BoundedBiases` are at a width in convex programs: together they are no longer than as
    many of length one. The larger of the norm of the rest and of the l2 norm of the biases over the
    root of the width.

    Z is a metric of the rest, where that has a spectral norm, else a multiple of the identity, and
    one number for the bias, which counts in the trace as often as there are neurons.
    """

    width: int

    @property
    def joint(self) -> bool:
        return True

    @property
    def norm(self) -> Norm:
        return Apart(self.rest.norm, free=False)

    def counts(self, size: int) -> tuple[int, ...]:
        rest = (1,) * (size - 1) if self.rest.joint else (1, *(0,) * (size - 2))
        return (*rest, self.width)

    def squared(self, W: Sequence[Sequence[Fraction]]) -> Fraction:
        biases = squared(w[-1] for w in W) / self.width
        return max(biases, self.rest.squared([w[:-1] for w in W]))

    def stretched(self, columns: Scaled) -> Fraction:
        biases = sum((u[-1] ** 2 / alpha for alpha, u in columns), Fraction()) / self.width
        return max(self.rest.stretched(_short(columns)), biases)

    def at_most(self, columns: Scaled, bound: Fraction) -> bool:
        return self.stretched(columns) <= bound

    def sizes(self, u: Point) -> list[Fraction]:
        return _parts(self, u)

    def dual_squared(self, w: Sequence[int], metric: Metric | None) -> Fraction:
        assert metric is not None
        return metric.trace * metric.norm_squared(w)

    def ball(
        self,
        U: cvxpy.Expression,
        radius: cvxpy.Expression | float,
        power: float,
        counts: Float[Array, " m"] | None = None,
    ) -> Size:
        import cvxpy

        cp: Any = cvxpy  # mypy does not see the functions it exports
        found = _shared(self.rest, U[:-1], radius, 1, None)
        squares = cp.Variable(U.shape[1])
        biases = cp.sum(squares) <= self.width * radius
        room = [_at_least(cp, U[-1:], squares, found.alpha), biases]
        return found._replace(constraints=[*found.constraints, *room], biases=biases)

    def scale(self, u: Point) -> list[Fraction]:
        """In floating point, near those of the least network."""
        import cvxpy

        cp: Any = cvxpy
        top = max(abs(v) for uj in u for v in uj) or Fraction(1)
        U = np.array([[float(v / top) for v in uj] for uj in u]).T
        radius = cp.Variable()
        size = self.ball(cp.Constant(U), radius, 1)
        assert size.alpha is not None
        with contextlib.suppress(cp.SolverError):
            cp.Problem(cp.Minimize(radius), size.constraints).solve(solver=cp.CLARABEL)
        lengths: Any = np.linalg.norm(U, axis=0)  # what may do where there is no solution
        squares = np.maximum(lengths if size.alpha.value is None else size.alpha.value, 0.0)
        largest = squares.max() or 1.0
        return [
            max(Fraction(math.sqrt(v)), Fraction(1, 2**_FAINT)) if any(uj) else Fraction()
            for v, uj in zip((squares / largest).tolist(), u, strict=True)
        ]


def _shared(
    hidden: Hidden,
    V: cvxpy.Expression,
    radius: cvxpy.Expression | float,
    power: float,
    counts: Float[Array, " m"] | None,
) -> Size:
    """The ball of a norm that neurons share, with the squares of |a| as variables."""
    import cvxpy

    cp: Any = cvxpy  # mypy does not see the functions it exports
    if hidden.joint:
        return hidden.ball(V, radius, power, counts)
    alpha, squares = cp.Variable(V.shape[1]), cp.Variable(V.shape[1])
    counts = np.ones(V.shape[1]) if counts is None else counts
    room = cp.sum(alpha) <= radius if power == 1 else alpha <= radius * counts
    rows = cp.sum(squares) <= radius
    return Size([rows, room, _at_least(cp, V, squares, alpha)], None, alpha, rows)


def _at_least(cp: Any, U: Any, squares: Any, alpha: Any) -> Any:
    """The lengths of the columns of U, squared, are at most those of squares times alpha."""
    return cp.SOC(squares + alpha, cp.vstack([2 * U, cp.reshape(squares - alpha, (1, -1), "C")]))


def _parts(hidden: Hidden, u: Point) -> list[Fraction]:
    """What each neuron takes of the gauge, where both layers are shared."""
    relaxed = Gauge(hidden, EUCLIDEAN)
    alpha = [size * size for size in relaxed.scale(u)]
    total = sum(alpha, Fraction())
    if not total:
        return alpha
    _, size = relaxed.witness([1] * len(u), u)
    return [size * share / total for share in alpha]


def _short(columns: Scaled) -> Scaled:
    """Without biases."""
    return [(alpha, u[:-1]) for alpha, u in columns]


@dataclass(frozen=True)
class Output:
    """A norm on a, exactly: the largest entry, or the l2 norm, which neurons share."""

    name: str
    shared: bool

    def total(self, squares: Iterable[Fraction]) -> Fraction:
        """||a||^2, from the squares of the entries."""
        return sum(squares, Fraction()) if self.shared else max(squares)


LARGEST, EUCLIDEAN = Output("max", shared=False), Output("l2", shared=True)

_HIDDEN: dict[Norm, Hidden] = {
    **{kind.norm: kind for kind in (Entrywise(), Column(), Frobenius(), Spectral())},
    SchattenNorm(2): Frobenius(),
}
_OUTPUT = {VectorNorm(math.inf): LARGEST, VectorNorm(2): EUCLIDEAN}

_NAMES = {
    ("entrywise", "max"): "entrywise",
    ("entrywise", "l2"): "adamw-ngd",
    ("column", "max"): "colnorm",
    ("column", "l2"): "colnorm-ngd",
    ("frobenius", "max"): "ngd-adamw",
    ("frobenius", "l2"): "ngd",
    ("spectral", "max"): "muon-adamw",
    ("spectral", "l2"): "muon",
}


@dataclass(frozen=True)
class Gauge:
    """The least R_W R_a for given convex coordinates, in the ball of two norms."""

    hidden: Hidden
    output: Output

    @property
    def name(self) -> str:
        """Of the ball, in certificates."""
        return _NAMES[self.hidden.name, self.output.name]

    @property
    def power(self) -> float:
        """s: the gauge is the l_s norm of the neurons' lengths. 1 where both layers are shared, 2
        where one is, infinity where none is (proofs_notes/radii.md)."""
        return (math.inf, 2, 1)[self.hidden.shared + self.output.shared]

    @property
    def summed(self) -> bool:
        """Whether both layers are shared, so that more neurons do not make more room."""
        return self.power == 1 and not self.bounded

    @property
    def bounded(self) -> bool:
        """Whether biases have a bound apart from the rest of W."""
        return isinstance(self.hidden, BoundedBiases)

    @property
    def free(self) -> bool:
        """Whether biases do not count."""
        return isinstance(self.hidden, FreeBiases)

    @property
    def apart(self) -> bool:
        """Whether biases are apart from the rest in any way."""
        return isinstance(self.hidden, _Apart)

    def metric_near(self, Z: Float[Array, "k k"]) -> Metric:
        """A metric near the matrix, with the trace that bounds have."""
        return Metric.near(Z)._replace(counts=self.hidden.counts(len(Z)))

    def metric_of(self, Z: tuple[tuple[int, ...], ...]) -> Metric:
        """The metric that a matrix is, with the trace that bounds have."""
        return Metric.of(Z)._replace(counts=self.hidden.counts(len(Z)))

    def metric_size(self, d: int) -> int:
        """How many rows Z has, of d input weights: biases apart have none."""
        return d - (self.bounded or self.free)

    @property
    def rest(self) -> Gauge:
        """The same of the weights without biases, where these are free."""
        return Gauge(self.hidden.rest, self.output) if isinstance(self.hidden, FreeBiases) else self

    @property
    def exact(self) -> bool:
        """Whether minimising it is a linear program, solved exactly."""
        return self.hidden.entries and not self.output.shared

    def relaxation(self, width: int | None) -> Gauge:
        """That of convex programs for networks of a width, in balls of the radius `relaxed`: itself
        where biases have no bound apart."""
        if not isinstance(self.hidden, BoundedBiases):
            return self
        assert width is not None
        return Gauge(SharedBiases(self.hidden.rest, width), self.output)

    def relaxed(self, rho: Fraction, width: int) -> Fraction:
        """The most that lengths of neurons in the ball sum to: rho m^(1 - 1/s), from below."""
        if self.power == 2:
            return rho * width / sqrt_above(width)
        return rho if self.power == 1 else rho * width

    def cost(self, w: Sequence[int], metric: Metric | None) -> Cost:
        """What one column contributes to `dual`; where biases are free its last entry is 0."""
        square = self.hidden.dual_squared(w, metric)
        if self.bounded:
            return square, Fraction(abs(w[-1]))
        assert not self.free or not w[-1]
        return self.cost_of(square)

    @property
    def orders(self) -> Sequence[Callable[[tuple[Any, Any]], Any]]:
        """Keys by which costs, first of a pair, are compared: the least by one of them serves best.
        Of two numbers either may matter more."""
        if not self.bounded:
            return (itemgetter(0),)
        return (itemgetter(0), lambda pair: pair[0][::-1])

    def cost_of(self, square: Fraction) -> Fraction:
        """The same for a column of this squared dual length."""
        return sqrt_above(square) if self.power == math.inf else square

    def dual(self, costs: Sequence[Any]) -> Fraction:
        """An upper bound of the dual norm of the columns with these costs."""
        if self.bounded:
            squares, biases = zip(*costs, strict=True)
            if self.output.shared:
                return sqrt_above(_least_dual(squares, biases))
            return sqrt_above(sum(squares, Fraction())) + sum(biases, Fraction())
        if self.power == math.inf:
            return sum(costs, Fraction())
        return sqrt_above(max(costs) if self.summed else sum(costs, Fraction()))

    def level(self, costs: Sequence[tuple[Fraction, Fraction]], metric: Metric) -> Fraction:
        """The k of `bias-duals` for which `dual` is what it proves, where biases are bounded."""
        squares, biases = zip(*costs, strict=True)
        if self.output.shared:
            return _least_level(squares, biases) / metric.trace
        length = sqrt_above(sum(squares, Fraction()))
        return metric.trace / length if length else Fraction(2**_BITS)

    def output_squared(self, a: Sequence[Fraction]) -> Fraction:
        """||a||^2"""
        return self.output.total(v * v for v in a)

    def holds(self, network: Network, rho: Fraction) -> bool:
        """Whether ||W|| ||a|| <= rho, exactly and of the network as it stands."""
        size, neurons = self.output_squared(network.a), network.neurons()
        return not size or self.hidden.at_most([(1 / size, w) for w in neurons], rho * rho)

    def below(self, u: Point) -> Fraction:
        """A lower bound of the gauge, by weak duality."""
        top = max(abs(v) for uj in u for v in uj)
        if not top:
            return top
        U = np.array([[float(v / top) for v in uj] for uj in u]).T
        W, Z = self.hidden.support(U, self.power)
        scale = 2**_BITS / float(np.abs(W).max())
        columns = [[round(float(v) * scale) for v in w] for w in W.T]
        metric = None if Z is None else Metric.near(Z)
        product = sum(
            (v * p for uj, w in zip(u, columns, strict=True) for v, p in zip(uj, w, strict=True)),
            Fraction(),
        )
        return product / self.dual([self.cost(w, metric) for w in columns])

    def bounds(self, signs: Sequence[int], u: Point) -> tuple[Fraction, Fraction]:
        """Bounds of the gauge: in closed form, or by weak duality and by a network."""
        square = self.hidden.gauge_squared(u, self.power)
        if square is None:
            return self.below(u), self.witness(signs, u)[1]
        above = sqrt_above(square)
        return square / (above or Fraction(1)), above

    def scale(self, u: Point) -> list[Fraction]:
        """|a_j| of the least network with these convex coordinates, up to a common factor."""
        return self.hidden.scale(u) if self.output.shared else [Fraction(1)] * len(u)

    def witness(self, signs: Sequence[int], u: Point) -> tuple[Network, Fraction]:
        """A network with these convex coordinates, and an upper bound of its ||W|| ||a||."""
        sizes = self.scale(u)
        found = self._scaled(signs, u, sizes)
        if self.hidden.joint and self.output.shared and len(u) > 2:
            # Sizes are floats near the least ones, which may be simple fractions of each other.
            top = max(sizes) or Fraction(1)
            simple = [snapped(size / top, _ROUGH) for size in sizes]
            if list(map(bool, simple)) == list(map(bool, sizes)):
                found = min(found, self._scaled(signs, u, simple), key=lambda each: each[1])
        return found

    def _scaled(
        self, signs: Sequence[int], u: Point, sizes: Sequence[Fraction]
    ) -> tuple[Network, Fraction]:
        pairs = list(zip(u, sizes, strict=True))
        columns = [tuple(v / size if size else Fraction() for v in uj) for uj, size in pairs]
        a = [s * size for s, size in zip(signs, sizes, strict=True)]
        network = Network(W=tuple(zip(*columns, strict=True)), a=tuple(a))
        return network, sqrt_above(self.hidden.squared(columns) * self.output_squared(a))


def _least_dual(squares: Sequence[Fraction], biases: Sequence[Fraction]) -> Fraction:
    """k + sum_j b_j^2 k / (k - q_j) for a k above all q_j, near the least: see `bias-duals`."""
    level = _least_level(squares, biases)
    pairs = zip(squares, biases, strict=True)
    return level + sum((b * b * level / (level - v) for v, b in pairs if b), Fraction())


def _least_level(squares: Sequence[Fraction], biases: Sequence[Fraction]) -> Fraction:
    """This k; zero where there is nothing to bound."""
    top = max(*squares, *(b * b for b in biases))
    if not top:
        return top
    q = np.array([float(v / top) for v in squares])
    weights = np.array([float(b * b / top) for b in biases]) * q
    low, high = float(q.max()), float(q.max() + np.sqrt(weights.sum()))
    for _ in range(_BITS):  # where the derivative is 0
        k = (low + high) / 2
        gaps = np.maximum(k - q, 1e-150)
        low, high = (k, high) if (weights / gaps**2).sum() > 1 else (low, k)
    level = top * Fraction(high) * (1 + Fraction(1, 2**_BITS))
    least = max(squares)
    if level <= least:
        level = least * (1 + Fraction(1, 2**_BITS)) or top / 2**_BITS
    return level


def has_gauge(optimizer: Geometry) -> bool:
    """Whether `gauge_of` knows the ball of a geometry; those of users it may not."""
    if not isinstance(optimizer, LionK):
        return False
    return _hidden(optimizer.hidden) is not None and optimizer.output in _OUTPUT


def _hidden(norm: Norm) -> Hidden | None:
    """What is known of a norm on W."""
    if not isinstance(norm, Apart):
        return _HIDDEN.get(norm)
    rest = _HIDDEN.get(norm.rest)
    if rest is None or norm.free:
        return None if rest is None else FreeBiases(rest)
    return BoundedBiases(rest) if rest.shared else None


def gauge_of(optimizer: LionK) -> Gauge:
    """The gauge of a geometry; equal for geometries of the same norms, such as adamw and lion.

    Raises InputError for norms that no gauge here belongs to.
    """
    hidden = _hidden(optimizer.hidden)
    if hidden is None or optimizer.output not in _OUTPUT:
        norms = f"{optimizer.hidden} on W with {optimizer.output} on a"
        raise InputError("optimizer", f"no exact radii are known for {norms}")
    return Gauge(hidden, _OUTPUT[optimizer.output])


def _gram(columns: Scaled) -> fmpq_mat:
    """W W^T of scaled columns, (d, d)."""
    U = fmpq_mat([to_flint(u) for _, u in columns])
    W = fmpq_mat([to_flint(v / alpha for v in u) for alpha, u in columns])
    return U.transpose() * W


def _below(gram: fmpq_mat, bound: Fraction) -> bool:
    """Whether gram <= bound I"""
    d, top = gram.nrows(), to_flint([bound])[0]
    identity = fmpq_mat(d, d, [top if i == k else fmpq() for i in range(d) for k in range(d)])
    return is_positive_semidefinite(identity - gram)


def _roots(values: Sequence[Fraction], times: int) -> list[Fraction] | None:
    """Numbers in the proportions of the roots of values >= 0, of square roots taken so many times;
    None where there are no rational ones."""
    top = max(values)
    if not top:
        return None
    found = [v / top for v in values]
    for _ in range(times):
        roots = [sqrt_above(v) for v in found]
        if any(root * root != v for root, v in zip(roots, found, strict=True)):
            return None
        found = roots
    return found


def _rows(matrix: fmpz_mat) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(v) for v in row) for row in matrix.tolist())


def _inner(v: Sequence[Fraction], w: Sequence[Fraction]) -> Fraction:
    """|v . w|"""
    return abs(dot(v, w))
