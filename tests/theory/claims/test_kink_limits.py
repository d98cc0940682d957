"""The claim about rest on kinks, and what would make it false."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from numerics.report.sheets import sheets_of
from numerics.training.loop import train
from numerics.training.optimizers import AdamWUpdate, Cooling, Optimizer
from numerics.training.slides import slide
from numerics.training.trainer import trainer
from theory import Ball, Problem, example
from theory.claims import KinkLimits, verify
from theory.claims.base import Result
from theory.geometry import geometry
from theory.landscape.kinks import Adam, rest_points
from theory.network import Network

QUICK = KinkLimits().quick()


@pytest.fixture(scope="module")
def result() -> Result[Any, Any]:
    return verify(QUICK, trainer)


def test_it_holds_with_runs_on_the_kinks(result: Result[Any, Any]) -> None:
    assert result.holds
    counts: Any = result.observation.measured
    assert min(counts.values()) > 0


def test_adamw_stops_inside_its_ball_at_no_kkt_point(result: Result[Any, Any]) -> None:
    rest = result.prediction.evidence["adamw"]
    assert np.abs(rest.W).max() < 0.9 * 3**0.5
    gap: Any = result.prediction.values["adamw: least gap of mixtures"]
    assert gap.lower > 1


@pytest.mark.parametrize(
    ("key", "by"),
    [
        ("adamw: loss", 0.01),
        ("ngd: share of steps on the + side", 0.004),
        ("adamw: least gap of mixtures", -0.1),
    ],
)
def test_an_observation_that_differs_makes_it_false(
    result: Result[Any, Any], key: str, by: float
) -> None:
    seen: Any = result.observation.values
    assert not QUICK.compare(result.prediction.values, {**seen, key: seen[key] + by})


def test_a_rate_that_stays_large_makes_it_false() -> None:
    assert not verify(replace(QUICK, steps=30, cooling=10), trainer).holds


def test_it_has_two_pictures_for_each_optimizer(result: Result[Any, Any]) -> None:
    assert [len(sheet.pictures) for sheet in sheets_of(result)] == [2, 2]


def test_the_limit_moves_with_the_memory_of_adamw() -> None:
    problem, ball = replace(example("separation-08"), width=None), Ball("adamw", 3)
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    predicted, trained = [], []
    for beta2 in (0.9, 0.95):
        rule, update = Adam(0.9, beta2), AdamWUpdate(beta1=0.9, beta2=beta2)
        start = np.array([[-1.46], [-0.97]]), np.array([-1.73])
        rest = rest_points(problem, ball, *start, [(1, 0)], rules=(rule, rule))[0]
        runs = train(
            problem,
            1,
            ball,
            optimizer=Optimizer(geometry("adamw"), update, update),
            seeds=1,
            steps=8_000,
            schedule=Cooling(0.003, steps=4000, further=4000),
            start=Network.from_floats(rest.W, rest.a),
            start_scale=0,
            watch=2000,
        )
        assert runs.watched is not None
        fit = np.maximum(X @ runs.watched.W[0], 0) @ runs.watched.a[0]
        predicted.append(rest.loss)
        trained.append(((fit - y) ** 2).sum() / 2)
    np.testing.assert_allclose(trained, predicted, atol=1.5e-3)
    assert predicted[1] - predicted[0] > 5e-3


def test_a_step_by_hand() -> None:
    """y = 4 at x = 1, w = a = 1: gradients (-3, -3), normalised to -1."""
    W, a = slide(Problem([[1]], [4]), Ball("ngd", 4), Network([[1]], [1]), rate=0.1, steps=1)
    np.testing.assert_allclose(W[:, 0, 0], [1, 0.95 + 0.1])
    np.testing.assert_allclose(a[:, 0], [1, 0.95 + 0.1])
