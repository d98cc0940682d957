"""Landscapes of 1/2 (f - y)^T Q (f - y): what has to agree with weights, merged rows, an output
bias and changes of coordinates, forms that see little or nothing, and an interior point."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import cvxpy
import numpy as np
import pytest
from dual_vectors import proved
from hypothesis import given
from hypothesis import strategies as st
from problems import ACTIVATIONS, planted
from quadratic_forms import diagonal, formed, forms, gram, projection

from theory import Ball, Penalty, analyse
from theory.claims.float_landscape import Measure, float_landscape
from theory.connectivity import SolutionSet, connect
from theory.errors import InputError
from theory.landscape.cells import CellComplex
from theory.landscape.domain import Polyhedral
from theory.landscape.form import Form
from theory.landscape.least import least
from theory.landscape.valleys import valleys
from theory.lines.segment import line
from theory.network import Network
from theory.problem import Problem
from theory.radii import least_radii
from theory.strategies import problems
from theory.within import Within

PLACES = (None, Ball("adamw", 2))
ROUND = (Ball("muon", 2), Ball("ngd", 2), Ball("adamw-ngd", 2), Penalty(Fraction(1, 4)))
WEIGHTS = (Fraction(3), Fraction(1, 2), Fraction(1), Fraction(2))


def data(seed: int = 1, **options: Any) -> Problem:
    problem, _ = planted(4, 2, 2, seed)
    return Problem(problem.X, problem.y, **options)


def told(problem: Problem, within: Ball | None = None, width: int = 2) -> tuple[object, ...]:
    """Minimum, barriers, and births and deaths of valleys."""
    found = analyse(problem, width, within=within)
    tree = valleys(problem, width, within=within)
    return found.minimum, found.barriers, [(v.birth, v.death) for v in tree.valleys]


@pytest.mark.parametrize("within", PLACES)
@pytest.mark.parametrize("options", [{}, {"output_bias": True}, {"activation": "abs"}])
def test_a_diagonal_form_is_weights(within: Ball | None, options: dict[str, Any]) -> None:
    weights = data(weights=WEIGHTS, **options)
    assert told(data(form=diagonal(WEIGHTS), **options), within) == told(weights, within)


@pytest.mark.parametrize("within", PLACES)
def test_the_identity_is_no_form_at_all(within: Ball | None) -> None:
    assert told(data(form=diagonal((1, 1, 1, 1))), within) == told(data(), within)


@pytest.mark.parametrize("within", PLACES)
@pytest.mark.parametrize("activation", ["relu", "leaky_relu:1/10"])
def test_a_projection_is_an_output_bias(within: Ball | None, activation: str) -> None:
    """min over b of ||f + b 1 - y||^2 is the form I - 1 1^T / n; beside it b is of no use."""
    free = told(data(2, output_bias=True, activation=activation), within)
    assert told(data(2, form=projection(4), activation=activation), within) == free
    both = data(2, form=projection(4), output_bias=True, activation=activation)
    assert told(both, within) == free


@pytest.mark.parametrize("within", PLACES)
@pytest.mark.parametrize("rank", [1, 2, 5])
def test_merged_duplicates_have_the_same_landscape(within: Ball | None, rank: int) -> None:
    """Rows 2 and 4 are row 0 again: P^T Q P for the matrix P that repeats them."""
    problem = data()
    rows = (0, 1, 0, 2, 0)
    Q = formed(5, rank, seed=rank)
    X, y = [problem.X[k] for k in rows], [problem.y[k] for k in rows]
    merged = [
        [
            sum(
                (Q[i][k] for i in range(5) for k in range(5) if (rows[i], rows[k]) == (a, b)),
                Fraction(),
            )
            for b in range(3)
        ]
        for a in range(3)
    ]
    repeated = Problem(X, y, form=Q)
    assert told(Problem(problem.X[:3], problem.y[:3], form=merged), within) == told(
        repeated, within
    )


@pytest.mark.parametrize("within", PLACES)
def test_rows_without_a_say_may_be_left_out(within: Ball | None) -> None:
    """Their hyperplanes are still walls, across which nothing changes."""
    problem = data()
    Q = formed(3, 3, seed=2)
    padded = [[*row, Fraction()] for row in Q] + [[Fraction()] * 4]
    whole = analyse(Problem(problem.X, problem.y, form=padded), 2, within=within)
    part = analyse(Problem(problem.X[:3], problem.y[:3], form=Q), 2, within=within)
    assert whole.minimum == part.minimum
    assert whole.barriers == part.barriers


@given(problems(n=(1, 4), d=(1, 2)), st.data(), st.sampled_from(PLACES))
def test_only_the_product_counts(
    problem: Problem, more: st.DataObject, within: Ball | None
) -> None:
    """Permuted rows, with signs for the absolute value, which are orthogonal changes of Q; twice
    the targets in twice the ball; and t^2 Q, of t^2 times the loss."""
    n = problem.n
    Q = more.draw(forms(n))
    found = analyse(Problem(problem.X, problem.y, form=Q), 1, within=within)
    order = more.draw(st.permutations(range(n)))
    turned = Problem(
        [problem.X[k] for k in order],
        [problem.y[k] for k in order],
        form=[[Q[i][k] for k in order] for i in order],
    )
    assert analyse(turned, 1, within=within).minimum == found.minimum
    times = [[4 * v for v in row] for row in Q]
    wider = None if within is None else Ball("adamw", 2 * within.rho)
    doubled = Problem(problem.X, [2 * v for v in problem.y], form=Q)
    assert analyse(doubled, 1, within=wider).minimum == 4 * found.minimum
    heavier = Problem(problem.X, problem.y, form=times)
    assert analyse(heavier, 1, within=within).barriers == tuple(
        tuple(None if v is None else 4 * v for v in row) for row in found.barriers
    )


def test_absolute_values_do_not_see_the_signs_of_rows() -> None:
    problem = data(activation="abs")
    Q = formed(4, 4, seed=3)
    flipped = [[-v for v in row] if k % 2 else row for k, row in enumerate(problem.X)]
    assert told(Problem(flipped, problem.y, form=Q, activation="abs")) == told(
        Problem(problem.X, problem.y, form=Q, activation="abs")
    )


@pytest.mark.parametrize("within", [*PLACES, *ROUND[:3]])
@pytest.mark.parametrize("options", [{}, {"skip": True}, {"activation": "abs"}])
def test_a_form_that_sees_nothing(within: Ball | None, options: dict[str, Any]) -> None:
    problem = data(form=[[0] * 4] * 4, **options)
    found = analyse(problem, 2, within=within)
    assert found.minimum == found.proved == 0
    assert len(found.components) == 1
    tree = valleys(problem, 1, within=within)
    assert [(v.birth, v.death) for v in tree.valleys] == [(0, None)]


def test_a_form_of_rank_one_by_hand() -> None:
    """Of f1 - f2 - 2 = s u - 2: zero at u = 2 of sign + and at u = -2 of sign -, with the zero
    network between. Of f1 + f2 - 4 = s |u| - 4: zero at u = 4 and u = -4 of sign +."""
    problem = Problem([[1], [-1]], [3, 1], form=[[1, -1], [-1, 1]])
    found = analyse(problem, 1)
    assert found.minimum == 0
    assert found.barriers == ((0, 2), (2, 0))
    alike = Problem([[1], [-1]], [3, 1], form=[[1, 1], [1, 1]])
    assert analyse(alike, 1).barriers == ((0, 8), (8, 0))


def by_interior_point(problem: Problem, Q: np.ndarray) -> Measure:
    """The least of the form on cells, from Q itself."""
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    on, off = float(problem.activation.positive), float(problem.activation.negative)
    root = np.linalg.svd(Q)
    R = np.sqrt(root.S)[:, None] * root.Vh
    known: dict[Any, float] = {}

    def minimum(room: tuple[Any, ...]) -> float:
        key = tuple(sorted(room))
        if key not in known:
            u = cvxpy.Variable((len(key), problem.d))
            fit: Any = 0
            constraints = []
            for j, (sign, signs) in enumerate(key):
                sides = np.array(signs)
                slopes = np.where(sides > 0, on, np.where(sides < 0, off, 0.0))
                fit = fit + sign * slopes[:, None] * X @ u[j]
                constraints.append(cvxpy.multiply(sides, X @ u[j]) >= 0)
                constraints.append((X @ u[j])[np.flatnonzero(sides == 0)] == 0)
            program: Any = cvxpy.Problem(
                cvxpy.Minimize(cvxpy.sum_squares(R @ (fit - y)) / 2), constraints
            )
            program.solve(solver="CLARABEL")
            known[key] = float(program.value)
        return known[key]

    return minimum


@pytest.mark.parametrize("rank", [1, 3])
def test_landscapes_by_an_interior_point(rank: int) -> None:
    Q = formed(3, rank, seed=rank)
    problem = planted(3, 2, 1, seed=4)[0]
    problem = Problem(problem.X, problem.y, form=Q)
    found = analyse(problem, 1)
    measure = by_interior_point(problem, np.array(Q, dtype=float))
    brute = float_landscape(problem, 1, level=found.level, least=measure)
    scale = float(problem.zero)
    assert float(found.minimum) == pytest.approx(brute.minimum, abs=1e-6 * scale)
    homes = [brute.home(component.representative) for component in found.components]
    assert sorted(homes) == list(range(len(brute.components)))


@given(problems(n=(1, 4), d=(1, 2), max_denominator=3), st.sampled_from(ACTIVATIONS), st.data())
def test_every_minimum_is_proved_by_its_dual_vector(
    problem: Problem, activation: str, more: st.DataObject
) -> None:
    """Its point has the value; lam = Q (y - f) bounds what columns of the cell can do."""
    problem = Problem(
        *(problem.X, problem.y),
        form=more.draw(forms(problem.n)),
        activation=activation,
        output_bias=more.draw(st.booleans()),
    )
    within = more.draw(st.sampled_from(PLACES))
    complex_ = CellComplex.of(problem, 2, within=within)
    state = st.integers(0, complex_.states - 1)
    cell = (more.draw(state), more.draw(state))
    minimum = complex_.minimum(cell)
    network = complex_.domain.network(complex_.point(cell, minimum))
    assert network.loss(problem) == complex_.loss_of(minimum.value)
    domain = complex_.domain
    assert isinstance(domain, Polyhedral)
    form = domain.least_squares.form
    lam = [minimum.scale * form.slope * v for v in minimum.residual]
    matrix = problem.loss.form
    assert matrix is not None
    rest = [v - f for v, f in zip(problem.y, network.fit(problem), strict=True)]
    assert lam == matrix.image(rest)
    assert proved(complex_, cell, lam) == complex_.loss_of(minimum.value)


@pytest.mark.parametrize("within", ROUND)
@pytest.mark.parametrize("rank", [1, 2, 4])
def test_intervals_in_round_balls(within: Within, rank: int) -> None:
    """Narrow, attained, and around those of weights where the form is diagonal."""
    problem = data(form=formed(4, rank, seed=rank), output_bias=rank == 2)
    place: Any = {"penalty": within} if isinstance(within, Penalty) else {"within": within}
    found = least(CellComplex.of(problem, 1, **place))
    assert found.lower <= found.value
    assert float(found.value - found.lower) <= 1e-7 * float(problem.zero)
    same = least(CellComplex.of(data(form=diagonal(WEIGHTS)), 1, **place))
    weighed = least(CellComplex.of(data(weights=WEIGHTS), 1, **place))
    assert max(same.lower, weighed.lower) <= min(same.value, weighed.value)


def test_a_dual_vector_that_proves_nothing_is_no_error_under_a_penalty() -> None:
    problem = Problem(
        [[-2, 1], [1, -2], [-1, 1], [0, 2]],
        [1, -3, 1, -3],
        form=[[2, 0, -3, -3], [0, 2, 1, 1], [-3, 1, 5, 5], [-3, 1, 5, 5]],
        output_bias=True,
    )
    found = valleys(problem, 1, within=Penalty(Fraction(1, 4)))
    assert 0 < found.minimum <= problem.zero


def test_radii_of_definite_forms_are_those_of_the_one_fit() -> None:
    """Where fits are exact the form does not count; with one that does not see all less may do."""
    problem, _ = planted(3, 2, 2, seed=1)
    definite = Problem(problem.X, problem.y, form=gram([[1, 2, 0], [0, 1, 1], [1, 0, 3]], 3))
    plain = least_radii(analyse(problem, 2), ("adamw",))
    found = least_radii(analyse(definite, 2), ("adamw",))
    assert [each["adamw"].upper for each in found.components] == [
        each["adamw"].upper for each in plain.components
    ]
    singular = Problem(problem.X, problem.y, form=gram([[1, 2, 0]], 3))
    (less,) = least_radii(analyse(singular, 2), ("adamw",)).components
    assert less["adamw"].upper <= min(each["adamw"].upper for each in plain.components)


def test_paths_inside_solution_sets() -> None:
    problem = data(form=projection(4))
    tree = analyse(problem, 2)
    network = tree.components[0].representative
    within = Ball("muon", 1000)
    solutions = SolutionSet(problem, within, problem.zero)
    path = connect(solutions, network, type(network).zero(2, 2))
    assert max(path.losses) <= problem.zero


def test_problems_with_a_form_are_not_plain() -> None:
    form = Form.of(data(form=projection(4)), 1)
    assert not form.plain
    assert form.matrix is not None


def test_lines_are_for_sums_over_the_data() -> None:
    zero = Network.zero(2, 1)
    with pytest.raises(
        InputError, match="form: mixes the data; lines are for losses that are sums"
    ):
        line(data(form=projection(4)), zero, zero)
