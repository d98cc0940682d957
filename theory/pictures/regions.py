"""Pictures of how the regions of two optimizers meet: over their weight decays, and at one pair.

Phases are told apart by hatches and labels as well as by colour. What is drawn as overlap or as
disjoint is proved; the white steps between neighbouring vertices of the frontier are open.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.patches import Polygon

from theory.geometry import LionK, geometry
from theory.pictures.style import optimizer_colour
from theory.regions import Frontier, Meeting, Regions
from theory.text import show

_Corner: TypeAlias = tuple[float, float]

_BEYOND = 1.4  # how far the axes go beyond where a region becomes empty
# Relative to the axes: thinner areas are not labelled, those not large are shown again, enlarged.
_VISIBLE, _LARGE = 1e-3, 0.3
_DISJOINT = "disjoint,\nsame loss"

_PHASES: dict[str, dict[str, Any]] = {
    "overlap": {"facecolor": "#cfeade", "edgecolor": "#cfeade"},
    "disjoint": {"facecolor": "#fbd3bb", "edgecolor": "#b35a1f", "hatch": "///"},
    "one empty": {"facecolor": "#e3eef6", "edgecolor": "#8fb3cc", "hatch": "--"},
    "both empty": {"facecolor": "#e2e2e2", "edgecolor": "#b4b4b4", "hatch": "xx"},
}
_BOX: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 2.0, "alpha": 0.9}
_TIGHT: dict[str, Any] = {**_BOX, "pad": 0.5}
_EDGE: dict[str, Any] = {"color": "black", "linewidth": 1.2}
_VERTEX: dict[str, Any] = {
    "color": "black",
    "marker": "o",
    "markersize": 4,
    "linestyle": "none",
}
_STAR: dict[str, Any] = {
    "color": "black",
    "marker": "*",
    "markersize": 14,
    "markeredgecolor": "white",
    "linestyle": "none",
    "zorder": 4,
}
# Of the first and the second optimizer: together the hatches make a grid.
_HATCHES = ("//", "\\\\")
_MARKERS = ("o", "s")


def phase_diagram(
    axes: Axes,
    frontier: Frontier,
    runs: Mapping[str, tuple[Fraction, Fraction]] | None = None,
    *,
    limits: tuple[float, float] | None = None,
) -> None:
    """The plane of the two weight decays, each 1 / sqrt(rho), and the phases in it.

    runs: pairs of radii by their labels, to be marked. limits: where the axes end.
    """
    first, second = frontier.regions.optimizers
    right, top = limits or limits_of([frontier])
    marked = {
        label: (_decay(float(rho[0])), _decay(float(rho[1]))) for label, rho in (runs or {}).items()
    }
    _draw_phases(axes, frontier, marked.values(), right, top)
    a, b = _capped(map(_decay, _least(frontier)), right, top)
    corner = [_capped(map(_decay, vertex[::2]), right, top) for vertex in _vertices(frontier)]
    x, y = max(corner, key=lambda at: at[0] * at[1])
    low, left = corner[0][1], corner[-1][0]
    if a - left < _VISIBLE * right or b - low < _VISIBLE * top:
        _label(axes, x / 2, y / 2, "overlap")
    elif a - left > _LARGE * right and b - low > _LARGE * top:
        _label(axes, x / 2, y / 2, "overlap")
        near, far = _deepest(frontier, right, top)
        _label(axes, (near[0] + far[0]) / 2, (near[1] + far[1]) / 2, _DISJOINT)
    else:
        _label(axes, x / 2, 0.09 * y, "overlap")
        inset = axes.inset_axes((0.2 * x, 0.32 * y, 0.65 * x, 0.56 * y), transform=axes.transData)
        wide, high = a - left, b - low
        inset.set(
            xlim=(left - wide / 4, a + wide / 4),
            ylim=(low - 0.7 * high, b + high / 4),  # with room for the label
        )
        shown = {label: at for label, at in marked.items() if _inside(inset, at)}
        _draw_phases(inset, frontier, shown.values(), right, top)
        near, far = _deepest(frontier, right, top)
        inset.annotate(
            _DISJOINT,
            ((2 * near[0] + far[0]) / 3, (2 * near[1] + far[1]) / 3),
            (0.04, 0.05),
            textcoords="axes fraction",
            fontsize=10,
            bbox=_BOX,
            arrowprops={"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0},
        )
        inset.tick_params(labelsize=10)
        inset.locator_params(nbins=3)
        axes.indicate_inset_zoom(inset, edgecolor="#555555", linewidth=0.8, alpha=1)
        _name(inset, shown)
        marked = {label: at for label, at in marked.items() if label not in shown}
    if a < right:
        text = f"only {second} fits:\ndifferent losses"
        _label(axes, (a + right) / 2, b / 2, text, rotation=90)
    if b < top:
        _label(axes, a / 2, (b + top) / 2, f"only {first} fits:\ndifferent losses")
    if a < right and b < top:
        _label(axes, (a + right) / 2, (b + top) / 2, "both\nempty")
    _name(axes, marked)
    axes.set(
        xlabel=_axis(first),
        ylabel=_axis(second),
        title=_title(frontier.regions),
        xlim=(0, right),
        ylim=(0, top),
    )


def _draw_phases(
    axes: Axes,
    frontier: Frontier,
    marks: Iterable[_Corner],
    right: float,
    top: float,
) -> None:
    """Areas, frontier and marks, without labels."""

    def place(corners: Iterable[_Corner]) -> list[_Corner]:
        return [_capped(map(_decay, corner), right, top) for corner in corners]

    vertices = _vertices(frontier)
    ((a, b),) = place([_least(frontier)])
    _fill(axes, "both empty", [(a, b), (right, b), (right, top), (a, top)])
    _fill(axes, "one empty", [(a, 0), (right, 0), (right, b), (a, b)])
    _fill(axes, "one empty", [(0, b), (a, b), (a, top), (0, top)])
    _fill(axes, "overlap", place(_attained(vertices)))
    _fill(axes, "disjoint", place(_disjoint(frontier)))
    x, y = np.array(place((first, upper) for first, _, upper in vertices)).T
    axes.plot([x[0], *x, 0], [0, *y, y[-1]], **_EDGE)
    drawn = (x < right) & (y < top)
    axes.plot(x[drawn], y[drawn], **_VERTEX)
    for mark in marks:
        axes.plot(*mark, **_STAR)
    axes.grid(visible=False)


def _deepest(frontier: Frontier, right: float, top: float) -> tuple[_Corner, _Corner]:
    """Two corners of the largest rectangle of disjoint regions below a vertex."""
    a, b = _capped(map(_decay, _least(frontier)), right, top)
    corners = [_capped((_decay(x), _decay(y)), right, top) for x, y, _ in _vertices(frontier)]
    return max(corners, key=lambda at: (a - at[0]) * (b - at[1])), (a, b)


def both_regions(
    axes: Axes,
    frontier: Frontier,
    meeting: Meeting,
    trained: Mapping[str, Float[np.ndarray, "S 2"]] | None = None,
) -> None:
    """The two regions at one pair of radii, in the plane of the radii that a network needs.

    trained: by optimizer, what its networks need in each ball (see `needed`).
    """
    regions = frontier.regions
    rho = tuple(map(float, meeting.rho))
    vertices = _vertices(frontier)
    right = _BEYOND * max(rho[0], vertices[-1][0])
    highest = max((upper for *_, upper in vertices if upper < math.inf), default=rho[1])
    up = max(rho[1], highest)
    top = _BEYOND * up
    for needs in (trained or {}).values():
        right, top = np.maximum((right, top), 1.05 * needs.max(axis=0, initial=0)).tolist()

    def place(corners: Iterable[_Corner]) -> list[_Corner]:
        return [_capped(corner, right, top) for corner in corners]

    strips = (
        [(0, 0), (rho[0], 0), (rho[0], top), (0, top)],
        [(0, 0), (right, 0), (right, rho[1]), (0, rho[1])],
    )
    colours = [optimizer_colour(name) for name in regions.optimizers]
    for strip, colour, hatch in zip(strips, colours, _HATCHES, strict=True):
        pale = f"{colour}30"
        axes.add_patch(Polygon(strip, linewidth=0, facecolor=pale, edgecolor=colour, hatch=hatch))
    # Radii that no network is known to need hide the strips: white where that is open.
    axes.add_patch(Polygon(place(_not_attained(vertices)), color="white"))
    axes.add_patch(Polygon(place(_excluded(frontier)), color="#ececec"))
    x, y = np.array(place((first, upper) for first, _, upper in vertices)).T
    axes.plot([x[0], *x, right], [top, *y, y[-1]], **_EDGE)
    axes.plot(x, y, **_VERTEX)
    axes.axvline(rho[0], color=colours[0], linestyle="--")
    axes.axhline(rho[1], color=colours[1], linestyle="--")
    corners = place([(x[0], math.inf), *zip(x, y, strict=True), (math.inf, y[-1])])
    middle = max(corners, key=lambda at: at[0] * at[1])
    what = "no network of that loss" if regions.level else "no exact fit"
    if middle[0] > _VISIBLE * right and middle[1] > _VISIBLE * top:
        _label(axes, middle[0] / 2, 0.72 * middle[1], what)  # above the legend
    axes.annotate(
        "fits in\nneither ball",
        (right, (up + top) / 2),
        (-4, 0),
        textcoords="offset points",
        ha="right",
        va="center",
    )
    for optimizer, needs in (trained or {}).items():
        k = regions.optimizers.index(optimizer)
        marks: dict[str, Any] = {"color": colours[k], "marker": _MARKERS[k], "markersize": 5}
        axes.plot(*needs.T, **marks, linestyle="none", label=f"trained with {optimizer}")
    if meeting.witness is not None:
        at = [float(ball.needed(meeting.witness)) for ball in regions.balls]
        axes.plot(*at, **_STAR, label="a network of both regions")
    first, second = regions.optimizers
    axes.annotate(
        _ball(first),
        (rho[0], top),
        (4, -4),
        textcoords="offset points",
        rotation=90,
        va="top",
    )
    axes.annotate(_ball(second), (right, rho[1]), (-4, 4), textcoords="offset points", ha="right")
    axes.set(
        xlabel=f"rho that a network needs for {first}",
        ylabel=f"rho that it needs for {second}",
        title=_phase(meeting),
        xlim=(0, right),
        ylim=(0, top),
    )
    axes.grid(visible=False)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="lower left", frameon=True, edgecolor="none")


def draw_meeting(axes: Axes, meeting: Meeting) -> None:
    """The same, with its frontier."""
    both_regions(axes, meeting.regions.frontier(), meeting)


def needed(
    optimizer: str, W: Float[np.ndarray, "*S d m"], a: Float[np.ndarray, "*S m"]
) -> Float[np.ndarray, "*S"]:
    """The least rho with ||W||^2 <= rho and ||a||^2 <= rho in the optimizer's norms; for sgd
    (||W||_F^2 + ||a||^2) / 2."""
    form = geometry(optimizer)
    if not isinstance(form, LionK):
        penalty: Float[np.ndarray, "*S"] = ((W**2).sum(axis=(-2, -1)) + (a**2).sum(axis=-1)) / 2
        return penalty
    return np.maximum(form.hidden.value(W), form.output.value(a)) ** 2


# The frontier, in radii. Corners may be infinite.


def _vertices(frontier: Frontier) -> list[tuple[float, float, float]]:
    """By increasing radius of the first optimizer, with the bounds of the second's least radius."""
    first = [float(vertex.fixed[0]) for vertex in frontier.vertices]
    if not frontier.least[0].upper:
        regions = frontier.regions
        ball = regions.balls[0]
        unbounded = not (regions.exact or ball.shared_hidden or ball.shared_output)
        if unbounded or not frontier.vertices[0].upper:
            first = [0.0] * len(first)  # the radius of the first one does not count at all
    # The least radius falls, so that bounds serve their neighbours.
    lower = np.array([_float(vertex.lower) for vertex in frontier.vertices])
    upper = np.array([_float(vertex.upper) for vertex in frontier.vertices])
    lower = np.maximum.accumulate(lower[::-1])[::-1]
    upper = np.minimum.accumulate(upper)
    return list(zip(first, lower.tolist(), upper.tolist(), strict=True))


