"""The claim that weight decay leads into the ball, and what would make it false."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from numerics.training.loop import train
from numerics.training.optimizers import (
    OPTIMIZERS,
    AdamWUpdate,
    LionKUpdate,
    Optimizer,
    Schedule,
    normalised,
    polar_factor,
)
from numerics.training.runs import Runs
from numerics.training.trainer import trainer
from theory import example
from theory.claims import Bounds, ImplicitBias, verify
from theory.claims.base import Result
from theory.claims.implicit_bias import LENGTHS, STARTS, adamw_length
from theory.geometry import LionK, SchattenNorm, VectorNorm
from theory.within import Ball

FLAGSHIP = example("flagship")
# A radius below that of every component, so that each ball binds.
SHORT = ImplicitBias(rho=Fraction(19, 10), seeds=16, steps=4500)
RECORD_EVERY = 45  # a hundred times


def recorded_rarely(asked: Any, progress: Any) -> Any:
    """A record costs as much as several steps; the bound is looked at in every step below."""
    return trainer(replace(asked, record_every=RECORD_EVERY), progress)


@pytest.fixture(scope="module")
def result() -> Result[Any, Any]:
    return verify(SHORT, recorded_rarely)


def test_it_holds_and_compares_what_it_predicts(result: Result[Any, Any]) -> None:
    assert result.holds
    assert result.prediction.values.keys() == result.observation.values.keys()
    assert {key.split(", ")[0] for key in result.observation.evidence.runs} == set(LENGTHS)
    for key, runs in result.observation.evidence.runs.items():
        outside = runs.history.violations[0] > 0
        assert outside.all() if key.endswith("outside") else not outside.any()


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("lion: violation beyond the proved bound, most at any step", 1e-15, 1e-6),
        ("adamw: violation at the end, largest", 1e-3, 2e-3),
        ("muon: median gap, end / a tenth of the steps", 0.2, 0.21),
        ("ngd: median gap, end / a tenth of the steps", 0.0, float("nan")),
    ],
)
def test_an_observation_that_differs_makes_it_false(
    result: Result[Any, Any], key: str, good: Any, bad: Any
) -> None:
    for value, holds in ((good, True), (bad, False)):
        for pair in ((0.0, value), (value, 0.0)):
            changed = {**result.observation.values, key: pair}
            assert SHORT.compare(result.prediction.values, changed) is holds


def test_too_few_steps_make_it_false() -> None:
    assert not verify(replace(SHORT, steps=20), trainer).holds


def test_a_learning_rate_that_does_not_fall_makes_it_false(result: Result[Any, Any]) -> None:
    """Then the gap stays where it is. It does not fall for Lion; the others' runs are as above."""

    def train_fast(asked: Any, progress: Any) -> Any:
        name = asked.within.optimizer
        if name != "lion":
            start = next(start for start, scale in STARTS.items() if scale == asked.start_scale)
            return result.observation.evidence.runs[f"{name}, {start}"]
        options = {each: getattr(asked, each) for each in ("seeds", "steps", "start_scale")}
        options |= {"schedule": Schedule(initial=0.02), "record_every": RECORD_EVERY}
        return Runs(train(FLAGSHIP, 2, asked.within, **options), None)

    found = verify(SHORT, train_fast)
    assert not found.holds
    key = "lion: median gap, end / a tenth of the steps"
    predicted: Any = found.prediction.values[key]
    observed: Any = found.observation.values[key]
    assert isinstance(predicted[0], Bounds)
    assert max(observed) > 0.5
    # Nothing else makes it false.
    seen = {**found.observation.values, key: result.observation.values[key]}
    assert SHORT.compare(found.prediction.values, seen)


# The bound


def test_length_of_the_directions_of_adamw() -> None:
    update = OPTIMIZERS["adamw"].hidden
    assert isinstance(update, AdamWUpdate)
    assert LENGTHS["adamw"] == adamw_length(update.beta1, update.beta2)


