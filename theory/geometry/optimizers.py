"""One geometry for each optimizer, and what it measures on a trained network."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from theory.errors import InputError, unknown
from theory.geometry.lp_norm import not_finite_is_no_error, positive, quotient
from theory.geometry.norms import Factorisation, MixedNorm, Norm, SchattenNorm, VectorNorm
from theory.types import Array

if TYPE_CHECKING:
    from jaxtyping import Float, Int

_Scalar = TypeVar("_Scalar", float, Fraction)


class Interval(NamedTuple):
    """Bounds, one for each batch item; equal where a closed form is known."""

    lower: Float[Array, "*batch"]
    upper: Float[Array, "*batch"]


class Geometry(ABC):
    """An optimizer's geometry: what a function costs in it, and its ball if it has one."""

    name: str

    @property
    @abstractmethod
    def ball(self) -> LionK:
        """The norm balls of the two layers; raises InputError if the optimizer has none."""

    @abstractmethod
    def _factorise(self, U: Float[Array, "*batch d m"]) -> Factorisation: ...

    def gauge(self, U: Float[Array, "*batch d m"]) -> Interval:
        """The least R_W R_a of a network with convex coordinates u_j = |a_j| w_j, and as many
        neurons; for sgd its least (||W||_F^2 + ||a||^2) / 2.

        Positively homogeneous, and the same for every order of the columns. In closed form but for
        muon, whose bounds are at most about 1e-10 m apart, relatively. Bounds hold up to rounding.

        Raises InputError if no method is known for a user's pair of norms.
        """
        lower, upper, _ = self._factorise(U)
        return Interval(lower, upper)

    @not_finite_is_no_error
    def lift(
        self, signs: Int[Array, "*batch m"], U: Float[Array, "*batch d m"]
    ) -> tuple[Float[Array, "*batch d m"], Float[Array, "*batch m"]]:
        """The network (W, a) with s_j = sign a_j and u_j = |a_j| w_j whose two layers both have
        norm sqrt(gauge(U).upper): the canonical lift of proofs_notes/group-lasso.md.

        For radii R_W != R_a multiply W by sqrt(R_W / R_a) and divide a by it. A column u_j = 0
        gives the neuron (0, 0).

        Raises InputError if a sign is not 1 or -1 where u_j is not 0.
        """
        _, upper, scale = self._factorise(U)
        if np.any((np.abs(signs) != 1) & (scale != 0)):
            raise InputError("signs", "must be 1 or -1 for every column of U that is not 0")
        balanced = scale * np.sqrt(upper)[..., None]
        return quotient(U, balanced[..., None, :]), signs * balanced


@dataclass(frozen=True)
class LionK(Geometry):
    """Lion-K with decoupled weight decay: the ball of `hidden` on W and of `output` on a.

    K is the sum of the dual norms, and the oracle of each norm gives the update direction.
    """

    name: str
    hidden: Norm
    output: VectorNorm

    @property
    def ball(self) -> LionK:
        """Itself."""
        return self

    def radius(self, weight_decay: _Scalar) -> _Scalar:
        """R = 1/lambda, the radius that decoupled weight decay lambda gives a layer; rho = R_W R_a.

        A Fraction gives a Fraction. Raises InputError if lambda is not positive.
        Source: [CLLL] (arXiv 2310.05898) and, for AdamW, [XL] (arXiv 2404.04454).
        """
        positive(weight_decay, "weight_decay")
        return 1 / weight_decay

    def _factorise(self, U: Float[Array, "*batch d m"]) -> Factorisation:
        return self.hidden.factorise(U, self.output)


@dataclass(frozen=True)
class L2Penalty(Geometry):
    """SGD with weight decay beta: no ball, but the penalty (beta/2)(||W||_F^2 + ||a||^2).

    Its least value over the networks with given convex coordinates is beta * gauge, at the lift.
    """

    name: str

    @property
    def ball(self) -> LionK:
        """Raises InputError: the penalty confines the network to no ball."""
        raise InputError(
            "optimizer",
            f"{self.name} has no norm ball, only an l2 penalty; take ngd for the l2 balls",
        )

    def penalty(
        self, W: Float[Array, "*batch d m"], a: Float[Array, "*batch m"], beta: float
    ) -> Float[Array, "*batch"]:
        """(beta/2)(||W||_F^2 + ||a||^2)"""
        penalty: Array = beta / 2 * ((W**2).sum(axis=(-2, -1)) + (a**2).sum(axis=-1))
        return penalty

    def _factorise(self, U: Float[Array, "*batch d m"]) -> Factorisation:
        return MixedNorm(2, 2).factorise(U, VectorNorm(2))


