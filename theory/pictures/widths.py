"""Pictures of components over the width: of a solution set, and of the optimal networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from theory.connectivity import OptimalPolytope, Profile
from theory.pictures.style import DOTTED, LINES, curve, mark

_NEAR = 3  # widths beyond the last one counted at which a bound is still drawn


def draw_profile(axes: Axes, profile: Profile) -> None:
    """Both staircases of a profile, and the theorem's width."""
    counts = {
        "labelled": [row.components_labelled for row in profile.rows],
        "modulo permutation": [row.components for row in profile.rows],
    }
    bounds = [each for each in (profile.bound, profile.bound_from_counts) if each is not None]
    draw_width_profile(axes, counts, min(bounds, default=None), profile.within.summary)


def draw_width_profile(
    axes: Axes, counts: Mapping[str, Sequence[int]], bound: int | None, title: str
) -> None:
    """A staircase: components at widths 1, 2, ... of each kind of landscape.

    counts: 0 where the ball holds no exact fit. bound: the theorem's width, drawn if it is near.
    """
    top = max(max(values) for values in counts.values())
    handles = []
    for style, (name, values) in enumerate(counts.items()):
        widths = np.arange(1, len(values) + 1)
        heights = np.where(np.array(values) > 0, values, np.nan)
        edges = np.append(widths - 0.5, widths[-1] + 0.5)
        # The staircases coincide in places: the narrow one on top leaves the other visible.
        line = curve(style) | {"linewidth": 3.5 - 2 * style}
        axes.stairs(heights, edges, baseline=None, **line)
        axes.plot(widths, heights, **mark(style), zorder=3)
        handles.append(Line2D([], [], **(mark(style) | line), label=name))
    for width in np.flatnonzero(np.array(next(iter(counts.values()))) == 0) + 1:
        axes.annotate("empty", (width, 1), ha="center", va="center", color="#555555")
    last = len(next(iter(counts.values())))
    if bound is not None and bound <= last + _NEAR:
        label = "connected from here on, by theorem"
        handles.append(axes.axvline(bound - 0.5, **DOTTED, label=label))
        last = max(last, bound)
    axes.set_yscale("log", base=2)
    ticks = [1 << k for k in range(top.bit_length() + 1)]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set(
        xlabel="width m",
        ylabel="components",
        title=title,
        xticks=range(1, last + 1),
        xlim=(0.4, last + 0.6),
        ylim=(0.7, 1.5 * ticks[-1]),
    )
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, -0.2), handlelength=3.2)


def draw_staircase(axes: Axes, optima: OptimalPolytope, title: str) -> None:
    """The components of the optimal networks at each width, and the widths of the theorem."""
    last = max(optima.fewest + optima.most, optima.problem.n + 1)
    steps = [optima.step(width) for width in range(1, last + 1)]
    widths = [step.width for step in steps]
    edges = [width + side for width in widths for side in (-0.5, 0.5)]
    curves = (
        ("labelled", [step.components_labelled for step in steps], 11),
        ("modulo permutation", [step.components for step in steps], 7),
        ("of these, isolated", [step.isolated for step in steps], 4),
    )
    for style, (label, counts, size) in enumerate(curves):
        axes.plot(edges, np.repeat(counts, 2), **curve(style))
        axes.plot(widths, counts, **{**mark(style), "markersize": size}, clip_on=False, zorder=3)
        handle = {**curve(style), **mark(style), "linestyle": LINES[style]}
        axes.plot([], [], **handle, label=label)
    named: dict[int, list[str]] = {}
    for name, width in (
        ("m*", optima.fewest),
        ("M*", optima.most),
        ("m* + M*", optima.fewest + optima.most),
        ("n + 1", optima.problem.n + 1),
    ):
        named.setdefault(width, []).append(name)
    highest = max(step.components_labelled for step in steps)
    axes.set_yscale("symlog", linthresh=1)
    top = 10 * highest  # the legend is above the stairs
    axes.set(
        xlabel="width m",
        ylabel="components",
        title=title,
        xlim=(0.5, last + 0.5),
        ylim=(0, top),
        xticks=widths,
        yticks=sorted({0, *(count for _, counts, _ in curves for count in counts)}),
    )
    axes.yaxis.set_major_formatter("{x:.0f}")
    axes.yaxis.set_minor_locator(NullLocator())
    for width, names in named.items():
        axes.axvline(width, ymax=0.78, **DOTTED, zorder=1)
        text = ", ".join(names)
        axes.annotate(text, (width, 0), (4, 4), textcoords="offset points", rotation=90)
    axes.legend(loc="upper center", ncols=2, borderaxespad=0)
