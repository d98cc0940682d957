"""The claim that weight decay leads into the ball, and what would make it false."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from numerics.optimizers import Schedule
from numerics.runs import Runs, train_runs
from numerics.training import train
from theory import example
from theory.claims import ImplicitBias, verify

FLAGSHIP = example("flagship")
SHORT = ImplicitBias(seeds=16, steps=4000)


@pytest.fixture(scope="module")
def result():
    return verify(SHORT, train_runs)


def test_it_holds_and_compares_what_it_predicts(result):
    assert result.holds
    assert result.prediction.values.keys() == result.observation.values.keys()
    assert set(result.observation.runs) == {"adamw", "lion", "muon", "ngd"}
    for runs in result.observation.runs.values():
        assert (runs.history.violations[0] > 0).all()  # they start outside


def test_an_observation_that_differs_makes_it_false(result):
    for key, value in {
        "lion: largest excess of ||theta|| / R - 1 over what weight decay leaves of it": 1e-3,
        "muon: violation of the ball at the end, median": "0.1 is left",
        "adamw: Frank-Wolfe gap, median": "1.5",
    }.items():
        assert key in result.observation.values
        changed = {**result.observation.values, key: value}
        assert not SHORT.compare(result.prediction.values, changed)


def test_too_few_steps_make_it_false():
    assert not verify(replace(SHORT, steps=20), train_runs).holds


@pytest.mark.parametrize("name", ["lion", "signsgd", "muon", "ngd", "colnorm", "muon-adamw"])
@pytest.mark.parametrize("start_scale", [0.1, 8.0])
def test_the_bound_holds_at_every_step(name, start_scale):
    result = train(
        FLAGSHIP, 2, name, 2, seeds=16, steps=300, start_scale=start_scale, record_every=1
    )
    runs = Runs(result, None)
    # The output layer of muon-adamw is AdamW's, whose directions can be longer than one.
    assert runs.excess <= (0.1 if name == "muon-adamw" else 1e-12)


def test_steps_that_are_too_long_exceed_the_bound():
    fast = train(
        FLAGSHIP,
        2,
        "lion",
        2,
        seeds=16,
        steps=200,
        start_scale=0.01,
        record_every=1,
        schedule=Schedule(initial=3.0),  # lr lambda > 1: no longer a convex combination
    )
    assert Runs(fast, None).excess > 0.1


def test_networks_shrunk_into_the_ball_are_inside():
    result = train(FLAGSHIP, 2, "muon", Fraction(1), seeds=16, steps=1, start_scale=5.0)
    runs = Runs(result, None)
    assert (result.violation > 0).any()
    radius = result.config.radius
    W, a = result.W[0], result.a[0]
    W = W / max(1.0, np.linalg.norm(W, 2) / radius)
    a = a / max(1.0, np.linalg.norm(a) / radius)
    X, y = np.array(FLAGSHIP.X, float), np.array(FLAGSHIP.y, float)
    assert runs.inside[0] == pytest.approx(((np.maximum(X @ W, 0) @ a - y) ** 2).sum() / 2)