def _least(frontier: Frontier) -> _Corner:
    first, second = (_float(least.lower) for least in frontier.least)
    return first, second


def _stairs(corners: Sequence[_Corner], *, inside: bool) -> list[_Corner]:
    """Falling steps through corners; inside: whether they turn below the corners or above."""
    steps = list(corners[:1])
    for (left, high), (right, low) in pairwise(corners):
        steps += [(left, low) if inside else (right, high), (right, low)]
    return steps


def _attained(vertices: Sequence[tuple[float, float, float]]) -> list[_Corner]:
    """Where the regions overlap: above and to the right of a vertex."""
    stairs = _stairs([(first, upper) for first, _, upper in vertices], inside=False)
    return [(stairs[0][0], math.inf), *stairs, (math.inf, stairs[-1][1]), (math.inf, math.inf)]


def _not_attained(vertices: Sequence[tuple[float, float, float]]) -> list[_Corner]:
    return [*_attained(vertices)[:-1], (math.inf, 0), (0, 0), (0, math.inf)]


def _disjoint(frontier: Frontier) -> list[_Corner]:
    """Where they do not, though neither is empty: below and to the left of a vertex."""
    a, b = _least(frontier)
    stairs = _stairs([(first, lower) for first, lower, _ in _vertices(frontier)], inside=True)
    return [(a, b), (a, stairs[0][1]), *stairs, (stairs[-1][0], b)]


