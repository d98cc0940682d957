"""Straight lines at every alignment above the barrier modulo permutation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from numerics.report.sheets import Picture, Sheet
from theory.claims import PermutationIsNotEnough, Result
from theory.landscape import Barrier
from theory.pictures.landscapes import draw_alignments
from theory.text import show


def sheets(result: Result[Sequence[Barrier], None]) -> list[Sheet]:
    """Straight lines at every alignment above the barrier modulo permutation."""
    assert isinstance(result.claim, PermutationIsNotEnough)
    pictures: list[Picture] = []
    for (name, case), barrier in zip(
        result.claim.cases.items(), result.prediction.evidence, strict=True
    ):
        title = f"{name}, width {case.width}"
        told = (
            "Here one alignment has no barrier, as the networks are permutations of each other."
            if case.enough
            else f"No path at any alignment stays below {show(barrier.value)}, the level named on "
            "the right edge; lines that leave the picture rise higher."
        )
        caption = (
            f"{title}: the loss between two exact fits. Solid: an exact minimax path modulo "
            "permutation. Dashed: the straight line to the second network with its neurons in "
            f"each order. {told}"
        )
        pictures.append((partial(draw_alignments, barrier=barrier, title=title), caption))
    return [Sheet("", pictures, columns=3)]
