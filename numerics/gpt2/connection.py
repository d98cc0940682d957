"""Two models connected: aligned, with a path between them that is learned and measured.

Orientation everywhere: t = 0 is the first model.

Source: the paper (arXiv 2605.09991) learns residual maps and one bend; how long, and with which
optimizer, is not in its text or its code, so here both are arguments.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from numerics.gpt2.alignment import RESIDUAL_MAPS, LearnedRotation, align, fold
from numerics.gpt2.data import Texts
from numerics.gpt2.paths import Path as ModelPath
from numerics.gpt2.paths import profile, straight
from numerics.gpt2.spectra import spectra
from numerics.gpt2.training import Recipe, Trainer
from numerics.training.curves import BASES
from theory.types import Progress, silent

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

SPECTRA_POINTS = 11
"""Along a curve."""

_CHOSEN = tuple(k / 6 for k in range(7))  # t's at which all singular values are kept


KINDS = ("linear", *BASES)
"""Of paths; the first has nothing to learn."""

ALIGNMENTS = ("learned", *RESIDUAL_MAPS, "none")
"""How the second model can be brought to the first."""

LEARNED_FROM = "orthogonal"
"""The residual map that a learned one starts from."""


def aligned(
    first: GPT2LMHeadModel,
    second: GPT2LMHeadModel,
    alignment: str,
    recipe: Recipe,
    trainer: Trainer,
    *,
    folder: Path | None = None,
) -> tuple[GPT2LMHeadModel, GPT2LMHeadModel]:
    """Both models folded, the second in the coordinates of the first.

    alignment: one of ALIGNMENTS. recipe, folder: of the learned one.
    """
    device = trainer.workers.device
    ours, theirs = (fold(model).to(device) for model in (first, second))
    if alignment == "none":
        return ours, theirs
    learned = alignment == "learned"
    residual = LEARNED_FROM if learned else alignment
    theirs = align(ours, theirs, residual=residual).of(theirs).to(device)
    if learned:
        theirs = learn_rotation(ours, theirs, recipe, trainer, folder=folder)
    return ours, theirs


def learn_rotation(
    first: GPT2LMHeadModel,
    second: GPT2LMHeadModel,
    recipe: Recipe,
    trainer: Trainer,
    *,
    folder: Path | None = None,
) -> GPT2LMHeadModel:
    """The second of two folded models, aligned by its weights, rotated further.

    The residual rotation is trained so that the straight line is low in its middle. folder: for the
    state of that training.
    """
    rotation = LearnedRotation(first, second)
    trainer.fit(rotation, recipe, folder=folder)
    return rotation.model().to(trainer.workers.device)


def learn_path(
    first: GPT2LMHeadModel,
    last: GPT2LMHeadModel,
    recipe: Recipe,
    trainer: Trainer,
    *,
    kind: str = "polychain",
    bends: int = 1,
    folder: Path | None = None,
) -> ModelPath:
    """A path between two models whose bends lower the mean loss along it, from the straight line.

    kind: one of KINDS. folder: for the state of the training. Raises InputError for an unknown
    kind, and for models of different shapes.
    """
    if kind == "linear":
        return straight(first, last).to(trainer.workers.device)
    path = straight(first, last, kind=kind, bends=bends)
    trainer.fit(path, recipe, folder=folder)
    return path


def measure(
    path: ModelPath, texts: Texts, *, points: int, progress: Progress = silent
) -> dict[str, Any]:
    """Losses and barriers along a path by text, and the spectra of its hidden matrices.

    All singular values are kept of one matrix, of the last layer's MLP.
    """
    device = path.first.device
    profiles = {
        text: profile(path, texts.windows(text, device), points=points, progress=progress)
        for text in texts.corpora
    }
    shown = f"{path.first.config.n_layer - 1}.mlp-in"
    along = spectra(
        path, points=SPECTRA_POINTS, matrices=[shown], chosen=_CHOSEN, progress=progress
    ).to_json()
    chosen, values = along.pop("chosen"), along.pop("singular_values")
    return {
        "t": list(profiles["in"].t),
        "loss": {text: list(found.loss) for text, found in profiles.items()},
        "barrier": {text: found.barrier for text, found in profiles.items()},
        "maximum": {text: found.maximum for text, found in profiles.items()},
        "spectra": along
        | {"singular_values": {shown: {"t": list(chosen), "values": values[shown]}}},
    }
