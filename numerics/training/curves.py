"""Curves between trained networks: straight lines, polychains and Bezier curves, and the loss on
them.

A curve is theta(t) = sum_i b_i(t) c_i in the space of weights theta = (W, a), 0 <= t <= 1, with the
two networks for its first and last control point; t = 0 is the first network. Those between are its
bends, which `connect` learns. Many pairs of networks, each with data of its own, go through one
batch in float64.

>>> import numpy as np
>>> from numerics.training.loop import train
>>> from theory import example
>>> from theory import Ball
>>> runs = train(example("flagship"), 2, Ball("lion", "11/5"), seeds=8, steps=2000)
>>> pairs = Pairs.of_runs(runs, first=[0, 1, 2], second=[3, 4, 5])
>>> straight, bent = segment(pairs), connect(pairs, "bezier", steps=50)
>>> print(straight.barrier().shape, bool((bent.maximum() <= straight.maximum()).all()))
torch.Size([3]) True

Sources: Garipov, Izmailov, Podoprikhin, Vetrov, Wilson, "Loss surfaces, mode connectivity, and fast
ensembling of DNNs", NeurIPS 2018, for both kinds of curves; Draxler, Veschgini, Salmhofer,
Hamprecht, "Essentially no barriers in neural network energy landscape", ICML 2018, for lowering the
highest point of a curve in place of its mean loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from numerics.training.activation import Neurons
from numerics.training.loop import TrainingResult, one_thread
from theory.activation import RELU, Activation
from theory.errors import InputError
from theory.network import Network
from theory.problem import Problem, positive_integer
from theory.types import Progress, silent

DEFAULT_BENDS = 3

# How the bends are learned; lengths are relative to the distance between the two networks.
_STARTS = 4
_NOISE = 0.3
_LEARNING_RATE = 0.05
_SAMPLES = 32  # t's in each step
_STEPS_PER_TICK = 50

# How a maximum over a grid is refined.
_PEAKS = 8
_ZOOM = 8
_ZOOMS = 16  # kinks are then found to within 1e-14 of t, whatever the grid


@dataclass(frozen=True, eq=False)
class Pairs:
    """P pairs of networks of one width, each pair with a data set of its own.

    X (P, n, d), y (P, n). ends: the weights of the first and the second network, the rows of W and
    below them a. activation: of all of them. Raises InputError for weights that are not finite.
    """

    X: Float[Tensor, "P n d"]
    y: Float[Tensor, "P n"]
    ends: Float[Tensor, "P 2 d+1 m"]
    activation: Activation = RELU

    def __post_init__(self) -> None:
        if not self.ends.isfinite().all():
            raise InputError("ends", "hold weights that are not finite; leave diverged runs out")

    @classmethod
    def of(cls, pairs: Sequence[tuple[Problem, Network, Network]]) -> Pairs:
        """Exact networks, rounded to float64.

        Raises InputError unless all have the same width, and all data the same d and activation.
        """
        sizes = {(len(net.W), net.width, problem.d) for problem, *ends in pairs for net in ends}
        if len(sizes) != 1 or any(rows != d for rows, _, d in sizes):
            raise InputError("pairs", f"must share one d and one width, not {sorted(sizes)}")
        ((_, _, d),) = sizes
        activations = {problem.activation for problem, *_ in pairs}
        if len(activations) > 1:
            raise InputError(
                "pairs", f"must share one activation, not {', '.join(map(str, activations))}"
            )
        n = max(problem.n for problem, _, _ in pairs)
        # Every network fits a data point x = 0, y = 0: fewer points than n are filled up with it.
        X, y = np.zeros((len(pairs), n, d)), np.zeros((len(pairs), n))
        for k, (problem, _, _) in enumerate(pairs):
            X[k, : problem.n], y[k, : problem.n] = problem.X, problem.y
        ends = [[[*net.W, net.a] for net in ends] for _, *ends in pairs]
        return cls(_float64(X), _float64(y), _float64(ends), *activations)

    @classmethod
    def of_runs(cls, result: TrainingResult, first: Sequence[int], second: Sequence[int]) -> Pairs:
        """Run first[k] with run second[k]."""
        problem, runs = result.config.problem, np.array([first, second]).T  # (P, 2)
        ends = np.concatenate([result.W[runs], result.a[runs][..., None, :]], axis=2)
        X, y = _float64(problem.X), _float64(problem.y)
        data = X.expand(len(runs), -1, -1), y.expand(len(runs), -1)
        return cls(*data, _float64(ends), problem.activation)

    def loss(self, weights: Float[Tensor, "P T d+1 m"]) -> Float[Tensor, "P T"]:
        """1/2 ||f - y||^2 of T networks for each pair, on the pair's data."""
        W, a = weights[..., :-1, :], weights[..., -1, :]
        hidden = Neurons(self.activation).images(torch.einsum("pnd,ptdm->pntm", self.X, W))
        fits = (hidden * a[:, None]).sum(dim=3)
        return (fits - self.y[..., None]).square().sum(dim=1) / 2


