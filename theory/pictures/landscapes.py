"""Pictures of an exact landscape: the fits, the loss along paths, and the tree of components.

Every curve is told apart by its line style and marker as well as its colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import pairwise, permutations
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from theory.landscape import Analysis, Barrier, Component, Merge, MinimaxPath
from theory.lines import Line, Star
from theory.network import Network
from theory.pictures.data import is_line
from theory.pictures.style import (
    COLOURS,
    CURVES,
    HATCHES,
    LINES,
    curve,
    floats,
    legend,
    mark,
    whole_ticks,
)
from theory.problem import Problem
from theory.text import show

_SAMPLES = 200  # on each straight piece
_LEAVES = 24  # more components than this are not numbered
_LABELS = 12  # the highest exact values that are written out
_APART = 0.06  # of the height of a picture, between labels

_DATA: dict[str, Any] = {
    "color": "black",
    "marker": "X",
    "markersize": 9,
    "linestyle": "none",
    "label": "data",
    "zorder": 3,
}
_BRANCH: dict[str, Any] = {"color": "black", "linewidth": 1.6, "solid_joinstyle": "miter"}


def draw_fits(axes: Axes, analysis: Analysis) -> None:
    """The data and the least-loss network of each of the first components."""
    problem, components = analysis.problem, analysis.components[:CURVES]
    if is_line(problem):
        _draw_on_line(axes, problem, components)
    elif problem.d == 2 and not problem.output_bias:
        _draw_on_circle(axes, problem, components)
    else:
        _draw_contributions(axes, problem, components)
    legend(axes, columns=2)


def _draw_on_line(axes: Axes, problem: Problem, components: Sequence[Component]) -> None:
    X, y = floats(problem.X), floats(problem.y)
    margin = 0.15 * (np.ptp(X[:, 0]) or 1.0)
    x = np.linspace(X[:, 0].min() - margin, X[:, 0].max() + margin, 4 * _SAMPLES)
    inputs = np.column_stack([x, np.ones_like(x)])[:, : problem.d]
    for component in components:
        network, style = component.representative, component.id
        function = partial(_function, problem, network)
        axes.plot(x, function(inputs), **curve(style), label=_name(component))
        w = floats(network.W)
        offsets = w[1] if problem.d == 2 else np.zeros(network.width)
        hinges = -offsets[w[0] != 0] / w[0, w[0] != 0]
        hinges = hinges[(hinges > x[0]) & (hinges < x[-1])]
        at = np.column_stack([hinges, np.ones_like(hinges)])[:, : problem.d]
        axes.plot(hinges, function(at), **mark(style))
    axes.plot(X[:, 0], y, **_DATA)
    axes.set(xlabel="input x", ylabel="f(x)", title="The data and the fits")


def _draw_on_circle(axes: Axes, problem: Problem, components: Sequence[Component]) -> None:
    """f is positively homogeneous: f(x) = |x| f(x / |x|), so its values on the circle say all."""
    X, y = floats(problem.X), floats(problem.y)
    angles = np.linspace(-180, 180, 4 * _SAMPLES + 1)
    for component in components:
        network, style = component.representative, component.id
        function = partial(_function, problem, network)
        axes.plot(angles, function(_circle(angles)), **curve(style), label=_name(component))
        w = floats(network.W)
        w = w[:, np.any(w != 0, axis=0)]
        direction = np.degrees(np.arctan2(w[1], w[0]))
        hinges = np.concatenate([direction + 90, direction - 90])
        hinges = (hinges + 180) % 360 - 180
        axes.plot(hinges, function(_circle(hinges)), **mark(style))
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
    X, y = floats(problem.X), floats(problem.y)
    wide = 0.8 / len(components)
    for component in components:
        network = component.representative
        shares = problem.activation.at(X @ floats(network.W)) * floats(network.a)  # (n, m)
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
                hatch=HATCHES[component.id],
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
    axes.plot(along, losses, **curve(0), label="minimax path")
    axes.plot(along[::_SAMPLES], losses[::_SAMPLES], **mark(0), clip_on=False, zorder=3)
    along, losses = _profile(problem, [breakpoints[0], breakpoints[-1]])
    label = f"straight line, to ≈ {losses.max():.3g}"
    axes.plot(along, losses, **curve(1), label=label)
    _label_levels(axes, [merge.value])
    axes.set(
        xlabel="part of the way, by length",
        ylabel="loss",
        title=f"From component {merge.first} to component {merge.second}",
        xlim=(0, 1),
    )
    legend(axes, columns=1)


def draw_line(axes: Axes, line: Line) -> None:
    """The loss on a straight line, and its maximum."""
    draw_polygons(axes, line.problem, {"straight line": line.networks}, [line.maximum.upper])


def draw_star(axes: Axes, star: Star, straight: Line | None = None) -> None:
    """The loss on straight lines to one centre, the highest on them, and the bound for others.

    straight: the line between the two networks, to be drawn beside.
    """
    polygons: dict[str, Sequence[Network]] = {}
    levels = [star.highest.maximum.upper, star.lower]
    if straight is not None:
        polygons["straight line"] = straight.networks
        levels.append(straight.maximum.upper)
    ends = [line.networks[0] for line in star.lines]
    if len(ends) == 2:
        polygons["by the middle"] = [ends[0], star.centre, ends[1]]
    else:
        polygons |= {f"from network {k}": [end, star.centre] for k, end in enumerate(ends)}
    draw_polygons(axes, star.lines[0].problem, polygons, levels)


def draw_minimax_path(axes: Axes, path: MinimaxPath) -> None:
    """The loss (with the penalty) along a path, straight in convex coordinates between its
    breakpoints."""
    parts, losses = _convexly(path)
    axes.plot(parts, losses, **curve(0), label="minimax path")
    axes.plot(parts[::_SAMPLES], losses[::_SAMPLES], **mark(0), clip_on=False, zorder=3)
    _label_levels(axes, [path.value])
    what = "loss" if path.beta is None else "loss + penalty"
    axes.set(xlabel="breakpoint", ylabel=what, title=f"The {what} along the path")
    whole_ticks(axes)
    legend(axes, columns=2)


def draw_barrier(axes: Axes, barrier: Barrier) -> None:
    """The same, with the straight line between the two networks beside it."""
    _, losses = _profile(barrier.problem, barrier.networks)
    parts = np.linspace(0, max(1, len(barrier.path.breakpoints) - 1), len(losses))
    axes.plot(parts, losses, **curve(1), label="straight line")
    draw_minimax_path(axes, barrier.path)


def _convexly(
    path: MinimaxPath,
) -> tuple[Float[np.ndarray, " t"], Float[np.ndarray, " t"]]:
    """Breakpoints gone and loss, at _SAMPLES points from each breakpoint to the next."""
    problem, networks = path.problem, path.breakpoints
    corners = [
        (
            floats([sign for sign, _ in network.convex_coordinates()]),
            floats([u for _, u in network.convex_coordinates()]),
            *_linear(network, problem.d),
        )
        for network in networks
    ]
    X, y = floats(problem.X), floats(problem.y)
    beta = float(path.beta or 0)
    losses = []
    for first, last in pairwise(corners if len(corners) > 1 else corners * 2):
        signs = np.where(np.any(first[1] != 0, axis=1), first[0], last[0])
        for t in np.linspace(0, 1, _SAMPLES, endpoint=False):
            U, b, c = ((1 - t) * p + t * q for p, q in zip(first[1:], last[1:], strict=True))
            fit = problem.activation.at(X @ U.T) @ signs + X @ c + b
            penalty = beta * float(np.linalg.norm(U, axis=1).sum())
            losses.append(problem.loss.at(fit, y) + penalty)
    losses.append(float(path.losses[-1]))
    return np.arange(len(losses)) / _SAMPLES, np.array(losses)


_ABOVE_BARRIER = 4


def draw_alignments(axes: Axes, barrier: Barrier, title: str) -> None:
    """The loss along a minimax path modulo permutation, and on the straight line to each order of
    the second network's neurons."""
    problem, (first, second) = barrier.problem, barrier.networks
    along, losses = _profile(problem, barrier.path.breakpoints)
    axes.plot(along, losses, **curve(0), label="minimax path", zorder=3)
    for k, order in enumerate(permutations(range(barrier.width))):
        along, losses = _profile(problem, [first, second.permuted(order)])
        label = "straight lines, each alignment" if k == 0 else None
        axes.plot(along, losses, **curve(1), label=label)
    _label_levels(axes, [barrier.value])
    axes.set(xlabel="part of the way, by length", ylabel="loss", title=title, xlim=(0, 1))
    if barrier.value:  # the lines far above it would hide it
        axes.set_ylim(0, _ABOVE_BARRIER * float(barrier.value))
    legend(axes, columns=1)


