"""Floats guess supports and values of every loss, near what is exact."""

from __future__ import annotations

from fractions import Fraction
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from problems import LOSSES, planted, with_loss

from theory.landscape.form import Form
from theory.landscape.nnls import CappedLeastSquares, LeastSquares, _Program
from theory.problem import Problem


def problem(loss: str, seed: int, **options: Any) -> Problem:
    """Five points in the plane."""
    data, _ = planted(5, 2, 2, seed)
    return with_loss(Problem(data.X, data.y, **options), loss)


OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"weights": ["1/2", "3", "1", "2", "5"]},
    {"output_bias": True},
    {"output_bias": True, "skip": True},
)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_guess_leaves_nothing_to_do(loss: str, options: dict[str, Any], seed: int) -> None:
    """The support is right, so that one exact solution proves it; the value is near."""
    form = Form.of(problem(loss, seed, **options), 1)
    columns = np.random.default_rng(seed).integers(-4, 5, (6, 5))
    problems = LeastSquares(columns, form)
    ids = tuple(range(6))
    with (
        patch("theory.landscape.nnls._FIRST", 0),
        patch.object(_Program, "_solve", autospec=True, side_effect=_Program._solve) as solve,
    ):
        found, estimate = problems.minimum(ids), problems.estimate(ids)
    assert solve.call_count <= 1  # none in words
    assert estimate == pytest.approx(problems.relative(found.value), abs=1e-7)


@pytest.mark.parametrize("options", OPTIONS[:3], ids=str)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_guess_in_a_ball_leaves_little_to_do(loss: str, options: dict[str, Any]) -> None:
    """Where sums have to be one as well, most supports are right."""
    with (
        patch("theory.landscape.nnls._FIRST", 0),
        patch.object(_Program, "_solve", autospec=True, side_effect=_Program._solve) as solve,
    ):
        for seed in range(10):
            form = Form.of(problem(loss, seed, **options), 1)
            columns = np.random.default_rng(seed).integers(-4, 5, (6, 5))
            CappedLeastSquares(columns, form).minimum(((0, 1, 2), (2, 3, 4, 5)))
    assert solve.call_count <= 15


@pytest.mark.parametrize("loss", LOSSES)
def test_numbers_beyond_floats(loss: str) -> None:
    """Where floats cannot hold the costs or the sums, the guess is a poor one, and no more."""
    big = 10**400
    columns = np.array([[big, 0, 0], [0, -big, 1], [1, big, big]], dtype=object)
    data = with_loss(Problem([[1], [2], [3]], [3 * big, 5, -1]), loss)
    form = Form.of(data, 1)
    groups = ((0, 1), (1, 2))
    expected = (
        LeastSquares(columns, form).minimum((0, 1, 2)).value,
        CappedLeastSquares(columns, form).minimum(groups).value,
    )
    with patch("theory.landscape.nnls._FIRST", 0):
        free, capped = LeastSquares(columns, form), CappedLeastSquares(columns, form)
        assert (free.minimum((0, 1, 2)).value, capped.minimum(groups).value) == expected
        assert free.relative(Fraction(1)) >= 0
