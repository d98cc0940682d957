"""Balls in common coordinates: against the norms themselves, convexity, splitting of neurons."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import part

from theory.connectivity.solutions import Neuron, Point
from theory.errors import InputError
from theory.gauges import gauge_of
from theory.geometry import LionK, geometry, names
from theory.regions import split
from theory.regions.balls import ball_of

OPTIMIZERS = names()
few = part(2)
fractions = st.fractions(-3, 3, max_denominator=6)
positive = st.fractions(Fraction(1, 6), 3, max_denominator=6)


@st.composite
def points(draw: st.DrawFn, d: int = 2, most: int = 3) -> Point:
    """Neurons with alpha > 0, and blank ones."""
    neurons: list[Neuron] = []
    for _ in range(draw(st.integers(1, most))):
        sign = draw(st.sampled_from((-1, 1)))
        if draw(st.booleans()) or not neurons:
            u = tuple(draw(fractions) for _ in range(d))
            neurons.append(Neuron(sign, draw(positive), u))
        else:
            neurons.append(Neuron(sign, Fraction(), (Fraction(),) * d))
    return tuple(neurons)


def norms(optimizer: str, point: Point) -> float:
    """max(||W||^2, ||a||^2), or the penalty of sgd, from the weights."""
    a = np.sqrt([float(neuron.alpha) for neuron in point])
    u = np.array([[float(v) for v in neuron.u] for neuron in point]).T
    W = u / np.where(a > 0, a, 1.0)
    found = geometry(optimizer)
    if isinstance(found, LionK):
        return max(float(found.hidden.value(W)) ** 2, float(found.output.value(a)) ** 2)
    return float((W**2).sum() + (a**2).sum()) / 2


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@few
@given(point=points())
def test_needed_is_the_norm(optimizer: str, point: Point) -> None:
    assert float(ball_of(optimizer).needed(point)) == pytest.approx(norms(optimizer, point))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@few
@given(point=points())
def test_holds_from_there_on(optimizer: str, point: Point) -> None:
    ball = ball_of(optimizer)
    needed = ball.needed(point)
    assert ball.holds(point, needed)
    assert not ball.holds(point, needed * (1 - Fraction(1, 10**9)))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@few
@given(first=points(most=2), second=points(most=2), part=st.fractions(0, 1, max_denominator=5))
def test_balls_are_convex(optimizer: str, first: Point, second: Point, part: Fraction) -> None:
    """Jointly with the radius: what a mixture needs is at most the mixture of what is needed."""
    size = min(len(first), len(second))
    mixed = tuple(
        Neuron(
            1,
            part * p.alpha + (1 - part) * q.alpha,
            tuple(part * v + (1 - part) * w for v, w in zip(p.u, q.u, strict=True)),
        )
        for p, q in zip(first, second, strict=False)
    )
    ball = ball_of(optimizer)
    most = part * ball.needed(first[:size]) + (1 - part) * ball.needed(second[:size])
    assert ball.needed(mixed) <= most * (1 + Fraction(1, 10**9))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@few
@given(point=points(), times=st.integers(2, 4))
def test_splitting_changes_what_is_their_own_only(optimizer: str, point: Point, times: int) -> None:
    ball = ball_of(optimizer)
    parts = tuple(
        Neuron(n.sign, n.alpha / times, tuple(v / times for v in n.u))
        for n in point
        for _ in range(times)
    )
    shared, own = ball.at_any_width().needed, ball.needed
    assert float(shared(parts)) == pytest.approx(float(shared(point)))
    assert own(parts) <= own(point) * (1 + Fraction(1, 10**9))
    if not (ball.shared_hidden or ball.shared_output):
        assert own(parts) == own(point) / times


@few
@given(point=points(), first=positive, second=positive)
def test_split_fits_into_both_balls(point: Point, first: Fraction, second: Fraction) -> None:
    """AdamW's of any radius, together with a ball of Muon that holds the point as it is."""
    muon = ball_of("muon")
    radius = muon.needed(point) * (1 + second) + second
    balls = (ball_of("adamw"), muon)
    parts = split(point, balls, (first, radius))
    assert balls[0].holds(parts, first)
    assert balls[1].holds(parts, radius)
    used = [neuron for neuron in point if not neuron.blank]
    extra = sum(math.ceil(balls[0].needed((neuron,)) / first) for neuron in used)
    assert len(parts) == extra


@few
@given(point=points(), radius=positive)
def test_split_for_two_balls_without_a_bound_on_a(point: Point, radius: Fraction) -> None:
    """AdamW and Muon with AdamW on the output: room grows without limit."""
    balls = (ball_of("adamw"), ball_of("muon-adamw"))
    parts = split(point, balls, (radius, radius))
    assert all(ball.holds(parts, radius) for ball in balls)


def test_simple_eigenvalues_are_exact() -> None:
    half = Fraction(1, 2)
    point = (Neuron(1, Fraction(3, 5), (half, half)),) * 2
    assert ball_of("muon").needed(point) == Fraction(5, 3)


def test_unknown_optimizer() -> None:
    with pytest.raises(InputError, match="sam"):
        ball_of("sam")


@few
@given(u=st.tuples(*[st.tuples(fractions, fractions)] * 2))
def test_the_norm_of_two_neurons_in_closed_form(u: tuple[tuple[Fraction, ...], ...]) -> None:
    """Bounds by duality and by a network hold it between them."""
    gauge = gauge_of(geometry("muon").ball)
    lower, upper = gauge.bounds([1, -1], u)
    assert lower <= upper <= lower * (1 + Fraction(1, 2**60))
    assert gauge.below(u) <= upper
    if any(map(any, u)):
        assert lower <= gauge.witness([1, -1], u)[1] <= upper * (1 + Fraction(1, 10**9))
