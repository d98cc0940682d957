"""Optima in the balls: against closed forms, cells, random networks, and by their invariances."""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import planted
from profiles import part

from theory import example
from theory.activation import RELU
from theory.arrangement import arrangement
from theory.certificates import certify
from theory.certificates.checker import check
from theory.errors import InputError, Interrupted, SolverFailure
from theory.gauges import gauge_of
from theory.geometry import geometry
from theory.landscape.cells import CellComplex
from theory.landscape.least import least
from theory.losses import SQUARED, Huber, Logistic, Loss
from theory.network import Network
from theory.problem import Problem
from theory.programs import Custom, solve
from theory.programs.blocks import Patterns
from theory.programs.program import BlockProgram
from theory.programs.solve import Optimum, family_of
from theory.strategies import problems
from theory.within import Ball, Penalty

BALLS = (
    *("adamw", "muon", "muon-adamw", "ngd", "colnorm"),
    *("adamw-ngd", "colnorm-ngd", "ngd-adamw"),
)
HALF = Fraction(1, 2)


def require_inside(found: Optimum, squared: bool = True) -> None:
    """The network attains the upper end, in the ball and within the width, exactly."""
    network = found.network
    assert not squared or network.loss(found.problem) <= found.upper
    assert found.width is None or found.neurons <= found.width
    neurons = [(s, u) for s, u in network.convex_coordinates() if any(u)]
    assert len(neurons) == found.neurons
    if neurons:
        assert isinstance(found.within, Ball)
        gauge = found.within.gauge
        columns = network.neurons()
        size = gauge.hidden.squared(columns) * gauge.output_squared(network.a)
        assert size <= found.within.rho**2 * (1 + Fraction(1, 10**9))


@pytest.mark.parametrize("name", BALLS)
@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_interval_is_narrow_and_holds_the_minimum_over_all_cells(
    name: str, width: int, seed: int
) -> None:
    problem, _ = planted(4, 2, 2, seed, entries=3)
    found = solve(problem, Ball(name, HALF), width=width)
    assert found.whole
    assert found.relative_gap <= 1e-6
    require_inside(found)
    cells = least(CellComplex.of(problem, width, within=Ball(name, HALF)))
    assert found.lower <= cells.value
    assert cells.lower <= found.upper
    if name == "adamw":
        assert cells.lower == cells.value


@part(2)
@given(
    problems(max_denominator=4),
    st.sampled_from(BALLS),
    st.integers(1, 3),
    st.fractions(Fraction(1, 4), 3, max_denominator=4),
    st.integers(0, 10**6),
)
def test_no_network_in_the_ball_is_below_the_bound(
    problem: Problem, name: str, width: int, rho: Fraction, seed: int
) -> None:
    found = solve(problem, Ball(name, rho), width=width)
    require_inside(found)
    random = np.random.default_rng(seed)
    W = random.standard_normal((problem.d, width))
    a = random.choice([-1.0, 1.0], width)
    ball = geometry(name).ball
    W = ball.hidden.project(10 * W, 1.0)
    a = ball.output.project(10 * a, 1.0)
    scale = rho * (1 - Fraction(1, 10**9))
    network = Network(
        W=[[Fraction(float(v)) for v in row] for row in W],
        a=[scale * Fraction(float(v)) for v in a],
    )
    assert network.loss(problem) >= found.lower


@pytest.mark.parametrize("name", BALLS)
def test_one_point_in_one_dimension(name: str) -> None:
    # One neuron w a >= 0 of size rho at most: the loss is (y - rho x)^2 / 2.
    problem = Problem(X=[[2]], y=[5])
    found = solve(problem, Ball(name, Fraction(2)), width=1)
    assert float(found.upper) == pytest.approx(0.5)
    assert float(found.lower) == pytest.approx(0.5)
    assert found.neurons == 1


@pytest.mark.parametrize(("name", "expected"), [("adamw", 2), ("colnorm", 2), ("ngd", 1)])
def test_two_neurons_on_two_orthogonal_points(name: str, expected: int) -> None:
    # Each point needs a neuron of its own: y = (1, -1) costs 1 + 1 of what the ball allows.
    problem = Problem(X=[[1, 0], [0, 1]], y=[1, -1])
    tight = solve(problem, Ball(name, Fraction(2, expected)), width=2)
    assert float(tight.upper) == pytest.approx(0, abs=1e-8)
    small = solve(problem, Ball(name, Fraction(1, expected)), width=2)
    assert float(small.lower) == pytest.approx(0.25, abs=1e-8)


