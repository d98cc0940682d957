"""Pictures of an exact landscape: the fits, the loss along paths, the tree of components, and where
trained networks end in it.

Every curve is told apart by its line style and marker as well as its colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import pairwise, permutations
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from numerics.pictures.style import COLOURS, optimizer_line
from numerics.text import show
from theory.connectivity import OptimalPolytope
from theory.gauges import gauge_of, has_gauge
from theory.geometry import Geometry
from theory.landscape import Analysis, Barrier, Component, Merge
from theory.network import Network
from theory.problem import Problem
from theory.radii import Radii

if TYPE_CHECKING:
    from numerics.training.runs import Runs

_LINES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "^", "D")
_HATCHES = ("", "///", "...", "xxx")
_CURVES = len(_LINES)  # more components than this are not drawn in one picture of fits

# Below these, in the units of the axes, logarithmic pictures show nothing.
_INSIDE = 1e-4
_STATIONARY = 1e-8
_AT_LEAST = 1e-16  # losses
_AT_OPTIMUM = 1e-7
_AT_BARRIER = 1e-5

_SAMPLES = 200  # on each straight piece
_LEAVES = 24  # more components than this are not numbered
_LABELS = 12  # the highest exact values that are written out
_NEAR = 3  # widths beyond the last one counted at which a bound is still drawn
_APART = 0.06  # of the height of a picture, between labels

_DATA: dict[str, Any] = {
    "color": "black",
    "marker": "X",
    "markersize": 9,
    "linestyle": "none",
    "label": "data",
    "zorder": 3,
}
_LOST: dict[str, Any] = {
    "color": "#b4b4b4",
    "marker": "o",
    "markersize": 3,
    "linestyle": "none",
    "zorder": 2,
}
_DOTTED: dict[str, Any] = {"color": "black", "linewidth": 1.4, "linestyle": ":"}
_BRANCH: dict[str, Any] = {"color": "black", "linewidth": 1.6, "solid_joinstyle": "miter"}


def _curve(style: int) -> dict[str, Any]:
    return {"color": COLOURS[style], "linestyle": _LINES[style], "linewidth": 2}


def _mark(style: int) -> dict[str, Any]:
    return {
        "color": COLOURS[style],
        "marker": _MARKERS[style],
        "markersize": 7,
        "markerfacecolor": "white",
        "markeredgewidth": 1.6,
        "linestyle": "none",
    }


def draw_fits(axes: Axes, analysis: Analysis) -> None:
    """The data and the least-loss network of each of the first components."""
    problem, components = analysis.problem, analysis.components[:_CURVES]
    if is_line(problem):
        _draw_on_line(axes, problem, components)
    elif problem.d == 2 and not problem.output_bias:
        _draw_on_circle(axes, problem, components)
    else:
        _draw_contributions(axes, problem, components)
    _legend(axes, columns=2)


def is_line(problem: Problem) -> bool:
    """One feature, or one and the constant feature of `Problem.with_bias`."""
    return problem.d == 1 or (problem.d == 2 and all(row[1] == 1 for row in problem.X))


def _draw_on_line(axes: Axes, problem: Problem, components: Sequence[Component]) -> None:
    X, y = _floats(problem.X), _floats(problem.y)
    margin = 0.15 * (np.ptp(X[:, 0]) or 1.0)
    x = np.linspace(X[:, 0].min() - margin, X[:, 0].max() + margin, 4 * _SAMPLES)
    inputs = np.column_stack([x, np.ones_like(x)])[:, : problem.d]
    for component in components:
        network, style = component.representative, component.id
        function = partial(_function, problem, network)
        axes.plot(x, function(inputs), **_curve(style), label=_name(component))
        w = _floats(network.W)
        offsets = w[1] if problem.d == 2 else np.zeros(network.width)
        hinges = -offsets[w[0] != 0] / w[0, w[0] != 0]
        hinges = hinges[(hinges > x[0]) & (hinges < x[-1])]
        at = np.column_stack([hinges, np.ones_like(hinges)])[:, : problem.d]
        axes.plot(hinges, function(at), **_mark(style))
    axes.plot(X[:, 0], y, **_DATA)
    axes.set(xlabel="input x", ylabel="f(x)", title="The data and the fits")


def _draw_on_circle(axes: Axes, problem: Problem, components: Sequence[Component]) -> None:
    """f is positively homogeneous: f(x) = |x| f(x / |x|), so its values on the circle say all."""
    X, y = _floats(problem.X), _floats(problem.y)
    angles = np.linspace(-180, 180, 4 * _SAMPLES + 1)
    for component in components:
        network, style = component.representative, component.id
        function = partial(_function, problem, network)
        axes.plot(angles, function(_circle(angles)), **_curve(style), label=_name(component))
        w = _floats(network.W)
        w = w[:, np.any(w != 0, axis=0)]
        direction = np.degrees(np.arctan2(w[1], w[0]))
        hinges = np.concatenate([direction + 90, direction - 90])
        hinges = (hinges + 180) % 360 - 180
        axes.plot(hinges, function(_circle(hinges)), **_mark(style))
    norms = np.linalg.norm(X, axis=1)
    seen = norms > 0
    axes.plot(np.degrees(np.arctan2(X[seen, 1], X[seen, 0])), y[seen] / norms[seen], **_DATA)
    axes.set(
        xlabel="direction of x (degrees)",
        ylabel="f(x) / |x|",
        title="The data and the fits",
        xlim=(-180, 180),
        xticks=range(-180, 181, 90),
    )


def _draw_contributions(axes: Axes, problem: Problem, components: Sequence[Component]) -> None:
    """For each data point, what each neuron adds to the fit, one bar for each component."""
    X, y = _floats(problem.X), _floats(problem.y)
    wide = 0.8 / len(components)
    for component in components:
        network = component.representative
        shares = problem.activation.at(X @ _floats(network.W)) * _floats(network.a)  # (n, m)
        if problem.has_free_part:  # as one neuron more
            b, c = _linear(network, problem.d)
            shares = np.column_stack([shares, X @ c + b])
        up, down = np.maximum(shares, 0), np.minimum(shares, 0)
        bottom = np.where(shares > 0, np.cumsum(up, axis=1) - up, np.cumsum(down, axis=1) - down)
        place = np.arange(problem.n) + (component.id - (len(components) - 1) / 2) * wide
        for j in range(shares.shape[1]):
            axes.bar(
                place,
                shares[:, j],
                0.9 * wide,
                bottom[:, j],
                color=COLOURS[component.id],
                alpha=0.6,
                edgecolor="black",
                hatch=_HATCHES[component.id],
                label=_name(component) if j == 0 else None,
            )
    points = np.arange(problem.n)
    axes.hlines(y, points - 0.45, points + 0.45, "black", linewidth=2, label="target y")
    axes.set(
        xlabel="data point",
        ylabel="what each neuron adds",
        title="The data and the fits",
        xticks=points,
    )


def draw_path(axes: Axes, analysis: Analysis, merge: Merge) -> None:
    """The loss along a minimax path beside the straight line between the same two networks."""
    problem = analysis.problem
    breakpoints = analysis.path(merge.first, merge.second).breakpoints
    along, losses = _profile(problem, breakpoints)
    axes.plot(along, losses, **_curve(0), label="minimax path")
    axes.plot(along[::_SAMPLES], losses[::_SAMPLES], **_mark(0), clip_on=False, zorder=3)
    along, losses = _profile(problem, [breakpoints[0], breakpoints[-1]])
    label = f"straight line, to ≈ {losses.max():.3g}"
    axes.plot(along, losses, **_curve(1), label=label)
    _label_levels(axes, [merge.value])
    axes.set(
        xlabel="part of the way, by length",
        ylabel="loss",
        title=f"From component {merge.first} to component {merge.second}",
        xlim=(0, 1),
    )
    _legend(axes, columns=1)


_ABOVE_BARRIER = 4


def draw_alignments(axes: Axes, barrier: Barrier, title: str) -> None:
    """The loss along a minimax path modulo permutation, and on the straight line to each order of
    the second network's neurons."""
    problem, (first, second) = barrier.problem, barrier.networks
    along, losses = _profile(problem, barrier.path.breakpoints)
    axes.plot(along, losses, **_curve(0), label="minimax path", zorder=3)
    for k, order in enumerate(permutations(range(barrier.width))):
        along, losses = _profile(problem, [first, second.permuted(order)])
        label = "straight lines, each alignment" if k == 0 else None
        axes.plot(along, losses, **_curve(1), label=label)
    _label_levels(axes, [barrier.value])
    axes.set(xlabel="part of the way, by length", ylabel="loss", title=title, xlim=(0, 1))
    if barrier.value:  # the lines far above it would hide it
        axes.set_ylim(0, _ABOVE_BARRIER * float(barrier.value))
    _legend(axes, columns=1)


