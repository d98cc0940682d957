"""Radii of other losses, with weights, an output bias and a linear part.

Closed forms, landscapes in balls, HiGHS on all cells, and what has to agree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import ACTIVATIONS, having, planted
from profiles import part
from scipy.optimize import linprog

from theory import Ball, analyse, example
from theory.errors import InputError
from theory.exact import dot
from theory.geometry import geometry
from theory.landscape import Analysis
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.least import least
from theory.losses import Loss
from theory.margins import max_margins
from theory.network import Network
from theory.problem import Problem
from theory.radii import Radii, Radius, least_radii
from theory.radii.radii import least_fits
from theory.states import cone_of, sign_of
from theory.strategies import component_networks

LINEAR = ("absolute", "quantile:1/4", "epsilon:1/2", "hinge")
QUADRATIC = ("huber:1/2", "squared_hinge")
OF_LABELS = ("hinge", "squared_hinge")
ROUND = ("colnorm", "adamw-ngd", "muon-adamw", "muon", "ngd")
WIDTH = Fraction(1, 10**6)  # relative, of intervals
FLOAT = 1e-6  # of HiGHS, and of what is compared with it

fewer, fewest = part(2), part(4)


def ones(y: Sequence[int], loss: str, **fields: Any) -> Problem:
    """One feature, 1 at every point: the fit of a network is one number."""
    return Problem([[1]] * len(y), y, loss=loss, **fields)


def data(name: str, seed: int, n: int = 4, **options: Any) -> Problem:
    """Points in the plane that no network of width 1 fits; labels where the loss wants them."""
    problem, _ = planted(n, 2, 3, seed)
    y = problem.y
    if name in OF_LABELS:
        y = tuple(Fraction(1 if v > 0 else -1) for v in y)
    if "weights" in options:
        options["weights"] = options["weights"][:n]
    return Problem(problem.X, y, loss=name, **options)


OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "weights": {"weights": [1, 3, 2, "1/2"]},
    "output bias": {"output_bias": True},
    "skip": {"skip": True},
    "all": {"weights": [2, 1, 1, 3], "output_bias": True, "skip": True},
}


@st.composite
def drawn(draw: st.DrawFn) -> Problem:
    """A few points, some of them alike, on a line or in the plane, with any loss and options."""
    name = draw(st.sampled_from((*LINEAR, *QUADRATIC, "squared")))
    n, d = draw(st.integers(1, 4)), draw(st.integers(1, 2))
    entry = st.integers(-2, 2)
    X = draw(st.lists(st.lists(entry, min_size=d, max_size=d), min_size=n, max_size=n))
    targets = st.sampled_from([-1, 1]) if name in OF_LABELS else st.integers(-3, 3)
    y = draw(st.lists(targets, min_size=n, max_size=n))
    problem = Problem(
        *(X, y),
        loss=name,
        activation=draw(st.sampled_from(ACTIVATIONS)),
        weights=draw(st.none() | st.lists(st.integers(1, 3), min_size=n, max_size=n)),
        output_bias=draw(st.booleans()),
        skip=draw(st.booleans()),
    )
    bias = draw(st.sampled_from([None, None, None, "decayed", "free"]))
    return problem if bias is None else problem.with_bias(bias)


# Closed forms.


@pytest.mark.parametrize(
    ("problem", "radius"),
    [
        (ones([1, 2, 4], "absolute"), 2),
        (ones([1, 2, 3, 4], "absolute"), 2),  # all of 2 to 3 is best
        (ones([1, 2, 4], "absolute", weights=[1, 1, 3]), 4),
        (ones([-1, -2, -4], "absolute"), 2),
        (ones([-1, 1, 3], "absolute"), 1),
        (ones([-1, 1, 3, -2], "absolute"), 0),
        (ones([1, 2, 3, 4], "quantile:1/4"), 1),  # 1 to 2
        (ones([1, 2, 3, 4], "quantile:3/4"), 3),  # 3 to 4
        (ones([1, 4], "epsilon:1"), 2),  # 2 to 3
        (ones([1, 2], "epsilon:1"), 1),
        (ones([0, 0, 10], "huber:1"), Fraction(1, 2)),  # slopes f, f and -1
        (ones([1, 10], "huber:1"), 2),  # slopes 1 and -1 from 2 to 9
        (ones([1, 1, -1], "hinge"), 1),
        (ones([1, 1, -1, -1], "hinge"), 0),  # -1 to 1
        (ones([1, 1, -1, -1], "hinge", weights=[1, 1, 3, 1]), 1),
        (ones([1, -1], "squared_hinge", weights=[3, 1]), Fraction(1, 2)),  # 3 (1 - f) = 1 + f
        (ones([1, 1], "squared_hinge"), 1),
        (ones([1, 2, 4], "absolute", output_bias=True), 0),
        (ones([1, 1, -1], "hinge", skip=True), 0),
    ],
)
@pytest.mark.parametrize("width", [1, 2])
def test_one_number_is_fitted(problem: Problem, radius: Fraction, width: int) -> None:
    """Neurons share it: each has 1 / m of it in the balls where each has its own room."""
    (component,) = least_radii(analyse(problem, width), ["adamw", "muon", "ngd"]).components
    assert component["adamw"].upper == component["adamw"].lower == radius / Fraction(width)
    for name in ("muon", "ngd"):
        assert component[name].lower <= radius <= component[name].upper
        assert component[name].upper - component[name].lower <= WIDTH * radius


def test_the_absolute_value_with_a_linear_part() -> None:
    """|x| is relu(2 x) - x, and relu(x) + relu(-x), or with the part x / 2 anything between: one
    neuron needs 2, two of them 2 together, 1 each."""
    for loss, length in (("absolute", 1), ("epsilon:1/10", Fraction(9, 10)), ("hinge", 1)):
        problem = Problem([[1], [-1]], [1, 1], loss=loss, skip=True)
        one, two = (
            least_radii(analyse(problem, 1), ["adamw"]),
            least_radii(analyse(problem, 2), ["adamw"]),
        )
        assert [known["adamw"].upper for known in one.components] == [2 * length] * 2
        assert [known["adamw"].upper for known in two.components] == [length]
        for known in least_radii(analyse(problem, 2), ["ngd", "muon"]).components:
            assert all(radius.lower <= 2 * length <= radius.upper for radius in known.values())


def test_components_of_one_least_loss_are_told_apart() -> None:
    """One of two points is fitted: |1 - a| with one neuron, at x = 1 or at x = -2."""
    problem = Problem([[1], [-2]], [1, 1], loss="absolute")
    found = least_radii(analyse(problem, 1), ["adamw", "muon"])
    assert sorted(known["adamw"].upper for known in found.components) == [Fraction(1, 2), 1]
    best = min(range(2), key=lambda i: found.components[i]["adamw"].upper)
    assert found.preferred("adamw") == found.preferred("muon") == best


def test_optimizers_prefer_different_components_of_a_positive_least_loss() -> None:
    """-relu(u.x) with 2 u_1 + u_2 = 4, and u_1 - 3 u_2 = 1 or 3 u_2 - 3 u_1 = 1."""
    X, y = [[-3, 3], [2, 1], [1, -3], [-2, -1]], [-1, -4, -1, -2]
    found = least_radii(analyse(Problem(X, y, loss="huber:1"), 1), ["adamw", "muon"])
    assert found.analysis.minimum == 2
    assert [known["adamw"].upper for known in found.components] == [
        Fraction(13, 7),
        Fraction(14, 9),
    ]
    for known, length in zip(
        found.components, (math.hypot(13, 2) / 7, math.hypot(11, 14) / 9), strict=True
    ):
        assert float(known["muon"].upper) == pytest.approx(length, rel=FLOAT)
    assert (found.preferred("adamw"), found.preferred("muon")) == (1, 0)


def test_cells_of_one_component_with_other_fits() -> None:
    """-relu(u.x) for u = -(a, t), a + t = 1: the losses are 3 (3 - t) / 4 and (2 t - a)_+ / 4.

    Their sum is 2 where 2 t >= a, so that 1/2 is the radius, and in the next cell only for t = 1/3.
    """
    problem = Problem([[-2, -2], [0, -1], [1, -2]], [-2, -3, 0], loss="quantile:1/4")
    found = least_radii(analyse(problem, 1), ["adamw"])
    (component,) = found.analysis.components
    assert found.analysis.minimum == 2
    assert len(set(least_fits(found.analysis.complex, component).values())) == 2
    assert _radii(found, "adamw")[0].upper == _radii(found, "adamw")[0].lower == Fraction(1, 2)
    check_in_landscapes(found)


def test_a_form_that_sees_differences_only() -> None:
    """f_2 - f_1 = u at x = 1, 2, so u = 3; with x = -1 as well a neuron there may help it."""
    form = [[1, -1], [-1, 1]]
    for width in (1, 2):
        problem = Problem([[1], [2]], [5, 8], form=form)
        (known,) = least_radii(analyse(problem, width), ["adamw", "ngd"]).components
        assert known["adamw"].lower == known["adamw"].upper == Fraction(3, width)
        assert known["ngd"].lower <= 3 <= known["ngd"].upper
        opposite = Problem([[1], [-1]], [5, 8], form=form)
        for known in least_radii(analyse(opposite, width), ["adamw"]).components:
            assert known["adamw"].lower == known["adamw"].upper == Fraction(3, width)


@pytest.mark.parametrize("free", [{}, {"output_bias": True}])
def test_singular_forms_in_landscapes(free: Mapping[str, Any]) -> None:
    problem, _ = planted(4, 2, 3, 1)
    rows = [[1, 2, 0, 1], [0, 1, 1, -1], [2, 0, 1, 1]]
    form = [[sum(row[i] * row[k] for row in rows) for k in range(4)] for i in range(4)]
    found = least_radii(
        analyse(Problem(problem.X, problem.y, form=form, **free), 1), ["adamw", "muon"]
    )
    check_in_landscapes(found)
    for known in found.components:
        assert known["muon"].upper - known["muon"].lower <= WIDTH * known["muon"].upper


# Landscapes in balls.


def reached(problem: Problem, width: int, rho: Fraction, level: Fraction) -> set[int]:
    """The components of least loss that the landscape in AdamW's ball of this radius meets."""
    try:
        inside = analyse(problem, width, level=level, within=Ball("adamw", rho))
    except InputError:
        return set()
    return {i for known in inside.without_ball() for i in known}


