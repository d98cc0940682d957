"""The landscape inside balls that are no polytopes: intervals that hold, and are narrow."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

import exact_norms
import numpy as np
import pytest
from documents import tampered
from hypothesis import example as on
from hypothesis import given
from hypothesis import strategies as st
from profiles import part

from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.errors import InputError, Undecided
from theory.landscape import Analysis, analyse, barrier_between
from theory.landscape.cells import CellComplex
from theory.landscape.least import Least, least
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball

EUCLIDEAN = ("muon", "muon-adamw", "ngd", "colnorm", "colnorm-ngd", "ngd-adamw")
CONIC = (*EUCLIDEAN, "adamw-ngd")
EXACT = Fraction(32, 45)
NARROW = 1e-7  # of losses of order one: ten times what is seen

few = part(4)  # a program takes some milliseconds, its first compilation more
balls = st.sampled_from(CONIC)
rhos = st.sampled_from([Fraction(1, 2), Fraction(1), Fraction(3)])


def off_diagonal(analysis: Analysis) -> list[tuple[Fraction, Fraction]]:
    """The intervals of the barriers between different components, sorted."""
    size = len(analysis.components)
    pairs = [(i, j) for i in range(size) for j in range(i)]
    return sorted((analysis.lower_bounds[i][j], analysis.barriers[i][j]) for i, j in pairs)


def overlap(first: tuple[Fraction, Fraction], second: tuple[Fraction, Fraction]) -> bool:
    return first[0] <= second[1] and second[0] <= first[1]


# Known answers.


@pytest.mark.parametrize(
    ("ball", "rho", "components"),
    [
        ("muon", "3.05", None),
        ("muon", "3.07", 1),
        ("muon", "4.99", 1),
        ("muon", "5.01", 2),
        ("muon-adamw", "5", 2),
        ("ngd", "7", 2),
        ("colnorm", "3", 2),
        ("adamw-ngd", "2.5", None),
        ("adamw-ngd", "2.6", 1),
        ("adamw-ngd", "2.9", 2),
        ("colnorm-ngd", "3.5", 1),
        ("colnorm-ngd", "3.7", 2),
        ("ngd-adamw", "3.7", 2),
    ],
)
def test_flagship(ball: str, rho: str, components: int | None) -> None:
    """Muon reaches one component of exact fits at about 3.0594, the other at 5."""
    problem = example("flagship")
    analysis = analyse(problem, 2, within=Ball(ball, Fraction(rho)))
    verdict = check(certify(analysis), problem)
    assert f"inside the {ball} ball rho = {Fraction(rho)}" in verdict.statement
    if components is None:
        assert analysis.proved > 0
        return
    assert analysis.minimum < NARROW
    assert len(analysis.components) == components
    for lower, upper in off_diagonal(analysis):
        assert lower <= EXACT <= upper
        assert float(upper - lower) < NARROW


def test_muon_disconnected_at_width_2_and_connected_at_3() -> None:
    problem = Problem(X=[(-1, -2), (0, 1), (-2, -1)], y=(1, 2, 3))
    counts = [
        [
            len(analyse(problem, m, labelled=k, within=Ball("muon", Fraction(3))).components)
            for k in (False, True)
        ]
        for m in (2, 3)
    ]
    assert counts == [[2, 4], [1, 1]]


@pytest.mark.parametrize(
    ("ball", "reach"),
    [
        *(("muon", 1), ("muon-adamw", 2**0.5), ("ngd", 1), ("colnorm", 2)),
        *((name, 2**0.5) for name in ("adamw-ngd", "colnorm-ngd", "ngd-adamw")),
    ],
)
def test_two_neurons_on_the_line(ball: str, reach: float) -> None:
    """x = 1: f = u_1 + u_2, and the ball of radius 1 lets it reach as far as `reach`."""
    problem = Problem(X=[[1]], y=[3])
    analysis = analyse(problem, 2, within=Ball(ball, Fraction(1)))
    assert float(analysis.proved) == pytest.approx((3 - reach) ** 2 / 2, abs=NARROW)
    assert float(analysis.minimum) == pytest.approx((3 - reach) ** 2 / 2, abs=NARROW)


def test_one_neuron_is_the_same_in_all_of_them() -> None:
    problem = Problem(X=[[1, 2], [2, -1], [0, 1]], y=[2, 1, 1])
    found = [analyse(problem, 1, within=Ball(ball, Fraction(1, 2))) for ball in EUCLIDEAN]
    for analysis in found:
        assert overlap((analysis.proved, analysis.minimum), (found[0].proved, found[0].minimum))
        assert float(analysis.minimum - analysis.proved) < NARROW
    assert (
        analyse(problem, 1, within=Ball("adamw", Fraction(1, 2))).minimum < found[0].proved
    )  # a larger ball


# Properties.


@few
@on(Problem(X=[[1], [-1]], y=[1, 1]), 1, Fraction(1, 2), "muon", False)  # faces of no column
@given(problems(n=(1, 3)), st.integers(1, 2), rhos, balls, st.booleans())
def test_the_checker_accepts_what_is_found(
    problem: Problem, width: int, rho: Fraction, ball: str, labelled: bool
) -> None:
    analysis = analyse(problem, width, labelled=labelled, within=Ball(ball, rho))
    check(certify(analysis), problem)
    assert analysis.proved <= analysis.minimum <= analysis.level
    first, last = (analysis.components[k].representative for k in (0, -1))
    barrier = barrier_between(problem, first, last, labelled=labelled, within=Ball(ball, rho))
    check(certify(barrier), problem)
    assert barrier.proved <= barrier.value
    if len(analysis.components) > 1:
        known = (analysis.lower_bounds[0][-1], analysis.barriers[0][-1])
        assert overlap((barrier.proved, barrier.value), known)


@few
@given(problems(n=(1, 3)), st.integers(1, 2), rhos)
def test_balls_inside_one_another(problem: Problem, width: int, rho: Fraction) -> None:
    """Frobenius >= spectral >= longest column >= largest entry, and l2 >= largest entry."""
    found = {ball: analyse(problem, width, within=Ball(ball, rho)) for ball in ("adamw", *CONIC)}
    for order in (
        ("ngd", "muon", "muon-adamw", "colnorm", "adamw"),
        ("ngd", "colnorm-ngd", "colnorm"),
        ("muon", "ngd-adamw", "muon-adamw"),
        ("ngd-adamw", "adamw-ngd", "adamw"),
    ):
        for smaller, larger in pairwise(order):
            assert found[larger].proved <= found[smaller].minimum
    one, other = found["colnorm-ngd"], found["ngd-adamw"]  # the same, up to rescaling of neurons
    assert overlap((one.proved, one.minimum), (other.proved, other.minimum))


def brute_force(problem: Problem, width: int, rho: Fraction, ball: str, seed: int) -> float:
    """The least loss of networks drawn at random in the ball, each scaled to fit best in it."""
    random = np.random.default_rng(seed)
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    u = random.normal(size=(20_000, problem.d, width))
    signs = random.choice([-1.0, 1.0], (20_000, 1, width))
    fits = (signs * np.maximum(X @ u, 0.0)).sum(axis=2)
    lengths = {
        "adamw-ngd": np.sqrt((np.abs(u).max(axis=1) ** 2).sum(axis=1)),
        "ngd-adamw": np.sqrt((u**2).sum(axis=(1, 2))),
    }[ball]
    best = np.maximum(fits @ y, 0.0) / np.maximum((fits**2).sum(axis=1), 1e-300)
    scaled = np.minimum(best, float(rho) / lengths)[:, None] * fits
    return float(((scaled - y) ** 2).sum(axis=1).min() / 2)


@few
@given(
    problems(n=(1, 3), d=(1, 2)),
    st.integers(1, 2),
    rhos,
    st.sampled_from(["adamw-ngd", "ngd-adamw"]),
    st.integers(0, 9),
)
def test_no_network_drawn_is_below_the_bound(
    problem: Problem, width: int, rho: Fraction, ball: str, seed: int
) -> None:
    """And some come near it: the largest of the losses is that of zero weights."""
    found = least(CellComplex.of(problem, width, within=Ball(ball, rho)))
    drawn = brute_force(problem, width, rho, ball, seed)
    zero = float(sum(v * v for v in problem.y)) / 2
    assert float(found.lower) <= drawn + 1e-9 * zero
    assert drawn <= float(found.value) + zero / 10


@few
@given(problems(n=(1, 3)), rhos)
def test_two_neurons_that_share_a_layer(problem: Problem, rho: Fraction) -> None:
    """The ball of radius rho at width 2 holds those of width 1, and each neuron of colnorm's ball
    of radius rho / sqrt 2."""
    inner = least(CellComplex.of(problem, 2, within=Ball("colnorm", rho * 7 / 10)))
    one = least(CellComplex.of(problem, 1, within=Ball("colnorm-ngd", rho)))
    two = least(CellComplex.of(problem, 2, within=Ball("colnorm-ngd", rho)))
    assert two.lower <= min(one.value, inner.value)


@few
@given(problems(n=(1, 3), d=2), st.integers(1, 2), rhos, st.sampled_from(EUCLIDEAN))
def test_rotations_of_the_input(problem: Problem, width: int, rho: Fraction, ball: str) -> None:
    c, s = Fraction(3, 5), Fraction(4, 5)
    X = tuple((c * x - s * y, s * x + c * y) for x, y in problem.X)
    one, other = (
        analyse(p, width, within=Ball(ball, rho)) for p in (problem, replace(problem, X=X))
    )
    assert overlap((one.proved, one.minimum), (other.proved, other.minimum))


def test_the_null_space_of_X() -> None:
    """x . u = 2 u_1 + u_2 reaches sqrt(5) with |u| = 1; X has rank one."""
    problem = Problem(X=[[2, 1], [4, 2]], y=[3, 6])
    for ball in EUCLIDEAN:
        analysis = analyse(problem, 1, within=Ball(ball, Fraction(1)))
        assert float(analysis.minimum) == pytest.approx(5 * (3 - 5**0.5) ** 2 / 2, abs=NARROW)
        assert float(analysis.minimum - analysis.proved) < 10 * NARROW


@pytest.mark.parametrize("ball", CONIC)
@pytest.mark.parametrize(("X", "y"), [([[0, 0]], [1]), ([[1], [1]], [0, 0]), ([[0]], [0])], ids=str)
def test_degenerate(X: list[list[int]], y: list[int], ball: str) -> None:
    problem = Problem(X=X, y=y)
    analysis = analyse(problem, 2, within=Ball(ball, Fraction(1)), labelled=True)
    assert len(analysis.components) == 1
    check(certify(analysis), problem)


# Refusals.


def test_sgd_has_no_ball() -> None:
    with pytest.raises(InputError, match="sgd has no norm ball"):
        analyse(example("flagship"), 2, within=Ball("sgd", Fraction(1)))


def test_a_level_within_the_bounds_of_a_minimum() -> None:
    problem = example("flagship")
    analysis = analyse(problem, 2, within=Ball("muon", Fraction(3)))
    between = (analysis.proved + analysis.minimum) / 2
    with pytest.raises(Undecided, match="either side of the level"):
        analyse(problem, 2, level=between, within=Ball("muon", Fraction(3)))


@pytest.mark.parametrize("ball", ["adamw", *CONIC])
@pytest.mark.parametrize("W", [[10, Fraction(1, 10)], [1000, Fraction(1, 10)]])
def test_networks_in_the_ball_up_to_rescaling(ball: str, W: list[Any]) -> None:
    """Each neuron has |a_j| |w_j| = 1 or 0, although the layers have norms of 10 and more."""
    problem = Problem(X=[[1]], y=[1])
    one = Network(W=[W], a=[Fraction(1, 10) if W[0] == 10 else 0, 10])
    zero = Network(W=[[0, 0]], a=[1, 1])
    barrier = barrier_between(problem, one, zero, within=Ball(ball, Fraction(3)))
    assert barrier.value == Fraction(1, 2)
    document = certify(barrier)
    check(document, problem)
    # The certificate speaks of a network in the ball as it stands: rescaled only if it has to be.
    within = "entrywise" if ball == "adamw" else ball
    first, second = map(Network.from_json, document["networks"])
    assert (first.fit(problem), second) == (one.fit(problem), zero)
    assert not exact_norms.inside(within, one.W, one.a, Fraction(3))
    assert exact_norms.inside(within, first.W, first.a, Fraction(3))


@pytest.mark.parametrize("ball", ["adamw", *CONIC])
def test_networks_in_the_ball_stay_as_they_are(ball: str) -> None:
    """The second has a dead neuron, whose input weights are no longer dropped."""
    problem = Problem(X=[[1]], y=[1])
    ends = (Network(W=[[1, 1]], a=[1, 0]), Network(W=[[1, 0]], a=[Fraction(1, 2), 0]))
    barrier = barrier_between(problem, *ends, within=Ball(ball, Fraction(3)))
    document = certify(barrier)
    assert document["networks"] == [network.to_json() for network in ends]
    check(document, problem)


def test_cuts_that_prove_more_than_the_merge_says() -> None:
    """Three components whose barriers are proved to different digits."""
    problem = Problem(X=[[-2, -2], [-1, 1], [1, 2]], y=[1, -1, 2])
    analysis = analyse(problem, 2, labelled=True, within=Ball("ngd", Fraction(4)))
    assert len(analysis.components) > 2
    check(certify(analysis), problem)


@cache
def least_in(ball: str) -> Least:
    return least(CellComplex.of(example("flagship"), 2, within=Ball(ball, Fraction(3, 2))))


@pytest.mark.parametrize("ball", ["muon", "muon-adamw", "ngd", "colnorm", "adamw-ngd"])
@pytest.mark.parametrize(("x", "y"), [(-120, 0), (90, -90), (0, 200), (-320, -320)])
def test_no_factor_of_the_data_changes_the_intervals(ball: str, x: int, y: int) -> None:
    """Floats cannot hold some of these numbers, and the squares of none."""
    problem = example("flagship")
    scale = Fraction(10)
    scaled = Problem(
        X=[[v * scale**x for v in row] for row in problem.X], y=[v * scale**y for v in problem.y]
    )
    before = least_in(ball)
    rho = Fraction(3, 2) * scale ** (y - x)
    after = least(CellComplex.of(scaled, 2, within=Ball(ball, rho)))
    assert after.cell == before.cell
    assert float(after.value / scale ** (2 * y)) == pytest.approx(float(before.value), rel=1e-9)
    gaps = [float((found.value - found.lower) / found.value) for found in (before, after)]
    assert max(gaps) <= 1e-8
    check(certify(after), scaled)


def test_networks_outside_the_ball_are_refused() -> None:
    network = Network(W=[[3, 0], [0, 3]], a=[1, 1])
    with pytest.raises(InputError, match=r"^W: is not provably in the ball: needs rho = 4.24"):
        barrier_between(example("flagship"), network, network, within=Ball("muon", Fraction(4)))


# Each row: the ball, what to write where, and the reason why the checker refuses it.
TAMPERED: list[tuple[str, tuple[Any, ...], Any, str]] = [
    ("muon", ("within", "rho"), "5/2", "the network lies outside the ball"),
    ("muon", ("within", "rho"), "60", "is not (at least|above)|no dual covers"),
    ("muon", ("within", "ball"), "muon-adamw", "is not (at least|above)|no dual covers"),
    ("muon", ("within", "ball"), "ngd", "duals.*must be a list"),
    ("muon", ("within", "ball"), "schatten", "within.ball: must be one of"),
    ("muon", ("duals", 0, "Z", 0, 1), "123456789", r"duals\[0\].Z: is not symmetric"),
    ("muon", ("duals", 0, "Z", 0, 0), "-1", r"duals\[0\].Z: is not positive definite"),
    ("muon", ("duals", 0, "Z"), [["1", "0"]], r"duals\[0\].Z: has 1 entries, but must have 2"),
    ("muon", ("barriers", 0, 1), "1/50", r"barriers\[0\]\[1\]: is 1/50, but the highest cut is"),
    ("muon", ("barriers", 0, 1, 1), "17275023/1000000000", "is above|but the paths reach"),
    ("muon", ("barriers", 0, 1), ["1", "0"], "1 is above 0"),
    ("muon", ("cuts", 0, "value"), "1/50", "of dual .* is not at least 1/50"),
    ("muon", ("paths", 0, "breakpoints", 1, "a", 0), "100", "lies outside the ball"),
    ("ngd", ("within", "rho"), "1/2", "the network lies outside the ball"),
    ("ngd", ("within", "rho"), "70", "is not (at least|above)|no dual covers"),
    ("ngd", ("duals", 0), {"nu": [], "Z": []}, "must be a list"),
    ("colnorm", ("within", "rho"), "70", "is not (at least|above)|no dual covers"),
    ("muon-adamw", ("within", "rho"), "70", "is not (at least|above)|no dual covers"),
    ("adamw-ngd", ("within", "rho"), "2", "the network lies outside the ball"),
    ("adamw-ngd", ("within", "rho"), "70", "is not (at least|above)|no dual covers"),
    ("adamw-ngd", ("within", "ball"), "entrywise", "cover: no dual covers the cell"),
    ("adamw-ngd", ("within", "ball"), "colnorm-ngd", "the network lies outside the ball"),
    ("adamw-ngd", ("duals", 0), {"nu": [], "Z": []}, "must be a list"),
    ("colnorm-ngd", ("within", "rho"), "5/2", "the network lies outside the ball"),
    ("colnorm-ngd", ("within", "rho"), "70", "is not (at least|above)|no dual covers"),
    ("ngd-adamw", ("within", "rho"), "5/2", "the network lies outside the ball"),
    ("ngd-adamw", ("within", "ball"), "colnorm", "is not (at least|above)|no dual covers"),
]
# Data, width and radius: the ball holds some of the exact fits, so that its radius matters.
TIGHT = {
    "muon": ("split-in-muon", 2, "3"),
    "ngd": ("non-monotone-ngd", 2, "31/32"),
    "colnorm": ("non-monotone-colnorm", 3, "3/5"),
    "muon-adamw": ("flagship", 2, "27/10"),
    "adamw-ngd": ("flagship", 2, "13/5"),
    "colnorm-ngd": ("flagship", 2, "7/2"),
    "ngd-adamw": ("flagship", 2, "7/2"),
}


@cache
def certified(ball: str) -> dict[str, Any]:
    """A valid certificate of the exact fits in the ball."""
    name, width, rho = TIGHT[ball]
    document = certify(analyse(example(name), width, within=Ball(ball, rho)))
    assert document["level"] == document["minimum"] == "0"
    check(document)
    return document


@pytest.mark.parametrize(
    ("ball", "at", "value", "message"), TAMPERED, ids=[f"{r[0]} {r[1]} {r[2]}" for r in TAMPERED]
)
def test_tampering(ball: str, at: tuple[Any, ...], value: Any, message: str) -> None:
    with pytest.raises(CertificateInvalid, match=message):
        check(tampered(certified(ball), at, value))


def test_an_interval_where_all_is_exact() -> None:
    document = certify(analyse(example("flagship"), 2, within=Ball("adamw-ngd", Fraction(2))))
    assert len(document["minimum"]) == 2
    document["within"] = {"ball": "entrywise", "rho": "2"}
    with pytest.raises(CertificateInvalid, match="minimum: must be one rational"):
        check(document)
