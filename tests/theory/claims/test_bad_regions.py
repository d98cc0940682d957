"""Shares of good and bad regions, exactly and in floats, and what would break the claim."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from numerics.report.chapters import chapter
from numerics.training.trainer import trainer
from theory.claims import CLAIMS, BadRegions, verify
from theory.claims.base import Result
from theory.within import Ball, Penalty

SHORT = BadRegions().quick()
CASE = SHORT.cases[0]


@pytest.fixture(scope="module")
def result() -> Result[Any, Any]:
    return verify(SHORT, trainer)


def test_it_holds(result: Result[Any, Any]) -> None:
    assert result.holds
    assert CLAIMS["bad-regions"] == BadRegions()
    good, bad = SHORT.shares(result.prediction.values, CASE, Ball("adamw", "1/100"))
    assert good == tuple(Fraction(1, 4**m) for m in range(1, CASE.width + 1))
    assert bad[:2] == (Fraction(1, 4), Fraction(3, 16))
    _, bad = SHORT.shares(result.prediction.values, CASE, Penalty("1/2"))
    assert bad == (Fraction(1, 4), *(2 * Fraction(1, 4**m) for m in range(2, CASE.width + 1)))


def test_a_predicted_share_that_rises_in_a_small_ball_makes_it_false(
    result: Result[Any, Any],
) -> None:
    key = (
        "share of regions with a global minimum, by width, two points, in adamw's ball rho = 1/100"
    )
    rising = {key: (Fraction(1, 4),) * CASE.width}
    both = [{**result.prediction.values, **rising}, {**result.observation.values, **rising}]
    assert not SHORT.compare(*both)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("share of regions with a global minimum, by width, two points, anywhere", 0.25),
        ("share of regions with a bad local minimum, by width, two points, anywhere", (0.25,)),
        ("least loss, by width, two points, anywhere", (0.5, 0, 0, 0, 0, 0.1)),
        (
            "share of regions with a bad local minimum, by width, two points, with the penalty "
            "beta = 1/2",
            (0.25,) * 6,
        ),
    ],
)
def test_an_observation_that_differs_makes_it_false(
    result: Result[Any, Any], key: str, value: Any
) -> None:
    assert key in result.observation.values
    assert not SHORT.compare(result.prediction.values, {**result.observation.values, key: value})


def test_each_data_set_has_a_picture(result: Result[Any, Any], tmp_path: Path) -> None:
    told = chapter(result, tmp_path, 0.0)
    assert "two points: the share of activation regions" in told.body
