"""How far above the proved optimum the runs ended, a picture for each data set and rho."""

from __future__ import annotations

from functools import partial

from numerics.pictures.runs import draw_ends
from numerics.report.sheets import Picture, Sheet
from numerics.training.runs import Runs
from theory.claims import Result
from theory.claims.convex_equals_nonconvex import REACHED, optimum
from theory.claims.training import Trained
from theory.text import show


def sheets(result: Result[None, Trained[Runs]]) -> list[Sheet]:
    """How far above the proved optimum the runs ended, a picture for each data set and rho."""
    alike: dict[str, dict[str, Runs]] = {}
    for key, runs in result.observation.evidence.runs.items():
        config = runs.result.config
        title = f"{config.problem.name}, rho = {show(config.rho)}"
        alike.setdefault(title, {})[key] = runs
    caption = (
        "The share of runs that end at most so far above the proved lower bound of the optimum, in "
        f"units of the loss of zero weights. Runs left of the dotted line, {show(REACHED)}, have "
        "reached the optimum. What is nearer than the left edge is drawn there."
    )
    pictures: list[Picture] = [
        (
            partial(
                draw_ends,
                trained=list(trained.values()),
                lower=[float(optimum(result.prediction, key).lower) for key in trained],
                reached=float(REACHED),
                title=title,
            ),
            f"{title}. {caption}",
        )
        for title, trained in alike.items()
    ]
    return [Sheet(".training", pictures, columns=3)]
