"""Paths between GPT-2 models: straight lines, polychains and Bezier curves, the loss on them, and
on the plane through three models.

A path is theta(t) = sum_i b_i(t) c_i in the space of weights, 0 <= t <= 1, with the two models for
its first and last control point; t = 0 is the first model. Those between are its bends, which a
trainer learns by lowering the loss at random t. The b_i are those of `numerics.training.curves`.

>>> from numerics.gpt2.model import Shape, build
>>> shape = Shape(layers=1, width=8, heads=2, block=4)
>>> first, last = (build(shape, seed=seed) for seed in (0, 1))
>>> tokens = torch.arange(10).reshape(2, 5)
>>> measured = profile(straight(first, last), tokens, points=5)
>>> print(measured.t, measured.barrier >= 0)
(0.0, 0.25, 0.5, 0.75, 1.0) True
>>> path = straight(first, last, kind="bezier", bends=2)
>>> path(tokens, t=0.3).backward()  # to the bends alone

Sources: Garipov, Izmailov, Podoprikhin, Vetrov, Wilson, "Loss surfaces, mode connectivity, and fast
ensembling of DNNs", NeurIPS 2018, for both kinds of paths, for learning them, and for the plane.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from numerics.files import make_folder, write_json
from numerics.gpt2.model import Parameters, load, save, shape_of, token_loss, window_loss
from numerics.training.curves import BASES
from theory.errors import InputError
from theory.problem import positive_integer
from theory.types import Progress, silent

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel


class Path(nn.Module):
    """A path between two models, of a kind in `BASES`. Without bends it is the straight line.

    first, last: copied, and never trained. bends: kept as they are, and trained in place; which of
    their parameters are, their flags `requires_grad` say. Raises InputError for an unknown kind,
    and models of different shapes.
    """

    def __init__(
        self,
        kind: str,
        first: GPT2LMHeadModel,
        last: GPT2LMHeadModel,
        bends: Sequence[GPT2LMHeadModel] = (),
    ) -> None:
        super().__init__()
        if kind not in BASES:
            raise InputError("kind", f"{kind!r} is not one of {', '.join(BASES)}")
        for model in (last, *bends):
            if shape_of(model) != shape_of(first):
                raise InputError(
                    "models", f"must share one shape, not {shape_of(first)} and {shape_of(model)}"
                )
        self.kind = kind
        self.first = copy.deepcopy(first).requires_grad_(False)
        self.last = copy.deepcopy(last).requires_grad_(False)
        self.bends = nn.ModuleList(bends)
        self._trained = {name: value.requires_grad for name, value in first.named_parameters()}

    @property
    def control(self) -> list[GPT2LMHeadModel]:
        """The control points, the two models included."""
        return [self.first, *self.bends, self.last]

    def coefficients(self, t: float) -> list[float]:
        """The part of each control point in theta(t); their sum is 1."""
        if not 0 <= t <= 1:
            raise InputError("t", f"{t} must be in [0, 1]")
        parts = BASES[self.kind](torch.tensor(t, dtype=torch.float64), len(self.bends) + 2)
        found: list[float] = parts.tolist()
        return found

    def weights(self, t: float) -> Parameters:
        """theta(t), exactly the two models at t = 0 and 1; differentiable in the bends."""
        parts = self.coefficients(t)
        control = [dict(model.named_parameters()) for model in self.control]
        return {
            name: _Mix.apply(parts, *(weights[name] for weights in control))  # type: ignore[no-untyped-call]
            for name in control[0]
        }

    def at(self, t: float) -> GPT2LMHeadModel:
        """The model theta(t), which shares nothing with the path."""
        model = copy.deepcopy(self.first).eval()
        with torch.no_grad():
            weights = self.weights(t)
            for name, parameter in model.named_parameters():
                parameter.copy_(weights[name])
                parameter.requires_grad_(self._trained[name])
        return model

    def forward(self, tokens: Int[Tensor, "b t+1"], t: float) -> Float[Tensor, ""]:
        """The loss of theta(t) on windows of tokens.

        Its mean over t uniform in [0, 1) is what training minimises. Bends without a part in
        theta(t) get gradients of zeros, so that every optimizer steps all of them every time.
        """
        return token_loss(self.first, tokens, self.weights(t))

    def save(self, folder: FilePath) -> None:
        """Write path.json and beside it the control points, each a checkpoint in a folder.

        path.json is the last: where it is, the rest is. Raises InputError where that cannot be.
        """
        make_folder(folder)
        record = folder / _RECORD
        try:
            record.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(str(record), f"cannot be replaced: {error.strerror}") from None
        for name, model in zip(_folders(len(self.bends)), self.control, strict=True):
            save(model, folder / name)
        write_json(record, {"kind": self.kind, "bends": len(self.bends)})


_RECORD = "path.json"


def _folders(bends: int) -> list[str]:
    return ["first", *(f"bend-{k}" for k in range(1, bends + 1)), "last"]


class _Mix(torch.autograd.Function):
    """sum_i parts[i] weights[i], bit for bit weights[i] where that has the only part."""

    @staticmethod
    def forward(ctx: Any, parts: Sequence[float], *weights: Tensor) -> Tensor:
        ctx.parts = parts
        # Not 0 * weights: that is NaN for what has diverged, and turns -0.0 into 0.0.
        terms = [weight * part for part, weight in zip(parts, weights, strict=True) if part]
        mixed = terms[0]
        for term in terms[1:]:
            mixed += term
        return mixed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        needed = ctx.needs_input_grad[1:]
        return None, *(
            gradient * part if need else None for part, need in zip(ctx.parts, needed, strict=True)
        )


def straight(
    first: GPT2LMHeadModel, last: GPT2LMHeadModel, *, kind: str = "polychain", bends: int = 0
) -> Path:
    """The straight line, as a path of this kind with bends spread evenly on it.

    What is frozen in the first model is frozen in the bends. Raises InputError as `Path` does.
    """
    if bends < 0:
        raise InputError("bends", f"{bends} must not be negative")
    line = Path(kind, first, last)
    return Path(kind, first, last, [line.at(k / (bends + 1)) for k in range(1, bends + 1)])


def load_path(folder: FilePath) -> Path:
    """What `Path.save` wrote; all parameters of its bends are trained.

    Raises InputError for what is no such folder.
    """
    record = folder / _RECORD
    try:
        document = json.loads(record.read_text(encoding="utf-8"))
        kind, bends = document["kind"], int(document["bends"])
    except OSError as error:
        raise InputError(str(record), f"cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(str(record), f"describes no path: {error!r}") from None
    first, *between, last = (load(folder / name) for name in _folders(bends))
    return Path(kind, first, last, between)


# The loss along a path


@dataclass(frozen=True)
class Profile:
    """Losses on a grid of t that holds both ends.

    >>> bump = Profile(t=(0.0, 0.5, 1.0), loss=(1.0, 5.0, 2.0))
    >>> print(bump.barrier, bump.maximum)
    3.5 5.0

    Raises InputError for a grid that does not rise from 0 to 1.
    """

    t: tuple[float, ...]
    loss: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.t) != len(self.loss):
            raise InputError("loss", f"has {len(self.loss)} values for {len(self.t)} of t")
        rising = all(a < b for a, b in zip(self.t, self.t[1:], strict=False))
        if len(self.t) < 2 or (self.t[0], self.t[-1]) != (0.0, 1.0) or not rising:
            raise InputError("t", f"{self.t} must rise from 0 to 1")

    @property
    def barrier(self) -> float:
        """max over the grid of L(t) - ((1 - t) L(0) + t L(1)); at least 0.

        A barrier between two points of the grid is not seen: this is a lower bound of it.
        """
        t, loss = np.array(self.t), np.array(self.loss)
        return float((loss - ((1 - t) * loss[0] + t * loss[-1])).max())

    @property
    def maximum(self) -> float:
        """The highest loss on the grid, the ends included."""
        return float(np.max(self.loss))


def grid(points: int) -> tuple[float, ...]:
    """That many t's, evenly from 0 to 1. Raises InputError for less than 2."""
    if positive_integer(points, "points") < 2:
        raise InputError("points", f"{points} must be at least 2, for both ends")
    return tuple(k / (points - 1) for k in range(points))


