"""Pictures of data, of a network's neurons, and of what a network makes of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from theory.margins import MaxMargin
from theory.network import Network
from theory.pictures.style import COLOURS, floats, whole_ticks
from theory.problem import Problem
from theory.programs import Optimum

_LABELS = 30  # targets of more points are not written beside them
_DATA: dict[str, Any] = {"color": "black", "marker": "X", "markersize": 9, "linestyle": "none"}


def is_line(problem: Problem) -> bool:
    """One feature, or one and the constant feature of `Problem.with_bias`."""
    return problem.d == 1 or (problem.d == 2 and all(row[1] == 1 for row in problem.X))


def draw_data(axes: Axes, problem: Problem) -> None:
    """Targets over the feature; beside points in the plane; or over the number of the point."""
    X, y = floats(problem.X), floats(problem.y)
    title = problem.name or problem.summary
    if is_line(problem):
        axes.plot(X[:, 0], y, **_DATA)
        axes.set(xlabel="x1", ylabel="y", title=title)
    elif problem.d == 2:
        size = float(np.abs(y).max()) or 1.0
        axes.scatter(
            X[:, 0], X[:, 1], c=y, cmap="coolwarm", vmin=-size, vmax=size, edgecolor="black"
        )
        for x, value in zip(X, problem.y, strict=True) if problem.n <= _LABELS else ():
            axes.annotate(f"{float(value):.3g}", x, (6, 4), textcoords="offset points")
        axes.set(xlabel="x1", ylabel="x2", title=title)
    else:
        axes.plot(np.arange(problem.n), y, **_DATA)
        axes.set(xlabel="data point", ylabel="y", title=title)
        whole_ticks(axes)


def draw_neurons(axes: Axes, network: Network) -> None:
    """u_j = |a_j| w_j: as arrows where d = 2, else its entries, a line for each neuron."""
    coordinates = network.convex_coordinates()
    U = floats([u for _, u in coordinates])  # (m, d)
    named: set[int] = set()
    for (sign, _), u in zip(coordinates, U, strict=True):
        colour = {1: COLOURS[0], -1: COLOURS[1], 0: "#888888"}[sign]
        label = None if sign in named else {1: "a > 0", -1: "a < 0", 0: "a = 0"}[sign]
        named.add(sign)
        if U.shape[1] == 2:
            axes.plot([0, u[0]], [0, u[1]], color=colour, linewidth=1.2)
            axes.plot(*u, color=colour, marker="o", linestyle="none", label=label)
        else:
            places = np.arange(1, len(u) + 1)
            axes.plot(places, u, color=colour, marker="o", label=label)
    if U.shape[1] == 2:
        axes.plot([0], [0], "k+", markersize=9)
        axes.set(xlabel="u1", ylabel="u2")
    else:
        axes.set(xlabel="feature", ylabel="|a| w", xticks=np.arange(1, U.shape[1] + 1))
    axes.set_title(f"{network.width} neurons")
    axes.legend()


def draw_optimum(axes: Axes, optimum: Optimum) -> None:
    """The targets, and what the network that attains the upper bound makes of the data."""
    draw_fit(axes, optimum.problem, optimum.network, optimum.within.summary)


def draw_max_margin(axes: Axes, largest: MaxMargin) -> None:
    """The labels, and what a network of the largest margin makes of the data."""
    title = f"{largest.optimizer}, margin {largest.margin.summary}"
    draw_fit(axes, largest.problem, largest.margin.witness, title)


def draw_fit(axes: Axes, problem: Problem, network: Network, title: str) -> None:
    """The targets and the values of a network at them, over the feature if there is one."""
    y, fit = floats(problem.y), floats(network.fit(problem))
    line = is_line(problem)
    places = floats(problem.X)[:, 0] if line else np.arange(problem.n)
    axes.vlines(places, y, fit, color="#888888", linewidth=1)
    axes.plot(places, y, **_DATA, label="data")
    axes.plot(places, fit, color=COLOURS[0], marker="o", linestyle="none", label="network")
    axes.set(xlabel="x1" if line else "data point", ylabel="y", title=title)
    if not line:
        whole_ticks(axes)
    axes.legend()
