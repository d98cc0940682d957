"""Margins that training ended at, relative to the largest ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from theory.pictures.style import optimizer_line
from theory.types import Array


def draw_margins(axes: Axes, margins: Mapping[str, Array], title: str) -> None:
    """margins: by optimizer those of all runs, divided by the largest; those of runs with a wrong
    label, below zero, are left out."""
    for name, values in margins.items():
        right = np.sort(values[values > 0])[::-1]
        axes.plot(np.arange(1, len(right) + 1), right, label=name, **optimizer_line(name))
    axes.axhline(1, color="black", linestyle=":", linewidth=1)
    axes.set(
        ylim=(0, 1.05),
        xlabel="runs with all labels right, best first",
        ylabel="margin / largest margin",
        title=title,
    )
    axes.legend()
