"""Norms on one layer: l_p, mixed and Schatten, each with its dual, oracle and projection."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from theory.errors import InputError
from theory.geometry.lp_norm import (
    aligned,
    columns,
    conjugate,
    lp_norm,
    positive,
    project_lp,
    quotient,
)
from theory.geometry.two_summing import (
    least_lengths_of_outputs,
    least_squares_of_outputs,
    two_summing,
)
from theory.types import Array

if TYPE_CHECKING:
    import cvxpy
    from jaxtyping import Float


class Factorisation(NamedTuple):
    """The least norm(U diag(1/b)) * ||b|| over b >= 0, for one norm on W and one on a.

    lower <= minimum <= upper. `scale` is a b of norm 1 that attains `upper`; it is 0 exactly where
    the column of U is 0, and such a column counts as 0 in U diag(1/b).
    """

    lower: Float[Array, "*batch"]
    upper: Float[Array, "*batch"]
    scale: Float[Array, "*batch m"]


_FAINT = 2.0**-10
"""What a neuron with nothing but a free bias gets of the output layer, which is to be little."""


class Norm(ABC):
    """A norm on one layer. A new one needs a value, the dual value and the oracle; the rest is
    optional and says so when it is missing."""

    @abstractmethod
    def value(self, x: Float[Array, "*layer"]) -> Float[Array, "*batch"]:
        """||x||"""

    @abstractmethod
    def dual_value(self, g: Float[Array, "*layer"]) -> Float[Array, "*batch"]:
        """||g||_* = max of <g, x> over ||x|| <= 1"""

    @abstractmethod
    def lmo(self, g: Float[Array, "*layer"], radius: float | Fraction) -> Float[Array, "*layer"]:
        """The linear minimisation oracle: an x in the ball with <g, x> = -radius ||g||_*.

        Where several are, the one that is 0 in the directions that g does not name; 0 for g = 0.
        Raises InputError if radius is not positive.
        """

    def project(
        self, x: Float[Array, "*layer"], radius: float | Fraction
    ) -> Float[Array, "*layer"]:
        """The nearest point of the ball in the Euclidean (Frobenius) distance.

        Raises InputError if radius is not positive or the projection has no closed form.
        """
        raise InputError("norm", f"{self} has no closed-form projection")

    def constraint(
        self, variable: cvxpy.Expression, radius: float | Fraction | cvxpy.Expression
    ) -> cvxpy.Constraint:
        """The CVXPY constraint ||variable|| <= radius; the variable is one layer, without batch.

        Raises InputError if CVXPY has no atom for this norm.
        """
        raise InputError("norm", f"{self} has no CVXPY atom")

    def factorise(self, U: Float[Array, "*batch d m"], output: VectorNorm) -> Factorisation:
        """How cheaply U splits into W diag(b) with this norm on W and `output` on b >= 0.

        Raises InputError if no method is known for the pair of norms.
        """
        raise InputError("norm", f"no gauge is known for {self} on W with {output} on a")


@dataclass(frozen=True)
class VectorNorm(Norm):
    """The l_p norm of a vector, 1 <= p <= inf: the last axis of an array."""

    p: float

    def __post_init__(self) -> None:
        _check_exponent(self.p, "p")

    def value(self, x: Float[Array, "*batch m"]) -> Float[Array, "*batch"]:
        return lp_norm(x, self.p)

    def dual_value(self, g: Float[Array, "*batch m"]) -> Float[Array, "*batch"]:
        return lp_norm(g, conjugate(self.p))

    def lmo(
        self, g: Float[Array, "*batch m"], radius: float | Fraction
    ) -> Float[Array, "*batch m"]:
        radius = positive(radius, "radius")
        return -radius * aligned(g, self.p)

    def project(
        self, x: Float[Array, "*batch m"], radius: float | Fraction
    ) -> Float[Array, "*batch m"]:
        """p = 1, 2, inf only; see `Norm.project`."""
        radius = positive(radius, "radius")
        return project_lp(x, self.p, radius)

    def constraint(
        self, variable: cvxpy.Expression, radius: float | Fraction | cvxpy.Expression
    ) -> cvxpy.Constraint:
        return _at_most(_cvxpy_norm(variable, self.p), radius)


@dataclass(frozen=True)
class MixedNorm(Norm):
    """The l_q norm of the columns' l_p norms, 1 <= p, q <= inf; p = q is the entrywise l_p norm."""

    p: float
    q: float

    def __post_init__(self) -> None:
        _check_exponent(self.p, "p")
        _check_exponent(self.q, "q")

    def value(self, x: Float[Array, "*batch d m"]) -> Float[Array, "*batch"]:
        return lp_norm(lp_norm(columns(x), self.p), self.q)

    def dual_value(self, g: Float[Array, "*batch d m"]) -> Float[Array, "*batch"]:
        return lp_norm(lp_norm(columns(g), conjugate(self.p)), conjugate(self.q))

    def lmo(
        self, g: Float[Array, "*batch d m"], radius: float | Fraction
    ) -> Float[Array, "*batch d m"]:
        radius = positive(radius, "radius")
        lengths = aligned(lp_norm(columns(g), conjugate(self.p)), self.q)
        return -radius * columns(aligned(columns(g), self.p) * lengths[..., None])

    def project(
        self, x: Float[Array, "*batch d m"], radius: float | Fraction
    ) -> Float[Array, "*batch d m"]:
        """q = inf, p = q or p = 2, all exponents in {1, 2, inf}; see `Norm.project`."""
        radius = positive(radius, "radius")
        if math.isinf(self.q):
            return columns(project_lp(columns(x), self.p, radius))
        if self.p == self.q:
            entries = x.reshape(*x.shape[:-2], -1)
            return project_lp(entries, self.p, radius).reshape(x.shape)
        if self.p == 2:
            lengths = lp_norm(columns(x), 2)
            ratios = quotient(project_lp(lengths, self.q, radius), lengths)
            return x * ratios[..., None, :]
        return super().project(x, radius)

    def constraint(
        self, variable: cvxpy.Expression, radius: float | Fraction | cvxpy.Expression
    ) -> cvxpy.Constraint:
        from cvxpy.atoms.affine.hstack import hstack

        lengths = [_cvxpy_norm(variable[:, j], self.p) for j in range(variable.shape[1])]
        return _at_most(_cvxpy_norm(hstack(lengths), self.q), radius)

    def factorise(self, U: Float[Array, "*batch d m"], output: VectorNorm) -> Factorisation:
        """In closed form: ||c||_s for the columns' norms c and 1/s = 1/q + 1/r, r = output.p.

        Hoelder: ||c||_s <= ||c/b||_q ||b||_r, with equality where b_j^(q+r) is proportional to
        c_j^q; for q = r = inf, b = sqrt(c) is the choice of proofs_notes/radii.md.
        """
        lengths = lp_norm(columns(U), self.p)
        inverse = 1 / self.q + 1 / output.p
        power = 1 / output.p / inverse if inverse else 0.5
        gauge = lp_norm(lengths, 1 / inverse if inverse else math.inf)
        scale = np.where(lengths == 0, 0.0, lengths**power)
        return Factorisation(gauge, gauge, quotient(scale, output.value(scale)[..., None]))