def check_in_landscapes(found: Radii) -> None:
    """AdamW's ball meets each component at its radius, but not a little below."""
    problem, width, level = (
        found.analysis.problem,
        found.analysis.width,
        found.analysis.minimum,
    )
    for i, known in enumerate(found.components):
        radius = known["adamw"]
        assert radius.lower == radius.upper
        assert radius.witness.loss(problem) == level
        if radius.upper:
            assert i in reached(problem, width, radius.upper, level)
            assert i not in reached(problem, width, radius.upper * (1 - WIDTH), level)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", [*LINEAR, *QUADRATIC])
def test_adamw_in_landscapes(name: str, options: str) -> None:
    check_in_landscapes(least_radii(analyse(data(name, 1, **OPTIONS[options]), 1), ["adamw"]))


@pytest.mark.parametrize("name", [*LINEAR, *QUADRATIC])
def test_adamw_in_landscapes_of_two_neurons(name: str) -> None:
    check_in_landscapes(least_radii(analyse(data(name, 2, n=3, **OPTIONS["all"]), 2), ["adamw"]))


@fewest
@given(drawn(), st.integers(1, 2))
def test_adamw_in_landscapes_of_drawn_data(problem: Problem, width: int) -> None:
    check_in_landscapes(least_radii(analyse(problem, width), ["adamw"]))