def test_sgd_and_ngd_agree_where_the_penalty_leads() -> None:
    problem, _ = planted(8, 3, 3, 0)
    penalised = solve(problem, Penalty(Fraction(3)))
    assert penalised.relative_gap <= 1e-6
    size = sum(
        np.linalg.norm([float(v) for v in u]) for _, u in penalised.network.convex_coordinates()
    )
    inside = solve(problem, Ball("ngd", Fraction(float(size))))
    assert inside.relative_gap <= 1e-6
    assert float(inside.upper) + 3 * size == pytest.approx(float(penalised.upper), rel=1e-7)
    assert float(penalised.network.loss(problem)) == pytest.approx(float(inside.upper), rel=1e-4)


def test_blocks_in_use_have_to_cost_beta_and_not_only_as_much_as_all_others() -> None:
    # All eight octants are alike, so their costs are equal at every point on the way.
    X = [[1, 0, 0], [-1, 0, 0], [0, 2, 0], [0, -2, 0], [0, 0, 2], [0, 0, -2]]
    found = solve(Problem(X=X, y=[5, 5, 17, 17, 17, 17]), Penalty(Fraction(3)))
    assert found.relative_gap <= 1e-6
    assert float(found.upper) == pytest.approx(75)


def test_the_bound_of_the_penalty_holds_for_random_networks() -> None:
    problem, _ = planted(5, 2, 2, 1)
    found = solve(problem, Penalty(Fraction(1)))
    for seed in range(200):
        random = np.random.default_rng(seed)
        W = random.standard_normal((2, 3)) * random.uniform(0, 3)
        a = random.standard_normal(3)
        outputs = np.maximum(np.array(problem.X, float) @ W, 0) @ a
        loss = ((outputs - np.array(problem.y, float)) ** 2).sum() / 2
        assert loss + ((W**2).sum() + (a**2).sum()) / 2 >= float(found.lower)