@dataclass(frozen=True)
class SchattenNorm(Norm):
    """The l_p norm of the singular values, 1 <= p <= inf: 1 nuclear, 2 Frobenius, inf spectral."""

    p: float

    def __post_init__(self) -> None:
        _check_exponent(self.p, "p")

    def value(self, x: Float[Array, "*batch d m"]) -> Float[Array, "*batch"]:
        return lp_norm(_svd(x)[1], self.p)

    def dual_value(self, g: Float[Array, "*batch d m"]) -> Float[Array, "*batch"]:
        return lp_norm(_svd(g)[1], conjugate(self.p))

    def lmo(
        self, g: Float[Array, "*batch d m"], radius: float | Fraction
    ) -> Float[Array, "*batch d m"]:
        """For p = inf -radius times the polar factor of g; it keeps the rank of g."""
        radius = positive(radius, "radius")
        left, values, right = _svd(g)
        rounding = max(g.shape[-2:]) * np.finfo(np.float64).eps * values.max(axis=-1, keepdims=True)
        values = np.where(values <= rounding, 0.0, values)
        return -radius * _from_svd(left, aligned(values, self.p), right)

    def project(
        self, x: Float[Array, "*batch d m"], radius: float | Fraction
    ) -> Float[Array, "*batch d m"]:
        """p = 1, 2, inf only; see `Norm.project`."""
        radius = positive(radius, "radius")
        left, values, right = _svd(x)
        return _from_svd(left, project_lp(values, self.p, radius), right)

    def constraint(
        self, variable: cvxpy.Expression, radius: float | Fraction | cvxpy.Expression
    ) -> cvxpy.Constraint:
        """p = 1, 2, inf only; see `Norm.constraint`."""
        from cvxpy.atoms.norm import norm

        atoms: dict[float, Any] = {1: "nuc", 2: "fro", math.inf: 2}
        if self.p not in atoms:
            return super().constraint(variable, radius)
        return _at_most(norm(variable, atoms[self.p]), radius)

    def factorise(self, U: Float[Array, "*batch d m"], output: VectorNorm) -> Factorisation:
        """p = 2 with any output norm, any p with the largest entry, p = inf with l2 (`muon`)."""
        if self.p == 2:
            return MixedNorm(2, 2).factorise(U, output)
        if math.isinf(output.p):  # a column divided by less than the largest b_j only costs more
            value = self.value(U)
            return Factorisation(value, value, np.where(lp_norm(columns(U), 2) == 0, 0.0, 1.0))
        if math.isinf(self.p) and output.p == 2:
            return Factorisation(*two_summing(U))
        return super().factorise(U, output)


