"""Optima with every loss, with weights, output bias and linear part: closed forms, HiGHS, grids,
repeated rows, random networks, and the invariances."""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import planted
from profiles import part
from scipy.optimize import linprog

from theory.activation import RELU
from theory.arrangement import arrangement
from theory.certificates import certify
from theory.certificates.checker import check
from theory.certificates.reading import CertificateInvalid
from theory.exact import dot
from theory.gauges import gauge_of
from theory.geometry import geometry
from theory.losses import Loss
from theory.network import Network
from theory.problem import Problem
from theory.programs import relax, solve
from theory.programs.blocks import Patterns, distinct
from theory.programs.columns import ColumnGeneration
from theory.programs.free import free_basis, orthogonal
from theory.programs.program import BlockProgram
from theory.programs.solve import Optimum, family_of
from theory.programs.spectral import SpectralProgram
from theory.strategies import networks_in_ball, problems
from theory.within import Ball, Penalty

BALLS = (
    *("adamw", "muon", "muon-adamw", "ngd", "colnorm"),
    *("adamw-ngd", "colnorm-ngd", "ngd-adamw"),
)
LABELS = ("hinge", "squared_hinge", "logistic")
KINKS = ("absolute", "quantile:1/4", "epsilon:1/10", "hinge")
LOSSES = ("squared", "huber:1/2", *KINKS, "squared_hinge", "logistic")
HALF = Fraction(1, 2)
EXTRAS: tuple[dict[str, Any], ...] = (
    {},
    {"output_bias": True},
    {"skip": True},
    {"output_bias": True, "skip": True},
)


