"""Numbers of valleys over radius and width, and what would break the claim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from numerics.report.chapters import chapter
from numerics.training.trainer import trainer
from theory.certificates.checker import check
from theory.claims import CLAIMS, ValleysInBalls, verify
from theory.claims.base import Result

SHORT = ValleysInBalls().quick()
CASE = SHORT.cases[0]


@pytest.fixture(scope="module")
def result() -> Result[Any, Any]:
    return verify(SHORT, trainer)


def test_it_holds(result: Result[Any, Any]) -> None:
    assert result.holds
    assert CLAIMS["valleys-in-balls"] == ValleysInBalls()
    values: Any = result.prediction.values
    assert SHORT.counts(values, CASE, "adamw") == ((2, 2, 2), (3, 3, 1), (4, 3, 1), (5, 2, 1))
    assert SHORT.counts(values, CASE, "ngd") == ((2, 2, 2), (1, 1, 1), (1, 1, 1))
    assert values["valleys in a small ball by width, adamw, two points"] == (2, 3, 4, 5)


def test_theorems_are_put_to_the_test(result: Result[Any, Any]) -> None:
    by_theorem = [name for name in result.prediction.values if "by theorem" in name]
    assert len(by_theorem) == 2
    assert all(result.observation.values[name] == (1, 1, 1) for name in by_theorem)


def test_changes_are_bracketed_and_both_sides_proved(result: Result[Any, Any]) -> None:
    values: Any = result.prediction.values
    change = "between rho = 3/4 and 9/4, adamw, two points, width 2"
    bracket = values[f"radius at which the number changes {change}"]
    assert bracket.upper == 2  # both sides need one neuron from there on
    assert 0 < bracket.upper - bracket.lower <= bracket.upper / 1000
    assert values[f"valleys below and above the change {change}"] == (2, 1)
    for certificate in result.prediction.certificates.values():
        assert check(certificate, CASE.problem).kind == "all-valleys"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("valleys, adamw, two points, width 2", (3, 2, 1)),
        ("least loss, ngd, two points, width 1", (2.03125, 1.28125, 0.501)),
        ("depth of all spurious valleys, muon, two points, width 1", (0.21875, 0.4, 0.5)),
        ("valleys in a small ball by width, colnorm, two points", (2, 3, 4, 4)),
        (
            "radius at which the number changes between rho = 3/4 and 9/4, adamw, two points, "
            "width 2",
            2.002,
        ),
        ("valleys where none is spurious by theorem, ngd, two points, width 3", (1, 2, 1)),
    ],
)
def test_an_observation_that_differs_makes_it_false(
    result: Result[Any, Any], key: str, value: Any
) -> None:
    assert key in result.observation.values
    assert not SHORT.compare(result.prediction.values, {**result.observation.values, key: value})


def test_each_ball_has_a_picture(result: Result[Any, Any], tmp_path: Path) -> None:
    told = chapter(result, tmp_path, 0.0)
    for optimizer in CASE.widths:
        assert f"two points, {optimizer}: the number of valleys" in told.body
