"""Local search over networks in a ball: accelerated projected gradients, in floating point.

What it finds are good networks and good activation patterns; the convex programs say how good.
Losses with kinks are rounded off there (`_Rounded`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from theory.activation import Activation
from theory.geometry import Apart, Norm, VectorNorm
from theory.losses import Epsilon, Loss, Separable
from theory.types import Array

_USED = 1e-6  # of the largest neuron
_STEPS = 1000
_STILL = 1e-9  # a relative change of the loss, over `_PATIENCE` steps, that ends it
_PATIENCE = 50
_ROUNDING = 1e-12  # of the first loss
_DOUBLINGS = 60  # of the curvature, in one step
_FORGET = 0.98  # of the curvature, from step to step
_HOPS, _VAIN = 100, 40  # in all, and in a row that gain nothing
_GAIN, _NEAR = 1e-4, 1e-2  # of the loss, relative: what counts as a gain, and as near enough
_PROMISING = 0.2  # above the best loss, relative
_SHARE = 0.4  # of the neurons, to move at once
_ROUNDED = 1e-2  # of targets of size one: how far from a kink its loss is rounded off


class Found(NamedTuple):
    """A network (W, a) and its loss. shift: (n,), what its free columns add to the fit."""

    W: Float[Array, "d m"]
    a: Float[Array, " m"]
    value: float
    shift: Float[Array, " n"]

    def blocks(
        self, X: Float[Array, "n d"]
    ) -> tuple[Float[Array, " k"], Float[Array, "k d"], Bool[Array, "k n"]]:
        """Signs, u_j = |a_j| w_j and activation patterns of the neurons that are not zero."""
        u = (self.W * np.abs(self.a)).T
        lengths = np.linalg.norm(u, axis=1)
        used = lengths > _USED * lengths.max(initial=0.0)
        return np.sign(self.a[used]), u[used], u[used] @ X.T > 0


@dataclass(frozen=True)
class LocalSearch:
    """Good networks for data (X, y), each layer in a ball of this radius; balls: its norms. free:
    a basis of what may be added to the fit at will, see `theory.programs.free`.
    """

    X: Float[Array, "n d"]
    y: Float[Array, " n"]
    activation: Activation
    loss: Loss
    balls: tuple[Norm, VectorNorm]
    radius: float
    free: Float[Array, "n r"] | None = None

    def from_random(self, width: int, starts: int, random: np.random.Generator) -> list[Found]:
        """Where random networks descend to, the best first."""
        found = []
        for _ in range(starts):
            W = self.radius * random.standard_normal((self.X.shape[1], width))
            a = self.radius * random.choice([-1.0, 1.0], width)
            a = self.balls[1].project(a, self.radius) / 2
            found.append(self.descend(W, a, np.zeros(len(self.X))))
        return sorted(found, key=lambda each: each.value)

    def hop(
        self,
        start: Found,
        enough: float,
        random: np.random.Generator,
        polish: Callable[[Found], Found] = lambda found: found,
        tick: Callable[[int], None] = lambda hops: None,
    ) -> Found:
        """The best network found by moving some neurons of the best so far and descending again.

        polish: what a network that is nearly as good becomes; descent stalls where neurons meet
        walls. It ends when many hops in a row gain nothing, or at a loss near `enough`. Source:
        basin hopping (Wales and Doye 1997).
        """
        best, since = start, 0
        for k in range(_HOPS):
            tick(k)
            if since >= _VAIN or best.value <= enough * (1 + _NEAR):
                break
            found = self.descend(*_moved(best, self._size(best.W), random), best.shift)
            if found.value <= best.value * (1 + _PROMISING):
                found = polish(found)
            since = 0 if found.value < best.value * (1 - _GAIN) else since + 1
            best = min(best, found, key=lambda each: each.value)
        return best

    def descend(
        self, W: Float[Array, "d m"], a: Float[Array, " m"], shift: Float[Array, " n"]
    ) -> Found:
        """From (W, a) and free columns, shrunk into the balls, to a network that moves no further.

        Nesterov's steps with backtracking, started afresh when the loss rises (O'Donoghue and
        Candes 2015). The loss is neither smooth nor convex in (W, a), so nothing is proved.
        """
        X, y, activation, radius = self.X, self.y, self.activation, self.radius
        loss, m = self._without_kinks, len(a)
        hidden = self.balls[0]
        W, a = hidden.project(W, radius), self._inside(self._with_free(a, shift))
        value = loss.at(self._fit(W, a), y)
        ahead_W, ahead_a, momentum = W, a, 1.0
        curvature = float(np.linalg.norm(X)) ** 2 * radius**2 / len(y) or 1.0
        rounding = _ROUNDING * value
        before = value
        for step in range(1, _STEPS + 1):
            outputs = X @ ahead_W
            images = self._beside_free(activation.at(outputs))
            here = images @ ahead_a
            lam = loss.gradient(here, y)
            gradient_W = X.T @ (activation.slopes(outputs > 0) * (lam[:, None] * ahead_a[:m]))
            gradient_a = images.T @ lam
            height = loss.at(here, y)
            for _ in range(_DOUBLINGS):
                next_W = hidden.project(ahead_W - gradient_W / curvature, radius)
                next_a = self._inside(ahead_a - gradient_a / curvature)
                moved_W, moved_a = next_W - ahead_W, next_a - ahead_a
                found = loss.at(self._fit(next_W, next_a), y)
                slope = float((gradient_W * moved_W).sum() + gradient_a @ moved_a)
                length = float((moved_W**2).sum() + moved_a @ moved_a)
                if found <= height + slope + curvature / 2 * length + rounding:
                    break
                curvature *= 2
            following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
            share = 0.0 if found > value else (momentum - 1) / following
            momentum = 1.0 if found > value else following
            ahead_W, ahead_a = next_W + share * (next_W - W), next_a + share * (next_a - a)
            W, a, value = next_W, next_a, found
            curvature *= _FORGET
            if step % _PATIENCE == 0:
                if before - value <= _STILL * value + rounding:
                    break
                before = value
        if loss is not self.loss:
            value = self.loss.at(self._fit(W, a), y)
        shift = np.zeros_like(y) if self.free is None else self.free @ a[m:]
        return Found(W, a[:m], value, shift)

    def _size(self, W: Float[Array, "d m"]) -> float:
        """Of weights that count: free biases may be any multiple of it."""
        hidden = self.balls[0]
        counted = W[:-1] if isinstance(hidden, Apart) and hidden.free else W
        return float(np.abs(counted).max())

    def _with_free(self, a: Float[Array, " m"], shift: Float[Array, " n"]) -> Float[Array, " k"]:
        """The weights of neurons, then those of the free columns, which are neurons of a kind."""
        return a if self.free is None else np.concatenate([a, self.free.T @ shift])

    def _beside_free(self, images: Float[Array, "n m"]) -> Float[Array, "n k"]:
        return images if self.free is None else np.hstack([images, self.free])

    def _inside(self, a: Float[Array, " k"]) -> Float[Array, " k"]:
        """In the ball, which does not count the free columns."""
        output = self.balls[1]
        if self.free is None:
            return output.project(a, self.radius)
        m = len(a) - self.free.shape[1]
        return np.concatenate([output.project(a[:m], self.radius), a[m:]])

    def _fit(self, W: Float[Array, "d m"], a: Float[Array, " k"]) -> Float[Array, " n"]:
        if self.free is None:
            return self.activation.fit(self.X, W, a)
        fit: Array = self._beside_free(self.activation.at(self.X @ W)) @ a
        return fit

    @cached_property
    def _without_kinks(self) -> Loss | _Rounded:
        loss = self.loss
        kinks = isinstance(loss, Separable) and not loss.smooth
        return _Rounded(loss, self.y) if kinks else loss


class _Rounded:
    """A loss whose kinks are rounded off, which is its Moreau envelope.

    Losses with kinks are D(lam) = lam y - e |lam| in a range, so max_lam D(lam) - lam f - s lam^2/2
    is where lam is (y - f) / s, drawn towards zero by e / s and clipped to the range.
    """

    def __init__(self, loss: Loss, y: Float[Array, " n"]) -> None:
        self._limits = loss.limits(y)
        self._margin = float(loss.margin) if isinstance(loss, Epsilon) else 0.0

    def _lam(self, missing: Float[Array, " n"]) -> Float[Array, " n"]:
        lam: Array = (missing / _ROUNDED).clip(*self._limits)
        return lam

    def _missing(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        missing = y - fit
        drawn: Array = np.sign(missing) * np.maximum(np.abs(missing) - self._margin, 0.0)
        return drawn

    def at(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> float:
        """The value."""
        missing = self._missing(fit, y)
        lam = self._lam(missing)
        return float((lam * (missing - _ROUNDED / 2 * lam)).sum())

    def gradient(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        """The gradient."""
        return -self._lam(self._missing(fit, y))


def _moved(
    found: Found, size: float, random: np.random.Generator
) -> tuple[Float[Array, "d m"], Float[Array, " m"]]:
    """One neuron drawn anew, of weights of this size, or some of them moved, a little or far."""
    W, a = found.W.copy(), found.a.copy()
    width = len(a)
    one = random.integers(width)
    far = random.choice([0.0, 0.1, 0.5])
    if not far:
        W[:, one] = size * random.standard_normal(len(W))
        a[one] = random.choice([-1.0, 1.0]) * max(abs(a[one]), np.abs(a).max() / 2)
        return W, a
    some = random.random(width) < _SHARE
    some[one] = True
    return W + far * size * random.standard_normal(W.shape) * some, a
