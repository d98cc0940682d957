"""Pictures of what commands find, one figure for each command that has no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numerics.pictures.ends import draw_ends
from theory.landscape import Analysis, Barrier
from theory.network import Network
from theory.pictures import landscapes
from theory.pictures.data import draw_fit
from theory.pictures.style import COLOURS, HIGH, WIDE
from theory.problem import Problem

if TYPE_CHECKING:
    from numerics.training.runs import Runs


def landscape(analysis: Analysis, crossing: Barrier | None = None) -> Figure:
    """The fits, the loss along a path, and the tree of components.

    The path is that of `crossing`, else the one over the highest pass, where there is one.
    """
    highest = max(analysis.merges, key=lambda merge: merge.value, default=None)
    middle = crossing or highest
    figure = Figure(figsize=(16 if middle else 11, 4.6), layout="constrained")
    axes = list(figure.subplots(1, 3 if middle else 2))
    landscapes.draw_fits(axes[0], analysis)
    if crossing is not None:
        ends = [*crossing.networks]
        lines = {"minimax path": crossing.path.breakpoints, "straight line": ends}
        landscapes.draw_polygons(axes[1], crossing.problem, lines, [crossing.value])
        axes[1].set_title("From the first network to the second")
    elif highest is not None:
        landscapes.draw_path(axes[1], analysis, highest)
    landscapes.draw_tree(axes[-1], analysis)
    return figure


def fits(problem: Problem, networks: Mapping[str, Network]) -> Figure:
    """What each network makes of the data, side by side, by their titles."""
    figure = Figure(figsize=(WIDE * len(networks), HIGH), layout="constrained")
    panels = figure.subplots(1, len(networks), squeeze=False).flat
    for axes, (title, network) in zip(panels, networks.items(), strict=True):
        draw_fit(axes, problem, network, title)
    return figure


def ends(runs: Runs) -> Figure:
    """In which component runs landed, where that is known, and the names of where they rest."""
    name = runs.result.config.optimizer.name
    panels: list[Callable[[Axes], object]] = []
    if runs.landing is not None:
        panels.append(runs.plot)
    if runs.ends is not None:
        counts: dict[str, int] = {}
        for end in runs.ends:
            counts[end.kind] = counts.get(end.kind, 0) + 1
        panels.append(partial(draw_ends, counts={name: counts}, title="Where the runs rest"))
    panels = panels or [partial(_draw_losses, runs=runs)]
    figure = Figure(figsize=(WIDE, HIGH * len(panels)), layout="constrained")
    for axes, draw in zip(figure.subplots(len(panels), squeeze=False).flat, panels, strict=True):
        draw(axes)
    return figure


def _draw_losses(axes: Axes, runs: Runs) -> None:
    losses = np.sort(runs.result.loss)
    axes.plot(np.arange(1, len(losses) + 1), losses, color=COLOURS[0], drawstyle="steps-mid")
    axes.set(xlabel="run, the lowest loss first", ylabel="loss", title="Losses at the end")
