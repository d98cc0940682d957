"""Beside the theorems of the gallery: what is so where a hypothesis of one is missing."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from flint import fmpq, fmpq_mat

from theory.claims.gallery import Proved
from theory.claims.gallery.conserved_signs import Conserved, ConservedSigns
from theory.claims.gallery.early_alignment import EarlyAlignment
from theory.claims.gallery.hinge_on_separable_data import HingeOnSeparableData
from theory.claims.gallery.margins_that_can_grow import MarginsThatCanGrow
from theory.claims.gallery.muon_on_lipschitz_functions import MuonOnLipschitzFunctions, Start
from theory.claims.gallery.perturbed_slopes import PerturbedSlopes
from theory.landscape import analyse
from theory.network import Network
from theory.problem import Problem
from theory.types import silent


@pytest.mark.parametrize(
    ("e", "found"), [("17/10", "optimal beside zero neurons"), ("26/15", "not optimal")]
)
def test_margins_can_grow_only_where_two_data_are_far_apart(e: str, found: str) -> None:
    data = Problem(X=[[1, Fraction(e)], [1, -Fraction(e)]], y=[1, 1])
    network = Network([[1, 0], [0, 0]], [1, 0])
    assert MarginsThatCanGrow().computed((data, network), silent) == ("stationary", found)


def test_margins_are_stationary_only_with_multipliers_of_one_sign() -> None:
    data = Problem(X=[[1, 2], [1, 1]], y=[1, 1])  # both lean to one side of the neuron
    network = Network([[1, 0], [0, 0]], [1, 0])
    assert MarginsThatCanGrow().computed((data, network), silent)[0] == "not stationary"


def test_muon_converges_from_the_diagonal_on_which_it_moves() -> None:
    unit = fmpq_mat(2, 2, [1, 0, 0, 1])
    assert MuonOnLipschitzFunctions().computed(Start(unit, fmpq(1, 2), unit), silent) == "yes"


def test_the_least_squares_are_global_where_two_data_are_parallel() -> None:
    third = Fraction(1, 3)
    data = Problem(
        X=[[-1 + third / 9, 1], [third, 2 * third], [2 * third, 4 * third]],
        y=[1, third / 9, 1],
        width=2,
    )
    found = EarlyAlignment().computed(data, silent)
    assert isinstance(found, Proved)
    assert found.value == (EarlyAlignment().theorem(data)[0], "local minimum", "global")


@pytest.mark.parametrize(
    ("X", "y", "activation"),
    [
        ([[1, 1], [0, 1], [-1, 1]], [1, -1, 1], "leaky_relu:1/10"),
        ([[1, 1], [2, 1], [-1, 1]], [1, 1, -1], "leaky_relu:-1/2"),
    ],
    ids=["not separable", "a negative slope"],
)
def test_the_hinge_loss_has_bad_minima_without_a_hypothesis(
    X: list[list[int]], y: list[int], activation: str
) -> None:
    data = Problem(X=X, y=y, width=2, loss="hinge", activation=activation)
    found = HingeOnSeparableData().computed(data, silent)
    assert isinstance(found, Proved)
    assert found.value == "some"


@pytest.mark.parametrize(
    ("changed", "patterns"),
    [({"E": [[1, 1]] * 3}, 10), ({"c": Fraction()}, 39), ({"X": [[1, 2]] * 3}, 64)],
    ids=["leaky ReLU", "ReLU", "equal data"],
)
def test_slopes_have_to_be_perturbed_and_may_not_be_zero(
    changed: dict[str, Any], patterns: int
) -> None:
    slopes = PerturbedSlopes().instances()["n = 3, d = 2, m = 2"]
    assert PerturbedSlopes().computed(slopes._replace(**changed), silent) == patterns


def test_of_four_data_some_have_an_affine_fit_that_is_global_though_not_exact() -> None:
    labels = [Fraction(v, 20) for v in (19, 43, 57, 81)]
    data = Problem(
        X=[[x, 1] for x in (1, 2, 3, 4)], y=labels, width=1, bias="decayed", output_bias=True
    )
    assert analyse(data).minimum == Fraction(20, 400) / 2


def test_a_neuron_fits_what_is_monotone_and_a_bend_at_a_distance_of_three_quarters() -> None:
    x = [[-1, 1], [0, 1], [4, 1]]
    for y, loss in (([0, 5, 6], 0), ([3, 1, 0], 0), ([1, -2, 1], Fraction(3, 4) * 6 / 2)):
        data = Problem(X=x, y=y, width=1, bias="decayed", output_bias=True)
        assert analyse(data).minimum == loss


def test_with_one_feature_neurons_are_split_whatever_is_conserved() -> None:
    found = ConservedSigns().computed(Conserved(1, (1, -1, 2)), silent)
    assert isinstance(found, tuple)
    assert found[0] == 8
