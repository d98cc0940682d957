"""Pictures of a path inside a solution set: loss and norm along it, and how its neurons move."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from theory.connectivity import SolutionPath
from theory.connectivity.solutions import Point
from theory.landscape.completed import free_fit
from theory.pictures.style import optimizer_line
from theory.text import show
from theory.within import Penalty

_SAMPLES = 20  # on each segment
_PANELS = 8  # of neurons


def shown_points(path: SolutionPath) -> list[int]:
    """Some of the breakpoints, the first and the last among them."""
    last = len(path.points) - 1
    return sorted({round(k * last / (_PANELS - 1)) for k in range(_PANELS)})


def draw_loss(axes: Axes, path: SolutionPath) -> None:
    """The loss (with the penalty) along the path, and the level it must not pass."""
    solutions = path.solutions
    times, values = _along(path, _objective)
    axes.plot(times, values, color="black", label="along the path")
    axes.axhline(float(solutions.level), color="black", linestyle=":", label="level")
    ticks = list(range(len(path.points)))
    axes.plot(ticks, [float(solutions.objective(p)) for p in path.points], "ko", markersize=4)
    what = "loss" if solutions.within.beta is None else "loss + penalty"
    axes.set(xlabel="breakpoint", ylabel=what, title=f"{what}, at most {show(solutions.level)}")
    if max(values) <= 1e-12:
        axes.set_ylim(-0.1, 1)
    _whole_ticks(axes, len(ticks))
    axes.legend()


def draw_norm(axes: Axes, path: SolutionPath) -> None:
    """||W|| ||a|| along the path and the radius; for a penalty, half the squared norms."""
    within = path.solutions.within
    times, values = _along(path, _norm)
    axes.plot(times, values, color="black", label="along the path")
    if isinstance(within, Penalty):
        axes.set(ylabel="(||W||² + ||a||²) / 2", title="norms of the path")
    else:
        axes.axhline(float(within.rho), color="black", linestyle=":", label="radius of the ball")
        title = f"{within.optimizer} norms, at most {within.rho}"
        axes.set(ylabel="||W|| ||a||", title=title)
    axes.set(xlabel="breakpoint", ylim=(0, None))
    _whole_ticks(axes, len(path.points))
    axes.legend()


def draw_norms(axes: Axes, paths: Mapping[str, SolutionPath], title: str) -> None:
    """||W|| ||a|| / rho along paths; with a penalty, loss and penalty relative to the level."""
    for name, path in paths.items():
        within = path.solutions.within
        if isinstance(within, Penalty):
            times, values = _along(path, _objective)
            top = float(path.solutions.level)
        else:
            times, values = _along(path, _norm)
            top = float(within.rho)
        parts = np.array(times) / max(times[-1], 1)
        axes.plot(parts, np.array(values) / top, **optimizer_line(within.optimizer), label=name)
    axes.axhline(1, color="black", linestyle=":")
    axes.set(
        xlabel="part of the path's segments",
        ylabel="norm / radius",
        title=title,
        ylim=(0, 1.05),
    )
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), handlelength=2.6)


def draw_neurons(axes: Axes, path: SolutionPath, k: int, before: int) -> None:
    """u_j of every neuron at breakpoint k, with grey lines from where it was at an earlier one.

    In two principal directions where d > 2.
    """
    U = np.array([[[float(v) for v in neuron.u] for neuron in point] for point in path.points])
    d = U.shape[-1]
    names = ["u₁", "u₂"]
    if d > 2:
        _, _, directions = np.linalg.svd(U.reshape(-1, d), full_matrices=False)
        U = U @ directions[:2].T
        names = ["first principal direction of u", "second"]
    elif d == 1:
        U = np.concatenate([U, np.zeros_like(U)], axis=-1)
        names = ["u", ""]
    axes.plot(*U[before : k + 1].transpose(2, 0, 1), color="#b4b4b4", linewidth=0.8, zorder=1)
    signs = np.array([neuron.sign * (not neuron.blank) for neuron in path.points[k]])
    for sign, marker, name in ((1, "o", "a > 0"), (-1, "s", "a < 0")):
        colour = "#0072B2" if sign > 0 else "#D55E00"
        axes.scatter(
            U[k, signs == sign, 0],
            U[k, signs == sign, 1],
            marker=marker,
            s=34,
            facecolors=colour if sign > 0 else "none",
            edgecolors=colour,
            label=name,
        )
    axes.plot([0], [0], "k+", markersize=9)
    axes.set_title(f"breakpoint {k}: {np.count_nonzero(signs)} neurons")
    low, high = U.min(axis=(0, 1)), U.max(axis=(0, 1))
    margin = 0.05 * np.maximum(high - low, 1e-9)
    (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
    axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.set_xlabel(names[0])
    if k == before == 0:
        axes.set_ylabel(names[1])
        axes.legend(loc="best")


def _along(path: SolutionPath, measure: Callable[..., float]) -> tuple[list[float], list[float]]:
    """Times, in segments, and a measure of the path's networks there."""
    steps = np.linspace(0, 1, _SAMPLES + 1)
    weights = [
        (k + t, W, a, shift)
        for k in range(max(1, len(path.points) - 1))
        for t, W, a, shift in zip(steps.tolist(), *_weights(path, k, steps), strict=True)
    ]
    return [each[0] for each in weights], [measure(path, *each[1:]) for each in weights]


