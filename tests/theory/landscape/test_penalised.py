"""Merge trees with the l2 penalty: brute force in floats, optima, known answers."""

from __future__ import annotations

from fractions import Fraction

import cvxpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import ACTIVATIONS
from profiles import part

from theory.claims.float_landscape import Piece, cell_and_face_values
from theory.claims.float_valleys import bars
from theory.claims.sampled import slopes
from theory.claims.sign_vectors import sign_vectors
from theory.errors import InputError
from theory.landscape import analyse
from theory.landscape.cells import CellComplex
from theory.landscape.limits import limits
from theory.landscape.valleys import valleys
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.programs import solve
from theory.strategies import problems
from theory.within import Penalty

ROUNDED = Fraction(1, 10**12)  # of bounds, outwards
BETAS = [Fraction(1, 10), Fraction(1, 2), Fraction(3)]


class LeastObjective:
    """1/2 ||f - y||^2 + beta sum ||u_j|| at least over u_j in m cones: one program for all of them.

    X u_j has the signs of a cone: it is them times what is not negative.
    """

    def __init__(self, problem: Problem, beta: Fraction, m: int) -> None:
        X, y = (np.array(data, dtype=float) for data in (problem.X, problem.y))
        self.problem = problem
        self.weights, self.signs = (cvxpy.Parameter((problem.n, m)) for _ in range(2))
        U, sizes = cvxpy.Variable((problem.d, m)), cvxpy.Variable((problem.n, m), nonneg=True)
        fit = cvxpy.sum(cvxpy.multiply(self.weights, X @ U), axis=1)
        objective = cvxpy.sum_squares(fit - y) / 2 + float(beta) * cvxpy.sum(cvxpy.norm(U, axis=0))
        inside = X @ U == cvxpy.multiply(self.signs, sizes)
        self.program = cvxpy.Problem(cvxpy.Minimize(objective), [inside])

    def __call__(self, room: tuple[Piece, ...]) -> float:
        """room: of m neurons."""
        own = [np.array(signs) for _, signs in room]
        of_fit = [
            sign * slopes(self.problem, signs) for (sign, _), signs in zip(room, own, strict=True)
        ]
        self.weights.value, self.signs.value = np.array(of_fit, dtype=float).T, np.array(own).T
        return float(self.program.solve(solver="CLARABEL"))


@pytest.mark.parametrize("beta", BETAS)
def test_the_tree_is_that_of_brute_force_in_floats(beta: Fraction) -> None:
    problem = Problem([[1, 0], [0, 1], [-1, 1]], [1, -1, 2])
    least = {m: LeastObjective(problem, beta, m) for m in (1, 2)}
    known: dict[tuple[Piece, ...], float] = {(): float(problem.squared_length) / 2}

    def measure(room: tuple[Piece, ...]) -> float:
        key = tuple(sorted(room))
        if key not in known:
            known[key] = least[len(key)](key)
        return known[key]

    floats = bars(*cell_and_face_values(sign_vectors(problem), 2, False, measure))
    deep = sorted((birth, death) for birth, death in floats if death > birth + 1e-5)
    tree = valleys(problem, 2, within=Penalty(beta), min_depth="1/100000")
    found = sorted(
        (float(each.birth), np.inf if each.death is None else float(each.death))
        for each in tree.valleys
    )
    assert len(found) == len(deep)
    assert np.allclose(found, deep, rtol=0, atol=1e-6)


