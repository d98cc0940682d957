"""Paths inside a solution set: found at the theorem's bound, one cell at a time, never outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import planted

from theory.certificates import certify
from theory.certificates.checker import check
from theory.connectivity import SolutionPath, SolutionSet, connect, connected_from
from theory.errors import InputError, Undecided
from theory.landscape import Barrier
from theory.network import Network
from theory.problem import Problem
from theory.strategies import minimiser_pairs, solution_pairs
from theory.within import Ball, Penalty

ALL = (
    *("adamw", "lion", "muon", "muon-adamw", "ngd", "colnorm"),
    *("adamw-ngd", "colnorm-ngd", "ngd-adamw"),
)
TWO_POINTS = Problem(X=[[1, 0], [0, 1]], y=[1, -1])
ONE = Network(W=[[1, 0], [0, 1]], a=[1, -1])
OTHER = ONE.permuted([1, 0])


def require_valid(path: SolutionPath | Barrier, first: Network, second: Network) -> None:
    """What is claimed of a path, here with the float loss of networks in between, too."""
    assert isinstance(path, SolutionPath)
    solutions = path.solutions
    assert path.ends == (first, second)
    assert path.points[0] == solutions.coordinates(first)
    assert path.points[-1] == solutions.coordinates(second)
    assert path.max_loss <= solutions.level
    X, y = (np.array(v, dtype=float) for v in (solutions.problem.X, solutions.problem.y))
    top = float(solutions.level) * (1 + 1e-9) + 1e-9
    for k in range(len(path.points) - 1):
        for step in (Fraction(1, 3), Fraction(4, 5)):
            point = path.at(k, step)
            assert not solutions.violation(point)
            u = np.array([[float(v) for v in neuron.u] for neuron in point]).T
            fit = np.maximum(X @ u, 0) @ np.array([neuron.sign for neuron in point])
            assert ((fit - y) ** 2).sum() / 2 <= top
    assert check(certify(path), solutions.problem).kind == "path"


def at_the_bound(optimizer: str) -> Callable[..., Any]:
    """The theorem's width and up to two more, for `solution_pairs`."""

    def widths(problem: Problem) -> tuple[int, int]:
        within = Penalty(1) if optimizer == "sgd" else Ball(optimizer, 1)
        bound = connected_from(problem, within)
        return bound, bound + 2

    return widths


@pytest.mark.parametrize("optimizer", ["ngd", "sgd", "muon"])
@given(data=st.data())
def test_any_two_points_of_a_sublevel_set_are_joined_at_the_bound(
    optimizer: str, data: st.DataObject
) -> None:
    solutions, first, second = data.draw(solution_pairs(optimizer, width=at_the_bound(optimizer)))
    # One cell allowed: the landscape must not be needed.
    path = connect(solutions, first, second, max_cells=1)
    require_valid(path, first, second)


@given(minimiser_pairs())
def test_any_two_solutions_in_an_entrywise_ball_are_joined_at_the_bound(
    pair: tuple[SolutionSet, Network, Network],
) -> None:
    solutions, first, second = pair
    require_valid(connect(solutions, first, second, max_cells=1), first, second)


def require_proved(solutions: SolutionSet, first: Network, second: Network) -> str:
    """The kind of answer, of which every one is proved."""
    try:
        answer = connect(solutions, first, second, max_cells=2_000)
    except Undecided:
        return "undecided"
    if isinstance(answer, Barrier):
        assert answer.proved > solutions.level
        assert check(certify(answer), solutions.problem).kind == "barrier"
        return "barrier"
    require_valid(answer, first, second)
    return "path"


def test_whatever_is_answered_at_any_width_is_proved() -> None:
    answers: Counter[str] = Counter()

    @given(st.data(), st.sampled_from([*ALL, "sgd"]))
    def proved(data: st.DataObject, optimizer: str) -> None:
        exact = optimizer != "sgd" and data.draw(st.booleans())
        answers[require_proved(*data.draw(solution_pairs(optimizer, exact=exact)))] += 1

    proved()
    assert answers["path"] > answers.total() / 3, answers
    # Rare at random, so two at the least radius.
    solutions = SolutionSet(TWO_POINTS, Ball("ngd", Fraction(2)), Fraction())
    assert require_proved(solutions, ONE, OTHER) == "barrier"


