"""Where runs ended, as shares of them: a bar for each optimizer, by the name of the place."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes

from theory.pictures.style import COLOURS

_COLOURS = {
    **dict(zip(("global", "valley", "plateau", "kink"), COLOURS, strict=True)),
    **{"minimum": "#56B4E9", "undecided": "#E69F00", "moving": "#000000", "diverged": "#666666"},
}


def draw_ends(axes: Axes, counts: Mapping[str, Mapping[str, int]], title: str) -> None:
    """counts: by optimizer how many runs have each name, in the order of `_COLOURS`."""
    names = [name for name in _COLOURS if any(each.get(name) for each in counts.values())]
    left = dict.fromkeys(counts, 0.0)
    for name in names:
        widths = {
            key: each.get(name, 0) / (sum(each.values()) or 1) for key, each in counts.items()
        }
        axes.barh(
            list(counts),
            list(widths.values()),
            left=list(left.values()),
            color=_COLOURS[name],
            label=name,
        )
        left = {key: left[key] + widths[key] for key in counts}
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set(xlim=(0, 1), xlabel="share of the runs", title=title)
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.16), ncols=3)
