"""The convex programs' optima against the best of many trained networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.claims.base import (
    AnyRuns,
    Bounds,
    Observation,
    Prediction,
    Progress,
    Trainer,
    Value,
    Values,
)
from theory.errors import Interrupted
from theory.landscape import analyse
from theory.problem import example
from theory.programs import solve

_OPTIMIZERS = ("adamw", "lion", "muon", "ngd", "colnorm", "muon-adamw")
_ROUNDING = 1e-12  # of float64 losses, relative to the loss of zero weights
_REACHED = 1e-3  # a loss this far above the optimum, in the same units, has reached it


@dataclass(frozen=True)
class ConvexEqualsNonconvex:
    """The claim, on shipped data sets at radii where the optimum is positive."""

    examples: tuple[str, ...] = ("flagship", "separation-01")
    rho: Fraction = Fraction(3, 2)
    seeds: int = 128
    steps: int = 6_000

    id = "convex-equals-nonconvex"
    source = (
        "Pilanci, Ergen, ICML 2020, for ngd; the other balls: proofs_notes/group-lasso.md, "
        "sup-norm.md, two-summing.md, matrix-fractional.md"
    )

    @property
    def statement(self) -> str:
        """What is claimed, in a sentence."""
        return (
            "In each optimizer's ball the optimum of training, which convex programs and a search "
            "of all cells prove from both sides, is a lower bound of every trained network, and "
            "the best of many random starts attains it."
        )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        return (
            f"data sets {', '.join(self.examples)} at their widths, rho = {self.rho}",
            f"training: {self.seeds} random starts, {self.steps:,} steps each; a network that "
            "ends a little outside the ball is shrunk into it",
            f"attained: within {_REACHED:g} of the optimum, relative to the loss of zero weights; "
            "the share of runs that do is measured, not predicted",
        )

    def predict(self, progress: Progress) -> Prediction:
        """The optima as proved intervals, with certificates."""
        values: dict[str, Value] = {}
        certificates, problems = {}, {}
        for name in self.examples:
            problem = example(name)
            for optimizer in _OPTIMIZERS:
                found = solve(
                    problem, optimizer, rho=self.rho, width=problem.width, progress=progress
                )
                assert found.lower is not None
                key = f"{name} {optimizer}"
                values[_best(key)] = Bounds(found.lower, found.upper)
                values[_share(key)] = "more than 0"
                values[_proof(key)] = "valid"
                certificates[key], problems[key] = certify(found), problem
        return Prediction(values, certificates, problems)

    def observe(
        self, prediction: Prediction, train: Trainer[AnyRuns], progress: Progress
    ) -> Observation[AnyRuns]:
        """The checker's verdict, and training."""
        values: dict[str, Value] = {}
        for name in self.examples:
            problem = example(name)
            assert problem.width is not None
            analysis = analyse(problem, problem.width, progress=progress)
            zero = float(sum(v * v for v in problem.y) / 2)
            for optimizer in _OPTIMIZERS:
                key = f"{name} {optimizer}"
                try:
                    check(prediction.certificates[key], problem)
                    values[_proof(key)] = "valid"
                except CertificateInvalid as error:
                    values[_proof(key)] = f"invalid: {error}"
                runs = train(
                    analysis,
                    optimizer,
                    self.rho,
                    seeds=self.seeds,
                    steps=self.steps,
                    progress=progress,
                )
                if not runs.complete:
                    raise Interrupted
                losses = runs.inside
                bounds = prediction.values[_best(key)]
                assert isinstance(bounds, Bounds)
                share = float((losses <= float(bounds.upper) + _REACHED * zero).mean())
                values[_share(key)] = f"{share:.0%}" if share else "none"
                values[_best(key)] = float(losses.min())
        return Observation(values, {})

    def compare(self, predicted: Values, observed: Values) -> bool:
        """No network is below its bound, some attain it, and the proofs are valid."""
        for key, value in predicted.items():
            seen = observed[key]
            if isinstance(value, Bounds):
                slack = _ROUNDING * max(1.0, float(value.upper))
                if not isinstance(seen, float) or seen < float(value.lower) - slack:
                    return False
            elif key.startswith("share"):
                if seen == "none":
                    return False
            elif seen != value:
                return False
        return True


def _best(key: str) -> str:
    return f"least loss, {key}"


def _share(key: str) -> str:
    return f"share of runs that attain it, {key}"


def _proof(key: str) -> str:
    return f"proof, {key}"
