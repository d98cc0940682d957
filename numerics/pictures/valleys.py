"""Both pictures of a merge tree in one figure."""

from __future__ import annotations

from matplotlib.figure import Figure

from theory.landscape.valleys import Valleys
from theory.pictures.style import HIGH, WIDE
from theory.pictures.valleys import draw_disconnectivity_graph, draw_persistence


def both(tree: Valleys) -> Figure:
    """The tree as lines and as points, side by side."""
    figure = Figure(figsize=(2 * WIDE, HIGH), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_disconnectivity_graph(left, tree)
    draw_persistence(right, tree)
    return figure