def draw_polygons(
    axes: Axes,
    problem: Problem,
    polygons: Mapping[str, Sequence[Network]],
    levels: Sequence[Fraction],
) -> None:
    """The loss along polygons of networks, by name, and the levels of their maxima."""
    for k, (name, breakpoints) in enumerate(polygons.items()):
        along, losses = _profile(problem, breakpoints)
        axes.plot(along, losses, **curve(k % len(LINES)), label=name)
    _label_levels(axes, levels)
    axes.set(xlabel="part of the way, by length", ylabel="loss", xlim=(0, 1))
    legend(axes, columns=1)


def _profile(
    problem: Problem, breakpoints: Sequence[Network]
) -> tuple[Float[np.ndarray, " t"], Float[np.ndarray, " t"]]:
    """Part of the length gone and loss, at _SAMPLES points from each breakpoint to the next."""
    d, width = problem.d, breakpoints[0].width
    corners = [
        np.concatenate([floats(net.W).ravel(), floats(net.a), *_linear(net, d)])
        for net in breakpoints
    ]
    t = np.linspace(0, 1, _SAMPLES + 1)[1:, None]
    pieces = [(1 - t) * start + t * end for start, end in pairwise(corners)]
    points = np.concatenate([corners[0][None], *pieces])  # (t, (d + 1) m + 1 + d)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    gone = np.append(0, np.cumsum(steps))
    W, a, b, c = np.split(points, np.cumsum([d * width, width, 1]), axis=1)
    X, y = floats(problem.X), floats(problem.y)
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
        axes.plot(stem.x, stem.level, **mark(leaf % CURVES), zorder=3)
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


def _function(
    problem: Problem, network: Network, inputs: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, " n"]:
    b, c = _linear(network, problem.d)
    neurons = problem.activation.fit(inputs, floats(network.W), floats(network.a))
    sums: Float[np.ndarray, " n"] = neurons + inputs @ c + b
    return sums


def _linear(network: Network, d: int) -> tuple[Float[np.ndarray, " 1"], Float[np.ndarray, " d"]]:
    """b and c, zero where there is none."""
    return floats([network.b]), floats(network.c or [0] * d)


def _circle(degrees: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 2"]:
    return np.column_stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def _name(component: Component) -> str:
    return f"component {component.id}"
