"""What a neuron costs at most over all directions, in many dimensions: ramps below quadratics.

For lam in R^n let 2 g(u) = 2 lam . sigma(X u) = w . u + sum_k l_k |x_k . u|, where l_k is what the
slope of lam_k sigma grows by at zero. With M_k >= |x_k . u| wherever N(u) <= 1, and any b_k,

    l_k |t| <= (b_k t^2 + kappa_k) / 2 for |t| <= M_k,
    kappa_k = max over t in [0, M_k] of 2 l_k t - b_k t^2.

Let u^T G u <= trace wherever N(u) <= 1. With A = sum_k b_k x_k x_k^T / 2 and G - A definite

    2 g(u) <= w . u + u^T A u + sum_k kappa_k / 2
           <= w^T (G - A)^-1 w / 4 + trace + sum_k kappa_k / 2,

so this is twice the cost of any neuron: Shor's relaxation. All is convex in lam, b and G
together, and for the squared loss the bound of training is largest over all of them (`CVXPY`). What
it finds is rounded to rationals, for which the above is evaluated exactly. For spectral norms every
definite G will do, with its trace, so that Z is chosen first. Source: `all-patterns`,
proofs_notes/all-patterns.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import numpy as np
from flint import fmpq, fmpq_mat, fmpz_mat
from jaxtyping import Float

from theory.activation import Activation
from theory.exact import is_positive_definite, power_of_two, sqrt_above, to_flint
from theory.gauges import Metric
from theory.problem import in_integers
from theory.programs.program import failure_of
from theory.types import Array

_APART = 3.0  # times a part of it in Z may be the trace of a better Z
_BITS = 40  # of curvatures and of G, relative to the largest
_MORE = Fraction(1, 10**9)  # of G and A: what rounding may have taken of their difference


@dataclass(frozen=True, eq=False)
class Half:
    """For gains of one sign. curvatures: b (n,). weights: of G, one for each entry, or for N^2."""

    curvatures: tuple[Fraction, ...]
    weights: tuple[Fraction, ...]


class Norm:
    """N, of integer data X: the largest entry for `entries`, else sqrt(u^T Z u / tr Z), or l2.

    form, trace: Z / tr Z; the identity and 1 where there is no metric. reaches: M.
    """

    def __init__(self, X: Sequence[Sequence[int]], metric: Metric | None, *, entries: bool) -> None:
        d = len(X[0])
        self.entries, self.metric = entries, metric
        self.form = tuple(tuple(int(i == k) for k in range(d)) for i in range(d))
        self.trace = 1
        if metric is not None:
            self.form, self.trace = metric.Z, metric.trace
        self.reaches = [self._reach(row) for row in X]

    def _reach(self, x: Sequence[int]) -> Fraction:
        """At least |x . u| wherever N(u) <= 1."""
        if self.entries:
            return Fraction(sum(map(abs, x)))
        if self.metric is None:
            return sqrt_above(Fraction(sum(v * v for v in x)))
        return sqrt_above(self.trace * self.metric.norm_squared(x))

    def matrix(self, weights: Sequence[int]) -> fmpz_mat:
        """tr Z times the G for which u^T G u is at most the sum of the weights."""
        scale = list(weights) if self.entries else list(weights) * len(self.form)
        return fmpz_mat([[v * scale[i] for v in row] for i, row in enumerate(self.form)])


@dataclass(frozen=True, eq=False)
class Quadratics:
    """What proves that no direction costs more than `length`: in the units of `BlockDual`."""

    halves: Mapping[int, Half]
    length: Fraction

    def of(self, factor: Fraction) -> Quadratics:
        """The same where the integer X is so many times as large."""
        halves = {
            sign: Half(
                tuple(v / factor for v in half.curvatures), tuple(v * factor for v in half.weights)
            )
            for sign, half in self.halves.items()
        }
        return Quadratics(halves, self.length * factor)


def quadratics(
    X: Sequence[Sequence[int]],
    lam: Sequence[int],
    activation: Activation,
    norm: Norm,
    halves: Mapping[int, tuple[Float[Array, " n"], Float[Array, " g"]]],
) -> Quadratics:
    """From float curvatures and weights, by signs; these as much larger as it takes.

    X: (n, d) and lam: (n,) integers.
    """
    found, lengths = {}, []
    for sign, (curvatures, weights) in halves.items():
        signed = [sign * v for v in lam]
        b = _short(curvatures)
        # Of A, as G may be nothing where A is negative.
        sizes = (abs(v) * reach**2 for v, reach in zip(b, norm.reaches, strict=True))
        more = _MORE * max(*map(Fraction, weights.tolist()), *sizes) or _MORE
        while True:
            half = Half(b, tuple(v + more for v in _short(weights)))
            bound = length(X, signed, activation, norm, half)
            if bound is not None:
                break
            more *= 4
        found[sign] = half
        lengths.append(bound)
    return Quadratics(found, max(lengths))


def _short(values: Float[Array, " k"]) -> tuple[Fraction, ...]:
    """Of few bits, relative to the largest."""
    top = np.abs(values).max(initial=0.0)
    if not top:
        return (Fraction(),) * len(values)
    unit = power_of_two(Fraction(top)) / 2**_BITS
    return tuple(round(Fraction(v) / unit) * unit for v in values.tolist())


def length(
    X: Sequence[Sequence[int]],
    lam: Sequence[int],
    activation: Activation,
    norm: Norm,
    half: Half,
) -> Fraction | None:
    """What lam . sigma(X u) is at most where N(u) <= 1; None where G - A is not definite."""
    n = len(X)
    slopes, unit = activation.whole
    jump, both = int(slopes.jump), int(slopes.positive + slopes.negative)
    columns = fmpz_mat([list(column) for column in zip(*X, strict=True)])
    w = columns * fmpz_mat([[both * v] for v in lam])
    whole, scale = in_integers((*half.curvatures, *half.weights))
    bent = fmpz_mat([[norm.trace * whole[k] * v for v in row] for k, row in enumerate(X)])
    # 2 scale tr Z (G - A), of integers.
    left = norm.matrix([2 * v for v in whole[n:]]) - columns * bent
    if not is_positive_definite(left):
        return None
    inverse = cast(fmpq_mat, left.solve(w))  # times w
    form = (fmpq_mat(w.transpose()) * inverse)[0, 0] * 2 * scale * norm.trace / unit
    kappa = sum(
        (
            _highest(fmpq(jump * v), unit * b, reach)
            for v, b, reach in zip(
                lam, to_flint(half.curvatures), to_flint(norm.reaches), strict=True
            )
        ),
        fmpq(),
    )
    total = form / 4 + unit * sum(to_flint(half.weights), fmpq()) + kappa / 2
    return Fraction(int(total.p), 2 * unit * int(total.q))


def _highest(slope: fmpq, curvature: fmpq, reach: fmpq) -> fmpq:
    """The maximum over t in [0, reach] of 2 slope t - curvature t^2."""
    if curvature > 0 and 0 < slope < curvature * reach:
        return slope * slope / curvature
    return max(fmpq(), reach * (2 * slope - curvature * reach))


@dataclass(frozen=True, eq=False)
class Training:
    """What is to be large: lam . y - ||lam||^2 / 2 - weight c, c the cost, or without the last term
    and with c at most `weight`, where `penalised`.

    y: (n,). fixed: lam, where it is not to be chosen; then c is to be small. shares: weights, which
    the squares are divided by. free: what lam is orthogonal to.
    """

    y: Float[Array, " n"]
    weight: float
    penalised: bool
    fixed: Float[Array, " n"] | None
    shares: Float[Array, " n"] | None
    free: Float[Array, "n r"] | None


class Relaxed:
    """The convex problem in lam, b and G for one data set in floats."""

    def __init__(
        self,
        X: Float[Array, "n d"],
        activation: Activation,
        norm: Norm,
        unit: float,
        training: Training,
    ) -> None:
        """unit: of the integer X that `norm` is of, in X."""
        self.X, self.activation, self.norm, self.training = X, activation, norm, training
        self.reaches = np.array([float(v) for v in norm.reaches]) * unit
        self.form = np.array([[v / norm.trace for v in row] for row in norm.form])

    def solve(
        self,
    ) -> tuple[Float[Array, " n"], dict[int, tuple[Float[Array, " n"], Float[Array, " g"]]]] | None:
        """lam, and for both signs b and the weights of G; None where Clarabel finds none."""
        import cvxpy

        cp: Any = cvxpy
        program = _Program(cp, self, self.reaches)
        halves = {}
        for sign in (1, -1):
            weights = cp.Variable(len(self.form) if self.norm.entries else 1, nonneg=True)
            G = cp.diag(weights) if self.norm.entries else weights[0] * self.form
            halves[sign] = program.half(sign, G, cp.sum(weights)), weights
        if not program.solve():
            return None
        found = {}
        for sign, (b, weights) in halves.items():
            curvatures = np.zeros(len(self.X))
            curvatures[program.on] = b.value
            found[sign] = curvatures, np.maximum(weights.value, 0.0)
        return program.lam.value, found

    def better(self) -> Float[Array, "d d"] | None:
        """A better Z, for spectral norms; None where Clarabel finds none.

        Every G is a multiple of one. One of at least a part of its trace in Z lets |x_k . u| be
        at most so much larger.
        """
        import cvxpy

        cp: Any = cvxpy
        program = _Program(cp, self, math.sqrt(_APART) * self.reaches)
        part, rest = cp.Variable(nonneg=True), cp.Variable(self.form.shape, PSD=True)
        G, trace = part * self.form + rest, part + cp.trace(rest)
        program.constraints.append(_APART * part >= trace)
        for sign in (1, -1):
            program.half(sign, G, trace)
        return np.array(G.value) if program.solve() else None


class _Program:
    """In variables of CVXPY. on: the rows that are not zero."""

    def __init__(self, cp: Any, relaxed: Relaxed, reaches: Float[Array, " n"]) -> None:
        self.cp, self.relaxed = cp, relaxed
        self.on = np.flatnonzero(reaches)
        self.X, self.reaches = relaxed.X[self.on], reaches[self.on]
        self.lam, self.cost = cp.Variable(len(relaxed.X)), cp.Variable()
        self.constraints: list[Any] = []

    def half(self, sign: int, G: Any, trace: Any) -> Any:
        """Let the cost bound gains of this sign; their curvatures b, of the rows that are on."""
        cp, X, reaches = self.cp, self.X, self.reaches
        d = X.shape[1]
        activation = self.relaxed.activation
        lam = sign * self.lam[self.on]
        # b = (p - 2 q) / M with l = up - q serves both signs of l: -q t <= -q t^2 / M.
        up, q, p = (cp.Variable(len(X), nonneg=True) for _ in range(3))
        kappa = cp.Variable(len(X))
        b = cp.multiply(p - 2 * q, 1 / reaches)
        A = X.T @ cp.diag(b / 2) @ X
        arrow = cp.Variable((d + 1, d + 1), PSD=True)
        self.constraints += [
            float(activation.jump) * lam == up - q,
            cp.SOC(kappa + p, cp.vstack([2 * up, kappa - p]), axis=0),
            arrow[:d, :d] == G - A,
            2 * arrow[:d, d] == float(activation.positive + activation.negative) * (X.T @ lam),
            2 * self.cost >= arrow[d, d] + trace + reaches @ kappa / 2,
        ]
        return b

    def solve(self) -> bool:
        """Whether Clarabel does."""
        cp, goal, lam = self.cp, self.relaxed.training, self.lam
        constraints = list(self.constraints)
        if goal.fixed is not None:
            constraints.append(lam == goal.fixed)
        elif goal.free is not None:
            constraints.append(goal.free.T @ lam == 0)
        shared = lam if goal.shares is None else lam / goal.shares**0.5
        value = lam @ goal.y - cp.sum_squares(shared) / 2
        if goal.penalised and goal.fixed is None:
            constraints.append(self.cost <= goal.weight)
        else:
            value = value - goal.weight * self.cost
        size = float(goal.y @ goal.y) or 1.0
        problem = cp.Problem(cp.Maximize(value / size), constraints)
        failure = failure_of(problem, cp.CLARABEL, {})
        return failure is None and bool(np.isfinite(lam.value).all())
