"""l2 lengths: the group lasso of Pilanci and Ergen (2020), over cones.

Merging the neurons of a block, and scaling a neuron so that ||w_j|| = |a_j|, turn the balls of
networks into (u_b the sum of |a_j| w_j over the neurons of block b)

    ngd                     sum_b ||u_b||_2 <= rho           exact from m = min(2 P, n) neurons
    sgd                     penalty beta sum_b ||u_b||_2     likewise
    colnorm-ngd, ngd-adamw  sum_b ||u_b||_2 <= rho sqrt(m)   a relaxation of ||U||_F <= rho
    colnorm                 sum_b ||u_b||_2 <= rho m         a relaxation of all ||u_j|| <= rho

with p(m + n - 1) <= relax(m) <= p(m) for relaxations. Dual point: lam, mu_b >= 0 with h the radius
times max_b ||w_b||_2, and for sgd max_b ||w_b||_2 <= beta and h = 0. Source:
proofs_notes/group-lasso.md.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from theory.geometry import MixedNorm, Norm, VectorNorm
from theory.programs.blocks import Patterns
from theory.programs.cones import Cones
from theory.programs.family import Family, Prices
from theory.types import Array

if TYPE_CHECKING:
    import cvxpy


class GroupNorms(Family):
    """sum_b ||u_b||_2"""

    newton = True

    @property
    def balls(self) -> tuple[Norm, VectorNorm]:
        return MixedNorm(2, math.inf), VectorNorm(1)

    def penalty(self, U: cvxpy.Expression) -> cvxpy.Expression:
        from cvxpy.atoms.norm import norm

        total: cvxpy.Expression = norm(U, 2, axis=0).sum()
        return total

    def norms(
        self, v: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, " b"]:
        lengths: Array = np.linalg.norm(v, axis=1)
        return lengths

    def project(
        self,
        patterns: Patterns,
        blocks: Int[Array, " b"],
        v: Float[Array, "b d"],
        metric: Float[Array, "d d"] | None,
        enough: float,
    ) -> Prices:
        return project_l2(patterns.X, patterns.sides(blocks), v, enough)

    def lengths(
        self, u: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, " b"]:
        lengths: Array = np.linalg.norm(u, axis=1)
        return lengths

    def best(
        self, v: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, "b d"]:
        return v


def project_l2(
    X: Float[Array, "n d"], sides: Float[Array, "b n"], v: Float[Array, "b d"], enough: float
) -> Prices:
    """The least ||v_b + X^T S_b mu_b||_2."""
    cones = Cones(X, sides)
    w, mu = cones.project(v, np.arange(len(v)), enough)
    used = (cones.tight >= 0) & (mu > 0)
    multipliers = {
        int(k): (cones.tight[k][used[k]], mu[k][used[k]]) for k in np.flatnonzero(used.any(axis=1))
    }
    return Prices(np.linalg.norm(w, axis=1), multipliers)
