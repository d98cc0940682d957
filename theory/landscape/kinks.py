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
signs of gradients that vanish on one side: they chatter in the weights. An output bias and a linear
part, which do not decay, rest where their gradients are zero: they are kept near the best ones.

Losses count by their gradients in the fit, which is continuous at a wall. Where a loss itself has
kinks, as the absolute one has at the target, its gradient jumps with the fit, that is with several
neurons at once. Of such losses rest is found only where all fits stay off the kinks of the loss.
Source: `rest-on-kinks` in proofs_notes/valleys.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, TypeAlias

import numpy as np

from theory.errors import InputError
from theory.landscape.gap import Kink, distinct, parallel
from theory.types import Array
from theory.within import Ball, require_decayed

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    from theory.problem import Problem

MOST = 8  # kinks at once

_COPIES = 32  # of a run, begun with different distances and memories
_CONSTANT = 2400  # steps before the rate falls
# Of the weights: faster ones would leave the chatter behind.
_RATES = np.concatenate([np.full(_CONSTANT, 5e-3), np.geomspace(5e-3, 1e-5, 3600)])
_ROUNDS = 3  # of these steps
_BALANCED = 1e-2  # of the equations, relative to the radius; or
_STILL = 3e-3  # of the weights from one round to the next: some turn round slowly where they rest
_SAME = 2e-3  # of the weights, relative to the radius: up to which two copies are at one place
_FAR = 200.0  # steps from a wall: no copy goes farther, as it may have to come back
_CROSSED = 1e-4  # the least share of steps on each side of a wall
_EXACT = 1e-12  # of a loss: what it falls by at the least
_MOST_STEPS = 10_000  # to the best output bias: of separable labels there is none
_RANK = 1e-12  # of the largest singular value: what others count from
_COFACTORS = np.array([[1, -1], [-1, 1]])

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
    if gradients.shape[1:] == (2, 2):
        return _polar_of_two(_normalised((-2, -1), gradients))
    U, singular, Vt = np.linalg.svd(gradients, full_matrices=False)
    kept = singular > _RANK * singular[:, :1]
    factors: Array = (U * kept[:, None, :]) @ Vt
    return factors


