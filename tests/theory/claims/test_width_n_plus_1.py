"""Connected at width n + 1, not at width n, and what would make the claim false."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import factorial
from typing import Any

import pytest

from numerics.training.trainer import trainer
from theory.certificates.checker import check
from theory.claims import CLAIMS, WidthNPlus1, verify, width_n_plus_1
from theory.claims.base import Result
from theory.claims.width_n_plus_1 import _at_every_level, _stays_low
from theory.landscape import analyse
from theory.landscape.cells import CellComplex
from theory.problem import Problem

SHORT = WidthNPlus1().quick()


@pytest.fixture(scope="module")
def result() -> Result[Any, Any]:
    return verify(SHORT, trainer)


def test_it_holds(result: Result[Any, Any]) -> None:
    assert result.holds
    assert result.prediction.values.keys() == result.observation.values.keys()
    for name, certificate in result.prediction.certificates.items():
        assert check(certificate, result.prediction.problems[name]).kind == "components"


@pytest.mark.parametrize(("name", "problem"), WidthNPlus1().counterexamples.items())
def test_counterexamples_have_n_factorial_components(name: str, problem: Problem) -> None:
    found = analyse(problem, problem.n, labelled=True)
    assert len(found.components) == factorial(problem.n)
    assert {merge.value for merge in found.merges} == {Fraction(1, 2)}
    assert len(analyse(problem, problem.n).components) == 1


def test_every_level_is_looked_at_and_width_n_would_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """At width n the same levels show components; so the search could find a violation."""
    problem = WidthNPlus1().counterexamples["two points"]
    assert set(_at_every_level(problem)) == {1}

    def narrower(of: Problem, width: int, **options: Any) -> CellComplex:
        return complex_of(of, of.n, **options)

    complex_of = CellComplex.of
    monkeypatch.setattr(CellComplex, "of", narrower)
    assert max(_at_every_level(problem)) == 2


def test_a_path_that_rises_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, first, second = next(SHORT._pairs(2, 2))
    assert _stays_low(problem, first, second)
    doubled = replace(first, a=tuple(8 * v + 1 for v in first.a))
    assert doubled.loss(problem) > max(first.loss(problem), second.loss(problem))
    monkeypatch.setattr(
        width_n_plus_1, "unconstrained_path", lambda *ends: [first, doubled, second]
    )
    assert not _stays_low(problem, first, second)
    monkeypatch.setattr(width_n_plus_1, "unconstrained_path", lambda *ends: [first, first])
    assert not _stays_low(problem, first, second)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sublevel sets at width 3 that are not connected, n = 2, d = 2", 1),
        ("pairs joined at their level, n = 8, d = 4, width 9", 9),
        ("components at width 2, labelled, two points", 1),
        ("barriers at width 2, labelled, two points", (0.4,)),
        ("proof, three roles width 4", "invalid: cover"),
    ],
)
def test_an_observation_that_differs_makes_it_false(
    result: Result[Any, Any], key: str, value: Any
) -> None:
    assert key in result.observation.values
    assert not SHORT.compare(result.prediction.values, {**result.observation.values, key: value})


def test_a_counterexample_that_is_none_makes_it_false() -> None:
    one = Problem(X=[[1, 0], [0, 1]], y=[1, 1])
    claim = replace(SHORT, counterexamples={"none": one}, searched=1, pairs=1)
    found = verify(claim, trainer)
    assert found.prediction.values["components at width 2, labelled, none"] == 1
    assert not found.holds


def test_the_one_that_is_verified_has_three_counterexamples() -> None:
    verified = CLAIMS["width-n-plus-1"]
    assert isinstance(verified, WidthNPlus1)
    assert [each.n for each in verified.counterexamples.values()] == [2, 3, 4]
