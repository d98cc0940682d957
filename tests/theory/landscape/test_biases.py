"""Hidden biases in balls: decayed, as AdamW leaves them, or free; see proofs_notes/biases.md."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations_with_replacement, pairwise

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import part

from theory.errors import InputError
from theory.gauges import gauge_of
from theory.geometry import Apart, SchattenNorm, geometry
from theory.geometry.two_summing import least_squares_of_outputs
from theory.landscape import analyse, barrier_between
from theory.landscape.biased import BiasDual, BoundedBiasBall
from theory.landscape.cells import CellComplex
from theory.landscape.least import least
from theory.landscape.valleys import valleys
from theory.loading import example
from theory.losses import Separable
from theory.network import Network
from theory.problem import Problem
from theory.within import Ball, Penalty, settled

LINE = Problem([[0], [1], [2]], [1, -1, 2])
PLANE = Problem([[1, 0], [0, 1], [1, 1], [-1, 2]], [1, -1, 1, 2])
TREATMENTS = ("decayed", "adamw", "free")
ENTRIES = ("adamw", "lion", "signsgd", "adamw-ngd")
MUONS = ("muon", "muon-adamw")
SHARED = (*MUONS, "ngd", "ngd-adamw")  # whose norm of W neurons divide
ROUND = (*MUONS, "ngd", "colnorm", "colnorm-ngd", "ngd-adamw")
NARROW = 1e-8  # of losses of order one: ten times what is seen

few = part(4)
very_few = part(10)
entries = st.fractions(-2, 2, max_denominator=3)
pairs = [(ball, bias) for ball in ROUND for bias in TREATMENTS if bias != "adamw" or ball in SHARED]


def interval(
    problem: Problem, ball: str, rho: int | str | Fraction, width: int
) -> tuple[float, float]:
    """The least loss in a ball, from below and above."""
    found = least(CellComplex.of(problem, width, within=Ball(ball, rho)))
    return float(found.lower), float(found.value)


def apart(ball: str, bias: str) -> Ball:
    """The ball of radius 1, with biases so treated."""
    found = settled(LINE.with_bias(bias), Ball(ball, 1))[1]
    assert isinstance(found, Ball)
    return found


def size(ball: str, bias: str, W: np.ndarray, a: np.ndarray) -> np.ndarray:
    """||W|| ||a|| of S networks, W (S, d, m), from the definitions."""
    name, V = geometry(ball).ball.hidden, W[:, :-1]
    if bias == "decayed":
        hidden = name.value(W)
    else:
        hidden = name.value(V)
        if bias == "adamw":
            hidden = np.maximum(hidden, np.abs(W[:, -1]).max(axis=-1))
    found: np.ndarray = hidden * geometry(ball).ball.output.value(a)
    return found


# Which ball it is.


def test_the_rule_of_each_optimizer() -> None:
    problem = LINE.with_bias()
    assert problem.bias == "default"
    for name in (*ENTRIES, "ngd", "colnorm"):
        assert settled(problem, Ball(name, 1)) == (LINE.with_bias("decayed"), Ball(name, 1))
    for name in MUONS:
        decided, ball = settled(problem, Ball(name, 1))
        assert decided.bias == "adamw"
        assert ball == apart(name, "adamw") != Ball(name, 1)
        assert str(ball).endswith(" (biases as adamw's)")
        assert settled(decided, ball) == settled(problem, ball) == (decided, ball)
    assert settled(problem, None) == (problem, None)
    assert settled(problem, Penalty(1))[0].bias == "decayed"


def test_in_entrywise_balls_the_bound_of_adamw_is_there_anyhow() -> None:
    for name in ENTRIES:
        assert apart(name, "adamw") == Ball(name, 1)


def test_treatments_that_are_not_known_are_refused() -> None:
    with pytest.raises(InputError, match=r"^bias: as adamw's in the ball of colnorm is not known"):
        analyse(LINE.with_bias("adamw"), 1, within=Ball("colnorm", 1))
    with pytest.raises(InputError, match=r"^bias: is free, but sgd decays all"):
        valleys(LINE.with_bias("free"), 1, within=Penalty(1))


# Known answers.


@pytest.mark.parametrize("rho", [Fraction(1), Fraction(1, 3), Fraction(5, 2)])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_only_biases(width: int, rho: Fraction) -> None:
    """On X = [[0]] the largest fit is that of the biases alone: see the note."""
    m, target = width, 9
    largest = {
        ("adamw", "decayed"): m,
        ("adamw", "adamw"): m,
        ("muon-adamw", "decayed"): math.sqrt(m),
        ("muon-adamw", "adamw"): m,
        ("muon", "decayed"): 1,
        ("muon", "adamw"): math.sqrt(m),
        ("ngd", "decayed"): 1,
        ("ngd", "adamw"): math.sqrt(m),
        ("ngd-adamw", "decayed"): math.sqrt(m),
        ("ngd-adamw", "adamw"): m,
    }
    for (ball, bias), times in largest.items():
        problem = Problem([[0]], [target]).with_bias(bias)
        low, high = interval(problem, ball, rho, width)
        expected = (target - times * float(rho)) ** 2 / 2
        assert low - NARROW <= expected <= high + NARROW
        assert high - low < 1e-6
    for ball in (*ENTRIES, *ROUND):
        assert interval(Problem([[0]], [target]).with_bias("free"), ball, rho, width) == (0, 0)


@pytest.mark.parametrize(("y", "rho"), [((3, 3), 1), ((3, 5), 1), ((5, 2), 2), ((0, 4), 1)])
def test_one_neuron_on_two_points(y: tuple[int, int], rho: int) -> None:
    """x = 0, 1 and targets >= 0: the fit is (p, p + s) with |s| <= rho, and with AdamW's biases
    0 <= p <= rho; of free ones the steepest, halfway."""
    X, width = [[0], [1]], 1
    free = max(0, abs(y[1] - y[0]) - rho) ** 2 / 4
    grid = np.linspace(-rho, rho, 2001)
    p, s = np.meshgrid(grid[grid >= 0], grid)
    losses = ((p - y[0]) ** 2 + (np.maximum(p + s, 0) - y[1]) ** 2) / 2
    bounded, round_ = losses.min(), losses[p**2 + s**2 <= rho**2 + 1e-9].min()
    for ball in ("adamw", *MUONS):
        if y != (0, 4):  # (p, p + s) with p < 0 is better there
            low, high = interval(Problem(X, y).with_bias("free"), ball, str(rho), width)
            assert low - NARROW <= free <= high + NARROW
        low, high = interval(Problem(X, y).with_bias("adamw"), ball, str(rho), width)
        assert high <= bounded + NARROW
        assert bounded <= high + 5e-3 or y == (0, 4)
    low, high = interval(Problem(X, y).with_bias("decayed"), "muon", str(rho), width)
    assert high <= round_ + NARROW
    assert round_ <= high + 1e-2 or y == (0, 4)


def test_decayed_biases_are_features() -> None:
    """As they were before any treatment was stated: the constant feature, and nothing else."""
    plain = Problem([(*row, 1) for row in LINE.X], LINE.y)
    for ball in ("adamw", "muon", "colnorm"):
        found = [
            analyse(problem, 2, within=Ball(ball, 5))
            for problem in (plain, LINE.with_bias("decayed"))
        ]
        assert found[0].minimum == found[1].minimum
        assert found[0].barriers == found[1].barriers
        assert found[0].components == found[1].components


def test_components_of_the_flagship() -> None:
    """In Muon's ball rho = 4, as docs/settings.md says."""
    data = example("flagship")
    for bias, count in (("decayed", 1), ("adamw", 2), ("free", 3)):
        found = analyse(data.with_bias(bias), 2, within=Ball("muon", 4))
        assert (found.minimum, len(found.components)) == (0, count)


