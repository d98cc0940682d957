"""One network's class: against the exact landscape, random perturbations, and planted points."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import part
from scipy.optimize import minimize_scalar

from theory.activation import Activation
from theory.certificates import certify
from theory.certificates.checker import check
from theory.errors import InputError
from theory.landscape import valleys
from theory.landscape.around import State, states_around
from theory.landscape.cell_program import CellProgram
from theory.landscape.cells import CellComplex
from theory.landscape.classify import Classifier, classify
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.strategies import networks, problems
from theory.within import Ball, Penalty, Within

FLAGSHIP = example("flagship")
BALL = Ball("adamw", "11/5")
LINE = Problem([[x, 1] for x in range(-3, 3)], [2, 2, -4, 0, 4, 3])
THIRDS = Problem([[v / 3 for v in row] for row in LINE.X], [v / 7 for v in LINE.y])
LEAKY = replace(THIRDS, activation=Activation.named("leaky_relu:-2/5"))


def cell_of(program: CellProgram, network: Network) -> list[State]:
    return [own[0] for own in states_around(program.data, network, 1000)]


def around(network: Network, size: float, count: int, seed: int) -> list[Network]:
    """Networks near one: random steps of its weights of so much."""
    rng = np.random.default_rng(seed)
    W, a = np.array(network.W, dtype=float), np.array(network.a, dtype=float)
    return [
        Network.from_floats(
            W + size * rng.standard_normal(W.shape), a + size * rng.standard_normal(a.shape)
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    "within",
    [None, *(Ball(name, 2) for name in ("adamw", "muon", "ngd", "colnorm", "adamw-ngd"))],
    ids=str,
)
@pytest.mark.parametrize("data", [LINE, THIRDS, LEAKY], ids=["integers", "fractions", "leaky"])
def test_minima_of_cells_are_those_of_the_landscape(data: Problem, within: Ball | None) -> None:
    """The program over inequalities against least squares over rays, exact where both are."""
    complex_ = CellComplex.of(data, 2, within=within)
    program = CellProgram(data, within)
    rng = np.random.default_rng(3)
    for _ in range(8):
        W, a = rng.standard_normal((2, 2)), rng.standard_normal(2) / 10
        network = Network.from_floats(W / 10, a)
        found = program.minimum(cell_of(program, network))
        known = complex_.minimum(complex_.canonical(complex_.cell_of(network)))
        value, lower = complex_.loss_of(known.value), complex_.loss_of(known.lower)
        assert found.lower <= value
        assert found.upper >= lower
        assert found.upper - found.lower <= 1e-6 * value
        if within is None or within.optimizer == "adamw":
            assert found.exact
            assert found.upper == value


@pytest.mark.parametrize(
    ("valley", "verdict"), [(0, "global minimum"), (1, "local minimum"), (2, "local minimum")]
)
def test_bottoms_of_valleys(valley: int, verdict: str) -> None:
    bottom = valleys(FLAGSHIP, 2, within=BALL).valleys[valley]
    found = classify(FLAGSHIP, bottom.representative, BALL)
    assert (found.verdict, found.valley, found.slack) == (verdict, valley, 0)
    assert found.cell_minimum == (bottom.birth, bottom.birth)
    assert found.distance == 0
    assert abs(found.gap) < 1e-9


def test_a_blank_neuron_lets_it_escape_and_a_dead_one_makes_a_plateau() -> None:
    """At the least loss of width 1, neuron 2 does nothing; elsewhere it lowers the loss."""
    fit = valleys(FLAGSHIP, 1, within=BALL).valleys[0].representative
    blank = Network([[fit.W[0][0], 0], [fit.W[1][0], 0]], [fit.a[0], 0])
    found = classify(FLAGSHIP, blank, BALL)
    assert found.verdict == "escapes through a blank neuron"
    assert found.lower is not None
    assert found.lower.loss(FLAGSHIP) < found.loss
    half = Problem([[2, -1], [1, 3]], [-1, -1])  # of the plane only: a neuron may be dead
    dead = Network([[-2, -1], [1, 0]], [1, 1])
    found = classify(half, dead, BALL)
    assert found.verdict in ("plateau", "not stationary")
    assert found.lower is not None


def test_without_a_ball_all_but_the_least_of_a_cell_escape_or_are_proved() -> None:
    """At the point where the loss is least of all cells around no random step lowers it."""
    classifier = Classifier(LINE, 2)
    for seed in range(6):
        start = around(Network([[1, -1], [0, 1]], [1, 1]), 1.0, 1, seed)[0]
        found = classifier.polished(classifier.of(start))
        assert found.loss <= start.loss(LINE)
        if found.verdict == "saddle":
            continue
        assert found.slack == 0
        near = around(found.network, 1e-3, 200, seed)
        assert min(network.loss(LINE) for network in near) >= found.loss


@given(problem=problems(n=(1, 5), d=(1, 2)), data=st.data())
@part(2)
def test_verdicts_are_those_of_the_landscape(problem: Problem, data: st.DataObject) -> None:
    """Minima are where the merge tree has them; what is lower is in a cell around."""
    network = data.draw(networks(d=problem.d, width=2))
    found = classify(problem, network)
    tree = valleys(problem, 2)
    complex_ = tree.complex
    cells = {
        complex_.loss_of(complex_.minimum(tuple(sorted(cell))).value)
        for cell in product(*(_states(complex_, u) for u in network.convex_coordinates()))
    }
    if all(any(u) for _, u in network.convex_coordinates()):
        assert found.cell_minimum[1] <= max(cells)
    if found.slack == 0 and found.stationary == network:
        assert found.loss == min(cells)
    if found.lower is not None:
        assert found.lower.loss(problem) < found.loss
    if found.verdict == "global minimum":
        assert found.loss - tree.minimum <= problem.squared_length * Fraction(2, 10**5)


def _states(complex_: CellComplex, neuron: tuple[int, tuple[Fraction, ...]]) -> list[int]:
    sign, u = neuron
    cones = complex_.arrangement.cones_containing(u)
    return [2 * int(c) + (s < 0) for c in cones for s in ([sign] if sign else [1, -1])]


@pytest.mark.parametrize("name", ["muon", "muon-adamw", "ngd", "colnorm", "adamw-ngd"])
def test_in_round_balls_the_slack_is_small_and_accepted(name: str) -> None:
    ball = Ball(name, 3)
    bottom = valleys(FLAGSHIP, 2, within=ball).valleys[-1]
    found = classify(FLAGSHIP, bottom.representative, ball)
    assert found.slack is not None
    assert found.slack < Fraction(1, 10**4)
    assert check(certify(found), FLAGSHIP).kind == "stationary"


def test_with_the_penalty_the_least_of_the_program_is_a_minimum() -> None:
    from theory.programs import solve

    optimum = solve(FLAGSHIP, Penalty("1/10"))
    found = classify(FLAGSHIP, optimum.network, Penalty("1/10"), bound=optimum.lower)
    assert found.verdict == "global minimum"
    assert found.slack is not None
    assert check(certify(found), FLAGSHIP).kind == "stationary"


def test_on_a_kink_the_optimizer_rests() -> None:
    """LIMITS's instance: AdamW at rest on the kink of row 1, with a positive gap."""
    network = Network.from_floats([[-1.4654, 0.0], [-0.97695, 0.0]], [-1.7319, 0.0])
    found = classify(example("separation-08"), network, Ball("adamw", 3))
    assert found.verdict == "kink"
    assert found.rest is not None
    assert found.rest.kinks == ((1, 0),)
    assert found.rest.shares == pytest.approx([0.3121], abs=1e-3)
    assert found.gap > 10


