"""The gauge of Muon: the 2-summing norm of the convex coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from theory.geometry.lp_norm import quotient, scale
from theory.types import Array

if TYPE_CHECKING:
    from jaxtyping import Float


# The barrier weight at which the muon gauge stops, relative to ||U||_F^2: the squared gauge is then
# known to about m times this. At 1e-11 the Newton systems can run out of digits.
_BARRIER_END = 1e-10
_BARRIER_SHRINK = 0.2
_HALVINGS = 60
_MAX_NEWTON_STEPS = 1000  # 40 to 100 are usual; stopping early only widens the interval


def two_summing(
    U: Float[Array, "*batch d m"],
) -> tuple[Float[Array, "*batch"], Float[Array, "*batch"], Float[Array, "*batch m"]]:
    """The least ||U diag(1/b)||_op ||b||_2 over b >= 0: lower and upper bounds, and the b of
    the upper, with ||b||_2 = 1. The bounds are at most about 1e-10 m apart, relatively.

    ||U diag(1/b)||_op <= R means diag(R^2 b^2) - U^T U >= 0 (psd). With t = R^2 b^2 the squared
    minimum is that of a maximum cut relaxation and its dual (Goemans, Williamson 1995),

        min { sum t : diag(t) >= U^T U }  =  max { <U^T U, Y> : Y >= 0, Y_jj = 1 }.

    So m = 1 gives ||u||, and m = 2 the larger of ||u_1 + u_2|| and ||u_1 - u_2||. A feasible t is
    an upper bound, and a feasible Y = V V^T, with rows of unit length, the lower bound ||U V||_F.

    Newton's method follows the minimisers of sum(t)/mu - log det(diag(t) - U^T U) as mu falls. With
    S = (diag(t) - U^T U)^-1 the Hessian is the entrywise square of S, and the step dt gives
    Y = mu (S - S diag(dt) S): its diagonal is 1, and it is psd where Newton's decrement is below 1.
    """
    finite: Array = np.all(np.isfinite(U), axis=(-2, -1))
    nonzero = (U != 0).any(axis=-2) & finite[..., None]
    U = np.where(finite[..., None, None], U, 0.0)
    size = scale(U.reshape(*U.shape[:-2], -1))[..., None]
    U = U / size
    gram = np.swapaxes(U, -1, -2) @ U
    gram = quotient(gram, np.trace(gram, axis1=-2, axis2=-1)[..., None, None])
    t, mu, S, dt = _central(gram, None)

    Y = mu[..., None, None] * (S - S @ (dt[..., None] * S))
    values, vectors = np.linalg.eigh((Y + np.swapaxes(Y, -1, -2)) / 2)
    V = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
    V = V / np.linalg.norm(V, axis=-1, keepdims=True)
    b = np.where(nonzero, np.sqrt(t), 0.0)
    b = quotient(b, np.linalg.norm(b, axis=-1, keepdims=True))
    W = quotient(U, b[..., None, :])
    size = np.where(finite, size[..., 0, 0], np.nan)
    upper = size * np.linalg.norm(W, 2, axis=(-2, -1))
    lower = np.minimum(size * np.linalg.norm(U @ V, axis=(-2, -1)), upper)
    return lower, upper, b


def least_squares_of_outputs(
    gram: Float[Array, "*batch m m"], floors: Float[Array, "*batch m"]
) -> Float[Array, "*batch m"]:
    """The t of nearly least sum with diag(t) >= gram (psd) and t_j >= floors_j.

    With gram = V^T V and floors b_j^2 the sum is the square of the least radius of networks with
    convex coordinates (v_j, b_j) where no bias is larger than R_W: see proofs_notes/biases.md.
    """
    total = np.trace(gram, axis1=-2, axis2=-1) + floors.sum(axis=-1)
    unit = np.where(total > 0, total, 1.0)[..., None]
    t, *_ = _central(gram / unit[..., None], floors / unit)
    squares: Array = np.where(total[..., None] > 0, t * unit, 0.0)
    return squares


def least_lengths_of_outputs(
    squares: Float[Array, "*batch m"], floors: Float[Array, "*batch m"]
) -> Float[Array, "*batch m"]:
    """The t of least sum with sum_j squares_j / t_j <= 1 and t_j >= floors_j, from above.

    The same where W has the Frobenius norm: t_j is the larger of floors_j and a multiple of |v_j|.
    """
    lengths = np.sqrt(squares)
    low, high = np.zeros(lengths.shape[:-1]), lengths.sum(axis=-1)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        t = np.maximum(floors, middle[..., None] * lengths)
        above = quotient(squares, t).sum(axis=-1) > 1
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    found: Array = np.maximum(floors, high[..., None] * lengths)
    return found


def _central(
    gram: Float[Array, "*batch m m"], floors: Float[Array, "*batch m"] | None
) -> tuple[
    Float[Array, "*batch m"],
    Float[Array, "*batch"],
    Float[Array, "*batch m m"],
    Float[Array, "*batch m"],
]:
    """t near the minimiser, mu, S and the step dt there; traces and floors sum to 1 at most."""
    t = np.full(gram.shape[:-1], 2.0)
    mu = np.ones(gram.shape[:-2])
    identity = np.eye(gram.shape[-1])
    for _ in range(_MAX_NEWTON_STEPS):
        S = np.linalg.inv(t[..., None] * identity - gram)
        gradient = 1 / mu[..., None] - np.diagonal(S, axis1=-2, axis2=-1)
        hessian = S * S
        if floors is not None:
            above = 1 / (t - floors)
            gradient = gradient - above
            hessian = hessian + above[..., None] ** 2 * identity
        dt = -np.linalg.solve(hessian, gradient[..., None])[..., 0]
        decrement = np.sqrt(np.maximum(-(gradient * dt).sum(axis=-1), 0.0))
        central = decrement < 0.5
        if np.all(central & (mu <= _BARRIER_END)):
            break
        t = t + dt / (1 + decrement[..., None])
        mu = np.where(central, np.maximum(mu * _BARRIER_SHRINK, _BARRIER_END), mu)
    return t, mu, S, dt
