"""Weight decay confines an optimizer to its norm ball, and there it finds stationary points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from theory.claims.base import (
    AnyRuns,
    Observation,
    Prediction,
    Progress,
    Trainer,
    Value,
    Values,
    agree,
)
from theory.errors import Interrupted
from theory.landscape import analyse
from theory.problem import Problem, example

_BOUNDED = ("lion", "muon", "ngd")  # their directions have norm one at most; AdamW's can be longer
_OPTIMIZERS = ("adamw", *_BOUNDED)
_FACTOR = 5  # by which violations and gaps have to fall from a tenth of the steps to the end
_ROUNDING = 1e-12  # of a Frank-Wolfe gap, relative to the loss of zero weights
_VANISHED = 1e-3  # a violation this small has gone


@dataclass(frozen=True)
class ImplicitBias:
    """The claim, on one data set at one radius."""

    problem: Problem = field(default_factory=lambda: example("flagship"))
    rho: Fraction = Fraction(3, 2)
    seeds: int = 64
    steps: int = 20_000
    start_scale: float = 6.0

    id = "implicit-bias"
    source = (
        "Chen, Liu, Liang, Liu, arXiv 2310.05898; Xie, Li, arXiv 2404.04454; Chen, Li, Liu, "
        "arXiv 2506.15054; the bound of the violation: proofs_notes/implicit-bias.md"
    )

    @property
    def statement(self) -> str:
        """What is claimed, in a sentence."""
        return (
            f"Trained with weight decay 1/R on the data set {self.problem.name or 'given'}, "
            f"R^2 = {self.rho}, networks that start far outside the optimizer's ball enter it, no "
            "later than weight decay alone would bring them there (Lion, Muon, NGD), and end, "
            "as the learning rate decays, near points that are stationary in the ball."
        )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        return (
            f"training: {self.seeds} random starts of scale {self.start_scale:g}, "
            f"{self.steps:,} steps, learning rate falling to 1/101 of its first",
            "theorem: directions of norm at most one keep ||theta|| - R below (||theta_0|| - R) "
            "times the product of the factors 1 - lr/R, at every step",
            "limit theorem, measured at its way: the Frank-Wolfe gap, zero where no small step "
            f"within the ball lowers the loss to first order, has fallen by {_FACTOR} times from "
            "a tenth of the steps to the end, in the median over the starts",
        )

    def predict(self, progress: Progress) -> Prediction:
        """From theory alone."""
        values: dict[str, Value] = {}
        for name in _OPTIMIZERS:
            if name in _BOUNDED:
                values[_excess(name)] = Fraction()
            values[_violation(name)] = "gone"
            values[_gap(name)] = f"falls by {_FACTOR} times or more"
        return Prediction(values, {}, {})

    def observe(
        self, prediction: Prediction, train: Trainer[AnyRuns], progress: Progress
    ) -> Observation[AnyRuns]:
        """Training, recorded on the way."""
        assert self.problem.width is not None
        analysis = analyse(self.problem, self.problem.width, progress=progress)
        values: dict[str, Value] = {}
        runs = {}
        for name in _OPTIMIZERS:
            runs[name] = train(
                analysis,
                name,
                self.rho,
                seeds=self.seeds,
                steps=self.steps,
                start_scale=self.start_scale,
                record_every=max(1, self.steps // 4000),
                progress=progress,
            )
            if not runs[name].complete:
                raise Interrupted
            history = runs[name].history
            if name in _BOUNDED:
                values[_excess(name)] = runs[name].excess
            last = float(np.median(history.violations[-1]))
            values[_violation(name)] = "gone" if last <= _VANISHED else f"{last:.2g} is left"
            early = int(np.searchsorted(history.steps, self.steps // 10))
            # Below the floor a gap is rounding, which can have either sign.
            floor = _ROUNDING * float(sum(v * v for v in self.problem.y) / 2)
            fall = float(np.median(history.gaps[early])) / max(
                float(np.median(history.gaps[-1])), floor
            )
            enough = fall >= _FACTOR
            values[_gap(name)] = f"falls by {_FACTOR} times or more" if enough else f"{fall:.2g}"
        return Observation(values, runs)

    def compare(self, predicted: Values, observed: Values) -> bool:
        """Theory and observation agree."""
        return agree(predicted, observed)


def _excess(name: str) -> str:
    return f"{name}: largest excess of ||theta|| / R - 1 over what weight decay leaves of it"


def _violation(name: str) -> str:
    return f"{name}: violation of the ball at the end, median"


def _gap(name: str) -> str:
    return f"{name}: Frank-Wolfe gap, median"
