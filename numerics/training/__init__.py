"""Training in torch: optimizers, batches of runs, and what is made of them.

>>> from theory import Ball, analyse, example
>>> from numerics.training import train_runs
>>> landscape = analyse(example("flagship"), width=2)
>>> runs = train_runs(landscape, Ball("adamw", "12/5"), seeds=4, steps=2000)
>>> runs.count
4

Names load on first use, as of `theory`: torch takes a second.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numerics.training.loop import TrainingConfig, TrainingResult, train
    from numerics.training.meetings import TrainedMeeting, train_meeting
    from numerics.training.optimizers import OPTIMIZERS, Optimizer, Schedule
    from numerics.training.runs import Runs, best_networks, located, train_runs

__all__ = [
    "OPTIMIZERS",
    "Optimizer",
    "Runs",
    "Schedule",
    "TrainedMeeting",
    "TrainingConfig",
    "TrainingResult",
    "best_networks",
    "located",
    "train",
    "train_meeting",
    "train_runs",
]

_HOMES = {
    "numerics.training.loop": ("TrainingConfig", "TrainingResult", "train"),
    "numerics.training.meetings": ("TrainedMeeting", "train_meeting"),
    "numerics.training.optimizers": ("OPTIMIZERS", "Optimizer", "Schedule"),
    "numerics.training.runs": ("Runs", "best_networks", "located", "train_runs"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
