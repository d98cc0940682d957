"""Centres between networks: bounds from both sides, exact ones, gradients of what is lowered."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from profiles import part
from straight import PIECEWISE, lines

from theory.errors import BudgetError, InputError, Interrupted
from theory.landscape import analyse, barrier_between
from theory.lines import Real, least_star, line
from theory.lines.centre import _Heights
from theory.lines.segment import require
from theory.loading import example
from theory.network import Network
from theory.problem import Problem

FLAGSHIP = example("flagship")
FITS = [part.representative for part in analyse(FLAGSHIP, 2, labelled=True).components]


@pytest.mark.parametrize(("i", "j"), [(0, 1), (0, 2), (0, 3)])
def test_a_middle_is_between_the_barrier_and_the_straight_line(i: int, j: int) -> None:
    first, second = FITS[i], FITS[j]
    star = least_star(FLAGSHIP, [first, second])
    barrier = barrier_between(FLAGSHIP, first, second, labelled=True).value
    highest = star.highest.maximum
    assert star.lower == barrier
    assert Real.of(barrier) <= highest < line(FLAGSHIP, first, second).maximum
    assert float(highest) < 1.1 * float(barrier)
    assert [each.networks[0] for each in star.lines] == [first, second]
    again = [line(FLAGSHIP, network, star.centre).maximum for network in (first, second)]
    assert highest == max(again)


@pytest.mark.parametrize("unit", [Fraction(1, 10**6), Fraction(10**6)])
def test_middles_know_no_units(unit: Fraction) -> None:
    """With targets and W in another unit the loss is in its square."""
    scaled = replace(FLAGSHIP, y=tuple(unit * v for v in FLAGSHIP.y))
    ends = [Network([[unit * v for v in row] for row in fit.W], fit.a) for fit in FITS[:2]]
    star = least_star(scaled, ends)
    assert star.lower == unit**2 * Fraction(32, 45)
    assert float(star.highest.maximum) < 1.1 * float(star.lower)


def test_the_centre_of_a_star_is_above_every_barrier() -> None:
    star = least_star(FLAGSHIP, FITS[:3])
    pairs = ((0, 1), (0, 2), (1, 2))
    barriers = [barrier_between(FLAGSHIP, FITS[i], FITS[j], labelled=True).value for i, j in pairs]
    assert star.lower == max(barriers)
    assert len(star.lines) == 3
    assert Real.of(star.lower) <= star.highest.maximum


def test_bounds_that_meet_are_reported() -> None:
    """The dead neuron may first go where it takes over, its output weight being 0 or 1."""
    problem = Problem([[1], [2]], [1, 2])
    first, second = Network([[1, -1]], [1, 0]), Network([[1, 1]], [0, 1])
    assert line(problem, first, second).maximum == Real.of(Fraction(5, 8))
    star = least_star(problem, [first, second])
    assert star.lower == 0
    assert star.is_least
    assert star.highest.maximum == Real.of(Fraction())
    assert star.centre.loss(problem) == 0


def test_of_one_network_twice() -> None:
    star = least_star(FLAGSHIP, [FITS[0], FITS[0]])
    assert star.is_least
    assert star.centre == FITS[0]


@part(2)
@given(lines(PIECEWISE))
def test_what_is_lowered_is_the_loss_and_its_gradient(drawn: Any) -> None:
    """Against exact losses, and differences where no kink is near."""
    problem, first, second = drawn
    heights = _Heights(problem, require(*drawn), [first, second])
    centre = np.random.default_rng(0).normal(size=(heights.ends.shape[1],))
    losses, gradients = heights.at(centre, 4)
    exact = heights.network([Fraction(v) for v in centre])
    for k, end in enumerate((first, second)):
        last = line(problem, end, exact).networks[1].loss(problem)
        assert losses[4 * k + 3] == pytest.approx(float(last), rel=1e-9, abs=1e-9)
    step = 1e-7
    for i, unit in enumerate(np.eye(len(centre))):
        ends = [heights.at(centre + sign * step * unit, 4)[0] for sign in (1, -1)]
        slopes = (ends[0] - ends[1]) / (2 * step)
        smooth = abs(ends[0] + ends[1] - 2 * losses) < 1e-9 * (1 + losses)
        assert gradients[smooth, i] == pytest.approx(slopes[smooth], rel=1e-4, abs=1e-4)


def test_limits() -> None:
    with pytest.raises(InputError, match="networks: are 1; a centre is between two at least"):
        least_star(FLAGSHIP, FITS[:1])
    with pytest.raises(InputError, match="widths 2 and 1"):
        least_star(FLAGSHIP, [FITS[0], Network([[1], [1]], [1])])
    with pytest.raises(BudgetError, match="cells"):
        least_star(FLAGSHIP, FITS[:2], max_cells=3)

    def stop(stage: str, done: int) -> None:
        raise Interrupted

    with pytest.raises(Interrupted, match="the barrier is at least 0"):
        least_star(FLAGSHIP, FITS[:2], progress=stop)
