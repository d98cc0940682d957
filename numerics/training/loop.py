"""Many two-layer ReLU networks trained at once on one exact problem, and where they land.

S networks W (S, d, m), a (S, m) with independent random starts run as one batch in float64, on all
data at each step, with the gradients of the loss in closed form. `landing` then says which
component of the exact landscape each run has reached.

>>> from theory import Ball, analyse, example
>>> flagship = example("flagship")
>>> runs = train(flagship, 2, Ball("lion", "11/5"), seeds=4, steps=2000)
>>> print(runs.W.shape, runs.complete)
(4, 2, 2) True
>>> landed = landing(runs, analyse(flagship, 2), tolerance=1e-3)
>>> print(sum(landed.counts.values()) == landed.converged.sum())
True
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, permutations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.optimize import nnls
from torch import Tensor

from numerics.training.activation import Neurons
from numerics.training.losses import Terms
from numerics.training.optimizers import (
    ADAMW,
    OPTIMIZERS,
    Cooling,
    Optimizer,
    Schedule,
    Update,
)
from theory.errors import BudgetError, InputError, Interrupted
from theory.geometry import Apart, Geometry, ball_violation, frank_wolfe_gap, geometry
from theory.losses import SQUARED
from theory.network import Network
from theory.problem import Problem, positive_integer
from theory.states import cone_of, sign_of
from theory.types import Array, Progress, silent
from theory.within import Ball, Penalty, Within, require_within, settled

if TYPE_CHECKING:
    from theory.landscape import Analysis
    from theory.landscape.cells import Cell


NO_COMPONENT = -1

_STEPS_PER_TICK = 10
# Vectorised kernels leave the last few numbers of a batch to scalar code that rounds differently.
# With a multiple of the two widest registers (16 numbers) of runs there are none left over.
_RUNS_TOGETHER = 16


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that determines the runs.

    within: the ball R_W = R_a = sqrt(rho) = 1 / weight_decay of the optimizer, or the penalty of
    sgd, whose weight decay is beta. Run i starts from W ~ N(0, s^2 / d)
    and a ~ N(0, s^2 / m), s = start_scale, drawn from a generator of (seed, i), and added to the
    weights of `start` if there is one. An output bias b and a linear part c start from those of
    `start`, or from zero; they take the optimizer's steps, but have no weight decay.
    Hidden biases, the last row of W, are treated as the problem says: see `settled`, which has
    decided on problem, within and optimizer.
    """

    problem: Problem
    width: int
    within: Within
    optimizer: Optimizer
    seeds: int
    steps: int
    schedule: Schedule
    seed: int = 0
    start_scale: float = 1.0
    start: Network | None = None

    def __post_init__(self) -> None:
        """Raises InputError as `train` says."""
        require_within(self.within, Ball, Penalty)
        own = geometry("sgd") if isinstance(self.within, Penalty) else self.within.geometry
        problem, within = settled(self.problem, self.within)
        assert within is not None
        apart = own if isinstance(within, Penalty) else within.geometry
        if self.optimizer.geometry not in (own, apart):
            name = self.optimizer.name
            raise InputError("optimizer", f"is {name}, which does not belong to {self.within!r}")
        optimizer = replace(self.optimizer, geometry=apart)
        for name, value in (("problem", problem), ("within", within), ("optimizer", optimizer)):
            object.__setattr__(self, name, value)
        for name in ("width", "seeds", "steps"):
            object.__setattr__(self, name, positive_integer(getattr(self, name), name))
        if self.seed < 0:
            raise InputError("seed", f"{self.seed} must not be negative")
        start, scale = self.start, self.start_scale
        if not 0 <= scale < math.inf or (start is None and scale == 0):
            raise InputError("start_scale", f"{scale} must be positive and finite")
        if start is not None and (len(start.W), start.width) != (self.problem.d, self.width):
            shape, trained = (len(start.W), start.width), (self.problem.d, self.width)
            raise InputError("start", f"has W of shape {shape}, but {trained} are trained")
        if start is not None:
            start.require(self.problem)

    @property
    def apart(self) -> Apart | None:
        """The norm on W where it treats biases apart from the rest."""
        within = self.within
        hidden = within.geometry.hidden if isinstance(within, Ball) else None
        return hidden if isinstance(hidden, Apart) else None

    @property
    def rho(self) -> Fraction:
        """R_W R_a; without a ball 1 / weight_decay^2."""
        within = self.within
        return within.rho if isinstance(within, Ball) else 1 / within.beta**2

    @property
    def radius(self) -> float:
        """1 / weight_decay, which is R_W = R_a = sqrt(rho) where there is a ball."""
        if isinstance(self.within, Penalty):
            return float(1 / self.within.beta)
        return math.sqrt(self.rho)