# Intervals that hold.


@pytest.mark.parametrize(("ball", "bias"), [*pairs, *((b, "free") for b in ENTRIES)])
@pytest.mark.parametrize("problem", [LINE, PLANE])
def test_no_network_in_the_ball_is_below(problem: Problem, ball: str, bias: str) -> None:
    """Drawn networks on the boundary of the ball, sizes of neurons and biases of all orders."""
    random = np.random.default_rng(7)
    X, y = (np.array(each, float) for each in (problem.with_bias().X, problem.y))
    for width in (1, 2):
        low, high = interval(problem.with_bias(bias), ball, "3/2", width)
        assert low <= high <= low + NARROW
        shape = 4000, X.shape[1], width
        W = random.normal(size=shape) * 10.0 ** random.uniform(-1, 1, size=shape)
        a = random.normal(size=(4000, width)) * 10.0 ** random.uniform(-1, 1, size=(4000, width))
        factor = 1.5 / size(ball, bias, W, a)[:, None]
        if bias == "free":  # the biases keep their part of the fit
            W[:, -1] = W[:, -1] / factor
        fit = (np.maximum(X @ W, 0) @ (a * factor)[..., None])[..., 0]
        assert ((fit - y) ** 2).sum(axis=1).min() / 2 >= low - NARROW


