"""The staircase of the penalised problem, predicted from vertices and counted by brute force."""

from fractions import Fraction

import pytest

from numerics.runs import train_runs
from theory import example
from theory.claims import CLAIMS, Staircase, verify
from theory.claims.staircase import _holds
from theory.connectivity import Step, optimal_polytope

SHORT = Staircase(searched=12)
SQUARE = "staircase-square, widths 1 to 4"


@pytest.fixture(scope="module")
def result():
    return verify(SHORT, train_runs)


def test_it_holds(result):
    assert result.holds
    assert CLAIMS["staircase"] == Staircase()
    assert len(result.prediction.certificates) == 5
    values = result.observation.values
    assert values[f"components, {SQUARE}"] == (0, 2, 2, 1)
    assert values["components in the ball of ngd, staircase-wedge, widths 1 to 3"] == (0, 1, 2)
    assert values["connected from width, staircase-hexagon"] == 6
    assert values["random instances connected before min(m* + M*, n + 1)"] > 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (f"components, {SQUARE}", (0, 2, 1, 1)),
        (f"components, labelled, {SQUARE}", (0, 2, 2, 1)),
        (f"isolated points, {SQUARE}", (0, 2, 2, 0)),
        ("connected from width, staircase-square", 5.0),
        ("least loss and penalty, staircase-cube", 75.1),
        ("widths of random instances at which one of the five statements fails", 1),
        ("proof, staircase-cube", "invalid: mu"),
    ],
)
def test_an_observation_that_differs_makes_it_false(result, key, value):
    assert key in result.observation.values
    assert not SHORT.compare(result.prediction.values, {**result.observation.values, key: value})


@pytest.mark.parametrize(
    "wrong",
    [
        Step(2, 2, 3, 1, 2),  # at m* = 2 not only points
        Step(3, 2, 12, 2, 12),  # above m* only points
        Step(4, 1, 1, 0, 0),  # at M* = 4 none
        Step(5, 1, 120, 1, 120),  # above M* one
        Step(6, 2, 2, 0, 0),  # from m* + M* on not connected
    ],
)
def test_each_statement_can_fail(wrong):
    optima = optimal_polytope(example("staircase-cube"), Fraction(3))
    assert _holds(optima.step(wrong.width), optima)
    assert not _holds(wrong, optima)
