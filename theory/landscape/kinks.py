"""Where a run comes to rest on kinks, computed: the equations of rest of each optimizer.

At a kink x_k . w_j = 0 the gradient of w_j jumps. Training chatters across it, slides along it, and
comes to rest where weight decay balances the *mean* direction: theta / R = -D. The mean is that of
the chatter. In units of the learning rate, as that goes to zero, weights stand still while a run
crosses the wall again and again, and all that moves is its distance from each wall,

    z <- z - x_k . direction_j,    direction: of the gradient of the side that sign(z) says,

and what the optimizer remembers, at its own betas. `Chatter` is this map. The equations are solved
on two scales: distances and memories take whole steps, weights small and falling ones along the
walls, towards -R D. In floats; the residual says how far the balance is off.

What no kink makes jump comes to rest at a KKT point of its layer's ball in the same way, and so do
signs of gradients that vanish on one side: they chatter in the weights.
Source: `rest-on-kinks` in proofs_notes/valleys.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from theory.errors import InputError
from theory.landscape.gap import Kink, parallel
from theory.types import Array
from theory.within import Ball

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Shaped

    from theory.problem import Problem

MOST = 8  # kinks at once

_COPIES = 32  # of the chatter, begun with different distances and memories
_WARM = 400  # steps before weights move
_STEPS = 6000
_RATES = (2e-2, 1e-5)  # of the weights, the first and the last, relative to theirs
_WINDOW = _STEPS // 3  # the last steps, in which means are taken
_ROUNDS = 3  # each from where the last one came to
_BALANCED = 1e-2  # of the equations, relative to the radius; or
_STILL = 3e-3  # of the weights from one round to the next: some turn round slowly where they rest
_FAR = 200.0  # steps from a wall: a copy there has left it
_CROSSED = 1e-4  # the least share of steps on each side of a wall

Memory: TypeAlias = tuple[Array, ...]
"""What a rule remembers of each of C copies of a run."""


class Rule(Protocol):
    """How the gradients of one layer become directions."""

    def start(self, means: Array) -> Memory:
        """Of runs whose gradients had these means (C, ...) so far."""
        ...

    def step(self, memory: Memory, gradients: Array) -> tuple[Array, Memory]:
        """The directions for the gradients (C, ...) of this step, and what is remembered then."""
        ...


@dataclass(frozen=True)
class Adam:
    """m / sqrt(v), the means of gradients and of their squares at rates 1 - beta1, 1 - beta2."""

    beta1: float
    beta2: float

    def start(self, means: Array) -> Memory:
        """See `Rule`."""
        return means, np.broadcast_to((means**2).mean(axis=0), means.shape)

    def step(self, memory: Memory, gradients: Array) -> tuple[Array, Memory]:
        """See `Rule`."""
        first, second = memory
        first = self.beta1 * first + (1 - self.beta1) * gradients
        second = self.beta2 * second + (1 - self.beta2) * gradients**2
        return first / np.sqrt(np.where(second > 0, second, 1.0)), (first, second)


@dataclass(frozen=True)
class LionK:
    """f(beta1 m + (1 - beta1) g), with the mean m of gradients at a rate 1 - beta2."""

    f: Callable[[Array], Array]
    beta1: float = 0.0
    beta2: float = 0.0

    def start(self, means: Array) -> Memory:
        """See `Rule`."""
        return (means,)

    def step(self, memory: Memory, gradients: Array) -> tuple[Array, Memory]:
        """See `Rule`."""
        (mean,) = memory
        mixed = self.beta1 * mean + (1 - self.beta1) * gradients
        return self.f(mixed), (self.beta2 * mean + (1 - self.beta2) * gradients,)


def _normalised(axes: tuple[int, ...], gradients: Array) -> Array:
    """g / ||g||, the norm over these axes."""
    length = np.sqrt((gradients**2).sum(axis=axes, keepdims=True))
    image: Array = gradients / np.where(length > 0, length, 1.0)
    return image


def _polar(gradients: Float[Array, "C d m"]) -> Float[Array, "C d m"]:
    """U V^T of the compact singular value decomposition of each matrix."""
    if 1 in gradients.shape[1:]:
        return _normalised((-2, -1), gradients)
    U, singular, Vt = np.linalg.svd(gradients, full_matrices=False)
    kept = singular > 1e-12 * singular[:, :1]
    factors: Array = (U * kept[:, None, :]) @ Vt
    return factors


_ADAMW = Adam(0.9, 0.95)
_SIGNSGD = LionK(np.sign)
_COLUMNS = LionK(partial(_normalised, (-2,)))
_MATRIX = LionK(partial(_normalised, (-2, -1)))
_VECTOR = LionK(partial(_normalised, (-1,)))

_SINGLE: dict[str, tuple[Rule, Rule]] = {
    "adamw": (_ADAMW, _ADAMW),
    "lion": (LionK(np.sign, 0.9, 0.99), LionK(np.sign, 0.9, 0.99)),
    "signsgd": (_SIGNSGD, _SIGNSGD),
    "muon": (LionK(_polar, 0.95**2, 0.95), LionK(_VECTOR.f, 0.95**2, 0.95)),
    "ngd": (_MATRIX, _VECTOR),
    "colnorm": (_COLUMNS, _SIGNSGD),
}
# The hidden layer by the first, the output layer by the second.
_PAIRS = (("muon", "adamw"), ("adamw", "ngd"), ("colnorm", "ngd"), ("ngd", "adamw"))

RULES: dict[str, tuple[Rule, Rule]] = {
    **_SINGLE,
    **{f"{one}-{other}": (_SINGLE[one][0], _SINGLE[other][1]) for one, other in _PAIRS},
}
"""By optimizer: how the two layers move, at the betas of training."""


@dataclass(frozen=True, eq=False)
class RestPoint:
    """Where the equations of rest hold, near a given network.

    W (d, m), a (m,). shares: of steps on the side x_k . w_j > 0, for each kink. loss: there.
    residual: the largest entry of theta / R + D, in the mean of the last steps.
    """

    W: Float[Array, "d m"]
    a: Float[Array, " m"]
    kinks: tuple[Kink, ...]
    shares: Float[Array, " k"]
    loss: float
    residual: float


def rest_point(
    problem: Problem,
    within: Ball,
    W: Float[Array, "d m"],
    a: Float[Array, " m"],
    kinks: Sequence[Kink],
    blanks: Sequence[int] = (),
    *,
    rules: tuple[Rule, Rule] | None = None,
) -> RestPoint | None:
    """The point where the optimizer of the ball rests on these kinks, coming from (W, a).

    blanks: neurons that are taken to be (0, 0), as dead ones decay to it. R_W = R_a = sqrt(rho).
    rules: of the two layers, those of the optimizer by default. Kinks of one neuron on parallel
    rows are one, which the first of them stands for.
    None where a run leaves these walls, meets others, or comes to no rest.
    Raises InputError for more than `MOST` kinks, and for an optimizer whose rules are not known.
    """
    rules = rules or RULES.get(within.optimizer)
    if rules is None:
        raise InputError("within", f"how {within.optimizer} moves is not known here")
    if len(kinks) > MOST:
        raise InputError("kinks", f"are {len(kinks)}, more than {MOST}")
    walls = _Walls(problem, len(a), kinks)
    W, a = (np.array(layer, dtype=float) for layer in (W, a))
    W[:, list(blanks)], a[list(blanks)] = 0.0, 0.0
    radius = float(within.rho) ** 0.5
    before = None
    for _ in range(_ROUNDS):
        chatter = Chatter(walls, W, a, rules)
        found = _slide(chatter, radius)
        if found is None:
            return None
        W, a = chatter.W, chatter.a
        shares, residual = found
        still = before is not None and _distance(before, (W, a)) <= _STILL * radius
        if residual <= _BALANCED or still:
            error = problem.activation.at(walls.outputs(W)) @ a - walls.y
            loss = float((error**2).sum() / 2)
            return RestPoint(W, a, walls.kinks, shares, loss, residual)
        before = W, a
    return None


def _distance(one: tuple[Array, Array], other: tuple[Array, Array]) -> float:
    """The largest difference of two networks' weights."""
    return float(max(np.abs(a - b).max() for a, b in zip(one, other, strict=True)))


