"""The sandwich of the relaxation, and what would break it."""

from __future__ import annotations

from typing import Any

import pytest

from numerics.training.trainer import trainer
from theory.claims import FiniteWidthSandwich, finite_width_sandwich, verify
from theory.claims.base import Result
from theory.claims.finite_width_sandwich import _TIGHT, _Instance, _missing

SHORT = FiniteWidthSandwich(searched=1)


@pytest.fixture(scope="module")
def result() -> Result[Any, Any]:
    return verify(SHORT, trainer)


def test_it_holds(result: Result[Any, Any]) -> None:
    assert result.holds
    assert (
        result.observation.values["relaxations above the optimum, adamw, instances with n = 3"] == 0
    )
    assert len(result.prediction.certificates) == 9


@pytest.mark.parametrize("instance", _TIGHT, ids=lambda i: f"{i.optimizer}-{i.problem.n}")
def test_the_tight_instances_miss_as_many_neurons_as_the_theorem_allows(
    instance: _Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = instance.shift
    assert _missing(instance) == needed
    # What is missing is found without the theorem.
    monkeypatch.setattr(finite_width_sandwich, "_shift", lambda optimizer, n: needed - 1)
    assert _missing(instance) == needed


def test_where_every_neuron_adds_room_fewer_than_the_theorem_says_may_do(
    result: Result[Any, Any],
) -> None:
    most: dict[str, Any] = {
        key: value for key, value in result.observation.values.items() if key.startswith("most")
    }
    assert len(most) == 15
    assert any(value > 0 for value in most.values())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("neurons missing at width 1, adamw, tight with n = 3", 1),
        ("relaxations above the optimum, muon, instances with n = 2", 1),
        ("most neurons missing, colnorm, instances with n = 4", 4.0),
        ("proof, muon n 3 width 5", "invalid: cover"),
    ],
)
def test_an_observation_that_differs_makes_it_false(
    result: Result[Any, Any], key: str, value: Any
) -> None:
    assert key in result.observation.values
    assert not SHORT.compare(result.prediction.values, {**result.observation.values, key: value})
