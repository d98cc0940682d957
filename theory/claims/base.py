"""What a claim is: a statement with a prediction from theory and an observation that tests it.

`predict` uses exact theory only, `observe` solvers or training only, and `compare` is one line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol, TypeAlias

from theory.landscape import Analysis

Value: TypeAlias = "Fraction | float | int | str | tuple[Value, ...]"
Values: TypeAlias = Mapping[str, Value]
Progress: TypeAlias = Callable[[str, int], None]

TOLERANCE = 1e-9
"""Predictions are exact and observations float64, whose error on small problems is far below."""


@dataclass(frozen=True)
class Prediction:
    """What theory says: exact values, their proofs, and the landscapes they were read from.

    Certificates and analyses are named alike, after the kind of landscape.
    """

    values: Values
    certificates: Mapping[str, dict[str, Any]]
    analyses: Mapping[str, Analysis]


class Claim(Protocol):
    """One theorem or example; see `theory.claims.small_width_separation` for the pattern."""

    @property
    def id(self) -> str:
        """The name on the command line."""

    @property
    def statement(self) -> str:
        """What is claimed, in a sentence."""

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""

    @property
    def source(self) -> str:
        """Paper and theorem."""

    def predict(self, progress: Progress) -> Prediction:
        """Exact values from theory, with certificates."""

    def observe(self, certificates: Mapping[str, dict[str, Any]], progress: Progress) -> Values:
        """The same quantities by other means: an independent checker, floats, training."""

    def compare(self, predicted: Values, observed: Values) -> bool:
        """Whether the claim holds."""


@dataclass(frozen=True)
class Result:
    """The outcome of one claim."""

    claim: Claim
    holds: bool
    prediction: Prediction
    observed: Values


def verify(claim: Claim, progress: Progress = lambda stage, count: None) -> Result:
    """Predict, observe, compare."""
    prediction = claim.predict(progress)
    observed = claim.observe(prediction.certificates, progress)
    return Result(claim, claim.compare(prediction.values, observed), prediction, observed)


def agree(predicted: Values, observed: Values) -> bool:
    """The same quantities with equal values, up to TOLERANCE (relative above 1) for numbers."""
    return predicted.keys() == observed.keys() and all(
        _equal(value, observed[name]) for name, value in predicted.items()
    )


def _equal(first: Value, second: Value) -> bool:
    if isinstance(first, tuple) and isinstance(second, tuple):
        return len(first) == len(second) and all(map(_equal, first, second))
    if isinstance(first, Fraction | float) and isinstance(second, Fraction | float):
        return abs(float(first) - float(second)) <= TOLERANCE * max(1.0, abs(float(first)))
    return first == second
