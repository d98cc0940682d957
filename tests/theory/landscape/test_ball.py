"""The landscape inside the entrywise ball of AdamW, Lion and signSGD."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from documents import tampered
from hypothesis import given
from hypothesis import strategies as st
from problems import ACTIVATIONS

from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.errors import BudgetError, InputError
from theory.landscape import Analysis, analyse, barrier_between
from theory.landscape.cells import CellComplex
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball

rhos = st.fractions(Fraction(1, 4), 4, max_denominator=4)


def off_diagonal(analysis: Analysis) -> list[Fraction]:
    """The barriers between different components, sorted."""
    size = len(analysis.components)
    return sorted(analysis.barriers[i][j] or Fraction() for i in range(size) for j in range(i))


def inside(network: Network, rho: Fraction) -> bool:
    return all(abs(v) <= rho for _, u in network.convex_coordinates() for v in u)


# X, y, rho, and for each width the components modulo permutation and labelled; None: no exact fit.
INSTANCES = [
    ([(-2, 1), (-2, 2)], (-1, 0), "1/2", {2: (1, 1), 3: (2, 4), 4: (1, 1)}),
    ([(0, 2), (-2, 1)], (-1, -3), "11/20", {2: None, 3: (2, 4), 4: (1, 1)}),
    ([(2, 1), (1, 2)], (-1, 3), "13/10", {2: None, 3: (2, 6), 4: (1, 1)}),
    ([(-2, -1), (1, 1), (-1, -2)], (2, 0, 1), "4/5", {2: (2, 3), 3: (1, 1)}),
]


@pytest.mark.parametrize(("X", "y", "rho", "counts"), INSTANCES)
def test_connectivity_is_not_monotone_in_width(
    X: list[tuple[int, int]], y: tuple[int, ...], rho: str, counts: Any
) -> None:
    problem = Problem(X=X, y=y)
    for width, expected in counts.items():
        found = [
            analyse(problem, width, labelled=k, within=Ball("adamw", Fraction(rho)))
            for k in (False, True)
        ]
        if expected is None:
            assert found[0].minimum == found[1].minimum > 0
        else:
            assert found[0].minimum == 0
            assert tuple(len(analysis.components) for analysis in found) == expected
        for analysis in found:
            assert f"inside the entrywise ball rho = {rho}" in check(certify(analysis)).statement


def test_the_flagship_components_are_reached_at_2_and_at_12_fifths() -> None:
    problem = example("flagship")
    assert analyse(problem, 2, within=Ball("adamw", Fraction(199, 100))).minimum > 0
    assert [
        (analysis.minimum, len(analysis.components))
        for analysis in (
            analyse(problem, 2, within=Ball("adamw", Fraction(r))) for r in ("2", "239/100", "12/5")
        )
    ] == [(0, 1), (0, 1), (0, 2)]


def test_one_neuron_by_hand() -> None:
    """f = s relu(x u), |u| <= rho: with rho = 1 the target 3 is missed by 1 at x = 2."""
    problem = Problem(X=[[2]], y=[3])
    for rho, minimum in ((Fraction(1), Fraction(1, 2)), (Fraction(3, 2), 0), (Fraction(2), 0)):
        assert analyse(problem, 1, within=Ball("adamw", rho)).minimum == minimum
    # Two neurons share the work.
    assert analyse(problem, 2, within=Ball("adamw", Fraction(3, 4))).minimum == 0


@given(problems(activations=ACTIVATIONS), st.integers(1, 2), rhos, st.booleans(), st.booleans())
def test_the_checker_accepts_what_is_found(
    problem: Problem, width: int, rho: Fraction, labelled: bool, above: bool
) -> None:
    level = None
    if above:
        least = analyse(problem, width, within=Ball("adamw", rho)).minimum
        level = least + sum((v * v for v in problem.y), Fraction()) / 30
    analysis = analyse(problem, width, level=level, labelled=labelled, within=Ball("adamw", rho))
    check(certify(analysis), problem)
    assert all(inside(component.representative, rho) for component in analysis.components)
    for merge in analysis.merges:
        path = analysis.path(merge.first, merge.second)
        assert all(inside(network, rho) for network in path.breakpoints)
    ends = (analysis.components[k].representative for k in (0, -1))
    barrier = barrier_between(problem, *ends, labelled=labelled, within=Ball("adamw", rho))
    assert barrier.value == analysis.barriers[0][len(analysis.components) - 1]
    check(certify(barrier), problem)


@given(problems(activations=ACTIVATIONS), st.integers(1, 2), rhos, rhos)
def test_a_larger_ball_holds_the_smaller_one(
    problem: Problem, width: int, rho: Fraction, more: Fraction
) -> None:
    small = analyse(problem, width, within=Ball("adamw", rho))
    large = analyse(problem, width, within=Ball("adamw", rho + more))
    assert large.minimum <= small.minimum
    # Barriers between the same networks fall as the ball grows, down to that without a ball.
    first, last = (small.components[k].representative for k in (0, -1))
    values = [
        barrier_between(problem, first, last, within=Ball("adamw", r)).value
        for r in (rho, rho + more)
    ] + [barrier_between(problem, first, last).value]
    assert values == sorted(values, reverse=True)


@given(problems(activations=ACTIVATIONS), st.integers(1, 2), st.booleans())
def test_a_huge_ball_changes_no_minimum_and_no_component_it_holds(
    problem: Problem, width: int, labelled: bool
) -> None:
    free = analyse(problem, width, labelled=labelled)
    ball = analyse(problem, width, labelled=labelled, within=Ball("adamw", Fraction(10**6)))
    assert ball.minimum == free.minimum
    assert off_diagonal(ball) == off_diagonal(free)


@given(st.data(), problems(activations=ACTIVATIONS), st.integers(1, 2), rhos)
def test_signed_permutations_of_the_input(
    data: st.DataObject, problem: Problem, width: int, rho: Fraction
) -> None:
    order = data.draw(st.permutations(range(problem.d)))
    signs = data.draw(st.lists(st.sampled_from([-1, 1]), min_size=problem.d, max_size=problem.d))
    X = tuple(tuple(s * row[k] for k, s in zip(order, signs, strict=True)) for row in problem.X)
    found = [analyse(p, width, within=Ball("adamw", rho)) for p in (problem, replace(problem, X=X))]
    assert found[0].minimum == found[1].minimum
    assert off_diagonal(found[0]) == off_diagonal(found[1])


@given(
    problems(activations=ACTIVATIONS),
    st.integers(1, 2),
    rhos,
    st.fractions(Fraction(1, 3), 3, max_denominator=3),
)
def test_scaling_the_data_and_the_ball(
    problem: Problem, width: int, rho: Fraction, factor: Fraction
) -> None:
    X = tuple(tuple(factor * v for v in row) for row in problem.X)
    found = analyse(problem, width, within=Ball("adamw", rho))
    scaled = analyse(replace(problem, X=X), width, within=Ball("adamw", rho / factor))
    assert (found.minimum, off_diagonal(found)) == (scaled.minimum, off_diagonal(scaled))


def test_the_null_space_of_X_lowers_the_norm() -> None:
    """x . u = 2 u_1 + u_2 takes |u| = 1 when both coordinates help; rank 1, d = 2."""
    problem = Problem(X=[[2, 1]], y=[3])
    assert analyse(problem, 1, within=Ball("adamw", Fraction(1))).minimum == 0
    assert analyse(problem, 1, within=Ball("adamw", Fraction(99, 100))).minimum > 0


@pytest.mark.parametrize(("X", "y"), [([[0, 0]], [1]), ([[1], [1]], [0, 0]), ([[0]], [0])])
def test_degenerate(X: list[list[int]], y: list[int]) -> None:
    problem = Problem(X=X, y=y)
    analysis = analyse(problem, 2, within=Ball("adamw", Fraction(1)), labelled=True)
    assert len(analysis.components) == 1
    check(certify(analysis), problem)


@pytest.mark.parametrize("rho", [Fraction(), Fraction(-1)])
def test_a_ball_needs_a_radius(rho: Fraction) -> None:
    with pytest.raises(InputError, match="^rho: .* must be positive"):
        analyse(example("flagship"), 2, within=Ball("adamw", rho))


def test_networks_outside_the_ball_are_refused() -> None:
    problem = example("two-points")
    network = Network(W=[[1, 0], [0, 1]], a=[1, 1])
    with pytest.raises(InputError, match=r"needs rho = 1, not 1/2"):
        barrier_between(problem, network, network, within=Ball("adamw", Fraction(1, 2)))


# Each row: what to write where, and the reason why the checker refuses it.
TAMPERED = [
    (("within", "rho"), "3", "cover.* dual"),
    (("within", "rho"), "2", "the network lies outside the ball"),
    (("within", "rho"), "0", "within.rho: is 0, but must be positive"),
    (("within", "ball"), "spectral", "within.ball: must be one of entrywise, muon"),
    (("within",), None, "cover"),
    (("duals", 0), ["0", "0", "0", "0"], "bound 0 of dual 0 is not"),
]


@pytest.mark.parametrize(("at", "value", "message"), TAMPERED, ids=[row[2] for row in TAMPERED])
def test_tampering(at: tuple[str, ...], value: object, message: str) -> None:
    document = certify(analyse(example("flagship"), 2, within=Ball("adamw", Fraction(12, 5))))
    check(document)
    with pytest.raises(CertificateInvalid, match=message):
        check(tampered(document, at, value))


def test_vertices_are_counted_first() -> None:
    """3^d of them, and more, where there are few cells."""
    problem = Problem(X=[[int(i == k) for k in range(8)] for i in range(8)], y=[1] * 8)
    with pytest.raises(
        BudgetError, match=r"vertices in the ball \(each as 10 cells\): 2,657,280 needed"
    ):
        CellComplex.of(problem, 1, within=Ball("adamw", Fraction(1)), max_cells=1000)
    assert CellComplex.of(problem, 1, max_cells=1000).count == 512
