"""The classical path: the same fit all along, the neurons in their places, and its radius."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from problems import ACTIVATIONS

from theory import analyse, example
from theory.connectivity import largest_radius, radius_intervals, unconstrained_path
from theory.errors import InputError
from theory.exact import from_flint, some_solution, to_flint
from theory.gauges import gauge_of
from theory.geometry import geometry
from theory.landscape.analysis import barrier_between
from theory.network import Network
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball

HALF = Fraction(1, 2)


def between(first: Network, second: Network, t: Fraction) -> Network:
    """The network at t on the straight line of the parameters."""

    def mix(v: tuple[Fraction, ...], w: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
        return tuple((1 - t) * p + t * q for p, q in zip(v, w, strict=True))

    W = tuple(mix(*rows) for rows in zip(first.W, second.W, strict=True))
    return Network(W=W, a=mix(first.a, second.a))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Problem, Network, Network]:
    """A problem and two networks of one fit, of width n + 1 or more."""
    problem = draw(problems(activations=ACTIVATIONS, n=(1, 3)))
    width = problem.n + draw(st.integers(1, 2))
    rows = st.lists(st.integers(-2, 2), min_size=width, max_size=width)
    first, second = (
        Network(W=[draw(rows) for _ in range(problem.d)], a=draw(rows)) for _ in range(2)
    )
    hidden = [Network(W=[[v] for v in column], a=[1]).fit(problem) for column in second.neurons()]
    a = some_solution(
        [to_flint(row) for row in zip(*hidden, strict=True)], to_flint(first.fit(problem)), width
    )
    assume(a is not None)
    return problem, first, Network(W=second.W, a=from_flint(a))


@given(pairs(), st.fractions(0, 1, max_denominator=5))
def test_the_fit_stays_and_the_radius_is_largest_at_breakpoints(
    pair: tuple[Problem, Network, Network], t: Fraction
) -> None:
    problem, first, second = pair
    path = unconstrained_path(problem, first, second)
    assert path[0] == first
    assert path[-1] == second
    largest = largest_radius("adamw", path)
    assert largest.lower == largest.upper
    for one, other in pairwise(path):
        at = between(one, other, t)
        assert at.fit(problem) == first.fit(problem)
        assert largest_radius("adamw", [at]).upper <= largest.upper
        moved = [
            j for j, (v, w) in enumerate(zip(one.neurons(), other.neurons(), strict=True)) if v != w
        ]
        assert all(one.a[j] == other.a[j] == 0 for j in moved)


def test_from_a_network_to_itself_with_its_neurons_in_another_order() -> None:
    problem = example("two-points")
    network = Network(W=[[1, 0, 2], [0, -1, 1]], a=[1, -1, 1])
    path = unconstrained_path(problem, network, network.permuted([1, 2, 0]))
    assert path[-1] == network.permuted([1, 2, 0])
    assert {step.fit(problem) for step in path} == {network.fit(problem)}


@given(problems(activations=ACTIVATIONS, n=(1, 3)), st.integers(0, 2), st.data())
def test_between_networks_of_different_fits_no_loss_is_above_both(
    problem: Problem, more: int, data: st.DataObject
) -> None:
    width = problem.n + 1 + more

    def network() -> Network:
        column = st.lists(st.integers(-3, 3), min_size=width, max_size=width)
        return Network(W=[data.draw(column) for _ in range(problem.d)], a=data.draw(column))

    first, second = network(), network()
    path = unconstrained_path(problem, first, second)
    assert (path[0], path[-1]) == (first, second)
    fits = [step.fit(problem) for step in path]
    assert set(fits) == {first.fit(problem), second.fit(problem)}
    assert sum(one != other for one, other in pairwise(fits)) <= 1
    for one, other in pairwise(path):
        middle = between(one, other, Fraction(1, 3))
        assert middle.loss(problem) <= max(first.loss(problem), second.loss(problem))


def test_it_leaves_the_ball_as_every_path_does() -> None:
    problem = example("non-monotone")
    found = analyse(problem, 3, within=Ball("adamw", HALF))
    first, second = (component.representative for component in found.components)
    # The components merge at 2/3: no path stays below.
    (inside,) = [each for each in radius_intervals(problem, "adamw", 3) if HALF in each]
    assert inside.upper == Fraction(2, 3)
    path = unconstrained_path(problem, first, second)
    assert largest_radius("adamw", path).lower == 1
    landscape = barrier_between(problem, first, second)
    assert landscape.value == 0
    assert largest_radius("adamw", landscape.path.breakpoints).lower >= inside.upper


@pytest.mark.parametrize("optimizer", ["muon", "muon-adamw", "ngd", "colnorm", "colnorm-ngd"])
def test_other_balls_have_bounds(optimizer: str) -> None:
    network = Network(W=[[3, 0], [4, 0]], a=[2, 0])
    found = largest_radius(optimizer, [network])
    assert found.lower <= 10 <= found.upper * (1 + Fraction(1, 10**9))
    assert found.upper <= 10 * (1 + Fraction(1, 10**9))
    blank = Network(W=[[0], [0]], a=[0])
    assert largest_radius(optimizer, [blank]).upper == 0


@given(
    st.sampled_from(["adamw", "muon", "muon-adamw", "ngd", "colnorm", "adamw-ngd", "colnorm-ngd"]),
    st.lists(st.tuples(*[st.integers(-4, 4)] * 2), min_size=1, max_size=4).filter(
        lambda columns: any(map(any, columns))
    ),
)
def test_lower_bounds_of_gauges_are_below_networks_and_near(
    optimizer: str, columns: list[tuple[int, int]]
) -> None:
    gauge = gauge_of(geometry(optimizer).ball)
    u = tuple(tuple(map(Fraction, column)) for column in columns)
    lower, upper = gauge.below(u), gauge.witness([1] * len(u), u)[1]
    assert lower <= upper <= lower * (1 + Fraction(1, 10**4))
    assert gauge.below(tuple((Fraction(), Fraction()) for _ in u)) == 0


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([[1, 1], [0, 0]], [[1, 1], [0, 0]], "first: has 2 neurons; n [+] 1 = 3 are needed"),
        ([[1] * 3, [0] * 3], [[1] * 4, [0] * 4], "second: has 4 neurons, but first has 3"),
    ],
)
def test_wrong_input(first: list[list[int]], second: list[list[int]], message: str) -> None:
    networks = (Network(W=W, a=[1] * len(W[0])) for W in (first, second))
    with pytest.raises(InputError, match=message):
        unconstrained_path(example("two-points"), *networks)
