"""Where a run comes to rest on kinks, computed: the equations of rest of each optimizer.

At a kink x_k . w_j = 0 the gradient of w_j jumps. Training chatters across it, slides along it, and
comes to rest where weight decay balances the *mean* direction: theta / R = -D. Which mean it is
depends on what the optimizer remembers of the two sides, seen with shares p and 1 - p:

| rule          | mean direction D                                                                |
|---------------|---------------------------------------------------------------------------------|
| adamw         | E g / sqrt(E g^2), entry by entry: the squares are remembered beyond the chatter |
| lion          | E sign(b E g + (1 - b) g), b = 0.9                                              |
| signsgd       | E sign(g)                                                                       |
| muon          | the polar factor of E g: momentum outlasts the chatter                          |
| ngd, colnorm  | E g / ||g||, of the layer, of a column                                          |

The shares are unknowns, one for each kink, that x_k . w_j = 0 determines. Several kinks are taken
as independent, but for those of one neuron on parallel rows, which are one. The sign of zero is
anything from -1 to 1: where on one side of a kink a gradient vanishes, signs can balance. What does
not chatter rests at a KKT point of its layer's ball. In floats; the residual says how well the
equations hold. Source: proofs_notes/valleys.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from theory.errors import InputError
from theory.geometry import frank_wolfe_gap
from theory.landscape.gap import Kink, least_gap, parallel
from theory.types import Array

if TYPE_CHECKING:
    from jaxtyping import Float

    from theory.problem import Problem
    from theory.within import Ball

MOST = 8  # kinks at once, all sides of which are gone through

_JUMP = 1e-9  # of the gradient, relative to its largest entry
_EVALUATIONS = 60  # a solution takes some ten
_SOLVED = 1e-8  # of the equations, relative to the radius
# Gradients up to which a sign is proportional to them, relative to the largest, one after another.
_SOFT = (1e-1, 1e-2, 1e-3, 1e-4, 1e-6)


@dataclass(frozen=True, eq=False)
class RestPoint:
    """Where the equations of rest hold, near a given network.

    W (d, m), a (m,). shares: of steps on the side x_k . w_j > 0, for each kink. loss, and gap: the
    largest over all sides of the Frank-Wolfe gap, which is positive where it is no KKT point.
    residual: the largest error of the equations, relative to the radius.
    """

    W: Float[Array, "d m"]
    a: Float[Array, " m"]
    kinks: tuple[Kink, ...]
    shares: Float[Array, " k"]
    loss: float
    gap: float
    residual: float


def rest_point(
    problem: Problem,
    within: Ball,
    W: Float[Array, "d m"],
    a: Float[Array, " m"],
    kinks: Sequence[Kink],
    blanks: Sequence[int] = (),
) -> RestPoint | None:
    """The point near (W, a) where the optimizer of the ball rests on these kinks.

    blanks: neurons that are taken to be (0, 0), as dead ones decay to it. R_W = R_a = sqrt(rho).
    None where the equations have no solution nearby, or one with a share outside [0, 1].
    Raises InputError for more than `MOST` kinks, and for an optimizer whose rule is not known.
    """
    from scipy.optimize import least_squares

    if within.optimizer not in RULES:
        raise InputError("within", f"how {within.optimizer} moves is not known here")
    if len(kinks) > MOST:
        raise InputError("kinks", f"are {len(kinks)}, more than {MOST}")
    equations = _Equations(problem, within, kinks, blanks)
    kinks = equations.kinks
    x = np.concatenate([W.ravel(), a, np.full(len(kinks), 0.5)])
    size = W.size + a.size
    margin = 1e-9
    lower = np.concatenate([np.full(size, -np.inf), np.full(len(kinks), -margin)])
    upper = np.concatenate([np.full(size, np.inf), np.full(len(kinks), 1 + margin)])
    for soft in _SOFT if equations.signs else _SOFT[-1:]:
        found = least_squares(
            partial(equations, soft),
            x,
            bounds=(lower, upper),
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
            max_nfev=_EVALUATIONS,
        )
        x = found.x
    residual = float(np.abs(found.fun).max(initial=0.0)) / equations.radius
    if residual > _SOLVED:
        return None
    W, a, shares = equations.split(x)
    f = problem.activation.fit(equations.X, W, a)
    return RestPoint(
        W=W,
        a=a,
        kinks=kinks,
        shares=shares,
        loss=float(((f - equations.y) ** 2).sum() / 2),
        gap=equations.gap(W, a),
        residual=residual,
    )


def clarke_gap(problem: Problem, within: Ball, point: RestPoint) -> float:
    """The least Frank-Wolfe gap of mixtures of the gradients on the two sides of one kink: zero
    exactly where the point is a KKT point in the sense of Clarke.

    Raises InputError for other numbers of kinks.
    """
    if len(point.kinks) != 1:
        raise InputError("point", f"is on {len(point.kinks)} kinks, not on one")
    return least_gap(problem, within, point.W, point.a, point.kinks)


class _Equations:
    """What is zero at a rest point, as a function of all weights and shares."""

    def __init__(
        self, problem: Problem, within: Ball, kinks: Sequence[Kink], blanks: Sequence[int]
    ) -> None:
        self.X = np.array(problem.X, dtype=float)
        self.y = np.array(problem.y, dtype=float)
        self._activation = problem.activation
        self.radius = float(within.rho) ** 0.5
        self._blanks = list(blanks)
        self._ball = within.geometry
        self._hidden, self._output = RULES[within.optimizer]
        self.signs = self._hidden.signs or self._output.signs
        # A neuron crosses the walls of parallel rows in one step: they are one kink.
        self._parallel = parallel(self.X)
        distinct: dict[Kink, Kink] = {}
        for k, j in kinks:
            first = int(np.flatnonzero(self._parallel[k])[0])
            distinct.setdefault((first, j), (k, j))
        self.kinks = tuple(distinct.values())
        self._sides = np.array(list(product((1.0, 0.0), repeat=len(self.kinks))))

    def split(
        self, x: Float[Array, " u"]
    ) -> tuple[Float[Array, "d m"], Float[Array, " m"], Float[Array, " k"]]:
        """W, a and the shares."""
        d, rest = self.X.shape[1], len(x) - len(self.kinks)
        m = rest // (d + 1)
        return x[: d * m].reshape(d, m), x[d * m : rest], x[rest:]

    def __call__(self, soft: float, x: Float[Array, " u"]) -> Float[Array, " u"]:
        """soft: see `_SOFT`."""
        W, a, shares = self.split(x)
        weights = np.where(self._sides > 0, shares, 1 - shares).prod(axis=1)
        G, g = self._gradients(W, a)
        rest_W = self._rest(W, G, weights, self._hidden, self._ball.hidden.project, soft)
        rest_a = self._rest(a, g, weights, self._output, self._ball.output.project, soft)
        rest_W[:, self._blanks] = W[:, self._blanks]
        rest_a[self._blanks] = a[self._blanks]
        on = [float(self.X[k] @ W[:, j] / np.linalg.norm(self.X[k])) for k, j in self.kinks]
        return np.concatenate([rest_W.ravel(), rest_a, on])

    def _gradients(
        self, W: Float[Array, "d m"], a: Float[Array, " m"]
    ) -> tuple[Float[Array, "p d m"], Float[Array, "p m"]]:
        """Of W and of a, for all sides of the kinks."""
        Z = self.X @ W
        slopes = np.repeat(self._activation.slopes(Z > 0)[None], len(self._sides), axis=0)
        for place, (k, j) in enumerate(self.kinks):
            above = self._sides[:, place, None] > 0
            rows = np.flatnonzero(self._parallel[k])
            slopes[:, rows, j] = self._activation.slopes(above == (self._parallel[k, rows] > 0))
            Z[rows, j] = 0.0
        hidden = self._activation.at(Z)
        error = hidden @ a - self.y
        G = np.einsum("nd,pnm->pdm", self.X, slopes * (error[:, None] * a))
        return G, np.repeat((hidden.T @ error)[None], len(self._sides), axis=0)

    def _rest(
        self,
        theta: Array,
        samples: Array,
        weights: Float[Array, " p"],
        rule: _Rule,
        project: Callable[[Array, float], Array],
        soft: float,
    ) -> Array:
        """How far a layer is from rest: by its mean direction where that jumps, elsewhere as a KKT
        point of the ball."""
        mean = _mean(samples, weights)
        scale = np.abs(samples).max() or 1.0
        rest: Array = theta - project(theta - self.radius / scale * mean, self.radius)
        if rule.direction is not None:
            jumps = rule.spread(samples) > _JUMP * scale
            if rule.signs:
                samples = samples / (soft * scale)
            balance = theta + self.radius * rule.direction(samples, weights)
            rest = np.where(jumps, balance, rest)
        return rest

    def gap(self, W: Float[Array, "d m"], a: Float[Array, " m"]) -> float:
        """The largest Frank-Wolfe gap over the sides."""
        G, g = self._gradients(W, a)
        gaps = frank_wolfe_gap(
            self._ball,
            np.broadcast_to(W, G.shape),
            np.broadcast_to(a, g.shape),
            G,
            g,
            self.radius,
            self.radius,
        )
        return float(gaps.max())


@dataclass(frozen=True)
class _Rule:
    """One layer: its mean direction, None where the mean gradient alone counts, and the axes of
    what is normalised together.

    signs: whether it takes signs, which are anything between -1 and 1 where a gradient vanishes on
    one side of a kink. That they are in proportion to gradients, of up to 1, is near enough.
    """

    direction: Callable[[Array, Float[Array, " p"]], Array] | None
    axes: tuple[int, ...] = ()
    signs: bool = False

    def spread(self, samples: Array) -> Array:
        """How far the samples differ, in each part that is normalised together."""
        differences = samples.max(axis=0) - samples.min(axis=0)
        found: Array = differences.max(axis=self.axes, keepdims=True)
        return found


def _mean(samples: Array, weights: Float[Array, " p"]) -> Array:
    """E g"""
    mean: Array = (weights @ samples.reshape(len(weights), -1)).reshape(samples.shape[1:])
    return mean


def _root_mean_square(samples: Array, weights: Float[Array, " p"]) -> Array:
    """E g / sqrt(E g^2)"""
    square = _mean(samples**2, weights)
    mean: Array = _mean(samples, weights) / np.sqrt(np.where(square > 0, square, 1.0))
    return mean


def _sign(momentum: float, samples: Array, weights: Float[Array, " p"]) -> Array:
    """E sign(b E g + (1 - b) g)"""
    mixed = momentum * _mean(samples, weights) + (1 - momentum) * samples
    mean: Array = _mean(np.clip(mixed, -1.0, 1.0), weights)
    return mean


def _normalised(axes: tuple[int, ...], samples: Array, weights: Float[Array, " p"]) -> Array:
    """E g / ||g||, the norm over these axes of a layer."""
    length = np.sqrt((samples**2).sum(axis=tuple(axis + 1 for axis in axes), keepdims=True))
    mean: Array = _mean(samples / np.where(length, length, 1.0), weights)
    return mean


_ADAMW = _Rule(_root_mean_square)
_LION = _Rule(partial(_sign, 0.9), signs=True)
_SIGNSGD = _Rule(partial(_sign, 0.0), signs=True)
_MUON = _Rule(None)
_COLUMNS = _Rule(partial(_normalised, (0,)), (0,))
_MATRIX = _Rule(partial(_normalised, (0, 1)), (0, 1))

_SINGLE = {
    "adamw": (_ADAMW, _ADAMW),
    "lion": (_LION, _LION),
    "signsgd": (_SIGNSGD, _SIGNSGD),
    "muon": (_MUON, _COLUMNS),
    "ngd": (_MATRIX, _COLUMNS),
    "colnorm": (_COLUMNS, _SIGNSGD),
}
# The hidden layer by the first, the output layer by the second.
_PAIRS = (("muon", "adamw"), ("adamw", "ngd"), ("colnorm", "ngd"), ("ngd", "adamw"))

RULES = {
    **_SINGLE,
    **{f"{one}-{other}": (_SINGLE[one][0], _SINGLE[other][1]) for one, other in _PAIRS},
}
"""By optimizer: how the two layers move. The output layer's gradient does not jump at a kink."""