_LARGEST = VectorNorm(math.inf)
_ADAMW = LionK("adamw", MixedNorm(math.inf, math.inf), _LARGEST)
_MUON = LionK("muon", SchattenNorm(math.inf), VectorNorm(2))
_NGD = LionK("ngd", MixedNorm(2, 2), VectorNorm(2))
_COLNORM = LionK("colnorm", MixedNorm(2, math.inf), _LARGEST)


def _composed(hidden: LionK, output: LionK) -> LionK:
    """The hidden layer updated by one optimizer, the output layer by another one."""
    return LionK(f"{hidden.name}-{output.name}", hidden.hidden, output.output)


_GEOMETRIES: dict[str, Geometry] = {
    optimizer.name: optimizer
    for optimizer in (
        _ADAMW,
        replace(_ADAMW, name="lion"),
        replace(_ADAMW, name="signsgd"),
        _MUON,
        _composed(_MUON, _ADAMW),
        _NGD,
        _COLNORM,
        _composed(_ADAMW, _NGD),
        _composed(_COLNORM, _NGD),
        _composed(_NGD, _ADAMW),
        L2Penalty("sgd"),
    )
}


def names() -> tuple[str, ...]:
    """The optimizers that `geometry` knows."""
    return tuple(_GEOMETRIES)


def geometry(optimizer: str | Geometry) -> Geometry:
    """The geometry of an optimizer, by its name in any case (AdamW), or one's own as it is.

    Raises InputError with all names if there is none so called.
    """
    if isinstance(optimizer, Geometry):
        return optimizer
    if not isinstance(optimizer, str):
        raise InputError(
            "optimizer", f"is {optimizer!r}, but must be a name, such as 'muon', or a geometry"
        )
    if optimizer.lower() not in _GEOMETRIES:
        raise InputError("optimizer", unknown(optimizer, names()))
    return _GEOMETRIES[optimizer.lower()]


@not_finite_is_no_error
def frank_wolfe_gap(
    geometry: Geometry,
    W: Float[Array, "*batch d m"],
    a: Float[Array, "*batch m"],
    grad_W: Float[Array, "*batch d m"],
    grad_a: Float[Array, "*batch m"],
    R_W: float | Fraction,
    R_a: float | Fraction,
) -> Float[Array, "*batch"]:
    """G = <grad_W, W> + <grad_a, a> + R_W ||grad_W||_* + R_a ||grad_a||_*, in units of the loss.

    The most that <grad, theta - x> can be for x in the ball: G >= 0 for theta in the ball, and
    G = 0 exactly at the KKT points of minimising the loss over it (both up to rounding). Outside
    the ball it may be negative: see `ball_violation`.

    Raises InputError if the geometry has no ball or a radius is not positive.
    Source: the Lyapunov analysis of [CLLL] (arXiv 2310.05898) and, for AdamW, [XL] (arXiv
    2404.04454); proofs_notes/implicit-bias.md.
    """
    ball = geometry.ball
    R_W, R_a = positive(R_W, "R_W"), positive(R_a, "R_a")
    gap: Array = (
        (grad_W * W).sum(axis=(-2, -1))
        + (grad_a * a).sum(axis=-1)
        + R_W * ball.hidden.dual_value(grad_W)
        + R_a * ball.output.dual_value(grad_a)
    )
    return gap


def ball_violation(
    geometry: Geometry,
    W: Float[Array, "*batch d m"],
    a: Float[Array, "*batch m"],
    R_W: float | Fraction,
    R_a: float | Fraction,
) -> Float[Array, "*batch"]:
    """The larger of ||W|| / R_W - 1 and ||a|| / R_a - 1; 0 inside the ball.

    Raises InputError if the geometry has no ball or a radius is not positive.
    """
    ball = geometry.ball
    R_W, R_a = positive(R_W, "R_W"), positive(R_a, "R_a")
    ratio = np.maximum(ball.hidden.value(W) / R_W, ball.output.value(a) / R_a)
    violation: Array = np.maximum(ratio - 1, 0)
    return violation