@pytest.mark.parametrize("ball", ["adamw", "adamw-ngd", *MUONS])
@pytest.mark.parametrize("problem", [LINE, PLANE])
def test_the_point_found_is_in_the_ball(problem: Problem, ball: str) -> None:
    """Its network, as it stands, by the definition; and every cell's dual vector is below it."""
    for bias in TREATMENTS:
        data = problem.with_bias(bias)
        found = analyse(data, 2, within=Ball(ball, "1/2"))
        network = found.components[0].representative
        W, a = (np.array(each, float) for each in (network.W, network.a))
        assert size(ball, bias, W[None], a[None])[0] <= 0.5 * (1 + 1e-9)
        assert found.within is not None
        assert found.within.gauge.holds(network, found.within.rho)
        assert found.proved <= network.loss(data) <= found.minimum


@few
@given(
    st.lists(st.tuples(entries, entries), min_size=2, max_size=3),
    st.lists(entries, min_size=3, max_size=3),
    st.sampled_from([Fraction(1, 2), Fraction(3)]),
)
def test_less_decay_less_loss(
    X: list[tuple[Fraction, Fraction]], y: list[Fraction], rho: Fraction
) -> None:
    problem = Problem([[x] for x, _ in X], y[: len(X)])
    for ball in ("adamw", *SHARED):
        ends = [interval(problem.with_bias(bias), ball, rho, 2) for bias in TREATMENTS]
        for (_, more), (less, _) in pairwise(ends):
            assert less <= more + NARROW


@few
@given(
    st.lists(st.tuples(entries, entries), min_size=2, max_size=3),
    st.lists(entries, min_size=3, max_size=3),
    st.sampled_from(["squared", "absolute", "huber:1/2"]),
    st.sampled_from(SHARED),
    st.sampled_from([Fraction(1, 2), Fraction(5)]),
    st.integers(0, 10**6),
)
def test_intervals_are_narrow(
    X: list[tuple[Fraction, Fraction]],
    y: list[Fraction],
    loss: str,
    ball: str,
    rho: Fraction,
    place: int,
) -> None:
    """On any cell, where no bias is at its bound, some are or all, or the ball does not matter."""
    problem = Problem(X, y[: len(X)], loss=loss).with_bias("adamw")
    complex_ = CellComplex.of(problem, 2, within=Ball(ball, rho))
    cells = list(combinations_with_replacement(range(complex_.states), 2))
    minimum = complex_.minimum(cells[place % len(cells)])
    assert minimum.lower <= minimum.value
    assert float(minimum.value - minimum.lower) <= 1e-6 * max(float(minimum.value), 1e-2)


@pytest.mark.parametrize("ball", SHARED)
def test_dual_vectors_hold_in_all_cells(ball: str) -> None:
    """Those of one cell say nothing false of another, in the sums of weights either."""
    complex_ = CellComplex.of(PLANE.with_bias("adamw"), 2, within=Ball(ball, 1))
    domain = complex_.domain
    assert isinstance(domain, BoundedBiasBall)
    cells = list(combinations_with_replacement(range(complex_.states), 2))[::7]
    minima = {cell: complex_.minimum(cell) for cell in cells}
    covered = 0
    for own in cells:
        dual = domain.dual(minima[own])
        for cell, minimum in minima.items():
            groups = [complex_.groups[state] for state in cell]
            bound = domain.lower_bound(dual, groups)
            assert bound <= minimum.value
            proof = domain.proof(dual, minimum.value * Fraction(9, 10), strict=True)
            covers = sum(domain.weight(proof, group) for group in groups) <= proof.limit
            covered += covers
            assert not covers or bound > minimum.value * Fraction(9, 10)
    assert covered > len(cells)


@pytest.mark.parametrize("ball", SHARED)
def test_shares_are_maxima(ball: str) -> None:
    """y_j and h_j against points of the cone: none is beyond, and some are near."""
    complex_ = CellComplex.of(PLANE.with_bias("adamw"), 2, within=Ball(ball, "3/2"))
    domain = complex_.domain
    assert isinstance(domain, BoundedBiasBall)
    random, tight = np.random.default_rng(3), 0
    for cell in [(2, 22), (0, 3), (5, 5), (20, 21)]:
        dual = domain.dual(complex_.minimum(cell))
        assert isinstance(dual, BiasDual)
        for group in {each for each in complex_.groups if dual.share(each)}:
            share, highest = dual.share(group), _highest(dual, group, random)
            assert share is not None
            assert highest <= float(share) * (1 + 1e-9)
            tight += highest >= 0.9 * float(share)
    assert tight > 3


