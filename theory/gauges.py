"""The least R_W R_a of a geometry as a gauge of convex coordinates: exact bounds.

Each gauge has an exact upper bound, from a network, and an exact upper bound of its dual norm,
which weak duality makes a lower bound. With U = [u_1 .. u_m], W = [w_1 .. w_m] and positive
definite Z (proofs_notes/radii.md):

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
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

import numpy as np
from flint import fmpq_mat, fmpz_mat

from theory.errors import InputError
from theory.exact import (
    dot,
    is_positive_definite,
    is_positive_semidefinite,
    sqrt_above,
    squared,
    to_flint,
)
from theory.geometry import Geometry, LionK, Norm, VectorNorm, geometry
from theory.network import Network

if TYPE_CHECKING:
    from jaxtyping import Float

Point: TypeAlias = tuple[tuple[Fraction, ...], ...]  # (m, d): u_1..u_m

_Array: TypeAlias = np.ndarray[Any, Any]

_BITS = 50  # kept of a float array, relative to its largest entry
_REGULARISATION = 1e-9  # of Z, relative to its trace: it may be singular at the optimum
_FIXED = 1e-15  # a change of Z that ends a fixed point iteration
_ITERATIONS = 500  # of a fixed point; whatever it finds is a bound


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


class Gauge(ABC):
    """The least R_W R_a for given convex coordinates, in one geometry."""

    exact = False
    """Whether minimising it is a linear program, solved exactly."""

    summed: bool = False
    """Whether neurons share the ball (the l2 norm of `a` counts), or each has room of its own."""

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

    def holds(self, network: Network, rho: Fraction) -> bool:
        """Whether ||W|| ||a|| <= rho, exactly and of the network as it stands."""
        size = self.output_squared(network.a)
        return self.hidden_squared(network.neurons()) * size <= rho * rho

    @abstractmethod
    def support(
        self, U: Float[_Array, "d m"]
    ) -> tuple[Float[_Array, "d m"], Float[_Array, "d d"] | None]:
        """W and Z that nearly attain gauge(U) = max <U, W> / (dual norm of W), for U != 0."""

    def below(self, u: Point) -> Fraction:
        """A lower bound of the gauge, by weak duality."""
        top = max(abs(v) for uj in u for v in uj)
        if not top:
            return top
        W, Z = self.support(np.array([[float(v / top) for v in uj] for uj in u]).T)
        scale = 2**_BITS / float(np.abs(W).max())
        columns = [[round(float(v) * scale) for v in w] for w in W.T]
        metric = None if Z is None else Metric.near(Z)
        product = sum(
            (v * p for uj, w in zip(u, columns, strict=True) for v, p in zip(uj, w, strict=True)),
            Fraction(),
        )
        return product / self.dual([self.cost(w, metric) for w in columns], metric)

    def bounds(self, signs: Sequence[int], u: Point) -> tuple[Fraction, Fraction]:
        """Bounds of the gauge, by weak duality and by a network."""
        upper = self.witness(signs, u)[1]
        return (upper if self.exact else self.below(u)), upper

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

    def cost(self, w: Sequence[int], metric: Metric | None) -> Fraction:
        return Fraction(sum(map(abs, w)))

    def dual(self, costs: Sequence[Fraction], metric: Metric | None) -> Fraction:
        return sum(costs, Fraction())

    def hidden_squared(self, W: Sequence[Sequence[Fraction]]) -> Fraction:
        return max(v * v for w in W for v in w)

    def support(self, U: Float[_Array, "d m"]) -> tuple[Float[_Array, "d m"], None]:
        return np.where(
            np.arange(U.size).reshape(U.shape) == np.abs(U).argmax(), np.sign(U), 0
        ), None


@dataclass(frozen=True)
class ColumnNorms(Gauge):
    """max_j ||u_j||_2, or sum_j ||u_j||_2 where the l2 norm of `a` counts (`summed`)."""

    summed: bool

    def cost(self, w: Sequence[int], metric: Metric | None) -> Fraction:
        return sqrt_above(dot(w, w))

    def dual(self, costs: Sequence[Fraction], metric: Metric | None) -> Fraction:
        return max(costs) if self.summed else sum(costs, Fraction())

    def hidden_squared(self, W: Sequence[Sequence[Fraction]]) -> Fraction:
        squares = [squared(w) for w in W]
        return sum(squares, Fraction()) if self.summed else max(squares)

    def support(self, U: Float[_Array, "d m"]) -> tuple[Float[_Array, "d m"], None]:
        lengths = np.linalg.norm(U, axis=0)
        counted = lengths > 0 if self.summed else np.arange(len(lengths)) == lengths.argmax()
        return U * counted / np.where(counted, lengths, 1.0), None

    def output_squared(self, a: Sequence[Fraction]) -> Fraction:
        return squared(a) if self.summed else super().output_squared(a)

    def scale(self, signs: Sequence[int], u: Point) -> list[Fraction]:
        return _lifted("ngd", signs, u) if self.summed else super().scale(signs, u)


@dataclass(frozen=True)
class Spectral(Gauge):
    """||U||_op, or its 2-summing norm where the l2 norm of `a` counts (`summed`)."""

    summed: bool

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

    def holds(self, network: Network, rho: Fraction) -> bool:
        (bound, size) = to_flint([rho * rho, self.output_squared(network.a)])
        W = fmpq_mat([to_flint(row) for row in network.W])
        gram = W.transpose() * W if W.ncols() <= W.nrows() else W * W.transpose()
        diagonal = fmpq_mat(gram.nrows(), gram.nrows())
        for k in range(gram.nrows()):
            diagonal[k, k] = bound
        return is_positive_semidefinite(diagonal - size * gram)

    def support(self, U: Float[_Array, "d m"]) -> tuple[Float[_Array, "d m"], Float[_Array, "d d"]]:
        """Where the l2 norm of `a` counts the gauge is the largest sum_j sqrt(u_j^T Z u_j) with
        tr Z = 1, whose maximiser is a fixed point of Z -> G Z G / tr(G Z G), G its gradient."""
        if not self.summed:
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

    def output_squared(self, a: Sequence[Fraction]) -> Fraction:
        return squared(a) if self.summed else super().output_squared(a)

    def bounds(self, signs: Sequence[int], u: Point) -> tuple[Fraction, Fraction]:
        if not self.summed or len(u) != 2:
            return super().bounds(signs, u)
        # The 2-summing norm of two columns is the larger of ||u_1 + u_2|| and ||u_1 - u_2||.
        square = sum(map(squared, u), 2 * _inner(*u))
        above = sqrt_above(square)
        return square / (above or Fraction(1)), above

    def scale(self, signs: Sequence[int], u: Point) -> list[Fraction]:
        if not self.summed:
            return super().scale(signs, u)
        if len(u) == 2 and any(map(any, u)):
            # The least diag(t) >= U^T U has t_j = ||u_j||^2 + |u_1 . u_2|.
            top = max(abs(v) for uj in u for v in uj)
            return [Fraction(math.sqrt((squared(uj) + _inner(*u)) / top**2)) for uj in u]
        return _lifted("muon", signs, u)


_GAUGES: dict[tuple[Norm, VectorNorm], Gauge] = {
    geometry(name).ball.norms: gauge
    for name, gauge in (
        ("adamw", Entrywise()),
        ("muon", Spectral(summed=True)),
        ("muon-adamw", Spectral(summed=False)),
        ("ngd", ColumnNorms(summed=True)),
        ("colnorm", ColumnNorms(summed=False)),
    )
}


def has_gauge(optimizer: Geometry) -> bool:
    """Whether `gauge_of` knows the ball of a geometry; those of users it may not."""
    return isinstance(optimizer, LionK) and optimizer.norms in _GAUGES


def gauge_of(optimizer: LionK) -> Gauge:
    """The gauge of a geometry; equal for geometries of the same norms, such as adamw and lion.

    Raises InputError for norms that no gauge here belongs to.
    """
    pair = optimizer.norms
    if not has_gauge(optimizer):
        raise InputError(
            "optimizer", f"no exact radii are known for {pair[0]} on W with {pair[1]} on a"
        )
    return _GAUGES[pair]


def _rows(matrix: fmpz_mat) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(v) for v in row) for row in matrix.tolist())


def _inner(v: Sequence[Fraction], w: Sequence[Fraction]) -> Fraction:
    """|v . w|"""
    return abs(sum((p * q for p, q in zip(v, w, strict=True)), Fraction()))


def _lifted(name: str, signs: Sequence[int], u: Point) -> list[Fraction]:
    """|a_j| of the canonical lift in a geometry, rounded; 0 exactly where u_j = 0."""
    top = max(abs(v) for uj in u for v in uj) or Fraction(1)
    U = np.array([[float(v / top) for v in uj] for uj in u]).T
    _, a = geometry(name).lift(np.array(signs), U)
    return [Fraction(abs(v)) for v in a.tolist()]