@dataclass(frozen=True)
class Apart(Norm):
    """A norm on W without its last row, the hidden biases: of these no entry is larger than the
    rest is long, or they are free and do not count."""

    rest: Norm
    free: bool

    def value(self, x: Float[Array, "*batch d m"]) -> Float[Array, "*batch"]:
        value = self.rest.value(x[..., :-1, :])
        return value if self.free else np.maximum(value, np.abs(x[..., -1, :]).max(axis=-1))

    def dual_value(self, g: Float[Array, "*batch d m"]) -> Float[Array, "*batch"]:
        """Infinite where biases are free and g is not zero there."""
        total = np.abs(g[..., -1, :]).sum(axis=-1)
        if self.free:
            total = np.where(total == 0, 0.0, math.inf)
        dual: Array = self.rest.dual_value(g[..., :-1, :]) + total
        return dual

    def lmo(
        self, g: Float[Array, "*batch d m"], radius: float | Fraction
    ) -> Float[Array, "*batch d m"]:
        """Raises InputError where biases are free: there is no least value."""
        if self.free:
            raise InputError("bias", "there is no oracle where biases are free")
        rest, biases = self.rest.lmo(g[..., :-1, :], radius), aligned(g[..., -1:, :], math.inf)
        return np.concatenate([rest, -positive(radius, "radius") * biases], axis=-2)

    def project(
        self, x: Float[Array, "*batch d m"], radius: float | Fraction
    ) -> Float[Array, "*batch d m"]:
        """Each part on its own; see `Norm.project`."""
        rest, biases = self.rest.project(x[..., :-1, :], radius), x[..., -1:, :]
        if not self.free:
            biases = project_lp(biases, math.inf, positive(radius, "radius"))
        return np.concatenate([rest, biases], axis=-2)

    def factorise(self, U: Float[Array, "*batch d m"], output: VectorNorm) -> Factorisation:
        """Where biases are free a column of nothing else takes little of `b`, and in the limit
        nothing. Else for the largest entry of b, and for its l2 norm where the rest has a spectral
        or the Frobenius norm."""
        found, biases = self.rest.factorise(U[..., :-1, :], output), np.abs(U[..., -1, :])
        if self.free:
            scale = np.where((found.scale == 0) & (biases > 0), _FAINT, found.scale)
            size = output.value(scale)
            scale = quotient(scale, size[..., None])
            return Factorisation(found.lower, found.upper * np.maximum(size, 1.0), scale)
        used, V = (U != 0).any(axis=-2), U[..., :-1, :]
        if math.isinf(output.p):
            top = biases.max(axis=-1)
            lower, upper = np.maximum(found.lower, top), np.maximum(found.upper, top)
            return Factorisation(lower, upper, np.where(used, 1.0, 0.0))
        if output.p == 2 and self.rest == SchattenNorm(math.inf):
            squares = least_squares_of_outputs(np.swapaxes(V, -1, -2) @ V, biases**2)
        elif output.p == 2 and self.rest in (SchattenNorm(2), MixedNorm(2, 2)):
            squares = least_lengths_of_outputs((V**2).sum(axis=-2), biases**2)
        else:
            return super().factorise(U, output)
        scale = np.where(used, np.sqrt(squares), 0.0)
        size = output.value(scale)
        lower = np.minimum(np.maximum(found.lower, output.value(biases)), size)
        return Factorisation(lower, size, quotient(scale, size[..., None]))

    def __str__(self) -> str:
        return f"{self.rest} with {'free' if self.free else 'bounded'} biases"


def _svd(
    x: Float[Array, "*batch d m"],
) -> tuple[Float[Array, "*batch d k"], Float[Array, "*batch k"], Float[Array, "*batch k m"]]:
    """The thin singular value decomposition; values are NaN where x is not finite."""
    finite: Array = np.all(np.isfinite(x), axis=(-2, -1))
    left, values, right = np.linalg.svd(
        np.where(finite[..., None, None], x, 0.0), full_matrices=False
    )
    return left, np.where(finite[..., None], values, np.nan), right


def _from_svd(
    left: Float[Array, "*batch d k"],
    values: Float[Array, "*batch k"],
    right: Float[Array, "*batch k m"],
) -> Float[Array, "*batch d m"]:
    product: Array = (left * values[..., None, :]) @ right
    return product


def _check_exponent(p: float, name: str) -> None:
    if not p >= 1:
        raise InputError(name, f"is {p}, but a norm needs an exponent of at least 1")


def _cvxpy_norm(x: cvxpy.Expression, p: Any) -> cvxpy.Expression:
    """The l_p norm of a vector; CVXPY annotates p as an integer, but takes any p."""
    from cvxpy.atoms.pnorm import pnorm

    norm: cvxpy.Expression = pnorm(x, p)
    return norm


def _at_most(
    norm: cvxpy.Expression, radius: float | Fraction | cvxpy.Expression
) -> cvxpy.Constraint:
    """norm <= radius; CVXPY takes no Fraction."""
    bound: cvxpy.Constraint = norm <= (float(radius) if isinstance(radius, Fraction) else radius)
    return bound