def _highest(dual: BiasDual, group: tuple[int, ...], random: np.random.Generator) -> float:
    """What y_j or h_j is the maximum of, at drawn points of a cone; radius 3/2."""
    Z, level = np.array(dual.metric.Z, float), float(dual.level)
    rays = np.array([dual.columns[c].ray for c in group], float)
    gains = np.array([np.dot(dual.columns[c].image, dual.vector) for c in group], float)
    z = random.dirichlet(np.full(len(group), 0.3), size=20000)
    u, gain = z @ rays, z @ gains
    square = np.einsum("si,ik,sk->s", u[:, :-1], Z, u[:, :-1])
    bias = np.maximum(np.abs(u[:, -1]), 1e-9)
    if not dual.own:
        return float(((np.maximum(gain, 0) ** 2 / level - square) / bias**2).max())
    # The best multiple of each direction, within the bound of the bias.
    times = np.minimum(1.5 / bias, level * np.maximum(gain, 0) / np.maximum(square, 1e-300))
    return float((times * gain - times**2 * square / (2 * level)).max())


# Other data, other losses, other scales.


@pytest.mark.parametrize("bias", TREATMENTS)
@pytest.mark.parametrize("ball", ["adamw", "muon", "muon-adamw"])
def test_units(ball: str, bias: str) -> None:
    """X and rho in other units: the weights of features shrink, those of biases do not, so both
    have to be scaled; targets and rho as well."""
    low, high = interval(LINE.with_bias(bias), ball, 1, 2)
    data = LINE.with_bias(bias)
    scaled = Problem([[3 * v for v in row] for row in data.X], [5 * v for v in data.y], bias=bias)
    less, more = interval(scaled, ball, Fraction(5, 3), 2)
    assert less <= 25 * high + NARROW
    assert 25 * low <= more + NARROW


@pytest.mark.parametrize("bias", TREATMENTS)
@pytest.mark.parametrize("loss", ["absolute", "huber:1/2", "hinge"])
@pytest.mark.parametrize("ball", ["adamw", "adamw-ngd", *MUONS])
def test_other_losses(ball: str, loss: str, bias: str) -> None:
    y = [1, -1, 1] if loss == "hinge" else [1, -1, 2]
    data = Problem([[0], [1], [2]], y, loss=loss).with_bias(bias)
    low, high = interval(data, ball, 1, 2)
    assert low <= high <= low + 1e-6
    random = np.random.default_rng(1)
    X = np.array(data.X, float)
    W, a = random.normal(size=(4000, 2, 2)), random.normal(size=(4000, 2))
    a /= size(ball, bias, W, a)[:, None]
    fit = (np.maximum(X @ W, 0) @ a[..., None])[..., 0]
    assert isinstance(data.loss, Separable)
    assert data.loss.terms(fit, np.array(y, float)).sum(axis=1).min() >= low - NARROW


@pytest.mark.parametrize(
    ("X", "y"),
    [
        ([[0], [0]], [1, 2]),  # only the bias tells anything, and not much
        ([[1, 2], [2, 4]], [1, 3]),  # a null space
        ([[1]], [2]),
        ([[1], [1], [1]], [0, 0, 0]),
        ([[5], [5]], [-1, -1]),
    ],
)
def test_degenerate_data(X: list[list[int]], y: list[int]) -> None:
    for bias in TREATMENTS:
        for ball in ("adamw", "adamw-ngd", *SHARED):
            low, high = interval(Problem(X, y).with_bias(bias), ball, 1, 2)
            assert low <= high <= low + 1e-6
    rest = {tuple(row): [v for r, v in zip(X, y, strict=True) if r == row] for row in X}
    spread = sum(sum((v - np.mean(vs)) ** 2 for v in vs) / 2 for vs in rest.values())
    if len(rest) == 1:
        for ball in ("adamw", "muon"):
            assert interval(Problem(X, y).with_bias("free"), ball, 1, 1)[1] == spread