def of_loss(problem: Problem, loss: str, *, weighted: bool = False, **extras: Any) -> Problem:
    """The problem with this loss, whose targets become labels if need be."""
    y = problem.y
    if loss in LABELS:
        middle = sorted(y)[len(y) // 2]
        y = tuple(Fraction(1 if v >= middle else -1) for v in y)
    weights = [Fraction(k + 2, 3) for k in range(problem.n)] if weighted else None
    return Problem(problem.X, y, loss=loss, weights=weights, **extras)


def require_attained(found: Optimum) -> None:
    """The network has the upper end as its objective, is in the ball, and within the width."""
    network, within = found.network, found.within
    value = network.loss(found.problem)
    if isinstance(within, Penalty):
        value += within.of(network)
    else:
        gauge = within.gauge
        size = gauge.hidden.squared(network.neurons()) * gauge.output_squared(network.a)
        assert size <= within.rho**2 * (1 + Fraction(1, 10**9))
    # The logistic loss is rounded up, by different numbers of digits.
    assert value <= found.upper * (1 + Fraction(1, 10**12))
    assert found.lower <= found.upper
    assert found.width is None or found.neurons <= found.width


@pytest.mark.parametrize("extras", EXTRAS, ids=lambda extras: "+".join(extras) or "neurons")
@pytest.mark.parametrize("name", ["adamw", "muon", "ngd", "sgd"])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_gap_is_closed_with_weights_and_without(
    loss: str, name: str, extras: dict[str, Any]
) -> None:
    problem, _ = planted(5, 2, 2, 3, entries=3)
    within = Penalty(HALF) if name == "sgd" else Ball(name, HALF)
    for weighted in (False, True):
        found = solve(of_loss(problem, loss, weighted=weighted, **extras), within, width=2)
        require_attained(found)
        assert found.whole
        assert found.relative_gap <= 1e-6


@part(2)
@given(
    problems(n=(1, 4), d=(1, 2), max_denominator=4),
    st.sampled_from(LOSSES),
    st.sampled_from(EXTRAS),
    st.sampled_from(["relu", "leaky_relu:1/10", "abs"]),
    st.sampled_from(BALLS),
    st.fractions(Fraction(1, 4), 3, max_denominator=4),
    st.data(),
)
def test_no_network_in_the_ball_is_below_the_bound_of_any_loss(
    problem: Problem,
    loss: str,
    extras: dict[str, Any],
    activation: str,
    name: str,
    rho: Fraction,
    more: st.DataObject,
) -> None:
    weighted, width = more.draw(st.booleans()), more.draw(st.integers(1, 2))
    data = of_loss(problem, loss, weighted=weighted, **extras)
    data = Problem.from_json({**data.to_json(), "activation": activation})
    ball = Ball(name, rho)
    found = solve(data, ball, width=width)
    require_attained(found)
    network = more.draw(networks_in_ball(ball, data.d, width))
    number = st.fractions(-3, 3, max_denominator=3)
    b = more.draw(number) if data.output_bias else Fraction()
    c = [more.draw(number) for _ in range(data.d)] if data.skip else None
    other = replace(network, b=b, c=None if c is None else tuple(c))
    assert other.loss(data) >= found.lower


# One neuron of size at most 1/2 on x = 1 and x = -1, both with the target 1: one fit is 1/2.
ONE_SIDE = {
    "squared": 5 / 8,
    "huber:1/2": 1 / 2,
    "absolute": 3 / 2,
    "quantile:1/4": 3 / 8,
    "epsilon:1/10": 13 / 10,
    "hinge": 3 / 2,
    "squared_hinge": 5 / 4,
    "logistic": np.log1p(np.exp(-0.5)) + np.log(2),
}
PAIR = Problem(X=[[1], [-1]], y=[1, 1])


@pytest.mark.parametrize("name", BALLS)
@pytest.mark.parametrize("loss", LOSSES)
def test_one_neuron_sees_one_of_two_opposite_points(loss: str, name: str) -> None:
    found = solve(of_loss(PAIR, loss), Ball(name, HALF), width=1)
    assert found.relative_gap <= 1e-6
    assert float(found.upper) == pytest.approx(ONE_SIDE[loss], rel=1e-6)


@pytest.mark.parametrize(
    ("activation", "loss", "least"),
    [
        ("abs", "absolute", 1),
        ("abs", "hinge", 1),
        ("abs", "squared", 1 / 4),
        ("leaky_relu:1/10", "absolute", 2 - 9 / 20),
        ("leaky_relu:1/10", "squared", (1 / 4 + (21 / 20) ** 2) / 2),
    ],
)
def test_other_activations_see_both(activation: str, loss: str, least: float) -> None:
    data = Problem(X=PAIR.X, y=PAIR.y, loss=loss, activation=activation)
    for name in ("adamw", "muon", "ngd"):
        found = solve(data, Ball(name, HALF), width=1)
        assert float(found.upper) == pytest.approx(least, rel=1e-6)
        assert found.relative_gap <= 1e-6


@pytest.mark.parametrize("name", BALLS)
def test_enough_neurons_fit_both_points_as_far_as_the_ball_goes(name: str) -> None:
    # Where all is shared the fits add up to 1/2, else each is: absolute residuals only see the sum.
    found = solve(of_loss(PAIR, "absolute"), Ball(name, HALF), width=2)
    room = {"ngd": 1, "muon": 1, "adamw": 2, "colnorm": 2, "muon-adamw": 2}.get(name, 2**0.5)
    if name in ("muon", "muon-adamw"):
        # In one dimension the spectral norm is that of the row of weights.
        room = 1 if name == "muon" else 2**0.5
    assert float(found.upper) == pytest.approx(2 - room / 2, rel=1e-6)
    assert found.relative_gap <= 1e-6


@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "logistic"])
@pytest.mark.parametrize("name", ["adamw", "muon", "sgd"])
def test_what_needs_no_neuron_is_fitted_by_the_free_part(loss: str, name: str) -> None:
    within = Penalty(1) if name == "sgd" else Ball(name, HALF)
    found = solve(of_loss(PAIR, loss, output_bias=True), within, width=1)
    assert found.lower == 0
    assert float(found.upper) <= 1e-9
    plane = Problem(X=[[1, 2], [-1, 3]], y=[1, -1])
    assert float(solve(of_loss(plane, loss, skip=True), within, width=1).upper) <= 1e-9


@pytest.mark.parametrize("extras", EXTRAS[1:], ids="+".join)
def test_a_free_part_changes_a_convex_loss_by_what_is_known(extras: dict[str, Any]) -> None:
    # f = (1/2 + b + c, b - c): the sum of both fits is 1/2 more than that of the free part.
    expected = {"output_bias": 1 / 16, "skip": 9 / 16}.get("+".join(extras), 0.0)
    found = solve(
        Problem(X=PAIR.X, y=PAIR.y, **extras)
        if "output_bias" not in extras
        else Problem(X=PAIR.X, y=[1, 2], **extras),
        Ball("ngd", HALF),
        width=1,
    )
    assert float(found.upper) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ["adamw", "muon", "ngd", "sgd"])
