"""Trained networks, in floats, enter the exact solution set near where they are."""

from __future__ import annotations

from fractions import Fraction

import exact_norms
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import planted
from profiles import part

from numerics.training.loop import train
from theory.certificates import certify
from theory.certificates.checker import check
from theory.connectivity import SolutionPath, SolutionSet, connect, project
from theory.errors import InputError
from theory.gauges import gauge_of
from theory.geometry import geometry
from theory.network import Network
from theory.problem import Problem
from theory.strategies import solution_pairs
from theory.within import Ball, Penalty

RADII = {"adamw": 4, "lion": 4, "muon": 30, "muon-adamw": 8, "ngd": 40, "colnorm": 8}
RADII |= {"adamw-ngd": 12, "colnorm-ngd": 15, "ngd-adamw": 15}


def in_floats(W: np.ndarray, a: np.ndarray) -> Network:
    return Network(
        W=tuple(tuple(map(Fraction, row)) for row in W.tolist()), a=tuple(map(Fraction, a.tolist()))
    )


@pytest.mark.parametrize("optimizer", RADII)
def test_trained_networks_are_joined(optimizer: str) -> None:
    problem, _ = planted(5, 3, 3, 2, entries=3)
    rho = Fraction(RADII[optimizer])
    # With other seeds, 0 and 2 of adamw-ngd, no exact fit is found near one of them.
    runs = train(problem, 24, Ball(optimizer, rho), seeds=2, steps=1500, seed=1)
    trained = [in_floats(W, a) for W, a in zip(runs.W, runs.a, strict=True)]
    solutions = SolutionSet(problem, Ball(optimizer, rho), Fraction())
    found = [project(solutions, net) for net in trained]
    for net, each in zip(trained, found, strict=True):
        assert not solutions.violation_of(each.network)
        moved = [
            float(v - w)
            for one, two in ((net.W, each.network.W), ((net.a,), (each.network.a,)))
            for rows in zip(one, two, strict=True)
            for v, w in zip(*rows, strict=True)
        ]
        assert each.distance == pytest.approx(np.linalg.norm(moved))
        assert 0 < each.distance < 3
    path = connect(solutions, *(each.network for each in found), max_cells=1)
    assert isinstance(path, SolutionPath)
    assert path.max_loss == 0
    assert "loss at most 0" in check(certify(path), problem).statement


@part(2)
@given(
    st.data(),
    st.sampled_from(
        ["adamw", "muon", "ngd", "sgd", "colnorm", "muon-adamw", "colnorm-ngd", "ngd-adamw"]
    ),
)
def test_a_network_of_the_set_stays_as_it_is(data: st.DataObject, optimizer: str) -> None:
    solutions, first, _ = data.draw(solution_pairs(optimizer))
    found = project(solutions, first)
    assert (found.network, found.distance) == (first, 0)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "optimizer", ["adamw", "muon", "ngd", "colnorm", "muon-adamw", "adamw-ngd"]
)
def test_a_perturbed_solution_is_found_again(optimizer: str, seed: int) -> None:
    problem, net = planted(4, 3, 6, seed, entries=3)
    noise = np.random.default_rng(seed).normal(0, 1e-3, (3, 6))
    W = np.array([[float(v) for v in row] for row in net.W]) + noise
    near = in_floats(W, np.array([float(v) for v in net.a]))
    solutions = SolutionSet(problem, Ball(optimizer, Fraction(200)), Fraction())
    assert project(solutions, near).distance < 0.1


def test_levels_above_zero_leave_a_part_of_the_loss() -> None:
    problem, net = planted(4, 2, 3, 0, entries=3)
    half = Network(W=net.W, a=[v / 2 for v in net.a])
    solutions = SolutionSet(problem, Ball("adamw", Fraction(10)), half.loss(problem) / 100)
    found = project(solutions, half).network
    assert 0 < found.loss(problem) <= solutions.level


def test_where_there_is_nothing_near_the_reason_is_told() -> None:
    solutions = SolutionSet(Problem(X=[[1]], y=[5]), Ball("adamw", Fraction(1)), Fraction())
    with pytest.raises(InputError, match="no network of the solution set was found near it.*loss"):
        project(solutions, Network(W=[["0.3"]], a=["0.7"]))


def test_zero_rows_and_dead_neurons() -> None:
    problem = Problem(X=[[0, 0], [1, 2]], y=[0, 3])
    near = Network(W=[["0.9", "-1"], ["1.0001", "-1"]], a=["1", "1"])
    solutions = SolutionSet(problem, Ball("muon", Fraction(10)), Fraction())
    assert project(solutions, near).network.loss(problem) == 0


@pytest.mark.parametrize("optimizer", ["adamw", "muon", "ngd", "colnorm", "muon-adamw", "sgd"])
def test_input_weights_of_output_weight_zero_count(optimizer: str) -> None:
    problem = Problem(X=[[1, 0], [0, 1]], y=[1, -1])
    net = Network(W=[[1, 0, 1000], [0, 1, 0]], a=[1, -1, 0])
    within = Penalty("1/2") if optimizer == "sgd" else Ball(optimizer, "5/2")
    solutions = SolutionSet(problem, within, Fraction(optimizer == "sgd"))
    assert not solutions.violation(solutions.coordinates(net))
    assert "neuron 2 has output weight 0" in solutions.violation_of(net)
    found = project(solutions, net)
    assert not solutions.violation_of(found.network)
    assert 990 < found.distance < 1001
    if optimizer == "sgd":
        squares = exact_norms.squares(found.network.W, found.network.a)
        assert found.network.loss(problem) + squares / 4 <= 1
    else:
        ball = "entrywise" if optimizer == "adamw" else optimizer
        assert exact_norms.inside(ball, found.network.W, found.network.a, Fraction(5, 2))


@given(
    st.data(),
    st.sampled_from(["adamw", "muon", "ngd", "colnorm", "muon-adamw", "adamw-ngd", "ngd-adamw"]),
)
def test_whether_a_network_is_in_a_ball_as_it_stands(data: st.DataObject, optimizer: str) -> None:
    """Whatever its neurons are; the test's own norms."""
    entries = st.one_of(st.just(Fraction()), st.fractions(-2, 2, max_denominator=3))
    d, m = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    W = [[data.draw(entries) for _ in range(m)] for _ in range(d)]
    net = Network(W=W, a=[data.draw(entries) for _ in range(m)])
    rho = data.draw(st.fractions(Fraction(1, 4), 6, max_denominator=4))
    within = "entrywise" if optimizer == "adamw" else optimizer
    inside = exact_norms.inside(within, net.W, net.a, rho)
    assert gauge_of(geometry(optimizer).ball).holds(net, rho) == inside
    solutions = SolutionSet(Problem(X=[[0] * d], y=[0]), Ball(optimizer, rho), Fraction())
    assert (not solutions.violation_of(net)) == inside
