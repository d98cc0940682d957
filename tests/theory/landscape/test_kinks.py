"""Rest points on kinks: equations of rest by hand, in the limit of long memories too, a simulation,
and what may be permuted or scaled."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from quadratic_forms import diagonal, projection

from theory.errors import InputError
from theory.landscape.completed import completed
from theory.landscape.gap import least_gap
from theory.landscape.kinks import MOST, RULES, Adam, LionK, RestPoint, rest_points
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.within import Ball


def at_rest(found: list[RestPoint]) -> RestPoint:
    assert found
    return found[0]


def sides(problem: Problem, found: RestPoint) -> tuple[np.ndarray, np.ndarray]:
    """The gradients of w on the two sides of the kink of a single neuron, written out."""
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    ((wall, _),) = found.kinks
    z = X @ found.W[:, 0]
    z[wall] = 0
    error = np.maximum(z, 0) * found.a[0] - y
    minus = X[z > 0].T @ error[z > 0] * found.a[0]
    return minus + X[wall] * error[wall] * found.a[0], minus


def test_a_limit_of_adamw_that_is_no_kkt_point() -> None:
    """The neuron of separation-08 that most runs of AdamW end with, the other one dead."""
    problem, ball = example("separation-08"), Ball("adamw", 3)
    start = np.array([[-1.46, 0.0], [-0.97, 0.0]]), np.array([-1.73, 0.0])
    found = at_rest(rest_points(problem, ball, *start, [(1, 0)], [1]))
    assert (np.abs(found.W[:, 0]) < 0.9 * 3**0.5).all()
    assert least_gap(problem, ball, found.W, found.a, found.kinks) > 1
    assert (found.W[:, 1] == 0).all()
    assert found.residual < 1e-3


def test_long_memories_of_adamw_see_the_mean_and_the_root_mean_square() -> None:
    """w = -R E g / sqrt(E g^2) entry by entry."""
    problem, ball = example("separation-08"), Ball("adamw", 3)
    start = np.array([[-1.4], [-0.93]]), np.array([-1.73])
    errors = []
    for rule in (Adam(0.6, 0.7), Adam(0.9, 0.95), Adam(0.97, 0.99)):
        found = at_rest(rest_points(problem, ball, *start, [(1, 0)], rules=(rule, Adam(0.9, 0.95))))
        (p,), (plus, minus) = found.shares, sides(problem, found)
        mean = p * plus + (1 - p) * minus
        square = p * plus**2 + (1 - p) * minus**2
        errors.append(np.abs(found.W[:, 0] + 3**0.5 * mean / np.sqrt(square)).max())
    assert errors[0] > 1e-2
    assert 5e-4 < errors[1] < 5e-3  # that of training
    assert errors[2] < 5e-4


def test_long_memories_of_muon_come_to_a_kkt_point() -> None:
    """The polar factor of E g is that of a mixture of both gradients."""
    problem, ball = example("separation-08"), Ball("muon", 3)
    start = np.array([[-1.4], [-0.93]]), np.array([-1.73])
    gaps = []
    for beta in (0.8, 0.9, 0.95, 0.99):
        rules = [LionK(rule.f, beta, beta) for rule in RULES["muon"] if isinstance(rule, LionK)]
        found = at_rest(rest_points(problem, ball, *start, [(1, 0)], rules=(rules[0], rules[1])))
        gaps.append(least_gap(problem, ball, found.W, found.a, found.kinks))
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] > 0.1
    assert gaps[-1] < 5e-3


@pytest.mark.parametrize("optimizer", ["ngd", "colnorm"])
def test_without_memory_directions_are_those_of_the_sides(optimizer: str) -> None:
    """w = -R (p g+ / |g+| + (1 - p) g- / |g-|): at width 1 a column is the matrix."""
    problem = example("separation-08")
    start = np.array([[-1.3], [-0.87]]), np.array([-1.73])
    found = at_rest(rest_points(problem, Ball(optimizer, 3), *start, [(1, 0)]))
    np.testing.assert_allclose(found.W[:, 0], [-1.3068081, -0.8712054], atol=1e-4)
    np.testing.assert_allclose(found.shares, [0.582958], atol=1e-3)
    (p,), (plus, minus) = found.shares, sides(problem, found)
    mean = p * plus / np.linalg.norm(plus) + (1 - p) * minus / np.linalg.norm(minus)
    np.testing.assert_allclose(found.W[:, 0], -(3**0.5) * mean, atol=1e-3)


@pytest.mark.parametrize("optimizer", sorted(RULES))
def test_where_nothing_jumps_it_is_a_kkt_point(optimizer: str) -> None:
    """y = (4) at x = (1): w = a = R up to the norm's ball, loss 1/2 (R^2 - 4)^2."""
    problem, ball = Problem([[1]], [4]), Ball(optimizer, 2)
    found = at_rest(rest_points(problem, ball, np.array([[1.0]]), np.array([1.0]), []))
    assert found.loss == pytest.approx(2.0, abs=1e-4)
    assert least_gap(problem, ball, found.W, found.a, []) == pytest.approx(0, abs=1e-3)