def test_weights_are_repeated_rows(loss: str, name: str) -> None:
    problem, _ = planted(4, 2, 2, 1, entries=3)
    once = of_loss(problem, loss, output_bias=True)
    times = [1, 3, 2, 1]
    weighted = replace(once, loss=once.loss.weighted([Fraction(v) for v in times]))
    rows = [k for k, count in enumerate(times) for _ in range(count)]
    repeated = replace(once, X=tuple(once.X[k] for k in rows), y=tuple(once.y[k] for k in rows))
    within = Penalty(HALF) if name == "sgd" else Ball(name, HALF)
    first, second = (solve(each, within, width=2) for each in (weighted, repeated))
    assert first.lower <= second.upper
    assert second.lower <= first.upper
    assert first.relative_gap <= 1e-6
    assert second.relative_gap <= 1e-6
    # What one fits the other does.
    assert first.network.loss(weighted) == first.network.loss(repeated)


@pytest.mark.parametrize("extras", EXTRAS, ids=lambda extras: "+".join(extras) or "neurons")
@pytest.mark.parametrize("loss", ["absolute", "hinge"])
@pytest.mark.parametrize("seed", range(3))
def test_in_entrywise_balls_the_relaxation_is_a_linear_program(
    loss: str, extras: dict[str, Any], seed: int
) -> None:
    """HiGHS: variables u_b, their largest entries, the free coefficients, and the losses."""
    problem, _ = planted(7, 2, 3, seed, entries=4)
    data = of_loss(problem, loss, weighted=True, **extras)
    X, y = np.array(data.X, dtype=float), np.array(data.y, dtype=float)
    n, d = X.shape
    rho, width = Fraction(1, 3), 5
    signs = arrangement(data.X).signs > 0
    masks = [(s, on) for on in signs for s in (1, -1)]
    B = len(masks)
    free = np.array(data.free_columns, dtype=float).reshape(-1, n).T
    fit = np.hstack([*((s * on[:, None] * X) for s, on in masks), np.zeros((n, B)), free])
    rows: list[np.ndarray] = []
    limits: list[np.ndarray] = []

    def require(row: np.ndarray, most: np.ndarray) -> None:
        """row . (u, t, v, losses) <= most"""
        rows.append(np.hstack([row, np.zeros((len(row), width_of - row.shape[1]))]))
        limits.append(most)

    width_of = fit.shape[1] + n
    for b, (_, on) in enumerate(masks):
        cone = np.zeros((n, width_of))
        cone[:, b * d : (b + 1) * d] = -np.where(on, 1, -1)[:, None] * X
        require(cone, np.zeros(n))
        for side in (1, -1):
            entry = np.zeros((d, width_of))
            entry[:, b * d : (b + 1) * d] = side * np.eye(d)
            entry[:, B * d + b] = -1
            require(entry, np.zeros(d))
    total = np.zeros((1, width_of))
    total[0, B * d : B * d + B] = 1
    require(total, np.array([float(rho) * width]))
    own = np.hstack([np.zeros_like(fit), np.eye(n)])
    if loss == "hinge":
        require(-own - np.hstack([y[:, None] * fit, np.zeros((n, n))]), -np.ones(n))
    else:
        for side in (1, -1):
            require(side * np.hstack([fit, np.zeros((n, n))]) - own, side * y)
    bounds = [(None, None)] * (B * d) + [(0, None)] * B
    bounds += [(None, None)] * free.shape[1] + [(0, None)] * n
    cost = np.r_[np.zeros(fit.shape[1]), [float(w) for w in data.loss.weights]]
    expected = linprog(cost, np.vstack(rows), np.concatenate(limits), bounds=bounds)
    assert expected.status == 0
    found = relax(data, Ball("adamw", rho), width=width)
    size = max(expected.fun, 1e-4 * float(data.zero))
    assert abs(float(found.upper) - expected.fun) <= 1e-6 * size
    assert abs(float(found.lower) - expected.fun) <= 1e-6 * size