@pytest.mark.parametrize("name", ["muon", "ngd"])
def test_with_any_width_the_network_has_as_few_neurons_as_caratheodory_says(name: str) -> None:
    problem, _ = planted(6, 2, 4, 2)
    found = solve(problem, Ball(name, Fraction(3)))
    d, n = problem.d, problem.n
    assert found.neurons <= (n if name == "ngd" else n + d * (d + 1) // 2)
    again = solve(problem, Ball(name, Fraction(3)), width=found.neurons)
    assert float(again.upper) == pytest.approx(float(found.upper), rel=1e-6)


@pytest.mark.parametrize("name", BALLS)
def test_more_room_is_never_worse_and_order_does_not_matter(name: str) -> None:
    problem, _ = planted(5, 2, 2, 4)
    values = [solve(problem, Ball(name, rho), width=2).upper for rho in (HALF, Fraction(1))]
    assert values[1] <= values[0]
    wider = solve(problem, Ball(name, HALF), width=3)
    assert wider.lower <= values[0]
    order = [3, 0, 4, 1, 2]
    shuffled = Problem(X=[problem.X[i] for i in order], y=[problem.y[i] for i in order])
    other = solve(shuffled, Ball(name, HALF), width=2)
    assert float(other.upper) == pytest.approx(float(values[0]), rel=1e-6)
    # Scaling X by c is scaling the ball by c.
    scaled = Problem(X=[[2 * v for v in row] for row in problem.X], y=problem.y)
    same = solve(scaled, Ball(name, HALF / 2), width=2)
    assert float(same.upper) == pytest.approx(float(values[0]), rel=1e-6)


@pytest.mark.parametrize("name", ["muon", "muon-adamw", "ngd", "colnorm"])
def test_an_orthogonal_map_of_the_inputs_changes_nothing(name: str) -> None:
    problem, _ = planted(5, 2, 2, 5)
    c, s = Fraction(3, 5), Fraction(4, 5)
    turned = Problem(X=[[c * v - s * w, s * v + c * w] for v, w in problem.X], y=problem.y)
    first = solve(problem, Ball(name, HALF), width=2)
    second = solve(turned, Ball(name, HALF), width=2)
    assert float(second.upper) == pytest.approx(float(first.upper), rel=1e-6)


@pytest.mark.parametrize(
    "problem",
    [
        Problem(X=[[0, 0], [0, 0]], y=[1, 2]),
        Problem(X=[[1, 2], [1, 2], [-2, -4], [0, 0]], y=[1, 0, 3, 1]),
        Problem(X=[[1, 1, 0], [2, 2, 0], [1, 2, 0]], y=[1, -1, 2]),
        Problem(X=[[1, 2], [3, 4]], y=[0, 0]),
        Problem(X=[[7]], y=["-1/3"]),
    ],
    ids=["zero", "parallel", "rank-deficient", "no-target", "one-point"],
)
@pytest.mark.parametrize("name", BALLS)
def test_degenerate_data(problem: Problem, name: str) -> None:
    found = solve(problem, Ball(name, Fraction(1, 3)), width=2)
    require_inside(found)
    assert found.lower <= found.upper
    assert found.relative_gap <= 1e-6


def test_patterns_that_are_searched_for_approach_the_optimum_over_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem, _ = planted(24, 3, 4, 0, entries=9)
    whole = solve(problem, Penalty(Fraction(20)))
    assert whole.whole
    assert whole.relative_gap <= 1e-6
    covered = solve(problem, Penalty(Fraction(20)), max_patterns=50, seed=1)
    assert covered.whole
    assert covered.everywhere == covered.lower <= whole.upper
    assert covered.relative_gap <= 1e-6
    monkeypatch.setattr(sys.modules["theory.programs.solve"], "MAX_DIMENSION", 0)
    part = solve(problem, Penalty(Fraction(20)), max_patterns=50, seed=1)
    assert not part.whole
    assert part.upper >= whole.lower  # a network is a network
    assert float(part.upper) == pytest.approx(float(whole.upper), rel=1e-2)
    assert part.relative_gap <= 1e-6  # over the patterns priced
    assert 0 < part.everywhere <= whole.upper


@pytest.mark.parametrize("name", ["adamw", "muon", "sgd"])
def test_column_generation_over_all_patterns_agrees_with_the_whole_program(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, _ = planted(12, 3, 3, 1)
    within = Penalty(5) if name == "sgd" else Ball(name, "1/4")
    width = 4 if name == "adamw" else None
    whole = solve(problem, within, width=width, max_cells=1)
    import theory.programs.columns as columns

    monkeypatch.setattr(columns, "_WHOLE", 8)
    monkeypatch.setattr(columns, "_WHOLE_NEWTON", 8)
    monkeypatch.setattr(columns, "_NEW", 6)
    generated = solve(problem, within, width=width, max_cells=1)
    assert len(generated.relaxation.blocks) < generated.relaxation.patterns.count
    assert float(generated.lower) == pytest.approx(float(whole.lower), rel=1e-6)


@pytest.mark.parametrize("loss", [Huber(Fraction(1)), Huber(Fraction(1, 3))])
@pytest.mark.parametrize("name", ["ngd", "muon", "sgd"])
def test_huber_bounds_are_exact_and_below_the_squared_loss(name: str, loss: Huber) -> None:
    problem, _ = planted(6, 2, 2, 3)
    within = Penalty(1) if name == "sgd" else Ball(name, HALF)
    found = solve(replace(problem, loss=loss), within)
    assert found.relative_gap <= 1e-6
    assert found.upper <= solve(problem, within).upper * (1 + Fraction(1, 10**6))


@pytest.mark.parametrize("loss", [Huber(Fraction(1, 3)), Logistic()])
def test_floats_of_a_loss_are_those_of_its_expression(loss: Huber | Logistic) -> None:
    import cvxpy

    random = np.random.default_rng(0)
    fit, y = 5 * random.standard_normal(20), random.choice([-1.0, 1.0], 20)
    expected = float(loss.expression(cvxpy.Constant(fit), y).value)
    assert loss.at(fit, y) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["ngd", "muon", "sgd"])
def test_logistic_bounds_enclose_the_optimum(name: str) -> None:
    problem, _ = planted(6, 2, 2, 3)
    labels = replace(problem, y=tuple(Fraction(1 if v > 0 else -1) for v in problem.y))
    within = Penalty(HALF) if name == "sgd" else Ball(name, HALF)
    found = solve(replace(labels, loss=Logistic()), within)
    assert found.relative_gap <= 1e-6
    assert found.lower > 0


def test_any_convex_loss_has_a_value_but_no_bound() -> None:
    import cvxpy

    problem, _ = planted(6, 2, 2, 3)
    loss = Custom(lambda f, y: cvxpy.sum_squares(f - y) / 2)
    found = solve(replace(problem, loss=loss), Ball("ngd", HALF))
    assert found.lower is None
    assert found.gap is None
    squared = solve(problem, Ball("ngd", HALF))
    assert float(found.upper) == pytest.approx(float(squared.upper), rel=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"within": Ball("adamw", HALF)}, "width: is needed"),
        ({"within": "ngd"}, "within: is 'ngd', but must be such as Ball"),
        ({"within": None}, "within: is None, but must be such as Ball"),
        ({"width": 0}, "width: 0 must be at least 1"),
    ],
)
def test_wrong_options_are_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        solve(example("flagship"), **{"within": Ball("ngd", HALF), **options})


