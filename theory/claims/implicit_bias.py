"""Weight decay confines an optimizer to its norm ball, and there it finds stationary points.

Setting: training with weight decay 1 / R from starts inside and outside the ball.

Claim: weights stay in the ball or come to it no later than weight decay alone would bring them, and
end near points that are stationary in it.

Tight: the bound of the violation is proved at every step; the limits are measured.

Predicted: the longest direction of AdamW, no violation beyond the bound, none left at the end, gaps
that fall.

Observed: AdamW's direction for the worst gradients; training, recorded on the way.

Source: Chen, Liu, Liang, Liu, arXiv 2310.05898; Xie, Li, arXiv 2404.04454; Chen, Li, Liu, arXiv
2506.15054.

Note: proofs_notes/implicit-bias.md
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Self

import numpy as np

from theory.claims.base import (
    Bounds,
    Claim,
    Observation,
    Prediction,
    Trainer,
    Value,
)
from theory.claims.training import Runs, Trained, TrainRuns
from theory.errors import Interrupted
from theory.landscape import analyse
from theory.loading import example
from theory.problem import Problem
from theory.types import Progress
from theory.within import Ball

STARTS = {"inside": 0.25, "outside": 6.0}
"""The scale of the random weights, by where it puts them."""

_VANISHED = Fraction(1, 1000)  # of R; the last learning rate is 0.0004 R
_FALL = Fraction(1, 5)  # of the gap, while the learning rate falls to 0.11
_ROUNDING = 1e-12  # of a gap, relative to the loss of zero weights
_RECORDS = 1000


def adamw_length(beta1: float, beta2: float) -> float:
    """The largest entry that AdamW's directions can have, for beta1^2 < beta2."""
    return (1 - beta1) / math.sqrt((1 - beta2) * (1 - beta1**2 / beta2))


_MOMENTA = (0.9, 0.95)
_LONG = 2000  # steps; the momenta have forgotten their start long before

LENGTHS = {"adamw": adamw_length(*_MOMENTA), "lion": 1.0, "muon": 1.0, "ngd": 1.0}
"""The largest norm of a direction, in units of the ball's norm."""


@dataclass(frozen=True)
class ImplicitBias(Claim):
    """The claim, on one data set at one radius; seeds, steps: for each optimizer and start."""

    problem: Problem = field(default_factory=lambda: example("flagship"))
    rho: Fraction = Fraction(3, 2)
    seeds: int = 64
    steps: int = 10_000

    id = "implicit-bias"
    source = (
        "Chen, Liu, Liang, Liu, arXiv 2310.05898; Xie, Li, arXiv 2404.04454; Chen, Li, Liu, "
        "arXiv 2506.15054; the bound of the violation: proofs_notes/implicit-bias.md"
    )

    @property
    def statement(self) -> str:
        """What is claimed, in a sentence."""
        return (
            f"Trained with weight decay $1/R$ on the data set {self.problem.name or 'given'}, "
            f"$R^2 = {self.rho}$, networks stay in the optimizer's ball or, from outside, come to "
            "it no later than weight decay alone would bring them (AdamW: to a ball 1.165 times as "
            "large). As the learning rate decays they end in it, near points that are stationary "
            "there: limit theorems say so of some of them, and here it is measured."
        )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        scales = " and ".join(f"{scale:g} ({name} the ball)" for name, scale in STARTS.items())
        return (
            f"training: {self.seeds} random starts each of scale {scales}, {self.steps:,} steps, "
            "learning rate falling from $0.04 R$ to $0.0004 R$",
            "theorem, at every step: directions of norm at most $c$ keep $||theta|| / R - c$ below "
            "the larger of 0 and its start, times the product of the factors $1 - eta / R$ of the "
            "learning rates $eta$; $c = 1$ for Lion, Muon and NGD, 1.165 for AdamW with its two "
            "momenta 0.9 and 0.95, attained by gradients that grow by $beta_2 / beta_1$ in each "
            "step",
            f"limit theorem if AdamW converges, measured: no violation above {_VANISHED} is left",
            "limit theorem for smooth losses, measured on this one, which has kinks: the median "
            "Frank-Wolfe gap (zero where no small step within the ball lowers the loss to first "
            f"order) falls to {_FALL} or less from a tenth of the steps to the end, while the "
            "learning rate falls to 0.11",
        )

    def quick(self) -> Self:
        """Fewer starts; the learning rate needs its steps to fall."""
        return replace(self, seeds=16)

    def predict(self, progress: Progress) -> Prediction[None]:
        """From theory alone; two values each, from inside and from outside."""
        values: dict[str, Value] = {_LONGEST: LENGTHS["adamw"]}
        for name in LENGTHS:
            values[_excess(name)] = (Fraction(),) * len(STARTS)
            values[_violation(name)] = (Bounds(Fraction(), _VANISHED),) * len(STARTS)
            values[_gap(name)] = (Bounds(Fraction(), _FALL),) * len(STARTS)
        return Prediction(values)

    def observe(
        self, prediction: Prediction[None], train: Trainer, progress: Progress
    ) -> Observation[Trained[Runs]]:
        """Training, recorded on the way."""
        assert self.problem.width is not None
        analysis = analyse(self.problem, self.problem.width, progress=progress)
        values: dict[str, Value] = {_LONGEST: _longest(*_MOMENTA)}
        runs: dict[str, Runs] = {}
        for name, length in LENGTHS.items():
            for start, scale in STARTS.items():
                asked = TrainRuns(
                    analysis,
                    Ball(name, self.rho),
                    self.seeds,
                    self.steps,
                    start_scale=scale,
                    record_every=max(1, self.steps // _RECORDS),
                )
                runs[f"{name}, {start}"] = train(asked, progress)
            trained = [runs[f"{name}, {start}"] for start in STARTS]
            if not all(each.complete for each in trained):
                raise Interrupted
            values[_excess(name)] = tuple(each.excess(length) for each in trained)
            values[_violation(name)] = tuple(
                float(each.history.violations[-1].max()) for each in trained
            )
            values[_gap(name)] = tuple(self._fall(each) for each in trained)
        return Observation(values, evidence=Trained(runs))

    def _fall(self, runs: Runs) -> float:
        """What is left at the end of the median gap at a tenth of the steps."""
        early = int(np.searchsorted(runs.history.steps, self.steps // 10))
        first, last = np.median(runs.history.gaps[[early, -1]], axis=1)
        zero = float(self.problem.squared_length / 2)
        # What is below the floor is rounding, which can have either sign.
        return 0.0 if last <= _ROUNDING * zero else float(last / first)


def _longest(beta1: float, beta2: float) -> float:
    """The direction of AdamW after gradients of which each is beta2 / beta1 times the last."""
    mean = square = 0.0
    for _ in range(_LONG):
        # In units of the gradient of the next step, which is then 1: numbers stay small.
        mean *= beta1 / beta2
        square *= (beta1 / beta2) ** 2
        mean, square = beta1 * mean + 1 - beta1, beta2 * square + 1 - beta2
    return mean / math.sqrt(square)


_LONGEST = "adamw: its longest direction"


def _excess(name: str) -> str:
    return f"{name}: violation beyond the proved bound, most at any step"


def _violation(name: str) -> str:
    return f"{name}: violation at the end, largest"


def _gap(name: str) -> str:
    return f"{name}: median gap, end / a tenth of the steps"