def simulated(steps: int, rate: float) -> np.ndarray:
    """AdamW by hand with one neuron and a constant rate; the mean of the last half."""
    problem, radius = example("separation-08"), 3**0.5
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    theta = np.array([-1.4, -0.9, -1.7])
    first, second = np.zeros(3), np.zeros(3)
    kept = []
    for step in range(1, steps + 1):
        z = X @ theta[:2]
        error = np.maximum(z, 0) * theta[2] - y
        gradient = np.append(X.T @ (error * theta[2] * (z > 0)), np.maximum(z, 0) @ error)
        first = 0.9 * first + 0.1 * gradient
        second = 0.95 * second + 0.05 * gradient**2
        direction = first / (1 - 0.9**step) / np.sqrt(second / (1 - 0.95**step))
        theta = theta * (1 - rate / radius) - rate * direction
        if step > steps // 2:
            kept.append(theta)
    return np.mean(kept, axis=0)


def test_a_simulation_comes_to_rest_there() -> None:
    start = np.array([[-1.4], [-0.9]]), np.array([-1.7])
    found = at_rest(rest_points(example("separation-08"), Ball("adamw", 3), *start, [(1, 0)]))
    expected = np.append(found.W[:, 0], found.a)
    np.testing.assert_allclose(simulated(10_000, 2e-3), expected, atol=1e-3)


@pytest.mark.parametrize("optimizer", ["muon", "ngd-adamw"])
def test_neurons_may_be_permuted_and_data_scaled(optimizer: str) -> None:
    """Directions do not change with the size of gradients: 7 X and 7 y have the same rest."""
    problem, ball = example("separation-08"), Ball(optimizer, 3)
    W, a = np.array([[-1.4, -0.7], [-0.93, -0.465]]), np.array([-1.2, -1.2])
    kinks = [(1, 0), (1, 1)]
    found = at_rest(rest_points(problem, ball, W, a, kinks))
    other = at_rest(rest_points(problem, ball, W[:, ::-1], a[::-1], kinks[::-1]))
    np.testing.assert_allclose(other.W[:, ::-1], found.W, atol=1e-8)
    np.testing.assert_allclose(other.a[::-1], found.a, atol=1e-8)
    scaled = Problem(
        [[7 * v for v in row] for row in problem.X], [7 * v for v in problem.y], problem.width
    )
    larger = at_rest(rest_points(scaled, ball, W, a, kinks))
    np.testing.assert_allclose(larger.W, found.W, atol=1e-2)
    assert larger.loss == pytest.approx(49 * found.loss, rel=1e-3)


def test_several_starts_are_as_each_alone() -> None:
    """Of Muon, from the wrong side, no copy comes to rest on this wall."""
    problem, ball = example("separation-08"), Ball("muon", 3)
    W, a = np.array([[-1.4], [-0.93]]), np.array([-1.73])
    starts = np.array([W, -W, 0.2 * W]), np.array([a, a, a])
    alone = [rest_points(problem, ball, *start, [(1, 0)]) for start in zip(*starts, strict=True)]
    assert [len(found) for found in alone] == [1, 0, 1]
    (found,) = rest_points(problem, ball, *starts, [(1, 0)])
    assert found.frequency == pytest.approx(2 / 3)
    np.testing.assert_allclose(found.W, (alone[0][0].W + alone[2][0].W) / 2, atol=1e-12)


@pytest.mark.parametrize("shape", [(2, 2), (3, 2)])
def test_muon_moves_along_the_polar_factor(
    shape: tuple[int, int], generator: np.random.Generator
) -> None:
    """It has singular values 1, and is the nearest such matrix: its product with g is symmetric and
    positive semidefinite. Of rank one it is g over its length."""
    g = generator.normal(size=(20, *shape))
    g[0, :, 1] = 2 * g[0, :, 0]
    g[1] = 0
    hidden = RULES["muon"][0]
    found, _ = hidden.step((g,), g)
    np.testing.assert_allclose(found[0], g[0] / np.linalg.norm(g[0]), atol=1e-12)
    assert (found[1] == 0).all()
    np.testing.assert_allclose(np.linalg.svd(found[2:], compute_uv=False), 1, atol=1e-12)
    product = np.swapaxes(found, 1, 2) @ g
    np.testing.assert_allclose(product, np.swapaxes(product, 1, 2), atol=1e-12)
    assert np.linalg.eigvalsh(product).min() > -1e-12


# Other losses.