def draw_polygons(
    axes: Axes,
    problem: Problem,
    polygons: Mapping[str, Sequence[Network]],
    levels: Sequence[Fraction],
) -> None:
    """The loss along polygons of networks, by name, and the levels of their maxima."""
    for k, (name, breakpoints) in enumerate(polygons.items()):
        along, losses = _profile(problem, breakpoints)
        axes.plot(along, losses, **_curve(k % len(_LINES)), label=name)
    _label_levels(axes, levels)
    axes.set(xlabel="part of the way, by length", ylabel="loss", xlim=(0, 1))
    _legend(axes, columns=1)


def _profile(
    problem: Problem, breakpoints: Sequence[Network]
) -> tuple[Float[np.ndarray, " t"], Float[np.ndarray, " t"]]:
    """Part of the length gone and loss, at _SAMPLES points from each breakpoint to the next."""
    d, width = problem.d, breakpoints[0].width
    corners = [
        np.concatenate([_floats(net.W).ravel(), _floats(net.a), *_linear(net, d)])
        for net in breakpoints
    ]
    t = np.linspace(0, 1, _SAMPLES + 1)[1:, None]
    pieces = [(1 - t) * start + t * end for start, end in pairwise(corners)]
    points = np.concatenate([corners[0][None], *pieces])  # (t, (d + 1) m + 1 + d)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    gone = np.append(0, np.cumsum(steps))
    W, a, b, c = np.split(points, np.cumsum([d * width, width, 1]), axis=1)
    X, y = _floats(problem.X), _floats(problem.y)
    fits = problem.activation.fit(X, W.reshape(-1, d, width), a) + c @ X.T + b
    return gone / (gone[-1] or 1), np.array([problem.loss.at(fit, y) for fit in fits])