@pytest.mark.parametrize("activation", ["abs", "leaky_relu:1/4"])
def test_inactive_neurons_go_on_as_well(activation: str) -> None:
    """Where sigma(-1) != 0 both ways of the bias lead to infinity: a constant is fitted."""
    data = Problem([[0], [1]], [-7, -7], activation=activation).with_bias("free")
    for ball in ("adamw", "muon", "adamw-ngd"):
        assert interval(data, ball, 1, 1)[1] == 0


@pytest.mark.parametrize("bias", ["adamw", "free"])
@pytest.mark.parametrize("ball", ["adamw", *MUONS])
def test_barriers_between_networks(ball: str, bias: str) -> None:
    """A path of least barrier stays in the ball, and has the loss that is proved."""
    data = LINE.with_bias(bias)
    found = analyse(data, 2, within=Ball(ball, 5))
    first, second = (component.representative for component in found.components)
    barrier = barrier_between(data, first, second, within=Ball(ball, 5))
    assert barrier.proved - NARROW <= 1 <= barrier.value + NARROW
    for network in barrier.path.breakpoints:
        assert complex_norm(found.complex, network) <= 5


def complex_norm(complex_: CellComplex, network: Network) -> Fraction:
    """The radius that a network needs."""
    return complex_.domain.norm([u for _, u in network.convex_coordinates()])


# Gauges.


@few
@given(st.lists(st.tuples(entries, entries, entries), min_size=1, max_size=3))
def test_the_least_output_weights(u: list[tuple[Fraction, ...]]) -> None:
    """Muon's gauge with bounded biases against a semidefinite program."""
    gauge = gauge_of(apart("muon", "adamw").geometry)
    network, radius = gauge.witness([1] * len(u), tuple(u))
    assert [c for _, c in network.convex_coordinates()] == [*map(tuple, u)]
    assert gauge.holds(network, radius) or not radius
    V = np.array([uj[:-1] for uj in u], float)
    T = cp.Variable(len(u))
    floors = np.array([uj[-1] for uj in u], float) ** 2
    program = cp.Problem(cp.Minimize(cp.sum(T)), [cp.diag(T) - V @ V.T >> 0, T >= floors])
    assert float(radius) ** 2 == pytest.approx(program.solve(solver=cp.CLARABEL), abs=1e-6)
    found = least_squares_of_outputs(V @ V.T, floors)
    assert (found >= floors - 1e-12).all()


@very_few
@given(
    st.sampled_from([*((name, "adamw") for name in SHARED), *((name, "free") for name in ROUND)]),
    st.lists(st.tuples(entries, entries, entries), min_size=1, max_size=3),
    st.lists(st.fractions(Fraction(1, 4), 4), min_size=3, max_size=3),
)
def test_no_splitting_is_cheaper(
    case: tuple[str, str], u: list[tuple[Fraction, ...]], scales: list[Fraction]
) -> None:
    gauge = gauge_of(apart(*case).geometry)
    b = scales[: len(u)]
    W = [[v / size for v in uj] for uj, size in zip(u, b, strict=True)]
    drawn = gauge.hidden.squared(W) * gauge.output_squared(b)
    network, radius = gauge.witness([1] * len(u), tuple(u))
    assert [c for _, c in network.convex_coordinates()] == [*map(tuple, u)]
    assert float(radius) ** 2 <= float(drawn) * (1 + 1e-7) + 1e-12
    assert gauge.holds(network, radius) or not radius


@pytest.mark.parametrize(("ball", "bias"), [("muon", "adamw"), ("muon-adamw", "adamw")])
def test_the_program_of_the_ball(ball: str, bias: str) -> None:
    gauge = gauge_of(apart(ball, bias).geometry)
    u = ((3, 0, 2), (1, -2, -4), (0, 0, 1))
    radius = cp.Variable()
    found = gauge.hidden.ball(cp.Constant(np.array(u, float).T), radius, gauge.power)
    least_ = cp.Problem(cp.Minimize(radius), found.constraints).solve(solver=cp.CLARABEL)
    exact = gauge.witness([1] * 3, tuple(tuple(map(Fraction, uj)) for uj in u))[1]
    assert least_ == pytest.approx(float(exact), rel=1e-6)


