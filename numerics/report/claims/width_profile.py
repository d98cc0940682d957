"""A staircase for each instance."""

from __future__ import annotations

from functools import partial

from numerics.report.sheets import Picture, Sheet
from theory.claims import Result
from theory.claims.width_profile import WidthProfile
from theory.pictures.widths import draw_width_profile
from theory.text import show


def sheets(result: Result[None, None]) -> list[Sheet]:
    """A staircase for each instance."""
    claim, values = result.claim, result.prediction.values
    assert isinstance(claim, WidthProfile)
    pictures: list[Picture] = []
    for instance in claim.instances:
        plain, labelled = claim.counts(values, instance)
        bound = claim.bound(instance)
        title = f"{instance.name}: {instance.optimizer}, rho = {show(instance.rho)}"
        told = "no width is known" if bound is None else f"the theorem names width {bound}"
        draw = partial(
            draw_width_profile,
            counts={"labelled": labelled, "modulo permutation": plain},
            bound=bound,
            title=title,
        )
        caption = (
            f"{title}. Components of the exact fits in the ball at each width. Solid, circles: "
            "neurons distinguished; dashed, squares: modulo permutation of the neurons. From which "
            f"width on they stay connected: {told}."
        )
        pictures.append((draw, caption))
    return [Sheet("", pictures, columns=3)]
