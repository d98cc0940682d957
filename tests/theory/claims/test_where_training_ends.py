"""The claim that every run has a name, and what would make it false."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pytest

from numerics.report.sheets import sheets_of
from numerics.training.loop import train_together
from numerics.training.trainer import trainer
from theory import Ball, example
from theory.claims import Bounds, WhereTrainingEnds, verify
from theory.claims.base import Result
from theory.claims.float_ends import FloatCells
from theory.claims.where_training_ends import PLACES, SLOW, every
from theory.landscape.ends import Ends
from theory.landscape.valleys import valleys
from theory.within import Penalty

QUICK = WhereTrainingEnds().quick()


@pytest.fixture(scope="module")
def result() -> Result[Any, Any]:
    return verify(replace(QUICK, optimizers=("adamw", "sgd")), trainer)


def test_it_holds_and_all_runs_have_names(result: Result[Any, Any]) -> None:
    assert result.holds
    for key, ended in result.observation.evidence.items():
        assert len(ended.ends) == QUICK.seeds
        assert ended.counts["moving"] == ended.counts["diverged"] == 0
        assert not (ended.counts["kink"] and key.endswith("sgd"))
    assert result.observation.evidence["separation-08, adamw"].counts["kink"] > 0
    assert result.observation.evidence["separation-09, adamw"].counts["valley"] > 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("separation-09, adamw: valley", (25 / 14 + 1e-4,)),  # not quite its loss
        ("separation-09, adamw: plateau", (25 / 14,)),  # another name
        ("separation-08, adamw: kink", (34.65,)),
        ("separation-08, adamw: moving", 1),
        ("separation-08, sgd: moving", 1),
        ("separation-08, sgd: valley", (0.0,)),
    ],
)
def test_an_observation_that_differs_makes_it_false(
    result: Result[Any, Any], key: str, value: Any
) -> None:
    changed = {**result.observation.values, key: value}
    assert not QUICK.compare(result.prediction.values, changed)


def test_too_few_steps_leave_runs_moving() -> None:
    found = verify(replace(QUICK, optimizers=("adamw",), steps=300, cooling=50), trainer)
    assert not found.holds
    assert found.observation.values["separation-09, adamw: moving"] != 0


def test_it_has_pictures(result: Result[Any, Any]) -> None:
    names, trees = sheets_of(result)
    assert len(names.pictures) == 3  # all data sets, and each
    assert len(trees.pictures) == 4


def test_all_places_and_slow_pairs_are_of_the_claim() -> None:
    claim = WhereTrainingEnds()
    pairs = {(name, optimizer) for name in claim.data for optimizer in claim.optimizers}
    assert len(claim.data) == 13
    assert PLACES.keys() | SLOW.keys() <= pairs


@pytest.mark.parametrize("optimizer", ["adamw", "muon", "muon-adamw", "ngd", "colnorm"])
def test_two_ways_to_the_names_of_all_cells(optimizer: str) -> None:
    """The conic programs and the way down here, the merge tree there."""
    problem, ball = example("separation-09"), Ball(optimizer, 3)
    tree = valleys(problem, 2, within=ball)
    ends = Ends(tree, step=0.0, tolerance=2.5e-7)
    cells = FloatCells(problem, 2, optimizer, 3.0)
    for cell in combinations_with_replacement(range(tree.complex.states), 2):
        loss, kind, _ = ends.place(cell)
        assert cells.kind(cell) == kind
        assert cells.least(cell) == pytest.approx(float(loss), abs=1e-5)


def test_a_cell_by_hand() -> None:
    """y = 4 at x = 1: u = rho is all that one neuron can do, and nothing with the other sign."""
    from theory import Problem

    cells = FloatCells(Problem([[1]], [4]), 1, "ngd", 2.0)
    here = cells.cell_of(np.array([[1.0]]), np.array([1.0]))
    assert cells.least(here) == pytest.approx((4 - 2) ** 2 / 2)
    assert cells.kind(here) == "global"
    for W, a in ((1.0, -1.0), (-1.0, 1.0)):
        other = cells.cell_of(np.array([[W]]), np.array([a]))
        assert cells.least(other) == pytest.approx(8.0)
        assert cells.kind(other) == "plateau"


def test_training_together_is_training_alone() -> None:
    problem, other = (every()[name][0] for name in ("flagship", "planted"))  # of 4 and 5 rows
    options: Any = {"seeds": 16, "steps": 100, "cooling": 20}
    both = train_together([problem, other], 2, [Ball("muon", 2), Ball("muon", 3)], **options)
    (alone,) = train_together([other], 2, [Ball("muon", 3)], **options)
    np.testing.assert_allclose(both[1].W, alone.W, atol=1e-12)
    assert both[1].watched is not None
    assert both[1].watched.shares.shape == (16, 5, 2)
    assert ((both[1].watched.shares >= 0) & (both[1].watched.shares <= 1)).all()
    (sgd,) = train_together([problem], 2, [Penalty(1)], rate=0.003, **options)
    assert sgd.config.schedule(0) == sgd.config.schedule(100) == 0.003
    assert sgd.config.schedule(120) == pytest.approx(3e-5)


def test_predicted_values_are_exact_in_entrywise_balls(result: Result[Any, Any]) -> None:
    predicted: Any = result.prediction.values
    assert predicted["separation-09, adamw: valley"] == (Fraction(25, 14), Fraction(81, 20))
    assert all(isinstance(each, Bounds) for each in predicted["separation-08, adamw: kink"])
