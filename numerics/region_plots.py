"""Pictures of how the regions of two optimizers meet: over their weight decays, and at one pair.

Phases are told apart by hatches and labels as well as by colour. What is drawn as overlap or as
disjoint is proved; the white steps between neighbouring vertices of the frontier are open.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from numerics.plots import COLOURS, save_figure
from numerics.text import show
from theory.geometry import LionK, geometry
from theory.regions import Frontier, Meeting, Regions

_Corner: TypeAlias = tuple[float, float]

_BEYOND = 1.4  # how far the axes go beyond where a region becomes empty
_VISIBLE = 1e-3  # relative to the axes: a thinner area is not labelled

_PHASES: dict[str, dict[str, Any]] = {
    "overlap": {"facecolor": "#cfeade", "edgecolor": "#cfeade"},
    "disjoint": {"facecolor": "#fbd3bb", "edgecolor": "#b35a1f", "hatch": "///"},
    "one empty": {"facecolor": "#e3eef6", "edgecolor": "#8fb3cc", "hatch": ".."},
    "both empty": {"facecolor": "#e2e2e2", "edgecolor": "#b4b4b4", "hatch": "xx"},
}
_BOX: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 2.0, "alpha": 0.9}
_EDGE: dict[str, Any] = {"color": "black", "linewidth": 1.2, "clip_on": False}
_VERTEX: dict[str, Any] = {
    "color": "black",
    "marker": "o",
    "markersize": 4,
    "linestyle": "none",
    "clip_on": False,
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
_STRIPS: tuple[dict[str, Any], ...] = (
    {"facecolor": "#0072B230", "edgecolor": COLOURS[0], "hatch": "//"},
    {"facecolor": "#D55E0030", "edgecolor": COLOURS[1], "hatch": "\\\\"},
)
_TRAINED: tuple[dict[str, Any], ...] = (
    {"color": COLOURS[0], "marker": "o", "markersize": 5, "linestyle": "none"},
    {"color": COLOURS[1], "marker": "s", "markersize": 5, "linestyle": "none"},
)


def save_regions(file: Path, found: Sequence[tuple[Frontier, Meeting | None]]) -> None:
    """Write a row of pictures for each width; the ending of the file says how."""
    save_figure(file, partial(draw_regions, found))


def draw_regions(found: Sequence[tuple[Frontier, Meeting | None]]) -> Figure:
    """Phase diagrams of several widths side by side, with the two regions below where asked for."""
    rows = 1 + any(meeting is not None for _, meeting in found)
    figure = Figure(figsize=(1 + 5.2 * len(found), 5.2 * rows), layout="constrained")
    panels = figure.subplots(rows, len(found), squeeze=False)
    limits = _limits([frontier for frontier, _ in found])
    for (frontier, meeting), column in zip(found, panels.T, strict=True):
        runs = {} if meeting is None else {"asked": meeting.rho}
        phase_diagram(column[0], frontier, runs, limits=limits)
        if meeting is not None:
            both_regions(column[1], frontier, meeting)
    return figure


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
    vertices = _vertices(frontier)
    right, top = limits or _limits([frontier])

    def place(corner: _Corner) -> _Corner:
        return min(_decay(corner[0]), right), min(_decay(corner[1]), top)

    a, b = place(_least(frontier))
    _fill(axes, "both empty", [(a, b), (right, b), (right, top), (a, top)])
    _fill(axes, "one empty", [(a, 0), (right, 0), (right, b), (a, b)])
    _fill(axes, "one empty", [(0, b), (a, b), (a, top), (0, top)])
    _fill(axes, "overlap", map(place, _attained(vertices)))
    _fill(axes, "disjoint", map(place, _disjoint(frontier)))

    x, y = np.array([place((rho, upper)) for rho, _, upper in vertices]).T
    axes.plot([x[0], *x, 0], [0, *y, y[-1]], **_EDGE)
    axes.plot(x, y, **_VERTEX)
    widest = int(np.argmax(x * y))
    middle = (x[widest] / 2, y[widest] / 2)
    _label(axes, middle[0], middle[1] / 2, "overlap")
    corners = np.array([place((rho, lower)) for rho, lower, _ in vertices])
    sides = np.maximum((a, b) - corners, 0)
    if (sides > _VISIBLE * np.array([right, top])).all(axis=1).any():
        deepest = int(np.argmax(sides.prod(axis=1)))
        axes.annotate(
            "disjoint,\nsame loss",
            corners[deepest] + sides[deepest] / 2,
            middle,
            ha="center",
            va="bottom",
            bbox=_BOX,
            arrowprops={"arrowstyle": "-|>", "color": "black", "shrinkB": 0},
        )
    if a < right:
        text = f"only {second} fits:\ndifferent losses"
        _label(axes, (a + right) / 2, b / 2, text, rotation=90)
    if b < top:
        _label(axes, a / 2, (b + top) / 2, f"only {first} fits:\ndifferent losses")
    if a < right and b < top:
        _label(axes, (a + right) / 2, (b + top) / 2, "both\nempty")
    for label, (rho_a, rho_b) in (runs or {}).items():
        at = (_decay(float(rho_a)), _decay(float(rho_b)))
        axes.plot(*at, **_STAR)
        axes.annotate(label, at, (8, 8), textcoords="offset points", bbox=_BOX, zorder=4)
    axes.set(
        xlabel=_axis(first),
        ylabel=_axis(second),
        title=_title(frontier.regions),
        xlim=(0, right),
        ylim=(0, top),
    )
    axes.grid(visible=False)


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
    top = _BEYOND * max(rho[1], vertices[0][2])
    for needs in (trained or {}).values():
        right, top = np.maximum((right, top), 1.05 * needs.max(axis=0, initial=0)).tolist()

    def place(corner: _Corner) -> _Corner:
        return min(corner[0], right), min(corner[1], top)

    strips = (
        [(0, 0), (rho[0], 0), (rho[0], top), (0, top)],
        [(0, 0), (right, 0), (right, rho[1]), (0, rho[1])],
    )
    for strip, style in zip(strips, _STRIPS, strict=True):
        axes.add_patch(Polygon(strip, **style))
    # Radii that no network is known to need hide the strips: white where that is open.
    axes.add_patch(Polygon([*map(place, _not_attained(vertices))], color="white"))
    axes.add_patch(Polygon([*map(place, _excluded(frontier))], color="#ececec"))
    x, y = np.array([place((first, upper)) for first, _, upper in vertices]).T
    axes.plot([x[0], *x, right], [top, *y, y[-1]], **_EDGE)
    axes.plot(x, y, **_VERTEX)
    widest = int(np.argmax(x * y))
    what = "no exact fit" if not regions.level else "no network of that loss"
    _label(axes, x[widest] / 2, y[widest] / 2, what)
    for optimizer, needs in (trained or {}).items():
        style = _TRAINED[regions.optimizers.index(optimizer)]
        axes.plot(*needs.T, **style, label=f"trained with {optimizer}")
    if meeting.witness is not None:
        at = [float(ball.needed(meeting.witness)) for ball in regions.balls]
        axes.plot(*at, **_STAR, label="a network of both regions")
    first, second = regions.optimizers
    axes.text(rho[0], 0.98 * top, f"{first}'s ball ", rotation=90, ha="right", va="top", bbox=_BOX)
    axes.text(0.98 * right, rho[1], f"{second}'s ball", ha="right", va="top", bbox=_BOX)
    axes.set(
        xlabel=f"rho that a network needs for {first}",
        ylabel=f"rho for {second}",
        title=_phase(meeting),
        xlim=(0, right),
        ylim=(0, top),
    )
    axes.grid(visible=False)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="lower left")


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
    regions = frontier.regions
    ball = regions.balls[0]
    # Where width makes room for everything, all radii of the first one are as good as any.
    free = not (regions.exact or ball.shared_hidden or ball.shared_output)
    first = [0.0 if free else float(vertex.fixed[0]) for vertex in frontier.vertices]
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


def _limits(frontiers: Sequence[Frontier]) -> _Corner:
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


def _float(rho: Fraction | None) -> float:
    """None is a radius that nothing reaches."""
    return math.inf if rho is None else float(rho)


# Parts of pictures


def _fill(axes: Axes, phase: str, corners: Iterable[_Corner]) -> None:
    axes.add_patch(Polygon(list(corners), linewidth=0, **_PHASES[phase]))


def _label(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    axes.text(x, y, text, ha="center", va="center", bbox=_BOX, **style)


def _axis(optimizer: str) -> str:
    if optimizer == "sgd":
        return "1/√rho for sgd's penalty"
    return f"weight decay of {optimizer}, 1/√rho"


def _title(regions: Regions) -> str:
    width = "every large width" if regions.width is None else f"width {regions.width}"
    by = "" if regions.exact or regions.width is None else ", by large width"
    level = f", loss ≤ {show(regions.level)}" if regions.level else ""
    return f"{width}{by}{level}"


def _phase(meeting: Meeting) -> str:
    phase = f"{' and '.join(meeting.empty)} empty" if meeting.empty else meeting.phase
    return f"rho = {show(meeting.rho[0])} and {show(meeting.rho[1])}: {phase}"
