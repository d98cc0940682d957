"""Barriers at every alignment, and what would make the claim false."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import permutations
from typing import Any

import pytest
from learned import Learner

from theory.certificates.checker import check
from theory.claims import PermutationIsNotEnough, permutation_is_not_enough, verify
from theory.claims.base import Result
from theory.claims.float_landscape import float_landscape
from theory.claims.permutation_is_not_enough import Case
from theory.claims.training import LearnCurves
from theory.loading import example

CLAIM = PermutationIsNotEnough()


def silent(stage: str, count: int) -> None:
    """Progress that nobody sees."""


@dataclass(frozen=True)
class Pretence:
    """Curves of one height, at any alignment; remembers between which networks."""

    height: float
    asked: list[Any]

    def __call__(self, asked: LearnCurves, progress: Any) -> Any:
        self.asked.append(asked.pairs)
        heights = [self.height] * len(asked.pairs)
        return dict.fromkeys(("polychain", "bezier"), heights)


@pytest.fixture(scope="module", autouse=True)
def remembered() -> Iterator[Any]:
    """Brute force, which no test changes, is done once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(permutation_is_not_enough, "float_landscape", cache(float_landscape))
        yield


@pytest.fixture(scope="module")
def result() -> Result[Any, Any]:
    return verify(CLAIM, Learner(steps=200))


def test_it_holds(result: Result[Any, Any]) -> None:
    assert result.holds
    values: Mapping[str, Any] = result.prediction.values
    assert values.keys() == result.observation.values.keys()
    assert values["barrier modulo permutation, flagship"] == Fraction(32, 45)
    assert values["labelled barriers at each alignment, flagship"] == (Fraction(32, 45), 2)
    assert values["barrier modulo permutation, five points"] == Fraction(8, 29)
    assert len(values["labelled barriers at each alignment, five points"]) == 6
    assert values["labelled barriers at each alignment, two points"] == (Fraction(1, 2), 0)
    for name, certificate in result.prediction.certificates.items():
        assert check(certificate, result.prediction.problems[name]).kind == "barrier"


def test_theory_predicts_the_least_over_alignments(result: Result[Any, Any]) -> None:
    for name in CLAIM.cases:
        labelled: Any = result.prediction.values[f"labelled barriers at each alignment, {name}"]
        modulo = result.prediction.values[f"barrier modulo permutation, {name}"]
        assert min(labelled) == modulo


def test_learned_curves_come_near_the_barrier(result: Result[Any, Any]) -> None:
    for name in ("flagship", "five points"):
        share: Any = result.observation.measured[
            f"barrier / lowest maximum over all alignments, polychain, {name}"
        ]
        assert 0.9 < share <= 1


def test_curves_are_between_the_first_network_and_every_order_of_the_second(
    result: Result[Any, Any],
) -> None:
    trainer: Any = Pretence(1.0, [])
    CLAIM.observe(result.prediction, trainer, silent)
    for pairs, barrier in zip(trainer.asked, result.prediction.evidence, strict=True):
        first, second = barrier.networks
        orders = permutations(range(barrier.width))
        assert [pair[1] for pair in pairs] == [first] * len(pairs)
        assert {pair[2] for pair in pairs} == {second.permuted(order) for order in orders}


@pytest.mark.parametrize(
    ("height", "below"), [(0.71, 2), (32 / 45 * (1 - 1e-12), 0), (0.72, 0), (float("nan"), 2)]
)
def test_one_curve_below_makes_it_false(
    result: Result[Any, Any], height: float, below: int
) -> None:
    """Rounding does not, and a height that is no number is not taken for a curve above."""
    claim = replace(CLAIM, cases={"flagship": CLAIM.cases["flagship"]})
    prediction = claim.predict(silent)
    trainer: Any = Pretence(height, [])
    observed = claim.observe(prediction, trainer, silent).values
    assert observed["alignments with a curve below the barrier, bezier, flagship"] == below
    assert observed["alignments with a curve below the barrier, linear, flagship"] == 0
    assert claim.compare(prediction.values, observed) is (below == 0)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("barrier modulo permutation, flagship", 0.0),
        ("labelled barriers at each alignment, two points", (0.0, 0.0)),
        ("lowest maximum over all alignments, linear, two points", 0.1),
        ("proof, flagship labelled", "invalid: cut"),
    ],
)
def test_an_observation_that_differs_makes_it_false(
    result: Result[Any, Any], key: str, value: Any
) -> None:
    assert key in result.observation.values
    assert not CLAIM.compare(result.prediction.values, {**result.observation.values, key: value})


@pytest.mark.parametrize(
    ("case", "holds"),
    [
        (Case(example("flagship"), 2), True),
        (Case(example("flagship"), 2, enough=True), False),
        (Case(example("two-points"), 2, enough=True), True),
    ],
)
def test_what_is_enough_is_said_by_the_barrier(case: Case, holds: bool) -> None:
    assert verify(replace(CLAIM, cases={"it": case}), Learner(steps=20)).holds is holds
