"""An MLP of a trained model as a small problem of the exact theory, and where it lies in that.

The MLP of a layer is f(h) = W_2 sigma(W_1 h + b_1) + b_2 in all coordinates of the residual stream.
A *slice* restricts it: h to B z for few orthonormal directions B, f to one direction v. With sigma
the ReLU, v . (f(B z) - b_2) = sum_j a_j relu(w_j . (z, 1)) is a two-layer network of one output, of
weights w_j = (B^T W_1, b_1) and a_j = (v^T W_2)_j. Everything in that is a rational number: floats
are, and the entries of B and v are 0 and +-1/s, on s^2 coordinates each, none of them shared. So
the projection B B^T is exact, and the network is the block on that plane, not an approximation.

The points z are activations of the model on text, projected, and rounded to thousandths within the
plane. The problem is to say there what the block says. Networks of 1, 2, 3, ... neurons that do are
enumerated by `theory.landscape`; the block is one of many more neurons, which lie in few cones.

GPT-2's own activation is no ReLU, nor piecewise linear: a slice of it is no such network, and is
refused. Models with ReLU are trained with `--activation relu`.

>>> from numerics.gpt2.model import Shape, build
>>> model = build(Shape(layers=1, width=16, heads=2, block=4, activation="relu"), seed=0)
>>> cut = slice_of(model, torch.arange(20).reshape(4, 5), layer=0, directions=2)
>>> print(cut.problem.n, cut.problem.d, cut.block.width, cut.block.loss(cut.problem))
4 3 64 0
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from theory.arrangement import count_cones
from theory.errors import BudgetError, InputError
from theory.geometry import geometry
from theory.landscape import analyse
from theory.network import Network
from theory.problem import Problem, positive_integer
from theory.radii import least_radii
from theory.types import Progress, silent

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

_GRID = 1000
"""Points of a slice are whole multiples of one over this."""

_MOST_CONES = 10**6  # are counted

OPTIMIZERS = ("adamw", "muon")


@dataclass(frozen=True)
class Slice:
    """A restricted MLP.

    problem: points (z, 1), and what the block says there; biases, in the last row of networks, are
    free, as models are trained. block: the restricted network; its loss is zero. kept: the part of
    the activations' squared lengths that the projection keeps.
    """

    problem: Problem  # n points, directions + 1 features
    block: Network  # 4 times the model's width
    kept: float


def slice_of(
    model: GPT2LMHeadModel,
    windows: Int[Tensor, "n t+1"],
    *,
    layer: int,
    directions: int = 2,
    output: int | None = None,
    seed: int = 0,
) -> Slice:
    """The MLP of a layer at the ends of windows of text, one activation from each.

    output: a coordinate of the residual stream; None: a random direction. seed: of the directions.
    Raises InputError for a model of another activation than ReLU, and for a layer, an output or
    directions that it does not have.
    """
    config = model.config
    if config.activation_function != "relu":
        raise InputError(
            "activation",
            f"of the model is {config.activation_function}: theory is of ReLU; train a model with "
            "--activation relu",
        )
    for name, value, count in (("layer", layer, config.n_layer), ("output", output, config.n_embd)):
        if value is not None and not 0 <= value < count:
            raise InputError(name, f"{value} must be 0 to {count - 1}")
    if positive_integer(directions, "directions") > config.n_embd:
        raise InputError("directions", f"{directions} must be at most {config.n_embd}, the width")
    generator = np.random.default_rng(seed)
    inputs = _orthonormal(directions, config.n_embd, generator)
    (read,) = (
        _orthonormal(1, config.n_embd, generator) if output is None else [{output: Fraction(1)}]
    )
    mlp = model.transformer.h[layer].mlp
    seen: list[Tensor] = []
    hook = mlp.c_fc.register_forward_pre_hook(lambda _, given: seen.append(given[0][:, -1]))
    try:
        with torch.inference_mode():
            model(input_ids=windows[:, :-1].to(model.device))
    finally:
        hook.remove()
    points = seen[0].double().cpu().numpy()
    # As transformers keeps them, a row of c_fc and a column of c_proj for each coordinate.
    hidden, back = (each.weight.detach().cpu().double().numpy() for each in (mlp.c_fc, mlp.c_proj))
    places = [[sum(float(b) * h[k] for k, b in along.items()) for along in inputs] for h in points]
    X = [[Fraction(round(_GRID * z), _GRID) for z in row] for row in places]
    W = [_combined(along, hidden) for along in inputs]
    W.append([Fraction(float(b)) for b in mlp.c_fc.bias.tolist()])
    block = Network(W, _combined(read, back.T))
    blank = Problem(X, [0] * len(X)).with_bias("free")
    kept = float(np.square(places).sum() / np.square(points).sum())
    return Slice(Problem(blank.X, block.fit(blank), bias="free"), block, kept)


def _orthonormal(
    count: int, size: int, generator: np.random.Generator
) -> list[dict[int, Fraction]]:
    """Rational orthonormal vectors of random signs on random coordinates, as {coordinate: entry}.

    >>> found = _orthonormal(2, 64, np.random.default_rng(0))
    >>> print([sum(value**2 for value in each.values()) for each in found], *map(len, found))
    [Fraction(1, 1), Fraction(1, 1)] 25 25
    """
    root = math.isqrt(size // count)
    chosen = generator.permutation(size)[: count * root**2].reshape(count, root**2)
    signs = generator.choice([-1, 1], size=chosen.shape)
    return [
        {int(k): Fraction(int(sign), root) for k, sign in zip(*each, strict=True)}
        for each in zip(chosen, signs, strict=True)
    ]


def _combined(along: dict[int, Fraction], rows: np.ndarray) -> list[Fraction]:
    """The combination of these rows of floats, exactly."""
    picked = [[b * Fraction(float(v)) for v in rows[k]] for k, b in along.items()]
    return [sum(column, Fraction()) for column in zip(*picked, strict=True)]


def located(
    cut: Slice, *, widths: int, optimizers: Sequence[str] = OPTIMIZERS, progress: Progress = silent
) -> dict[str, Any]:
    """The exact landscape of a slice at widths 1, 2, ..., and where its block lies.

    "cones": in how many a neuron can be; "occupied": in how many, with both signs of a, neurons of
    the block are that are not dead there: so many neurons say the same as all of it. "widths":
    least loss, components of its set modulo permutation, and the lowest barrier from one component
    to another, in units of the loss, ||f - y||^2 / 2; up to `widths` or the first exact fits, if
    the landscapes are not too large ("reason" says so then). "radii": by optimizer, the least rho =
    R_W R_a with which a ball reaches each component at the last width, from both sides, and that of
    the block with its own neurons.
    """
    problem, block = cut.problem, cut.block
    cones = count_cones(problem.X, at_most=_MOST_CONES)
    rows: list[dict[str, Any]] = []
    found, reason = None, ""
    for width in range(1, positive_integer(widths, "widths") + 1):
        progress("enumerating landscapes, width", width)
        try:
            found = analyse(problem, width=width)
        except BudgetError as error:
            reason = str(error)
            break
        apart = [
            barrier
            for k, row in enumerate(found.barriers)
            for barrier in row[k + 1 :]
            if barrier is not None
        ]
        rows.append(
            {
                "width": width,
                "least_loss": float(found.minimum),
                "exact": found.minimum == 0,
                "components": len(found.components),
                "barrier": float(min(apart)) if apart else None,
            }
        )
        if found.minimum == 0:
            break
    document: dict[str, Any] = {
        "points": problem.n,
        "directions": problem.d - 1,
        "kept": cut.kept,
        "loss_of_zero": float(problem.loss_of([Fraction()] * problem.n)),
        "cones": cones,
        "neurons": block.width,
        "occupied": len(occupied(cut)),
        "widths": rows,
        "reason": reason,
    }
    if found is None:
        return document
    progress("finding least radii, components", len(found.components))
    least = least_radii(found, optimizers)
    # Biases are free: no ball counts them.
    neurons = np.array(
        [[float(v) for v in u[:-1]] for _, u in block.convex_coordinates()], dtype=np.float64
    ).T
    document["radii"] = {
        name: {
            "block": float(geometry(name).gauge(neurons).upper),
            "components": [
                [float(each[name].lower), float(each[name].upper)] for each in least.components
            ],
        }
        for name in optimizers
    }
    return document


def occupied(cut: Slice) -> set[tuple[int, tuple[bool, ...]]]:
    """The signs of a and rows where it is on, of neurons that are on at some point."""
    states = set()
    for w, a in zip(cut.block.neurons(), cut.block.a, strict=True):
        on = tuple(sum(v * x for v, x in zip(w, row, strict=True)) > 0 for row in cut.problem.X)
        if a and any(on):
            states.add((1 if a > 0 else -1, on))
    return states
