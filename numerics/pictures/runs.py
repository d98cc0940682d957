"""Pictures of trained networks: where they end in the landscape, and how they came there."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from numerics.training.loop import NO_COMPONENT
from numerics.training.runs import Runs
from theory.gauges import gauge_of, has_gauge
from theory.geometry import Geometry
from theory.pictures.style import (
    COLOURS,
    CURVES,
    DOTTED,
    HATCHES,
    floats,
    legend,
    mark,
    optimizer_line,
)
from theory.radii import Radii
from theory.text import show

# Below these, in the units of the axes, logarithmic pictures show nothing.
_INSIDE = 1e-4
_STATIONARY = 1e-8
_AT_LEAST = 1e-16  # losses
_AT_OPTIMUM = 1e-7

_RECORDS = 200  # of a history that are drawn

_LOST: dict[str, Any] = {
    "color": "#b4b4b4",
    "marker": "o",
    "markersize": 3,
    "linestyle": "none",
    "zorder": 2,
}


def draw_runs(axes: Axes, radii: Radii, runs: Runs) -> None:
    """The neurons of trained networks and of exact fits in the plane of convex coordinates, d = 2.

    Of each component the network with the smallest ball stands for all.
    """
    problem, config = radii.analysis.problem, runs.result.config
    name, rho = config.optimizer.name, float(config.rho)
    exact = [
        floats([u for _, u in component[name].witness.convex_coordinates()])  # (m, 2)
        for component in radii.components
    ]
    in_square = is_entrywise(config.optimizer.geometry)
    limit = 1.15 * max(rho if in_square else 0.0, *(np.abs(u).max() for u in exact))
    for row in floats(problem.X):
        if row.any():
            axes.axline((0, 0), (-row[1], row[0]), color="#9a9a9a", linewidth=0.8, zorder=1)
    if in_square:
        square = np.array([[-rho, -rho], [rho, -rho], [rho, rho], [-rho, rho], [-rho, -rho]])
        axes.plot(*square.T, color="black", linewidth=1.4, linestyle=(0, (5, 3)), zorder=1)
    ended = np.full(runs.count, NO_COMPONENT) if runs.landing is None else runs.landing.component
    neurons = np.abs(runs.result.a)[:, None, :] * runs.result.W  # (S, 2, m)
    for component, u in enumerate(exact):
        style = component % CURVES
        axes.plot(
            *u.T,
            **{**mark(style), "markersize": 19, "markerfacecolor": "none"},
            label=f"component {component}:\n{runs.landed.get(component, 0)} of {runs.count} runs",
            zorder=3,
        )
        here = neurons[ended == component]
        axes.plot(
            here[:, 0].ravel(),
            here[:, 1].ravel(),
            **{**mark(style), "markersize": 4.5, "markerfacecolor": COLOURS[style]},
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


def draw_landing(axes: Axes, runs: Runs) -> None:
    """How many runs of one optimizer ended in each component, and how many in none."""
    draw_landings(axes, [runs])


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
            {"color": COLOURS[component % CURVES], "hatch": HATCHES[component % CURVES]},
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
    legend(axes, columns=2)


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
    legend(axes, columns=2)


def draw_violations(axes: Axes, trained: Sequence[Runs]) -> None:
    """How far outside the ball the runs of some optimizers are, and the proved bound."""
    for runs in trained:
        _draw_history(axes, runs, _in_ball(runs.history.violations), _INSIDE)
    # With the default schedules the remainder is the same for all.
    most = max(float(_in_ball(runs.history.violations)[0].max()) for runs in trained)
    bound = most * trained[0].remainder
    shown = bound >= _INSIDE
    steps = trained[0].history.steps[shown] + 1
    axes.plot(steps, bound[shown], **DOTTED, label="proved bound")
    axes.set(ylim=(_INSIDE, 2 * most), xlim=(1, steps[-1]))
    _label_history(axes, "outside the ball, relative to R", "Violation of the ball, from outside")


def draw_gaps(axes: Axes, trained: Sequence[Runs], start: str) -> None:
    """The Frank-Wolfe gaps of the runs of some optimizers, and the learning rate."""
    for runs in trained:
        zero = float(runs.result.config.problem.zero)
        _draw_history(axes, runs, _in_ball(runs.history.gaps) / zero, _STATIONARY)
    config, steps = trained[0].result.config, trained[0].history.steps
    rates = [config.schedule(step) / config.radius for step in steps]
    axes.plot(steps + 1, rates, **DOTTED, label="learning rate / R")
    axes.set(xlim=(1, steps[-1] + 1))
    axes.set_ylim(bottom=_STATIONARY)
    _label_history(axes, "gap / loss of zero weights", f"Frank-Wolfe gap, from {start}")


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
    axes.axvline(reached, **DOTTED)
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


def _in_ball(values: Float[np.ndarray, "T S"] | None) -> Float[np.ndarray, "T S"]:
    """Measures that all optimizers but sgd have."""
    assert values is not None
    return values


def _draw_history(axes: Axes, runs: Runs, values: Float[np.ndarray, "T S"], least: float) -> None:
    """The median and the middle half of the runs, where they are at least `least`."""
    # Logarithmic in the steps: most of the records would be drawn on top of each other.
    last = len(values) - 1
    kept = np.unique(np.geomspace(1, last + 1, _RECORDS).round().astype(int)) - 1
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


def is_entrywise(geometry: Geometry) -> bool:
    """Whether the ball confines each weight by itself, and so each |u_jk| to rho."""
    return has_gauge(geometry) and gauge_of(geometry.ball).exact
