"""Maxima on straight lines: closed forms, exact losses at many t, invariances, degenerate ones."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import having
from straight import PIECEWISE, lines

from theory.errors import InputError
from theory.lines import Line, Real, between, line
from theory.loading import example
from theory.losses import Custom, Loss
from theory.network import Network
from theory.problem import Problem

FLAGSHIP = example("flagship")
SLACK = Fraction(1, 10**9)


def loss_at(found: Line, t: Fraction) -> Fraction:
    return between(*found.networks, t).loss(found.problem)


# Closed forms


@pytest.mark.parametrize("c", [1, 3])
def test_a_neuron_and_its_negative(c: int) -> None:
    """f = (1 - 2t)^2 c until the neuron dies at t = 1/2; afterwards f = 0."""
    found = line(Problem([[1]], [c]), Network([[1]], [c]), Network([[-1]], [-c]))
    assert found.maximum == Real.of(Fraction(c * c, 2))
    assert found.at == Real.of(Fraction(1, 2))
    assert found.barrier == (0, 0)


def test_two_neurons_exchanged() -> None:
    """f = (1 - 2t)^2 4, so the loss is 8 (1 - (1 - 2t)^2)^2."""
    fit = Network([[5, 1]], [1, -1])
    found = line(Problem([[1]], [4]), fit, fit.permuted([1, 0]))
    assert (found.maximum, found.at) == (Real.of(Fraction(8)), Real.of(Fraction(1, 2)))
    assert found.barrier == (8, 8)


def test_a_maximum_at_an_algebraic_number() -> None:
    """L = (1 + t - t^2)^2 / 2 + t^2 / 8, so 4 L' = 8 t^3 - 12 t^2 - 3 t + 4."""
    problem = Problem([[1, 0], [0, 1]], [-1, 0])
    first, second = Network([[0, 0], [0, 1]], [1, 0]), Network([[1, 0], [0, 1]], [0, "1/2"])
    found = line(problem, first, second)
    assert found.at.polynomial == (4, -3, -12, 8)
    t = float(found.at)
    assert 0 < t < 1
    assert float(found.maximum) == pytest.approx((1 + t - t * t) ** 2 / 2 + t * t / 8, rel=1e-14)
    assert found.maximum.polynomial is not None
    assert len(found.maximum.polynomial) == 4
    narrow = found.maximum.within(Fraction(1, 10**60))
    assert narrow.upper - narrow.lower <= Fraction(1, 10**60)
    near = found.at.within(Fraction(1, 10**40))
    assert abs(loss_at(found, near.lower) - narrow.lower) < Fraction(1, 10**39)


@pytest.mark.parametrize(
    ("loss", "highest"), [("absolute", "3/2"), ("huber:1/2", "5/8"), ("epsilon:1/10", "7/5")]
)
def test_losses_with_kinks(loss: str, highest: str) -> None:
    """f = 4 t (1 - t) rises from 0 to 1 and back, past its target 1/4 and beyond."""
    problem = having(Problem([[1]], ["-1/2"]), loss=loss)
    found = line(problem, Network([[4]], [0]), Network([[0]], [1]))
    assert (found.maximum, found.at) == (Real.of(Fraction(highest)), Real.of(Fraction(1, 2)))


def test_the_loss_is_highest_between_two_kinks_of_it() -> None:
    """f = 4 t (1 - t) is 1/2 at two irrational t; the absolute loss is 1/2 at both ends, and in the
    middle."""
    problem = having(Problem([[1]], ["1/2"]), loss="absolute")
    first, second = Network([[4]], [0]), Network([[0]], [1])
    found = line(problem, first, second)
    assert (found.maximum, found.at) == (Real.of(Fraction(1, 2)), Real.of(Fraction()))
    higher = line(having(Problem([[1]], ["2/5"]), loss="absolute"), first, second)
    assert (higher.maximum, higher.at) == (Real.of(Fraction(3, 5)), Real.of(Fraction(1, 2)))


# Against exact losses at many t


@given(lines(PIECEWISE), st.fractions(0, 1))
def test_the_maximum_is_attained_and_nothing_is_above(drawn: Any, t: Fraction) -> None:
    found = line(*drawn)
    assert found.maximum.is_exact
    assert found.at.is_exact
    near = found.at.within(SLACK)
    assert 0 <= near.upper
    assert near.lower <= 1
    top = found.maximum.within(SLACK)
    for at in (t, *(Fraction(k, 16) for k in range(17))):
        assert Real.of(loss_at(found, at)) <= found.maximum
    steep = 1000 * SLACK * (1 + top.upper)
    assert loss_at(found, min(max(near.lower, Fraction()), Fraction(1))) >= top.lower - steep
    assert found.barrier[0] <= found.barrier[1]
    assert Real.of(found.end) <= found.maximum


