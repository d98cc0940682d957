"""Biases apart from the ball of W: lengths that do not count them, or count them on their own.

*Free.* Nothing bounds biases, so a neuron with a bias only adds a constant of either sign to the
fit: the program has the constant as a free column (free.py), and lam . 1 = 0. On every block the
last entry of w_b, that of the bias, has to be zero, and the cost is the dual norm of the others.
Multipliers mu_b that do that nearly are those of a feature so large that hardly any bias costs
anything; what is left is made up for exactly, by one multiplier more for each block (duals.py).

*As AdamW's*, where W has a spectral or Frobenius norm. All biases of m neurons together,
||b||_2 <= R_W m^1/2, take the place of each: a relaxation (`theory.gauges.SharedBiases`), whose
dual is that of muon, for Z without entries between the bias and the rest, and

    h = radius sqrt((tr Z_vv + m Z_bb) max_b w_b^T Z^-1 w_b).

Source: `bias-programs`, proofs_notes/biases.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from theory.gauges import Gauge, SharedBiases
from theory.geometry import Apart, Norm, VectorNorm
from theory.programs.blocks import Patterns
from theory.programs.family import Family, Multipliers, Prices
from theory.programs.group_lasso import GroupNorms
from theory.programs.sup_norm import SupNorms
from theory.programs.two_summing import TwoSumming, whitening
from theory.types import Array

_LONG = 2.0**14
"""How large the constant feature of free biases is, in units in which kinks are at one: the costs
of biases are then 2^-28 of others, and floats still tell these."""


class _Free(Family):
    """Families whose lengths do not count biases. X: (n, d), its last column constant."""

    def __init__(self, gauge: Gauge, X: Float[Array, "n d"]) -> None:
        super().__init__(gauge)
        self.X = X[:, :-1] / X[0, -1]

    def prices(
        self,
        patterns: Patterns,
        lam: Float[Array, " n"],
        metric: Float[Array, "d d"] | None,
        enough: float = 0.0,
        known: Multipliers | None = None,
    ) -> Prices:
        """For what is left of lam without the constant: rounding is no cost."""
        assert patterns.free is not None
        lam = lam - patterns.free @ (patterns.free.T @ lam)
        return super().prices(patterns, lam, metric, enough, known)


class FreeLengths(_Free, TwoSumming):
    """l2 lengths, or spectral norms, of the weights without biases."""

    interior = False

    @property
    def balls(self) -> tuple[Norm, VectorNorm]:
        rest = TwoSumming if self.gauge.hidden.joint else GroupNorms
        hidden, output = rest(self.gauge.rest).balls
        return Apart(hidden, free=True), output

    def norms(
        self, v: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, " b"]:
        """With what it costs to make up for the last entry by one multiplier more."""
        root = self.root(v.shape[1], metric, 1.0)
        lengths: Array = np.linalg.norm(v[:, :-1] @ root[:-1, :-1], axis=1)
        costs: Array = lengths + root[-1, -1] * np.abs(v[:, -1])
        return costs

    def root(
        self, d: int, metric: Float[Array, "d d"] | None, long: float = _LONG
    ) -> Float[Array, "d d"]:
        root = np.eye(d)
        if self.gauge.hidden.joint and d > 1:
            root[:-1, :-1] = whitening(d - 1, metric)
        kinks = np.linalg.norm(self.X @ root[:-1, :-1], axis=1).max()
        root[-1, -1] = long * (kinks or 1.0)
        return root

    def best(
        self, v: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, "b d"]:
        """With kinks among the data."""
        root = self.root(v.shape[1], metric, 1.0)
        return v @ root @ root.T


class FreeEntries(_Free, SupNorms):
    """Largest entries of the weights without biases."""

    @property
    def balls(self) -> tuple[Norm, VectorNorm]:
        hidden, output = super().balls
        return Apart(hidden, free=True), output

    def bounds(self, d: int) -> Sequence[tuple[float, float]]:
        """Kinks are inside."""
        return [(-1, 1)] * (d - 1) + [(-2 * self._kinks, 2 * self._kinks)]

    @property
    def _kinks(self) -> float:
        return float(np.abs(self.X).sum(axis=1).max()) or 1.0

    def norms(
        self, v: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, " b"]:
        """With what it costs to make up for the last entry by one multiplier more."""
        lengths: Array = np.abs(v[:, :-1]).sum(axis=1) + self._kinks * np.abs(v[:, -1])
        return lengths

    def lengths(
        self, u: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, " b"]:
        """A bias counts a little, so that no neuron has none."""
        biases = np.abs(u[:, -1]) / (_LONG * self._kinks)
        lengths: Array = np.maximum(np.abs(u[:, :-1]).max(axis=1, initial=0.0), biases)
        return lengths

    def best(
        self, v: Float[Array, "b d"], metric: Float[Array, "d d"] | None
    ) -> Float[Array, "b d"]:
        """With kinks among the data."""
        signs: Array = np.sign(v) * ([1.0] * (v.shape[1] - 1) + [self._kinks])
        return signs


class SharedLengths(TwoSumming):
    """The norm of W = [V; b] that is the larger of that of V and of ||b||_2 / m^1/2."""

    interior = False

    @property
    def balls(self) -> tuple[Norm, VectorNorm]:
        return self.gauge.hidden.norm, VectorNorm(2)

    def root(self, d: int, metric: Float[Array, "d d"] | None) -> Float[Array, "d d"]:
        """Of tr Z Z^-1, where the trace counts the bias as often as there are neurons."""
        hidden = self.relaxed.hidden
        assert isinstance(hidden, SharedBiases)
        sizes = np.ones(d) if metric is None else np.diag(metric)
        trace = float(sizes @ hidden.counts(d)) / float(sizes.sum())
        root: Array = whitening(d, metric) * np.sqrt(trace)
        return root
