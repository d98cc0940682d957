"""How many valleys there are over radius and width, for each data set and ball."""

from __future__ import annotations

from functools import partial

from numerics.report.sheets import Picture, Sheet
from theory.claims import Result
from theory.claims.valleys_in_balls import ValleysInBalls
from theory.pictures import valleys


def sheets(result: Result[None, None]) -> list[Sheet]:
    """A table in colours for each data set and ball; colours mean the same in all of them."""
    claim, values = result.claim, result.prediction.values
    assert isinstance(claim, ValleysInBalls)
    drawn = [
        (case, optimizer, claim.counts(values, case, optimizer))
        for case in claim.cases
        for optimizer in case.widths
    ]
    most = max(count for _, _, counts in drawn for row in counts for count in row)
    pictures: list[Picture] = []
    for case, optimizer, counts in drawn:
        title = f"{case.name}, {optimizer}"
        draw = partial(valleys.draw_counts, counts=counts, radii=case.radii, most=most, title=title)
        caption = (
            f"{title}: the number of valleys in the ball at each radius and width, modulo "
            "permutation. One of them is the global one. The darker, the more; the scale is the "
            "same in all pictures."
        )
        pictures.append((draw, caption))
    return [Sheet("", pictures, columns=5)]
