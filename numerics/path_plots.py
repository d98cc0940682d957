"""Pictures of a path inside a solution set: loss and norm along it, and how its neurons move."""

from __future__ import annotations

import io
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numerics.files import write
from numerics.plots import STYLE
from numerics.text import show
from theory.connectivity import SolutionPath
from theory.errors import InputError
from theory.geometry import geometry

_SAMPLES = 20  # on each segment
_PANELS = 8  # of neurons
_FORMATS = (".svg", ".png", ".pdf")


def save_path(file: Path, path: SolutionPath) -> None:
    """Write the picture of a path; the ending says how. Raises InputError for an unknown one."""
    if file.suffix not in _FORMATS:
        raise InputError(str(file), f"must end in {', '.join(_FORMATS)}")
    content = io.BytesIO()
    with mpl.rc_context(STYLE):
        draw_solution_path(path).savefig(content, format=file.suffix[1:], dpi=120)
    write(file, content.getvalue())


def draw_solution_path(path: SolutionPath) -> Figure:
    """Loss and norm along the path above, its neurons at some of the breakpoints below."""
    last = len(path.points) - 1
    shown = sorted({round(k * last / (_PANELS - 1)) for k in range(_PANELS)})
    columns = math.ceil(len(shown) / 2) if len(shown) > 4 else len(shown)
    rows = math.ceil(len(shown) / columns)
    figure = Figure(figsize=(12, 3.6 + 3.1 * rows), layout="constrained")
    halves = figure.subfigures(2, 1, squeeze=False, height_ratios=[3.6, 3.1 * rows])
    above, below = halves[:, 0]
    loss, norm = above.subplots(1, 2)
    draw_loss(loss, path)
    draw_norm(norm, path)
    panels = below.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flatten()
    draw_neurons(panels, path, shown)
    return figure


def draw_loss(axes: Axes, path: SolutionPath) -> None:
    """The loss (with the penalty) along the path, and the level it must not pass."""
    solutions = path.solutions
    times, values = [], []
    for k, step in _times(path):
        times.append(k + step)
        values.append(float(solutions.objective(path.at(k, Fraction(step)))))
    axes.plot(times, values, color="black", label="along the path")
    axes.axhline(float(solutions.level), color="black", linestyle=":", label="level")
    ticks = list(range(len(path.points)))
    axes.plot(ticks, [float(solutions.objective(p)) for p in path.points], "ko", markersize=4)
    what = "loss" if solutions.beta is None else "loss + penalty"
    axes.set(xlabel="breakpoint", ylabel=what, title=f"{what}, at most {show(solutions.level)}")
    if max(values) <= 1e-12:
        axes.set_ylim(-0.1, 1)
    _whole_ticks(axes, len(ticks))
    axes.legend()


def draw_norm(axes: Axes, path: SolutionPath) -> None:
    """||W|| ||a|| along the path and the radius; for a penalty, half the squared norms."""
    solutions = path.solutions
    times, values = [], []
    for k, step in _times(path):
        times.append(k + step)
        values.append(_norm(path, *_weights(path, k, step)))
    axes.plot(times, values, color="black", label="along the path")
    if solutions.rho is None:
        axes.set(ylabel="(||W||² + ||a||²) / 2", title="norms of the path")
    else:
        axes.axhline(float(solutions.rho), color="black", linestyle=":", label="radius of the ball")
        axes.set(
            ylabel="||W|| ||a||", title=f"{solutions.optimizer} norms, at most {solutions.rho}"
        )
    axes.set(xlabel="breakpoint", ylim=(0, None))
    _whole_ticks(axes, len(path.points))
    axes.legend()


def draw_neurons(panels: Any, path: SolutionPath, shown: list[int]) -> None:
    """u_j of every neuron at some of the breakpoints; in two principal directions where d > 2."""
    clouds = [_cloud(path, k) for k in shown]
    everything = np.concatenate([u for _, u in clouds])
    d = everything.shape[1]
    names = ["u₁", "u₂"]
    if d > 2:
        _, _, directions = np.linalg.svd(everything, full_matrices=False)
        clouds = [(signs, u @ directions[:2].T) for signs, u in clouds]
        names = ["first principal direction of u", "second"]
    elif d == 1:
        clouds = [(signs, np.column_stack([u[:, 0], np.zeros(len(u))])) for signs, u in clouds]
        names = ["u", ""]
    for axes, k, (signs, u) in zip(panels, shown, clouds, strict=False):
        for sign, marker, face in ((1, "o", "#0072B2"), (-1, "s", "none")):
            chosen = u[signs == sign]
            axes.scatter(
                *chosen.T,
                marker=marker,
                s=34,
                facecolors=face,
                edgecolors="#0072B2" if sign > 0 else "#D55E00",
                label=f"a {'>' if sign > 0 else '<'} 0",
            )
        axes.plot([0], [0], "k+", markersize=9)
        axes.set_title(f"breakpoint {k}: {len(u)} neurons")
        axes.set_xlabel(names[0])
    panels[0].set_ylabel(names[1])
    panels[0].legend(loc="best")
    for axes in panels[len(shown) :]:
        axes.set_axis_off()


def _times(path: SolutionPath) -> list[tuple[int, float]]:
    steps = np.arange(_SAMPLES) / _SAMPLES
    return [(k, t) for k in range(len(path.points) - 1) for t in steps.tolist()] + (
        [(len(path.points) - 2, 1.0)] if len(path.points) > 1 else [(0, 0.0)]
    )


def _weights(
    path: SolutionPath, segment: int, step: float
) -> tuple[Float[np.ndarray, "d m"], Float[np.ndarray, " m"]]:
    """w = u / |a| and a = s sqrt(alpha)."""
    point = path.at(segment, Fraction(step))
    a = np.array([neuron.sign * math.sqrt(neuron.alpha) for neuron in point])
    U = np.array([[float(v) for v in neuron.u] for neuron in point]).T
    return U / np.where(a, np.abs(a), 1.0), a


def _norm(path: SolutionPath, W: Float[np.ndarray, "d m"], a: Float[np.ndarray, " m"]) -> float:
    if path.solutions.rho is None:
        return float((W**2).sum() + (a**2).sum()) / 2
    ball = geometry(path.solutions.optimizer).ball
    return float(ball.hidden.value(W) * ball.output.value(a))


def _cloud(path: SolutionPath, k: int) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "k d"]]:
    neurons = [neuron for neuron in path.points[k] if not neuron.blank]
    u = np.array([[float(v) for v in neuron.u] for neuron in neurons])
    return np.array([neuron.sign for neuron in neurons]), u.reshape(len(neurons), -1)


def _whole_ticks(axes: Axes, count: int) -> None:
    axes.set_xticks(range(0, count, max(1, count // 10)))
