"""Pictures of runs that chatter across a kink: their way along the wall, and their loss."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from numerics.training.slides import slide
from theory.landscape.kinks import RestPoint
from theory.network import Network
from theory.pictures.style import COLOURS
from theory.problem import Problem
from theory.types import Array
from theory.within import Ball

_RATE = 0.01  # of R: large enough to see single steps
_STEPS = 1500
_LAST = 60
_BACK = 0.85  # of the weights at rest, where runs start


def slid(
    problem: Problem, within: Ball, rest: RestPoint, rate: float
) -> tuple[Float[Array, "T d m"], Float[Array, "T m"]]:
    """A run from the wall's inner part, at a rate relative to R."""
    start = Network.from_floats(_BACK * rest.W, rest.a)
    return slide(problem, within, start, rate=rate * float(within.rho) ** 0.5, steps=_STEPS)


def draw_way(axes: Axes, problem: Problem, within: Ball, rest: RestPoint) -> None:
    """(w_1, w_2) of one neuron in its last steps at a rate of 0.01 R, with the wall."""
    ((row, neuron),) = rest.kinks
    W, _ = slid(problem, within, rest, _RATE)
    last = W[-_LAST:, :, neuron]
    w = rest.W[:, neuron]
    across = np.array(problem.X[row], dtype=float)
    above = last @ across > 0
    reach = 1.2 * float(np.abs(last - w).max())
    along = w / np.linalg.norm(w)
    ends = np.array([w - 2 * reach * along, w + 2 * reach * along])
    axes.plot(*ends.T, color="#888888", linewidth=1, label=f"wall of row {row + 1}")
    axes.plot(*last.T, color="#bbbbbb", linewidth=0.8)
    for side, colour, sign in ((above, COLOURS[0], "+"), (~above, COLOURS[1], "-")):
        share = f"{side.mean():.0%}"
        axes.plot(
            *last[side].T, linestyle="none", marker="o", markersize=4, color=colour,
            label=f"{sign} side, {share}",
        )  # fmt: skip
    axes.plot(*w, marker="*", markersize=15, color="black", linestyle="none", label="predicted")
    axes.set(
        xlim=(w[0] - reach, w[0] + reach),
        ylim=(w[1] - reach, w[1] + reach),
        xlabel="w_1",
        ylabel="w_2",
        title=f"{within.optimizer}, predicted share {rest.shares[0]:.0%}",
    )
    axes.locator_params(nbins=4)
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.16), ncols=2)


def draw_loss(axes: Axes, problem: Problem, within: Ball, rest: RestPoint) -> None:
    """The loss over time at three rates, and that of the point of rest."""
    X, y = (np.array(data, dtype=float) for data in (problem.X, problem.y))
    for rate, colour in zip((_RATE, _RATE / 2, _RATE / 4), COLOURS, strict=False):
        W, a = slid(problem, within, rest, rate)
        losses = ((problem.activation.fit(X, W, a) - y) ** 2).sum(axis=1) / 2
        axes.plot(rate * np.arange(len(losses)), losses, color=colour, label=f"rate {rate:g} R")
    axes.axhline(rest.loss, color="black", linestyle="--", label="predicted")
    axes.set(
        xlim=(0, _RATE / 4 * _STEPS), xlabel="steps times rate / R", ylabel="loss",
        title=within.optimizer,
    )  # fmt: skip
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.16), ncols=2)