@dataclass(frozen=True, eq=False)
class History:
    """What `TrainingResult` says of the end, on the way: losses, violations and gaps.

    The last two are None for sgd.
    """

    steps: Int[Array, " T"]
    losses: Float[Array, "T S"]
    violations: Float[Array, "T S"] | None
    gaps: Float[Array, "T S"] | None


@dataclass(frozen=True, eq=False)
class Watched:
    """What S runs did in their last steps: the means of W and a, and the share of the steps with
    x_k . w_j > 0."""

    W: Float[Array, "S d m"]
    a: Float[Array, "S m"]
    shares: Float[Array, "S n m"]


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """S trained networks and how far each one is from the solution its optimizer implies.

    violation: the larger of ||W|| / R_W - 1 and ||a|| / R_a - 1, and 0 in the ball. gap: the
    Frank-Wolfe gap of W and a, in the units of the loss; where the loss has a kink, of one of its
    subgradients; free biases are in no ball, and left out. Both are None for sgd, which has no
    ball. diverged: runs with a loss or weights that are not finite. steps: how many were done, less
    than config.steps after an interrupt. free: the layers without weight decay, as `BatchLoss`
    takes them. watched: what the runs did at last, if asked for.
    """

    config: TrainingConfig
    W: Float[Array, "S d m"]
    a: Float[Array, "S m"]
    loss: Float[Array, " S"]
    violation: Float[Array, " S"] | None
    gap: Float[Array, " S"] | None
    diverged: Bool[Array, " S"]
    steps: int
    history: History | None
    free: tuple[Array, ...] = ()
    watched: Watched | None = None

    @property
    def complete(self) -> bool:
        """Whether all steps were done."""
        return self.steps == self.config.steps

    @property
    def b(self) -> Float[Array, " S"] | None:
        """The output biases; None where the problem has none."""
        return self.free[0][:, 0] if self.config.problem.output_bias else None

    @property
    def c(self) -> Float[Array, "S d"] | None:
        """The linear parts; None where the problem has none."""
        return self.free[-1] if self.config.problem.skip else None

    @property
    def linear(self) -> Float[Array, "S n"]:
        """What output biases and linear parts add to the fits."""
        added = np.zeros((len(self.loss), self.config.problem.n))
        if self.b is not None:
            added += self.b[:, None]
        if self.c is not None:
            added += self.c @ np.array(self.config.problem.X, dtype=np.float64).T
        return added

    def networks(self) -> dict[int, Network]:
        """The runs that did not diverge, their weights exactly as they are in binary."""
        return {
            run: Network.from_floats(
                self.W[run],
                self.a[run],
                0.0 if self.b is None else float(self.b[run]),
                None if self.c is None else self.c[run],
            )
            for run in np.flatnonzero(~self.diverged).tolist()
        }


def train(
    problem: Problem,
    width: int,
    within: Within,
    *,
    optimizer: Optimizer | None = None,
    seeds: int,
    steps: int,
    seed: int = 0,
    schedule: Schedule | None = None,
    start_scale: float = 1.0,
    start: Network | None = None,
    record_every: int | None = None,
    watch: int = 0,
    progress: Progress = silent,
) -> TrainingResult:
    """Train `seeds` networks with the weight decay on both layers that confines them to the ball,
    1 / sqrt(rho), or that is the penalty of sgd, beta.

    optimizer: of your own, with that ball; by default the one of `OPTIMIZERS`.
    schedule: by default the optimizer's, see `Optimizer.default_schedule`.
    start: a network of that width to begin at, or near: see `TrainingConfig`.
    record_every: keep losses, violations and gaps each that many steps, and at the end.
    watch: keep what the runs do in so many last steps; all of them if there are fewer.

    A run is the same whatever the number of seeds. Runs whose weights overflow are reported as
    diverged and leave the others alone. `progress` may raise Interrupted: this returns what is
    there, with complete=False.

    Raises InputError for an optimizer of another ball, a loss of one's own, a start_scale < 0, or 0
    without a start, a start of another shape, and counts below 1; BudgetError for more runs than
    memory holds.
    Source: proofs_notes/implicit-bias.md.
    """
    optimizer = optimizer or _optimizer(within)
    steps = positive_integer(steps, "steps")
    schedule = schedule or optimizer.default_schedule(within, steps)
    config = TrainingConfig(
        problem, width, within, optimizer, seeds, steps, schedule, seed, start_scale, start
    )
    if record_every is not None:
        record_every = positive_integer(record_every, "record_every")
    require_memory(problem, config.width, config.seeds)
    with one_thread(), torch.inference_mode():
        return _run([config], record_every, watch, progress)[0]


