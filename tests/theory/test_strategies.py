"""The public strategies: what each promises holds exactly, occurs, and shrinks to what it should.

Every property here also runs Hypothesis's health checks: too slow or too much filtered would fail.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, pairwise
from math import ceil
from typing import Any

import pytest
from flint import fmpq_mat
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from profiles import part

from theory import analyse, example
from theory.arrangement import Arrangement, arrangement, general_position_count
from theory.connectivity import SolutionSet, connected_from, largest_mass, radius_intervals
from theory.errors import InputError
from theory.exact import is_positive_semidefinite, to_flint
from theory.gauges import gauge_of
from theory.geometry import geometry
from theory.network import Network
from theory.problem import Problem
from theory.radii import OPTIMIZERS, least_radii
from theory.strategies import (
    DEGENERACIES,
    Matrix,
    _into_general_position,
    arrangements,
    component_networks,
    data_matrices,
    minimiser_pairs,
    networks,
    networks_in_ball,
    planted_problems,
    problems,
    radii_near_critical,
    solution_pairs,
    solutions,
)
from theory.within import Ball

HALF = Fraction(1, 2)
SHRUNK = settings(
    database=None,
    derandomize=True,
    deadline=None,
    max_examples=2000,
    phases=[Phase.generate, Phase.shrink],  # what Hypothesis explains of an example costs most
)
OCCURS = settings(SHRUNK, phases=[Phase.generate])
ROWS = ("zero-row", "duplicate-rows", "parallel-rows", "antiparallel-rows")
few = part(2)


def rank(rows: Any) -> int:
    return fmpq_mat([to_flint(row) for row in rows]).rank()


def factors(problem: Problem) -> set[Fraction]:
    """c with x_i = c x_k for some i < k, not zero, or the reverse with |c| >= 1."""
    found = set()
    for one, other in combinations([row for row in problem.X if any(row)], 2):
        if rank([one, other]) == 1:
            place = next(j for j, v in enumerate(one) if v)
            c = one[place] / other[place]
            found.add(c if abs(c) >= 1 else 1 / c)
    return found


HAS: dict[str, Callable[[Problem], bool]] = {
    "one-point": lambda p: p.n == 1,
    "one-feature": lambda p: p.d == 1,
    "zero-row": lambda p: not all(map(any, p.X)),
    "duplicate-rows": lambda p: 1 in factors(p),
    "parallel-rows": lambda p: any(c > 1 for c in factors(p)),
    "antiparallel-rows": lambda p: any(c < 0 for c in factors(p)),
    "rank-deficient": lambda p: rank(p.X) < p.d,
    "zero-targets": lambda p: not any(p.y),
}


# Data


@given(problems(n=(2, 5), d=3, entries=2, targets=1))
def test_sizes_and_entries(problem: Problem) -> None:
    assert 2 <= problem.n <= 5
    assert problem.d == 3
    assert all(v.denominator == 1 and abs(v) <= 2 for row in problem.X for v in row)
    assert all(v.denominator == 1 and abs(v) <= 1 for v in problem.y)


@given(problems(max_denominator=3))
def test_denominators(problem: Problem) -> None:
    assert all(6 % v.denominator == 0 for v in (*problem.y, *(v for row in problem.X for v in row)))


@given(
    st.sampled_from([1, 3]).flatmap(
        lambda q: data_matrices(n=(1, 6), d=(1, 4), general_position=True, max_denominator=q)
    )
)
def test_general_position(X: Matrix) -> None:
    size = min(len(X), len(X[0]))
    assert all(rank(rows) == size for rows in combinations(X, size))
    if len(X[0]) > 1:
        assert len(arrangement(X)) == general_position_count(len(X), size)


@pytest.mark.parametrize(("n", "d", "entries"), [(10, 4, 9), (12, 3, 1), (7, 5, 2)])
@part(2)
@given(data=st.data())
def test_many_points_in_general_position(n: int, d: int, entries: int, data: st.DataObject) -> None:
    """No health check fails: all are moved where they are in the way, and none is rejected."""
    problem = data.draw(problems(n=n, d=d, entries=entries, general_position=True))
    assert all(rank(rows) == d for rows in combinations(problem.X, d))


def test_the_nearest_point_off_the_others() -> None:
    placed = _into_general_position([[0, 0], [2, 0], [2, 0], [10**12, 0]])
    assert placed == [[1, 0], [2, 1], [2, -1], [10**12, 1]]


@pytest.mark.parametrize("name", DEGENERACIES)
@few
@given(data=st.data())
def test_what_is_prescribed_occurs(name: str, data: st.DataObject) -> None:
    assert HAS[name](data.draw(problems(d=(1, 3), degeneracies=[name], max_denominator=2)))


@given(problems(n=(1, 6), degeneracies=[*ROWS, "rank-deficient", "zero-targets"]))
def test_all_at_once(problem: Problem) -> None:
    assert all(HAS[name](problem) for name in (*ROWS, "rank-deficient", "zero-targets"))


@pytest.mark.parametrize("name", DEGENERACIES)
def test_degenerate_data_come_unasked_and_can_be_missing(name: str) -> None:
    find(problems(), HAS[name], settings=OCCURS)
    find(problems(), lambda p: not HAS[name](p), settings=OCCURS)


@given(planted_problems(width=(2, 3), general_position=True, n=(1, 5)))
def test_planted_networks_fit(planted: tuple[Problem, Network]) -> None:
    problem, network = planted
    assert network.loss(problem) == 0
    assert 2 <= network.width <= 3
    assert set(network.a) <= {1, -1}
    assert all(v.denominator == 1 and abs(v) <= 3 for row in network.W for v in row)


@given(arrangements(n=3, d=2, degeneracies=["parallel-rows"]))
def test_arrangements(found: Arrangement) -> None:
    assert found.signs.shape[1] == 3
    assert 1 <= len(found.walls) <= 2


# Networks


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("boundary", [False, True])
@few
@given(data=st.data())
def test_networks_are_in_the_ball(optimizer: str, boundary: bool, data: st.DataObject) -> None:
    d = data.draw(st.integers(1, 3))
    rho = data.draw(st.sampled_from([HALF / 3, HALF, Fraction(2), Fraction(40)]))
    network = data.draw(networks_in_ball(Ball(optimizer, rho), d, boundary=boundary))
    ball = geometry(optimizer).ball
    output = gauge_of(ball).output_squared(network.a)
    W = fmpq_mat([to_flint(row) for row in network.W])
    if ball.hidden == geometry("muon").ball.hidden:
        below = fmpq_mat([to_flint([rho**2 * (i == k) for i in range(d)]) for k in range(d)])
        below -= W * W.transpose()
        assert is_positive_semidefinite(below)
        full = below.det() == 0
    else:
        hidden = gauge_of(ball).hidden.squared(network.neurons())
        assert hidden <= rho**2
        full = hidden == rho**2
    assert len(network.W) == d
    assert output <= 1
    assert not boundary or (full and output == 1)
    solutions = SolutionSet(Problem(X=[[0] * d], y=[0]), Ball(optimizer, rho), Fraction())
    assert not solutions.violation_of(network)


@pytest.mark.parametrize("optimizer", {gauge_of(geometry(o).ball): o for o in OPTIMIZERS}.values())
def test_the_whole_ball_is_drawn_from(optimizer: str) -> None:
    """Interior, boundary, several neurons that all count, and entries that are no integers."""
    rho = Fraction(2)
    inside = networks_in_ball(Ball(optimizer, rho), 2)
    gauge = gauge_of(geometry(optimizer).ball)

    def size(network: Network) -> Fraction:
        return gauge.hidden.squared(network.neurons()) * gauge.output_squared(network.a)

    def used(network: Network) -> int:
        return sum(any(u) for _, u in network.convex_coordinates())

    seen = set()

    def both(net: Network) -> bool:
        if used(net) == 2 and size(net) < HALF:
            seen.add("inside")
        if used(net) == 3 and size(net) >= rho**2:
            seen.add("at the boundary")
        return len(seen) == 2

    find(inside, both, settings=OCCURS)


# Solutions


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, "sgd"])
@few
@given(data=st.data())
def test_pairs_are_in_the_set_and_one_is_at_its_level(optimizer: str, data: st.DataObject) -> None:
    found, first, second = data.draw(solution_pairs(optimizer))
    assert not any(map(found.violation_of, (first, second)))
    assert max(map(found.objective_of, (first, second))) == found.level
    assert first.width == second.width <= 3


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@few
@given(data=st.data())
def test_exact_pairs_fit(optimizer: str, data: st.DataObject) -> None:
    found, first, second = data.draw(solution_pairs(optimizer, exact=True, d=2))
    assert found.level == first.loss(found.problem) == second.loss(found.problem) == 0
    assert not any(map(found.violation_of, (first, second)))


@pytest.mark.parametrize("optimizer", ["adamw", "muon", "ngd"])
def test_exact_pairs_differ_in_more_than_the_order_of_neurons(optimizer: str) -> None:
    def other(pair: tuple[SolutionSet, Network, Network]) -> bool:
        found, first, second = pair
        if not all(found.problem.y):
            return False
        return {*first.convex_coordinates()}.isdisjoint(second.convex_coordinates())

    find(solution_pairs(optimizer, exact=True, n=(2, 4)), other, settings=OCCURS)


@few
@given(solution_pairs("ngd", width=lambda problem: connected_from(problem, Ball("ngd", 1))))
def test_the_width_may_depend_on_the_problem(pair: tuple[SolutionSet, Network, Network]) -> None:
    found, first, _ = pair
    assert first.width == connected_from(found.problem, found.within)


@few
@given(solutions("muon-adamw", n=2, exact=True), solutions("sgd"))
def test_single_solutions(
    one: tuple[SolutionSet, Network], other: tuple[SolutionSet, Network]
) -> None:
    for found, network in (one, other):
        assert not found.violation_of(network)
    assert one[1].loss(one[0].problem) == 0
    assert one[0].problem.n == 2


@given(minimiser_pairs("lion"))
def test_minimisers(pair: tuple[SolutionSet, Network, Network]) -> None:
    found, first, second = pair
    problem, rho = found.problem, found.within.rho
    assert rho is not None
    assert not any(map(found.violation_of, (first, second)))
    assert first.width >= ceil(largest_mass(problem, rho)) + problem.n
    # The residual is orthogonal to whatever a neuron computes, so no width has a lower loss.
    cones = arrangement(problem.X)
    for network in (first, second):
        assert network.loss(problem) == found.level
        residual = [f - y for f, y in zip(network.fit(problem), problem.y, strict=True)]
        for ray in cones.rays.tolist():
            image = Network(W=[[v] for v in ray], a=[1]).fit(problem)
            assert sum(r * v for r, v in zip(residual, image, strict=True)) == 0


@few
@given(problems(n=(1, 3)), st.data())
def test_networks_of_components(problem: Problem, data: st.DataObject) -> None:
    share = data.draw(st.sampled_from([Fraction(), Fraction(1, 30)]))
    above = share * sum((v * v for v in problem.y), Fraction())
    analysis = analyse(problem, 2, level=analyse(problem, 2).minimum + above)
    component, network = data.draw(component_networks(analysis))
    assert network.loss(problem) <= analysis.level
    cell = analysis.complex.canonical(analysis.complex.cell_of(network))
    assert cell in analysis.components[component].cells


def test_every_component_is_drawn() -> None:
    strategy = component_networks(analyse(example("flagship"), 2))
    find(strategy, lambda drawn: drawn[0] == 0, settings=OCCURS)
    find(strategy, lambda drawn: drawn[0] == 1, settings=OCCURS)


# Radii


def is_drawn(strategy: st.SearchStrategy[Fraction], value: Fraction) -> bool:
    try:
        find(strategy, lambda rho: rho == value, settings=OCCURS)
    except NoSuchExample:
        return False
    return True


def test_radii_are_at_and_on_both_sides_of_each_change() -> None:
    problem = example("non-monotone")
    strategy = radii_near_critical(problem, "lion", 3)
    intervals = radius_intervals(problem, "lion", 3)
    for before, after in pairwise(intervals):
        step = Fraction(1, 1024)
        assert is_drawn(strategy, after.lower)
        assert is_drawn(strategy, after.lower - step * (after.lower - before.lower))
        upper = after.upper or 2 * after.lower
        assert is_drawn(strategy, after.lower + step * (upper - after.lower))
    assert not is_drawn(strategy, Fraction(1))


def test_the_least_radii_of_components_are_critical() -> None:
    strategy = radii_near_critical(example("flagship"), "adamw", 2)
    assert is_drawn(strategy, Fraction(2))
    assert is_drawn(strategy, Fraction(12, 5))
    # About 3.0594 and 5 are proved to lie in intervals.
    strategy = radii_near_critical(example("flagship"), "muon", 2)
    found = [
        known["muon"] for known in least_radii(analyse(example("flagship"), 2), ["muon"]).components
    ]
    assert all(is_drawn(strategy, r.lower) and is_drawn(strategy, r.upper) for r in found)
    least = find(strategy, lambda rho: True, settings=SHRUNK)
    assert least < min(radius.lower for radius in found)


def test_without_critical_radii_it_is_one() -> None:
    assert is_drawn(radii_near_critical(Problem(X=[[1, 2]], y=[0]), "adamw", 1), Fraction(1))
    assert is_drawn(radii_near_critical(Problem(X=[[0]], y=[1]), "muon", 1), Fraction(1))


@few
@given(
    problems(n=(1, 2)).flatmap(lambda p: st.tuples(st.just(p), radii_near_critical(p, "adamw", 2)))
)
def test_radii_are_positive(case: tuple[Problem, Fraction]) -> None:
    assert case[1] > 0


# Shrinking

CORNER = Problem(X=[[1], [-1]], y=[1, 1])  # no neuron serves both points
ZEROS = Network(W=[[0]], a=[0])
BELOW = Fraction(2, 3) - Fraction(2, 3) / 1024 + Fraction(2, 5) / 1024  # from 2/3 towards 2/5
BASIS = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]


def several(width: int, **options: Any) -> Callable[[Problem], bool]:
    return lambda problem: len(analyse(problem, width, **options).components) > 1


@pytest.mark.parametrize(
    ("strategy", "false", "minimal"),
    [
        (problems(), several(1), CORNER),
        (problems(), several(2, labelled=True), CORNER),
        (problems(d=1), several(2, labelled=True), CORNER),
        (problems(degeneracies=["parallel-rows"]), lambda p: True, Problem([[1], [2]], [0, 0])),
        (problems(n=4, d=3, general_position=True), lambda p: True, Problem(BASIS, [0] * 4)),
        (problems(max_denominator=4), lambda p: any(p.y), Problem([[0]], [1])),
        (planted_problems(), lambda x: any(x[0].y), (Problem([[1]], [1]), Network([[1]], [1]))),
        (data_matrices(), lambda X: len(arrangement(X)) >= 4, ((0, 1), (1, 0))),
        (networks(1), lambda net: net.a > (0,), Network([[0]], [1])),
        (networks(2), lambda net: net.width > 1, Network([[0, 0]] * 2, [0, 0])),
        (networks_in_ball(Ball("muon", 3), 1), lambda net: True, ZEROS),
        (
            networks_in_ball(Ball("ngd", 3), 2, boundary=True),
            lambda net: net.width > 1,
            Network([[3, 0], [0, 0]], [1, 0]),
        ),
        (
            solution_pairs("muon"),
            lambda x: x[0].level,
            (SolutionSet(Problem([[0]], [1]), Ball("muon", Fraction(1)), HALF), ZEROS, ZEROS),
        ),
        (radii_near_critical(example("non-monotone"), "adamw", 3), lambda r: r > HALF, BELOW),
    ],
)
def test_shrinking_ends_at_the_smallest_example(
    strategy: st.SearchStrategy[Any], false: Callable[[Any], bool], minimal: object
) -> None:
    assert find(strategy, false, settings=SHRUNK) == minimal


# Errors


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (problems(n=(0, 2)), "n: 0 must be at least 1"),
        (problems(d=(3, 2)), "d: [(]3, 2[)] is empty"),
        (problems(degeneracies=["zero"]), "degeneracies: 'zero' is not one of one-point"),
        (problems(n=1, degeneracies=["duplicate-rows"]), "n: 1 has no room for what is prescr"),
        (problems(n=(2, 3), degeneracies=["one-point"]), "n: [(]2, 3[)] has no room"),
        (problems(d=1, degeneracies=["rank-deficient", "parallel-rows"]), "d: 1 has no room"),
        (problems(general_position=True, degeneracies=["zero-row"]), "degeneracies: .* general"),
        (planted_problems(degeneracies=["zero-targets"]), "degeneracies: zero-targets is for"),
        (planted_problems(width=0), "width: 0 must be at least 1"),
        (networks(2, width=(2, 1)), "width: [(]2, 1[)] is empty"),
        (solution_pairs("sgd", exact=True), "exact: the penalised loss"),
        (solution_pairs("ngd", exact=True, width=lambda problem: 2), "width: no function"),
        (minimiser_pairs("muon"), "optimizer: muon has no entrywise ball"),
        (
            component_networks(analyse(example("flagship"), 2, within=Ball("adamw", Fraction(3)))),
            "analysis: is of",
        ),
    ],
)
def test_wrong_options(strategy: st.SearchStrategy[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        find(strategy, lambda x: True, settings=OCCURS)


def test_radii_of_an_optimizer_without_a_ball() -> None:
    with pytest.raises(InputError, match="sgd"):
        radii_near_critical(example("flagship"), "sgd", 2)
