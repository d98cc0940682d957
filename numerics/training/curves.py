"""Curves between trained networks: straight lines, polychains and Bezier curves, and the loss on
them.

A curve is theta(t) = sum_i b_i(t) c_i in the space of weights theta, 0 <= t <= 1, with the two
networks for its first and last control point; t = 0 is the first network. Those between are its
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
from numerics.training.loop import TrainingResult, one_thread, require_alike
from numerics.training.losses import Terms
from theory.errors import InputError
from theory.network import Network
from theory.problem import Problem, positive_integer
from theory.types import Array, Progress, silent

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

    X (P, n, d), y (P, n); weights (P, n): what the losses of the rows are multiplied by; where some
    loss has a form (P, n, n), the forms. ends: the
    weights of the first and the second network, the rows of W and below them a; where networks have
    an output bias b or a linear part c one column more, c and below it b. like: a problem with the
    activation, the loss, the output bias and the skip connection of all.
    Raises InputError for weights that are not finite.
    """

    X: Float[Tensor, "P n d"]
    y: Float[Tensor, "P n"]
    weights: Float[Tensor, "P n *n"]
    ends: Float[Tensor, "P 2 d+1 columns"]
    like: Problem

    def __post_init__(self) -> None:
        if not self.ends.isfinite().all():
            raise InputError("ends", "hold weights that are not finite; leave diverged runs out")

    @classmethod
    def of(cls, pairs: Sequence[tuple[Problem, Network, Network]]) -> Pairs:
        """Exact networks, rounded to float64.

        Raises InputError unless all have the same width, and all data the same d, and are alike
        (see `require_alike`).
        """
        sizes = {(len(net.W), net.width, problem.d) for problem, *ends in pairs for net in ends}
        if len(sizes) != 1 or any(rows != d for rows, _, d in sizes):
            raise InputError("pairs", f"must share one d and one width, not {sorted(sizes)}")
        ((_, width, d),) = sizes
        require_alike([problem for problem, *_ in pairs], "pairs")
        like = pairs[0][0]
        n = max(problem.n for problem, _, _ in pairs)
        # Fewer points than n are filled up with points that weigh nothing.
        formed = any(problem.loss.form for problem, _, _ in pairs)
        shapes = ((n, d), (n,), (n, n) if formed else (n,))
        X, y, weights = (np.zeros((len(pairs), *shape)) for shape in shapes)
        ends = np.zeros((len(pairs), 2, d + 1, width + _has_linear(like)))
        for k, (problem, *networks) in enumerate(pairs):
            X[k, : problem.n], y[k, : problem.n] = problem.X, problem.y
            own = _weights(problem, formed=formed)
            weights[k][tuple(map(slice, own.shape))] = own
            for network, end in zip(networks, ends[k], strict=True):
                network.require(problem)
                end[:, :width] = [*network.W, network.a]
                if _has_linear(like):
                    end[:, width] = *(network.c or [0] * d), network.b
        return cls(_float64(X), _float64(y), _float64(weights), _float64(ends), like)

    @classmethod
    def of_runs(cls, result: TrainingResult, first: Sequence[int], second: Sequence[int]) -> Pairs:
        """Run first[k] with run second[k]."""
        problem, runs = result.config.problem, np.array([first, second]).T  # (P, 2)
        networks = np.concatenate([result.W, result.a[:, None]], axis=1)  # (S, d + 1, m)
        if _has_linear(problem):
            column = np.zeros((*networks.shape[:2], 1))
            if result.c is not None:
                column[:, :-1, 0] = result.c
            if result.b is not None:
                column[:, -1, 0] = result.b
            networks = np.concatenate([networks, column], axis=2)
        own = _weights(problem, formed=problem.loss.form is not None)
        data = map(_float64, (problem.X, problem.y, own))
        X, y, weights = (each.expand(len(runs), *each.shape) for each in data)
        return cls(X, y, weights, _float64(networks[runs]), problem)

    def loss(self, weights: Float[Tensor, "P T d+1 columns"]) -> Float[Tensor, "P T"]:
        """The loss of T networks for each pair, on the pair's data."""
        neurons = weights[..., :-1] if _has_linear(self.like) else weights
        W, a = neurons[..., :-1, :], neurons[..., -1, :]
        hidden = Neurons(self.like.activation).images(torch.einsum("pnd,ptdm->pntm", self.X, W))
        fits = (hidden * a[:, None]).sum(dim=3)
        if self.like.skip:
            fits = fits + self.X @ weights[..., :-1, -1].mT
        if self.like.output_bias:
            fits = fits + weights[..., -1, -1][:, None]
        if self.weights.dim() == 3:
            rest = fits - self.y[..., None]
            return (rest * (self.weights @ rest)).sum(dim=1) / 2
        terms = Terms(self.like.loss).values(fits, self.y[..., None])
        return (terms * self.weights[..., None]).sum(dim=1)


def _weights(problem: Problem, *, formed: bool) -> Array:
    """Of the rows (n,), or the form (n, n), which is what second derivatives are."""
    if formed:
        return problem.loss.most_curved(problem.n)
    return np.array(problem.loss.weights or [1] * problem.n, dtype=float)


def _has_linear(problem: Problem) -> bool:
    """Whether networks have a column for c and b."""
    return problem.skip or problem.output_bias


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
    control: Float[Tensor, "P k d+1 columns"]

    def at(self, t: Float[Tensor, "#P T"]) -> Float[Tensor, "P T d+1 columns"]:
        """Weights theta(t), exactly the two networks at t = 0 and 1; a single row of t is for all
        pairs."""
        basis = BASES[self.kind](t, self.control.shape[1])
        points = basis @ self.control.flatten(2)
        return points.reshape(*points.shape[:2], *self.control.shape[2:])

    def loss(self, t: Float[Tensor, "#P T"]) -> Float[Tensor, "P T"]:
        """The loss at theta(t)."""
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
    X, y, weights, ends = (
        torch.cat([part] * _STARTS) for part in (pairs.X, pairs.y, pairs.weights, pairs.ends)
    )
    together = Pairs(X, y, weights, ends, pairs.like)
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
    """The maximum of the loss on a learned curve of each kind between each pair of exact networks.

    Curves have DEFAULT_BENDS bends. Widths and d may differ from pair to pair, the rest as
    `Pairs.of` says.
    """
    alike: dict[tuple[int, int], list[int]] = {}
    for k, (problem, first, _) in enumerate(pairs):
        alike.setdefault((problem.d, first.width), []).append(k)
    found = {kind: [math.nan] * len(pairs) for kind in BASES}
    for members in alike.values():
        batch = Pairs.of([pairs[k] for k in members])
        for kind in BASES:
            curves = connect(batch, kind, progress=progress)
            for k, value in zip(members, curves.maximum().tolist(), strict=True):
                found[kind][k] = value
    return found
