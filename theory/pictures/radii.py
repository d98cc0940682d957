"""Pictures of radii and margins of components, optimizer by optimizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from theory.margins import Margin, Margins
from theory.pictures.style import COLOURS, CURVES, HATCHES
from theory.radii import Radii, Radius


def draw_radii(axes: Axes, radii: Radii) -> None:
    """The least radius of each optimizer's ball that reaches each component."""
    _draw_bars(axes, radii.optimizers, radii.components, "least rho = R_W R_a")
    axes.set_title(radii.analysis.problem.name or radii.analysis.problem.summary)


def draw_margins(axes: Axes, margins: Margins) -> None:
    """The largest margin in each component in each optimizer's ball of radius 1."""
    _draw_bars(axes, margins.optimizers, margins.components, "largest margin in the unit ball")
    axes.set_title(margins.separation.problem.name or margins.separation.problem.summary)


def _draw_bars(
    axes: Axes,
    optimizers: Sequence[str],
    components: Sequence[Mapping[str, Radius] | Mapping[str, Margin]],
    label: str,
) -> None:
    """A group of bars for each optimizer, up to the upper bound; a line at the lower one."""
    wide = 0.8 / max(1, len(components))
    for k, known in enumerate(components):
        places = [
            place + (k - (len(components) - 1) / 2) * wide
            for place, name in enumerate(optimizers)
            if name in known
        ]
        found = [known[name] for name in optimizers if name in known]
        axes.bar(
            places,
            [float(each.upper) for each in found],
            0.9 * wide,
            color=COLOURS[k % CURVES],
            alpha=0.6,
            edgecolor="black",
            hatch=HATCHES[k % CURVES],
            label=f"component {k}",
        )
        lower = [float(each.lower) for each in found]
        left = [place - 0.45 * wide for place in places]
        axes.hlines(lower, left, [place + 0.9 * wide for place in left], color="black", linewidth=2)
    axes.set(ylabel=label, xticks=range(len(optimizers)), xticklabels=optimizers)
    axes.tick_params(axis="x", rotation=45 if len(optimizers) > 4 else 0)
    axes.grid(visible=False, axis="x")
    if components:
        axes.legend()
