"""muon and muon-adamw: the 2-summing norm of the blocks' coordinates, as a semidefinite program.

With alpha_b = sum a_j^2 over the neurons of block b muon's ball of networks becomes

    [[R_W^2 I, U], [U^T, diag alpha]] >= 0 (psd),   sum_b alpha_b <= R_a^2,

which says U = W diag(a) with ||W||_op <= R_W and ||a||_2 <= R_a (Pietsch); rescaled, both are rho.
It is a lower bound at every width, and exact from m = min(2 P, n + d (d + 1) / 2 - 1).

muon-adamw: with |a_j| <= R_a only U counts, and k_b neurons in block b have (split equally)

    sum_b u_b u_b^T / k_b <= rho^2 I (psd),   sum_b k_b <= m,

a matrix-fractional constraint. p(m) is the least loss over integers k_b; for real ones it is the
program of muon with radius rho sqrt(m). With q = n + d (d + 1) / 2,
p(m + q - 2) <= relax(m) <= p(m).

Dual point: lam, mu_b >= 0 and definite Z with h = radius sqrt(tr Z max_b w_b^T Z^-1 w_b). Z is the
corner of the multiplier of the semidefinite constraint. Source: proofs_notes/two-summing.md and
matrix-fractional.md.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Int

from theory.geometry import Norm, SchattenNorm, VectorNorm
from theory.programs.blocks import Patterns
from theory.programs.family import Family, Prices
from theory.programs.group_lasso import project_l2
from theory.types import Array

_REGULARISATION = 1e-9  # of Z, relative to its trace: it may be singular at the optimum


class TwoSumming(Family):
    """The least R_W R_a of networks with these blocks, both layers shared."""

    interior = True

    @property
    def balls(self) -> tuple[Norm, VectorNorm]:
        return SchattenNorm(math.inf), VectorNorm(2)

    def norms(
        self, v: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, " b"]:
        """sqrt(tr Z w^T Z^-1 w); without a Z that of the identity."""
        lengths: Array = np.linalg.norm(v @ self.root(v.shape[1], metric), axis=1)
        return lengths

    def root(self, d: int, metric: Float[Array, "d d"] | None) -> Float[Array, "d d"]:
        """Of tr Z Z^-1."""
        return whitening(d, metric)

    def project(
        self,
        patterns: Patterns,
        blocks: Int[Array, " b"],
        v: Float[Array, "b d"],
        metric: Float[Array, "d d"] | None,
        enough: float,
    ) -> Prices:
        """In the coordinates in which Z is a multiple of the identity."""
        root = self.root(v.shape[1], metric)
        return project_l2(patterns.X @ root, patterns.sides(blocks), v @ root, enough)

    def lengths(
        self, u: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, " b"]:
        root = np.linalg.inv(self.root(u.shape[1], metric))
        lengths: Array = np.linalg.norm(u @ root.T, axis=1)
        return lengths

    def best(
        self, v: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, "b d"]:
        root = self.root(v.shape[1], metric)
        return v @ root @ root.T


def whitening(d: int, metric: Float[Array, "d d"] | None) -> Float[Array, "d d"]:
    """A root of tr Z Z^-1."""
    Z = np.eye(d) if metric is None else (metric + metric.T) / 2
    values, vectors = np.linalg.eigh(Z / np.trace(Z))
    root: Array = vectors / np.sqrt(np.maximum(values, 0.0) + _REGULARISATION)
    return root
