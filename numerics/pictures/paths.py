"""One figure of a path inside a solution set."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from theory.connectivity import SolutionPath
from theory.pictures.paths import draw_loss, draw_neurons, draw_norm, shown_points


def draw_solution_path(path: SolutionPath) -> Figure:
    """Loss and norm along the path above, its neurons at some of the breakpoints below."""
    shown = shown_points(path)
    columns = math.ceil(len(shown) / 2) if len(shown) > 4 else len(shown)
    rows = math.ceil(len(shown) / columns)
    figure = Figure(figsize=(12, 3.6 + 3.1 * rows), layout="constrained")
    halves = figure.subfigures(2, 1, squeeze=False, height_ratios=[3.6, 3.1 * rows])
    above, below = halves[:, 0]
    loss, norm = above.subplots(1, 2)
    draw_loss(loss, path)
    draw_norm(norm, path)
    panels = below.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flatten()
    for axes, before, k in zip(panels, [0, *shown], shown, strict=False):
        draw_neurons(axes, path, k, before)
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    return figure