def recorded(name: str, start_scale: float, steps: int) -> Runs:
    """In every step."""
    result = train(
        FLAGSHIP,
        2,
        Ball(name, "3/2"),
        seeds=32,
        steps=steps,
        start_scale=start_scale,
        record_every=1,
    )
    return Runs(result, None)


@pytest.mark.parametrize("name", ["adamw", "lion", "signsgd", "muon", "ngd", "colnorm-ngd"])
@pytest.mark.parametrize("start_scale", [0.1, 1.0, 8.0])
def test_the_bound_holds_at_every_step(name: str, start_scale: float) -> None:
    assert recorded(name, start_scale, 300).excess(LENGTHS.get(name, 1.0)) <= 1e-12


def test_adamw_needs_the_longer_directions() -> None:
    runs = recorded("adamw", 6.0, 4000)
    assert runs.excess(1.0) > 0.01
    assert runs.excess(LENGTHS["adamw"]) <= 1e-12


def test_muon_with_adamw_keeps_the_bound_of_adamw() -> None:
    runs = recorded("muon-adamw", 6.0, 1500)
    assert runs.history.violations[0].max() > 1  # from outside
    assert runs.excess(LENGTHS["adamw"]) <= 1e-12


def test_excess_by_hand() -> None:
    """One run that starts at twice the radius; half of the distance should go in each step."""
    result = train(
        FLAGSHIP,
        2,
        Ball("ngd", 1),
        seeds=1,
        steps=2,
        record_every=1,
        schedule=Schedule(initial=0.5),
    )
    history = replace(result.history, violations=np.array([[1.0], [0.6], [0.2]]))
    runs = Runs(replace(result, history=history), None)
    assert runs.remainder.tolist() == [1.0, 0.5, 0.25]
    assert runs.excess(1.0) == pytest.approx(0.1)  # 0.6 where 0.5 is allowed
    assert runs.excess(1.1) == pytest.approx(0.05)  # 0.1 + 0.5 * 0.9 is
    assert runs.excess(1.5) == 0.0


def test_steps_that_are_too_long_exceed_the_bound() -> None:
    fast = train(
        FLAGSHIP,
        2,
        Ball("lion", 2),
        seeds=16,
        steps=200,
        start_scale=0.01,
        record_every=1,
        schedule=Schedule(initial=3.0),  # lr lambda > 1: no longer a convex combination
    )
    assert Runs(fast, None).excess(1.0) > 0.1


def test_networks_shrunk_into_the_ball_are_inside() -> None:
    result = train(FLAGSHIP, 2, Ball("muon", 1), seeds=16, steps=1, start_scale=5.0)
    runs = Runs(result, None)
    assert (result.violation > 0).any()
    radius = result.config.radius
    W, a = result.W[0], result.a[0]
    W = W / max(1.0, np.linalg.norm(W, 2) / radius)
    a = a / max(1.0, np.linalg.norm(a) / radius)
    X, y = np.array(FLAGSHIP.X, float), np.array(FLAGSHIP.y, float)
    assert runs.inside[0] == pytest.approx(((np.maximum(X @ W, 0) @ a - y) ** 2).sum() / 2)


def test_an_optimizer_of_ones_own_is_shrunk_into_its_own_ball() -> None:
    """Its name may even be that of another one."""
    own = Optimizer(
        LionK("adamw", SchattenNorm(math.inf), VectorNorm(2)),
        LionKUpdate(polar_factor),
        LionKUpdate(normalised),
    )
    mine, muon = (
        Runs(
            train(
                FLAGSHIP,
                2,
                Ball(each.geometry.ball, 1),
                optimizer=each,
                seeds=8,
                steps=1,
                start_scale=5.0,
            ),
            None,
        )
        for each in (own, replace(OPTIMIZERS["muon"], hidden=own.hidden, output=own.output))
    )
    assert mine.inside == pytest.approx(muon.inside)
    adamw = replace(mine.result.config, within=Ball("adamw", 1), optimizer=OPTIMIZERS["adamw"])
    assert mine.inside != pytest.approx(Runs(replace(mine.result, config=adamw), None).inside)
