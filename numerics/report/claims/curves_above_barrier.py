"""The highest losses on the curves beside the exact barriers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from numerics.pictures import curves
from numerics.report.sheets import Picture, Sheet
from theory.claims import Result
from theory.landscape import Barrier


def sheets(result: Result[Sequence[Barrier], Mapping[str, Sequence[float]]]) -> list[Sheet]:
    """The highest losses on the curves beside the exact barriers."""
    exact = [float(barrier.value) for barrier in result.prediction.evidence]
    maxima = result.observation.evidence
    pictures: list[Picture] = [
        (
            partial(curves.draw_maxima, barriers=exact, maxima=maxima),
            "Each mark is a curve between two exact fits: straight lines, and polychains and "
            "Bezier curves whose bends were learned to lower the highest loss. On the dotted line "
            "it would be the exact minimax barrier, below it theory allows no curve.",
        ),
        (
            partial(curves.draw_excess, barriers=exact, maxima=maxima),
            "The share of curves whose highest loss exceeds the exact barrier by at most so much, "
            "relative to the barrier. What is nearer than the left edge is drawn there.",
        ),
    ]
    return [Sheet("", pictures, columns=2)]