def profile(
    path: Path,
    windows: Int[Tensor, "n t+1"],
    *,
    points: int = 21,
    progress: Progress = silent,
) -> Profile:
    """The loss over all windows at that many t's, both ends among them."""
    t, losses = grid(points), []
    for k, each in enumerate(t):
        progress("measuring the loss along a path, points", k)
        with torch.no_grad():
            weights = path.weights(each)
        losses.append(window_loss(path.first, windows, weights))
    return Profile(t, tuple(losses))


# The plane through three models


@dataclass(frozen=True, eq=False)
class Plane:
    """The loss on a rectangle of the plane through three models.

    Coordinates are Euclidean distances in the space of all weights. The first model is at (0, 0),
    the second at (|second - first|, 0), and the third above that axis.
    """

    models: Float[np.ndarray, "3 2"]  # x, y of each
    x: Float[np.ndarray, " r"]
    y: Float[np.ndarray, " r"]
    loss: Float[np.ndarray, "r r"]  # a row for each y

    def to_json(self) -> dict[str, Any]:
        """The same as lists."""
        return {name: value.tolist() for name, value in vars(self).items()}


def plane(
    first: GPT2LMHeadModel,
    second: GPT2LMHeadModel,
    third: GPT2LMHeadModel,
    windows: Int[Tensor, "n t+1"],
    *,
    resolution: int = 21,
    margin: float = 0.2,
    progress: Progress = silent,
) -> Plane:
    """The loss on the plane through three models, by Gram-Schmidt.

    resolution: points along each axis. margin: how much of it is around the smallest rectangle that
    holds the three, relative to its longer side. Raises InputError for models on one line, or
    with different shapes.
    """
    if positive_integer(resolution, "resolution") < 2:
        raise InputError("resolution", f"{resolution} must be at least 2")
    if margin < 0:
        raise InputError("margin", f"{margin} must not be negative")
    if not shape_of(first) == shape_of(second) == shape_of(third):
        raise InputError("models", "must share one shape")
    with torch.no_grad():
        origin, *others = (
            parameters_to_vector(model.parameters()).double() for model in (first, second, third)
        )
        along, across = (other - origin for other in others)
        width = float(along.norm())
        along = along / max(width, torch.finfo(torch.float64).tiny)
        place = float(across @ along)
        across = across - place * along
        height = float(across.norm())
        # What rounding of weights may leave between models that are on one line.
        negligible = 4 * torch.finfo(torch.float32).eps * float(origin.norm() + others[1].norm())
        if min(width, height) <= negligible:
            raise InputError("models", "are on one line: there are many planes through it")
        across = across / height
        models = np.array([[0.0, 0.0], [width, 0.0], [place, height]])
        around = margin * float(np.ptp(models, axis=0).max())
        x, y = (_axis(values, resolution, around) for values in models.T)
        moved, loss = copy.deepcopy(first).eval(), np.empty((resolution, resolution))
        for k, (row, column) in enumerate(np.ndindex(loss.shape)):
            progress("measuring the loss on a plane, points", k)
            weights = origin + float(x[column]) * along + float(y[row]) * across
            vector_to_parameters(weights.to(first.dtype), moved.parameters())
            loss[row, column] = window_loss(moved, windows)
    return Plane(models, x, y, loss)


def _axis(
    values: Float[np.ndarray, " 3"], resolution: int, around: float
) -> Float[np.ndarray, " r"]:
    return np.linspace(values.min() - around, values.max() + around, resolution)
