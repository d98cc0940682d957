"""The claim that trained networks respect and attain the proved optima."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from numerics.training.trainer import trainer
from theory.certificates.checker import check
from theory.claims import Bounds, ConvexEqualsNonconvex, verify
from theory.claims.base import Result
from theory.claims.convex_equals_nonconvex import optimum

RHO = Fraction(3, 2)
SHORT = ConvexEqualsNonconvex(instances=(("flagship", RHO),), seeds=32)


@pytest.fixture(scope="module")
def result() -> Result[Any, Any]:
    return verify(SHORT, trainer)


def test_it_holds_with_certificates(result: Result[Any, Any]) -> None:
    assert result.holds
    exact = Bounds(Fraction(13, 20), Fraction(13, 20))
    assert optimum(result.prediction, "flagship adamw rho 1.5") == exact
    for name, certificate in result.prediction.certificates.items():
        check(certificate, result.prediction.problems[name])
    assert len(result.prediction.certificates) == 6


def test_the_share_is_measured_and_predicted_by_nothing(result: Result[Any, Any]) -> None:
    for key, runs in result.observation.evidence.runs.items():
        limit = runs.inside.min() + 37 / 2 / 10_000  # y = (5, 2, 2, 2)
        name = f"share of runs as low as the best, {key}"
        assert result.observation.measured[name] == sum(runs.inside <= limit) / SHORT.seeds
        assert name not in result.prediction.values


BEST = "least loss, flagship lion rho 1.5"


@pytest.mark.parametrize(
    ("key", "value", "holds"),
    [
        (BEST, 0.65 - 1e-13, True),  # rounding
        (BEST, 0.65 - 1e-9, False),  # below its bound
        (BEST, float("nan"), False),
        (BEST, 0.65 + 1e-3, True),  # attained: 1e-4 of the loss of zero weights above
        (BEST, 0.65 + 2e-3, False),
        ("proof, flagship ngd rho 1.5", "invalid: value", False),
    ],
)
def test_what_makes_it_false(result: Result[Any, Any], key: str, value: Any, holds: Any) -> None:
    assert key in result.observation.values
    changed = {**result.observation.values, key: value}
    assert SHORT.compare(result.prediction.values, changed) is holds


def test_networks_that_were_hardly_trained_do_not_attain_the_optimum(
    result: Result[Any, Any],
) -> None:
    short = replace(SHORT, seeds=16, steps=3)
    observed = short.observe(result.prediction, trainer, lambda stage, count: None)
    assert not short.compare(result.prediction.values, observed.values)
    # Their proofs are as valid as above.
    assert observed.values.items() >= result.prediction.verdicts().items()


def test_an_exact_fit_is_an_optimum_too() -> None:
    claim = ConvexEqualsNonconvex(instances=(("flagship", Fraction(4)),), seeds=16, steps=2000)
    result = verify(claim, trainer)
    assert result.holds
    assert optimum(result.prediction, "flagship lion rho 4") == Bounds(Fraction(), Fraction())