def _weights(
    path: SolutionPath, segment: int, steps: Float[np.ndarray, " k"]
) -> tuple[Float[np.ndarray, "k d m"], Float[np.ndarray, "k m"], Float[np.ndarray, "k n"]]:
    """w = u / |a|, a = s sqrt(alpha), and what an output bias and a linear part add to the fit, on
    a segment; exact points would take far longer."""
    first, last = path.points[segment], path.points[min(segment + 1, len(path.points) - 1)]
    signs = [old.sign if new.blank else new.sign for old, new in zip(first, last, strict=True)]
    alpha = _between([[float(n.alpha) for n in point] for point in (first, last)], steps)
    U = _between([[[float(v) for v in n.u] for n in point] for point in (first, last)], steps)
    a = np.array(signs) * np.sqrt(alpha)
    shifts = _between([_shift(path, point) for point in (first, last)], steps)
    return (U / np.where(a, np.abs(a), 1.0)[..., None]).transpose(0, 2, 1), a, shifts


def _shift(path: SolutionPath, point: Point) -> list[float]:
    problem, fit = path.solutions.problem, path.solutions.fit(point)
    return [float(whole - own) for whole, own in zip(free_fit(problem, fit), fit, strict=True)]


def _between(ends: Sequence[Any], steps: Float[np.ndarray, " k"]) -> Float[np.ndarray, "k ..."]:
    first, last = np.array(ends)
    between: Float[np.ndarray, "k ..."] = first + np.multiply.outer(steps, last - first)
    return between


def _objective(
    path: SolutionPath,
    W: Float[np.ndarray, "d m"],
    a: Float[np.ndarray, " m"],
    shift: Float[np.ndarray, " n"],
) -> float:
    problem, beta = path.solutions.problem, path.solutions.within.beta
    X, y = (np.array(v, dtype=float) for v in (problem.X, problem.y))
    loss = problem.loss.at(problem.activation.fit(X, W, a) + shift, y)
    return loss + float(beta or 0) * _penalty(W, a)


def _norm(
    path: SolutionPath,
    W: Float[np.ndarray, "d m"],
    a: Float[np.ndarray, " m"],
    shift: Float[np.ndarray, " n"],
) -> float:
    within = path.solutions.within
    if isinstance(within, Penalty):
        return _penalty(W, a)
    ball = within.geometry
    return float(ball.hidden.value(W) * ball.output.value(a))


def _penalty(W: Float[np.ndarray, "d m"], a: Float[np.ndarray, " m"]) -> float:
    return float((W**2).sum() + (a**2).sum()) / 2


def _whole_ticks(axes: Axes, count: int) -> None:
    axes.set_xticks(range(0, count, max(1, count // 10)))
