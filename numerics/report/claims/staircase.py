"""The components at every width, a picture for each data set."""

from __future__ import annotations

from functools import partial

from numerics.report.sheets import Picture, Sheet
from theory.claims import Result, Staircase
from theory.connectivity import optimal_polytope
from theory.loading import example
from theory.pictures.widths import draw_staircase
from theory.text import show


def sheets(result: Result[None, None]) -> list[Sheet]:
    """The components at every width, a picture for each data set."""
    assert isinstance(result.claim, Staircase)
    pictures: list[Picture] = []
    for name, beta in result.claim.instances:
        optima = optimal_polytope(example(name), beta)
        title = f"{name}, beta = {show(beta)}"
        caption = (
            f"{title}: the components of the optimal networks of each width, from the vertices of "
            "the optimal polytope. Labelled: networks that differ by a permutation of the neurons "
            "are different; the other counts are modulo permutation. Dotted: the widths that the "
            f"theorem names. It proves them connected from width {optima.bound} on; they are from "
            f"{optima.connected_from} on."
        )
        pictures.append((partial(draw_staircase, optima=optima, title=title), caption))
    return [Sheet("", pictures, columns=3)]