@pytest.mark.parametrize("within", [None, Ball("adamw", 10), Ball("muon", 10)], ids=str)
@pytest.mark.parametrize("scales", [(1,), (-1,), (3, 1), (1, -2)], ids=str)
def test_the_gap_on_a_kink_is_the_least_of_mixtures(
    within: Ball | None, scales: tuple[int, ...]
) -> None:
    """x . w = 0 exactly, though not in floats, on parallel rows, which jump together."""
    w = (Fraction(1, 3), Fraction(-1, 7))
    kinks = [[-scale * w[1], scale * w[0]] for scale in scales]
    data = Problem([*kinks, [2, 1], [1, -2]], [*(2 * scale for scale in scales), 1, -1])
    X, y = np.array(data.X, dtype=float), np.array(data.y, dtype=float)
    W, a = np.array(w, dtype=float)[:, None], np.ones(1)
    above = np.array([*(scale > 0 for scale in scales), True, True])
    hidden = np.maximum(X @ W, 0)
    hidden[: len(scales)] = 0
    error = hidden @ a - y

    def gap(share: float) -> float:
        active = np.where(above, share, 1 - share)
        active[len(scales) :] = 1
        G, g = X.T @ (active * error)[:, None], hidden.T @ error
        if within is None:
            return float(np.hypot(np.linalg.norm(G), np.linalg.norm(g)))
        ball, R = within.geometry, float(within.rho) ** 0.5
        scale = (float(ball.output.value(a)) / float(ball.hidden.value(W))) ** 0.5
        products = (G * W).sum() + (g * a).sum()
        norms = ball.hidden.dual_value(G / scale) + ball.output.dual_value(g * scale)
        return float(products + R * norms)

    least = minimize_scalar(gap, bounds=(0, 1), method="bounded", options={"xatol": 1e-9}).fun
    found = classify(data, Network([[v] for v in w], [1]), within)
    assert found.gap == pytest.approx(least, rel=1e-6)


