"""What a study of GPT-2 models would take, from a few steps of each kind."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from torch import nn

from numerics.gpt2.alignment import RESIDUAL_MAPS, LearnedRotation, align, fold
from numerics.gpt2.config import Config
from numerics.gpt2.model import LanguageModel, build, window_loss
from numerics.gpt2.names import TEXTS
from numerics.gpt2.parts import (
    PLANE_POINTS,
    Aligned,
    Averaged,
    Connected,
    Continued,
    Lab,
    Pretrained,
    Surface,
    texts_of,
)
from numerics.gpt2.paths import straight
from numerics.gpt2.study import Study
from numerics.gpt2.training import RECORDS, Recipe, Trainer, Workers, device_of
from numerics.training.loop import one_thread
from theory.types import Progress, silent

_SMALLER = 16  # a whole batch of the paper's size takes a CPU minutes
_QUICK, _LONG = 0.5, 2.0  # seconds of a step
_STEPS = 5  # that are measured


@one_thread()
def estimate(config: Config, progress: Progress = silent) -> list[dict[str, Any]]:
    """The time each kind of part takes on this device, from a few steps of it.

    For each kind: the parts, the steps of all of them together, tokens and seconds of a step, and
    hours of all together, of one GPU, or of one core of a CPU that does nothing else. Evaluations
    are a kind of their own: a step is one text at one t.
    progress: told what is measured next, and how many kinds were.
    """
    progress("reading the text", 0)
    lab = Lab(config, Path(), Trainer(texts_of(config), Workers(device=device_of())))
    end = LanguageModel(build(lab.shape, seed=0))
    first, second = (fold(build(lab.shape, seed=seed)) for seed in (0, 1))
    path = straight(first, second, bends=config.number)
    # One round: how good the alignment is does not matter here, and more take minutes.
    rotation = LearnedRotation(first, align(first, second, rounds=1).of(second))
    kinds: dict[str, tuple[nn.Module, list[Recipe]]] = {}
    evaluations = 0

    def add(kind: str, module: nn.Module, recipe: Recipe) -> None:
        kinds.setdefault(kind, (module, []))[1].append(recipe)

    for part in (part for stage in Study(config, lab.folder).stages for part in stage):
        match part:
            case Pretrained(_, recipe):
                add(f"ends, {recipe.optimizer}", end, recipe)
                evaluations += RECORDS
            case Continued(_, recipe):
                add(f"ends trained on, {recipe.optimizer}", end, recipe)
            case Connected(_, curve, recipe):
                if curve.kind != "linear":
                    add(f"bends, {recipe.optimizer}", path, recipe)
                evaluations += config.points * len(TEXTS)
            case Aligned():
                add("alignments", rotation, config.alignment)
                evaluations += config.points * (len(RESIDUAL_MAPS) + 3)  # its stages
            case Averaged():
                evaluations += config.points // 2 + 2 * len(TEXTS)  # of half the windows each
            case Surface():
                evaluations += PLANE_POINTS**2

    @cache
    def of_one(module: nn.Module, optimizer: str) -> float:
        return _seconds(lab.trainer, replace(config.ends, optimizer=optimizer), module, 1)

    @cache
    def of_more(module: nn.Module, batch: int) -> float:
        return _seconds_per_window(lab.trainer, replace(config.ends, batch=batch), module)

    rows: list[tuple[str, int, int, int, float]] = []
    for k, (kind, (module, recipes)) in enumerate(kinds.items()):
        progress(f"measuring {kind}; kinds done of {len(kinds) + 1}", k)
        steps = sum(recipe.steps for recipe in recipes)
        windows_seen = sum(recipe.steps * recipe.batch for recipe in recipes)
        one, more = of_one(module, recipes[0].optimizer), of_more(module, recipes[0].batch)
        seconds = one + more * (windows_seen / steps - 1)
        rows.append(
            (kind, len(recipes), steps, windows_seen * config.shape.block // steps, seconds)
        )
    progress(f"measuring evaluations; kinds done of {len(kinds) + 1}", len(kinds))
    windows = lab.trainer.texts.windows("in", lab.trainer.workers.device)
    few = windows[: max(1, len(windows) // _SMALLER)]
    begun = _clock(lab.trainer)
    window_loss(first.to(windows.device), few)
    seconds = (_clock(lab.trainer) - begun) * len(windows) / len(few)
    rows.append(("evaluations", evaluations, evaluations, windows.numel(), seconds))
    names = ("kind", "parts", "steps", "tokens_per_step", "seconds_per_step")
    return [{**dict(zip(names, row, strict=True)), "hours": row[2] * row[4] / 3600} for row in rows]


def _clock(trainer: Trainer) -> float:
    """Seconds: of a GPU as they pass, of a CPU those that this process computes.

    The second are those of a core that does nothing else, however busy the machine is now.
    """
    return time.process_time() if trainer.workers.device.type == "cpu" else time.perf_counter()


def _seconds(trainer: Trainer, recipe: Recipe, module: nn.Module, batch: int) -> float:
    """Of a step, the mean of a few after one to warm up; of that one where it is long."""

    def measured(steps: int) -> float:
        begun = _clock(trainer)
        trainer.fit(module, replace(recipe, steps=steps, batch=batch, accumulation=1))
        return (_clock(trainer) - begun) / steps

    first = measured(1)
    return first if first > _LONG else measured(_STEPS)


def _seconds_per_window(trainer: Trainer, recipe: Recipe, module: nn.Module) -> float:
    """What each window but the first adds to a step.

    From batches of 1, 4, 16, ... windows, to a sixteenth of a whole one, and on while that is
    quick, as on a GPU; by AdamW, whose own part is small: windows cost all optimizers the same.
    """
    batch, first = 1, _seconds(trainer, recipe, module, 1)
    last = first
    while batch < recipe.batch and (_SMALLER * batch < recipe.batch or last < _QUICK):
        batch = min(4 * batch, recipe.batch)
        last = _seconds(trainer, recipe, module, batch)
    return max(0.0, last - first) / max(1, batch - 1)