@dataclass(frozen=True, eq=False)
class _Stem:
    """A tree of components drawn so far: where the next line up starts."""

    x: float
    level: float


def draw_tree(axes: Axes, analysis: Analysis) -> None:
    """How the components join as the level rises: a leaf for each, a bar where two merge."""
    components, merges = analysis.components, analysis.merges
    leaves = _leaf_order(analysis)
    stems = {leaf: _Stem(x, float(components[leaf].minimum)) for x, leaf in enumerate(leaves)}
    for leaf, stem in stems.items():
        axes.plot(stem.x, stem.level, **_mark(leaf % _CURVES), zorder=3)
    for merge in merges:
        joined, value = (stems[merge.first], stems[merge.second]), float(merge.value)
        left, right = joined
        axes.plot(
            [left.x, left.x, right.x, right.x], [left.level, value, value, right.level], **_BRANCH
        )
        stem = _Stem((left.x + right.x) / 2, value)
        stems.update({leaf: stem for leaf, old in stems.items() if old in joined})
    bottom, top = axes.get_ylim()
    top += 0.15 * (top - bottom)
    for stem in set(stems.values()):
        axes.plot([stem.x, stem.x], [stem.level, top], **_BRANCH)
    axes.set(
        xlabel="component",
        ylabel="loss level",
        title=f"Components as the level rises{' (labelled)' if analysis.labelled else ''}",
        ylim=(bottom, top),
        xlim=(-0.5, len(leaves) - 0.5),
    )
    if len(leaves) <= _LEAVES:
        axes.set_xticks(range(len(leaves)), [str(leaf) for leaf in leaves])
    else:
        axes.set_xticks([])
    axes.grid(visible=False, axis="x")
    _label_levels(axes, [merge.value for merge in merges])