def test_a_loss_that_is_not_convex_is_refused() -> None:
    problem = replace(example("flagship"), loss=Custom(lambda f, y: -((f - y) ** 2).sum()))
    with pytest.raises(InputError, match="loss: is no convex scalar"):
        solve(problem, Ball("ngd", HALF))


def test_where_both_solvers_fail_their_statuses_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import cvxpy

    def fail(self: Any, *arguments: Any, **options: Any) -> None:
        raise cvxpy.SolverError(f"{options['solver']} gave up")

    monkeypatch.setattr(cvxpy.Problem, "solve", fail)
    with pytest.raises(SolverFailure, match="CLARABEL gave up.*SCS gave up.*rescale"):
        solve(example("flagship"), Ball("adamw-ngd", HALF), width=2)


def test_where_clarabel_fails_scs_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    import cvxpy

    original = cvxpy.Problem.solve

    def fail(self: Any, *arguments: Any, **options: Any) -> float:
        if options.get("solver") == cvxpy.CLARABEL:
            raise cvxpy.SolverError("gave up")
        return original(self, *arguments, **options)

    monkeypatch.setattr(cvxpy.Problem, "solve", fail)
    found = solve(example("flagship"), Ball("adamw-ngd", HALF), width=6)
    monkeypatch.undo()
    expected = solve(example("flagship"), Ball("adamw-ngd", HALF), width=6)
    assert float(found.upper) == pytest.approx(float(expected.upper), rel=1e-4)
    assert found.lower <= expected.upper


def scaled(problem: Problem, x: int, y: int) -> Problem:
    """X times 10^x, y times 10^y."""
    ten = Fraction(10)
    return Problem(
        X=[[v * ten**x for v in row] for row in problem.X], y=[v * ten**y for v in problem.y]
    )


@part(2)
@given(
    problems(n=(1, 4), d=(1, 2), max_denominator=4),
    st.sampled_from((*BALLS, "sgd")),
    st.integers(1, 2),
    st.integers(-120, 120),
    st.integers(-120, 120),
    st.sampled_from([None, Fraction(1, 2)]),
)
def test_factors_of_the_data_change_nothing(
    problem: Problem, name: str, width: int, x: int, y: int, threshold: Fraction | None
) -> None:
    ten = Fraction(10)
    losses: list[Loss] = [SQUARED, SQUARED]
    if threshold is not None:
        losses = [Huber(threshold), Huber(threshold * ten**y)]

    def within(factor: int) -> Ball | Penalty:
        size = HALF * ten**factor
        return Penalty(size) if name == "sgd" else Ball(name, size)

    data = scaled(problem, x, y)
    before = solve(replace(problem, loss=losses[0]), within(0), width=width)
    other = within(x + y if name == "sgd" else y - x)
    after = solve(replace(data, loss=losses[1]), other, width=width)
    unit = ten ** (2 * y)
    assert float(after.upper / unit) == pytest.approx(float(before.upper), rel=1e-12)
    assert float(after.lower / unit) == pytest.approx(float(before.lower), rel=1e-12)
    # What is proved of the user's data is proved, as ever.
    if threshold is None:
        check(certify(after), data)
    if name != "sgd":
        require_inside(after, threshold is None)


