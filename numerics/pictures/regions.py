"""One figure of how the regions of two optimizers meet, at several widths."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from theory.pictures.regions import both_regions, limits_of, phase_diagram
from theory.regions import Frontier, Meeting


def draw_regions(found: Sequence[tuple[Frontier, Meeting | None]]) -> Figure:
    """Phase diagrams of several widths side by side, with the two regions below where asked for."""
    rows = 1 + any(meeting is not None for _, meeting in found)
    figure = Figure(figsize=(1 + 5.2 * len(found), 5.2 * rows), layout="constrained")
    panels = figure.subplots(rows, len(found), squeeze=False)
    limits = limits_of([frontier for frontier, _ in found])
    for (frontier, meeting), column in zip(found, panels.T, strict=True):
        runs = {} if meeting is None else {"drawn below": meeting.rho}
        phase_diagram(column[0], frontier, runs, limits=limits)
        if meeting is not None:
            both_regions(column[1], frontier, meeting)
        elif rows > 1:
            column[1].set_axis_off()
    figure.supxlabel(
        "dots: proved points of the frontier; white steps between them: not decided", fontsize=11
    )
    return figure