@pytest.mark.parametrize("loss", [name for name in LOSSES if name not in LABELS])
@pytest.mark.parametrize("name", ["adamw", "ngd", "muon"])
def test_an_output_bias_is_the_best_of_a_grid(loss: str, name: str) -> None:
    problem, _ = planted(5, 2, 2, 0, entries=3)
    found = solve(of_loss(problem, loss, output_bias=True), Ball(name, HALF), width=2)
    values = []
    b = Fraction(round(found.network.b * 10**6), 10**6)
    for k in range(-2, 3):
        moved = replace(problem, y=tuple(v - b - Fraction(k, 4) for v in problem.y))
        values.append(solve(of_loss(moved, loss), Ball(name, HALF), width=2))
    assert all(each.upper * (1 + Fraction(1, 10**6)) >= found.lower for each in values)
    assert float(values[2].upper) == pytest.approx(float(found.upper), rel=1e-5)


@part(2)
@given(
    problems(n=(1, 4), d=(1, 2), max_denominator=4),
    st.sampled_from(["absolute", "quantile:1/4", "epsilon", "huber", "squared"]),
    st.sampled_from(EXTRAS),
    st.booleans(),
    st.sampled_from(("adamw", "ngd", "muon", "colnorm-ngd", "sgd")),
    st.integers(-60, 60),
    st.integers(-60, 60),
)
def test_factors_of_data_and_weights_change_nothing(
    problem: Problem,
    loss: str,
    extras: dict[str, Any],
    weighted: bool,
    name: str,
    x: int,
    y: int,
) -> None:
    ten = Fraction(10)
    number = Fraction(1, 2)
    names = [loss, loss]
    if loss in ("epsilon", "huber"):
        names = [f"{loss}:{number}", f"{loss}:{number * ten**y}"]
    before = of_loss(problem, names[0], weighted=weighted, **extras)
    moved = Problem(
        X=[[v * ten**x for v in row] for row in problem.X], y=[v * ten**y for v in problem.y]
    )
    after = of_loss(moved, names[1], weighted=weighted, **extras)
    after = replace(
        after,
        loss=after.loss.weighted([7 * w for w in after.loss.weights or (Fraction(1),) * after.n]),
    )
    factor = 7 * ten ** (2 * y if loss in ("squared", "huber") else y)

    def within(times: Fraction) -> Ball | Penalty:
        return Penalty(HALF * times) if name == "sgd" else Ball(name, HALF * times)

    first = relax(before, within(Fraction(1)), width=2)
    scale = factor * ten ** (x - y) if name == "sgd" else ten ** (y - x)
    second = relax(after, within(scale), width=2)
    size = max(float(first.upper), 1e-4 * float(before.zero))
    assert float(second.upper / factor) == pytest.approx(float(first.upper), abs=1e-6 * size)
    assert float(second.lower / factor) == pytest.approx(float(first.lower), abs=1e-6 * size)
    if name != "sgd":
        assert second.network.loss(after) <= second.upper


@pytest.mark.parametrize(
    "problem",
    [
        Problem(X=[[0, 0], [0, 0]], y=[1, -1]),
        Problem(X=[[1, 2], [1, 2], [-2, -4], [0, 0]], y=[1, -1, 1, 1]),
        Problem(X=[[1, 1, 0], [2, 2, 0], [1, 2, 0]], y=[1, -1, 1]),
        Problem(X=[[1, 1], [2, 1], [3, 1]], y=[1, -1, 1]),
        Problem(X=[[7]], y=[-1]),
        Problem(X=[[1, 2], [3, 4]], y=[0, 0]),
    ],
    ids=["zero", "parallel", "rank-deficient", "constant-feature", "one-point", "no-target"],
)
@pytest.mark.parametrize("extras", [EXTRAS[0], EXTRAS[3]], ids=["neurons", "free"])
@pytest.mark.parametrize("loss", LOSSES)
def test_degenerate_data_with_every_loss(
    problem: Problem, extras: dict[str, Any], loss: str
) -> None:
    for within in (Ball("adamw", "1/3"), Ball("muon", "1/3"), Ball("ngd", "1/3"), Penalty("1/3")):
        found = solve(of_loss(problem, loss, weighted=True, **extras), within, width=2)
        require_attained(found)
        assert found.decided