@pytest.mark.parametrize("options", ["plain", "all"])
@pytest.mark.parametrize("name", [*LINEAR, *QUADRATIC])
@pytest.mark.parametrize("optimizer", ["muon", "colnorm"])
def test_round_balls_in_landscapes(name: str, options: str, optimizer: str) -> None:
    """The least loss in a ball a little smaller is above that of all networks, in a larger one it
    is as low."""
    problem = data(name, 3, n=5 if options == "plain" else 4, **OPTIONS[options])
    found = least_radii(analyse(problem, 1), [optimizer])
    level, first = found.analysis.minimum, min(_radii(found, optimizer), key=lambda r: r.upper)
    assert first.upper - first.lower <= WIDTH * first.upper
    if first.upper:
        above, below = (
            least(CellComplex.of(problem, 1, within=Ball(optimizer, first.upper * factor)))
            for factor in (Fraction(1001, 1000), Fraction(99, 100))
        )
        assert above.lower <= level
        assert above.value - level <= WIDTH * problem.zero
        assert below.lower > level


def _radii(found: Radii, optimizer: str) -> list[Radius]:
    return [known[optimizer] for known in found.components]


# Linear programs on all cells.


def of_cell(analysis: Analysis, cell: Cell) -> tuple[np.ndarray, np.ndarray]:
    """Neurons' fit and their cones, as rows over (u_1 .. u_m): f = A u, C u >= 0."""
    problem = analysis.problem
    X = np.array(problem.X, dtype=float)
    signs = [np.where(analysis.complex.arrangement.signs[cone_of(s)] > 0, 1.0, -1.0) for s in cell]
    slopes = [problem.activation.slopes(each > 0) for each in signs]
    pairs = list(zip(cell, slopes, strict=True))
    A = np.hstack([sign_of(s) * own[:, None] * X for s, own in pairs])
    C = np.zeros((len(cell) * len(X), A.shape[1]))
    for j, each in enumerate(signs):
        block = slice(j * len(X), (j + 1) * len(X)), slice(j * X.shape[1], (j + 1) * X.shape[1])
        C[block] = each[:, None] * X
    return A, C


