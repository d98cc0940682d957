"""Geometries: duality, oracles and projections of the norms, gauges by second ways, KKT points."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations_with_replacement, product
from typing import Any

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import theory
from theory.arrangement import arrangement
from theory.errors import InputError
from theory.geometry import (
    Interval,
    L2Penalty,
    LionK,
    MixedNorm,
    Norm,
    SchattenNorm,
    VectorNorm,
    ball_violation,
    frank_wolfe_gap,
    geometry,
    names,
)

Array = np.ndarray[Any, Any]

ROUNDING = 1e-12  # a few dozen operations in float64, relative to the largest quantity
INTERVAL = 1e-9  # the muon gauge is known to 1e-10 m, and m is at most 9 here
SOLVER = 1e-6  # Clarabel's default accuracy, with room

EXPONENTS = (1, 1.5, 2, 3, math.inf)
VECTOR_NORMS = [VectorNorm(p) for p in EXPONENTS]
MIXED_NORMS = [MixedNorm(p, q) for p, q in product((1, 1.5, 2, math.inf), repeat=2)]
SCHATTEN_NORMS = [SchattenNorm(p) for p in EXPONENTS]
NORMS: list[Norm] = [*VECTOR_NORMS, *MIXED_NORMS, *SCHATTEN_NORMS]
PROJECTABLE: list[Norm] = [
    *(VectorNorm(p) for p in (1, 2, math.inf)),
    *(SchattenNorm(p) for p in (1, 2, math.inf)),
    *(MixedNorm(p, p) for p in (1, 2, math.inf)),
    *(MixedNorm(*pq) for pq in ((1, math.inf), (2, math.inf), (2, 1))),
]
BALLS = [name for name in names() if name != "sgd"]
CLOSED_FORMS: dict[str, Callable[[Array], Any]] = {
    "adamw": lambda U: np.abs(U).max(),
    "lion": lambda U: np.abs(U).max(),
    "signsgd": lambda U: np.abs(U).max(),
    "ngd": lambda U: np.linalg.norm(U, axis=0).sum(),
    "colnorm": lambda U: np.linalg.norm(U, axis=0).max(),
    "adamw-ngd": lambda U: np.linalg.norm(np.abs(U).max(axis=0)),
    "colnorm-ngd": np.linalg.norm,
    "ngd-adamw": np.linalg.norm,
    "muon-adamw": lambda U: np.linalg.norm(U, 2),
    "sgd": lambda U: np.linalg.norm(U, axis=0).sum(),
}

radii = st.sampled_from([0.01, 0.5, 1.0, 3.0])
# Integers make zero, equal and dependent columns common; floats the rest. Squares stay normal.
entries = st.one_of(
    st.integers(-3, 3).map(float),
    st.floats(-100, 100).map(lambda v: v if abs(v) > 1e-100 else 0.0),
)


def matrices(count: int = 1, max_width: int = 4) -> st.SearchStrategy[Array]:
    """`count` matrices of one shape (d, m)."""
    shapes = st.tuples(st.just(count), st.integers(1, 4), st.integers(1, max_width))
    return shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=entries))


def layer(norm: Norm, matrix: Array) -> Array:
    """The first row for a norm of vectors."""
    return matrix[..., 0, :] if isinstance(norm, VectorNorm) else matrix


def inner(x: Array, y: Array) -> float:
    return float((x * y).sum())


def close(x: Array | float, y: Array | float, *, to: float = ROUNDING) -> None:
    size = max(1e-300, float(np.abs(x).max()), float(np.abs(y).max()))
    np.testing.assert_allclose(x, y, rtol=0, atol=to * size)


def encloses(interval: Interval, value: float) -> None:
    """The value lies between the bounds, up to rounding, and these are close."""
    assert interval.lower * (1 - ROUNDING) <= value <= interval.upper * (1 + ROUNDING)
    close(interval.lower, interval.upper, to=INTERVAL)


def random_layers(seed: int, d: int, m: int, batch: tuple[int, ...] = ()) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(*batch, d, m)), rng.normal(size=(*batch, m))


def orthogonal(rng: np.random.Generator, size: int) -> Array:
    q: Array = np.linalg.qr(rng.normal(size=(size, size)))[0]
    return q


# Norms


@pytest.mark.parametrize(
    ("norm", "expected"),
    [
        (VectorNorm(1), 7),
        (VectorNorm(2), 5),
        (VectorNorm(3), 91 ** (1 / 3)),
        (VectorNorm(math.inf), 4),
    ],
    ids=str,
)
def test_vector_norms_by_hand(norm: Norm, expected: float) -> None:
    close(norm.value(np.array([3.0, -4.0])), expected)


@pytest.mark.parametrize(
    ("norm", "expected"),
    [
        (MixedNorm(math.inf, math.inf), 5),
        (MixedNorm(1, 1), 12),
        (MixedNorm(2, 1), 5 + 5),
        (MixedNorm(2, math.inf), 5),
        (MixedNorm(1, 2), math.hypot(7, 5)),
        (SchattenNorm(1), np.linalg.norm([[3, 0], [4, 5]], "nuc")),
        (SchattenNorm(2), math.sqrt(50)),
        (SchattenNorm(math.inf), np.linalg.norm([[3, 0], [4, 5]], 2)),
    ],
    ids=str,
)
def test_matrix_norms_by_hand(norm: Norm, expected: float) -> None:
    close(norm.value(np.array([[3.0, 0.0], [4.0, 5.0]])), expected)


@pytest.mark.parametrize("norm", NORMS, ids=str)
@given(g=matrices(), radius=radii)
def test_oracle_attains_the_dual_norm_in_the_ball(norm: Norm, g: Array, radius: float) -> None:
    g = layer(norm, g[0])
    x = norm.lmo(g, radius)
    assert x.shape == g.shape
    close(inner(g, x), -radius * norm.dual_value(g))
    assert norm.value(x) <= radius * (1 + ROUNDING)
    if not g.any():
        assert not x.any()


@pytest.mark.parametrize("norm", NORMS, ids=str)
@given(pair=matrices(count=2))
def test_hoelder_and_triangle_inequalities(norm: Norm, pair: Array) -> None:
    x, y = layer(norm, pair)
    bound = float(norm.value(x) * norm.dual_value(y))
    assert abs(inner(x, y)) <= bound * (1 + ROUNDING)
    assert norm.value(x + y) <= (norm.value(x) + norm.value(y)) * (1 + ROUNDING)
    close(norm.value(-2.5 * x), 2.5 * norm.value(x))


DUALS: list[tuple[Norm, Norm]] = [
    *((VectorNorm(p), VectorNorm(q)) for p, q in ((1, math.inf), (1.5, 3), (2, 2))),
    (MixedNorm(1, 1.5), MixedNorm(math.inf, 3)),
    (MixedNorm(2, math.inf), MixedNorm(2, 1)),
    *((SchattenNorm(p), SchattenNorm(q)) for p, q in ((1, math.inf), (1.5, 3), (2, 2))),
]


@pytest.mark.parametrize(("norm", "dual"), DUALS, ids=str)
@given(x=matrices())
def test_dual_norms_are_dual_to_each_other(norm: Norm, dual: Norm, x: Array) -> None:
    x = layer(norm, x[0])
    close(norm.dual_value(x), dual.value(x))
    close(dual.dual_value(x), norm.value(x))


@pytest.mark.parametrize("norm", NORMS, ids=str)
def test_dual_of_the_dual_is_the_norm(norm: Norm, generator: np.random.Generator) -> None:
    """||x|| = max <g, x> over ||g||_* <= 1: no g exceeds it, and the best sampled g is close.

    Only the value, the dual value and small moves are used, so a wrong exponent cannot hide.
    """
    x = layer(norm, generator.normal(size=(2, 2)))
    value = norm.value(x)
    g, best, width = x, -math.inf, 1.0
    for _ in range(60):
        moves = g + width * generator.normal(size=(2000, *x.shape)) * np.abs(g).max()
        moves /= norm.dual_value(moves).reshape(-1, *(1,) * x.ndim)
        scores = (moves * x).sum(axis=tuple(range(1, x.ndim + 1)))
        assert scores.max() <= value * (1 + ROUNDING)
        if scores.max() > best:
            best, g = scores.max(), moves[scores.argmax()]
        width *= 0.8
    assert best >= value * (1 - 1e-3)


@pytest.mark.parametrize("norm", PROJECTABLE, ids=str)
@given(pair=matrices(count=2), radius=radii)
def test_projection_is_feasible_idempotent_and_nearest(
    norm: Norm, pair: Array, radius: float
) -> None:
    x, other = layer(norm, pair)
    projected = norm.project(x, radius)
    assert norm.value(projected) <= radius * (1 + 1e-11)
    close(norm.project(projected, radius), projected, to=1e-11)
    if norm.value(x) <= radius:
        close(projected, x)
    # Variational inequality: <x - Px, z - Px> <= 0 for all z in the ball; the oracle gives the
    # worst z, and a scaled second point one that does not depend on it.
    slack = 1e-11 * (1 + inner(x, x))
    worst = norm.lmo(projected - x, radius)
    inside = other * (radius / max(float(norm.value(other)), radius))
    for z in (worst, inside):
        assert inner(x - projected, z - projected) <= slack


@pytest.mark.parametrize(
    "norm", [VectorNorm(3), MixedNorm(1, 2), MixedNorm(2, 3), SchattenNorm(1.5)], ids=str
)
def test_projection_without_closed_form(norm: Norm) -> None:
    with pytest.raises(InputError, match="^norm: .*no closed-form projection"):
        norm.project(layer(norm, np.ones((2, 2))), 1.0)


def test_polar_factor_keeps_the_rank(generator: np.random.Generator) -> None:
    """Of u v^T it is that of the unit vectors, though rounding gives u v^T a higher rank."""
    u, v = generator.normal(size=(2, 20, 4))
    polar = SchattenNorm(math.inf).lmo(u[:, :, None] * v[:, None, :], 2.0)
    u, v = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (u, v))
    close(polar, -2.0 * u[:, :, None] * v[:, None, :])


@pytest.mark.parametrize("radius", [0, -1.0, math.nan, math.inf, Fraction(-1, 2)])
@pytest.mark.parametrize("norm", [VectorNorm(2), MixedNorm(2, 1), SchattenNorm(1)], ids=str)
def test_radius_must_be_positive(norm: Norm, radius: float) -> None:
    x = layer(norm, np.ones((2, 2)))
    for method in (norm.lmo, norm.project):
        with pytest.raises(InputError, match="^radius: is .*, but must be positive and finite"):
            method(x, radius)


def test_rational_radius() -> None:
    np.testing.assert_array_equal(
        VectorNorm(math.inf).project(np.array([3.0, -0.25]), Fraction(1, 2)), [0.5, -0.25]
    )


@pytest.mark.parametrize("exponent", [0.5, -1, math.nan])
def test_exponents_below_one(exponent: float) -> None:
    for make in (VectorNorm, SchattenNorm, lambda p: MixedNorm(p, 2), lambda q: MixedNorm(2, q)):
        with pytest.raises(InputError, match="a norm needs an exponent of at least 1"):
            make(exponent)


@pytest.mark.parametrize(
    "norm", [norm for norm in NORMS if norm not in (SchattenNorm(1.5), SchattenNorm(3))], ids=str
)
@pytest.mark.parametrize("shape", [(2, 3), (1, 3), (3, 1), (1, 1)], ids=str)
def test_cvxpy_constraint_is_the_ball(
    norm: Norm, shape: tuple[int, int], generator: np.random.Generator
) -> None:
    x = layer(norm, generator.normal(size=shape))
    variable = cp.Variable(x.shape)
    for radius in (1.5, Fraction(3, 2)):
        constraint = norm.constraint(variable, radius)
        assert constraint.is_dcp()
        for factor, inside in ((0.999, True), (1.001, False)):
            variable.value = x * (factor * 1.5 / norm.value(x))
            assert constraint.value(tolerance=0) == inside


@pytest.mark.parametrize(
    "norm", [VectorNorm(1.5), MixedNorm(2, 1), SchattenNorm(math.inf)], ids=str
)
def test_cvxpy_maximum_over_the_ball_is_the_dual_norm(
    norm: Norm, generator: np.random.Generator
) -> None:
    g = layer(norm, generator.normal(size=(2, 3)))
    x = cp.Variable(g.shape)
    radius = cp.Parameter(nonneg=True, value=2.0)
    problem = cp.Problem(cp.Maximize(cp.sum(cp.multiply(g, x))), [norm.constraint(x, radius)])
    value = problem.solve(solver=cp.CLARABEL)
    assert problem.status == cp.OPTIMAL
    close(value, 2.0 * norm.dual_value(g), to=SOLVER)


def test_cvxpy_has_no_general_schatten_norm() -> None:
    with pytest.raises(InputError, match=r"SchattenNorm\(p=3\) has no CVXPY atom"):
        SchattenNorm(3).constraint(cp.Variable((2, 2)), 1.0)


# Gauges and lifts


@pytest.mark.parametrize("name", CLOSED_FORMS)
@given(U=matrices())
def test_gauges_in_closed_form(name: str, U: Array) -> None:
    lower, upper = geometry(name).gauge(U[0])
    close(upper, CLOSED_FORMS[name](U[0]))
    assert lower == upper


@pytest.mark.parametrize("name", names())
@given(U=matrices(max_width=8), factor=st.sampled_from([1e-180, 0.3, 7.0, 1e180]))
def test_gauge_is_a_homogeneous_function_of_the_set_of_columns(
    name: str, U: Array, factor: float
) -> None:
    lower, upper = geometry(name).gauge(U[0])
    assert lower <= upper
    assert upper - lower <= INTERVAL * upper
    close(geometry(name).gauge(factor * U[0]).upper, factor * upper, to=INTERVAL)
    close(geometry(name).gauge(U[0][:, ::-1]).upper, upper, to=INTERVAL)
    with_blank = np.concatenate([U[0], np.zeros((U.shape[1], 1))], axis=1)
    close(geometry(name).gauge(with_blank).upper, upper, to=INTERVAL)


@pytest.mark.parametrize("name", BALLS)
@given(W=matrices(max_width=8), data=st.data())
def test_gauge_is_at_most_any_network_and_attained_by_the_lift(
    name: str, W: Array, data: st.DataObject
) -> None:
    W = W[0]
    a = data.draw(arrays(np.float64, W.shape[1], elements=entries))
    ball = geometry(name).ball
    U = np.abs(a) * W
    lower, upper = ball.gauge(U)
    assert lower <= ball.hidden.value(W) * ball.output.value(a) * (1 + ROUNDING)

    signs = np.where(a < 0, -1, 1)
    lifted_W, lifted_a = ball.lift(signs, U)
    np.testing.assert_allclose(np.abs(lifted_a) * lifted_W, U, rtol=1e-14)
    assert ((np.sign(lifted_a) == signs) | ~U.any(axis=0)).all()
    close(ball.hidden.value(lifted_W), np.sqrt(upper))
    close(ball.output.value(lifted_a), np.sqrt(upper))
    assert not lifted_a[~U.any(axis=0)].any()


def test_canonical_lift_of_adamw() -> None:
    """a = s R_a sqrt(||u|| / rho) of proofs_notes/group-lasso.md, R_W = R_a = sqrt(rho) here."""
    U = np.array([[4.0, -1.0, 0.0], [2.0, 1.0, 0.0]])
    W, a = geometry("adamw").lift(np.array([-1, 1, 1]), U)
    np.testing.assert_allclose(a, [-2, 1, 0])
    np.testing.assert_allclose(W, [[2, -1, 0], [1, 1, 0]])


@given(U=matrices(), logs=st.lists(st.floats(-2, 2), min_size=4, max_size=4))
def test_sgd_lift_has_the_least_penalty(U: Array, logs: list[float]) -> None:
    sgd = geometry("sgd")
    assert isinstance(sgd, L2Penalty)
    U = U[0]
    m = U.shape[1]
    least = sgd.penalty(*sgd.lift(np.ones(m), U), beta=0.3)
    close(least, 0.3 * sgd.gauge(U).upper)
    a = np.exp(logs[:m])
    assert sgd.penalty(U / a, a, beta=0.3) >= least * (1 - ROUNDING)


def test_lift_refuses_a_neuron_without_sign() -> None:
    with pytest.raises(InputError, match="^signs: must be 1 or -1"):
        geometry("muon").lift(np.array([1, 0]), np.eye(2))
    _, a = geometry("muon").lift(np.array([1, 0]), np.diag([4.0, 0.0]))
    np.testing.assert_allclose(a, [2, 0])


@given(U=matrices(max_width=1))
def test_muon_gauge_of_one_neuron(U: Array) -> None:
    encloses(geometry("muon").gauge(U[0]), float(np.linalg.norm(U)))


@given(U=arrays(np.float64, (3, 2), elements=entries))
def test_muon_gauge_of_two_neurons(U: Array) -> None:
    u, v = U.T
    expected = max(np.linalg.norm(u + v), np.linalg.norm(u - v))
    encloses(geometry("muon").gauge(U), float(expected))


@given(
    lengths=st.lists(st.floats(0.01, 100), min_size=1, max_size=6), seed=st.integers(0, 2**32 - 1)
)
def test_muon_gauge_of_orthogonal_and_of_parallel_neurons(lengths: list[float], seed: int) -> None:
    muon, c = geometry("muon"), np.array(lengths)
    basis = orthogonal(np.random.default_rng(seed), len(c))
    encloses(muon.gauge(basis * c), float(np.linalg.norm(c)))
    encloses(muon.gauge(np.outer(basis[:, 0], c)), c.sum())


@given(U=matrices(max_width=6))
def test_muon_gauge_lies_between_the_cut_and_its_relaxations(U: Array) -> None:
    """max over signs y of ||U y|| <= gauge <= sqrt(pi/2) of it (Nesterov 1998, theorem 2)."""
    U = U[0]
    cuts = np.array(list(product((1.0, -1.0), repeat=U.shape[1])))
    cut = np.linalg.norm(cuts @ U.T, axis=1).max()
    lower, upper = geometry("muon").gauge(U)
    assert cut <= upper * (1 + ROUNDING)
    assert lower <= math.sqrt(math.pi / 2) * cut * (1 + ROUNDING)
    assert upper <= geometry("ngd").gauge(U).upper * (1 + INTERVAL)
    assert lower * (1 + ROUNDING) >= geometry("muon-adamw").gauge(U).upper


def test_muon_gauge_is_as_narrow_as_it_says(generator: np.random.Generator) -> None:
    U = generator.integers(-3, 4, size=(1000, 3, 8)) * 10.0 ** generator.integers(
        -16, 1, (1000, 1, 8)
    )
    lower, upper = geometry("muon").gauge(U)
    assert (lower < upper).all()
    assert (upper - lower <= 1e-10 * 8 * upper).all()


@pytest.mark.parametrize("seed", range(12))
def test_muon_gauge_against_the_program_of_section_1(seed: int) -> None:
    """min r with [[r I, U], [U^T, diag alpha]] psd and sum alpha <= r, by a semidefinite solver."""
    rng = np.random.default_rng(seed)
    d, m = int(rng.integers(1, 4)), int(rng.integers(3, 7))
    U = rng.normal(size=(d, m)) * 10.0 ** rng.integers(-1, 2, size=m)
    r, alpha = cp.Variable(), cp.Variable(m)
    matrix = cp.bmat([[r * np.eye(d), U], [U.T, cp.diag(alpha)]])
    problem = cp.Problem(cp.Minimize(r), [matrix >> 0, cp.sum(alpha) <= r])
    value = problem.solve(solver=cp.CLARABEL)
    assert problem.status == cp.OPTIMAL
    lower, upper = geometry("muon").gauge(U)
    assert lower * (1 - SOLVER) <= value <= upper * (1 + SOLVER)


def test_flagship_radii_of_section_2() -> None:
    """The least gauge of a zero-loss network in each cell of width 2: A 2 and 5, B 12/5 and 3.0594.

    With two neurons the muon gauge is max(||u + v||, ||u - v||); the least in B is sqrt(9.36).
    """
    problem = theory.example("flagship")
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    cones = arrangement(problem.X).signs
    radii = set()
    U, sides, active = cp.Variable((2, 2)), cp.Parameter((4, 2)), cp.Parameter((4, 2))
    zero_loss = [
        cp.sum(cp.multiply(active, X @ U), axis=1) == y,
        cp.multiply(sides, X @ U) >= 0,
    ]
    of_two = cp.maximum(cp.norm(U @ [1, 1]), cp.norm(U @ [1, -1]))
    programs = {
        name: cp.Problem(cp.Minimize(gauge), zero_loss)
        for name, gauge in (("adamw", cp.max(cp.abs(U))), ("muon", of_two))
    }
    for cell in combinations_with_replacement(product((1, -1), cones), 2):
        sides.value = np.array([K for _, K in cell]).T
        active.value = np.array([s * (K > 0) for s, K in cell]).T
        found = []
        for name, program in programs.items():
            program.solve(solver=cp.CLARABEL)
            if program.status == cp.OPTIMAL:
                close(program.value, geometry(name).gauge(U.value).upper, to=SOLVER)
                found.append(round(program.value, 4))
        if found:
            radii.add(tuple(found))
    assert radii == {(2.0, 5.0), (2.4, 3.0594)}


# Invariances


@pytest.mark.parametrize("name", ["muon", "muon-adamw", "ngd", "sgd", "colnorm", "colnorm-ngd"])
@given(U=matrices(max_width=6), seed=st.integers(0, 2**32 - 1))
def test_gauges_invariant_under_orthogonal_maps_of_the_inputs(
    name: str, U: Array, seed: int
) -> None:
    rotation = orthogonal(np.random.default_rng(seed), U.shape[1])
    gauge = geometry(name).gauge
    close(gauge(rotation @ U[0]).upper, gauge(U[0]).upper, to=INTERVAL)


@pytest.mark.parametrize("name", ["muon", "ngd"])
@given(W=matrices(), seed=st.integers(0, 2**32 - 1))
def test_hidden_norm_invariant_under_orthogonal_maps_of_both_sides(
    name: str, W: Array, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    left, right = (orthogonal(rng, size) for size in W.shape[1:])
    norm = geometry(name).ball.hidden
    close(norm.value(left @ W[0] @ right), norm.value(W[0]))
    close(norm.dual_value(left @ W[0] @ right), norm.dual_value(W[0]))
    # Not the oracle of a singular matrix: its rank is a matter of rounding.
    full = W[0] + 500 * np.eye(*W.shape[1:])
    close(norm.lmo(left @ full @ right, 2.0), left @ norm.lmo(full, 2.0) @ right, to=1e-9)


@pytest.mark.parametrize("name", names())
@given(U=matrices(max_width=6), data=st.data())
def test_gauges_invariant_under_signed_permutations(
    name: str, U: Array, data: st.DataObject
) -> None:
    d, m = U.shape[1:]
    rows, columns = data.draw(st.permutations(range(d))), data.draw(st.permutations(range(m)))
    signs = np.array(data.draw(st.lists(st.sampled_from([-1, 1]), min_size=d, max_size=d)))
    moved = signs[:, None] * U[0][np.ix_(rows, columns)]
    gauge = geometry(name).gauge
    close(gauge(moved).upper, gauge(U[0]).upper, to=INTERVAL)


def test_adamw_is_not_rotation_invariant_nor_muon_that_of_columns() -> None:
    turn = np.array([[1.0, -1.0], [1.0, 1.0]]) / math.sqrt(2)
    adamw, muon = geometry("adamw"), geometry("muon")
    close(adamw.gauge(turn).upper, 1 / math.sqrt(2))
    close(adamw.gauge(turn @ turn).upper, 1.0)
    skew = np.array([[1.0, 1.0], [0.0, 0.0]])
    close(muon.gauge(skew).upper, 2.0, to=INTERVAL)
    close(muon.gauge(skew @ turn).upper, math.sqrt(2), to=INTERVAL)


# Frank-Wolfe gap


@pytest.mark.parametrize("name", BALLS)
@pytest.mark.parametrize("size", [0.01, 100.0], ids=["interior", "boundary"])
def test_gap_vanishes_at_the_nearest_point_of_the_ball_only(name: str, size: float) -> None:
    """1/2 ||theta - target||^2 over the ball has one KKT point, the projection of the target."""
    ball = geometry(name).ball
    target_W, target_a = random_layers(3, 3, 4)
    target_W, target_a = size * target_W, size * target_a
    R_W, R_a = 1.5, 0.5

    def gap(W: Array, a: Array) -> float:
        assert ball_violation(ball, W, a, R_W, R_a) <= ROUNDING
        return float(frank_wolfe_gap(ball, W, a, W - target_W, a - target_a, R_W, R_a))

    W, a = ball.hidden.project(target_W, R_W), ball.output.project(target_a, R_a)
    tolerance = ROUNDING * (1 + size)
    assert abs(gap(W, a)) <= tolerance
    other_W, other_a = random_layers(4, 3, 4)
    other_W *= R_W / ball.hidden.value(other_W)
    other_a *= R_a / ball.output.value(other_a)
    for t in (1e-3, 0.5, 1.0):
        moved_W, moved_a = (1 - t) * W + t * other_W, (1 - t) * a + t * other_a
        # By strong convexity at least the squared distance.
        least = ((moved_W - W) ** 2).sum() + ((moved_a - a) ** 2).sum()
        assert gap(moved_W, moved_a) >= least - tolerance
        assert least > tolerance


def test_gap_of_one_neuron_by_hand() -> None:
    """f = a relu(w) at the datum (1, 10), |w| <= 2, |a| <= 3: the corner (2, 3) is a KKT point."""

    def gap(w: float, a: float) -> float:
        r = a * w - 10
        return float(
            frank_wolfe_gap(
                geometry("adamw"),
                np.array([[w]]),
                np.array([a]),
                np.array([[r * a]]),
                np.array([r * w]),
                Fraction(2),
                3,
            )
        )

    assert gap(2, 3) == 0
    assert gap(1, 3) == -21 - 21 + 42 + 21  # r = -7
    assert gap(0, 0) == 0  # the origin is a saddle point, which the gap cannot tell


@pytest.mark.parametrize("name", BALLS)
@given(layers=matrices(count=2), radius=radii)
def test_gap_is_the_most_a_linear_step_gains(name: str, layers: Array, radius: float) -> None:
    ball = geometry(name).ball
    W, grad_W = layers
    a, grad_a = W[0], grad_W[-1]
    R_W, R_a = radius, 2 * radius
    W = W * (R_W / max(float(ball.hidden.value(W)), R_W))
    a = a * (R_a / max(float(ball.output.value(a)), R_a))
    gap = frank_wolfe_gap(ball, W, a, grad_W, grad_a, R_W, R_a)
    x_W, x_a = ball.hidden.lmo(grad_W, R_W), ball.output.lmo(grad_a, R_a)
    size = R_W * ball.hidden.dual_value(grad_W) + R_a * ball.output.dual_value(grad_a)
    assert abs(gap - inner(grad_W, W - x_W) - inner(grad_a, a - x_a)) <= ROUNDING * size
    assert gap >= -ROUNDING * size
    assert frank_wolfe_gap(ball, W, a, 0 * grad_W, 0 * grad_a, R_W, R_a) == 0


@pytest.mark.parametrize("name", BALLS)
def test_ball_violation(name: str) -> None:
    ball = geometry(name).ball
    W, a = random_layers(5, 3, 4)
    W, a = W / ball.hidden.value(W), a / ball.output.value(a)
    assert ball_violation(ball, 1.9 * W, 0.9 * a, 2, 1) == 0
    close(ball_violation(ball, 3 * W, 0.9 * a, 2, 1), 0.5)
    close(ball_violation(ball, 1.9 * W, 1.25 * a, Fraction(2), 1), 0.25)


@pytest.mark.parametrize(("R_W", "R_a", "field"), [(0, 1, "R_W"), (1, math.nan, "R_a")])
def test_measures_need_positive_radii(R_W: float, R_a: float, field: str) -> None:
    W, a = random_layers(6, 2, 2)
    with pytest.raises(InputError, match=f"^{field}: is .*, but must be positive"):
        frank_wolfe_gap(geometry("ngd"), W, a, W, a, R_W, R_a)
    with pytest.raises(InputError, match=f"^{field}: is .*, but must be positive"):
        ball_violation(geometry("ngd"), W, a, R_W, R_a)


# The optimizers


def test_all_names() -> None:
    expected = {"adamw", "lion", "signsgd", "muon", "muon-adamw", "ngd", "colnorm", "sgd"}
    expected |= {"adamw-ngd", "colnorm-ngd", "ngd-adamw"}
    assert expected <= set(names())
    assert all(geometry(name).name == name for name in names())


def test_unknown_optimizer_lists_all() -> None:
    said = f"optimizer: 'adam' is not one of {', '.join(names())}; did you mean adamw?"
    with pytest.raises(InputError, match=f"^{re.escape(said)}$") as caught:
        geometry("adam")
    assert caught.value.field == "optimizer"


@pytest.mark.parametrize(("written", "name"), [("AdamW", "adamw"), ("Muon-AdamW", "muon-adamw")])
def test_names_in_any_case(written: str, name: str) -> None:
    assert geometry(written) is geometry(name)


def test_sgd_has_no_ball() -> None:
    W, a = random_layers(7, 2, 2)
    for ask in (
        lambda: geometry("sgd").ball,
        lambda: ball_violation(geometry("sgd"), W, a, 1, 1),
        lambda: frank_wolfe_gap(geometry("sgd"), W, a, W, a, 1, 1),
    ):
        with pytest.raises(
            InputError, match="^optimizer: sgd has no norm ball, only an l2 penalty"
        ):
            ask()


def test_radius_of_weight_decay() -> None:
    adamw = geometry("adamw").ball
    exact = adamw.radius(Fraction(5, 11))
    assert (exact, type(exact)) == (Fraction(11, 5), Fraction)
    assert adamw.radius(0.25) == 4.0
    weight_decay: Any
    for weight_decay in (0, -0.1, Fraction(-1, 2), math.nan):
        with pytest.raises(InputError, match="^weight_decay: is .*, but must be positive"):
            adamw.radius(weight_decay)


def test_sgd_penalty_by_hand() -> None:
    sgd = geometry("sgd")
    assert isinstance(sgd, L2Penalty)
    assert sgd.penalty(np.array([[1.0], [2.0]]), np.array([3.0]), beta=0.5) == 0.25 * 14


def test_a_new_optimizer_from_norms() -> None:
    """Columns in l_1, summed in l_2, and a in l_1: the gauge of c = (2, 16) is ||c||_(2/3)."""
    mine = LionK("mine", MixedNorm(1, 2), VectorNorm(1))
    U = np.array([[1.0, -8.0], [-1.0, 8.0]])
    close(mine.gauge(U).upper, (2 ** (2 / 3) + 16 ** (2 / 3)) ** 1.5)
    W, a = mine.lift(np.array([1, -1]), U)
    close(mine.hidden.value(W) * mine.output.value(a), mine.gauge(U).upper)
    close(np.abs(a) * W, U)
    with pytest.raises(InputError, match=r"^norm: no gauge is known for SchattenNorm\(p=4\) on W"):
        LionK("other", SchattenNorm(4), VectorNorm(2)).gauge(U)


@given(U=matrices(max_width=3), logs=st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_closed_form_gauge_of_any_mixed_norm_is_the_least(U: Array, logs: list[float]) -> None:
    U = U[0]
    a = np.exp(logs[: U.shape[1]])
    for p, q, r in product((1, 2, math.inf), repeat=3):
        mine = LionK("mine", MixedNorm(p, q), VectorNorm(r))
        W, b = mine.lift(np.ones_like(a), U)
        gauge = mine.gauge(U).upper
        close(mine.hidden.value(W) * mine.output.value(b), gauge)
        assert not b[~U.any(axis=0)].any()
        assert gauge <= mine.hidden.value(U / a) * mine.output.value(a) * (1 + ROUNDING)


def test_frobenius_is_a_schatten_norm() -> None:
    U, _ = random_layers(8, 3, 4)
    schatten = LionK("mine", SchattenNorm(2), VectorNorm(2))
    close(schatten.gauge(U).upper, geometry("ngd").gauge(U).upper)


class Doubled(Norm):
    """2 max |x|: the least that a norm of one's own has to give."""

    def value(self, x: Array) -> Array:
        return 2 * np.abs(x).max(axis=(-2, -1))

    def dual_value(self, g: Array) -> Array:
        return np.abs(g).sum(axis=(-2, -1)) / 2

    def lmo(self, g: Array, radius: float | Fraction) -> Array:
        return -float(radius) / 2 * np.sign(g)

    def __str__(self) -> str:
        return "Doubled"


