"""Both optimizers of a meeting of two regions, trained: where runs end, and whether they stay.

>>> from fractions import Fraction
>>> from theory.loading import example
>>> from theory.regions import optimizer_regions
>>> found = optimizer_regions(example("two-regions"), ("adamw", "muon"), width=2)
>>> trained = train_meeting(found.at(Fraction(3, 5), Fraction(3, 2)), seeds=32, steps=3000)
>>> print(trained.meeting.phase, min(trained.reached) > 0, trained.shared)
disjoint True (0, 0)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from numerics.training.loop import TrainingResult, train
from numerics.training.optimizers import Schedule
from theory.connectivity.solutions import network_of
from theory.errors import InputError
from theory.geometry import ball_violation, geometry
from theory.regions import Meeting
from theory.types import Array, Progress, silent
from theory.within import Ball

TOLERANCE = 1e-6
"""Of the loss above the level, relative to ||y||^2, up to which a run counts as in a region: runs
end at about the square of the last learning rate, 1.6e-7."""

INSIDE = 0.002
"""Of a norm above R, relative, up to which a run counts as in a ball: training leaves 0.001 at most
of the way into its own one, and the loss that is tolerated is worth about as much."""

_STAY = 4e-4  # of R: the learning rate from the witness on, about the last one of training
_RECORDS = 100


@dataclass(frozen=True, eq=False)
class TrainedMeeting:
    """S runs of each optimizer of a meeting, each in its own ball.

    results: of random starts. stays: of one run each from the witness on, with a small learning
    rate that does not fall; None where there is no witness.
    """

    meeting: Meeting
    results: tuple[TrainingResult, ...]
    stays: tuple[TrainingResult, ...] | None

    @property
    def complete(self) -> bool:
        """Whether all were trained to the end."""
        return all(each.complete for each in (*self.results, *(self.stays or ())))

    @cached_property
    def at_level(self) -> tuple[Bool[Array, " S"], ...]:
        """For each optimizer the runs that reached the level in their own ball."""
        found = self.meeting.regions
        squared = float(found.problem.squared_length)
        limit = float(found.level) + TOLERANCE * squared
        return tuple(
            (result.loss <= limit) & self._in_ball(result, which)
            for which, result in enumerate(self.results)
        )

    @property
    def reached(self) -> tuple[int, ...]:
        """How many these are."""
        return tuple(int(runs.sum()) for runs in self.at_level)

    @property
    def shared(self) -> tuple[int, ...]:
        """How many of these lie in the other optimizer's ball too."""
        return tuple(
            int((runs & self._in_ball(result, 1 - which)).sum())
            for which, (result, runs) in enumerate(zip(self.results, self.at_level, strict=True))
        )

    @property
    def violations(self) -> tuple[float, ...]:
        """The most by which a run that did not diverge ended outside its own ball, relative."""
        return tuple(_of_finite(each, each.violation, np.max) for each in self.results)

    @property
    def gaps(self) -> tuple[float, ...]:
        """The median Frank-Wolfe gaps of the runs that did not diverge, in units of the loss."""
        return tuple(_of_finite(each, each.gap, np.median) for each in self.results)

    @property
    def witness_gaps(self) -> tuple[float, ...]:
        """Each optimizer's Frank-Wolfe gap at the witness; none without a witness."""
        return tuple(float(gaps[0, 0]) for _, _, gaps in self._ways)

    @property
    def witness_losses(self) -> tuple[float, ...]:
        """The highest loss on each optimizer's way from the witness on."""
        return tuple(float(losses.max()) for losses, _, _ in self._ways)

    @property
    def witness_violations(self) -> tuple[float, ...]:
        """How far outside its own ball each optimizer came on this way."""
        return tuple(float(violations.max()) for _, violations, _ in self._ways)

    @property
    def _ways(self) -> list[tuple[Array, Array, Array]]:
        """Losses, violations and gaps (T, 1) from the witness on."""
        histories = [stay.history for stay in self.stays or ()]
        return [
            (history.losses, history.violations, history.gaps)
            for history in histories
            if history is not None and history.violations is not None and history.gaps is not None
        ]

    def _in_ball(self, result: TrainingResult, which: int) -> Bool[Array, " S"]:
        """Whether the runs lie in the first (0) or the second (1) optimizer's ball."""
        ball = geometry(self.meeting.regions.optimizers[which])
        radius = math.sqrt(self.meeting.rho[which])
        inside: Bool[Array, " S"] = (
            ball_violation(ball, result.W, result.a, radius, radius) <= INSIDE
        )
        return inside


def train_meeting(
    meeting: Meeting,
    *,
    seeds: int,
    steps: int,
    seed: int = 0,
    stay_steps: int = 2500,
    progress: Progress = silent,
) -> TrainedMeeting:
    """Train both optimizers at their radii, from random starts and from the witness.

    stay_steps: from the witness; in 2500 weight decay alone would take away 63 % of the weights.
    Raises InputError for sgd, which has no ball, for problems that are not plain, and where the
    meeting is of every large width.
    """
    found = meeting.regions
    found.problem.require_plain("regions are trained")
    if found.width is None:
        raise InputError("meeting", "is that of every large width; networks are trained at one")
    width = found.width
    # Of an optimizer without a ball this is an error.
    balls = [Ball(each, rho) for each, rho in zip(found.geometries, meeting.rho, strict=True)]

    def both(rate: float | None = None, **options: Any) -> tuple[TrainingResult, ...]:
        return tuple(
            train(
                found.problem,
                width,
                ball,
                schedule=None if rate is None else Schedule(rate * math.sqrt(ball.rho)),
                progress=progress,
                **options,
            )
            for ball in balls
        )

    results = both(seeds=seeds, steps=steps, seed=seed)
    if meeting.witness is None:
        return TrainedMeeting(meeting, results, None)
    stays = both(
        seeds=1,
        steps=stay_steps,
        start=network_of(meeting.witness, found.problem.d, width),
        start_scale=0.0,
        rate=_STAY,
        record_every=max(1, stay_steps // _RECORDS),
    )
    return TrainedMeeting(meeting, results, stays)


def _of_finite(
    result: TrainingResult,
    values: Float[Array, " S"] | None,
    measure: Callable[[Float[Array, " S"]], float],
) -> float:
    assert values is not None  # of optimizers with a ball
    return float(measure(values[~result.diverged]))