def _float64(values: object) -> Tensor:
    return torch.from_numpy(np.array(values, dtype=np.float64))


# What curves are made of

Basis: TypeAlias = Callable[[Tensor, int], Tensor]
"""b_0(t) .. b_{k-1}(t) for t (..., T) and k control points: (..., T, k), not negative, of sum 1."""


def hat(t: Float[Tensor, "*t"], k: int) -> Float[Tensor, "*t k"]:
    """Straight pieces from each control point to the next, each the same part of 0 <= t <= 1."""
    return (1 - (t[..., None] * (k - 1) - torch.arange(k)).abs()).clamp(min=0)


def bernstein(t: Float[Tensor, "*t"], k: int) -> Float[Tensor, "*t k"]:
    """The Bezier curve of degree k - 1."""
    i, t = torch.arange(k), t[..., None]
    binomials = torch.tensor([math.comb(k - 1, j) for j in range(k)], dtype=t.dtype)
    return binomials * t**i * (1 - t) ** (k - 1 - i)


BASES: Mapping[str, Basis] = {"polychain": hat, "bezier": bernstein}
"""The kinds of curves. Without bends both are the straight line."""


@dataclass(frozen=True, eq=False)
class Curves:
    """A curve of one kind between the networks of each pair.

    control: its control points, the two networks included. Both kinds lie in their convex hull:
    where all control points are in a ball, so is the curve.
    """

    pairs: Pairs
    kind: str
    control: Float[Tensor, "P k d+1 m"]

    def at(self, t: Float[Tensor, "#P T"]) -> Float[Tensor, "P T d+1 m"]:
        """Weights theta(t), exactly the two networks at t = 0 and 1; a single row of t is for all
        pairs."""
        basis = BASES[self.kind](t, self.control.shape[1])
        points = basis @ self.control.flatten(2)
        return points.reshape(*points.shape[:2], *self.control.shape[2:])

    def loss(self, t: Float[Tensor, "#P T"]) -> Float[Tensor, "P T"]:
        """1/2 ||f - y||^2 at theta(t)."""
        return self.pairs.loss(self.at(t))

    def maximum(self, points: int = 1025) -> Float[Tensor, " P"]:
        """The highest loss found on each curve.

        It is sought on a grid of t, and then around the highest local maxima there. The loss is
        attained on the curve, up to rounding, so this is never above the true maximum. It is below
        where that one hides between two neighbouring points of the grid; more `points` leave less
        room.
        """
        return self._highest(self.loss, points)

    def barrier(self, points: int = 1025) -> Float[Tensor, " P"]:
        """The most by which the loss exceeds (1 - t) L(theta(0)) + t L(theta(1)); at least 0.

        Found as `maximum` is.
        """
        first, second = self.pairs.loss(self.pairs.ends).T[..., None]
        return self._highest(lambda t: self.loss(t) - ((1 - t) * first + t * second), points)

    def _highest(
        self, height: Callable[[Float[Tensor, "#P T"]], Float[Tensor, "P T"]], points: int
    ) -> Float[Tensor, " P"]:
        if positive_integer(points, "points") < 2:
            raise InputError("points", f"{points} must be at least 2, for both ends")
        with one_thread(), torch.inference_mode():
            grid, step = torch.linspace(0, 1, points, dtype=torch.float64), 1 / (points - 1)
            heights = height(grid[None])
            beside = torch.nn.functional.pad(heights, (1, 1), value=-math.inf)
            peak = (heights >= beside[:, :-2]) & (heights >= beside[:, 2:])
            _, highest = heights.where(peak, -math.inf).topk(min(_PEAKS, points))
            t = grid[highest]
            around = torch.linspace(-1, 1, 2 * _ZOOM + 1, dtype=torch.float64)
            for _ in range(_ZOOMS):
                near = (t[..., None] + step * around).clamp(0, 1)  # (P, peaks, 2 zoom + 1)
                heights = height(near.flatten(1)).reshape(near.shape)
                t = near.gather(2, heights.argmax(dim=2, keepdim=True))[..., 0]
                step /= _ZOOM
            return heights.amax(dim=(1, 2))