def test_the_landscape_on_the_boundary_of_a_spectral_ball() -> None:
    """It decides where it knows the norm exactly; of three neurons in the plane it may not."""
    first, second = Network(W=[[1]], a=[1]), Network(W=[[1]], a=[-1])
    solutions = SolutionSet(Problem(X=[[0]], y=[0]), Ball("muon", Fraction(1)), Fraction())
    path = connect(solutions, first, second)
    assert isinstance(path, SolutionPath)
    require_valid(path, first, second)

    def tight(p: Fraction, q: Fraction) -> SolutionPath | Barrier:
        """Three neurons of size 12, 5 p^2 and 5 q^2, and two of them exchanged; p^2 + q^2 = 1."""
        network = Network(W=[[1, 0, 0], [0, p, -q]], a=[-12, 5 * p, 5 * q])
        data = Problem(X=[[1, 0], [0, 1], [0, -1]], y=[-12, 5 * p * p, 5 * q * q])
        solutions = SolutionSet(data, Ball("muon", Fraction(13)), Fraction())
        return connect(solutions, network, network.permuted([1, 0, 2]))

    found = tight(Fraction(4, 5), Fraction(3, 5))
    assert isinstance(found, Barrier)
    assert found.proved > 0
    check(certify(found))
    with pytest.raises(Undecided, match="does not decide: W: is not provably in the ball"):
        tight(Fraction(25030005, 25030013), Fraction(20012, 25030013))


@pytest.mark.parametrize("optimizer", ALL)
def test_widths_far_above_the_bound(optimizer: str) -> None:
    problem, net = planted(5, 3, 4, 1)
    wide = [_padded(each, 40) for each in (net, _split(net, 7))]
    solutions = SolutionSet(problem, Ball(optimizer, Fraction(10**4)), Fraction())
    path = connect(solutions, *wide, max_cells=1)
    assert isinstance(path, SolutionPath)
    require_valid(path, *wide)


def _split(net: Network, seed: int) -> Network:
    """Another exact fit: each neuron in two unequal parts, in a random order."""
    neurons = [(s, u) for s, u in net.convex_coordinates() if s]
    parts = [(s, tuple(Fraction(k, 3) * v for v in u)) for s, u in neurons for k in (1, 2)]
    order = np.random.default_rng(seed).permutation(len(parts))
    return Network.from_convex([parts[k] for k in order])


def _padded(net: Network, width: int) -> Network:
    """With neurons (0, 0) after its own."""
    zeros = (Fraction(),) * (width - net.width)
    return Network(W=[(*row, *zeros) for row in net.W], a=(*net.a, *zeros))


def test_a_network_and_itself_are_one_point() -> None:
    solutions = SolutionSet(TWO_POINTS, Ball("ngd", Fraction(2)), Fraction())
    path = connect(solutions, ONE, ONE)
    assert isinstance(path, SolutionPath)
    assert len(path.points) == 1
    require_valid(path, ONE, ONE)


def test_two_isolated_points_are_told_apart_and_a_third_neuron_joins_them() -> None:
    """`ngd-connected` is sharp at m = n."""
    solutions = SolutionSet(TWO_POINTS, Ball("ngd", Fraction(2)), Fraction())
    barrier = connect(solutions, ONE, OTHER)
    assert isinstance(barrier, Barrier)
    assert barrier.proved == pytest.approx(1 / 2, abs=1e-6)
    first, second = _padded(ONE, 3), _padded(OTHER, 3)
    require_valid(connect(solutions, first, second, max_cells=1), first, second)


def test_an_exact_barrier_in_an_entrywise_ball() -> None:
    solutions = SolutionSet(TWO_POINTS, Ball("adamw", Fraction(1)), Fraction())
    barrier = connect(solutions, ONE, OTHER)
    assert isinstance(barrier, Barrier)
    assert (barrier.proved, barrier.value) == (Fraction(1, 2), Fraction(1, 2))
    higher = solutions.at_level(Fraction(1, 2))
    require_valid(connect(higher, ONE, OTHER), ONE, OTHER)


def test_a_penalty_has_no_landscape_to_decide() -> None:
    solutions = SolutionSet(TWO_POINTS, Penalty(Fraction(1)), Fraction(2))
    with pytest.raises(Undecided, match="with a penalty there is no landscape"):
        connect(solutions, ONE, OTHER)


def test_a_landscape_too_large_is_told() -> None:
    solutions = SolutionSet(TWO_POINTS, Ball("adamw", Fraction(1)), Fraction())
    with pytest.raises(Undecided, match="the landscape is too large"):
        connect(solutions, ONE, OTHER, max_cells=1)


def test_neurons_without_output_or_input_weights() -> None:
    """Where a_j = 0 the weights w_j are free, where w_j = 0 the sign of a_j is."""
    first = Network(W=[[1, 0, 3], [0, 1, 4]], a=[1, -1, 0])
    second = Network(W=[[1, 0, 0], [0, 1, 0]], a=[1, -1, -2])
    for optimizer in ALL:
        solutions = SolutionSet(TWO_POINTS, Ball(optimizer, Fraction(20)), Fraction())
        require_valid(connect(solutions, first, second), first, second)