def test_a_norm_of_ones_own() -> None:
    mine = LionK("mine", Doubled(), VectorNorm(math.inf))
    W, a = random_layers(9, 2, 3)
    grad_W, grad_a = random_layers(10, 2, 3)
    half = frank_wolfe_gap(geometry("adamw"), W, a, grad_W, grad_a, 3, 2)
    close(frank_wolfe_gap(mine, W, a, grad_W, grad_a, 6, 2), half)
    for ask, reason in (
        (lambda: mine.gauge(W), "no gauge is known for Doubled on W with VectorNorm"),
        (lambda: mine.hidden.project(W, 1.0), "Doubled has no closed-form projection"),
        (lambda: mine.hidden.constraint(cp.Variable((2, 3)), 1), "Doubled has no CVXPY atom"),
    ):
        with pytest.raises(InputError, match=reason):
            ask()


# Batches


def everything(name: str, W: Array, a: Array, grad_W: Array, grad_a: Array) -> dict[str, Array]:
    """All that a geometry computes, with a batch of any shape in front."""
    shape = geometry(name)
    U = np.abs(a)[..., None, :] * W
    results = {"lower": shape.gauge(U).lower, "upper": shape.gauge(U).upper}
    results["lifted W"], results["lifted a"] = shape.lift(np.where(a < 0, -1, 1), U)
    if isinstance(shape, L2Penalty):
        return {**results, "penalty": shape.penalty(W, a, 0.1)}
    ball = shape.ball
    for layer_name, norm, x, g in (
        ("W", ball.hidden, W, grad_W),
        ("a", ball.output, a, grad_a),
    ):
        results[f"value {layer_name}"] = norm.value(x)
        results[f"dual {layer_name}"] = norm.dual_value(g)
        results[f"oracle {layer_name}"] = norm.lmo(g, 0.7)
        results[f"projection {layer_name}"] = norm.project(x, 0.7)
    results["violation"] = ball_violation(ball, W, a, 0.7, 0.3)
    results["gap"] = frank_wolfe_gap(ball, W, a, grad_W, grad_a, 0.7, 0.3)
    return results