def draw_runs(axes: Axes, radii: Radii, runs: Runs) -> None:
    """The neurons of trained networks and of exact fits in the plane of convex coordinates, d = 2.

    Of each component the network with the smallest ball stands for all.
    """
    problem, config = radii.analysis.problem, runs.result.config
    name, rho = config.optimizer.name, float(config.rho)
    exact = [
        _floats([u for _, u in component[name].witness.convex_coordinates()])  # (m, 2)
        for component in radii.components
    ]
    in_square = is_entrywise(config.optimizer.geometry)
    limit = 1.15 * max(rho if in_square else 0.0, *(np.abs(u).max() for u in exact))
    for row in _floats(problem.X):
        if row.any():
            axes.axline((0, 0), (-row[1], row[0]), color="#9a9a9a", linewidth=0.8, zorder=1)
    if in_square:
        square = np.array([[-rho, -rho], [rho, -rho], [rho, rho], [-rho, rho], [-rho, -rho]])
        axes.plot(*square.T, color="black", linewidth=1.4, linestyle=(0, (5, 3)), zorder=1)
    from numerics.training.loop import NO_COMPONENT

    ended = np.full(runs.count, NO_COMPONENT) if runs.landing is None else runs.landing.component
    neurons = np.abs(runs.result.a)[:, None, :] * runs.result.W  # (S, 2, m)
    for component, u in enumerate(exact):
        style = component % _CURVES
        axes.plot(
            *u.T,
            **{**_mark(style), "markersize": 19, "markerfacecolor": "none"},
            label=f"component {component}:\n{runs.landed.get(component, 0)} of {runs.count} runs",
            zorder=3,
        )
        here = neurons[ended == component]
        axes.plot(
            here[:, 0].ravel(),
            here[:, 1].ravel(),
            **{**_mark(style), "markersize": 4.5, "markerfacecolor": COLOURS[style]},
            zorder=4,
        )
    lost = neurons[ended == NO_COMPONENT]
    rest = "above the least loss" if runs.minimum else "not at zero loss"
    label = f"{rest}:\n{len(lost)} of {runs.count} runs"
    axes.plot(lost[:, 0].ravel(), lost[:, 1].ravel(), **_LOST, label=label)
    axes.set(
        xlabel="u, first coordinate",
        ylabel="u, second coordinate",
        title=f"{name}, rho = {show(config.rho)}",
        xlim=(-limit, limit),
        ylim=(-limit, limit),
        aspect="equal",
    )
    axes.grid(visible=False)
    legend = axes.legend(loc="upper left", bbox_to_anchor=(1, 1), labelspacing=1)
    for handle, size in zip(legend.legend_handles, [*(11 for _ in exact), 5], strict=True):
        assert isinstance(handle, Line2D)
        handle.set_markersize(size)


