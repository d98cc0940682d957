"""What was recorded on the way: how far outside the ball, and the Frank-Wolfe gap."""

from __future__ import annotations

from functools import partial

from numerics.pictures.runs import draw_gaps, draw_violations
from numerics.report.sheets import Picture, Sheet
from numerics.training.runs import Runs
from theory.claims import Result
from theory.claims.implicit_bias import STARTS
from theory.claims.training import Trained


def sheets(result: Result[None, Trained[Runs]]) -> list[Sheet]:
    """What was recorded on the way: how far outside the ball, and the Frank-Wolfe gap."""
    started: dict[str, list[Runs]] = {start: [] for start in STARTS}
    for key, runs in result.observation.evidence.runs.items():
        started[key.rsplit(", ")[1]].append(runs)
    band = "Lines are medians over the random starts, bands hold the middle half."
    pictures: list[Picture] = [
        (
            partial(draw_violations, trained=started["outside"]),
            "How far outside the optimizer's ball the weights are: the larger of $||W|| / R - 1$ "
            f"and $||a|| / R - 1$. {band} Where a line ends, half of the runs are in the ball. "
            "Dotted: what weight decay alone leaves of the largest violation at the start, a "
            "proved bound for directions of norm one at most; AdamW's may stay above it, up to "
            "0.165.",
        )
    ]
    pictures.extend(
        (
            partial(draw_gaps, trained=started[start], start=start),
            f"The Frank-Wolfe gap of runs that start {start} the ball, in units of the loss of "
            "zero weights: zero where no small step within the ball lowers the loss to first "
            f"order. {band} Dotted: the learning rate, relative to R.",
        )
        for start in reversed(STARTS)
    )
    return [Sheet(".training", pictures, columns=3)]
