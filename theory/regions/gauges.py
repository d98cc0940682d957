"""The least R_W R_a of a geometry as a gauge of convex coordinates: programs and exact bounds.

Each gauge has a convex program over a fibre, in floating point; an exact upper bound, from a
network; and an exact upper bound of its dual norm, which weak duality makes a lower bound. With
U = [u_1 .. u_m], W = [w_1 .. w_m] and positive definite Z (proofs_notes/radii.md):

| geometry   | gauge of U      | dual norm of W                                |
|------------|-----------------|-----------------------------------------------|
| adamw      | max |u_jk|      | sum_j ||w_j||_1                               |
| colnorm    | max_j ||u_j||_2 | sum_j ||w_j||_2                               |
| ngd        | sum_j ||u_j||_2 | max_j ||w_j||_2                               |
| muon-adamw | ||U||_op        | min over Z of sqrt(tr Z sum_j w_j^T Z^-1 w_j) |
| muon       | 2-summing norm  | min over Z of sqrt(tr Z max_j w_j^T Z^-1 w_j) |
"""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

import numpy as np
from flint import fmpq_mat, fmpz_mat
from jaxtyping import Float

from theory.errors import InputError
from theory.geometry import LionK, Norm, VectorNorm, geometry
from theory.landscape.nnls import dot
from theory.network import Network
from theory.regions.exact import is_positive_definite, sqrt_above
from theory.regions.fibre import Fibre, Point

if TYPE_CHECKING:
    import cvxpy

_Array: TypeAlias = np.ndarray[Any, Any]

_BITS = 50  # kept of a float array, relative to its largest entry
_REGULARISATION = 1e-9  # of Z, relative to its trace: it may be singular at the optimum
_TOLERANCE = 1e-10  # of the conic solver; its default of 1e-8 would be most of what we promise


class Metric(NamedTuple):
    """A positive definite integer matrix Z (d, d), with Z^-1 = numerators / denominator."""

    Z: tuple[tuple[int, ...], ...]
    numerators: tuple[tuple[int, ...], ...]
    denominator: int

    @classmethod
    def near(cls, matrix: Float[_Array, "d d"]) -> Metric:
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
        inverse, denominator = cast(fmpq_mat, Z.inv()).numer_denom()
        return cls(_rows(Z), _rows(inverse), int(denominator))

    @property
    def trace(self) -> int:
        """tr Z"""
        return sum(row[k] for k, row in enumerate(self.Z))

    def norm_squared(self, w: Sequence[int]) -> Fraction:
        """w^T Z^-1 w"""
        return Fraction(dot(w, [dot(row, w) for row in self.numerators]), self.denominator)


@dataclass(frozen=True)
class Solution:
    """What minimising a gauge over a fibre found; the exact bounds are made of it.

    target: (m, d), a point near the fibre. lam: (n,), of the fit. mu: (m, n) >= 0, of the cones.
    metric: Z for the spectral norms.
    """

    target: Point
    lam: tuple[Fraction, ...]
    mu: tuple[tuple[Fraction, ...], ...]
    metric: Metric | None = None


class Gauge(ABC):
    """The least R_W R_a for given convex coordinates, in one geometry."""

    exact = False
    """Whether minimising it over a fibre is a linear program, solved exactly."""

    @abstractmethod
    def attempts(self, fibre: Fibre) -> Iterator[Solution]:
        """Ways to minimise the gauge over the fibre; take the next where one is not accurate."""

    @abstractmethod
    def cost(self, w: Sequence[int], metric: Metric | None) -> Fraction:
        """What one column contributes to `dual`."""

    @abstractmethod
    def dual(self, costs: Sequence[Fraction], metric: Metric | None) -> Fraction:
        """An upper bound of the dual norm of the columns with these costs."""

    @abstractmethod
    def hidden_squared(self, W: Sequence[Sequence[Fraction]]) -> Fraction:
        """An upper bound of ||W||^2; W by columns, (m, d)."""

    def output_squared(self, a: Sequence[Fraction]) -> Fraction:
        """||a||^2"""
        return max(v * v for v in a)

    def scale(self, signs: Sequence[int], u: Point) -> list[Fraction]:
        """|a_j| of the least network with these convex coordinates, up to a common factor."""
        return [Fraction(1)] * len(u)

    def witness(self, signs: Sequence[int], u: Point) -> tuple[Network, Fraction]:
        """A network with these convex coordinates, and an upper bound of its ||W|| ||a||."""
        sizes = self.scale(signs, u)
        pairs = list(zip(u, sizes, strict=True))
        columns = [tuple(v / size if size else Fraction() for v in uj) for uj, size in pairs]
        a = [s * size for s, size in zip(signs, sizes, strict=True)]
        network = Network(W=tuple(zip(*columns, strict=True)), a=tuple(a))
        return network, sqrt_above(self.hidden_squared(columns) * self.output_squared(a))


