"""Merge trees: known ones, brute force in floats and over all faces, invariances, bad input."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations_with_replacement, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import ACTIVATIONS, REGRESSION, planted
from profiles import part
from scipy.cluster.hierarchy import DisjointSet

from theory.claims.float_landscape import cell_and_face_values, least_loss
from theory.claims.float_valleys import bars as bars_of
from theory.claims.sign_vectors import sign_vectors
from theory.errors import BudgetError, InputError, Interrupted
from theory.landscape import analyse
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.valleys import Valleys, valleys
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball

few = part(4)


def bars(tree: Valleys) -> list[tuple[Fraction, Fraction | None]]:
    """Births and deaths, by depth."""
    return [(valley.birth, valley.death) for valley in tree.valleys]


# Known answers.


def test_flagship_without_a_ball() -> None:
    tree = valleys(example("flagship"), 2)
    assert bars(tree) == [(0, None), (0, Fraction(32, 45))]
    assert [valley.into for valley in tree.valleys] == [None, 0]


def test_flagship_in_the_ball_of_adamw() -> None:
    tree = valleys(example("flagship"), 2, within=Ball("adamw", "11/5"))
    assert bars(tree) == [
        (0, None),
        (Fraction(49, 650), Fraction(73, 90)),
        (Fraction(1, 10), Fraction(9, 70)),
    ]
    for valley in tree.valleys:
        assert valley.representative.loss(tree.problem) == valley.birth


@pytest.mark.parametrize(
    ("optimizer", "count"), [("adamw", 3), ("lion", 3), ("muon", 10), ("ngd", 12)]
)
def test_separation_in_four_balls(optimizer: str, count: int) -> None:
    tree = valleys(example("separation-09"), 2, within=Ball(optimizer, 3))
    assert len(tree.valleys) == count
    assert all(valley.depth > tree.min_depth for valley in tree.valleys[1:] if valley.depth)


def test_one_neuron_on_a_line_has_a_valley_on_each_side() -> None:
    """X = (1, -1), y = (2, 1): w > 0 fits the one, w < 0 the other, zero weights between."""
    tree = valleys(Problem([[1], [-1]], [2, 1]), 1)
    half = Fraction(1, 2)
    assert bars(tree) == [(half, None), (Fraction(2), Fraction(5, 2))]


def test_neurons_of_one_image_may_be_apart() -> None:
    """|w x| = 3 on either side of zero."""
    data = Problem([[1]], [3], activation="abs")
    assert bars(valleys(data, 1)) == [(0, None), (0, Fraction(9, 2))]
    assert len(valleys(data, 2).valleys) == 1


# Two ways of counting.


@given(
    problem=problems(activations=ACTIVATIONS, n=(1, 4), d=(1, 2)),
    width=st.integers(1, 2),
    labelled=st.booleans(),
)
def test_the_tree_is_that_of_brute_force_in_floats(
    problem: Problem, width: int, labelled: bool
) -> None:
    cones = sign_vectors(problem)
    values, faces = cell_and_face_values(cones, width, labelled, least_loss(problem, cones))
    scale = float(sum(v * v for v in problem.y)) or 1.0
    expected = sorted(bar for bar in bars_of(values, faces) if bar[1] - bar[0] > 1e-7 * scale)
    found = valleys(problem, width, labelled=labelled)
    exact = sorted(
        (float(birth), np.inf if death is None else float(death)) for birth, death in bars(found)
    )
    deep = [bar for bar in exact if bar[1] - bar[0] > 1e-7 * scale]
    assert len(deep) == len(expected)
    np.testing.assert_allclose(deep, expected, atol=1e-7 * scale)


@given(
    problem=problems(activations=ACTIVATIONS, n=(1, 3), d=(1, 2)),
    width=st.integers(1, 2),
    rho=st.sampled_from([Fraction(1, 2), Fraction(2)]),
)
def test_the_tree_in_a_ball_is_that_of_all_faces(
    problem: Problem, width: int, rho: Fraction
) -> None:
    within = Ball("adamw", rho)
    complex_ = CellComplex.of(problem, width, within=within)
    tree = valleys(problem, width, within=within)
    values: dict[Cell, Fraction] = {}
    faces: list[tuple[Fraction, Cell, Cell]] = []
    for cell in combinations_with_replacement(range(complex_.states), width):
        values[cell] = complex_.minimum(cell).value
        for position in complex_.positions(cell):
            for move in complex_.moves(cell[position]):
                value = complex_.face_minimum(cell, position, move).value
                faces.append((value, cell, complex_.neighbour(cell, position, move)))
    groups = DisjointSet(values)
    lowest = dict(values)
    expected = []
    for value, cell, target in sorted(faces):
        ends = lowest[groups[cell]], lowest[groups[target]]
        if groups.merge(cell, target):
            expected.append((max(ends), value))
            lowest[groups[cell]] = min(ends)
    deep = sorted(
        (complex_.loss_of(birth), complex_.loss_of(death))
        for birth, death in expected
        if death > birth
    )
    assert sorted(bars(tree)[1:]) == deep
    assert tree.minimum == complex_.loss_of(min(values.values()))


@given(problem=problems(activations=ACTIVATIONS, n=(1, 3), d=(1, 2)), width=st.integers(1, 2))
@few
def test_intervals_hold_what_is_exact(problem: Problem, width: int) -> None:
    """At d = 1 all norms of a column are the same, so colnorm's ball is adamw's."""
    line = replace(problem, X=tuple((row[0],) for row in problem.X))
    exact = valleys(line, width, within=Ball("adamw", 1))
    tree = valleys(line, width, within=Ball("colnorm", 1))
    expected = [
        bar
        for valley, bar in zip(exact.valleys, bars(exact), strict=True)
        if not valley.depth or valley.depth > tree.min_depth
    ]
    assert len(tree.valleys) == len(expected)
    for valley, (birth, death) in zip(tree.valleys, expected, strict=True):
        assert valley.proved_birth <= birth <= valley.birth
        if death is not None:
            assert valley.proved_death is not None
            assert valley.death is not None
            assert valley.proved_death <= death <= valley.death


def test_components_of_a_level_are_the_valleys_alive_there() -> None:
    problem = REGRESSION
    tree = valleys(problem, 2)
    assert len(tree.valleys) == 5
    for valley in tree.valleys[1:]:
        assert valley.death is not None
        level = (valley.birth + valley.death) / 2
        alive = [
            each
            for each in tree.valleys
            if each.birth <= level and (each.death is None or level < each.death)
        ]
        assert len(analyse(problem, 2, level=level).components) == len(alive)


def test_a_way_out_ends_at_the_networks_themselves() -> None:
    """Here the neurons of valley 1 share a column, in another order on the way."""
    problem = Problem([[2, -1], [-1, 2], [1, -2], [1, 2], [-2, 1]], [-3, 0, -3, 3, -2])
    tree = valleys(problem, 2)
    for valley in tree.valleys[1:]:
        ends = [valley.representative, tree.valleys[valley.into or 0].representative]
        first, *_, last = tree.path(valley).breakpoints
        for network, end in zip(ends, (first, last), strict=True):
            orders = [network, network.permuted((1, 0))]
            assert end.convex_coordinates() in [each.convex_coordinates() for each in orders]


def test_a_way_out_is_a_path_that_goes_no_higher_than_it_must() -> None:
    problem = REGRESSION
    tree = valleys(problem, 2)
    for valley in tree.valleys[1:]:
        losses = [network.loss(problem) for network in tree.path(valley).breakpoints]
        assert (losses[0], max(losses)) == (valley.birth, valley.death)
        assert losses[-1] <= losses[0]


# Invariances.


@given(problem=problems(activations=ACTIVATIONS, n=(1, 4), d=(1, 2)), data=st.data())
def test_the_order_of_the_data_does_not_matter(problem: Problem, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(problem.n)))
    other = replace(
        problem, X=tuple(problem.X[i] for i in order), y=tuple(problem.y[i] for i in order)
    )
    assert sorted(map(str, bars(valleys(other, 2)))) == sorted(map(str, bars(valleys(problem, 2))))


@given(
    problem=problems(activations=ACTIVATIONS, n=(1, 3), d=(1, 2)),
    factor=st.sampled_from([Fraction(1, 3), Fraction(7)]),
)
def test_scaling_the_targets_scales_the_tree(problem: Problem, factor: Fraction) -> None:
    scaled = replace(problem, y=tuple(factor * v for v in problem.y))
    expected = [
        (birth * factor**2, death and death * factor**2)
        for birth, death in bars(valleys(problem, 2, within=Ball("adamw", 1)))
    ]
    assert bars(valleys(scaled, 2, within=Ball("adamw", factor))) == expected


def test_each_order_of_the_neurons_is_a_valley_when_labelled() -> None:
    """Of a problem whose one global minimum has two different neurons in the inside of cells."""
    plain, labelled = (valleys(example("flagship"), 2, labelled=each) for each in (False, True))
    at_zero = [valley for valley in labelled.valleys if valley.birth == 0]
    orders = sum(
        len({cell for c in valley.cells[:1] for cell in permutations(c)})
        for valley in plain.valleys
    )
    assert len(at_zero) == orders == 4


# Degenerate data, options and errors.


@pytest.mark.parametrize(
    "problem",
    [
        Problem([[1, 2]], [0]),
        Problem([[0, 0], [1, 1]], [1, 0]),
        Problem([[1, 1], [1, 1]], [1, 1]),
        Problem([[1, 1], [2, 2]], [1, 2]),
        Problem([[1]], [-1]),
    ],
)
@pytest.mark.parametrize("within", [None, Ball("adamw", 1)])
def test_degenerate_data_have_one_valley(problem: Problem, within: Ball | None) -> None:
    tree = valleys(problem, 2, within=within)
    assert len(tree.valleys) == 1
    assert tree.complete


def test_shallow_valleys_are_left_out() -> None:
    ball = Ball("adamw", "11/5")
    tree = valleys(example("flagship"), 2, within=ball, min_depth="9/70")
    assert bars(tree) == [(0, None), (Fraction(49, 650), Fraction(73, 90))]
    with pytest.raises(InputError, match="min_depth: -1 must not be negative"):
        valleys(example("flagship"), 2, min_depth=-1)


def test_too_many_cells_are_counted_first() -> None:
    with pytest.raises(BudgetError, match="max_cells"):
        valleys(planted(10, 3, 3, 2)[0], 3, max_cells=1000)
    with pytest.raises(BudgetError, match="cells, with a convex program for each: 240,464 needed"):
        valleys(planted(8, 3, 3, 2)[0], 3, within=Ball("muon", 1))


def test_an_interrupt_leaves_what_is_known() -> None:
    def stop(stage: str, count: int) -> None:
        if stage.startswith("looking for the ways out"):
            raise Interrupted

    tree = valleys(REGRESSION, 2, progress=stop)
    assert not tree.complete
    assert all(valley.death is None for valley in tree.valleys)

    def at_once(stage: str, count: int) -> None:
        raise Interrupted

    with pytest.raises(Interrupted, match="^interrupted$"):
        valleys(example("flagship"), 2, progress=at_once)


# The valley of a network.


@given(
    problem=problems(activations=ACTIVATIONS, n=(1, 4), d=(1, 2)),
    rho=st.sampled_from([None, Fraction(2)]),
    data=st.data(),
)
def test_a_network_is_at_home_in_the_lowest_valley_of_its_component(
    problem: Problem, rho: Fraction | None, data: st.DataObject
) -> None:
    """Among the components of its own level, as `analyse` finds them."""
    entry = st.fractions(-1, 1, max_denominator=4)
    columns = st.lists(entry, min_size=problem.d, max_size=problem.d)
    neurons = data.draw(
        st.lists(st.tuples(st.sampled_from([-1, 1]), columns), min_size=2, max_size=2)
    )
    network = Network.from_convex(neurons)
    within = None if rho is None else Ball("adamw", rho)
    tree = valleys(problem, 2, within=within)
    home = tree.home(network)
    assert home is not None
    found = analyse(problem, 2, level=network.loss(problem), within=within)
    cell = found.complex.canonical(found.complex.cell_of(network))
    (component,) = [each for each in found.components if cell in each.cells]
    assert home.birth == component.minimum
    assert set(home.cells) <= set(component.cells)


def test_runs_below_the_pass_are_at_home_where_they_are() -> None:
    tree = valleys(example("flagship"), 2, within=Ball("adamw", "11/5"))
    for valley in tree.valleys:
        assert tree.home(valley.representative) == valley
    zero = Network([[0, 0], [0, 0]], [0, 0])
    assert tree.home(zero) == tree.valleys[0]
    with pytest.raises(InputError, match="W: is not provably in the ball: needs rho = 9"):
        tree.home(Network([[3, 0], [0, 0]], [3, 0]))
