"""Pictures of merge trees: which valleys join at which loss, with the runs that ended there, the
same as a persistence diagram, how many there are over radius and width, and how many activation
regions have which minima."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from theory.landscape.valleys import Valley, Valleys
from theory.pictures.style import COLOURS, optimizer_colour
from theory.text import show

_LEAVES = 30  # the deepest of more valleys are drawn
_NUMBERED = 12  # with more of them ids are left out


def draw_disconnectivity_graph(
    axes: Axes, tree: Valleys, runs: Mapping[str, Mapping[int, int]] | None = None
) -> None:
    """A line for each valley from its bottom up to where it joins a deeper one.

    runs: how many runs of each optimizer ended in each valley, written below its bottom.
    Source: O. M. Becker, M. Karplus, J. Chem. Phys. 106 (1997).
    """
    drawn = tree.valleys[:_LEAVES]
    places = {valley: x for x, valley in enumerate(_order(drawn))}
    deaths = [float(valley.death) for valley in drawn if valley.death is not None]
    top = max(deaths, default=float(tree.minimum) + 1.0)
    low = float(tree.minimum)
    height = (top - low) or 1.0
    for valley in drawn:
        x, birth = places[valley.id], float(valley.birth)
        end = top + 0.06 * height if valley.death is None else float(valley.death)
        colour = COLOURS[0] if valley.birth == tree.minimum else "black"
        axes.plot([x, x], [birth, end], color=colour, linewidth=1.6)
        axes.plot([x], [birth], color=colour, marker="o", markersize=5)
        if valley.into is not None:
            axes.plot([x, places[valley.into]], [end, end], color="black", linewidth=1.0)
        for line, (optimizer, counts) in enumerate((runs or {}).items()):
            if count := counts.get(valley.id):
                axes.annotate(
                    str(count),
                    (x, birth),
                    xytext=(0, -14 - 13 * line),
                    textcoords="offset points",
                    ha="center",
                    color=optimizer_colour(optimizer),
                    fontsize=11,
                )
    lines = len(runs or {})
    axes.set_ylim(low - (0.08 + 0.07 * lines) * height, top + 0.1 * height)
    axes.set_xlim(-0.6, len(drawn) - 0.4)
    if len(drawn) <= _NUMBERED:
        axes.set_xticks(list(places.values()), [str(valley) for valley in places])
    else:
        axes.set_xticks([])
    axes.grid(visible=False, axis="x")
    left_out = len(tree.valleys) - len(drawn)
    more = f" (the {len(drawn)} deepest of {len(tree.valleys)})" if left_out else ""
    axes.set(xlabel=f"valley{more}", ylabel="loss", title=_title(tree))
    if runs:
        handles = [
            axes.plot([], [], linestyle="none", marker="$n$", color=optimizer_colour(name))[0]
            for name in runs
        ]
        axes.legend(
            handles,
            [f"runs of {name} that ended there" for name in runs],
            loc="upper center",
            bbox_to_anchor=(0.5, -0.16),
        )


def _order(valleys: Sequence[Valley]) -> list[int]:
    """Ids from left to right, such that no line is crossed: a valley, then those that join it, the
    first to do so next to it, each with its own."""
    joining: dict[int | None, list[Valley]] = {}
    for valley in valleys:
        joining.setdefault(valley.into, []).append(valley)
    found: list[int] = []

    def place(valley: Valley) -> None:
        found.append(valley.id)
        for other in sorted(joining.get(valley.id, []), key=lambda each: each.death or 0):
            place(other)

    for valley in joining[None]:
        place(valley)
    return found


def draw_persistence(axes: Axes, tree: Valleys) -> None:
    """Birth and death of each valley but the global one; above the diagonal by its depth."""
    bars = np.array(
        [(float(v.birth), float(v.death)) for v in tree.valleys if v.death is not None]
    ).reshape(-1, 2)
    low = float(tree.minimum)
    high = max(bars.max(initial=low), low + 1.0 if not len(bars) else low)
    ends = [low - 0.05 * (high - low), high + 0.05 * (high - low)]
    axes.plot(ends, ends, color="#888888", linewidth=1)
    axes.plot(bars[:, 0], bars[:, 1], linestyle="none", marker="o", color=COLOURS[1])
    axes.plot(
        [low], [ends[1]], linestyle="none", marker="^", color=COLOURS[0], label="global, never dies"
    )
    axes.set(xlabel="loss at the bottom", ylabel="loss at the way out", title=_title(tree))
    axes.legend(loc="lower right")


def draw_counts(
    axes: Axes, counts: Sequence[Sequence[int]], radii: Sequence[Fraction], *, most: int, title: str
) -> None:
    """How many valleys there are at widths 1, 2, ... (upwards) and some radii, as a table.

    most: the number that has the darkest colour, so that several pictures can be compared.
    """
    norm = LogNorm(1, max(most, 2))
    axes.imshow(np.array(counts), norm=norm, cmap="Blues", aspect="auto", origin="lower")
    for row, at_width in enumerate(counts):
        for column, count in enumerate(at_width):
            colour = "white" if norm(count) > 0.6 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=14)
    axes.set_xticks(range(len(radii)), [show(rho) for rho in radii])
    axes.set_yticks(range(len(counts)), [str(width) for width in range(1, len(counts) + 1)])
    axes.grid(visible=False)
    axes.set(xlabel="rho", ylabel="width", title=title)


def draw_shares(
    axes: Axes,
    lines: Mapping[str, tuple[Sequence[Fraction], Sequence[Fraction]]],
    *,
    title: str,
) -> None:
    """The shares of regions with a global and with a bad local minimum at widths 1, 2, ...

    lines: both by the name of where the networks are.
    """
    for colour, (where, shares) in zip(COLOURS, lines.items(), strict=False):
        for kind, share, line, marker in zip(
            ("global", "bad"), shares, ("-", "--"), ("o", "x"), strict=True
        ):
            widths = range(1, len(share) + 1)
            axes.plot(
                widths,
                [float(each) for each in share],
                color=colour,
                linestyle=line,
                marker=marker,
                label=f"{kind}, {where}",
            )
    axes.set_xticks(widths)
    axes.set(xlabel="width", ylabel="share of all regions", ylim=(-0.03, 1.03), title=title)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2, fontsize=9)


def _title(tree: Valleys) -> str:
    where = "anywhere" if tree.within is None else tree.within.summary
    count = len(tree.valleys)
    return f"{count} {'valley' if count == 1 else 'valleys'}, width {tree.width}, {where}"
