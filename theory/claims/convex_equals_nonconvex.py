"""The convex programs' optima against the best of many trained networks.

Setting: training at a width in each optimizer's ball.

Claim: the optimum that convex programs and a search of all cells prove is a lower bound of every
trained network, and the best of many attains it.

Tight: from both sides, exactly for AdamW and Lion; that training attains it is measured.

Predicted: the optima as intervals, with proofs.

Observed: training, and the checker.

Source: Pilanci, Ergen, ICML 2020, for ngd; `dual-points` for the other balls.

Note: proofs_notes/convex-equals-nonconvex.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Self

from theory.certificates import certify
from theory.claims.base import (
    VALID,
    Bounds,
    Claim,
    Observation,
    Prediction,
    Trainer,
    Value,
    Values,
    proof,
)
from theory.claims.training import Runs, Trained, TrainRuns
from theory.errors import Interrupted
from theory.landscape import analyse
from theory.loading import example
from theory.programs import solve
from theory.types import Progress
from theory.within import Ball

_OPTIMIZERS = ("adamw", "lion", "muon", "ngd", "colnorm", "muon-adamw")
_ROUNDING = Fraction(1, 10**12)  # of float64 losses
REACHED = Fraction(1, 10_000)
"""A loss this far above the optimum has reached it; in units of the loss of zero weights, like
_ROUNDING."""


@dataclass(frozen=True)
class ConvexEqualsNonconvex(Claim):
    """The claim, on shipped data sets, each at a rho.

    seeds, steps: of the training, for each data set and optimizer.
    """

    instances: tuple[tuple[str, Fraction], ...] = (
        ("flagship", Fraction(3, 2)),
        ("separation-01", Fraction(3, 2)),
        ("flagship", Fraction(4)),  # every ball holds a network that fits
    )
    seeds: int = 64
    steps: int = 6_000

    id = "convex-equals-nonconvex"
    source = (
        "Pilanci, Ergen, ICML 2020, for ngd; the other balls: proofs_notes/group-lasso.md, "
        "sup-norm.md, two-summing.md, matrix-fractional.md"
    )

    statement = (
        "In each optimizer's ball the optimum of training, which convex programs and a search "
        "of all cells prove from both sides, is a lower bound of every trained network, and "
        "the best of many random starts attains it."
    )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        sets = ", ".join(f"{name} at $rho = {rho}$" for name, rho in self.instances)
        return (
            f"data sets at their widths: {sets}",
            f"training: {self.seeds} random starts, {self.steps:,} steps each; a network that "
            "ends a little outside the ball is shrunk into it",
            "theorem: no network in the ball is below the lower bound (here: by more than "
            f"{float(_ROUNDING):g} of the loss of zero weights, for rounding)",
            f"observation: at least one run attains the optimum, to within {REACHED} of the loss "
            "of zero weights; how many come as near to the best of them is measured, not predicted",
        )

    def quick(self) -> Self:
        """One data set at its two radii, half as many starts."""
        return replace(self, instances=self.instances[::2], seeds=32)

    def predict(self, progress: Progress) -> Prediction[None]:
        """The optima as proved intervals, with certificates."""
        values: dict[str, Value] = {}
        certificates, problems, proofs = {}, {}, {}
        for name, rho in self.instances:
            problem = example(name)
            for optimizer in _OPTIMIZERS:
                found = solve(problem, Ball(optimizer, rho), width=problem.width, progress=progress)
                assert found.lower is not None
                key = _key(name, rho, optimizer)
                values[_best(key)] = Bounds(found.lower, found.upper)
                values[proof(key)], proofs[_best(key)] = VALID, (key,)
                certificates[key], problems[key] = certify(found), problem
        return Prediction(values, certificates, problems, proofs=proofs)

    def observe(
        self, prediction: Prediction[None], train: Trainer, progress: Progress
    ) -> Observation[Trained[Runs]]:
        """The checker's verdict, and training."""
        values = prediction.verdicts()
        trained: dict[str, Runs] = {}
        measured: dict[str, Value] = {}
        for name, rho in self.instances:
            problem = example(name)
            assert problem.width is not None
            analysis = analyse(problem, problem.width, progress=progress)
            for optimizer in _OPTIMIZERS:
                key = _key(name, rho, optimizer)
                asked = TrainRuns(analysis, Ball(optimizer, rho), self.seeds, self.steps)
                runs = train(asked, progress)
                if not runs.complete:
                    raise Interrupted
                trained[key] = runs
                best = float(runs.inside.min())
                near = runs.inside <= best + float(REACHED * problem.squared_length / 2)
                values[_best(key)], measured[_share(key)] = best, float(near.mean())
        return Observation(values, measured, Trained(trained))

    def compare(self, predicted: Values, observed: Values) -> bool:
        """No network is below its bound, the best attains it, and the proofs are valid."""
        for name, rho in self.instances:
            zero = example(name).squared_length / 2
            for optimizer in _OPTIMIZERS:
                key = _key(name, rho, optimizer)
                bounds, best = predicted[_best(key)], observed[_best(key)]
                assert isinstance(bounds, Bounds)
                assert isinstance(best, float)
                lowest = float(bounds.lower - _ROUNDING * zero)
                highest = float(bounds.upper + REACHED * zero)
                valid = observed[proof(key)] == predicted[proof(key)]
                if not (lowest <= best <= highest and valid):
                    return False
        return True


def optimum(prediction: Prediction[None], key: str) -> Bounds:
    """The proved optimum of one of the certificates."""
    bounds = prediction.values[_best(key)]
    assert isinstance(bounds, Bounds)
    return bounds


def _key(name: str, rho: Fraction, optimizer: str) -> str:
    return f"{name} {optimizer} rho {float(rho):g}"


def _best(key: str) -> str:
    return f"least loss, {key}"


def _share(key: str) -> str:
    return f"share of runs as low as the best, {key}"