def train_together(
    problems: Sequence[Problem],
    width: int,
    withins: Sequence[Within],
    *,
    seeds: int,
    steps: int,
    cooling: int,
    rate: float | None = None,
    progress: Progress = silent,
) -> list[TrainingResult]:
    """`train` on several data sets of as many features as one batch, which takes little longer than
    on one: each in a ball of its own of the same optimizer, or with a penalty.

    cooling: so many steps follow in which learning rates fall to a hundredth: see `Cooling`. In the
    last half of them the runs are watched.
    rate: a constant learning rate before that, in place of the optimizer's default.
    Raises InputError where optimizers or features differ, and for data that are not alike.
    """
    if len({within.optimizer for within in withins}) > 1 or len({p.d for p in problems}) > 1:
        raise InputError("problems", "differ in the number of features, or in the optimizer")
    require_alike(problems, "problems")
    configs = []
    for problem, within in zip(problems, withins, strict=True):
        optimizer = _optimizer(within)
        before = optimizer.default_schedule(within, steps) if rate is None else Schedule(rate)
        cooled = Cooling(**vars(before), steps=steps, further=cooling)
        configs.append(
            TrainingConfig(problem, width, within, optimizer, seeds, steps + cooling, cooled)
        )
    require_memory(max(problems, key=lambda p: p.n), width, seeds * len(problems))
    with one_thread(), torch.inference_mode():
        return _run(configs, None, cooling // 2, progress)


def _optimizer(within: Within) -> Optimizer:
    """The one that belongs to it."""
    require_within(within, Ball, Penalty)
    if within.optimizer not in OPTIMIZERS:
        raise InputError("optimizer", f"is needed: how to train in {within} is not known")
    return OPTIMIZERS[within.optimizer]


def require_alike(problems: Sequence[Problem], field: str) -> None:
    """Raise InputError unless they share the activation, the loss, weights and forms apart, whether
    there is an output bias, and a skip connection, and how hidden biases are treated."""
    for what, kinds in (
        ("activation", {str(problem.activation) for problem in problems}),
        ("loss", {str(problem.loss) for problem in problems}),
        ("choice of output_bias", {str(problem.output_bias) for problem in problems}),
        ("choice of skip", {str(problem.skip) for problem in problems}),
        ("rule for biases", {str(problem.bias) for problem in problems}),
    ):
        if len(kinds) > 1:
            raise InputError(field, f"must share one {what}, not {', '.join(sorted(kinds))}")


def require_memory(problem: Problem, width: int, seeds: int) -> None:
    """Raise BudgetError for more runs than the machine has memory for."""
    n, d, m = problem.n, problem.d, width
    # What a step holds at once, as measured: neurons on all rows three times, the rows and their
    # outputs, and the weights with gradients, momentum and what directions are made of.
    run = 8 * (3 * n * m + n * (d + 1) + 8 * (d + 1) * m)
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if seeds * run > there:
        raise BudgetError(
            f"bytes of memory for {seeds:,} runs",
            seeds * run,
            there,
            "",
            f"train at most {there // run:,} seeds at once, others with another first seed",
        )


class BatchLoss:
    """The loss of a batch of S networks, and its gradients in closed form.

    batch: how many networks there are of each problem, one after another; the problems are alike
    (see `require_alike`). Rows that are missing to the most are zero, and weigh nothing. Layers are
    W (S, d, m), a (S, m), then the `free` ones, b (S, 1) where there is an output bias and c (S, d)
    where there is a skip connection. Raises InputError for a loss of one's own.
    """

    def __init__(self, *batch: tuple[Problem, int]) -> None:
        rows = max(problem.n for problem, _ in batch)
        problem = batch[0][0]

        def gathered(values: Callable[[Problem], object]) -> Float[Tensor, "S n k"]:
            """Of every problem (n, k), for each of its networks."""
            found = []
            for each, count in batch:
                own = np.array(values(each), dtype=np.float64).reshape(each.n, -1)
                own = np.pad(own, ((0, rows - each.n), (0, 0)))
                found.append(torch.from_numpy(own).expand(count, -1, -1))
            return found[0] if len(found) == 1 else torch.cat(found)

        self._X = gathered(lambda each: each.X)
        self._X_transposed = self._X.mT
        self._features = [
            *([gathered(lambda each: np.ones(each.n))] if problem.output_bias else []),
            *([self._X] if problem.skip else []),
        ]
        self._neurons, self._terms = Neurons(problem.activation), Terms(problem.loss)
        self._y = gathered(lambda each: each.y)
        # Of 1/2 ||f - y||^2 slopes are f - y, which one operation finds.
        self._is_squared = problem.loss.name == SQUARED.name
        self._start = -self._y if self._is_squared else torch.zeros_like(self._y)
        # Of neurons alone missing rows have the squared loss 0.
        self._weights = self._form = None
        if any(each.loss.form for each, _ in batch):

            def form(each: Problem) -> Float[Array, "n n"]:
                # Of squared losses second derivatives are the form, or weights on its diagonal.
                return np.pad(each.loss.most_curved(each.n), ((0, 0), (0, rows - each.n)))

            self._form = gathered(form)
        elif any(each.loss.weights for each, _ in batch) or not (
            problem.is_plain or all(each.n == rows for each, _ in batch)
        ):
            self._weights = gathered(lambda each: each.loss.weights or np.ones(each.n))

    def _forward(
        self, W: Float[Tensor, "S d m"], a: Float[Tensor, "S m"], free: Sequence[Tensor]
    ) -> tuple[Float[Tensor, "S n m"], Float[Tensor, "S n m"], Float[Tensor, "S n 1"]]:
        """sigma(X W), what its derivative needs, and f, or f - y where the loss is squared."""
        hidden, kept = self._neurons.forward(self.outputs(W))
        fit = torch.baddbmm(self._start, hidden, a.unsqueeze(2))
        for features, weights in zip(self._features, free, strict=True):
            fit.baddbmm_(features, weights.unsqueeze(2))
        return hidden, kept, fit

    def outputs(self, W: Float[Tensor, "S d m"]) -> Float[Tensor, "S n m"]:
        """X W"""
        return torch.bmm(self._X, W)

    def value(
        self, W: Float[Tensor, "S d m"], a: Float[Tensor, "S m"], *free: Tensor
    ) -> Float[Tensor, " S"]:
        """The loss of each network."""
        *_, fit = self._forward(W, a, free)
        if self._is_squared:
            return (fit * self._weighted(fit)).sum(dim=(1, 2)) / 2
        return self._weighted(self._terms.values(fit, self._y)).sum(dim=(1, 2))

    def gradients(
        self, W: Float[Tensor, "S d m"], a: Float[Tensor, "S m"], *free: Tensor
    ) -> list[Tensor]:
        """With the slopes l of the loss in f: of W it is X^T (l a^T sigma'(X W)), of a
        sigma(X W)^T l, of b 1^T l, and of c X^T l."""
        hidden, kept, fit = self._forward(W, a, free)
        slopes = self._weighted(fit if self._is_squared else self._terms.slopes(fit, self._y))
        back = self._neurons.backward(slopes * a.unsqueeze(1), kept)
        found = [torch.bmm(self._X_transposed, back), torch.bmm(hidden.mT, slopes).squeeze(2)]
        found += [torch.bmm(features.mT, slopes).squeeze(2) for features in self._features]
        return found

    def _weighted(self, terms: Float[Tensor, "S n 1"]) -> Float[Tensor, "S n 1"]:
        if self._form is not None:
            return torch.bmm(self._form, terms)
        return terms if self._weights is None else terms * self._weights


def _run(
    configs: Sequence[TrainingConfig], record_every: int | None, watch: int, progress: Progress
) -> list[TrainingResult]:
    """Of each configuration, as one batch; they have the optimizer and the steps in common."""
    starts = [_starts(config) for config in configs]
    W, a, *free = (torch.cat(layer) for layer in zip(*starts, strict=True))
    batch = [len(start[0]) for start in starts]
    loss = BatchLoss(*zip([config.problem for config in configs], batch, strict=True))
    places = [slice(end - size, end) for size, end in zip(batch, accumulate(batch), strict=True)]
    optimizer, steps, apart = configs[0].optimizer, configs[0].steps, configs[0].apart
    hidden: list[tuple[Tensor, Update, bool]] = [(W, optimizer.hidden, True)]
    if apart is not None:
        biases = optimizer.free if apart.free else ADAMW
        hidden = [(W[:, :-1], optimizer.hidden, True), (W[:, -1:], biases, not apart.free)]
    layers = [
        (layer.split_with_sizes(batch), update.start(layer), decayed)
        for layer, update, decayed in (
            *hidden,
            (a, optimizer.output, True),
            *((each, optimizer.free, False) for each in free),
        )
    ]
    undecayed = [1.0] * len(configs)
    radii = [config.radius for config in configs]
    sums = (torch.zeros_like(W), torch.zeros_like(a), torch.zeros_like(loss.outputs(W)))
    recorded: list[dict[int, _Measured]] = [{} for _ in configs]

    def state() -> list[list[Array]]:
        grad_W, grad_a, *_ = loss.gradients(W, a, *free)
        tensors = (W, a, loss.value(W, a, *free), grad_W, grad_a)
        return [_own(tensors, config, place) for config, place in zip(configs, places, strict=True)]

    step = 0
    try:
        for step in range(steps):
            if step % _STEPS_PER_TICK == 0:
                progress("training, steps", step)
            if record_every is not None and step % record_every == 0:
                for config, own, record in zip(configs, state(), recorded, strict=True):
                    record[step] = _measured(config, *own)
            rates = [config.schedule(step) for config in configs]
            decays = [1 - rate / radius for rate, radius in zip(rates, radii, strict=True)]
            gradients = loss.gradients(W, a, *free)
            if apart is not None:
                gradients[:1] = [gradients[0][:, :-1], gradients[0][:, -1:]]
            for (layer, direction, decayed), gradient in zip(layers, gradients, strict=True):
                changes = direction(gradient).split_with_sizes(batch)
                kept = decays if decayed else undecayed
                for weights, change, rate, keep in zip(layer, changes, rates, kept, strict=True):
                    weights.mul_(keep).sub_(change, alpha=rate)
            if step >= steps - watch:
                for total, each in zip(sums, (W, a, loss.outputs(W) > 0), strict=True):
                    total += each
        step = steps
    except Interrupted:
        pass
    results = []
    for config, place, own, record in zip(configs, places, state(), recorded, strict=True):
        end = _measured(config, *own)
        if record_every is not None:
            record[step] = end
        watched = None
        if watch and step == steps:
            means = [total / min(watch, steps) for total in _own(sums, config, place)]
            watched = Watched(means[0], means[1], means[2][:, : config.problem.n])
        layers_of_run = [*own[:2], *_own(free, config, place)]
        results.append(_result(config, step, record, end, watched, *layers_of_run))
    return results


def _own(tensors: Sequence[Tensor], config: TrainingConfig, place: slice) -> list[Array]:
    """What belongs to the runs of one configuration."""
    return [tensor[place][: config.seeds].numpy() for tensor in tensors]


def _starts(config: TrainingConfig) -> list[Tensor]:
    """The layers of networks with random weights added to W and a, of which run i depends on
    (seed, i) only; a few more than asked for."""
    d, m = config.problem.d, config.width
    batch = -(-config.seeds // _RUNS_TOGETHER) * _RUNS_TOGETHER
    draws = torch.from_numpy(
        np.stack(
            [np.random.default_rng([config.seed, i]).normal(size=(d + 1, m)) for i in range(batch)]
        )
    )
    W = draws[:, :d] * (config.start_scale / math.sqrt(d))
    a = draws[:, d] * (config.start_scale / math.sqrt(m))
    b, c = W.new_zeros(batch, 1), W.new_zeros(batch, d)
    if config.start is not None:
        W += torch.from_numpy(np.array(config.start.W, dtype=np.float64))
        a += torch.from_numpy(np.array(config.start.a, dtype=np.float64))
        b += float(config.start.b)
        if config.start.c is not None:
            c += torch.from_numpy(np.array(config.start.c, dtype=np.float64))
    problem = config.problem
    return [W, a, *([b] if problem.output_bias else []), *([c] if problem.skip else [])]


class _Measured(NamedTuple):
    """Losses, and where there is a ball violations and gaps, of all runs at one step."""

    loss: Float[Array, " S"]
    violation: Float[Array, " S"] | None
    gap: Float[Array, " S"] | None


def _measured(
    config: TrainingConfig,
    W: Float[Array, "S d m"],
    a: Float[Array, "S m"],
    loss: Float[Array, " S"],
    grad_W: Float[Array, "S d m"],
    grad_a: Float[Array, "S m"],
) -> _Measured:
    radius, geometry_ = config.radius, config.optimizer.geometry
    if isinstance(config.within, Penalty):
        return _Measured(loss, None, None)
    return _Measured(
        loss,
        ball_violation(geometry_, W, a, radius, radius),
        frank_wolfe_gap(*_in_the_ball(config, W, a, grad_W, grad_a), radius, radius),
    )


def _in_the_ball(
    config: TrainingConfig,
    W: Float[Array, "S d m"],
    a: Float[Array, "S m"],
    grad_W: Float[Array, "S d m"],
    grad_a: Float[Array, "S m"],
) -> tuple[Geometry, Array, Array, Array, Array]:
    """Without free biases."""
    own = config.optimizer.geometry
    if config.apart is None or not config.apart.free:
        return own, W, a, grad_W, grad_a
    rest = replace(own.ball, hidden=config.apart.rest)
    return rest, W[:, :-1], a, grad_W[:, :-1], grad_a


def _result(
    config: TrainingConfig,
    steps: int,
    recorded: dict[int, _Measured],
    end: _Measured,
    watched: Watched | None,
    *layers: Array,
) -> TrainingResult:
    finite = np.isfinite(end.loss)
    for layer in layers:
        finite &= np.isfinite(layer).all(axis=tuple(range(1, layer.ndim)))
    W, a, *free = layers
    history = None
    if recorded:
        losses, violations, gaps = zip(*recorded.values(), strict=True)
        ball = end.violation is not None
        history = History(
            steps=np.array(list(recorded)),
            losses=np.array(losses),
            violations=np.array(violations) if ball else None,
            gaps=np.array(gaps) if ball else None,
        )
    return TrainingResult(
        config=config,
        W=W,
        a=a,
        loss=end.loss,
        violation=end.violation,
        gap=end.gap,
        diverged=~finite,
        steps=steps,
        history=history,
        free=tuple(free),
        watched=watched,
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """One torch thread: small kernels gain nothing from more, and their rounding would depend on
    the number."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


# Where runs land


@dataclass(frozen=True, eq=False)
class Landing:
    """The component of the set of least loss that each of S runs has reached.

    converged: the loss is at most tolerance * 2 L(0) above the least. component: its id,
    NO_COMPONENT for runs that have not converged. in_cell: the run's own cell holds networks of
    least loss of the component; then the segment to them in convex coordinates never rises above
    the run's loss. Otherwise the component is the nearest one.
    distance: to the networks of least loss of the component in that cell or, where in_cell is
    False, in its nearest cell; NaN for runs that have not converged. Where these have more fits
    than one, as with losses that are not strictly convex, it is the distance to the cell, whatever
    the loss. It is Euclidean in the convex
    coordinates u_j = |a_j| w_j taken in the row space of X, of corresponding neurons in their best
    order; a neuron of the other sign has to go through 0, so ||u_j||^2 + ||u'_j||^2 replaces
    ||u_j - u'_j||^2. counts: the runs of each component, by id.
    """

    tolerance: float
    converged: Bool[Array, " S"]
    component: Int[Array, " S"]
    in_cell: Bool[Array, " S"]
    distance: Float[Array, " S"]
    counts: dict[int, int]

    @property
    def largest_distance(self) -> float | None:
        """Of the converged runs; None where there are none."""
        distances = self.distance[self.converged]
        return float(distances.max()) if len(distances) else None


def landing(
    result: TrainingResult,
    analysis: Analysis,
    *,
    tolerance: float = 1e-5,
    max_assignments: int = 1_000_000,
) -> Landing:
    """Which component of `analysis`, of the same problem and width, each run has reached.

    tolerance: a run has converged where its loss is at most tolerance * 2 L(0) above the least,
        L(0) being the loss of zero weights: ||y||^2 / 2 where it is the squared one.
        Updates of fixed size keep a run about a learning rate away from its limit, and its loss at
        the square.
    Raises InputError if the analysis is not of the least loss or if the tolerance reaches a
    barrier, and BudgetError where a run needs its nearest cell among more than `max_assignments`
    assignments of neurons to cells of components.
    """
    problem = result.config.problem
    if (analysis.problem, analysis.width) != (problem, result.config.width):
        raise InputError("analysis", "is of another problem or width than the runs")
    if any(component.minimum != analysis.level for component in analysis.components):
        raise InputError(
            "analysis",
            f"is of the loss {analysis.level}; landing needs the components of least loss, "
            f"{analysis.minimum}",
        )
    require_apart(analysis, tolerance)
    limit = tolerance * float(2 * problem.zero)
    converged = result.loss <= float(analysis.level) + limit
    component = np.full(len(converged), NO_COMPONENT)
    in_cell = np.zeros(len(converged), dtype=bool)
    distance = np.full(len(converged), np.nan)
    least_loss = _LeastLoss(analysis, max_assignments)
    for run in np.flatnonzero(converged):
        component[run], in_cell[run], distance[run] = least_loss.locate(
            result.W[run], result.a[run]
        )
    return Landing(
        tolerance=tolerance,
        converged=converged,
        component=component,
        in_cell=in_cell,
        distance=distance,
        counts={c.id: int((component == c.id).sum()) for c in analysis.components},
    )


def require_apart(analysis: Analysis, tolerance: float) -> None:
    """Raise InputError where a tolerance, relative to 2 L(0), reaches a barrier between components
    of least loss."""
    limit = tolerance * float(2 * analysis.problem.zero)
    barriers = (barrier for i, row in enumerate(analysis.barriers) for barrier in row[:i])
    for barrier in barriers:
        if barrier is not None and barrier - analysis.level <= limit:
            above = f", {float(barrier - analysis.level):.3g} above the least loss"
            raise InputError(
                "tolerance",
                f"{tolerance} times twice the loss of zero weights is {limit:.3g}, but the barrier "
                f"between two components is {barrier}{above if analysis.level else ''}; below it "
                "they are apart",
            )


class _LeastLoss:
    """The networks of least loss of an analysis, and how far a network is from them."""

    # How much more a wrong fit weighs than a wrong u in least squares: fits are then right to
    # about 1e-8 of the distance, and the systems solvable in float64.
    FIT_WEIGHT = 1e4

    def __init__(self, analysis: Analysis, max_assignments: int) -> None:
        self.analysis = analysis
        self.max_assignments = max_assignments
        self._component = {cell: c.id for c in analysis.components for cell in c.cells}
        self._X = np.array(analysis.problem.X, dtype=np.float64)
        problem = analysis.problem
        # With a strictly convex loss all networks of least loss of one component have one fit.
        self._fits = {
            c.id: np.array(c.representative.fit(problem), dtype=np.float64)
            for c in analysis.components
            if problem.loss.name in ("squared", "logistic")
        }
        # What is free to be added to it, in both directions.
        free = np.hstack(
            [
                *([np.ones((problem.n, 1))] if problem.output_bias else []),
                *([self._X] if problem.skip else []),
                np.empty((problem.n, 0)),
            ]
        )
        self._free = np.hstack([free, -free])
        self._row_space = np.linalg.pinv(self._X) @ self._X
        self._fit_weight = self.FIT_WEIGHT / (np.linalg.norm(self._X) or 1.0)

    def locate(self, W: Float[Array, "d m"], a: Float[Array, " m"]) -> tuple[int, bool, float]:
        """(component, whether the network is in one of its cells, distance)."""
        complex_ = self.analysis.complex
        exact = Network.from_floats(W, a)
        own = complex_.cell_of(exact)
        signs, u = np.sign(a), (np.abs(a) * W).T @ self._row_space
        component = self._component.get(complex_.canonical(own))
        if component is not None:
            return component, True, self._distance(signs, u, own, component)
        return self._nearest(signs, u)

    def _nearest(
        self, signs: Float[Array, " m"], u: Float[Array, "m d"]
    ) -> tuple[int, bool, float]:
        """Best first by a bound: the distance to the cell itself, whatever the loss."""
        cells, components = self._assignments
        to_state = {
            state: [self._to_cone(s, v, state) for s, v in zip(signs, u, strict=True)]
            for state in np.unique(cells).tolist()
        }
        bounds = np.sqrt([sum(to_state[s][j] for j, s in enumerate(c)) for c in cells.tolist()])
        nearest = (NO_COMPONENT, math.inf)
        for k in np.argsort(bounds, kind="stable"):
            if bounds[k] >= nearest[1]:
                break
            component = int(components[k])
            distance = self._distance(signs, u, cells[k], component)
            if distance < nearest[1]:
                nearest = (component, distance)
        return nearest[0], False, nearest[1]

    @cached_property
    def _assignments(self) -> tuple[Int[Array, "A m"], Int[Array, " A"]]:
        """All ways to assign the neurons to a component's cell, and the components."""
        labelled, width = self.analysis.labelled, self.analysis.width
        needed = len(self._component) * (1 if labelled else math.factorial(width))
        if needed > self.max_assignments:
            raise BudgetError(
                f"assignments of {width} neurons to cells of components",
                needed,
                self.max_assignments,
                "max_assignments",
            )
        pairs = [
            (order, component)
            for cell, component in self._component.items()
            for order in ([cell] if labelled else sorted(set(permutations(cell))))
        ]
        return np.array([order for order, _ in pairs]), np.array([c for _, c in pairs])

    def _rays(self, state: int) -> Float[Array, "rays d"]:
        """The extreme rays of a state's cone, in the row space of X and of length 1."""
        arrangement = self.analysis.complex.arrangement
        rays = arrangement.rays[arrangement.cone_rays(cone_of(state))].astype(np.float64)
        rays = rays @ self._row_space
        unit: Array = rays / np.linalg.norm(rays, axis=1, keepdims=True)
        return unit

    def _to_cone(self, sign: float, u: Float[Array, " d"], state: int) -> float:
        """The squared distance of one neuron to the neurons of a state."""
        if sign == sign_of(state) and np.any(u):
            return _least_squares(self._rays(state).T, u)[1] ** 2
        return float(u @ u)

    def _distance(
        self,
        signs: Float[Array, " m"],
        u: Float[Array, "m d"],
        cell: Cell | Int[Array, " m"],
        component: int,
    ) -> float:
        """The distance to the component's networks with neuron j in state cell[j].

        Least squares in the coefficients z >= 0 of the rays: V z = u and, with a large weight,
        sigma(X V) z = its fit, to which b and c may add.
        """
        m, d = u.shape
        rays = [self._rays(int(state)) for state in cell]
        V = np.zeros((m, d, sum(map(len, rays)) + self._free.shape[1]))
        fits, start = [], 0
        for j, (state, own) in enumerate(zip(cell, rays, strict=True)):
            V[j, :, start : start + len(own)] = own.T
            fits.append(sign_of(state) * self.analysis.problem.activation.at(self._X @ own.T))
            start += len(own)
        alike = signs == sign_of(np.array(cell))
        target = np.where(alike[:, None], u, 0.0)
        matrix, wanted = V.reshape(m * d, -1), target.ravel()
        if component in self._fits:
            sums = np.hstack([*fits, self._free])
            matrix = np.concatenate([matrix, self._fit_weight * sums])
            wanted = np.concatenate([wanted, self._fit_weight * self._fits[component]])
        z, _ = _least_squares(matrix, wanted)
        return math.hypot(np.linalg.norm(V @ z - target), np.linalg.norm(u[~alike]))


def _least_squares(
    A: Float[Array, "k c"], b: Float[Array, " k"]
) -> tuple[Float[Array, " c"], float]:
    """The z >= 0 of least ||A z - b||, and that norm; SciPy crashes where A has no columns."""
    if A.shape[1] == 0:
        return np.zeros(0), float(np.linalg.norm(b))
    z, norm = nnls(A, b)
    return z, float(norm)
