"""What `theory.claims.verify` takes for its trainer: networks and curves, trained with torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

from numerics.training import curves
from numerics.training.loop import TrainingResult, train_together
from numerics.training.meetings import TrainedMeeting, train_meeting
from numerics.training.runs import Runs, best_networks, train_runs
from theory.claims.region_interaction import TrainMeeting
from theory.claims.same_optimizer_connectivity import TrainNetworks
from theory.claims.training import LearnCurves, TrainRuns, TrainTogether
from theory.errors import InputError
from theory.network import Network
from theory.types import Progress


@singledispatch
def trainer(asked: Any, progress: Progress) -> Any:
    """What comes of the training that is asked for; errors are those of the functions below.

    A further kind of `theory.claims.base.Training` registers its function: `@trainer.register`.
    """
    raise InputError(
        "trainer",
        f"does not know {type(asked).__name__}; register a function with @trainer.register",
    )


@trainer.register
def _(asked: TrainRuns, progress: Progress) -> Runs:
    return train_runs(**vars(asked), progress=progress)


@trainer.register
def _(asked: TrainTogether, progress: Progress) -> Sequence[TrainingResult]:
    return train_together(**vars(asked), progress=progress)


@trainer.register
def _(asked: TrainNetworks, progress: Progress) -> Sequence[Network]:
    return best_networks(**vars(asked), progress=progress)


@trainer.register
def _(asked: LearnCurves, progress: Progress) -> Mapping[str, Sequence[float]]:
    return curves.maxima(asked.pairs, progress=progress)


@trainer.register
def _(asked: TrainMeeting, progress: Progress) -> TrainedMeeting:
    return train_meeting(**vars(asked), progress=progress)
