"""Group lasso over cones by a semismooth Newton method on the dual.

The program is min 1/2 ||F u - y||^2 + p(u) over u_b in K_b, with F u = sum_b s_b D_b X u_b and p
either beta sum_b ||u_b||_2, or the constraint sum_b ||u_b||_2 <= radius. The augmented Lagrangian
method on its dual (Rockafellar 1976; for the lasso Li, Sun, Toh 2018) repeats, with growing sigma,

    lam = argmin 1/2 ||lam||^2 - lam.y + envelope(u + sigma F^T lam),  u = prox(u + sigma F^T lam).

The proximal map projects onto the cones and then shortens all projections by one threshold, so the
inner problem has a piecewise smooth gradient, lam - y + F prox, and few Newton steps solve it. The
linear systems are as small as the faces on which the neurons lie. A step costs a projection of the
blocks that are longer than the threshold, and these rarely leave the face they were on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from theory.programs.cones import Cones
from theory.types import Array

_OUTER, _INNER = 60, 40  # rounds; ten and five are usual
_SIGMA = 1.0  # the first, in units of 1 / max ||x_k||^2
_WARM = 64.0  # times larger where a solution close by is known
_GROWTH = 4.0  # of sigma from round to round
_LARGEST = 4.0**10  # sigma: then rounding would begin to count
_FIRST = 1e-2  # how accurate the first round is, relative to ||y||; each next by _DECAY
_DECAY = 0.1
_LAST = 1e-11
_STILL = 1e-13  # a change of u this small, relatively, is rounding
_ARMIJO = 1e-4
_SHORTEST = 1e-8  # of the steps tried


class _Step(NamedTuple):
    """prox(u + sigma F^T lam): w the projections of the blocks `on`, longer than the threshold."""

    lam: Float[Array, " n"]
    value: float  # of the inner objective
    gradient: Float[Array, " n"]
    u: Float[Array, "B d"]
    on: Int[Array, " k"]
    w: Float[Array, "k d"]
    lengths: Float[Array, " k"]
    threshold: float


class Point(NamedTuple):
    """A primal and a dual point: where the next solve starts. u: (B, d), lam: (k,)."""

    u: Float[Array, "B d"]
    lam: Float[Array, " k"]


class GroupLasso:
    """The program over some blocks, for one data set.

    X: (n, d), y: (n,). masks, sides: (B, n), the diagonals of s_b D_b and of S_b. beside: (n, k),
    an orthonormal basis Q of what is orthogonal to the free columns. Then Q^T y and Q^T F take the
    place of y and F, and lam has k entries; without it k = n.
    """

    def __init__(
        self,
        X: Float[Array, "n d"],
        y: Float[Array, " n"],
        masks: Float[Array, "B n"],
        sides: Float[Array, "B n"],
        beside: Float[Array, "n k"] | None = None,
    ) -> None:
        self._beside = beside
        self.X, self.y, self.masks = X, self.seen(y), masks
        self.cones = Cones(X, sides)

    def fit(self, u: Float[Array, "B d"]) -> Float[Array, " k"]:
        """F u"""
        used = np.flatnonzero(u.any(axis=1))
        return self.seen(((u[used] @ self.X.T) * self.masks[used]).sum(axis=0))

    def gradient(self, lam: Float[Array, " k"]) -> Float[Array, "B d"]:
        """F^T lam, by blocks."""
        return (self.masks * self.whole(lam)) @ self.X

    def whole(self, lam: Float[Array, " k"]) -> Float[Array, " n"]:
        """Q lam"""
        return lam if self._beside is None else self._beside @ lam

    def seen(self, values: Float[Array, "n ..."]) -> Float[Array, "k ..."]:
        """Q^T values"""
        return values if self._beside is None else self._beside.T @ values

    def start(self) -> Point:
        """u = 0, lam = y"""
        return Point(np.zeros((len(self.masks), self.X.shape[1])), self.y)

    def solve(
        self,
        point: Point,
        *,
        beta: float = 0.0,
        radius: float | None = None,
        enough: Callable[[Point], bool],
    ) -> Point:
        """From `point` to one that is accurate `enough`, or as accurate as floats allow."""
        size = float(np.linalg.norm(self.y)) or 1.0
        sigma = _SIGMA / (float((self.X**2).sum(axis=1).max()) or 1.0)
        largest = sigma * _LARGEST
        if point.u.any():  # close to the solution, and there large steps converge best
            sigma *= _WARM
        goal = _FIRST
        for _ in range(_OUTER):
            inner = _Inner(self, point.u, sigma, beta, radius)
            step = inner.minimise(point.lam, goal * size)
            moved = float(np.abs(step.u - point.u).max(initial=0.0))
            point = Point(step.u, step.lam)
            if enough(point) or moved <= _STILL * float(np.abs(step.u).max(initial=0.0)):
                break
            sigma = min(sigma * _GROWTH, largest)
            goal = max(goal * _DECAY, _LAST)
        return point


class _Inner:
    """The inner problem of one round."""

    def __init__(
        self,
        program: GroupLasso,
        u: Float[Array, "B d"],
        sigma: float,
        beta: float,
        radius: float | None,
    ) -> None:
        self.program = program
        self.u = u
        self.sigma = sigma
        self.beta = beta
        self.radius = radius
        self._on: Int[Array, " k"] = np.flatnonzero(u.any(axis=1))

    def minimise(self, lam: Float[Array, " n"], goal: float) -> _Step:
        """Newton's method from lam until the gradient is as short as `goal`, or no step helps."""
        step = self._evaluate(lam)
        for _ in range(_INNER):
            if np.linalg.norm(step.gradient) <= goal:
                break
            following = self._newton(step)
            if following is None:
                break
            step = following
        return step

    def _evaluate(self, lam: Float[Array, " n"]) -> _Step:
        program = self.program
        x = self.u + self.sigma * program.gradient(lam)
        sizes = np.linalg.norm(x, axis=1)
        threshold = self.sigma * self.beta
        if self.radius is not None:
            # Some projections bound the threshold from below; shorter blocks are then zero.
            w, _ = program.cones.project(x[self._on], self._on)
            threshold = _ball_threshold(np.linalg.norm(w, axis=1), self.radius)
        on = np.flatnonzero(sizes > threshold)
        w, _ = program.cones.project(x[on], on, threshold)
        lengths = np.linalg.norm(w, axis=1)
        if self.radius is not None:
            threshold = _ball_threshold(lengths, self.radius)
        long = lengths > threshold
        on, w, lengths = on[long], w[long], lengths[long]
        self._on = on
        kept = lengths - threshold
        u = np.zeros_like(x)
        u[on] = w * (kept / lengths)[:, None]
        # The envelope, up to a constant: of beta sum ||.|| or of the support function of the ball.
        envelope = (kept**2).sum() / 2
        if self.radius is not None:
            envelope += threshold * kept.sum()
        return _Step(
            lam=lam,
            value=float(lam @ lam / 2 - lam @ program.y + envelope / self.sigma),
            gradient=lam - program.y + program.fit(u),
            u=u,
            on=on,
            w=w,
            lengths=lengths,
            threshold=threshold,
        )

    def _newton(self, step: _Step) -> _Step | None:
        """A Newton step with backtracking; None where no step lowers the objective any more."""
        M = self._root_of_jacobian(step)
        n, k = M.shape
        g = step.gradient
        if k < n:
            small = np.eye(k) / self.sigma + M.T @ M
            direction = M @ np.linalg.solve(small, M.T @ g) - g
        else:
            direction = -np.linalg.solve(np.eye(n) + self.sigma * (M @ M.T), g)
        slope = float(g @ direction)
        length = 1.0
        while length > _SHORTEST:
            found = self._evaluate(step.lam + length * direction)
            rounding = 1e-14 * (abs(step.value) + abs(found.value))
            if found.value <= step.value + _ARMIJO * length * slope + rounding:
                shorter = np.linalg.norm(found.gradient) < np.linalg.norm(g)
                return found if shorter or found.value < step.value - rounding else None
            length /= 2
        return None

    def _root_of_jacobian(self, step: _Step) -> Float[Array, "n k"]:
        """M with M M^T = F J F^T, J the Jacobian of the proximal map.

        On the face of a block, with orthonormal basis N and p the direction of its projection, J is
        p p^T + (1 - threshold / length)(N N^T - p p^T); in the ball the first terms of all blocks
        are centred, for their lengths keep their sum.
        """
        program, on = self.program, step.on
        X, masks = program.X, program.masks[on]
        tight = -np.sort(-program.cones.tight[on], axis=1)  # rows first, empty slots last
        used = tight >= 0
        p = step.w / step.lengths[:, None]
        normals = np.where(used[:, :, None], X[tight], 0.0)
        spanned = np.concatenate([p[:, None], normals], axis=1).transpose(0, 2, 1)
        basis = np.linalg.qr(spanned, mode="complete")[0]
        shares = np.sqrt(1 - step.threshold / step.lengths)
        images = (shares[:, None] * masks)[:, :, None] * (X @ basis)
        free = np.arange(X.shape[1]) > used.sum(axis=1)[:, None]
        across = images.transpose(1, 0, 2)[:, free]
        first = (masks * (p @ X.T)).T
        if self.radius is not None and step.threshold > 0:
            first = first - first.mean(axis=1, keepdims=True)
        return program.seen(np.hstack([first, across]))


def _ball_threshold(lengths: Float[Array, " k"], radius: float) -> float:
    """What to take off the lengths so that the rest has the sum `radius`; 0 if they are in it."""
    if lengths.sum() <= radius:
        return 0.0
    ordered = np.sort(lengths)[::-1]
    excess = np.cumsum(ordered) - radius
    counts = np.arange(1, len(ordered) + 1)
    # The first always does, but for rounding where the radius is tiny.
    last = max(np.flatnonzero(ordered * counts > excess), default=0)
    return float(excess[last] / counts[last])
