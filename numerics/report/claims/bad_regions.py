"""The shares of good and bad regions over the width, for each data set."""

from __future__ import annotations

from functools import partial

from numerics.report.sheets import Picture, Sheet
from theory.claims import BadRegions, Result
from theory.pictures import valleys
from theory.within import Ball, Penalty

_NAMES = {Ball: "small adamw ball", Penalty: "l2 penalty"}


def sheets(result: Result[None, None]) -> list[Sheet]:
    """A picture for each data set, without a ball and in a small one."""
    claim, values = result.claim, result.prediction.values
    assert isinstance(claim, BadRegions)
    pictures: list[Picture] = []
    for case in claim.cases:
        lines = {}
        for place, within in claim.places():
            if place is case:
                name = _NAMES.get(type(within), "anywhere")
                lines[name] = claim.shares(values, case, within)
        caption = (
            f"{case.name}: the share of activation regions with a global minimum (circles) and "
            "with a local minimum above it (crosses), without a ball, in a small one and with a "
            "penalty, there at least."
        )
        draw = partial(valleys.draw_shares, lines=lines, title=case.name)
        pictures.append((draw, caption))
    return [Sheet("", pictures, columns=3)]