def batch_of_layers() -> tuple[Array, Array, Array, Array]:
    """A batch (2, 3) with zero, equal and dependent columns, and zero gradients."""
    W, a = random_layers(11, 3, 4, (2, 3))
    grad_W, grad_a = random_layers(12, 3, 4, (2, 3))
    W[0, 0], grad_W[0, 1], grad_a[0, 1] = 0, 0, 0
    W[0, 2, :, 1:] = W[0, 2, :, :1]
    W[1, 0, :, 2], a[1, 1, 3] = 0, 0
    grad_W[1, 1] = np.outer(grad_W[1, 1, :, 0], grad_a[1, 1])
    return W, a, grad_W, grad_a


@pytest.mark.parametrize("name", names())
def test_a_batch_equals_a_loop(name: str) -> None:
    layers = batch_of_layers()
    together = everything(name, *layers)
    for index in np.ndindex(2, 3):
        alone = everything(name, *(x[index] for x in layers))
        for key, value in alone.items():
            assert together[key].shape == (2, 3, *np.shape(value))
            np.testing.assert_allclose(
                together[key][index], value, rtol=1e-6, atol=1e-9, err_msg=f"{key} {index}"
            )


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_diverged_run_leaves_the_others_alone(name: str, bad: float) -> None:
    layers = random_layers(13, 3, 4, (3,)) + random_layers(14, 3, 4, (3,))
    clean = everything(name, *layers)
    for x in layers:
        x[1, ..., -1] = bad
    spoilt = everything(name, *layers)  # a warning would fail the test
    for key, value in clean.items():
        np.testing.assert_allclose(spoilt[key][[0, 2]], value[[0, 2]], rtol=1e-6, err_msg=key)
    assert not np.isfinite(spoilt["upper"][1])
    if "gap" in spoilt:
        assert not np.isfinite(spoilt["gap"][1])
        assert not spoilt["violation"][1] <= 1e300


def test_gap_of_an_overflown_gradient_is_not_finite() -> None:
    zero, infinite = np.zeros((2, 2)), np.full((2, 2), math.inf)
    for name in BALLS:
        gap = frank_wolfe_gap(geometry(name), zero, zero[0], infinite, infinite[0], 1, 1)
        assert not np.isfinite(gap)


def test_import_loads_no_solver() -> None:
    heavy = "cvxpy clarabel torch scipy sympy matplotlib flint"
    code = (
        "import sys, theory.geometry as module\n"
        f"print([name for name in {heavy.split()} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