def draw_violations(axes: Axes, trained: Sequence[Runs]) -> None:
    """How far outside the ball the runs of some optimizers are, and the proved bound."""
    for runs in trained:
        _draw_history(axes, runs, _in_ball(runs.history.violations), _INSIDE)
    # With the default schedules the remainder is the same for all.
    most = max(float(_in_ball(runs.history.violations)[0].max()) for runs in trained)
    bound = most * trained[0].remainder
    shown = bound >= _INSIDE
    steps = trained[0].history.steps[shown] + 1
    axes.plot(steps, bound[shown], **_DOTTED, label="proved bound")
    axes.set(ylim=(_INSIDE, 2 * most), xlim=(1, steps[-1]))
    _label_history(axes, "outside the ball, relative to R", "Violation of the ball, from outside")


def draw_gaps(axes: Axes, trained: Sequence[Runs], start: str) -> None:
    """The Frank-Wolfe gaps of the runs of some optimizers, and the learning rate."""
    for runs in trained:
        zero = float(runs.result.config.problem.zero)
        _draw_history(axes, runs, _in_ball(runs.history.gaps) / zero, _STATIONARY)
    config, steps = trained[0].result.config, trained[0].history.steps
    rates = [config.schedule(step) / config.radius for step in steps]
    axes.plot(steps + 1, rates, **_DOTTED, label="learning rate / R")
    axes.set(xlim=(1, steps[-1] + 1))
    axes.set_ylim(bottom=_STATIONARY)
    _label_history(axes, "gap / loss of zero weights", f"Frank-Wolfe gap, from {start}")


def _in_ball(values: Float[np.ndarray, "T S"] | None) -> Float[np.ndarray, "T S"]:
    """Measures that all optimizers but sgd have."""
    assert values is not None
    return values


def _draw_history(axes: Axes, runs: Runs, values: Float[np.ndarray, "T S"], least: float) -> None:
    """The median and the middle half of the runs, where they are at least `least`."""
    # Logarithmic in the steps: most of the records would be drawn on top of each other.
    last = len(values) - 1
    kept = np.unique(np.geomspace(1, last + 1, _SAMPLES).round().astype(int)) - 1
    steps = runs.history.steps[kept] + 1
    low, middle, high = np.quantile(values[kept], [0.25, 0.5, 0.75], axis=1)
    line = optimizer_line(runs.result.config.optimizer.name)
    axes.fill_between(
        steps,
        np.maximum(low, least),
        high,
        where=high >= least,
        color=line["color"],
        alpha=0.15,
        linewidth=0,
    )
    middle = np.where(middle >= least, middle, np.nan)
    axes.plot(steps, middle, **line, label=runs.result.config.optimizer.name)


def _label_history(axes: Axes, value: str, title: str) -> None:
    axes.set(xlabel="step + 1", ylabel=value, title=title, xscale="log", yscale="log")
    axes.legend(loc="best", handlelength=2.6)


def draw_ends(
    axes: Axes, trained: Sequence[Runs], lower: Sequence[float], reached: float, title: str
) -> None:
    """The share of runs that end at most so far above the lower bound of each optimizer.

    lower: the bounds, in the units of the loss; reached: relative to the loss of zero weights.
    """
    for runs, bound in zip(trained, lower, strict=True):
        zero = float(runs.result.config.problem.zero)
        above = np.sort(np.maximum((runs.inside - bound) / zero, _AT_OPTIMUM))
        shares = np.arange(1, len(above) + 1) / len(above)
        axes.step(
            [_AT_OPTIMUM, *above, max(1, above[-1])],
            [0, *shares, 1],
            where="post",
            **optimizer_line(runs.result.config.optimizer.name),
            label=runs.result.config.optimizer.name,
        )
    axes.axvline(reached, **_DOTTED)
    axes.set(
        xlabel="loss above the optimum / loss of zero weights",
        ylabel="share of runs",
        title=title,
        xscale="log",
        xlim=(_AT_OPTIMUM, 1),
        ylim=(0, 1.02),
    )
    # The curves fill the whole picture.
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), handlelength=2.6)


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
        axes.plot(edges, np.repeat(counts, 2), **_curve(style))
        axes.plot(widths, counts, **{**_mark(style), "markersize": size}, clip_on=False, zorder=3)
        handle = {**_curve(style), **_mark(style), "linestyle": _LINES[style]}
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
        axes.axvline(width, ymax=0.78, **_DOTTED, zorder=1)
        text = ", ".join(names)
        axes.annotate(text, (width, 0), (4, 4), textcoords="offset points", rotation=90)
    axes.legend(loc="upper center", ncols=2, borderaxespad=0)