def test_degenerate_problems() -> None:
    zero = Network(W=[[0]], a=[0])
    some = Network(W=[[2]], a=[-1])
    for problem in (
        Problem(X=[[0]], y=[0]),
        Problem(X=[[-1]], y=[0]),
        Problem(X=[[0], [0]], y=[0, 0]),
    ):
        for optimizer in ALL:
            solutions = SolutionSet(problem, Ball(optimizer, Fraction(2)), Fraction())
            require_valid(connect(solutions, zero, some), zero, some)


@pytest.mark.parametrize("optimizer", ["muon", "adamw", "ngd"])
def test_the_order_of_data_and_a_common_scale_do_not_matter(optimizer: str) -> None:
    problem, net = planted(4, 2, 3, 3)
    first, second = _padded(net, 9), _padded(net, 9).permuted([8, 2, 4, 1, 0, 3, 5, 7, 6])
    order = [2, 0, 3, 1]
    scaled = Problem(
        X=[[2 * v for v in problem.X[k]] for k in order], y=[6 * problem.y[k] for k in order]
    )
    tripled = [Network(W=[[3 * v for v in row] for row in n.W], a=n.a) for n in (first, second)]
    paths = [
        connect(SolutionSet(p, Ball(optimizer, rho), Fraction()), *pair, max_cells=1)
        for p, rho, pair in ((problem, 500, (first, second)), (scaled, 1500, tripled))
    ]
    one, other = (len(path.points) for path in paths if isinstance(path, SolutionPath))
    assert one == other


def test_segments_move_neurons_inside_closed_cells() -> None:
    problem, net = planted(6, 2, 3, 5)
    first, second = _padded(net, 8), _padded(net, 8).permuted([3, 4, 5, 2, 1, 0, 7, 6])
    path = connect(SolutionSet(problem, Ball("muon", Fraction(10**3)), Fraction()), first, second)
    assert isinstance(path, SolutionPath)
    for before, after in pairwise(path.points):
        for old, new in zip(before, after, strict=True):
            assert old.sign == new.sign or old.blank or new.blank
            for row in problem.X:
                sides = [sum(x * v for x, v in zip(row, n.u, strict=True)) for n in (old, new)]
                assert sides[0] * sides[1] >= 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"within": Ball("adamw", "1/2")}, "first network: it lies outside the adamw ball"),
        ({"level": Fraction(-1)}, "level: -1 must not be negative"),
        ({"within": None}, "within: is None, but must be such as Ball.* or Penalty"),
        ({"within": "adamw"}, "within: is 'adamw', but must be such as Ball.* or Penalty"),
    ],
)
def test_wrong_input(change: dict[str, Any], message: str) -> None:
    options = {"within": Ball("adamw", 1), "level": Fraction(), **change}
    with pytest.raises(InputError, match=message):
        connect(SolutionSet(TWO_POINTS, **options), ONE, OTHER)


def test_networks_that_are_no_solutions() -> None:
    solutions = SolutionSet(TWO_POINTS, Ball("adamw", Fraction(2)), Fraction())
    with pytest.raises(InputError, match="second network: its loss is 1, above the level 0"):
        connect(solutions, ONE, Network(W=[[0, 0], [0, 0]], a=[0, 0]))
    with pytest.raises(InputError, match="width: 2 and 3 neurons"):
        connect(solutions, ONE, _padded(ONE, 3))
    with pytest.raises(InputError, match="W: has 1 rows, but the data have 2 features"):
        connect(solutions, Network(W=[[1]], a=[1]), Network(W=[[1]], a=[1]))


def test_exact_fits_in_muons_ball() -> None:
    """Two of width 2 that no path of exact fits joins; one neuron more, and there is one."""
    problem, ball = Problem(X=[[-1, -2], [0, 1], [-2, -1]], y=[1, 2, 3]), Ball("muon", 3)
    first = Network(W=[["1/3", "-5/3"], ["5/3", "1/3"]], a=[1, 1])
    second = Network(W=[[-2, -2], [2, -2]], a=[1, "1/6"])
    solutions = SolutionSet(problem, ball, Fraction())
    found = connect(solutions, first, second)
    assert isinstance(found, Barrier)
    assert found.proved > 0 == max(found.losses)
    check(certify(found), problem)
    wider = [_padded(network, 3) for network in (first, second)]
    path = connect(solutions, *wider)
    require_valid(path, *wider)  # of loss at most the level, 0
