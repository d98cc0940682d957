"""Pretraining: a model, and what is recorded of it on the way and at the end.

>>> from numerics.gpt2.data import Corpus, Texts
>>> from numerics.gpt2.model import Shape, build
>>> texts = Texts({"in": Corpus.read(["python-docs"])}, block=8, count=4)
>>> model = build(Shape(layers=1, width=8, heads=2, block=8), seed=0)
>>> measured = pretrain(model, Recipe(steps=20, batch=4), Trainer(texts))
>>> print(len(measured["history"]), list(measured["stable_rank"])[:2])
21 ['0.query', '0.key']
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numerics.gpt2 import kaon
from numerics.gpt2.alignment import fold
from numerics.gpt2.model import LanguageModel, hidden_matrices, save, window_loss
from numerics.gpt2.names import KINDS, NORMS, kind_of, rule
from numerics.gpt2.spectra import (
    MUON_LENGTH,
    effective_rank,
    norms,
    radius,
    reach,
    singular_values,
    stable_rank,
)
from numerics.gpt2.training import BETAS, Recipe, Record, Trainer
from theory.claims.implicit_bias import adamw_length

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

_LENGTHS = {"adamw": adamw_length(*BETAS), "muon": MUON_LENGTH, "kaon": kaon.LENGTH}
"""Of their directions in these norms, at most."""


def pretrain(
    model: GPT2LMHeadModel, recipe: Recipe, trainer: Trainer, *, folder: Path | None = None
) -> dict[str, Any]:
    """Train a model in place; the losses and ranks at the end, and a history.

    folder: where the state is saved on the way, and in the end the model. Each record of the
    history has the loss on text held out, the median of the stable ranks (`median_rank`), and both
    norms of each hidden matrix; with them `reach`, how large the norm of the optimizer's own ball
    could be by then, and `remainder`, the part of the start in that (see
    `numerics.gpt2.spectra.reach`). Ranks are of the folded model, those that a path would have
    there. Processes other than the first get their history alone.
    """
    texts, workers = trainer.texts, trainer.workers
    windows = texts.windows("in", workers.device)

    def watch() -> Record:
        own = statistics.median(map(stable_rank, singular_values(fold(model)).values()))
        return {"held_out": window_loss(model, windows), "median_rank": own, **norms(model)}

    history = trainer.fit(LanguageModel(model), recipe, folder=folder, watch=watch)
    if not workers.first:
        return {"history": history}
    if folder:
        save(model, folder)
    return {
        "optimizer": recipe.optimizer,
        "seed": recipe.seed,
        "learning_rate": max(map(recipe.highest, KINDS)),
        "batch": recipe.batch,
        "steps": recipe.steps,
        "weight_decay": recipe.weight_decay,
        "loss": texts.losses(model),
        **ranks(fold(model)),
        **_reached(history, recipe, model),
        "seconds": history[-1]["seconds"],
    }


def ranks(model: GPT2LMHeadModel) -> dict[str, dict[str, float]]:
    """The stable and the effective rank of each hidden matrix."""
    values = singular_values(model)
    return {
        "stable_rank": {name: stable_rank(v) for name, v in values.items()},
        "effective_rank": {name: effective_rank(v) for name, v in values.items()},
    }


def _reached(history: Sequence[Record], recipe: Recipe, model: GPT2LMHeadModel) -> dict[str, Any]:
    """The records with how large the norms could be by then, and the radius they tend to."""
    start, shapes, rules, rates, decays = history[0], {}, {}, {}, {}
    for name, matrix in hidden_matrices(model).items():
        kind = kind_of(name)
        shapes[name], rules[name] = (matrix.shape[0], matrix.shape[1]), rule(recipe.optimizer, kind)
        rates[name], decays[name] = recipe.hidden_rates(kind), recipe.decay_of(kind)
    for record in history:
        step = record["step"]
        record["remainder"] = max(
            math.prod(1 - rate * decays[name] for rate in rates[name][:step]) for name in rules
        )
        record["reach"] = {
            name: reach(
                by,
                start[NORMS[by]][name],
                rates[name][:step],
                decays[name],
                shapes[name],
                length=_LENGTHS[by],
            )
            for name, by in rules.items()
        }
    radii = {
        name: radius(by, decays[name], shapes[name]) for name, by in rules.items() if decays[name]
    }
    return {"history": list(history), "radius": radii}