def epigraph(problem: Problem) -> list[tuple[np.ndarray, np.ndarray]]:
    """Slopes a and offsets c, (n,) each: the loss of f_k is the largest a_k f_k + c_k, or zero."""
    y = np.array(problem.y, dtype=float)
    number = float(problem.loss.parameter or 0)
    one = np.ones(problem.n)
    match problem.loss.name:
        case "absolute":
            return [(one, -y), (-one, y)]
        case "quantile":
            return [((1 - number) * one, (number - 1) * y), (-number * one, number * y)]
        case "epsilon":
            return [(one, -y - number), (-one, y - number)]
        case "hinge":
            return [(-y, one)]
    raise NotImplementedError


def by_highs(analysis: Analysis, cell: Cell, lam: Sequence[float] | None = None) -> float:
    """The least largest entry of networks of least loss in a cell; or their least lam . f."""
    problem = analysis.problem
    A, C = of_cell(analysis, cell)
    n, free = problem.n, np.array(problem.free_columns, dtype=float).reshape(-1, problem.n).T
    size, k = A.shape[1], free.shape[1]
    F = np.hstack([A, free])  # the unknowns are u, the free weights, each datum's loss, and t
    weights = np.array([float(w) for w in problem.loss.weights or (1,) * n])
    rows = [np.hstack([-C, np.zeros((len(C), k + n + 1))])]
    ends = [np.zeros(len(C))]
    for slope, offset in epigraph(problem):
        rows.append(np.hstack([slope[:, None] * F, -np.eye(n), np.zeros((n, 1))]))
        ends.append(-offset)
    rows.append(np.hstack([np.zeros(size + k), weights, [0.0]])[None])
    ends.append(np.array([float(analysis.minimum) + 1e-9]))
    for side in (1.0, -1.0):
        unit = side * np.eye(size)
        rows.append(np.hstack([unit, np.zeros((size, k + n)), -np.ones((size, 1))]))
        ends.append(np.zeros(size))
    c = np.zeros(size + k + n + 1)
    if lam is None:
        c[-1] = 1.0
    else:
        c[: size + k] = np.array(lam) @ F
    bounds = [(None, None)] * (size + k) + [(0, None)] * (n + 1)
    found = linprog(c, np.vstack(rows), np.concatenate(ends), bounds=bounds)
    assert found.status == 0, found.message
    return float(found.fun)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("seed", [4, 5])