START = np.array([[-1.4], [-0.93]]), np.array([-1.73])
BESIDE_BIAS = np.array([[1.38, -1.53], [1.38, -1.02]]), np.array([1.38, -1.732])
BESIDE_SKIP = np.array([[-0.75, 0.552], [-0.5, 0.0]]), np.array([-1.477, 0.904])
"""Where trained runs of two neurons end, with an output bias and with a linear part."""


def with_loss(**options: Any) -> Problem:
    problem = example("separation-08")
    return Problem(problem.X, problem.y, **options)


def same(found: RestPoint, other: RestPoint, *, atol: float) -> None:
    np.testing.assert_allclose(found.W, other.W, atol=atol)
    np.testing.assert_allclose(found.shares, other.shares, atol=atol)
    assert found.loss == pytest.approx(other.loss, rel=max(atol, 1e-12))


def test_weights_are_rows_times_their_roots() -> None:
    """Neurons of sqrt(w) x are sqrt(w) times those of x, so that the loss is one function."""
    ball, roots = Ball("adamw", 3), (2, 1, 3, 2)
    weighted = with_loss(weights=[r**2 for r in roots])
    scaled = Problem(
        [[r * v for v in row] for r, row in zip(roots, weighted.X, strict=True)],
        [r * v for r, v in zip(roots, weighted.y, strict=True)],
    )
    found = at_rest(rest_points(weighted, ball, *START, [(1, 0)]))
    other = at_rest(rest_points(scaled, ball, *START, [(1, 0)]))
    same(found, other, atol=1e-2)  # copies begin within some lengths of a row of the wall
    form = with_loss(form=diagonal([r**2 for r in roots]))
    same(found, at_rest(rest_points(form, ball, *START, [(1, 0)])), atol=1e-6)


def test_a_projection_is_an_output_bias_at_rest() -> None:
    """min over b of ||f + b 1 - y||^2 is the form I - 1 1^T / n."""
    place = Ball("adamw", 3), *BESIDE_BIAS, [(1, 1)]
    free = at_rest(rest_points(with_loss(output_bias=True), *place))
    same(free, at_rest(rest_points(with_loss(form=projection(4)), *place)), atol=1e-3)
    assert 0.1 < free.shares[0] < 0.9


def test_a_threshold_beyond_all_residuals_changes_nothing() -> None:
    ball = Ball("adamw", 3)
    found = at_rest(rest_points(with_loss(loss="huber:1000"), ball, *START, [(1, 0)]))
    same(found, at_rest(rest_points(with_loss(), ball, *START, [(1, 0)])), atol=1e-12)