def _slide(chatter: Chatter, radius: float) -> tuple[Float[Array, " k"], float] | None:
    """Lets weights follow the mean directions at falling rates. Returns the shares on the + sides
    and the residual, both means of the last steps; None where a run has left the walls or met
    others in these."""
    for _ in range(_WARM):
        chatter.step()
    rates = np.geomspace(*_RATES, _STEPS)
    first = _STEPS - _WINDOW
    shares = np.zeros(len(chatter.walls.kinks))
    for step, rate in enumerate(rates):
        if step == first:
            before, signs = (chatter.W, chatter.a), chatter.signs
        D, b = chatter.step()
        chatter.move(rate * (chatter.W + radius * D), rate * (chatter.a + radius * b))
        if step >= first:
            shares += chatter.above.mean(axis=0) / _WINDOW
            if (chatter.signs != signs).any():
                return None
    if (np.abs(shares - 0.5) > 0.5 - _CROSSED).any():
        return None
    way = rates[first:].sum() * radius
    return shares, _distance(before, (chatter.W, chatter.a)) / way


class _Walls:
    """The data, and the k kinks that a run is on."""

    def __init__(self, problem: Problem, width: int, kinks: Sequence[Kink]) -> None:
        self.X = np.array(problem.X, dtype=float)
        self.y = np.array(problem.y, dtype=float)
        self.activation = problem.activation
        same = parallel(self.X)
        distinct: dict[Kink, Kink] = {}
        for k, j in kinks:
            distinct.setdefault((int(np.flatnonzero(same[k])[0]), j), (k, j))
        self.kinks = tuple(distinct.values())
        self.neurons = [j for _, j in self.kinks]
        rows = [k for k, _ in self.kinks]
        self.normals = self.X[rows]
        self.own = np.eye(width)[self.neurons]  # (k, m): the neuron of each kink
        # (k, n): of the rows on the wall of each kink the slopes on its two sides.
        up, down = (self.activation.slopes(side * same[rows] > 0) for side in (1, -1))
        on = same[rows] != 0
        self.jumps = np.where(on, up - down, 0.0)
        self.on = np.zeros((problem.n, width), dtype=bool)
        self.below = np.zeros((problem.n, width))
        for place, j in enumerate(self.neurons):
            self.on[on[place], j] = True
            self.below[on[place], j] = down[place, on[place]]
        self.along = {j: self._projection(j) for j in set(self.neurons)}

    def outputs(self, W: Float[Array, "d m"]) -> Float[Array, "n m"]:
        """X W, zero on the walls."""
        outputs: Array = np.where(self.on, 0.0, self.X @ W)
        return outputs

    def _projection(self, neuron: int) -> Float[Array, "d d"]:
        """Onto all its walls."""
        own = self.normals[[j == neuron for j in self.neurons]]
        projection: Array = np.eye(self.X.shape[1]) - np.linalg.pinv(own) @ own
        return projection