def _excluded(frontier: Frontier) -> list[_Corner]:
    """Where there is no network: there, and where one region is empty."""
    a, b = _least(frontier)
    return [
        (0, math.inf),
        (a, math.inf),
        *_disjoint(frontier)[1:],
        (math.inf, b),
        (math.inf, 0),
        (0, 0),
    ]


def limits_of(frontiers: Sequence[Frontier]) -> _Corner:
    """Of axes of weight decays: beyond the largest ones that are drawn."""
    corners = [
        corner
        for each in frontiers
        for corner in (_least(each), _vertices(each)[0][::2], _vertices(each)[-1][::2])
    ]
    sizes = ([_decay(corner[axis]) for corner in corners] for axis in (0, 1))
    right, top = (_BEYOND * max(filter(math.isfinite, values), default=1.0) for values in sizes)
    return right, top


def _decay(rho: float) -> float:
    """1 / sqrt(rho)"""
    return 1 / math.sqrt(rho) if rho else math.inf


def _capped(corner: Iterable[float], right: float, top: float) -> _Corner:
    x, y = corner
    return min(x, right), min(y, top)


def _float(rho: Fraction | None) -> float:
    """None is a radius that nothing reaches."""
    return math.inf if rho is None else float(rho)


# Parts of pictures


def _fill(axes: Axes, phase: str, corners: Iterable[_Corner]) -> None:
    axes.add_patch(Polygon(list(corners), linewidth=0, **_PHASES[phase]))


