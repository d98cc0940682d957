"""The staircase of the penalised problem, predicted from vertices and counted by brute force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from numerics.training.trainer import trainer
from theory import example
from theory.claims import CLAIMS, Staircase, verify
from theory.claims.base import Result
from theory.claims.staircase import _holds, _Optima, _random
from theory.connectivity import Step, active_directions, optimal_polytope, staircase
from theory.errors import InputError, Undecided
from theory.problem import Problem

SHORT = Staircase(searched=6)
SQUARE = "staircase-square, widths 1 to 4"


@pytest.fixture(scope="module")
def result() -> Result[Any, Any]:
    return verify(SHORT, trainer)


def test_it_holds(result: Result[Any, Any]) -> None:
    assert result.holds
    assert CLAIMS["staircase"] == Staircase()
    assert len(result.prediction.certificates) == 5
    values: Mapping[str, Any] = result.observation.values
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
def test_an_observation_that_differs_makes_it_false(
    result: Result[Any, Any], key: str, value: Any
) -> None:
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
def test_each_statement_can_fail(wrong: Step) -> None:
    optima = optimal_polytope(example("staircase-cube"), Fraction(3))
    assert _holds(optima.step(wrong.width), optima)
    assert not _holds(wrong, optima)


@pytest.mark.parametrize(("name", "beta"), [("cube", 3), ("prism", 10), ("square", 5)])
def test_a_direction_that_theory_forgets_is_noticed(
    monkeypatch: pytest.MonkeyPatch, name: str, beta: int
) -> None:
    """The directions that are observed are found anew."""
    claim = Staircase(((f"staircase-{name}", Fraction(beta)),), searched=0)
    monkeypatch.setattr(staircase, "active_directions", _all_but_the_last)
    result = verify(claim, trainer)
    assert not result.holds
    key = next(key for key in result.prediction.values if key.startswith("components, labelled"))
    assert result.prediction.values[key] != result.observation.values[key]


def test_random_instances_notice_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the direction is used, and at widths where brute force is quick."""
    drawn = list(_random(7, 0))
    counts = [
        [optima.step(m) for m in optima.few]
        for optima in (_Optima(*each, (Fraction(1),) * each[0].n) for each in drawn)
    ]

    def predicted(each: tuple[Problem, Fraction], steps: list[Step]) -> list[Step] | None:
        try:
            return [optimal_polytope(*each).step(step.width) for step in steps]
        except Undecided:
            return None  # no combination of those that are left fits

    assert list(map(predicted, drawn, counts)) == counts
    monkeypatch.setattr(staircase, "active_directions", _all_but_the_last)
    assert sum(predicted(*each) != each[1] for each in zip(drawn, counts, strict=True)) > 4


def _all_but_the_last(*data: Any, **options: Any) -> Any:
    square, directions = active_directions(*data, **options)
    return square, directions[:-1]


def test_what_is_observed_proves_that_it_is_optimal() -> None:
    problem = example("staircase-cube")
    nu = (Fraction(1),) * problem.n
    found, theory = _Optima(problem, Fraction(3), nu), optimal_polytope(problem, Fraction(3))
    assert sorted(found.images) == sorted(each.image for each in theory.directions)
    assert (found.fewest, found.most, found.rank) == (theory.fewest, theory.most, theory.rank)
    with pytest.raises(InputError, match="nu: its beta is the root of 9, not 4"):
        _Optima(problem, Fraction(4), nu)
    with pytest.raises(InputError, match="nu: leaves a fit that no neurons have"):
        _Optima(replace(problem, y=(*problem.y[:-1], problem.y[-1] + 1)), Fraction(3), nu)