class Entrywise(Gauge):
    """max |u_jk|: the largest entry on both layers."""

    exact = True

    def attempts(self, fibre: Fibre) -> Iterator[Solution]:
        nearest = fibre.nearest(tuple(tuple(Fraction() for _ in u) for u in fibre.start))
        yield Solution(nearest.point, nearest.lam, nearest.mu)

    def cost(self, w: Sequence[int], metric: Metric | None) -> Fraction:
        return Fraction(sum(map(abs, w)))

    def dual(self, costs: Sequence[Fraction], metric: Metric | None) -> Fraction:
        return sum(costs, Fraction())

    def hidden_squared(self, W: Sequence[Sequence[Fraction]]) -> Fraction:
        return max(v * v for w in W for v in w)


class _Conic(Gauge):
    """Minimised by an interior point method; where that breaks down the exact linear program of the
    largest entry gives bounds, if wide ones."""

    @abstractmethod
    def program(self, U: cvxpy.Variable) -> _Objective:
        """The gauge of a CVXPY variable U (d, m)."""

    def attempts(self, fibre: Fibre) -> Iterator[Solution]:
        compiled = _compiled(self, len(fibre.X), len(fibre.X[0]), len(fibre.signs))
        for scaled in (False, True):
            found = compiled.solve(fibre, scaled)
            if found is not None:
                yield found
        yield from Entrywise().attempts(fibre)


@dataclass(frozen=True)
class ColumnNorms(_Conic):
    """max_j ||u_j||_2, or sum_j ||u_j||_2 where the l2 norm of `a` counts (`summed`)."""

    summed: bool

    def program(self, U: cvxpy.Variable) -> _Objective:
        from cvxpy.atoms.norm import norm

        lengths = norm(U, 2, axis=0)
        return _Objective(lengths.sum() if self.summed else lengths.max())

    def cost(self, w: Sequence[int], metric: Metric | None) -> Fraction:
        return sqrt_above(dot(w, w))

    def dual(self, costs: Sequence[Fraction], metric: Metric | None) -> Fraction:
        return max(costs) if self.summed else sum(costs, Fraction())

    def hidden_squared(self, W: Sequence[Sequence[Fraction]]) -> Fraction:
        squares = [_square(w) for w in W]
        return sum(squares, Fraction()) if self.summed else max(squares)

    def output_squared(self, a: Sequence[Fraction]) -> Fraction:
        return _square(a) if self.summed else super().output_squared(a)

    def scale(self, signs: Sequence[int], u: Point) -> list[Fraction]:
        return _lifted("ngd", signs, u) if self.summed else super().scale(signs, u)