def _inside(axes: Axes, at: _Corner) -> bool:
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    return left < at[0] < right and low < at[1] < high


def _name(axes: Axes, marked: Mapping[str, _Corner]) -> None:
    """Labels beside marks."""
    for label, at in marked.items():
        axes.annotate(
            label, at, (8, 0), textcoords="offset points", va="center", bbox=_TIGHT, zorder=6
        )


def _label(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    axes.text(x, y, text, ha="center", va="center", bbox=_BOX, **style)


def _axis(optimizer: str) -> str:
    if optimizer == "sgd":
        return "1/√rho for sgd's penalty"
    return f"weight decay of {optimizer}, 1/√rho"


def _ball(optimizer: str) -> str:
    return f"{optimizer}'s {'penalty' if optimizer == 'sgd' else 'ball'}"


def _title(regions: Regions) -> str:
    width = f"width {regions.width}" if regions.exact else "every large width"
    if not (regions.exact or regions.width is None):
        width += f" ({regions.width} has too many cells)"
    named = f"{regions.problem.name}, {width}" if regions.problem.name else width
    return f"{named}, loss ≤ {show(regions.level)}" if regions.level else named


def _phase(meeting: Meeting) -> str:
    phase = "both empty" if len(meeting.empty) > 1 else meeting.phase
    if len(meeting.empty) == 1:
        phase = f"{meeting.empty[0]} empty"
    return f"rho = {show(meeting.rho[0])} and {show(meeting.rho[1])}: {phase}"
