"""Local search over networks in a ball: accelerated projected gradients, in floating point.

What it finds are good networks and good activation patterns; the convex programs say how good.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from theory.activation import Activation
from theory.geometry import Norm, VectorNorm
from theory.losses import Loss
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


class Found(NamedTuple):
    """A network (W, a) and its loss."""

    W: Float[Array, "d m"]
    a: Float[Array, " m"]
    value: float

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
    """Good networks for data (X, y), each layer in a ball of this radius; balls: its norms."""

    X: Float[Array, "n d"]
    y: Float[Array, " n"]
    activation: Activation
    loss: Loss
    balls: tuple[Norm, VectorNorm]
    radius: float

    def from_random(self, width: int, starts: int, random: np.random.Generator) -> list[Found]:
        """Where random networks descend to, the best first."""
        found = []
        for _ in range(starts):
            W = self.radius * random.standard_normal((self.X.shape[1], width))
            a = self.radius * random.choice([-1.0, 1.0], width)
            found.append(self.descend(W, self.balls[1].project(a, self.radius) / 2))
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
            found = self.descend(*_moved(best, random))
            if found.value <= best.value * (1 + _PROMISING):
                found = polish(found)
            since = 0 if found.value < best.value * (1 - _GAIN) else since + 1
            best = min(best, found, key=lambda each: each.value)
        return best

    def descend(self, W: Float[Array, "d m"], a: Float[Array, " m"]) -> Found:
        """From (W, a), shrunk into the balls, to a network that moves no further.

        Nesterov's steps with backtracking, started afresh when the loss rises (O'Donoghue and
        Candes 2015). The loss is neither smooth nor convex in (W, a), so nothing is proved.
        """
        X, y, activation, loss, radius = self.X, self.y, self.activation, self.loss, self.radius
        hidden, output = self.balls
        W, a = hidden.project(W, radius), output.project(a, radius)
        value = loss.at(activation.fit(X, W, a), y)
        ahead_W, ahead_a, momentum = W, a, 1.0
        curvature = float(np.linalg.norm(X)) ** 2 * radius**2 / len(y) or 1.0
        rounding = _ROUNDING * value
        before = value
        for step in range(1, _STEPS + 1):
            outputs = X @ ahead_W
            images = activation.at(outputs)
            here = images @ ahead_a
            lam = loss.gradient(here, y)
            gradient_W = X.T @ (activation.slopes(outputs > 0) * (lam[:, None] * ahead_a))
            gradient_a = images.T @ lam
            height = loss.at(here, y)
            for _ in range(_DOUBLINGS):
                next_W = hidden.project(ahead_W - gradient_W / curvature, radius)
                next_a = output.project(ahead_a - gradient_a / curvature, radius)
                moved_W, moved_a = next_W - ahead_W, next_a - ahead_a
                found = loss.at(activation.fit(X, next_W, next_a), y)
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
        return Found(W, a, value)


def _moved(
    found: Found, random: np.random.Generator
) -> tuple[Float[Array, "d m"], Float[Array, " m"]]:
    """One neuron drawn anew, or the weights of several moved, a little or far."""
    W, a = found.W.copy(), found.a.copy()
    size, width = np.abs(W).max(), len(a)
    one = random.integers(width)
    far = random.choice([0.0, 0.1, 0.5])
    if not far:
        W[:, one] = size * random.standard_normal(len(W))
        a[one] = random.choice([-1.0, 1.0]) * max(abs(a[one]), np.abs(a).max() / 2)
        return W, a
    some = random.random(width) < _SHARE
    some[one] = True
    return W + far * size * random.standard_normal(W.shape) * some, a
