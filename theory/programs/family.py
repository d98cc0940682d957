"""What the geometries of the convex programs have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from theory.gauges import Gauge, Size
from theory.geometry import Norm, VectorNorm
from theory.programs.blocks import Patterns
from theory.types import Array

if TYPE_CHECKING:
    import cvxpy


Multipliers: TypeAlias = "dict[int, tuple[Int[Array, ' k'], Float[Array, ' k']]]"
"""mu_b by blocks: the rows where it is positive, and the values."""


class Prices(NamedTuple):
    """What a dual vector lam says about blocks: upper bounds and the multipliers that prove them.

    costs: (B,) float, the dual gauge of w_b = s_b X^T D_b lam + X^T (2 D_b - I) mu_b.
    multipliers: of the blocks with mu_b != 0.
    """

    costs: Float[Array, " B"]
    multipliers: Multipliers


class Family(ABC):
    """The sum of the lengths of the blocks' coordinates U = [u_b], and its dual for pricing.

    For the spectral norm the 2-summing norm is what takes the place of a sum.

    The program is min L(sum_b s_b D_b X u_b) over u_b in their cones with gauge(U) <= radius. For
    all lam and mu_b >= 0 the fit obeys lam . f <= sum_b w_b . u_b, so with h the dual gauge, taken
    over the networks in the ball, L >= D(lam) - h (theory/losses.py). `theory.gauges` has
    the exact h; this class has the floating-point side.

    Networks of width m in a ball rho are in the program of radius rho m^(1 - 1/s), s the power of
    their gauge: the power mean of k equal parts. newton: whether `GroupLasso` solves it. interior:
    whether `SpectralProgram` does. relaxed: the gauge of the program, at a width.
    """

    newton: ClassVar[bool] = False
    interior: ClassVar[bool] = False

    def __init__(self, gauge: Gauge, width: int | None = None) -> None:
        self.gauge, self.relaxed = gauge, gauge.relaxation(width)

    @property
    @abstractmethod
    def balls(self) -> tuple[Norm, VectorNorm]:
        """Norms of W and a of any width, whose least product is the gauge."""

    def radius(self, rho: Fraction, width: int) -> float:
        """The radius of the program whose ball holds those of networks of this width."""
        return float(self.gauge.relaxed(rho, width))

    def ball(self, U: cvxpy.Expression, radius: cvxpy.Parameter) -> Size:
        """The ball of the program, for U (d, B)."""
        return self.relaxed.hidden.ball(U, radius, 1)

    def cell(
        self, U: cvxpy.Expression, radius: cvxpy.Parameter, counts: Float[Array, " B"]
    ) -> Size:
        """The ball of networks with `counts` neurons in the blocks of U (d, B); radius: rho."""
        return self.gauge.hidden.ball(U, radius, self.gauge.power, counts)

    def penalty(self, U: cvxpy.Expression) -> cvxpy.Expression:
        """The sum of lengths as a convex expression, where a penalty is meant (sgd only)."""
        raise NotImplementedError

    @abstractmethod
    def norms(
        self, v: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, " b"]:
        """The norm of each row that its dual gauge is made of."""

    @abstractmethod
    def project(
        self,
        patterns: Patterns,
        blocks: Int[Array, " b"],
        v: Float[Array, "b d"],
        metric: Float[Array, "d d"] | None,
        enough: float,
    ) -> Prices:
        """The least norms of v_b + X^T (2 D_b - I) mu_b over mu_b >= 0; blocks named 0 .. b-1."""

    @abstractmethod
    def lengths(
        self, u: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, " b"]:
        """The norm of each row that `norms` is dual to."""

    @abstractmethod
    def best(
        self, v: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, "b d"]:
        """The direction of largest v . u per unit of `lengths`, for each row."""

    def prices(
        self,
        patterns: Patterns,
        lam: Float[Array, " n"],
        metric: Float[Array, "d d"] | None,
        enough: float = 0.0,
        known: Multipliers | None = None,
    ) -> Prices:
        """All blocks. Where mu = 0, or that of `known`, proves a cost of at most `enough`, it is
        not improved."""
        v = patterns.gradients(lam)
        costs = self.norms(v, metric)
        multipliers: Multipliers = {}
        known = known or {}
        again = [block for block in known if costs[block] > enough]
        if again:
            w = v[again]
            for k, block in enumerate(again):
                rows, mu = known[block]
                w[k] += (patterns.sides(block)[rows] * mu) @ patterns.X[rows]
            norms = self.norms(w, metric)
            for block, norm in zip(again, norms.tolist(), strict=True):
                if norm <= enough:
                    costs[block] = norm
                    multipliers[block] = known[block]
        open_ = np.flatnonzero(costs > enough)
        found = self.project(patterns, open_, v[open_], metric, enough)
        costs[open_] = found.costs
        multipliers |= {int(open_[k]): mu for k, mu in found.multipliers.items()}
        return Prices(costs, multipliers)