def draw_maxima(
    axes: Axes, barriers: Sequence[float], maxima: Mapping[str, Sequence[float]]
) -> None:
    """The highest loss on curves over the exact barriers between their ends, both positive."""
    ends = [min(barriers), max(barriers)]
    for style, (kind, values) in enumerate(maxima.items()):
        axes.plot(barriers, values, **{**_mark(style), "markersize": 5}, label=kind)
    axes.plot(ends, ends, **_DOTTED, label="exact barrier", zorder=3)
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
        above = np.sort(np.maximum(_floats(values) / _floats(barriers) - 1, _AT_BARRIER))
        shares = np.arange(1, len(above) + 1) / len(above)
        axes.step([_AT_BARRIER, *above], [0, *shares], where="post", **_curve(style), label=kind)
    axes.set(
        xlabel="highest loss / barrier - 1",
        ylabel="share of curves",
        title="How far above the barrier",
        xscale="log",
        ylim=(0, 1.02),
    )
    axes.set_xlim(left=_AT_BARRIER)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), handlelength=2.6)


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
        line = _curve(style) | {"linewidth": 3.5 - 2 * style}
        axes.stairs(heights, edges, baseline=None, **line)
        axes.plot(widths, heights, **_mark(style), zorder=3)
        handles.append(Line2D([], [], **(_mark(style) | line), label=name))
    for width in np.flatnonzero(np.array(next(iter(counts.values()))) == 0) + 1:
        axes.annotate("empty", (width, 1), ha="center", va="center", color="#555555")
    last = len(next(iter(counts.values())))
    if bound is not None and bound <= last + _NEAR:
        label = "connected from here on, by theorem"
        handles.append(axes.axvline(bound - 0.5, **_DOTTED, label=label))
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


def is_entrywise(geometry: Geometry) -> bool:
    """Whether the ball confines each weight by itself, and so each |u_jk| to rho."""
    return has_gauge(geometry) and gauge_of(geometry.ball).exact


def draw_landings(axes: Axes, trained: Sequence[Runs]) -> None:
    """How many runs of each optimizer ended in each component, and how many in none."""
    names = [
        f"{runs.result.config.optimizer.name}\nrho = {show(runs.result.config.rho)}"
        for runs in trained
    ]
    ids = sorted({component for runs in trained for component in runs.landed})
    rows: list[tuple[str, list[int], dict[str, Any]]] = [
        (
            f"component {component}",
            [runs.landed.get(component, 0) for runs in trained],
            {"color": COLOURS[component % _CURVES], "hatch": _HATCHES[component % _CURVES]},
        )
        for component in ids
    ]
    rest = "above the least loss" if any(r.minimum for r in trained) else "not at zero loss"
    rows.append((rest, [r.not_converged for r in trained], {"color": "#e2e2e2"}))
    if any(runs.diverged for runs in trained):
        rows.append(
            ("diverged", [r.diverged for r in trained], {"color": "white", "hatch": "\\\\"})
        )
    places = np.arange(len(trained))
    left = np.zeros(len(trained))
    for label, counts, style in rows:
        bars = axes.barh(
            places, counts, 0.6, left, edgecolor="black", linewidth=0.8, label=label, **style
        )
        texts = [str(count) if count else "" for count in counts]
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        for text in axes.bar_label(bars, texts, label_type="center", fontsize=11):
            text.set_bbox(box if text.get_text() else None)
        left += counts
    axes.set(
        xlabel="runs",
        title="Where the runs ended",
        yticks=places,
        yticklabels=names,
        ylim=(len(trained) - 0.4, -0.6),
    )
    axes.grid(visible=False, axis="y")
    _legend(axes, columns=2)