@given(lines(("logistic",)), st.fractions(0, 1))
def test_logistic_losses_have_narrow_intervals(drawn: Any, t: Fraction) -> None:
    problem, first, second = drawn
    found = line(*drawn)
    low, high = found.maximum.ends
    assert high - low <= SLACK * high
    for at in (t, *(Fraction(k, 16) for k in range(17))):
        assert problem.loss.below(between(first, second, at).fit(problem), problem.y) <= high
    assert found.at.lower == found.at.upper
    assert low <= loss_at(found, found.at.lower) <= high + SLACK * high


@given(lines(PIECEWISE), st.integers(1, 15))
def test_at_is_the_first_t_of_the_maximum(drawn: Any, part: int) -> None:
    """The line up to a t before it is lower, and the one from there on is as high."""
    problem, first, second = drawn
    found = line(*drawn)
    before = found.at.within(SLACK).lower * Fraction(part, 16)
    if before > 0:
        middle = between(first, second, before)
        assert line(problem, first, middle).maximum < found.maximum
        assert line(problem, middle, second).maximum == found.maximum


# Invariances


@given(lines(PIECEWISE), st.randoms(use_true_random=False))
def test_no_order_matters(drawn: Any, random: Any) -> None:
    problem, first, second = drawn
    found = line(*drawn)
    order, rows = [*range(first.width)], [*range(problem.n)]
    random.shuffle(order)
    random.shuffle(rows)
    assert line(problem, first.permuted(order), second.permuted(order)).maximum == found.maximum
    weights = problem.loss.weights and [problem.loss.weights[k] for k in rows]
    shuffled = replace(
        problem,
        X=[problem.X[k] for k in rows],
        y=[problem.y[k] for k in rows],
        loss=problem.loss.weighted(weights),
    )
    again = line(shuffled, first, second)
    assert (again.maximum, again.at) == (found.maximum, found.at)
    assert line(problem, second, first).maximum == found.maximum


@given(lines(PIECEWISE))
def test_a_row_of_weight_2_is_two_rows(drawn: Any) -> None:
    problem, *networks = drawn
    problem = replace(problem, loss=problem.loss.weighted(None))
    twice = replace(problem, X=problem.X * 2, y=problem.y * 2)
    weighted = replace(problem, loss=problem.loss.weighted([Fraction(2)] * problem.n))
    assert line(twice, *networks).maximum == line(weighted, *networks).maximum


def test_rescaled_neurons_have_other_lines() -> None:
    """w -> 2 w, a -> a / 2 is the same network, but not the same line."""
    problem = Problem([[1]], [1])
    first, second = Network([[1]], [1]), Network([[2]], ["1/2"])
    assert first.fit(problem) == second.fit(problem)
    assert line(problem, first, first).maximum == Real.of(Fraction())
    assert line(problem, first, second).maximum == Real.of(Fraction(1, 128))


# Degenerate


@pytest.mark.parametrize("name", [*PIECEWISE[:5]])
def test_from_a_network_to_itself(name: str) -> None:
    problem = having(FLAGSHIP, loss=name)
    network = Network([[1, 2], [3, 4]], [1, -1])
    found = line(problem, network, network)
    assert (found.maximum, found.at) == (Real.of(network.loss(problem)), Real.of(Fraction()))
    assert found.barrier == (0, 0)


@pytest.mark.parametrize("name", [*PIECEWISE[:5]])
def test_between_networks_of_zeros_and_rows_of_zeros(name: str) -> None:
    zero, other = Network.zero(2, 2), Network([[1, 2], [3, 4]], [1, -1])
    problem = having(FLAGSHIP, loss=name)
    assert line(problem, zero, zero).maximum == Real.of(problem.zero)
    nothing = having(Problem([[0, 0], [0, 0]], [1, 2]), loss=name)
    found = line(nothing, zero, other)
    assert (found.maximum, found.at) == (Real.of(nothing.zero), Real.of(Fraction()))


def test_a_plateau_has_its_first_t() -> None:
    """A neuron with a < 0 dies on the way; from there on the loss is that of zero."""
    found = line(Problem([[1]], [2]), Network([[2]], [1]), Network([[-2]], [1]))
    assert (found.maximum, found.at) == (Real.of(Fraction(2)), Real.of(Fraction(1, 2)))


# Errors


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (Network([[1], [1]], [1]), Network([[1, 2], [1, 2]], [1, 1]), "widths 1 and 2"),
        (Network([[1]], [1]), Network([[1]], [1]), "W: has 1 rows"),
        (Network([[1], [1]], [1], 1), Network([[1], [1]], [1]), "b: 1 must be 0"),
    ],
)
def test_networks_that_have_no_line(first: Network, second: Network, message: str) -> None:
    with pytest.raises(InputError, match=message):
        line(FLAGSHIP, first, second)


def test_a_loss_of_ones_own_is_refused() -> None:
    own: Loss = Custom(lambda fit, y: None)
    network = Network([[1], [1]], [1])
    with pytest.raises(
        InputError, match="loss: lines are for losses with exact values, not custom"
    ):
        line(replace(FLAGSHIP, loss=own), network, network)
