"""muon-adamw: Muon on the hidden layer, AdamW on the output, as in practice.

With |a_j| <= R_a only U counts, and k_b neurons in block b have (split equally)

    sum_b u_b u_b^T / k_b <= rho^2 I (psd),   sum_b k_b <= m,

a matrix-fractional constraint. p(m) is the least loss over integers k_b; for real ones it is

    relax(m) = min L  subject to  [[rho^2 I, U], [U^T, diag k]] >= 0 (psd),  sum_b k_b <= m,

the program of muon with radius rho sqrt(m). With q = n + d (d + 1) / 2,
p(m + q - 2) <= relax(m) <= p(m).

Dual point: lam, mu_b >= 0, definite Z with h = rho sqrt(m tr Z max_b w_b^T Z^-1 w_b). Source:
proofs_notes/matrix-fractional.md.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from jaxtyping import Float

from theory.gauges import Spectral
from theory.programs.family import Size
from theory.programs.two_summing import TwoSumming

if TYPE_CHECKING:
    import cvxpy

_Array: TypeAlias = np.ndarray[Any, Any]


class MatrixFractional(TwoSumming):
    """The blocks' coordinates of networks with |a_j| <= R_a, in units of sqrt(m)."""

    gauge = Spectral(summed=False)

    def cell(
        self, U: cvxpy.Expression, radius: cvxpy.Parameter, counts: Float[_Array, " B"]
    ) -> Size:
        """sum_b u_b u_b^T / k_b <= rho^2 I, that is ||U diag(k)^(-1/2)||_op <= rho."""
        from cvxpy.atoms.affine.binary_operators import multiply
        from cvxpy.atoms.sigma_max import sigma_max

        return Size([sigma_max(multiply(U, 1 / np.sqrt(counts)[None, :])) <= radius])

    def radius(self, rho: Fraction, width: int) -> float:
        return float(rho) * math.sqrt(width)
