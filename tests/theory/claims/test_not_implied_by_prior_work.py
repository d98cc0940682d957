"""Connected without a ball, split in it; and what would break the claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from numerics.training.trainer import trainer
from theory.claims import NotImpliedByPriorWork, verify
from theory.claims.base import Result
from theory.claims.instances import instance, split_by_the_ball

ADAMW = instance("non-monotone", "adamw", "1/2")
MUON = instance("split-by-muon-1", "muon", "6/5")
SHORT = NotImpliedByPriorWork((ADAMW, MUON))


@pytest.fixture(scope="module")
def result() -> Result[Any, Any]:
    return verify(SHORT, trainer)


def test_it_holds(result: Result[Any, Any]) -> None:
    assert result.holds
    values: Mapping[str, Any] = result.prediction.values
    assert values["radius of the classical path, non-monotone in adamw's ball rho = 1/2"] == 1
    assert values["least radius of any path, non-monotone in adamw's ball rho = 1/2"] == Fraction(
        2, 3
    )
    # No neuron to spare at width n: only the landscape has a path.
    muon = values["radius of the landscape's path, split-by-muon-1 in muon's ball rho = 6/5"]
    assert MUON.rho < muon.lower <= muon.upper < Fraction(13, 10)
    assert len(result.prediction.certificates) == 4


def test_there_are_three_of_each_optimizer_and_some_where_every_theorem_on_width_applies() -> None:
    instances = split_by_the_ball()
    for optimizer in ("adamw", "muon"):
        here = [each for each in instances if each.optimizer == optimizer]
        assert len(here) >= 3
        assert any(each.width > each.problem.n for each in here)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("components at width 3, modulo permutation, non-monotone in adamw's ball rho = 1/2", 1),
        ("components at width 3 without a ball, labelled, non-monotone", 2),
        ("radius of the classical path, non-monotone in adamw's ball rho = 1/2", 0.5),
        ("largest loss on the classical path, non-monotone in adamw's ball rho = 1/2", 1e-3),
        ("proof, split-by-muon-1 muon rho 6-5 in the ball", "invalid: cuts"),
    ],
)
def test_an_observation_that_differs_makes_it_false(
    result: Result[Any, Any], key: str, value: Any
) -> None:
    assert key in result.observation.values
    assert not SHORT.compare(result.prediction.values, {**result.observation.values, key: value})


def test_fits_that_are_split_without_a_ball_do_not_serve() -> None:
    claim = NotImpliedByPriorWork((instance("split-in-muon", "muon", "3"),))
    values = claim.predict(lambda stage, count: None).values
    assert values["components at width 2 without a ball, labelled, split-in-muon"] == 2
    assert not claim.compare(values, values)


def test_nor_do_fits_that_the_ball_does_not_split() -> None:
    claim = NotImpliedByPriorWork((replace(ADAMW, rho=Fraction(3, 4)),))
    values = claim.predict(lambda stage, count: None).values
    ball = "non-monotone in adamw's ball rho = 3/4"
    assert values[f"components at width 3, modulo permutation, {ball}"] == 1
    assert not claim.compare(values, values)