def test_all_cells_by_highs(name: str, options: str, seed: int) -> None:
    analysis = analyse(data(name, seed, **OPTIONS[options]), 1 + seed % 2)
    found = least_radii(analysis, ["adamw", "muon"])
    for component, known in zip(analysis.components, found.components, strict=True):
        expected = min(by_highs(analysis, cell) for cell in component.cells)
        assert float(known["adamw"].upper) == pytest.approx(expected, rel=FLOAT, abs=FLOAT)
        for radius in known.values():
            for cell, point in radius.proof.items():
                size = max(map(abs, point.lam))
                lam = [v / size for v in point.lam]
                least_product = by_highs(analysis, cell, lam)
                assert float(point.height / size) <= least_product + FLOAT


# Proofs.


def check_proofs(analysis: Analysis, known: Mapping[str, Radius], fit: Sequence[Fraction]) -> None:
    """What dual points say of a fit of the component: lam.f is at least the height; and that they
    leave free weights alone."""
    for radius in known.values():
        assert radius.lower <= radius.upper
        assert radius.witness.loss(analysis.problem) == analysis.minimum
        for point in radius.proof.values():
            lam = list(map(Fraction, point.lam))
            assert all(dot(lam, column) == 0 for column in analysis.problem.free_columns)
            assert point.bound >= radius.lower
            assert point.height > 0 or not point.bound


@fewer
@given(drawn(), st.integers(1, 2), st.data())
def test_no_network_of_least_loss_is_smaller(
    problem: Problem, width: int, data: st.DataObject
) -> None:
    analysis = analyse(problem, width)
    names = ["adamw", "muon", "colnorm"] if problem.bias is None else ["adamw", "ngd"]
    found = least_radii(analysis, names)
    for _ in range(3):
        component, network = data.draw(component_networks(analysis))
        assert network.loss(problem) == analysis.minimum
        known, fit = found.components[component], network.fit(problem)
        check_proofs(analysis, known, fit)
        cell = analysis.complex.canonical(analysis.complex.cell_of(network))
        rows = [list(w) for w in network.W]
        if problem.bias == "free":
            rows[-1] = [Fraction()] * width
        U = np.array([[float(v) for v in row] for row in rows])
        for name, radius in known.items():
            assert geometry(name).gauge(U).upper >= float(radius.lower) * (1 - FLOAT)
            if cell in radius.proof:
                point = radius.proof[cell]
                assert dot(list(map(Fraction, point.lam)), fit) >= point.height


@fewer
@given(drawn(), st.integers(1, 2))
def test_intervals_are_narrow(problem: Problem, width: int) -> None:
    for known in least_radii(analyse(problem, width), ["muon", "adamw-ngd", "ngd"]).components:
        for radius in known.values():
            assert radius.upper - radius.lower <= WIDTH * radius.upper * 10


# What has to agree.


def same(first: Radii, second: Radii, factor: Fraction = Fraction(1)) -> None:
    """The same radii but for a factor, whatever the order of components."""
    assert len(first.components) == len(second.components)
    for name in first.optimizers:
        ours = sorted(_radii(first, name), key=lambda radius: radius.upper)
        others = sorted(_radii(second, name), key=lambda radius: radius.upper)
        for one, other in zip(ours, others, strict=True):
            assert one.lower * factor <= other.upper * (1 + WIDTH)
            assert other.lower <= one.upper * factor * (1 + WIDTH)
            if name == "adamw":
                assert one.upper * factor == other.upper


NAMES = ["adamw", "muon"]


