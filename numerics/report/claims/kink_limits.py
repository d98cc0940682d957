"""Runs that slide along a wall to where they rest, and their losses."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from numerics.pictures.kinks import draw_loss, draw_way
from numerics.report.sheets import Picture, Sheet
from numerics.training.loop import TrainingResult
from theory.claims import KinkLimits, Result
from theory.claims.kink_limits import RHO
from theory.landscape.kinks import RestPoint
from theory.within import Ball


def sheets(
    result: Result[Mapping[str, RestPoint], Mapping[str, TrainingResult]],
) -> list[Sheet]:
    """Runs that slide along a wall to where they rest, and their losses."""
    assert isinstance(result.claim, KinkLimits)
    ways: list[Picture] = []
    losses: list[Picture] = []
    for optimizer, rest in result.prediction.evidence.items():
        place, ball = result.claim.places[optimizer], Ball(optimizer, RHO)
        ways.append(
            (
                partial(draw_way, problem=place.problem, within=ball, rest=rest),
                f"{optimizer}: the last 60 of 1,500 steps at a constant rate of 0.01 R, which "
                "cross the wall again and again. Star: where the equations of rest say.",
            )
        )
        losses.append(
            (
                partial(draw_loss, problem=place.problem, within=ball, rest=rest),
                f"{optimizer}: the loss on the way along the wall, at three rates, from 0.85 of "
                "the weights at rest. Dashed: that of the point of rest.",
            )
        )
    return [Sheet("", ways, columns=4), Sheet(".loss", losses, columns=4)]
