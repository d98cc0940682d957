"""The parts of a study of GPT-2 models: each is made alone, from the files of those before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from numerics.gpt2.alignment import RESIDUAL_MAPS, align, fold
from numerics.gpt2.config import Config
from numerics.gpt2.connection import (
    LEARNED_FROM,
    SPECTRA_POINTS,
    learn_path,
    learn_rotation,
    measure,
)
from numerics.gpt2.data import Corpus, Texts
from numerics.gpt2.ensembles import ensembles
from numerics.gpt2.model import LanguageModel, Shape, build, hidden_matrices, load, save
from numerics.gpt2.names import TEXTS, Curve, Model, Pair
from numerics.gpt2.paths import grid, load_path, plane, profile, straight
from numerics.gpt2.pretraining import pretrain, ranks
from numerics.gpt2.spectra import shuffled_ranks, singular_values
from numerics.gpt2.training import Recipe, Trainer

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

PLANE_POINTS = 15
"""Along each axis of a plane."""


@dataclass(frozen=True)
class Lab:
    """Where the parts of a study are made, and by whom."""

    config: Config
    folder: Path
    trainer: Trainer

    @property
    def shape(self) -> Shape:
        """Of all models: with the vocabulary of the text."""
        return replace(self.config.shape, vocabulary=self.trainer.texts.training.vocabulary)

    def model(self, model: Model) -> GPT2LMHeadModel:
        """On the device, as it was trained."""
        return load(self.folder / _end(model)).to(self.trainer.workers.device)

    def pair(self, pair: Pair) -> Path:
        """The folder of what is between two models."""
        return self.folder / _pair(pair)


def texts_of(config: Config) -> Texts:
    """The text of a study, which is read once."""
    corpora = {text: _corpus(tuple(config.text[text]), config.tokenizer) for text in TEXTS}
    return Texts(corpora, config.shape.block, config.windows)


@lru_cache(maxsize=4)
def _corpus(sources: tuple[str, ...], tokenizer: str | None) -> Corpus:
    return Corpus.read(sources, None if tokenizer is None else Path(tokenizer))


class Part(ABC):
    """One part, which is known by its fields."""

    @property
    @abstractmethod
    def file(self) -> str:
        """Its document, in the folder of the study: the last of its files."""

    @property
    @abstractmethod
    def place(self) -> tuple[str, ...]:
        """Where its document is in that of the study: keys, one inside the other."""

    writes: str = ""
    """The folder of the checkpoints that it makes; empty where it makes none."""

    @property
    def reads(self) -> Sequence[str]:
        """Folders of checkpoints that it needs."""
        return ()

    @abstractmethod
    def make(self, lab: Lab) -> dict[str, Any]:
        """Make it; all processes call it, and what the first returns is its document."""


def _end(model: Model) -> str:
    return f"ends/{model}"


def _pair(pair: Pair) -> str:
    return f"pairs/{pair}"


@dataclass(frozen=True)
class Pretrained(Part):
    """A model, trained from the start, and what was recorded on the way."""

    model: Model
    recipe: Recipe

    @property
    def file(self) -> str:
        return f"{self.writes}/end.json"

    @property
    def place(self) -> tuple[str, ...]:
        return ("ends" if self.model.is_end else "controls", str(self.model))

    @property
    def writes(self) -> str:  # type: ignore[override]  # of its own model
        return _end(self.model)

    def make(self, lab: Lab) -> dict[str, Any]:
        model = build(lab.shape, seed=self.recipe.seed)
        return pretrain(model, self.recipe, lab.trainer, folder=(lab.folder / self.file).parent)


@dataclass(frozen=True)
class Start(Part):
    """A model before training: its losses, ranks and singular values."""

    file = "start.json"
    place = ("start",)

    def make(self, lab: Lab) -> dict[str, Any]:
        model = build(lab.shape, seed=0).to(lab.trainer.workers.device)
        values = {name: v.tolist() for name, v in singular_values(fold(model)).items()}
        losses = lab.trainer.texts.losses(model)
        return {"loss": losses, **ranks(fold(model)), "singular_values": values}


@dataclass(frozen=True)
class Continued(Part):
    """The losses of an end after as many steps more as bends get."""

    model: Model
    recipe: Recipe

    @property
    def file(self) -> str:
        return f"continued/{self.model}.json"

    @property
    def place(self) -> tuple[str, ...]:
        return "continued", str(self.model)

    @property
    def reads(self) -> Sequence[str]:
        return (_end(self.model),)

    def make(self, lab: Lab) -> dict[str, Any]:
        model = fold(lab.model(self.model))
        folder = (lab.folder / self.file).with_suffix("")
        lab.trainer.fit(LanguageModel(model), self.recipe, folder=folder)
        return lab.trainer.texts.losses(model) if lab.trainer.workers.first else {}


@dataclass(frozen=True)
class Aligned(Part):
    """The second model of a pair in the coordinates of the first: barriers, stage by stage."""

    pair: Pair

    @property
    def file(self) -> str:
        return f"{_pair(self.pair)}/alignment.json"

    @property
    def place(self) -> tuple[str, ...]:
        return "pairs", str(self.pair), "alignment"

    @property
    def writes(self) -> str:  # type: ignore[override]  # of its own pair
        return f"{_pair(self.pair)}/aligned"

    @property
    def reads(self) -> Sequence[str]:
        return [_end(model) for model in self.pair]

    def make(self, lab: Lab) -> dict[str, Any]:
        trainer, folder = lab.trainer, lab.pair(self.pair)
        raw = [lab.model(model) for model in self.pair]
        ours, theirs = (fold(model) for model in raw)
        stages = {"none": raw, "folded": [ours, theirs]}
        for residual in RESIDUAL_MAPS:
            moved = align(ours, theirs, residual=residual).of(theirs)
            stages[residual] = [ours, moved.to(trainer.workers.device)]
        start, recipe = stages[LEARNED_FROM][1], lab.config.alignment
        learned = learn_rotation(ours, start, recipe, trainer, folder=folder / "rotation")
        if not trainer.workers.first:
            return {}
        save(learned, folder / "aligned")
        stages["learned"] = [ours, learned]
        windows = trainer.texts.windows("in", trainer.workers.device)
        options: dict[str, Any] = {"points": lab.config.points, "progress": trainer.progress}
        return {
            stage: profile(straight(*models), windows, **options).barrier
            for stage, models in stages.items()
        }


@dataclass(frozen=True)
class Shuffled(Part):
    """The ranks on a straight line between matrices with the singular values of a pair's.

    Their singular vectors are random: it is what the spectra alone say of the way between them,
    and the reference for curves that claim to preserve them.
    """

    pair: Pair

    @property
    def file(self) -> str:
        return f"{_pair(self.pair)}/shuffled.json"

    @property
    def place(self) -> tuple[str, ...]:
        return "pairs", str(self.pair), "shuffled"

    @property
    def reads(self) -> Sequence[str]:
        return [_end(model) for model in self.pair]

    def make(self, lab: Lab) -> dict[str, Any]:
        first, last = (singular_values(fold(lab.model(model))) for model in self.pair)
        shapes = {k: tuple(v.shape) for k, v in hidden_matrices(lab.model(self.pair.first)).items()}
        ranks = {
            name: shuffled_ranks(
                first[name], last[name], shapes[name], seed=crc32(f"{self.pair} {name}".encode())
            )
            for name in first
        }
        return {"t": list(grid(SPECTRA_POINTS)), "stable_rank": ranks}


@dataclass(frozen=True)
class Connected(Part):
    """A curve between the models of a pair, whose bends are learned, and what is on it."""

    pair: Pair
    curve: Curve
    recipe: Recipe

    @property
    def file(self) -> str:
        return f"{self.writes}/curve.json"

    @property
    def place(self) -> tuple[str, ...]:
        return "pairs", str(self.pair), "curves", str(self.curve)

    @property
    def writes(self) -> str:  # type: ignore[override]  # of its own curve
        return f"{_pair(self.pair)}/{self.curve.folder}"

    @property
    def reads(self) -> Sequence[str]:
        last = f"{_pair(self.pair)}/aligned" if self.curve.aligned else _end(self.pair.last)
        return _end(self.pair.first), last

    def make(self, lab: Lab) -> dict[str, Any]:
        trainer, pair = lab.trainer, lab.pair(self.pair)
        last = load(pair / "aligned") if self.curve.aligned else lab.model(self.pair.last)
        path = learn_path(
            fold(lab.model(self.pair.first)),
            # What is folded stays, with its frozen parameters.
            fold(last.to(trainer.workers.device)),
            self.recipe,
            trainer,
            kind=self.curve.kind,
            bends=lab.config.number,
            folder=pair / self.curve.folder,
        )
        if not trainer.workers.first:
            return {}
        path.save(pair / self.curve.folder)
        return measure(path, trainer.texts, points=lab.config.points, progress=trainer.progress)


@dataclass(frozen=True)
class Averaged(Part):
    """Ensembles of the models of a pair and of a point of a curve between them.

    third: another model, averaged with them in place of that point.
    """

    pair: Pair
    curve: Curve
    third: Model | None

    @property
    def file(self) -> str:
        return f"{_pair(self.pair)}/ensembles.json"

    @property
    def place(self) -> tuple[str, ...]:
        return "pairs", str(self.pair), "ensembles"

    @property
    def reads(self) -> Sequence[str]:
        third = () if self.third is None else (_end(self.third),)
        return f"{_pair(self.pair)}/{self.curve.folder}", *third

    def make(self, lab: Lab) -> dict[str, Any]:
        trainer = lab.trainer
        if not trainer.workers.first:
            return {}
        path = load_path(lab.pair(self.pair) / self.curve.folder).to(trainer.workers.device)
        return ensembles(
            path,
            trainer.texts,
            points=lab.config.points,
            third=None if self.third is None else lab.model(self.third),
            progress=trainer.progress,
        )


@dataclass(frozen=True)
class Surface(Part):
    """The loss on the plane through a pair and the first bend of a curve between them."""

    pair: Pair
    curve: Curve

    @property
    def file(self) -> str:
        return f"{_pair(self.pair)}/plane.json"

    @property
    def place(self) -> tuple[str, ...]:
        return "pairs", str(self.pair), "plane"

    @property
    def reads(self) -> Sequence[str]:
        return (f"{_pair(self.pair)}/{self.curve.folder}",)

    def make(self, lab: Lab) -> dict[str, Any]:
        trainer = lab.trainer
        if not trainer.workers.first:
            return {}
        path = load_path(lab.pair(self.pair) / self.curve.folder).to(trainer.workers.device)
        models = path.first, path.last, path.bends[0]
        windows = trainer.texts.windows("in", trainer.workers.device)
        options: dict[str, Any] = {"resolution": PLANE_POINTS, "progress": trainer.progress}
        return plane(*models, windows, **options).to_json()