@pytest.mark.parametrize("within", [None, Ball("adamw", 1), Ball("muon", 2)], ids=str)
def test_of_many_cells_around_the_least_is_bounded_from_both_sides(within: Ball | None) -> None:
    """Seven neurons on a kink each, so 128 cells; every target is there twice, two apart."""
    rows = [[x, 1] for x in range(-3, 5)]
    data = Problem([*rows, *rows], [*(x + 1 for x in range(8)), *(x - 1 for x in range(8))])
    share = Fraction(1, 100)
    network = Network([[share] * 7, [-share * x for x, _ in rows[:7]]], [share] * 7)
    classifier = Classifier(data, 7, within)
    found = classifier.of(network)
    lower, upper = found.cell_minimum
    states = states_around(classifier.program.data, network, 1000)
    cells = list(product(*states))
    assert len(cells) == 128
    minima = [classifier.program.minimum(cell) for cell in cells[:: 1 if within is None else 16]]
    assert 8 <= lower <= min(minimum.upper for minimum in minima)
    assert upper - lower <= upper / 4
    assert found.distance == found.loss - lower


@pytest.mark.parametrize("name", ["muon", "muon-adamw"])
@pytest.mark.parametrize("seed", [3, 7, 12])
def test_with_one_metric_for_all_states_the_way_down_ends(name: str, seed: int) -> None:
    """At a local minimum by proof; seed 7 starts with dead neurons only, 3 and 12 lead to points at
    which the metric of the cell proves too little."""
    rng = np.random.default_rng(seed)
    data = Problem(rng.integers(-9, 10, (16, 3)).tolist(), rng.integers(-9, 10, 16).tolist())
    W, a = rng.standard_normal((3, 2)), rng.standard_normal(2)
    ball = Ball(name, 1)
    classifier = Classifier(data, 2, ball, max_cells=2000)
    start = classifier.of(Network.from_floats(0.1 * W, 0.1 * a))
    found = classifier.polished(start)
    assert found.slack is not None
    assert found.slack <= Fraction(1, 10**6) * data.squared_length
    assert check(certify(found), data).kind == "stationary"
    near = around(found.network, 1e-4, 50, seed)
    inside = [network for network in near if ball.gauge.holds(network, ball.rho)]
    assert all(network.loss(data) >= found.loss - found.slack for network in inside)


def test_a_saddle_has_lower_points_beside_it() -> None:
    """One datum each way: at w = 0 on x the slopes of both sides point away."""
    data = Problem([[1], [-1]], [1, 1])
    found = classify(data, Network([[0, 0]], [1, -1]))
    assert found.verdict in ("saddle", "escapes through a blank neuron")
    assert found.lower is not None
    assert found.lower.loss(data) < found.loss


@pytest.mark.parametrize(
    ("network", "within", "match"),
    [
        (Network([[1]], [1]), None, "W: has 1 rows, but the data have 2 features"),
        (Network([[3], [0]], [1]), BALL, r"W: is outside the adamw ball rho = 11/5.*0\.8 more"),
        (Network([[0, 9], [0, 0]], [1, 0]), BALL, "W: is outside .*it needs rho = 9, which"),
    ],
    ids=["another d", "outside", "outside by what does nothing"],
)
def test_bad_input(network: Network, within: Within | None, match: str) -> None:
    with pytest.raises(InputError, match=match):
        classify(FLAGSHIP, network, within)


@pytest.mark.parametrize(
    "data",
    [
        Problem([[0, 0], [1, 2]], [1, 1]),
        Problem([[1, 2], [1, 2], [-2, -4]], [1, 0, 3]),
        Problem([[1], [2]], [0, 0]),
        Problem([[3]], [2]),
    ],
    ids=["zero row", "parallel rows", "y = 0", "n = d = 1"],
)
def test_degenerate_data(data: Problem) -> None:
    """Whatever is said is proved, or shown by a lower network."""
    for network in around(Network([[1, -1]] * data.d, [1, 1]), 0.5, 4, 0):
        found = classify(data, network)
        if found.slack is not None:
            assert check(certify(found), data).kind == "stationary"
        elif found.stationary is None:
            assert found.lower is not None
            assert found.lower.loss(data) < found.loss


def test_invariances() -> None:
    """Permuted neurons and data, rescaled neurons: the same numbers."""
    network = Network([[1, Fraction(-1, 2)], [Fraction(1, 3), 1]], [1, -1])
    found = classify(FLAGSHIP, network)
    scaled = Network([[2, Fraction(-1, 2)], [Fraction(2, 3), 1]], [Fraction(1, 2), -1])
    rows = [2, 0, 3, 1]
    shuffled = Problem([FLAGSHIP.X[k] for k in rows], [FLAGSHIP.y[k] for k in rows])
    for data, other in (
        (FLAGSHIP, network.permuted([1, 0])),
        (FLAGSHIP, scaled),
        (shuffled, network),
    ):
        again = classify(data, other)
        assert (again.verdict, again.cell_minimum, again.distance) == (
            found.verdict,
            found.cell_minimum,
            found.distance,
        )