def _polar_of_two(units: Float[Array, "C 2 2"]) -> Float[Array, "C 2 2"]:
    """The same of matrices of length 1, or zero: with the sign s of the determinant, A + s cof A is
    the sum of both singular values times the factor, and has that length in each row."""
    determinants = units[:, 0, 0] * units[:, 1, 1] - units[:, 0, 1] * units[:, 1, 0]
    s = np.where(np.abs(determinants) > _RANK, np.sign(determinants), 0.0)[:, None, None]
    sums = units + s * _COFACTORS * units[:, ::-1, ::-1]
    factors: Array = _normalised((-2, -1), sums) * np.sqrt(1 + np.abs(s))
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
    residual: the largest entry of theta / R + D, in the mean of the last steps. frequency: how many
    of the copies of a run come here, at most 1: the chatter may have several rhythms.
    """

    W: Float[Array, "d m"]
    a: Float[Array, " m"]
    kinks: tuple[Kink, ...]
    shares: Float[Array, " k"]
    loss: float
    residual: float
    frequency: float


def rest_points(
    problem: Problem,
    within: Ball,
    W: Float[Array, "*B d m"],
    a: Float[Array, "*B m"],
    kinks: Sequence[Kink],
    blanks: Sequence[int] = (),
    *,
    rules: tuple[Rule, Rule] | None = None,
) -> list[RestPoint]:
    """Where the optimizer of the ball rests on these kinks, coming from (W, a), or from each of
    several such networks; the place that most copies come to first.

    blanks: neurons that are taken to be (0, 0), as dead ones decay to it. R_W = R_a = sqrt(rho).
    rules: of the two layers, those of the optimizer by default. Kinks of one neuron on parallel
    rows are one, which the first of them stands for.
    None are found where runs leave these walls, meet others, or come to no rest, and where the fit
    of a datum comes to a kink of the loss.
    Raises InputError for more than `MOST` kinks, for an optimizer whose rules are not known, and
    for a loss with kinks beside an output bias or a linear part, which are best at such kinks.
    """
    require_rules(problem, within)
    rules = rules or RULES[within.optimizer]
    if len(kinks) > MOST:
        raise InputError("kinks", f"are {len(kinks)}, more than {MOST}")
    W, a = (np.array(layer, dtype=float) for layer in (W, a))
    W, a = W.reshape(-1, *W.shape[-2:]), a.reshape(-1, a.shape[-1])
    W[..., list(blanks)], a[:, list(blanks)] = 0.0, 0.0
    radius = float(within.rho) ** 0.5
    walls = _Walls(problem, a.shape[1], kinks)
    copies = _COPIES if kinks else 1
    random = np.random.default_rng(0)
    size = (copies, len(walls.kinks))
    drawn = walls.spread(3 * random.normal(size=size), random.random(size))
    distances, shares = (np.tile(layer, (len(a), 1, 1)) for layer in drawn)
    chatter = Chatter(
        problem,
        np.repeat(W, copies, axis=0),
        np.repeat(a, copies, axis=0),
        np.tile(walls.on, (copies * len(a), 1, 1)),
        distances,
        shares,
        rules=rules,
        radius=radius,
        networks=len(a),
    )
    left = np.ones(len(a), dtype=bool)  # networks of which no copy has come to rest
    resting: list[Slid] = []
    before = None
    for _ in range(_ROUNDS):
        slid = slide(chatter, _RATES)
        still = before is not None and apart(before, slid) <= _STILL * radius
        at_rest = slid.held & ((slid.residuals <= _BALANCED) | still)
        resting.append(slid.of(at_rest & np.repeat(left, len(at_rest) // len(left))))
        some_rest, some_held = (
            copies.reshape(len(left), -1).any(axis=1) for copies in (at_rest, slid.held)
        )
        left &= ~some_rest & some_held
        if not left.any():
            break
        before = slid
    joined = Slid(*map(np.concatenate, zip(*resting, strict=True)))
    return _places(problem, walls, joined, _SAME * radius, copies=len(slid.held))


def require_rules(problem: Problem, within: Ball) -> None:
    """Raise InputError where rest on kinks is not described: see `rest_points`."""
    require_decayed(problem, within, "places of rest are")
    if within.optimizer not in RULES:
        raise InputError("within", f"how {within.optimizer} moves is not known here")
    if problem.has_free_part and not problem.loss.smooth:
        raise InputError(
            "loss",
            f"the {problem.loss} loss has kinks, and an output bias or a linear part rests there: "
            "places of rest are for smooth losses, or for hidden neurons alone",
        )


class Slid(NamedTuple):
    """What C copies did in the last steps of a round: their mean weights, the shares of steps on
    the + sides, the residual of each, which crossed the walls and no others, with no fit at a kink
    of the loss, and which had no fit there."""

    W: Float[Array, "C d m"]
    a: Float[Array, "C m"]
    shares: Float[Array, "C n m"]
    residuals: Float[Array, " C"]
    held: Bool[Array, " C"]
    even: Bool[Array, " C"]

    def of(self, copies: Bool[Array, " C"] | Int[Array, " c"]) -> Self:
        """Some of them."""
        return type(self)(*(each[copies] for each in self))


def slide(chatter: Chatter, rates: Float[Array, " T"]) -> Slid:
    """One round at these rates of the weights."""
    window = len(rates) // 3  # the last steps, in which copies are watched
    mean = window // 2  # the last of these, of which weights are the mean
    for rate in rates[:-window]:
        chatter.step(rate)
    before, signs = (chatter.W, chatter.a), chatter.signs
    held, even = np.ones((2, len(chatter.a)), dtype=bool)
    piece = chatter.piece
    shares = np.zeros(chatter.above.shape)
    W, a = np.zeros_like(chatter.W), np.zeros_like(chatter.a)
    for left, rate in zip(range(window, 0, -1), rates[-window:], strict=True):
        chatter.step(rate)
        shares += chatter.above / window
        held &= (chatter.signs == signs).all(axis=(1, 2))
        even &= (chatter.piece == piece).all(axis=1)
        if left <= mean:
            W += chatter.W / mean
            a += chatter.a / mean
    held &= ((np.abs(shares - 0.5) <= 0.5 - _CROSSED) | ~chatter.on).all(axis=(1, 2))
    way = rates[-window:].sum() * chatter.radius
    moved = np.maximum(_largest(chatter.W - before[0]), _largest(chatter.a - before[1]))
    return Slid(W, a, shares, moved / way, held & even, even)


def _largest(changes: Float[Array, "C ..."]) -> Float[Array, " C"]:
    """The largest size of an entry of each copy."""
    largest: Array = np.abs(changes).reshape(len(changes), -1).max(axis=1)
    return largest


def apart(one: Slid, other: Slid) -> Float[Array, " C"]:
    """The largest difference of the weights of each copy."""
    return np.maximum(_largest(one.W - other.W), _largest(one.a - other.a))


def _places(
    problem: Problem, walls: _Walls, slid: Slid, same: float, copies: int
) -> list[RestPoint]:
    """The means of those, of so many copies, that are near each other."""
    found = []
    while len(slid.held):
        near = apart(slid, slid.of(np.zeros(1, dtype=int))) <= same
        own, slid = slid.of(near), slid.of(~near)
        found.append(
            rest_point(
                problem,
                own.W.mean(axis=0),
                own.a.mean(axis=0),
                walls.kinks,
                own.shares.mean(axis=0),
                residual=float(own.residuals.max()),
                frequency=len(own.held) / copies,
            )
        )
    return sorted(found, key=lambda place: -place.frequency)


def rest_point(
    problem: Problem,
    W: Float[Array, "d m"],
    a: Float[Array, " m"],
    kinks: Sequence[Kink],
    shares: Float[Array, "n m"],
    *,
    residual: float,
    frequency: float,
) -> RestPoint:
    """The point, with its loss."""
    fits = problem.activation.fit(np.array(problem.X, dtype=float), W, a)
    own = np.array([shares[kink] for kink in kinks])
    loss = FreePart(problem).least(fits)
    return RestPoint(W, a, tuple(kinks), own, loss, residual, frequency)


class FreePart:
    """The output bias and the linear part in floats: what they add to fits, and change of it.

    Each step lowers a bound of the loss, a quadratic function of largest curvature: see Boehning
    and Lindsay, Monotonicity of quadratic-approximation algorithms (1988).
    """

    def __init__(self, problem: Problem) -> None:
        self.loss, self._y = problem.loss, np.array(problem.y, dtype=float)
        self._step: Float[Array, "n n"] | None = None
        if problem.has_free_part:
            F = np.array(problem.free_columns, dtype=float).T
            curved = F.T @ self.loss.most_curved(problem.n) @ F
            self._step = F @ np.linalg.pinv(curved, rcond=_RANK, hermitian=True) @ F.T

    def slopes(self, fits: Float[Array, "*C n"]) -> Float[Array, "*C n"]:
        """The gradient of the loss."""
        return self.loss.gradient(fits, self._y)

    def next(self, shifts: Float[Array, "*C n"], slopes: Float[Array, "*C n"]) -> Any:
        """What it adds after one step."""
        return shifts if self._step is None else shifts - slopes @ self._step

    def least(self, fit: Float[Array, " n"]) -> float:
        """The loss of neurons with this fit, with the best ones."""
        shift = np.zeros_like(fit)
        value = self.loss.at(fit, self._y)
        for _ in range(_MOST_STEPS if self._step is not None else 0):
            shift = self.next(shift, self.slopes(fit + shift))
            found = self.loss.at(fit + shift, self._y)
            if not found < value * (1 - _EXACT):
                break
            value = found
        return value


class _Walls:
    """The k kinks that a run is on: of kinks on one wall the first, and which rows cross it."""

    def __init__(self, problem: Problem, width: int, kinks: Sequence[Kink]) -> None:
        self._X = np.array(problem.X, dtype=float)
        self._same = parallel(self._X)
        self.kinks = tuple(distinct(self._same, kinks))
        self.on = np.zeros((problem.n, width), dtype=bool)
        for k, j in self.kinks:
            self.on[self._same[k] != 0, j] = True

    def spread(
        self, lengths: Float[Array, "C k"], shares: Float[Array, "C k"]
    ) -> tuple[Float[Array, "C n m"], Float[Array, "C n m"]]:
        """Distances from the walls, given in lengths of a row of each, and shares of steps on the +
        sides, for all rows."""
        found = np.zeros((2, len(lengths), *self.on.shape))
        for place, (k, j) in enumerate(self.kinks):
            side = self._same[k]
            rows = np.flatnonzero(side)
            sizes = side[rows] * np.linalg.norm(self._X[rows], axis=1)
            found[0][:, rows, j] = np.multiply.outer(lengths[:, place], sizes)
            share = shares[:, place, None]
            found[1][:, rows, j] = np.where(side[rows] > 0, share, 1 - share)
        return found[0], found[1]


class Chatter:
    """Training across walls in units of its learning rate: a map of the distances from the walls,
    and of what the rules remember, with weights that follow slowly.

    W (C, d, m), a (C, m): the weights that C copies of runs start from, as many of each of
    `networks`, one after the other. on: the walls that they are on. distances: from them, in steps.
    shares: of earlier steps on the + sides, which the rules remember.
    """

    def __init__(
        self,
        problem: Problem,
        W: Float[Array, "C d m"],
        a: Float[Array, "C m"],
        on: Bool[Array, "C n m"],
        distances: Float[Array, "C n m"],
        shares: Float[Array, "C n m"],
        *,
        rules: tuple[Rule, Rule],
        radius: float,
        networks: int,
    ) -> None:
        self.W, self.a, self.on, self.distances = W, a, on, distances
        self.outputs: Float[Array, "C n m"]
        self.radius = radius
        self._X = np.array(problem.X, dtype=float)
        self._free = FreePart(problem)
        self._shifts: Float[Array, "C n"] = np.zeros((len(a), problem.n))
        self._slopes = problem.activation.slopes
        self.far = _FAR * np.linalg.norm(self._X, axis=1)[:, None]
        self._projections: dict[bytes, Float[Array, "d d"]] = {}
        n_copies, d, m = W.shape
        self._along = np.empty((n_copies, m, d, d))
        self.hold(np.argwhere(np.ones((n_copies, m), dtype=bool)))
        self._hidden, self._output = rules
        minus, plus = self._slopes(np.array([False, True]))
        slopes = np.where(on, minus + shares * (plus - minus), self._slopes(self.above))
        G, g = (np.split(layer, networks) for layer in self._gradients(slopes))
        self._of_W, self._of_a = (
            tuple(map(np.concatenate, zip(*map(rule.start, each), strict=True)))
            for rule, each in ((self._hidden, G), (self._output, g))
        )

    @property
    def above(self) -> Bool[Array, "C n m"]:
        """Which copies are on which + sides."""
        above: Array = np.where(self.on, self.distances, self.outputs) > 0
        return above

    @property
    def signs(self) -> Bool[Array, "C n m"]:
        """Where x_k . w_j > 0, off the walls."""
        signs: Array = (self.outputs > 0) & ~self.on
        return signs

    @property
    def piece(self) -> Float[Array, "C k"]:
        """Where losses have kinks, what tells between which of them fits are: their slopes."""
        return self._of_loss[:, :0] if self._free.loss.smooth else self._of_loss

    def step(self, rate: float) -> None:
        """One step of all copies: of their distances a whole one, of weights `rate` times one,
        along the walls."""
        G, g = self._gradients(self._slopes(self.above))
        D, self._of_W = self._hidden.step(self._of_W, G)
        b, self._of_a = self._output.step(self._of_a, g)
        self.distances = np.clip(self.distances - self._X @ D, -self.far, self.far)
        self.W = self.W - rate * (self.W + self.radius * D)
        self.a = self.a - rate * (self.a + self.radius * b)
        self._stay()

    def keep(self, copies: Bool[Array, " C"]) -> None:
        """Go on with some only."""
        self._shifts = self._shifts[copies]
        self.W, self.a, self.outputs, self.on, self.distances, self._along = (
            each[copies]
            for each in (self.W, self.a, self.outputs, self.on, self.distances, self._along)
        )
        self._of_W, self._of_a = (
            tuple(each[copies] for each in memory) for memory in (self._of_W, self._of_a)
        )

    def hold(self, neurons: Int[Array, "c 2"]) -> None:
        """Put neurons, each of a copy, on the walls that they are on now."""
        for copy, j in neurons.tolist():
            own = self.on[copy, :, j]
            if own.tobytes() not in self._projections:
                normals = self._X[own]
                projection = np.eye(self._X.shape[1]) - np.linalg.pinv(normals) @ normals
                self._projections[own.tobytes()] = projection
            self._along[copy, j] = self._projections[own.tobytes()]
        self._stay()

    def _stay(self) -> None:
        """On the walls."""
        self.W = np.einsum("cjde,cej->cdj", self._along, self.W)
        self.outputs = self._X @ self.W

    def _gradients(
        self, slopes: Float[Array, "C n m"]
    ) -> tuple[Float[Array, "C d m"], Float[Array, "C m"]]:
        """Of W and a, with these slopes."""
        hidden = slopes * self.outputs
        error = self._free.slopes((hidden @ self.a[:, :, None])[..., 0] + self._shifts)
        self._shifts, self._of_loss = self._free.next(self._shifts, error), error
        G = self._X.T @ (slopes * (error[:, :, None] * self.a[:, None]))
        return G, (error[:, None] @ hidden)[:, 0]