@dataclass(frozen=True)
class Spectral(_Conic):
    """||U||_op, or its 2-summing norm where the l2 norm of `a` counts (`summed`)."""

    summed: bool

    def program(self, U: cvxpy.Variable) -> _Objective:
        import cvxpy
        from cvxpy.atoms.affine.bmat import bmat
        from cvxpy.atoms.affine.diag import diag
        from cvxpy.atoms.sigma_max import sigma_max

        if not self.summed:
            return _Objective(sigma_max(U))
        d, m = U.shape
        rho, alpha = cvxpy.Variable(), cvxpy.Variable(m)
        blocks = [[rho * np.eye(d), U], [U.T, diag(alpha)]]
        block = bmat(blocks)  # type: ignore[no-untyped-call]
        return _Objective(rho, alpha.sum() <= rho, block >> 0)

    def attempts(self, fibre: Fibre) -> Iterator[Solution]:
        """With (W W^T)^(1/2), the best Z for the nuclear norm, where the program gives none."""
        for found in super().attempts(fibre):
            if found.metric is not None:
                yield found
                continue
            columns = fibre.columns(found.lam, found.mu)
            top = max(abs(v) for w in columns for v in w) or Fraction(1)
            W = np.array([[float(v / top) for v in w] for w in columns]).T
            values, vectors = np.linalg.eigh(W @ W.T)
            root = vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
            yield replace(found, metric=Metric.near(root))

    def cost(self, w: Sequence[int], metric: Metric | None) -> Fraction:
        assert metric is not None
        return metric.norm_squared(w)

    def dual(self, costs: Sequence[Fraction], metric: Metric | None) -> Fraction:
        assert metric is not None
        return sqrt_above(metric.trace * (max(costs) if self.summed else sum(costs, Fraction())))

    def hidden_squared(self, W: Sequence[Sequence[Fraction]]) -> Fraction:
        """lambda_max of the Gram matrix: the least multiple of I tried that proves larger."""
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
        while True:
            bound = math.ceil(trace * Fraction(top + excess))
            identity = fmpz_mat([[int(i == k) for k in range(size)] for i in range(size)])
            if is_positive_definite(bound * identity - gram):
                return Fraction(bound, denominator**2)
            excess *= 2

    def output_squared(self, a: Sequence[Fraction]) -> Fraction:
        return _square(a) if self.summed else super().output_squared(a)

    def scale(self, signs: Sequence[int], u: Point) -> list[Fraction]:
        return _lifted("muon", signs, u) if self.summed else super().scale(signs, u)


_GAUGES: dict[tuple[Norm, VectorNorm], Gauge] = {
    (geometry(name).ball.hidden, geometry(name).ball.output): gauge
    for name, gauge in (
        ("adamw", Entrywise()),
        ("muon", Spectral(summed=True)),
        ("muon-adamw", Spectral(summed=False)),
        ("ngd", ColumnNorms(summed=True)),
        ("colnorm", ColumnNorms(summed=False)),
    )
}


def gauge_of(optimizer: LionK) -> Gauge:
    """The gauge of a geometry; equal for geometries of the same norms, such as adamw and lion.

    Raises InputError for norms that no gauge here belongs to.
    """
    pair = (optimizer.hidden, optimizer.output)
    if pair not in _GAUGES:
        raise InputError(
            "optimizer", f"no exact radii are known for {pair[0]} on W with {pair[1]} on a"
        )
    return _GAUGES[pair]


class _Objective(NamedTuple):
    """A gauge as a convex program: for muon the value rho with sum_j alpha_j <= rho (`budget`) and
    [[rho I, U], [U^T, diag alpha]] >= 0 (`block`), whose multiplier has Z in its corner."""

    value: cvxpy.Expression
    budget: cvxpy.Constraint | None = None
    block: cvxpy.Constraint | None = None


