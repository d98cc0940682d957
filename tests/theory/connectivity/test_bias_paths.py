"""Paths of solutions with hidden biases apart from the ball of W."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import part

from theory.certificates import certify
from theory.certificates.checker import check
from theory.connectivity import SolutionPath, SolutionSet, connect, project
from theory.connectivity.solutions import Neuron
from theory.errors import InputError, Undecided
from theory.exact import sqrt_above
from theory.geometry import geometry
from theory.landscape import Barrier
from theory.network import Network
from theory.problem import Problem
from theory.within import Ball, Penalty, settled

BALLS = (
    *("adamw", "muon", "muon-adamw", "ngd", "colnorm"),
    *("adamw-ngd", "colnorm-ngd", "ngd-adamw"),
)
MUONS = ("muon", "muon-adamw")
SHARED = (*MUONS, "ngd", "ngd-adamw")  # whose norm of W neurons divide
CASES = [*((ball, "free") for ball in BALLS), *((ball, "adamw") for ball in SHARED)]
LINE = Problem([[0], [1], [2]], [1, -1, 2])


def inside(ball: Ball, network: Network) -> Network:
    """The network with output weights such that it is in the ball."""
    gauge = ball.gauge
    size = sqrt_above(gauge.hidden.squared(network.neurons()) * gauge.output_squared(network.a))
    factor = min(Fraction(1), ball.rho / size) if size else Fraction(1)
    return Network(W=network.W, a=[factor * v for v in network.a])


def sizes(ball: Ball, bias: str, W: np.ndarray, a: np.ndarray) -> float:
    """||W|| ||a|| by the definition, in floating point."""
    norms = geometry(ball.optimizer).ball
    hidden = float(norms.hidden.value(W[:-1]))
    if bias == "adamw":
        hidden = max(hidden, float(np.abs(W[-1]).max()))
    return hidden * float(norms.output.value(a))


@part(2)
@given(
    st.lists(st.tuples(*[st.integers(-2, 2)] * 2), min_size=1, max_size=3),
    st.sampled_from(CASES),
    st.sampled_from([3, 6]),
    st.data(),
)
def test_whatever_is_answered_is_proved(
    X: list[tuple[int, int]], case: tuple[str, str], width: int, data: st.DataObject
) -> None:
    """Between the breakpoints, too, the networks are in the ball, by what its norms are."""
    targets = data.draw(st.lists(st.integers(-2, 2), min_size=len(X), max_size=len(X)))
    problem, ball = settled(Problem(X, targets).with_bias(case[1]), Ball(case[0], 2))
    assert isinstance(ball, Ball)
    entries = st.fractions(-2, 2, max_denominator=2)
    ends = []
    for _ in range(2):
        W = data.draw(st.lists(st.tuples(*[entries] * width), min_size=3, max_size=3))
        a = data.draw(st.tuples(*[entries] * width))
        ends.append(inside(ball, Network(W=W, a=a)))
    solutions = SolutionSet(problem, ball, max(end.loss(problem) for end in ends))
    try:
        found = connect(solutions, *ends, max_cells=100)
    except Undecided:
        return
    if isinstance(found, Barrier):
        assert found.proved > solutions.level
        return
    assert check(certify(found), problem).kind == "path"
    assert found.max_loss <= solutions.level
    for k in range(len(found.points) - 1):
        for step in (Fraction(1, 3), Fraction(1, 2)):
            point = [neuron for neuron in found.at(k, step) if not neuron.blank]
            assert not solutions.violation(point)
            if point:
                roots = np.sqrt([float(neuron.alpha) for neuron in point])
                columns = np.array([[float(v) for v in neuron.u] for neuron in point]).T / roots
                assert sizes(ball, case[1], columns, roots) <= float(ball.rho) * (1 + 1e-9)


@pytest.mark.parametrize(("ball", "bias"), CASES)
def test_wide_networks_are_joined(ball: str, bias: str) -> None:
    """With more neurons than a reduced network needs, whatever their order."""
    problem, within = settled(LINE.with_bias(bias), Ball(ball, 3))
    assert isinstance(within, Ball)
    random = np.random.default_rng(5)
    ends = [
        inside(
            within,
            Network(
                W=[[Fraction(int(v), 4) for v in row] for row in random.integers(-6, 7, (2, 10))],
                a=[Fraction(int(v), 4) for v in random.integers(1, 5, 10)],
            ),
        )
        for _ in range(2)
    ]
    solutions = SolutionSet(problem, within, max(end.loss(problem) for end in ends))
    found = connect(solutions, ends[0], ends[1].permuted(list(range(9, -1, -1))), max_cells=1)
    assert isinstance(found, SolutionPath)
    assert check(certify(found), problem).kind == "path"


def test_the_rule_decides_what_is_inside() -> None:
    """One network, of a large bias: outside where it is decayed, inside where it is free."""
    network = Network(W=[["1/2"], ["3"]], a=["1"])
    problem = Problem([[0], [1]], [3, 4])
    for ball in BALLS:
        free = SolutionSet(problem.with_bias("free"), Ball(ball, 1), Fraction(1))
        assert not free.violation_of(network)
        decayed = SolutionSet(problem.with_bias("decayed"), Ball(ball, 1), Fraction(1))
        assert "outside" in decayed.violation_of(network)
    for ball in MUONS:
        problem_ = problem.with_bias("adamw")
        assert "outside" in SolutionSet(problem_, Ball(ball, "29/10"), Fraction(1)).violation_of(
            network
        )
        assert not SolutionSet(problem_, Ball(ball, 3), Fraction(1)).violation_of(network)


def test_a_bias_caps_what_a_neuron_may_take() -> None:
    solutions = SolutionSet(LINE.with_bias("adamw"), Ball("muon", 2), Fraction(9))
    neuron = Neuron(1, Fraction(1, 4), (Fraction(1, 10), Fraction(1, 2)))
    most = solutions.room(neuron)
    assert most == 4
    assert solutions.holds([solutions.scaled(neuron, most)])
    assert not solutions.holds([solutions.scaled(neuron, most * Fraction(101, 100))])
    assert solutions.room(neuron._replace(u=(Fraction(1), Fraction()))) is None


def test_a_neuron_more_joins_what_is_apart() -> None:
    """On x = 1, -1 with targets 1, -1 one neuron fits either; on the way from one sign to the other
    it is zero, of loss 1."""
    problem = Problem([[1], [-1]], [1, -1]).with_bias("free")
    solutions = SolutionSet(problem, Ball("ngd", 1), Fraction(3, 4))
    first = Network(W=[["1/2"], ["1/2"]], a=["1"])
    second = Network(W=[["-1/2"], ["1/2"]], a=["-1"])
    barrier = connect(solutions, first, second)
    assert isinstance(barrier, Barrier)
    assert solutions.level < barrier.proved <= 1
    assert math.isclose(float(barrier.proved), 1, abs_tol=1e-6)
    wide = [Network(W=[[*row, 0] for row in each.W], a=[*each.a, 0]) for each in (first, second)]
    assert isinstance(connect(solutions, *wide), SolutionPath)


@pytest.mark.parametrize(("ball", "bias"), CASES)
def test_networks_are_brought_into_the_set(ball: str, bias: str) -> None:
    """One that fits nearly, moved to one that fits exactly, with a bias at or beyond any bound."""
    problem = Problem([[0], [1]], [1, 2]).with_bias(bias)
    network = Network(W=[["10001/10000", "1/2"], ["9999/10000", "-1"]], a=["1", "1/2"])
    solutions = SolutionSet(problem, Ball(ball, 4), Fraction())
    found = project(solutions, network)
    assert found.network.loss(problem) == 0
    assert not solutions.violation_of(found.network)
    assert math.isfinite(found.distance)
    assert found.distance < 1e-2


def test_a_penalty_decays_all() -> None:
    with pytest.raises(InputError, match=r"^bias: is free, but sgd decays all"):
        SolutionSet(LINE.with_bias("free"), Penalty(1), Fraction(1))