@pytest.mark.parametrize(
    ("loss", "slope"),
    [
        ("huber:3", lambda f, y: np.clip(f - y, -3, 3)),
        ("absolute", lambda f, y: np.sign(f - y)),
        ("logistic", lambda f, y: -y / (1 + np.exp(y * f))),
        ("squared_hinge", lambda f, y: -2 * y * np.maximum(1 - y * f, 0)),
        ("hinge", lambda f, y: -y * (y * f < 1.0)),
    ],
)
def test_directions_of_the_sides_of_any_loss(
    loss: str, slope: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> None:
    """w = -R (p g+ / |g+| + (1 - p) g- / |g-|), with the gradients of the loss written out; of
    labels 1 and -1 where they are needed, times a factor that keeps residuals off its kinks."""
    problem = example("separation-08")
    y = problem.y
    if loss in ("logistic", "squared_hinge", "hinge"):
        y = tuple(Fraction(1 if v > 0 else -1) for v in y)
    data = Problem(problem.X, y, loss=loss)
    ball = Ball("ngd", Fraction(1, 25) if loss == "hinge" else 3)
    radius = float(ball.rho) ** 0.5
    W = radius * np.array([[-0.75], [-0.5]])
    found = at_rest(rest_points(data, ball, W, np.array([-radius]), [(1, 0)]))
    X, targets = np.array(data.X, dtype=float), np.array(y, dtype=float)
    z = X @ found.W[:, 0]
    z[1] = 0
    slopes = slope(np.maximum(z, 0) * found.a[0], targets)
    minus = X[z > 0].T @ slopes[z > 0] * found.a[0]
    plus = minus + X[1] * slopes[1] * found.a[0]
    (p,) = found.shares
    mean = p * plus / np.linalg.norm(plus) + (1 - p) * minus / np.linalg.norm(minus)
    np.testing.assert_allclose(found.W[:, 0], -radius * mean, atol=2e-3 * radius)
    assert 0 < p < 1


@pytest.mark.parametrize("loss", ["absolute", "quantile:1/4", "epsilon:1/10"])
def test_of_losses_with_kinks_only_what_is_off_them_is_told(loss: str) -> None:
    """At x = 1, rho = 2: for y = 4 the fit is 2 at most; for y = 1 training goes to a kink of the
    loss, at the target or near."""
    start = np.array([[1.2]]), np.array([1.2])
    far, near = (Problem([[1]], [y], loss=loss) for y in (4, 1))
    assert at_rest(rest_points(far, Ball("adamw", 2), *start, [])).loss == pytest.approx(
        float(far.loss_of([Fraction(2)])), abs=1e-3
    )
    assert rest_points(near, Ball("adamw", 2), *start, []) == []
    with pytest.raises(InputError, match=f"loss: the {loss} loss has kinks, and an output bias"):
        rest_points(Problem([[1]], [4], loss=loss, skip=True), Ball("adamw", 2), *start, [])


@pytest.mark.parametrize("loss", ["squared", "huber:3"])
def test_the_free_part_is_at_its_best(loss: str) -> None:
    """The loss at rest is that with the best linear part, exactly."""
    problem = with_loss(loss=loss, skip=True)
    point = at_rest(rest_points(problem, Ball("ngd", 3), *BESIDE_SKIP, [(1, 0), (2, 1)]))
    network = Network.from_floats(point.W, point.a)
    assert point.loss == pytest.approx(float(completed(problem, network).loss(problem)), abs=1e-9)


def test_no_rest_point_is_said_so() -> None:
    """Both sides push the neuron across, so no share holds it on the wall."""
    problem = Problem([[1, 0], [0, 1]], [2, 2])
    start = np.array([[1.0], [0.0]]), np.array([1.0])
    assert rest_points(problem, Ball("ngd", 1), *start, [(1, 0)]) == []
    with pytest.raises(InputError, match=f"kinks: are {MOST + 1}, more than {MOST}"):
        rest_points(
            Problem([[Fraction(1), k] for k in range(MOST + 1)], [1] * (MOST + 1)),
            Ball("ngd", 1),
            np.ones((2, 1)),
            np.ones(1),
            [(k, 0) for k in range(MOST + 1)],
        )


def test_walls_of_parallel_rows_are_one_kink() -> None:
    """A neuron crosses those of x and -x at once: the shares of their + sides add up to one."""
    problem = Problem([[3, 1], [1, 3], [1, 2], [2, -2], [-3, -1]], [4, -5, -3, 8, -1])
    start = np.array([[-0.15, -0.35], [-0.11, 1.05]]), np.array([-(3**0.5), -(3**0.5)])
    one, both, other = (
        at_rest(rest_points(problem, Ball("adamw", 3), *start, kinks))
        for kinks in ([(0, 1)], [(0, 1), (4, 1)], [(4, 1)])
    )
    assert one.kinks == both.kinks == ((0, 1),)
    np.testing.assert_array_equal(one.W, both.W)
    assert other.loss == pytest.approx(one.loss, rel=1e-4)
    assert other.shares[0] == pytest.approx(1 - one.shares[0], abs=2e-3)


def test_a_sign_may_rest_where_a_gradient_vanishes() -> None:
    """signSGD on separation-08: D = (11/12, 11/18), of which the second is 1 - 2 p, p = 7/36, and
    on one side the first gradient is zero."""
    start = np.array([[-1.56], [-1.04]]), np.array([-1.73])
    found = at_rest(rest_points(example("separation-08"), Ball("signsgd", 3), *start, [(1, 0)]))
    assert found.shares[0] == pytest.approx(7 / 36, abs=1e-3)
    np.testing.assert_allclose(found.W[:, 0] / 3**0.5, [-11 / 12, -11 / 18], atol=1e-4)
    assert found.loss == pytest.approx(34 + 1 / 18, abs=1e-3)


def test_momentum_that_does_not_stay_on_a_wall_is_not_counted() -> None:
    """With momentum of one side for long, Lion leaves this wall for good; runs rest on it too."""
    problem = Problem([[2, 3], [-3, -2], [-2, -2], [-1, -3]], [8, -5, 8, 5])
    start = np.array([[1.05], [-1.575]]), np.array([3**0.5])
    found = at_rest(rest_points(problem, Ball("lion", 3), *start, [(1, 0)]))
    assert found.loss == pytest.approx(64.537, abs=2e-3)
    assert found.shares[0] == pytest.approx(0.8035, abs=2e-3)
    assert 0 < found.frequency < 1


def test_rhythms_are_not_mixed() -> None:
    """AdamW on separation-06: trained runs rest at 5.1783 with a share of 0.377."""
    start = np.array([[1.6775, 0.0], [1.6775, 0.0]]), np.array([-(3**0.5), 0.0])
    found = rest_points(example("separation-06"), Ball("adamw", 3), *start, [(1, 0)], [1])
    assert found[0].loss == pytest.approx(5.1784, abs=1e-3)
    assert found[0].shares[0] == pytest.approx(0.3775, abs=2e-3)
    assert sum(each.frequency for each in found) <= 1