@pytest.mark.parametrize(
    ("loss", "name"),
    [("squared", "ngd"), ("squared", "adamw"), ("absolute", "muon"), ("hinge", "ngd")],
)
def test_all_directions_are_priced_for_any_loss(
    loss: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, _ = planted(16, 2, 4, 0, entries=9)
    data = of_loss(problem, loss, weighted=True, output_bias=True)
    whole = relax(data, Ball(name, "1/20"), width=3)
    found = solve(data, Ball(name, "1/20"), width=3, max_cells=1, max_patterns=6)
    assert found.dual is not None
    assert found.dual.cover is not None
    assert found.whole
    assert float(found.relaxed.upper) == pytest.approx(float(whole.upper), rel=1e-5)
    assert float(found.relaxed.lower) == pytest.approx(float(whole.lower), rel=1e-5)
    monkeypatch.setattr(sys.modules["theory.programs.solve"], "MAX_DIMENSION", 0)
    pool = solve(data, Ball(name, "1/20"), width=3, max_cells=1, max_patterns=6)
    assert pool.relaxed.upper >= whole.lower
    assert pool.lower <= pool.upper
    # Quadratics instead of cones: with weights and free columns they prove what is so.
    assert 0 < pool.everywhere <= whole.upper


@given(
    problems(n=(2, 6), d=(1, 3), max_denominator=3),
    st.sampled_from(EXTRAS),
    st.sampled_from(["squared", "hinge"]),
    st.data(),
)
def test_dual_vectors_are_made_orthogonal_exactly(
    problem: Problem, extras: dict[str, Any], loss: str, more: st.DataObject
) -> None:
    data = of_loss(problem, loss, **extras)
    lam = more.draw(st.lists(st.integers(-(2**45), 2**45), min_size=data.n, max_size=data.n))
    found, parts = orthogonal(data, lam)
    assert parts > 0
    for column in data.free_columns:
        assert not dot(map(Fraction, found), column)
    changed = sum(v != parts * w for v, w in zip(found, lam, strict=True))
    small = sum(0 < abs(w) <= 2**15 for w in lam)
    assert changed <= len(data.free_columns) + small
    # What is orthogonal already stays as it is.
    again, same = orthogonal(data, found)
    if loss == "squared":
        assert [Fraction(v, same) for v in again] == [Fraction(v) for v in found]


def patterns_of(problem: Problem, count: int, seed: int) -> tuple[Patterns, Any]:
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    gates = np.random.default_rng(seed).standard_normal((count, problem.d))
    return Patterns(X, RELU, distinct(gates @ X.T > 0), free_basis(problem)), y


@pytest.mark.parametrize("extras", EXTRAS, ids=lambda extras: "+".join(extras) or "neurons")
@pytest.mark.parametrize("name", ["ngd", "muon", "sgd"])
def test_own_methods_agree_with_clarabel_on_weights_and_free_columns(
    name: str, extras: dict[str, Any]
) -> None:
    problem, _ = planted(10, 3, 3, 2)
    data = of_loss(problem, "squared", weighted=True, **extras)
    patterns, y = patterns_of(data, 6, 0)
    family = family_of(gauge_of(geometry("ngd" if name == "sgd" else name).ball))
    penalised = name == "sgd"
    own = ColumnGeneration(patterns, y, family, data.loss, penalised=penalised).solve(2.0)
    program = BlockProgram(
        patterns, np.arange(patterns.count), y, family, data.loss, penalised=penalised
    )
    u, lam, _, shift = program.solve(2.0)
    fit = (u @ patterns.X.T * patterns.masks(np.arange(patterns.count))).sum(axis=0) + shift
    value = data.loss.at(fit, y) + penalised * 2.0 * np.linalg.norm(u, axis=1).sum()
    assert own.value == pytest.approx(value, rel=1e-7)
    assert np.allclose(own.lam, lam, atol=1e-4 * np.abs(lam).max())
    if patterns.free is not None:
        assert np.abs(patterns.free.T @ own.lam).max() <= 1e-9 * np.abs(lam).max()
        assert np.allclose(patterns.free @ (patterns.free.T @ own.shift), own.shift)
    if name == "muon":
        assert SpectralProgram.solves(patterns, data.loss)
        assert not SpectralProgram.solves(patterns, Loss.named("huber:1")) or not extras


@pytest.mark.parametrize("extras", EXTRAS[:2], ids=["neurons", "output_bias"])
@pytest.mark.parametrize("loss", KINKS)
def test_at_kinks_the_multipliers_say_which_slope_the_loss_has(
    loss: str, extras: dict[str, Any]
) -> None:
    problem, _ = planted(8, 2, 3, 1)
    data = of_loss(problem, loss, weighted=True, **extras)
    patterns, y = patterns_of(data, 8, 0)
    blocks = np.arange(patterns.count)
    family = family_of(gauge_of(geometry("ngd").ball))
    u, lam, _, shift = BlockProgram(patterns, blocks, y, family, data.loss).solve(
        0.3 if loss in LABELS else 5.0
    )
    fit = (u @ patterns.X.T * patterns.masks(blocks)).sum(axis=0) + shift
    # At such a point many data are on a kink, where the gradient is none of the multipliers.
    assert not np.allclose(lam, -data.loss.gradient(fit, y), atol=1e-3)
    exact = [Fraction(v) for v in lam.tolist()]
    times = data.loss.multiple(exact, data.y)
    assert 1 - times <= Fraction(1, 10**9)
    dual = data.loss.dual([times * v for v in exact], data.y)
    value = data.loss.at(fit, y)
    assert float(dual) - lam @ fit == pytest.approx(value, rel=1e-7)


def test_exact_fits_are_exact_with_free_columns_and_any_residual_loss() -> None:
    problem, _ = planted(4, 2, 2, 3, entries=3)
    for loss in ("squared", "absolute", "huber:1/2", "quantile:1/4"):
        data = of_loss(problem, loss, weighted=True, output_bias=True, skip=True)
        found = solve(data, Ball("ngd", 100), width=4)
        assert found.upper == found.lower == 0
        assert found.network.fit(data) == data.y


def test_units_of_networks_go_both_ways_with_output_bias_and_linear_part() -> None:
    from theory.units import Units

    problem = Problem(X=[[3, 6], [9, 1]], y=[10, 4], output_bias=True, skip=True)
    network = Network(W=[[1, 2], [3, -1]], a=[1, -2], b=Fraction(5, 3), c=[Fraction(1, 7), 2])
    units = Units.of(problem)
    inner = units.inner(network)
    fit = network.fit(problem)
    assert inner.fit(units.problem(problem)) == tuple(v / units.y for v in fit)
    assert units.network(inner, balanced=False).fit(problem) == fit


def test_small_widths_with_a_penalty_are_decided_by_all_cells() -> None:
    problem, _ = planted(5, 2, 3, 0, entries=3)
    for loss in ("squared", "absolute"):
        found = solve(of_loss(problem, loss), Penalty(HALF), width=1)
        assert found.cells is not None
        assert found.relative_gap <= 1e-6
        assert found.relaxed.upper < found.lower
        require_attained(found)
        document = certify(found)
        assert "l2 penalty beta = 1/2" in check(document, found.problem).statement
        higher = document["value"][0].split("/")
        raised = f"{int(higher[0]) * 101}/{int(higher[1]) * 100}"
        with pytest.raises(CertificateInvalid, match="^duals"):
            check({**document, "value": [raised, "100"]}, found.problem)


@pytest.mark.parametrize("loss", ["absolute", "hinge"])
def test_columns_do_not_come_back_for_ever_where_many_dual_vectors_are_optimal(
    loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import theory.programs.columns as columns

    # So small a penalty that the fit is exact.
    data = of_loss(planted(12, 3, 3, 1)[0], loss)
    whole = relax(data, Penalty("1/10"))
    monkeypatch.setattr(columns, "_WHOLE", 8)
    monkeypatch.setattr(columns, "_NEW", 6)
    generated = relax(data, Penalty("1/10"))
    assert float(generated.lower) == pytest.approx(float(whole.lower), rel=1e-6)
    assert float(generated.upper) == pytest.approx(float(whole.upper), rel=1e-6)