def draw_levels(
    axes: Axes, levels: Sequence[Fraction | None], excess: Fraction, trained: Sequence[Runs]
) -> None:
    """The losses of the runs that landed, beside the levels below which that is a theorem."""
    for place, (level, runs) in enumerate(zip(levels, trained, strict=True)):
        losses = np.maximum(np.sort(runs.result.loss[runs.converged]), _AT_LEAST)
        heights = place + np.linspace(-0.25, 0.25, len(losses))  # so that each is seen
        label = "runs that landed" if place == 0 else None
        axes.plot(losses, heights, "o", color="black", mfc="white", ms=5, label=label)
        if level is not None:
            label = "their level" if place == 0 else None
            sides = [place - 0.4, place + 0.4]
            axes.plot([float(level)] * 2, sides, "k-", linewidth=3, label=label)
    axes.set(
        xscale="log",
        xlabel="loss",
        title=f"Levels of the theorem, at (1 + {show(excess)}) rho",
        yticks=range(len(trained)),
        yticklabels=[runs.result.config.optimizer.name for runs in trained],
        ylim=(len(trained) - 0.4, -0.6),
    )
    axes.grid(visible=False, axis="y")
    _legend(axes, columns=2)


def _legend(axes: Axes, columns: int) -> None:
    """A legend above the curves, with room made for it."""
    rows = -(-len(axes.get_legend_handles_labels()[1]) // columns)
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, bottom + (top - bottom) / (1 - 0.085 * rows))
    axes.legend(loc="upper center", ncols=columns, borderaxespad=0)


def _label_levels(axes: Axes, values: Sequence[Fraction]) -> None:
    """Exact values on the right edge; those too close to stand apart share a label."""
    bottom, top = axes.get_ylim()
    groups: list[list[Fraction]] = []
    for value in sorted(set(values)):
        axes.axhline(float(value), color="#777777", linewidth=1, linestyle=":", zorder=1)
        if groups and float(value - groups[-1][-1]) < _APART * (top - bottom):
            groups[-1].append(value)
        else:
            groups.append([value])
    for group in groups[-_LABELS:]:
        lines = [show(value) for value in reversed(group)]
        if len(lines) > 3:
            lines[1:-1] = [f"{len(lines) - 2} more"]
        axes.annotate(
            "\n".join(lines),
            (1.02, float(sum(group)) / len(group)),
            xycoords=("axes fraction", "data"),
            va="center",
        )


def _leaf_order(analysis: Analysis) -> list[int]:
    """The components in an order in which no two branches of the tree cross."""
    groups = {component.id: [component.id] for component in analysis.components}
    for merge in analysis.merges:
        first, second = groups[merge.first], groups[merge.second]
        first.extend(second)
        groups.update(dict.fromkeys(second, first))
    roots = {id(group): group for group in groups.values()}
    return [leaf for group in roots.values() for leaf in group]


def _floats(values: object) -> Float[np.ndarray, " *shape"]:
    """Exact values as float64, for drawing only."""
    return np.array(values, dtype=float)


def _function(
    problem: Problem, network: Network, inputs: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, " n"]:
    b, c = _linear(network, problem.d)
    neurons = problem.activation.fit(inputs, _floats(network.W), _floats(network.a))
    sums: Float[np.ndarray, " n"] = neurons + inputs @ c + b
    return sums


def _linear(network: Network, d: int) -> tuple[Float[np.ndarray, " 1"], Float[np.ndarray, " d"]]:
    """b and c, zero where there is none."""
    return _floats([network.b]), _floats(network.c or [0] * d)


def _circle(degrees: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 2"]:
    return np.column_stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def _name(component: Component) -> str:
    return f"component {component.id}"
