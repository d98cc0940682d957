"""Blocks of a convex program: an activation pattern with the sign of the output weight.

On block b the network contributes s_b D_b X u_b, linear in u_b, for u_b in the cone
{u : S_b X u >= 0}, where S_b = diag(+-1) has the sides of the rows and D_b the activation's slopes
there: for ReLU S_b = 2 D_b - I. Blocks are numbered like states, by patterns (`theory.states`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from theory.activation import Activation
from theory.states import cone_of, sign_of, state_of
from theory.types import Array

_AT_ONCE = 1 << 23  # entries of a float array over blocks and data points


def distinct(patterns: Bool[Array, "P n"]) -> Bool[Array, "Q n"]:
    """The different rows, in the order of their first occurrence."""
    packed = np.packbits(patterns, axis=1)
    _, first = np.unique(packed, axis=0, return_index=True)
    return patterns[np.sort(first)]


@dataclass(frozen=True, eq=False)
class Patterns:
    """Activation patterns (P, n) over data X (n, d), for both signs: 2 P blocks.

    free: a basis of what may be added to the fit at will, see `theory.programs.free`.
    """

    X: Float[Array, "n d"]
    activation: Activation
    active: Bool[Array, "P n"]
    free: Float[Array, "n r"] | None = None

    @property
    def count(self) -> int:
        """The number of blocks."""
        return 2 * len(self.active)

    def signs(self, blocks: Int[Array, " b"]) -> Float[Array, " b"]:
        """s_b"""
        signs: Array = sign_of(blocks).astype(float)
        return signs

    def sides(self, blocks: Int[Array, " b"] | int) -> Float[Array, "*b n"]:
        """The diagonals of S_b, +-1."""
        return np.where(self.active[cone_of(blocks)], 1.0, -1.0)

    def masks(self, blocks: Int[Array, " b"]) -> Float[Array, "b n"]:
        """The diagonals of s_b D_b."""
        masks: Array = self.activation.slopes(self.active[cone_of(blocks)])
        return masks * self.signs(blocks)[:, None]

    def blocks(self, active: Bool[Array, "b n"], signs: Float[Array, " b"]) -> Int[Array, " b"]:
        """The blocks of these patterns, which must be among those here, and signs."""
        number = {row.tobytes(): p for p, row in enumerate(np.packbits(self.active, axis=1))}
        rows = [number[row.tobytes()] for row in np.packbits(active, axis=1)]
        blocks: Array = state_of(np.array(rows, dtype=int), signs)
        return blocks

    def gradients(self, lam: Float[Array, " n"]) -> Float[Array, "B d"]:
        """s_b X^T D_b lam for every block: what lam . f gains per unit of u_b."""
        positive = np.concatenate(
            [
                self.activation.slopes(self.active[part]) @ (lam[:, None] * self.X)
                for part in self._parts
            ]
        )
        both: Array = np.stack([positive, -positive], axis=1)
        return both.reshape(self.count, self.X.shape[1])

    @cached_property
    def _parts(self) -> list[slice]:
        step = max(1, _AT_ONCE // self.active.shape[1])
        return [slice(i, i + step) for i in range(0, len(self.active), step)]

    def joined(self, further: Bool[Array, "Q n"]) -> Patterns:
        """These patterns, then those of `further` that are new; blocks keep their numbers."""
        return replace(self, active=distinct(np.concatenate([self.active, further])))

    def sigmas(self, nonzero: Bool[Array, " n"]) -> Iterator[str]:
        """The patterns as text of '+' and '-', with '0' at zero rows."""
        for row in self.active:
            yield "".join(
                "0" if not there else "+" if on else "-"
                for on, there in zip(row.tolist(), nonzero.tolist(), strict=True)
            )