def test_the_norm_apart() -> None:
    """Its value, dual, oracle and projection are those of the two parts."""
    random = np.random.default_rng(0)
    norm = Apart(SchattenNorm(math.inf), free=False)
    x, g = random.normal(size=(2, 50, 4, 3))
    unit = x / norm.value(x)[:, None, None]
    assert ((unit * g).sum(axis=(1, 2)) <= norm.dual_value(g) + 1e-12).all()
    best = norm.lmo(g, 2)
    assert np.allclose(norm.value(best), 2)
    assert np.allclose((best * g).sum(axis=(1, 2)), -2 * norm.dual_value(g))
    near = norm.project(5 * x, 1)
    assert np.allclose(norm.value(near), np.minimum(norm.value(5 * x), 1))
    # Of a convex set: no point of it is on the other side of the nearest one.
    assert (((5 * x - near) * (unit - near)).sum(axis=(1, 2)) <= 1e-9).all()
    free = Apart(SchattenNorm(math.inf), free=True)
    assert np.array_equal(free.value(x), SchattenNorm(math.inf).value(x[:, :-1]))
    assert np.isinf(free.dual_value(g)).all()
    assert np.allclose(free.project(5 * x, 1)[:, -1], 5 * x[:, -1])
    g[:, -1] = 0
    assert np.array_equal(free.dual_value(g), SchattenNorm(math.inf).dual_value(g[:, :-1]))
    with pytest.raises(InputError, match=r"^bias: there is no oracle where biases are free"):
        free.lmo(g, 1)


def test_valleys_with_free_biases_by_hand() -> None:
    """x = -1 and x = -3 with y = (2, 0), at most 1/2 large: of one neuron the fits (t, t - 1)
    are the best of slope -1/2, with 1/4 at t = 3/2; plateaus in other cells lead there."""
    problem = Problem([[-1], [-3]], [2, 0]).with_bias("free")
    (valley,) = valleys(problem, 1, within=Ball("adamw", "1/2")).valleys
    assert valley.birth == Fraction(1, 4)


@pytest.mark.parametrize(("ball", "bias"), pairs)
def test_factorisations_attain_what_they_say(ball: str, bias: str) -> None:
    """In floats, of several matrices at once: as W times b, and near the exact gauge."""
    optimizer = apart(ball, bias).geometry
    U = np.random.default_rng(2).integers(-3, 4, (4, 3, 3)).astype(float)
    U[0, :-1, 1] = 0.0  # nothing but a bias
    U[1, :, 2] = 0.0
    lower, upper, scale = optimizer.hidden.factorise(U, optimizer.output)
    assert (lower <= upper).all()
    assert ((scale == 0) == (U == 0).all(axis=1)).all()
    W = U / np.where(scale == 0, 1.0, scale)[:, None]
    sizes = optimizer.hidden.value(W) * optimizer.output.value(scale)
    assert (sizes <= upper * (1 + 1e-9)).all()
    for each, least_ in zip(U, upper.tolist(), strict=True):
        u = tuple(tuple(Fraction(int(v)) for v in column) for column in each.T)
        _, radius = gauge_of(optimizer).witness([1] * 3, u)
        assert least_ == pytest.approx(float(radius), rel=1e-5)


@few
@given(
    st.sampled_from(SHARED),
    st.lists(st.tuples(entries, entries, entries), min_size=1, max_size=3),
    st.lists(st.tuples(*[st.integers(-5, 5)] * 3), min_size=3, max_size=3),
)
def test_what_programs_relax_bounds_to(
    ball: str, u: list[tuple[Fraction, ...]], w: list[tuple[int, ...]]
) -> None:
    """All biases together in place of each: no larger, equal for equal biases; and weak duality."""
    gauge = gauge_of(apart(ball, "adamw").geometry)
    shared = gauge.relaxation(len(u))
    assert shared.relaxation(len(u)) == shared
    if shared.power == gauge.power == 1:
        assert shared.summed > gauge.summed
    assert shared.hidden.squared(u) <= gauge.hidden.squared(u) * (1 + Fraction(1, 10**9))
    level = [(*uj[:-1], Fraction(3)) for uj in u]
    assert shared.hidden.squared(level) == gauge.hidden.squared(level)
    rest = np.eye(2) if ball.startswith("ngd") else np.array([[2.0, 1.0], [1.0, 1.0]])
    Z = np.zeros((3, 3))
    Z[:-1, :-1], Z[-1, -1] = rest, 0.5
    metric = shared.metric_near(Z)
    columns = w[: len(u)]
    pairs_ = (zip(uj, wj, strict=True) for uj, wj in zip(u, columns, strict=True))
    product = sum((p * q for pair in pairs_ for p, q in pair), Fraction())
    dual = shared.dual([shared.cost(wj, metric) for wj in columns])
    _, radius = shared.witness([1] * len(u), tuple(u))
    assert product <= radius * dual
