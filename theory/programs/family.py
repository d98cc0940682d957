"""What the geometries of the convex programs have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from theory.gauges import Gauge
from theory.geometry import Norm, VectorNorm
from theory.programs.blocks import Patterns

if TYPE_CHECKING:
    import cvxpy

_Array: TypeAlias = np.ndarray[Any, Any]


class Size(NamedTuple):
    """The ball as CVXPY constraints; `arrow` is the semidefinite one, if there is one."""

    constraints: list[cvxpy.Constraint]
    arrow: cvxpy.Constraint | None = None


Multipliers: TypeAlias = "dict[int, tuple[Int[_Array, ' k'], Float[_Array, ' k']]]"
"""mu_b by blocks: the rows where it is positive, and the values."""


class Prices(NamedTuple):
    """What a dual vector lam says about blocks: upper bounds and the multipliers that prove them.

    costs: (B,) float, the dual gauge of w_b = s_b X^T D_b lam + X^T (2 D_b - I) mu_b.
    multipliers: of the blocks with mu_b != 0.
    """

    costs: Float[_Array, " B"]
    multipliers: Multipliers


class Family(ABC):
    """A gauge of the blocks' coordinates U = [u_b]: its ball, and its dual for pricing.

    The program is min L(sum_b s_b D_b X u_b) over u_b in their cones with gauge(U) <= radius. For
    all lam and mu_b >= 0 the fit obeys lam . f <= sum_b w_b . u_b, so with h the dual gauge, taken
    over the networks in the ball, L >= D(lam) - h (theory/losses.py). `theory.gauges` has
    the exact h; this class has the floating-point side.
    """

    gauge: Gauge

    @property
    @abstractmethod
    def balls(self) -> tuple[Norm, VectorNorm]:
        """Norms of W and a of any width, whose least product is the gauge."""

    @abstractmethod
    def radius(self, rho: Fraction, width: int) -> float:
        """The radius of the program whose ball holds those of networks of this width."""

    @abstractmethod
    def ball(self, U: cvxpy.Expression, radius: cvxpy.Parameter) -> Size:
        """gauge(U) <= radius for U (d, B)."""

    @abstractmethod
    def cell(
        self, U: cvxpy.Expression, radius: cvxpy.Parameter, counts: Float[_Array, " B"]
    ) -> Size:
        """The ball of networks with `counts` neurons in the blocks of U (d, B); radius: rho."""

    def penalty(self, U: cvxpy.Expression) -> cvxpy.Expression:
        """The gauge as a convex expression, where a penalty is meant (sgd only)."""
        raise NotImplementedError

    @abstractmethod
    def norms(
        self, v: Float[_Array, "b d"], metric: Float[_Array, "d d"] | None
    ) -> Float[_Array, " b"]:
        """The norm of each row that its dual gauge is made of."""

    @abstractmethod
    def project(
        self,
        patterns: Patterns,
        blocks: Int[_Array, " b"],
        v: Float[_Array, "b d"],
        metric: Float[_Array, "d d"] | None,
        enough: float,
    ) -> Prices:
        """The least norms of v_b + X^T (2 D_b - I) mu_b over mu_b >= 0; blocks named 0 .. b-1."""

    @abstractmethod
    def lengths(
        self, u: Float[_Array, "b d"], metric: Float[_Array, "d d"] | None
    ) -> Float[_Array, " b"]:
        """The norm of each row that `norms` is dual to."""

    @abstractmethod
    def best(
        self, v: Float[_Array, "b d"], metric: Float[_Array, "d d"] | None
    ) -> Float[_Array, "b d"]:
        """The direction of largest v . u per unit of `lengths`, for each row."""

    def prices(
        self,
        patterns: Patterns,
        lam: Float[_Array, " n"],
        metric: Float[_Array, "d d"] | None,
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
                sides = np.where(patterns.active[block // 2][rows], mu, -mu)
                w[k] += sides @ patterns.X[rows]
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
