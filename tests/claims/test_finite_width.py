"""The sandwich of the relaxation, and what would break it."""

from dataclasses import replace

import pytest

from numerics.runs import train_runs
from theory.claims import FiniteWidth, verify
from theory.claims.finite_width import _TIGHT, _missing

SHORT = FiniteWidth(searched=10)


@pytest.fixture(scope="module")
def result():
    return verify(SHORT, train_runs)


def test_it_holds(result):
    assert result.holds
    assert result.observation.values["violations of the sandwich, random instances with n = 3"] == 0


@pytest.mark.parametrize("instance", _TIGHT, ids=["n=1", "n=2", "n=3", "n=4"])
def test_the_tight_instances_miss_as_many_neurons_as_the_theorem_allows(instance):
    assert _missing(instance) == instance.problem.n - 1
    # With a sharper theorem they would be counterexamples.
    assert _missing(replace(instance, shift=instance.shift - 1)) > instance.shift - 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("neurons missing at width 1, tight instance with n = 3", 1),
        ("violations of the sandwich, random instances with n = 2", 1),
        ("most neurons missing, random instances with n = 4", 4.0),
        ("least width that attains the relaxation, muon, n = 3, d = 2", 6),
    ],
)
def test_an_observation_that_differs_makes_it_false(result, key, value):
    assert key in result.observation.values
    assert not SHORT.compare(result.prediction.values, {**result.observation.values, key: value})