class _Compiled:
    """The program of a gauge for all fibres of one shape: CVXPY canonicalises it once."""

    def __init__(self, gauge: _Conic, n: int, d: int, m: int) -> None:
        import cvxpy
        from cvxpy.atoms.affine.binary_operators import multiply
        from cvxpy.atoms.affine.vstack import vstack

        V = cvxpy.Variable((d, m))  # U with its rows scaled
        self._scales = cvxpy.Parameter((d, 1))
        self._U = multiply(self._scales, V)
        self._fit_map = cvxpy.Parameter((n, d * m))
        self._cones = cvxpy.Parameter((n * m, d))
        self._fit = cvxpy.Parameter(n)
        sides = [self._cones[j * n : (j + 1) * n] @ V[:, j] for j in range(m)]
        self._on_fit = self._fit_map @ V.flatten(order="F") == self._fit
        self._in_cones = vstack(sides) >= 0
        objective = gauge.program(self._U)
        self._block = objective.block
        constraints = [self._on_fit, self._in_cones, objective.budget, objective.block]
        self._problem = cvxpy.Problem(
            cvxpy.Minimize(objective.value), [c for c in constraints if c is not None]
        )

    def solve(self, fibre: Fibre, scaled: bool) -> Solution | None:
        """A float solution, rounded to rationals; None where the solver has none.

        scaled: whether the columns of X are brought to one size. That helps where they differ by
        orders of magnitude, but not always: the norm's own conditioning then suffers.
        """
        import cvxpy

        # Rows and fit of largest entry 1, as the solver's tolerances are absolute.
        scales = [Fraction(1)] * len(fibre.X[0])
        if scaled:
            scales = [1 / (max(map(abs, x)) or Fraction(1)) for x in zip(*fibre.X, strict=True)]
            scales = [scale / max(scales) for scale in scales]
        rows = [[v * c for v, c in zip(x, scales, strict=True)] for x in fibre.X]
        tops = [max(map(abs, x)) or Fraction(1) for x in rows]
        fits = [f / top for f, top in zip(fibre.fit, tops, strict=True)]
        size = max(map(abs, fits))
        X = np.array([[float(v / t) for v in x] for x, t in zip(rows, tops, strict=True)])
        self._scales.value = np.array([[float(c)] for c in scales])
        active = np.array(fibre.active)
        sides = np.where(active, 1.0, -1.0)
        self._fit_map.value = np.hstack(
            [s * on[:, None] * X for s, on in zip(fibre.signs, active, strict=True)]
        )
        self._cones.value = np.vstack([side[:, None] * X for side in sides])
        self._fit.value = np.array([float(f / size) for f in fits])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of inaccurate solutions: the bounds will tell
                self._problem.solve(  # type: ignore[no-untyped-call]
                    solver=cvxpy.CLARABEL,
                    tol_gap_abs=_TOLERANCE,
                    tol_gap_rel=_TOLERANCE,
                    tol_feas=_TOLERANCE,
                )
        except cvxpy.SolverError:
            return None
        U, lam, mu = self._U.value, self._on_fit.dual_value, self._in_cones.dual_value
        block = None if self._block is None else self._block.dual_value
        found = [U, lam, mu] if self._block is None else [U, lam, mu, block]
        if not all(x is not None and np.isfinite(x).all() for x in found):
            return None
        # A positive multiple of (lam, mu) is as good; CVXPY's lam has the other sign.
        lam, mu, d = -lam, np.maximum(mu, 0.0), len(U)
        top = max(float(np.abs(lam).max()), float(mu.max())) or 1.0
        return Solution(
            target=tuple(tuple(_rounded(v, 1.0) * size for v in u) for u in U.T),
            lam=tuple(_rounded(v, top) / t for v, t in zip(lam, tops, strict=True)),
            mu=tuple(
                tuple(_rounded(v, top) / t for v, t in zip(row, tops, strict=True)) for row in mu
            ),
            metric=None if block is None else Metric.near(block[:d, :d]),
        )


@lru_cache(maxsize=64)
def _compiled(gauge: _Conic, n: int, d: int, m: int) -> _Compiled:
    return _Compiled(gauge, n, d, m)


def _rounded(value: float, top: float) -> Fraction:
    """value / top as a rational of few digits."""
    return Fraction(round(float(value) / top * 2**_BITS), 2**_BITS)


def _rows(matrix: fmpz_mat) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(v) for v in row) for row in matrix.tolist())


def _square(vector: Sequence[Fraction]) -> Fraction:
    return sum((v * v for v in vector), Fraction())


def _lifted(name: str, signs: Sequence[int], u: Point) -> list[Fraction]:
    """|a_j| of the canonical lift in a geometry, rounded; 0 exactly where u_j = 0."""
    top = max(abs(v) for uj in u for v in uj)
    U = np.array([[float(v / top) for v in uj] for uj in u]).T
    _, a = geometry(name).lift(np.array(signs), U)
    return [Fraction(abs(v)) for v in a.tolist()]
