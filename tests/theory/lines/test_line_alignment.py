"""The best of all orders: brute force, planted ones, bounds below every order, degenerate ones."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import planted
from profiles import part
from straight import PIECEWISE, lines

from theory.errors import BudgetError, InputError, Interrupted
from theory.lines import Real, align, between, line
from theory.lines.alignment import _TIMES, _assignment, _Search
from theory.lines.segment import require
from theory.network import Network
from theory.problem import Problem


def every(problem: Problem, first: Network, second: Network) -> list[Real]:
    """The maxima of all orders."""
    orders = permutations(range(first.width))
    return [line(problem, first, second.permuted(order)).maximum for order in orders]


@given(lines(PIECEWISE))
def test_no_order_is_lower(drawn: Any) -> None:
    found = align(*drawn)
    assert found.maximum == found.line.maximum == min(every(*drawn))
    _, first, second = drawn
    assert found.line.networks == (first, second.permuted(found.order))


@part(4)
@given(lines(("logistic",)))
def test_of_logistic_losses_no_order_is_lower(drawn: Any) -> None:
    found, maxima = align(*drawn), every(*drawn)
    assert found.maximum.upper == min(each.upper for each in maxima)
    assert found.maximum.lower <= min(each.lower for each in maxima)


@pytest.mark.parametrize("seed", range(4))
def test_wider_networks_against_all_orders(seed: int) -> None:
    """Of width 5 with trained-like weights: fractions, all neurons different."""
    problem, fit = planted(6, 2, 5, seed)
    random = np.random.default_rng(seed)
    W, a = random.normal(size=(2, 5)), random.normal(size=5)
    other = Network.from_floats(W.round(2).tolist(), a.round(2).tolist())
    assert align(problem, fit, other).maximum == min(every(problem, fit, other))


@pytest.mark.parametrize("width", [4, 7])
def test_a_planted_order_is_found(width: int) -> None:
    problem, fit = planted(8, 3, width, seed=width)
    order = np.random.default_rng(width).permutation(width).tolist()
    found = align(problem, fit, fit.permuted(order))
    assert found.maximum == Real.of(Fraction())
    assert found.line.networks[1] == fit


def test_orders_of_either_network_change_nothing_else() -> None:
    problem, fit = planted(5, 2, 4, seed=3)
    _, other = planted(5, 2, 4, seed=4)
    found = align(problem, fit, other)
    for order in ([1, 0, 3, 2], [3, 2, 1, 0], [1, 2, 3, 0]):
        assert align(problem, fit.permuted(order), other).maximum == found.maximum
        again = align(problem, fit, other.permuted(order))
        assert again.maximum == found.maximum


# What is proved of many orders at once


@given(lines(PIECEWISE), st.randoms(use_true_random=False))
def test_bounds_are_below_every_order(drawn: Any, random: Any) -> None:
    problem, first, second = drawn
    search = _Search(problem, require(*drawn), first, second)
    direction = np.array([random.uniform(-2, 2) for _ in problem.y])
    low, high = problem.loss.limits(search._y)
    everything = [*range(first.width)]
    for time, eighths in enumerate(_TIMES):
        pairs = search._pairs[time][:, search._rows][:, :, everything]
        bound = search._bound(direction.clip(low, high), search._linear[time], pairs)
        for order in permutations(everything):
            network = between(first, second.permuted(order), Fraction(eighths, 8))
            assert bound <= network.loss(problem)


@given(st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_dual_of_an_assignment_is_exact(size: int, random: Any) -> None:
    values = np.array([[random.randint(-9, 9) for _ in range(size)] for _ in range(size)])
    most = max(
        sum(values[i, j] for i, j in enumerate(order)) for order in permutations(range(size))
    )
    assert _assignment(values) == most


def nodes(problem: Problem, first: Network, second: Network) -> int:
    """How many choices of neurons were bounded."""
    counts = []
    align(problem, first, second, progress=lambda stage, done: counts.append(done))
    return len(counts)


def test_bounds_spare_most_orders() -> None:
    """Between a fit and the same with its neurons rescaled: of 1957 choices few remain."""
    problem, fit = planted(12, 2, 6, seed=1)
    same = Network([[3 * v for v in row] for row in fit.W], [v / 3 for v in fit.a])
    assert same.loss(problem) == 0 < align(problem, fit, same).maximum.lower
    assert 1 < nodes(problem, fit, same.permuted([5, 4, 3, 2, 1, 0])) < 200


def test_no_order_is_below_an_end() -> None:
    """The maximum is the loss of the second network."""
    problem, fit = planted(6, 2, 6, seed=1)
    _, other = planted(6, 2, 6, seed=2)
    found = align(problem, fit, other)
    assert found.maximum == Real.of(other.loss(problem))
    assert nodes(problem, fit, other) == 1


@pytest.mark.parametrize("width", [1, 6])
def test_equal_neurons_are_taken_once(width: int) -> None:
    """All orders of equal neurons are one, whichever network they are in."""
    problem, other = planted(4, 2, width, seed=0)
    zero = Network.zero(2, width)
    twins = Network([[2] * width, [-1] * width], [1] * width)
    for first, second in ((zero, other), (other, zero), (twins, other), (other, twins)):
        assert align(problem, first, second).maximum == line(problem, first, second).maximum
        assert nodes(problem, first, second) <= width


# Limits


def test_too_many_orders_are_refused() -> None:
    network = Network.zero(1, 13)
    with pytest.raises(BudgetError, match="orders of the neurons: 6,227,020,800 needed") as error:
        align(Problem([[1]], [1]), network, network)
    assert error.value.option == "max_orders"
    narrow = Network.zero(1, 3)
    with pytest.raises(BudgetError, match="6 needed, the limit is 5"):
        align(Problem([[1]], [1]), narrow, narrow, max_orders=5)


def test_an_interrupt_leaves_with_the_best_so_far() -> None:
    problem, fit = planted(5, 2, 4, seed=3)

    def stop(stage: str, done: int) -> None:
        raise Interrupted

    with pytest.raises(Interrupted, match="the least maximum is at most 0$"):
        align(problem, fit, fit.permuted([1, 0, 2, 3]), progress=stop)


def test_networks_of_two_widths_are_refused() -> None:
    with pytest.raises(InputError, match="widths 1 and 2"):
        align(Problem([[1]], [1]), Network.zero(1, 1), Network.zero(1, 2))
