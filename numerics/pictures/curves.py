"""Pictures of trained curves between networks, over the exact barriers between these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from theory.pictures.style import DOTTED, curve, floats, mark

_AT_BARRIER = 1e-5  # relative; below it the picture shows nothing


def draw_maxima(
    axes: Axes, barriers: Sequence[float], maxima: Mapping[str, Sequence[float]]
) -> None:
    """The highest loss on curves over the exact barriers between their ends, both positive."""
    ends = [min(barriers), max(barriers)]
    for style, (kind, values) in enumerate(maxima.items()):
        axes.plot(barriers, values, **{**mark(style), "markersize": 5}, label=kind)
    axes.plot(ends, ends, **DOTTED, label="exact barrier", zorder=3)
    axes.set(
        xlabel="exact minimax barrier",
        ylabel="highest loss on the curve",
        title="No curve is below the barrier",
        xscale="log",
        yscale="log",
    )
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def draw_excess(
    axes: Axes, barriers: Sequence[float], maxima: Mapping[str, Sequence[float]]
) -> None:
    """The share of curves whose highest loss is at most so far above the barrier, relatively."""
    for style, (kind, values) in enumerate(maxima.items()):
        above = np.sort(np.maximum(floats(values) / floats(barriers) - 1, _AT_BARRIER))
        shares = np.arange(1, len(above) + 1) / len(above)
        axes.step([_AT_BARRIER, *above], [0, *shares], where="post", **curve(style), label=kind)
    axes.set(
        xlabel="highest loss / barrier - 1",
        ylabel="share of curves",
        title="How far above the barrier",
        xscale="log",
        ylim=(0, 1.02),
    )
    axes.set_xlim(left=_AT_BARRIER)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), handlelength=2.6)