@pytest.mark.parametrize("name", [*LINEAR, *QUADRATIC, "squared"])
@pytest.mark.parametrize("free", [{}, {"output_bias": True}, {"skip": True}])
def test_weights_are_repeated_rows(name: str, free: Mapping[str, bool]) -> None:
    problem = data(name, 6, n=3, **free)
    times = (2, 1, 3)
    weighted = replace(problem, loss=problem.loss.weighted(tuple(map(Fraction, times))))
    rows = [(x, v) for x, v, k in zip(problem.X, problem.y, times, strict=True) for _ in range(k)]
    X, y = zip(*rows, strict=True)
    repeated = replace(problem, X=X, y=y)
    first, second = (least_radii(analyse(each, 1), NAMES) for each in (weighted, repeated))
    assert first.analysis.minimum == second.analysis.minimum
    same(first, second)
    unweighted = least_radii(analyse(problem, 1), NAMES)
    assert unweighted.analysis.minimum <= first.analysis.minimum


@fewer
@given(drawn(), st.data())
def test_rows_permuted_and_signs_changed(problem: Problem, data: st.DataObject) -> None:
    """Outputs of the other sign have output weights of the other sign. Quantiles are turned too."""
    order = data.draw(st.permutations(range(problem.n)))
    loss = problem.loss
    if loss.weights is not None:
        loss = loss.weighted([loss.weights[k] for k in order])
    if loss.name == "quantile":
        turned = Loss.named(f"quantile:{1 - (loss.parameter or 0)}")
        loss = turned.weighted(loss.weights)
    other = having(
        problem,
        X=[problem.X[k] for k in order],
        y=[-problem.y[k] for k in order],
        loss=loss,
    )
    names = ["adamw"] if problem.bias else NAMES
    same(least_radii(analyse(problem, 1), names), least_radii(analyse(other, 1), names))


@pytest.mark.parametrize(
    ("name", "larger"),
    [("absolute", "absolute"), ("huber:1/2", "huber:3/2"), ("epsilon:1/10", "epsilon:3/10")],
)
def test_radii_grow_with_the_targets(name: str, larger: str) -> None:
    problem = data(name, 7, output_bias=True)
    grown = having(problem, y=[3 * v for v in problem.y], loss=Loss.named(larger))
    same(
        least_radii(analyse(problem, 1), NAMES), least_radii(analyse(grown, 1), NAMES), Fraction(3)
    )


def test_half_quantiles_are_absolute() -> None:
    problem = data("absolute", 8)
    half = replace(problem, loss=Loss.named("quantile:1/2"))
    same(least_radii(analyse(problem, 1), NAMES), least_radii(analyse(half, 1), NAMES))


@pytest.mark.parametrize("threshold", [100, 1000])
def test_huber_far_from_its_threshold_is_squared(threshold: int) -> None:
    problem = data("squared", 9, skip=True)
    huber = replace(problem, loss=Loss.named(f"huber:{threshold}"))
    same(least_radii(analyse(problem, 1), NAMES), least_radii(analyse(huber, 1), NAMES))


@pytest.mark.parametrize("name", OF_LABELS)
@pytest.mark.parametrize(
    ("problem", "width"), [(example("opposite-margins"), 2), (data("hinge", 2), 2)]
)
def test_hinges_at_zero_are_margins(name: str, problem: Problem, width: int) -> None:
    """Networks without hinge loss have margins of at least 1: the least radius is 1 / margin."""
    problem = replace(problem, loss=Loss.named(name))
    analysis = analyse(problem, width)
    assert analysis.minimum == 0
    found, known = least_radii(analysis, NAMES), max_margins(problem, NAMES, width)
    assert len(found.components) == len(known.components) > 0
    for optimizer in NAMES:
        ours = sorted(radius.upper for radius in _radii(found, optimizer))
        others = sorted(1 / each[optimizer].lower for each in known.components)
        if optimizer == "adamw":
            assert ours == others
        assert [float(v) for v in ours] == pytest.approx([float(v) for v in others], rel=FLOAT)


