"""Projection onto many cones {u : (2 D_b - I) X u >= 0} at once.

The projection of v onto cone b is w = v + X^T (2 D_b - I) mu with the mu >= 0 that makes w shortest
(Moreau). So it is the pricing problem of the group norms: ||w|| is the maximum of v.u over the unit
vectors u of the cone, and mu the multipliers that prove it.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import nnls

from theory.types import Array

_VIOLATED = 1e-12  # of a side, relative to ||x_k|| ||v||
_PASSES = 12  # of pivoting; few cones that were projected before need more than three


class Cones:
    """Cones over the same X, each with the rows that were tight at its last projection.

    X: (n, d). sides: (B, n) of +-1, the diagonals of 2 D_b - I.
    """

    def __init__(self, X: Float[Array, "n d"], sides: Float[Array, "B n"]) -> None:
        self.X = X
        self.sides = sides
        self._lengths = np.maximum(np.linalg.norm(X, axis=1), np.finfo(float).tiny)
        # Independent rows, so at most d of them; unused slots hold -1.
        self.tight: Int[Array, "B d"] = np.full((len(sides), X.shape[1]), -1)

    def project(
        self, v: Float[Array, "b d"], which: Int[Array, " b"], enough: float = 0.0
    ) -> tuple[Float[Array, "b d"], Float[Array, "b d"]]:
        """The projections w of v onto the cones `which`, and mu in the slots of `tight`.

        Where some mu >= 0 makes w no longer than `enough`, a better one is not looked for.

        All cones pivot together: solve for mu on the tight rows; drop those where it is negative,
        or else add the row that w violates most. Where neither is left to do, w is the projection.
        This may cycle; scipy does the cones that do not come to an end, or were never projected.
        """
        w, mu = v.copy(), np.zeros_like(v)
        size = np.linalg.norm(v, axis=1)
        cold = (self.tight[which] < 0).all(axis=1)
        at = np.arange(len(v))
        slack = self._slack(w, which)
        rest = at[cold & (slack.min(axis=1) < -_VIOLATED * size)]
        at = at[~cold]
        for _ in range(_PASSES):
            if not len(at):
                break
            cones = which[at]
            tight = self.tight[cones]
            used = tight >= 0
            A = np.where(used, np.take_along_axis(self.sides[cones], np.maximum(tight, 0), 1), 0.0)
            A = A[..., None] * self.X[tight]
            found = _multipliers(A, used, v[at])
            negative = used & ~(found > 0)
            solved = ~negative.any(axis=1)
            tight[negative] = -1
            w[at] = v[at] + (found[:, None, :] @ A)[:, 0]
            mu[at] = found
            slack = self._slack(w[at], cones)
            worst = slack.argmin(axis=1)
            violated = slack[np.arange(len(at)), worst] < -_VIOLATED * size[at]
            violated &= np.linalg.norm(w[at], axis=1) > enough
            full = (tight >= 0).all(axis=1)
            repeated = (tight == worst[:, None]).any(axis=1)
            stuck = solved & violated & (full | repeated)
            adding = np.flatnonzero(solved & violated & ~stuck)
            tight[adding, (tight[adding] < 0).argmax(axis=1)] = worst[adding]
            self.tight[cones] = tight
            rest = np.concatenate([rest, at[stuck]])
            at = at[(violated | ~solved) & ~stuck]
        for place in (*rest, *at):
            self._by_scipy(v, w, mu, place, int(which[place]))
        return w, mu

    def _slack(self, w: Float[Array, "b d"], cones: Int[Array, " b"]) -> Float[Array, "b n"]:
        """(2 D - I) X w, in units of ||x_k||."""
        slack: Array = (w @ self.X.T) * self.sides[cones] / self._lengths
        return slack

    def _by_scipy(
        self,
        v: Float[Array, "b d"],
        w: Float[Array, "b d"],
        mu: Float[Array, "b d"],
        place: int,
        cone: int,
    ) -> None:
        A = (self.sides[cone][:, None] * self.X / self._lengths[:, None]).T
        found, _ = nnls(A, -v[place], maxiter=100 * len(self.X))
        rows = np.flatnonzero(found)[: A.shape[0]]
        self.tight[cone] = -1
        self.tight[cone, : len(rows)] = rows
        mu[place] = 0.0
        mu[place, : len(rows)] = found[rows] / self._lengths[rows]
        w[place] = v[place] + A[:, rows] @ found[rows]


def _multipliers(
    A: Float[Array, "b d d"], used: Bool[Array, "b d"], v: Float[Array, "b d"]
) -> Float[Array, "b d"]:
    """The mu on the used rows that make v + A^T mu shortest."""
    gram = A @ A.transpose(0, 2, 1)
    diagonal = np.arange(A.shape[1])
    # A little regular, should rows be dependent.
    gram[:, diagonal, diagonal] += np.where(used, 1e-15 * gram[:, diagonal, diagonal], 1.0)
    solution: Array = np.linalg.solve(gram, -(A @ v[..., None]))[..., 0]
    return solution