@pytest.mark.parametrize(
    ("name", "rho", "least"),
    [
        *((name, "1e-60", 18.5) for name in BALLS),
        # Where one layer is shared, each of many cells takes a program.
        *((name, rho, 0) for name in (*BALLS[:5], "colnorm-ngd") for rho in ("1e8", "1e200")),
    ],
)
def test_balls_much_too_small_or_too_large(name: str, rho: str, least: float) -> None:
    found = solve(example("flagship"), Ball(name, Fraction(rho)), width=2)
    assert found.decided
    assert float(found.upper) == pytest.approx(least, abs=1e-8)
    require_inside(found)


@pytest.mark.parametrize("x", [-120, 90])
@pytest.mark.parametrize("name", ["muon", "muon-adamw", "ngd"])
def test_the_logistic_loss_minds_the_scale_of_the_targets_only(name: str, x: int) -> None:
    problem = Problem(X=[[2, 1], [2, -3], [3, 1]], y=[1, 1, -1])
    before = solve(replace(problem, loss=Logistic()), Ball(name, HALF), width=2)
    rho = HALF / Fraction(10) ** x
    after = solve(replace(scaled(problem, x, 0), loss=Logistic()), Ball(name, rho), width=2)
    # Digits beyond a float's are those of other rationals near it.
    assert float(after.lower) == pytest.approx(float(before.lower), rel=1e-12)
    assert float(after.upper) == pytest.approx(float(before.upper), rel=1e-12)
    assert after.relative_gap <= 1e-6


@pytest.mark.parametrize(
    ("problem", "name", "rho", "loss", "least"),
    [
        # The program alone says 1.549 and 0.958.
        ([[-2, -1], [-3, 0], [-2, 1], 0, 1, -3], "muon-adamw", 1, Huber(), 3 - 2**0.5),
        ([[2, 1], [2, -3], [3, 1], 1, 1, -1], "ngd", 4, Logistic(), 1.0505),
    ],
)
def test_cells_decide_for_every_convex_loss(
    problem: list[Any], name: str, rho: int, loss: Huber | Logistic, least: float
) -> None:
    data = Problem(X=problem[:3], y=problem[3:])
    found = solve(replace(data, loss=loss), Ball(name, Fraction(rho)), width=2)
    assert found.cells is not None
    assert found.decided
    assert found.relative_gap <= 1e-6
    assert float(found.upper) == pytest.approx(least, rel=1e-4)
    assert loss.value(found.network.fit(data), data.y) <= found.upper
    assert found.relaxed.upper < found.lower
    # One program for each pair of blocks, without duals and without a search among cells.
    X, y = np.array(data.X, dtype=float), np.array(data.y, dtype=float)
    patterns = Patterns(X, RELU, arrangement(data.X).signs > 0)
    family = family_of(gauge_of(geometry(name).ball))
    values = []
    for pair in combinations_with_replacement(range(patterns.count), 2):
        blocks, counts = np.unique(pair, return_counts=True)
        program = BlockProgram(patterns, blocks, y, family, loss, counts=counts.astype(float))
        u = program.solve(float(rho)).u
        masks = patterns.active[blocks // 2] * patterns.signs(blocks)[:, None]
        values.append(loss.at((masks * (u @ X.T)).sum(axis=0), y))
    assert min(values) == pytest.approx(float(found.upper), rel=1e-6)


@part(4)
@given(
    problems(n=(1, 4), d=(1, 2)),
    st.sampled_from(BALLS),
    st.fractions(Fraction(1, 4), 3, max_denominator=4),
    st.integers(0, 10**6),
)
def test_cells_of_other_losses_are_bounds_and_those_of_a_wide_huber_the_squared_ones(
    problem: Problem, name: str, rho: Fraction, seed: int
) -> None:
    # Up to this threshold the residuals of networks near the optimum are squared.
    threshold = 10 * (1 + sum((abs(v) for v in problem.y), Fraction()))
    inside = Ball(name, rho)
    squared = least(CellComplex.of(problem, 2, within=inside))
    huber = least(CellComplex.of(replace(problem, loss=Huber(threshold)), 2, within=inside))
    size = float(squared.value) + 1e-4
    assert float(huber.value) == pytest.approx(float(squared.value), abs=1e-6 * size)
    assert float(huber.lower) == pytest.approx(float(squared.lower), abs=1e-6 * size)
    labels = Problem(X=problem.X, y=[1 if v > 0 else -1 for v in problem.y])
    cells = least(CellComplex.of(replace(labels, loss=Logistic()), 2, within=inside))
    assert cells.lower <= cells.value
    assert float(cells.value - cells.lower) <= 1e-6 * problem.n
    random = np.random.default_rng(seed)
    ball = geometry(name).ball
    W = ball.hidden.project(10 * random.standard_normal((problem.d, 2)), 1.0)
    a = ball.output.project(10 * random.choice([-1.0, 1.0], 2), 1.0) * float(rho) * (1 - 1e-9)
    fit = np.maximum(np.array(problem.X, dtype=float) @ W, 0) @ a
    assert Logistic().at(fit, np.array(labels.y, dtype=float)) >= float(cells.lower)


def test_a_threshold_that_floats_round_up_leaves_a_bound() -> None:
    # The float 0.1 is above 1/10, where the dual of the loss would be minus infinity.
    problem = Problem(X=[[-2, -1], [-3, 0], [-2, 1]], y=[0, 1, -3])
    found = solve(replace(problem, loss=Huber(Fraction(1, 10))), Ball("ngd", HALF))
    assert found.relative_gap <= 1e-6


@pytest.mark.parametrize("name", BALLS)
def test_rows_and_columns_of_wildly_different_sizes(name: str) -> None:
    problem = Problem(X=[[10**4, 1], [-3, 2], [5, Fraction(7, 10**4)]], y=[1, 2, 1])
    assert solve(problem, Ball(name, HALF), width=2).decided


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (Problem(X=[["1e30"], ["1e-30"]], y=[1, 2]), "X: its numbers go from 1e-30 to 1e\\+30"),
        (Problem(X=[["1e200"], [1]], y=[1, 2]), "X: its numbers go from 1 to 1e\\+200"),
        (Problem(X=[[1], [2]], y=["1e-20", 1]), "y: its numbers go from 1e-20 to 1"),
    ],
)
@pytest.mark.parametrize("name", ["muon", "ngd"])
def test_numbers_too_far_apart_are_refused(problem: Problem, message: str, name: str) -> None:
    with pytest.raises(InputError, match=message):
        solve(problem, Ball(name, HALF))