@pytest.mark.parametrize("name", ["absolute", "huber:1/2"])
def test_an_output_bias_on_a_grid(name: str) -> None:
    """The least radius over all b, each taken from the targets: none is below, and that of the
    witness attains it."""
    problem = data(name, 10, n=4, output_bias=True)
    analysis = analyse(problem, 1)
    radius = min(_radii(least_radii(analysis, ["adamw"]), "adamw"), key=lambda each: each.upper)

    def fixed(b: Fraction) -> Fraction | None:
        """The least radius with this output bias; None where it costs."""
        rest = having(problem, y=[v - b for v in problem.y], output_bias=False)
        found = analyse(rest, 1)
        if found.minimum != analysis.minimum:
            return None
        return min(each.upper for each in _radii(least_radii(found, ["adamw"]), "adamw"))

    assert fixed(radius.witness.b) == radius.upper > 0
    near = [radius.witness.b + Fraction(k, 8) for k in range(-8, 9)]
    assert min(v for v in map(fixed, near) if v is not None) == radius.upper


# Degenerate data, and what is refused.


def test_a_linear_part_of_dependent_columns() -> None:
    """A column that is the sum of others, a constant one beside the output bias, a zero one."""
    X = [[1, 0, 1, 1, 0], [0, 1, 1, 1, 0], [1, 1, 2, 1, 0], [-1, -1, -2, 1, 0]]
    for loss in ("absolute", "huber:1/2"):
        problem = Problem(X, [1, 2, -1, 4], loss=loss, output_bias=True, skip=True)
        found = least_radii(analyse(problem, 1), ["adamw", "muon"])
        check_in_landscapes(found)
        for known in found.components:
            assert known["muon"].upper - known["muon"].lower <= WIDTH * known["muon"].upper


@pytest.mark.parametrize("options", [{}, {"output_bias": True, "skip": True}])
def test_zero_rows_and_zero_targets(options: Mapping[str, Any]) -> None:
    for loss in ("absolute", "epsilon:1/10", "huber:1"):
        zeros = Problem([[0, 0], [1, 2], [2, 4]], [0, 0, 0], loss=loss, **options)
        (component,) = least_radii(analyse(zeros, 2), ["adamw", "muon"]).components
        assert all(radius.upper == radius.lower == 0 for radius in component.values())
        assert component["adamw"].witness == replace(
            Network.zero(2, 2), c=(Fraction(), Fraction()) if "skip" in options else None
        )
        rest = Problem([[0, 0], [1, 2], [2, 4]], [5, 1, 4], loss=loss, **options)
        check_in_landscapes(least_radii(analyse(rest, 1), ["adamw"]))


def test_labels_with_free_biases() -> None:
    """Duals in floats miss by little what free biases ask for exactly: they are put right."""
    X, y = [[1, 1], [-2, -1], [-1, 0], [0, 0]], [1, 1, -1, 1]
    problem = Problem(X, y, loss="squared_hinge").with_bias("free")
    (found,) = least_radii(analyse(problem, 2), ["ngd", "muon"]).components
    for radius in found.values():
        assert radius.upper - radius.lower <= WIDTH * radius.upper
        assert float(radius.upper) == pytest.approx(2 * math.sqrt(13), rel=FLOAT)
    (known,) = max_margins(problem, ["ngd"], 2).components
    assert known["ngd"].upper - known["ngd"].lower <= WIDTH * known["ngd"].upper


def test_the_least_loss_in_a_ball_is_on_its_boundary() -> None:
    problem = data("absolute", 4)
    inside = analyse(problem, 1, within=Ball("adamw", "1/8"))
    assert inside.minimum > analyse(problem, 1).minimum
    for known in least_radii(inside, ["adamw"]).components:
        assert known["adamw"].lower == known["adamw"].upper == Fraction(1, 8)


def test_logistic_losses_are_refused() -> None:
    labels = replace(data("hinge", 1, n=3), loss=Loss.named("logistic"))
    with pytest.raises(InputError, match="^loss: the least logistic loss is no rational number"):
        least_radii(analyse(labels, 1), ["adamw"])
