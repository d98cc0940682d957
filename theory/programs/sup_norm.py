"""adamw, lion, signsgd and adamw-ngd: sums of largest entries.

A neuron in the first three balls has ||u_j||_inf <= rho, so k_b neurons in block b have ||u_b||_inf
<= k_b rho, and every such u_b splits into k_b equal neurons: p(m) is the least loss over integers
k_b with sum_b k_b <= m (theory/programs/counts.py solves that). In that of adamw-ngd they have
sum_b ||u_b||_inf^2 / k_b <= rho^2. For real k_b these are the programs

    relax(m) = min L  subject to  sum_b ||u_b||_inf <= rho m, respectively rho sqrt(m),

with p(m + n - 1) <= relax(m) <= p(m). Dual point: lam, mu_b >= 0 with h the radius times
max_b ||w_b||_1. Source: proofs_notes/sup-norm.md.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linprog
from scipy.sparse import block_diag

from theory.geometry import MixedNorm, Norm, VectorNorm
from theory.programs.blocks import Patterns
from theory.programs.family import Family, Prices
from theory.quiet import quiet
from theory.types import Array

_LOG = logging.getLogger(__name__)

_AT_ONCE = 16  # blocks priced by one linear program


class SupNorms(Family):
    """sum_b ||u_b||_inf"""

    @property
    def balls(self) -> tuple[Norm, VectorNorm]:
        return MixedNorm(math.inf, math.inf), VectorNorm(1)

    def norms(
        self, v: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, " b"]:
        lengths: Array = np.abs(v).sum(axis=1)
        return lengths

    def project(
        self,
        patterns: Patterns,
        blocks: Int[Array, " b"],
        v: Float[Array, "b d"],
        metric: Float[Array, "d d"] | None,
        enough: float,
    ) -> Prices:
        """Linear programs: max v . u over the cone with |u_k| <= 1; mu are their multipliers."""
        costs = self.norms(v, metric)
        sizes = np.abs(v).sum(axis=1)
        multipliers = {}
        lengths = np.maximum(np.linalg.norm(patterns.X, axis=1), np.finfo(float).tiny)
        rows = patterns.X / lengths[:, None]
        sides = patterns.sides(blocks)
        some, bounds = np.flatnonzero(costs), self.bounds(v.shape[1])
        for start in range(0, len(some), _AT_ONCE):
            # Several at once, as independent parts of one program: a call costs more than solving.
            part = some[start : start + _AT_ONCE]
            A = block_diag([-sides[k][:, None] * rows for k in part], format="csr")
            objective = -(v[part] / sizes[part, None]).ravel()
            box = [*bounds] * len(part)
            with quiet():
                found = linprog(objective, A_ub=A, b_ub=np.zeros(A.shape[0]), bounds=box)
            if found.status != 0:
                _LOG.info("HiGHS prices no block of %d: %s", len(part), found.message)
                continue
            marginals = found.ineqlin.marginals.reshape(len(part), len(rows))
            for k, marginal in zip(part.tolist(), marginals, strict=True):
                mu = -marginal * sizes[k] / lengths
                on = np.flatnonzero(mu > 0)
                w = v[k] + (sides[k][on] * mu[on]) @ patterns.X[on]
                (cost,) = self.norms(w[None], metric)
                if cost < costs[k]:
                    costs[k] = cost
                    multipliers[k] = (on, mu[on])
        return Prices(costs, multipliers)

    def bounds(self, d: int) -> Sequence[tuple[float, float]]:
        """Of the entries of neurons of length one."""
        return [(-1, 1)] * d

    def lengths(
        self, u: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, " b"]:
        lengths: Array = np.abs(u).max(axis=1)
        return lengths

    def best(
        self, v: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, "b d"]:
        signs: Array = np.sign(v)
        return signs
