"""Training with vanishing weight decay, and the margins at which its runs end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch.nn.functional import softplus

from numerics.pictures.margins import draw_margins
from numerics.report.sheets import Picture, Sheet
from numerics.training.optimizers import OPTIMIZERS, AdamWUpdate, Update
from numerics.training.trainer import trainer
from theory.claims import Margin, Result
from theory.claims.margin import TrainToMargin
from theory.errors import Interrupted
from theory.margins import Margins
from theory.types import Array, Progress

_RATE = 0.03  # relative to R, while this grows
_COOLED = 1e-3  # of it, at the end
_SEED = 0


@dataclass(frozen=True)
class Ended:
    """Networks at the end of training: W (S, d, m), a (S, m)."""

    W: Array
    a: Array
    complete: bool


@trainer.register
def train_to_margin(asked: TrainToMargin, progress: Progress) -> Ended:
    """By torch's own gradients, with the directions of the optimizer and its decay 1 / R."""
    X, y = (
        torch.tensor([[float(v) for v in row] for row in rows], dtype=torch.float64)
        for rows in (asked.problem.X, [asked.problem.y])
    )
    X = X / X.abs().max()
    random = torch.Generator().manual_seed(_SEED)
    shape = (asked.seeds, asked.problem.d, asked.width)
    W = torch.randn(shape, generator=random, dtype=torch.float64) / asked.problem.d**0.5
    a = torch.randn(asked.seeds, asked.width, generator=random, dtype=torch.float64)
    a /= asked.width**0.5
    optimizer = OPTIMIZERS[asked.optimizer]
    of_W, of_a = (_exact(u).start(v) for u, v in ((optimizer.hidden, W), (optimizer.output, a)))
    half = asked.steps / 2
    complete = True
    for step in range(asked.steps):
        try:
            progress(f"training with {asked.optimizer}, steps", step)
        except Interrupted:
            complete = False
            break
        radius = asked.rho ** (min(1.0, step / half) / 2)
        rate = _RATE * _COOLED ** max(0.0, step / half - 1)
        W, a = W.requires_grad_(), a.requires_grad_()
        fit = (torch.relu(X @ W) @ a[..., None])[..., 0]
        to_W, to_a = torch.autograd.grad(softplus(-y * fit).sum(), (W, a))
        with torch.no_grad():
            W = (1 - rate) * W - rate * radius * of_W(to_W)
            a = (1 - rate) * a - rate * radius * of_a(to_a)
    return Ended(W.detach().numpy(), a.detach().numpy(), complete)


def _exact(update: Update) -> Update:
    """AdamW's epsilon would be felt, as gradients fall like exp(-rho)."""
    return replace(update, epsilon=1e-300) if isinstance(update, AdamWUpdate) else update


def sheets(result: Result[Mapping[str, Margins], Mapping[str, Array]]) -> list[Sheet]:
    """The margins of all runs, relative to the largest."""
    assert isinstance(result.claim, Margin)
    found = result.observation.evidence
    pictures: list[Picture] = []
    for name, known in result.prediction.evidence.items():
        relative = {
            optimizer: found[f"{name}, {optimizer}"] / float(known.largest(optimizer).upper)
            for optimizer in result.claim.optimizers
        }
        pictures.append(
            (
                partial(draw_margins, margins=relative, title=name),
                "Margins divided by the norms of the layers, relative to the largest one of the "
                "optimizer's ball, which no network exceeds. Steps: other stationary points, and "
                "other components.",
            )
        )
    return [Sheet("", pictures, columns=3)]