def segment(pairs: Pairs) -> Curves:
    """The straight lines theta(t) = (1 - t) theta(0) + t theta(1)."""
    return Curves(pairs, "polychain", pairs.ends)


def connect(
    pairs: Pairs,
    kind: str,
    *,
    bends: int = DEFAULT_BENDS,
    steps: int = 400,
    seed: int = 0,
    progress: Progress = silent,
) -> Curves:
    """Curves of one kind whose bends are learned, to lower the highest loss on them.

    Adam lowers the maximum of the loss over t's drawn anew in each step, from some random starts
    around the straight line; the curve with the lowest maximum is kept, be it the straight line. So
    no curve is above its straight line, and how low they get says nothing about those not tried.
    bends: how many; 0 gives the straight lines. A pair's curve does not depend on the other pairs,
    up to rounding. `progress` may raise Interrupted, which then leaves.

    Raises InputError for an unknown kind, bends or a seed below 0, and steps below 1.
    """
    if kind not in BASES:
        raise InputError("kind", f"{kind!r} is not one of {', '.join(BASES)}")
    for value, name in ((bends, "bends"), (seed, "seed")):
        if value < 0:
            raise InputError(name, f"{value} must not be negative")
    steps = positive_integer(steps, "steps")
    place = torch.linspace(0, 1, bends + 2, dtype=torch.float64)
    straight = Curves(pairs, kind, segment(pairs).at(place[None]))
    if bends == 0:
        return straight
    with one_thread():
        return _lowest([straight, *_learned(straight, steps, seed, progress)])


def _learned(straight: Curves, steps: int, seed: int, progress: Progress) -> list[Curves]:
    """Curves from each random start."""
    pairs, many = straight.pairs, len(straight.control)
    X, y, ends = (torch.cat([v] * _STARTS) for v in (pairs.X, pairs.y, pairs.ends))
    together = Pairs(X, y, ends, pairs.activation)
    control = torch.cat([straight.control] * _STARTS)
    first, middle, last = control[:, :1], control[:, 1:-1], control[:, -1:]
    length = (last - first).square().mean(dim=(2, 3), keepdim=True).sqrt()
    generator = torch.Generator().manual_seed(seed)
    # The same for all pairs, so that a pair's curve is the same alone.
    noise = torch.randn(
        _STARTS, *middle.shape[1:], generator=generator, dtype=torch.float64
    ).repeat_interleave(many, dim=0)
    offset = (_NOISE * noise).requires_grad_()
    optimizer = torch.optim.Adam([offset], lr=_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)

    def curves() -> Curves:
        bent = middle + length * offset
        return Curves(together, straight.kind, torch.cat([first, bent, last], dim=1))

    for step in range(steps):
        if step % _STEPS_PER_TICK == 0:
            progress(f"learning curves, {straight.kind}, steps", step)
        # One t in each of as many equal parts: no peak stays out of sight.
        jitter = torch.rand(_SAMPLES, generator=generator, dtype=torch.float64)
        t = (torch.arange(_SAMPLES) + jitter) / _SAMPLES
        optimizer.zero_grad()
        highest = curves().loss(t[None]).amax(dim=1)
        highest.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return [Curves(pairs, straight.kind, c) for c in curves().control.detach().chunk(_STARTS)]


def _lowest(candidates: Sequence[Curves]) -> Curves:
    """For each pair the candidate with the lowest maximum."""
    best = torch.stack([curves.maximum() for curves in candidates]).argmin(dim=0)
    control = torch.stack([curves.control for curves in candidates])
    return Curves(candidates[0].pairs, candidates[0].kind, control[best, torch.arange(len(best))])


def maxima(
    pairs: Sequence[tuple[Problem, Network, Network]],
    *,
    progress: Progress = silent,
) -> dict[str, list[float]]:
    """The maximum of the loss on a curve of each kind between each pair of exact networks.

    Kinds: linear, polychain and bezier, the last two learned with DEFAULT_BENDS bends. Widths and d
    may differ from pair to pair.
    """
    alike: dict[tuple[int, int], list[int]] = {}
    for k, (problem, first, _) in enumerate(pairs):
        alike.setdefault((problem.d, first.width), []).append(k)
    found = {kind: [math.nan] * len(pairs) for kind in ("linear", *BASES)}
    for members in alike.values():
        batch = Pairs.of([pairs[k] for k in members])
        learned = {kind: connect(batch, kind, progress=progress) for kind in BASES}
        for kind, curves in {"linear": segment(batch), **learned}.items():
            for k, value in zip(members, curves.maximum().tolist(), strict=True):
                found[kind][k] = value
    return found
