"""Norms along all paths, and how the neurons move on one of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from numerics.report.sheets import Picture, Sheet
from theory.claims import Result
from theory.connectivity import SolutionPath
from theory.pictures import paths

_WIDE_NETWORK = 100  # neurons, from which on networks have a picture of their own


def sheets(result: Result[None, Mapping[str, SolutionPath]]) -> list[Sheet]:
    """Norms along all paths, and how the neurons move on one of them."""
    joined = result.observation.evidence
    wide = {name: path for name, path in joined.items() if len(path.points[0]) >= _WIDE_NETWORK}
    small = {name: path for name, path in joined.items() if name not in wide}
    norms: list[Picture] = [
        (
            partial(paths.draw_norms, paths=some, title=title),
            "The product of the norms along each path, relative to the radius of the ball; for "
            "sgd the loss with the penalty, relative to the level. No path may pass 1.",
        )
        for some, title in ((small, "At the theorem's width"), (wide, "Far above it"))
        if some
    ]
    sheets = [Sheet("", norms, columns=2)]
    shown = next((name for name in joined if name.startswith("muon,")), None)
    if shown is not None:
        steps = paths.shown_points(joined[shown])
        moves: list[Picture] = [
            (
                partial(paths.draw_neurons, path=joined[shown], k=k, before=before),
                f"{shown}, breakpoint {k} of {len(joined[shown].points) - 1}: $u = |a| w$ of each "
                "neuron, with a line from where it was in the picture before. Discs: a > 0; "
                "squares: a < 0.",
            )
            for before, k in zip([0, *steps], steps, strict=False)
        ]
        sheets.append(Sheet(".neurons", moves, columns=4))
    return sheets