@pytest.mark.parametrize("name", ["sgd", "ngd", "adamw", "muon-adamw", "colnorm"])
def test_columns_of_different_sizes(name: str) -> None:
    problem = Problem(X=[[10**6, 1], [-3, 2], [5, 7]], y=[1, 2, 1])
    within = Penalty("1/10") if name == "sgd" else Ball(name, "1/1000")
    found = solve(problem, within, width=3)
    assert found.lower <= found.upper
    assert found.relative_gap <= 1e-4


def test_networks_have_numbers_of_some_digits_only() -> None:
    found = solve(example("flagship"), Ball("muon", Fraction(3)), width=9)
    for row in (*found.network.W, found.network.a):
        assert all(len(str(v)) < 2000 for v in row)


def test_a_panicking_solver_is_a_failing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import cvxpy

    class PanicException(BaseException):
        """What Rust raises through Python."""

    def panic(self: Any, *arguments: Any, **options: Any) -> None:
        raise PanicException

    monkeypatch.setattr(cvxpy.Problem, "solve", panic)
    with pytest.raises(SolverFailure, match="CLARABEL: panicked; SCS: panicked"):
        solve(example("flagship"), Ball("adamw-ngd", HALF), width=2)


def test_an_interrupt_tells_the_best_network_so_far() -> None:
    problem, _ = planted(24, 3, 4, 0, entries=9)

    def stop(stage: str, count: int) -> None:
        if stage.startswith("convex program"):
            raise Interrupted

    with pytest.raises(Interrupted, match="interrupted; the least loss is at most about [0-9]"):
        solve(problem, Ball("adamw", HALF), width=2, max_patterns=20, progress=stop)
    with pytest.raises(Interrupted, match="interrupted$"):
        solve(problem, Ball("adamw", HALF), width=2, progress=stop)