class Chatter:
    """Training across walls in units of its learning rate: a map of the distances from the walls,
    and of what the rules remember.

    walls: with k kinks. W (d, m), a (m,): the weights, which `step` leaves alone. C copies of the
    run are taken along. One that leaves a wall goes on from where one is that has not.
    """

    def __init__(
        self,
        walls: _Walls,
        W: Float[Array, "d m"],
        a: Float[Array, " m"],
        rules: tuple[Rule, Rule],
    ) -> None:
        self.walls = walls
        self.W, self.a = W, a
        self.move(np.zeros_like(W), np.zeros_like(a))
        self._hidden, self._output = rules
        self._random = np.random.default_rng(0)
        size = (_COPIES if walls.kinks else 1, len(walls.kinks))
        self._lengths = np.linalg.norm(walls.normals, axis=1)
        self._distances = 3 * self._lengths * self._random.normal(size=size)
        G, g = self._gradients(self._random.random(size))
        self._of_W, self._of_a = self._hidden.start(G), self._output.start(g)

    @property
    def above(self) -> Bool[Array, "C k"]:
        """Which copies are on the + sides."""
        above: Array = self._distances > 0
        return above

    @property
    def signs(self) -> Bool[Array, "n m"]:
        """Where x_k . w_j > 0, off the walls."""
        signs: Array = self._outputs > 0
        return signs

    def step(self) -> tuple[Float[Array, "d m"], Float[Array, " m"]]:
        """One step of all copies. Returns the mean of their directions, for W and for a."""
        G, g = self._gradients(self.above)
        D, self._of_W = self._hidden.step(self._of_W, G)
        b, self._of_a = self._output.step(self._of_a, g)
        if self.walls.kinks:
            across = np.einsum("cdk,kd->ck", D[:, :, self.walls.neurons], self.walls.normals)
            self._distances = self._distances - across
            self._return()
        return D.mean(axis=0), b[0]

    def move(self, W: Float[Array, "d m"], a: Float[Array, " m"]) -> None:
        """Takes these from the weights, along the walls."""
        self.W, self.a = self.W - W, self.a - a
        for j, projection in self.walls.along.items():
            self.W[:, j] = projection @ self.W[:, j]
        self._outputs = self.walls.outputs(self.W)

    def _return(self) -> None:
        """Copies that have left go on from others; where all have, they stay where they are."""
        far = _FAR * self._lengths
        left = (np.abs(self._distances) > far).any(axis=1)
        if not left.any():
            return
        if left.all():
            self._distances = np.clip(self._distances, -far, far)
            return
        source = np.arange(len(left))
        source[left] = self._random.choice(np.flatnonzero(~left), left.sum())
        self._distances = self._distances[source]
        self._of_W = tuple(each[source] for each in self._of_W)

    def _gradients(
        self, above: Shaped[Array, "C k"]
    ) -> tuple[Float[Array, "C d m"], Float[Array, "1 m"]]:
        """Of W, on the + sides of the walls in these shares, and of a."""
        walls = self.walls
        hidden = walls.activation.at(self._outputs)
        error = hidden @ self.a - walls.y
        slopes = np.where(walls.on, walls.below, walls.activation.slopes(self._outputs > 0))
        below = walls.X.T @ (slopes * (error[:, None] * self.a))
        jumps = ((walls.jumps * error) @ walls.X)[:, :, None] * (walls.own * self.a)[:, None]
        G = below.ravel() + above @ jumps.reshape(len(jumps), below.size)
        return G.reshape(-1, *below.shape), (hidden.T @ error)[None]
