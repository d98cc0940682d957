"""Ensembles: the average of what models predict, with points of the path between two of them.

Averaged are probabilities, not logits. The loss of an ensemble is - log (1/K) sum_k p_k(token), so
all it needs of a model are the probabilities of the tokens that come. As - log is convex, it is at
most the mean of the models' losses.

>>> from numerics.gpt2.model import Shape, build
>>> models = [build(Shape(layers=1, width=8, heads=2, block=4), seed=seed) for seed in (0, 1)]
>>> tokens = torch.arange(10).reshape(2, 5)
>>> alone = [window_losses(model, tokens) for model in models]
>>> print(average_loss(alone) < sum(float(losses.mean()) for losses in alone) / 2)
True

Source: the paper's table of ensembles (arXiv 2605.09991), of which its code has nothing: the better
end, the best point between, both ends averaged, and all three averaged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from numerics.gpt2.data import Texts
from numerics.gpt2.model import Parameters, token_losses, window_loss
from numerics.gpt2.paths import Path, grid
from theory.errors import InputError
from theory.types import Progress, silent

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

BEST_END, BEST_POINT, ENDS, THREE = "best end", "best point", "ends averaged", "three averaged"
WITH_ANOTHER = "three models averaged"
"""A control: a third model in place of the point of the path."""


def window_losses(
    model: GPT2LMHeadModel,
    windows: Int[Tensor, "n t+1"],
    weights: Parameters | None = None,
    *,
    at_once: int = 64,
) -> Float[Tensor, "n t"]:
    """The loss of each token, in float64; weights, at_once: as in `window_loss`."""
    with torch.inference_mode():
        parts = torch.split(windows.to(model.device), at_once)
        return torch.cat([token_losses(model, part, weights).double() for part in parts]).cpu()


def average_loss(losses: Sequence[Float[Tensor, "n t"]]) -> float:
    """The mean loss of the average of models' predictions, from those of the models."""
    together = torch.logsumexp(-torch.stack(list(losses)), 0) - math.log(len(losses))
    return -float(together.mean())


def ensembles(
    path: Path,
    texts: Texts,
    *,
    points: int,
    third: GPT2LMHeadModel | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Losses, by text, of the better end, the best of the points between, and of averages.

    Which end and which point are best is decided on every other window of the text in distribution;
    all losses are on the windows between these, of each text. third: for the control, a model that
    is averaged with the ends in place of the point.

    Raises InputError where there are too few windows or points for that.
    """
    if texts.count < 2:
        raise InputError("windows", "must be at least 2: half of them choose, the others measure")
    if points < 3:
        raise InputError("points", f"{points} must be at least 3: one between the ends")
    device = path.first.device
    deciding, chosen = texts.windows("in", device)[::2], {}
    for k, t in enumerate(grid(points)):
        progress("choosing the best point of a path, points", k)
        with torch.no_grad():
            chosen[t] = window_loss(path.first, deciding, path.weights(t))
    ends = (0.0, 1.0)
    best = min((t for t in chosen if t not in ends), key=chosen.__getitem__)
    better = min(ends, key=chosen.__getitem__)
    found: dict[str, dict[str, float]] = {}
    for text in texts.corpora:
        windows = texts.windows(text, device)[1::2]
        with torch.no_grad():
            alone = {t: window_losses(path.first, windows, path.weights(t)) for t in (*ends, best)}
        both = [alone[t] for t in ends]
        averaged = {
            BEST_END: [alone[better]],
            BEST_POINT: [alone[best]],
            ENDS: both,
            THREE: [*both, alone[best]],
        }
        if third is not None:
            averaged[WITH_ANOTHER] = [*both, window_losses(third, windows)]
        found[text] = {name: average_loss(losses) for name, losses in averaged.items()}
    return {"t": best, "loss": found}
