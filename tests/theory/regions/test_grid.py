"""Grids of radii, and networks of points: known phases, exact fits."""

from __future__ import annotations

from fractions import Fraction

import pytest

from theory.connectivity.solutions import Neuron, network_of
from theory.loading import example
from theory.problem import Problem
from theory.regions import grid, optimizer_regions


def test_all_phases_of_two_regions() -> None:
    """The frontier is rho_B = 1 / rho_A at first, from rho_A = 1/2 to 1 / sqrt(2)."""
    found = optimizer_regions(example("two-regions"), ("adamw", "muon"), 2)
    frontier = found.frontier(4)
    points = grid(frontier)
    assert {first for first, _ in points} > {vertex.fixed[0] for vertex in frontier.vertices}
    phases = {(meeting.phase, meeting.empty) for meeting in points.values() if meeting}
    empty = {("adamw",), ("muon",), ("adamw", "muon")}
    assert phases == {("overlap", ()), ("disjoint", ()), *(("empty", names) for names in empty)}
    for (first, second), meeting in points.items():
        assert meeting is not None
        assert meeting.rho == (first, second)
        if meeting.phase == "overlap":
            assert found.meet(first).upper <= second
        if meeting.phase == "disjoint":
            assert found.least(1).upper <= second < found.meet(first).lower


def test_undecided_points_are_none() -> None:
    """At width 5 the few cells allowed leave small balls of adamw open."""
    found = optimizer_regions(example("flagship"), ("adamw", "muon"), 5, max_cells=100)
    points = grid(found.frontier())
    assert None in points.values()
    phases = {meeting.phase for meeting in points.values() if meeting}
    assert "empty" in phases


def test_where_every_radius_will_do() -> None:
    points = grid(optimizer_regions(Problem(X=[[1]], y=[0]), ("adamw", "muon"), 1).frontier())
    assert {meeting.phase for meeting in points.values() if meeting} == {"overlap"}


@pytest.mark.parametrize("width", [3, 5])
def test_the_network_of_a_point_has_its_fit(width: int) -> None:
    point = (
        Neuron(1, Fraction(2), (Fraction(1, 3), Fraction(-2))),
        Neuron(-1, Fraction(9, 4), (Fraction(1), Fraction(1))),
        Neuron(1, Fraction(1), (Fraction(), Fraction())),
    )
    network = network_of(point, 2, width)
    assert network.width == width
    assert network.convex_coordinates()[:2] == [(s, u) for s, _, u in point[:2]]
    assert not any(network.a[2:])
    assert network.a[1] == Fraction(-3, 2)
    assert 2 <= network.a[0] ** 2 <= 2 * (1 + Fraction(1, 2**60))


def test_the_network_of_no_neurons_is_zero() -> None:
    network = network_of((), 3, 2)
    assert (len(network.W), network.width) == (3, 2)
    assert not any(v for row in network.W for v in row)
