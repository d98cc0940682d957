"""Shares of regions: closed forms, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest

from theory.errors import BudgetError, InputError
from theory.landscape.shares import shares
from theory.loading import example
from theory.problem import Problem
from theory.within import Ball

ORTHOGONAL = Problem([[1, 0], [0, 1]], [1, 1])


@pytest.mark.parametrize("width", [1, 2, 3])
def test_each_orthogonal_datum_needs_a_positive_neuron_that_sees_it(width: int) -> None:
    found = shares(ORTHOGONAL, width)
    assert found.regions == 8**width
    assert found.minimum == 0
    assert found.good == 1 - 2 * Fraction(3, 4) ** width + Fraction(5, 8) ** width


def test_a_dead_neuron_is_a_bad_minimum_and_one_that_can_turn_is_none() -> None:
    """X = (1, -1), y = (2, 1), one neuron: right, positive is best; left, positive is a valley; a
    negative one comes to zero, from where it may turn."""
    found = shares(Problem([[1], [-1]], [2, 1]), 1)
    assert (found.good, found.bad) == (Fraction(1, 4), Fraction(1, 4))


@pytest.mark.parametrize("width", [1, 2])
def test_in_a_small_ball_all_neurons_are_at_one_vertex(width: int) -> None:
    found = shares(example("flagship"), width, within=Ball("adamw", "1/100"))
    assert found.good == Fraction(1, 16**width)


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match="within: in the muon ball .* intervals only"):
        shares(ORTHOGONAL, 1, within=Ball("muon", 1))
    with pytest.raises(BudgetError, match="cells"):
        shares(ORTHOGONAL, 3, max_cells=10)