@given(
    problem=problems(activations=ACTIVATIONS, n=(1, 3), d=(1, 2)),
    beta=st.sampled_from(BETAS),
    data=st.data(),
)
@part(2)
def test_both_ends_hold_what_networks_of_a_cell_have(
    problem: Problem, beta: Fraction, data: st.DataObject
) -> None:
    cells = CellComplex.of(problem, 2, penalty=Penalty(beta))
    entry = st.fractions(-2, 2, max_denominator=4)
    columns = st.lists(entry, min_size=problem.d, max_size=problem.d).map(tuple)
    neurons = data.draw(
        st.lists(st.tuples(st.sampled_from([-1, 1]), columns), min_size=2, max_size=2)
    )
    network = cells.domain.network(neurons)
    minimum = cells.minimum(cells.cell_of(network))
    assert minimum.lower <= cells.domain.objective(network)
    assert 0 <= minimum.value - minimum.lower <= Fraction(1, 10**6) * (1 + problem.squared_length)
    cell = cells.cell_of(network)
    point = cells.domain.network(cells.point(cell, minimum))
    assert abs(cells.domain.objective(point) - minimum.value) <= minimum.value / 10**9
    # Unbalanced, it has a larger penalty, and the same loss.
    half = Network([[2 * v for v in row] for row in network.W], [v / 2 for v in network.a])
    assert half.loss(problem) == network.loss(problem)
    assert cells.domain.objective(half) >= cells.domain.objective(network)


@pytest.mark.parametrize("beta", BETAS)
def test_the_lowest_bottom_is_the_optimum(beta: Fraction) -> None:
    """Of the convex program too, from below; at this width it is not tight."""
    tree = valleys(example("flagship"), 2, within=Penalty(beta))
    found = solve(example("flagship"), Penalty(beta), width=2)
    lowest = tree.valleys[0]
    assert found.lower is not None
    assert found.lower <= lowest.birth <= found.upper + Fraction(1, 10**8)
    assert found.upper >= lowest.proved_birth
    for valley in tree.valleys:
        assert tree.home(valley.representative) == valley
        if valley.death is not None:
            assert abs(tree.path(valley).value - valley.death) < Fraction(1, 10**9)


def test_a_large_penalty_leaves_the_zero_network_alone() -> None:
    tree = valleys(example("flagship"), 2, within=Penalty(100))
    (valley,) = tree.valleys
    zero = tree.complex.domain.objective(Network([[0, 0], [0, 0]], [0, 0]))
    assert valley.proved_birth <= zero == tree.problem.squared_length / 2 <= valley.birth
    assert valley.birth - valley.proved_birth < Fraction(1, 10**9)


def test_a_small_penalty_is_nearly_none() -> None:
    """As beta falls births tend to those without a penalty, from above: beta sum ||u_j|| more."""
    births = [
        valleys(example("flagship"), 2, within=Penalty(beta)).valleys[0].birth
        for beta in ("1/1000", "1/100")
    ]
    assert 0 < births[0] < births[1] < 10 * births[0] * Fraction(101, 100)


def test_one_neuron_on_a_line_in_closed_form() -> None:
    """1/2 (u - 1)^2 + beta u on u >= 0, on both sides of zero."""
    tree = valleys(Problem([[1], [-1]], [1, 1]), 1, within=Penalty("1/4"))
    birth = (Fraction(1, 4) ** 2 + 1) / 2 + Fraction(1, 4) * Fraction(3, 4)
    first, second = tree.valleys
    assert second.death is not None
    assert 0 <= second.death - 1 < ROUNDED
    assert max(abs(first.birth - birth), abs(second.birth - birth)) < Fraction(1, 10**8)
    assert first.proved_birth <= birth <= first.birth


def test_what_is_not_there_for_a_penalty_says_so() -> None:
    penalty = Penalty("1/2")
    tree = valleys(example("flagship"), 2, within=penalty)
    assert tree.within == penalty
    with pytest.raises(InputError, match="^within: in the l2 penalty"):
        limits(tree)
    with pytest.raises(InputError, match=r"^within: is Penalty\('1/2'\), but must be such as Ball"):
        analyse(example("flagship"), 2, within=penalty)  # type: ignore[arg-type]
    cells = CellComplex.of(example("flagship"), 2, penalty=penalty)
    with pytest.raises(InputError, match="^within: levels are covered without a penalty only"):
        cells.domain.proof(cells.domain.dual(cells.minimum((0, 0))), Fraction(1), strict=True)
