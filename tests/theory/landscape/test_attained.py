"""Exact fits in round balls, and least losses that such a ball attains: decided, and proved."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement
from typing import Any

import exact_norms
import numpy as np
import pytest
from documents import tampered
from hypothesis import given
from hypothesis import strategies as st
from problems import ACTIVATIONS
from profiles import part

from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.connectivity import width_profile
from theory.connectivity.estimates import estimated_intervals
from theory.errors import InputError, Undecided
from theory.gauges import Gauge, gauge_of
from theory.geometry import geometry
from theory.landscape import analyse, barrier_between, valleys
from theory.landscape.attained import FreeMinima, on_the_fit
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.conic import Bracket
from theory.landscape.least import least
from theory.landscape.nnls import Minimum
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.regions.balls import ball_of
from theory.regions.least_radius import Search
from theory.strategies import problems
from theory.within import Ball

CONIC = (
    *("muon", "muon-adamw", "ngd", "colnorm", "colnorm-ngd", "ngd-adamw"),
    "adamw-ngd",
)
CLOSE = Fraction(1, 10**7)  # relative, of a radius: a margin that is decided at a level of 0

few = part(4)
balls = st.sampled_from(CONIC)
POINT = Problem(X=[[1]], y=[1])
AXES = Problem(X=[[1, 0], [0, 1]], y=[3, -4])


def fitted(problem: Problem, width: int, ball: str, rho: Fraction) -> bool:
    """Whether the ball holds an exact fit, as it is decided and proved."""
    found = least(CellComplex.of(problem, width, within=Ball(ball, rho)))
    assert (found.lower == 0) == (found.value == 0), "open"
    document = certify(found)
    said = check(document, problem).statement
    assert said.endswith(" is 0") == (found.value == 0)
    if not found.value:
        assert found.network.loss(problem) == 0
        assert exact_norms.inside(ball, found.network.W, found.network.a, rho)
    return not found.value


# Closed forms. On the line f = x (u_1 + .. + u_m) for neurons of one sign; on two axes, of data of
# different signs, u_1 = (3, -s) and u_2 = (-t, 4), best with s = t = 0.

RADII: list[tuple[str, Problem, int, int]] = [
    *((ball, POINT, 1, 1) for ball in CONIC),
    ("muon", POINT, 3, 1),
    ("ngd", POINT, 3, 1),
    ("muon-adamw", Problem(X=[[2]], y=[12]), 4, 3),  # |y| / (|x| m^(1/2))
    ("ngd-adamw", Problem(X=[[2]], y=[12]), 4, 3),
    ("colnorm-ngd", Problem(X=[[2]], y=[12]), 4, 3),
    ("adamw-ngd", Problem(X=[[2]], y=[12]), 4, 3),
    ("colnorm", Problem(X=[[2]], y=[12]), 3, 2),  # |y| / (|x| m)
    ("muon", AXES, 2, 5),  # the 2-summing norm of diag(3, 4)
    ("muon-adamw", AXES, 2, 4),
    ("ngd", Problem(X=[[1, 0], [0, 1]], y=[1, -4]), 2, 5),
    ("colnorm", AXES, 2, 4),
    *((ball, AXES, 2, 5) for ball in ("colnorm-ngd", "ngd-adamw", "adamw-ngd")),
    ("muon", Problem(X=[[1, 0], [0, 1]], y=[3, 4]), 1, 5),
    ("ngd", Problem(X=[[1, 0], [0, 1]], y=[3, 4]), 1, 5),
]


@pytest.mark.parametrize(("ball", "problem", "width", "radius"), RADII, ids=str)
def test_least_radii_in_closed_form(ball: str, problem: Problem, width: int, radius: int) -> None:
    """The ball of exactly the least radius holds a fit, one that is hardly smaller holds none."""
    assert fitted(problem, width, ball, Fraction(radius))
    assert fitted(problem, width, ball, radius * (1 + CLOSE))
    assert not fitted(problem, width, ball, radius * (1 - CLOSE))


@pytest.mark.parametrize("ball", ["muon-adamw", "ngd-adamw", "colnorm-ngd", "adamw-ngd"])
def test_an_irrational_least_radius(ball: str) -> None:
    """2 / sqrt 2 on the line at width 2, and fractions as near as 2 10^-10 of it."""
    problem = Problem(X=[[1]], y=[2])
    above, below = Fraction(19601, 13860), Fraction(47321, 33461)
    assert below**2 < 2 < above**2 < 2 * (1 + Fraction(1, 10**8))
    assert fitted(problem, 2, ball, above)
    assert not fitted(problem, 2, ball, below)


# Against other ways to find it.


def least_radius(complex_: CellComplex, cell: Cell, ball: str) -> tuple[Fraction, Fraction] | None:
    """Bounds of the least radius of a fit in the cell, proved by a program in (u, alpha)."""
    found = Search(complex_, [cell], (ball_of(ball),), Fraction()).run()
    if found.upper is None or found.lower is None:
        return None
    return found.lower, found.upper


def test_every_cell_against_another_program() -> None:
    """A little inside and outside the least radius, where there is one."""
    answers: Counter[str] = Counter()

    @given(problems(activations=ACTIVATIONS, n=(1, 3), d=(1, 2)), balls, st.data())
    def agree(problem: Problem, ball: str, data: st.DataObject) -> None:
        free = CellComplex.of(problem, 2)
        cells = list(combinations_with_replacement(range(free.states), 2))
        fits = [other for other in cells if not free.minimum(other).value]
        cell: Cell = data.draw(st.sampled_from(fits or cells) | st.sampled_from(cells))

        def found(rho: Fraction) -> Minimum:
            return CellComplex.of(problem, 2, within=Ball(ball, rho)).minimum(cell)

        if free.minimum(cell).value:
            assert found(Fraction(10)).lower > 0
            answers["no fit"] += 1
            return
        known = least_radius(free, cell, ball)
        if known is None or not known[1]:
            assert not any(problem.y) or known is None
            return
        margin = Fraction(data.draw(st.sampled_from([1, 100, 10**5])), 10**6)
        assert found(known[1] * (1 + margin)).value == 0
        assert found(known[0] * (1 - margin)).lower > 0
        answers["fits"] += 1

    agree()
    assert min(answers["no fit"], answers["fits"]) > 0, answers


@few
@given(
    problems(activations=ACTIVATIONS, n=(1, 3), d=(1, 2)),
    st.integers(1, 2),
    balls,
    st.integers(0, 9),
)
def test_planted_networks_are_never_excluded(
    problem: Problem, width: int, ball: str, seed: int
) -> None:
    """A random network, with its own fit for y, in the least ball that holds it, or nearly."""
    random = np.random.default_rng(seed)
    W = random.integers(-2, 3, (problem.d, width)).tolist()
    network = Network(W=W, a=random.choice([-1, 1], width).tolist())
    data = Problem(X=problem.X, y=network.fit(problem))
    gauge: Gauge = gauge_of(geometry(ball).ball)
    signs, u = zip(*network.convex_coordinates(), strict=True)
    rho = gauge.witness(signs, u)[1] if any(map(any, u)) else Fraction(1)
    assert fitted(data, width, ball, rho * (1 + CLOSE))


@few
@given(
    problems(activations=ACTIVATIONS, n=(1, 3), d=(1, 2)),
    st.integers(1, 2),
    balls,
    st.sampled_from([1, 2, 5]),
)
def test_fits_drawn_at_random_are_never_excluded(
    problem: Problem, width: int, ball: str, rho: int
) -> None:
    """Exact fits of random directions, their sizes from a linear system, with their exact norms."""
    random = np.random.default_rng(0)
    inside = CellComplex.of(problem, width, within=Ball(ball, rho))
    excluded = least(inside).lower > 0
    gauge = gauge_of(geometry(ball).ball)
    for _ in range(200):
        directions = random.integers(-3, 4, (width, problem.d))
        signs = random.choice([-1, 1], width)
        A = np.array(
            [
                s * np.maximum(np.array(problem.X, dtype=float) @ v, 0)
                for s, v in zip(signs, directions, strict=True)
            ]
        ).T
        sizes = np.linalg.lstsq(A, np.array(problem.y, dtype=float), rcond=None)[0]
        whole = [Fraction(float(z)).limit_denominator(100) for z in sizes]
        if min(whole) < 0:
            continue
        u = tuple(tuple(z * int(v) for v in row) for z, row in zip(whole, directions, strict=True))
        network = Network.from_convex(list(zip(map(int, signs), u, strict=True)))
        if network.loss(problem) == 0 and any(map(any, u)):
            assert not excluded or gauge.witness(tuple(map(int, signs)), u)[1] > rho


@few
@given(
    problems(activations=ACTIVATIONS, n=(1, 3)),
    st.integers(1, 2),
    balls,
    st.sampled_from([Fraction(1, 2), 1, 3]),
)
def test_what_is_exact_is_the_least_loss_without_the_ball(
    problem: Problem, width: int, ball: str, rho: Fraction
) -> None:
    """And no minimum is below it; the networks of all cells are inside, and of the loss said."""
    inside = CellComplex.of(problem, width, within=Ball(ball, rho))
    free = CellComplex.of(problem, width)
    for cell in combinations_with_replacement(range(inside.states), width):
        found, without = inside.minimum(cell), free.loss_of(free.minimum(cell).value)
        assert isinstance(found, Bracket)
        assert without <= found.lower <= found.value
        network = inside.domain.network(inside.point(cell, found))
        if any(network.a):
            assert exact_norms.inside(ball, network.W, network.a, Fraction(rho))
        assert network.loss(problem) <= found.value
        if found.lower == found.value:
            assert network.loss(problem) == without == found.value
        elif found.open_at is None:
            assert found.lower > without


@few
@given(
    problems(activations=ACTIVATIONS, n=(1, 3)),
    balls,
    st.sampled_from([Fraction(2, 3), Fraction(7), Fraction(10) ** 40]),
)
def test_factors_of_the_data_change_nothing(problem: Problem, ball: str, factor: Fraction) -> None:
    scaled = Problem(X=[[factor * v for v in row] for row in problem.X], y=problem.y)
    for rho in (Fraction(1, 2), Fraction(3)):
        one = least(CellComplex.of(problem, 2, within=Ball(ball, rho)))
        other = least(CellComplex.of(scaled, 2, within=Ball(ball, rho / factor)))
        assert (one.value == 0, one.lower > 0) == (other.value == 0, other.lower > 0)


# Data of all kinds.

DEGENERATE = {
    "one point": POINT,
    "a row of zeros": Problem(X=[[0, 0], [1, 2]], y=[0, 3]),
    "a row of zeros that is missed": Problem(X=[[0, 0], [1, 2]], y=[1, 3]),
    "a row twice": Problem(X=[[1, 2], [1, 2]], y=[3, 3]),
    "a row twice with two targets": Problem(X=[[1, 2], [1, 2]], y=[3, 2]),
    "parallel rows": Problem(X=[[1, 2], [-2, -4]], y=[3, 1]),
    "rank one": Problem(X=[[2, 1], [4, 2], [-2, -1]], y=[3, 6, 0]),
    "nothing to fit": Problem(X=[[1, 2], [3, 4]], y=[0, 0]),
    "nothing at all": Problem(X=[[0]], y=[0]),
    "only zeros": Problem(X=[[0, 0]], y=[1]),
    "on the line": Problem(X=[[1], [-1], [2]], y=[1, 2, 2]),
    "more columns than rows": Problem(X=[[1, 0, 2]], y=[-1]),
}


@pytest.mark.parametrize("ball", CONIC)
@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_data(name: str, ball: str) -> None:
    """In a large ball all is as without one, exactly; in a small one nothing fits but zero."""
    problem = DEGENERATE[name]
    free = analyse(problem, 2)
    found = analyse(problem, 2, within=Ball(ball, 100))
    assert found.level == found.minimum == found.proved == free.minimum
    assert len(found.components) == len(free.components)
    assert found.barriers == free.barriers == found.lower_bounds
    check(certify(found), problem)
    tiny = least(CellComplex.of(problem, 2, within=Ball(ball, Fraction(1, 100))))
    zero = problem.squared_length / 2
    assert (tiny.lower == tiny.value) == (free.minimum == zero)
    check(certify(tiny), problem)


def test_a_positive_least_loss_that_the_ball_attains() -> None:
    """Two targets for one point: the best fit, 3/2, takes a ball of radius 3/2, and no less."""
    problem = Problem(X=[[1], [1]], y=[1, 2])
    for ball in CONIC:
        for size, exact in ((Fraction(1), True), (Fraction(2), True), (1 - 10 * CLOSE, False)):
            found = least(CellComplex.of(problem, 1, within=Ball(ball, size * 3 / 2)))
            assert (found.lower == found.value == Fraction(1, 4)) == exact
            assert found.lower >= Fraction(1, 4)
            assert (found.lower > Fraction(1, 4)) != exact
            check(certify(found), problem)


def test_barriers_that_no_ball_raises_are_exact() -> None:
    """The flagship's, 32/45, in each ball that holds both components; Muon's reaches them at 5."""
    for ball, rho in (("muon", 6), ("ngd", 7), ("colnorm", 3), ("muon-adamw", 5)):
        found = analyse(example("flagship"), 2, within=Ball(ball, rho))
        assert found.level == 0
        assert found.barriers[0][1] == found.lower_bounds[0][1] == Fraction(32, 45)
        said = check(certify(found)).statement
        assert said.startswith("{L <= 0} has 2 components")
        assert said.endswith("with barrier 32/45, and the global minimum is 0")


# Where ball and fits touch.


def test_a_touch_that_no_rational_network_shows() -> None:
    """f = (1, -2) takes sizes 1 and 2 in ngd's ball of radius 3, and output weights in the
    proportion of 1 and sqrt 2."""
    problem = Problem(X=[[1, 0], [0, 1]], y=[1, -2])
    with pytest.raises(Undecided, match="only touches them there; choose another radius"):
        analyse(problem, 2, level=0, within=Ball("ngd", 3))
    found = analyse(problem, 2, within=Ball("ngd", 3))  # a level above is chosen
    assert 0 < found.level <= Fraction(3, 10**6)
    check(certify(found), problem)
    assert fitted(problem, 2, "ngd", 3 + Fraction(1, 10**7))
    assert not fitted(problem, 2, "ngd", 3 - Fraction(1, 10**7))


def test_the_least_radius_of_muon_worked_out_by_hand() -> None:
    """5/4, where exact fits of `split-by-muon-4` touch the ball: four at width 2, two modulo
    permutation (proofs_notes/not-implied-by-prior-work.md), and nothing is open with more
    neurons."""
    profile = width_profile(example("split-by-muon-4"), Ball("muon", "5/4"), 3, level=Fraction())
    counts = [(row.components, row.components_labelled) for row in profile.rows]
    assert (profile.complete, counts) == (True, [(0, 0), (2, 4), (1, 1)])
    below = 5 * (1 - CLOSE) / 4
    assert not fitted(example("split-by-muon-4"), 2, "muon", below)


def test_points_on_the_sphere_that_are_fractions() -> None:
    """Three neurons of size 12, 16/5 and 9/5 with the 2-summing norm 13."""
    problem = Problem(X=[[1, 0], [0, 1], [0, -1]], y=[-12, "16/5", "9/5"])
    assert fitted(problem, 3, "muon", Fraction(13))
    assert not fitted(problem, 3, "muon", 13 * (1 - CLOSE))


# What is asked of it.

SPLIT = [
    ("split-in-muon", "muon", "3", [(0, 0), (2, 4), (1, 1)]),
    ("non-monotone-muon", "muon", "341/100", [(0, 0), (0, 0), (1, 6), (4, 73)]),
    ("non-monotone-ngd", "ngd", "31/32", [(1, 1), (2, 3), (1, 1)]),
    ("non-monotone-colnorm", "colnorm", "3/5", [(0, 0), (1, 1), (2, 4), (1, 1)]),
]


@pytest.mark.parametrize(("name", "ball", "rho", "counts"), SPLIT, ids=[row[0] for row in SPLIT])
def test_components_of_exact_fits(
    name: str, ball: str, rho: str, counts: list[tuple[int, int]]
) -> None:
    """At a level of 0; the same where the level is left open, wherever there are fits."""
    problem = example(name)
    at_zero = width_profile(problem, Ball(ball, rho), len(counts), level=Fraction())
    assert at_zero.complete
    assert [(row.components, row.components_labelled) for row in at_zero.rows] == counts
    for row, (fits, _) in zip(at_zero.rows, counts, strict=True):
        assert (row.lower == row.upper == 0) == (fits > 0)
        assert (row.lower > 0) == (fits == 0)
    for row in width_profile(problem, Ball(ball, rho), 3).rows:
        if counts[row.width - 1][0]:
            assert row.level == 0
            assert (row.components, row.components_labelled) == counts[row.width - 1]


def test_components_are_those_of_estimated_radii() -> None:
    """Entrywise balls with an l2 norm on `a` among them."""
    for ball, rhos in (("adamw-ngd", ("5/2", "13/5", "3")), ("muon-adamw", ("2", "27/10", "5"))):
        steps = estimated_intervals(example("flagship"), ball, 2)
        for rho in map(Fraction, rhos):
            row = width_profile(example("flagship"), Ball(ball, rho), 2, level=Fraction()).rows[1]
            step = next(each for each in steps if rho in each)
            assert (row.components, row.components_labelled) == (
                step.components,
                step.components_labelled,
            )


def test_a_path_of_exact_fits_and_a_barrier_between_some() -> None:
    problem, ball = example("split-in-muon"), Ball("muon", 3)
    found = analyse(problem, 2, level=0, within=ball)
    first, second = (component.representative for component in found.components)
    barrier = barrier_between(problem, first, second, within=ball)
    assert barrier.losses == (0, 0)
    assert barrier.proved > 0
    wide = [Network(W=[(*row, 0) for row in net.W], a=(*net.a, 0)) for net in (first, second)]
    path = barrier_between(problem, *wide, within=ball)
    assert path.value == path.proved == 0
    assert all(net.loss(problem) == 0 for net in path.path.breakpoints)
    assert check(certify(path)).statement.endswith("inside the muon ball rho = 3 is 0")


def test_levels_below_the_least_loss_are_refused() -> None:
    with pytest.raises(InputError, match="level: 0 is below the minimum"):
        analyse(example("split-in-muon"), 1, level=0, within=Ball("muon", 3))


# The parts.


def test_least_losses_without_a_ball() -> None:
    """(1, 1) is a combination of (1, 0) and (1, 2); of the former alone it is not."""
    minima = FreeMinima([Fraction(1, 3), Fraction(1, 3)], [(1, 0), (1, 2), (0, 0)], 7)
    both, one, none = (minima.minimum(groups) for groups in ([(0,), (1, 2)], [(0, 2)], [(2,), ()]))
    assert both.value == 0
    assert both.fit == (Fraction(1, 3), Fraction(1, 3))
    assert sorted(both.parts) == [(0, 0, Fraction(7, 6)), (1, 1, Fraction(7, 6))]
    assert (one.value, one.fit, one.residual) == (
        Fraction(1, 18),
        (Fraction(1, 3), Fraction(0)),
        (0, 1),
    )
    assert (none.value, none.parts) == (Fraction(1, 9), ())


@given(st.lists(st.integers(0, 5), min_size=3, max_size=5), st.data())
def test_rounding_onto_the_fits(whole: list[int], data: st.DataObject) -> None:
    """Near a point of a polyhedron that floats give there is one in it, and a simple one if any."""
    entry = st.integers(-3, 3)
    images = [data.draw(st.tuples(entry, entry)) for _ in whole]
    z = [Fraction(v, 3) for v in whole]
    fit = [
        sum((v * image[k] for v, image in zip(z, images, strict=True)), Fraction()) for k in (0, 1)
    ]
    noise = [data.draw(st.floats(0, 1e-9)) for _ in whole]
    near = [(v + Fraction(e), Fraction(1)) for v, e in zip(z, noise, strict=True)]
    found = list(on_the_fit(images, fit, near, Fraction(1)))
    for point in found:
        assert min(point) >= 0
        for k in (0, 1):
            assert sum(v * image[k] for v, image in zip(point, images, strict=True)) == fit[k]
    assert z in found or not any(z)


def test_no_rounding_where_there_is_no_fit() -> None:
    assert not list(
        on_the_fit([(1, 0)], [Fraction(1), Fraction(1)], [(Fraction(1), Fraction(1))], Fraction(1))
    )


# Each row: the kind, what to write where, and the reason why the checker refuses it.
TAMPERED: list[tuple[str, tuple[Any, ...], Any, str]] = [
    ("components", ("level",), "-1", "level: is -1, below the minimum 0"),
    ("components", ("level",), "1/10", "components.*|is not above 1/10"),
    ("components", ("minimum",), "1/10", "level: is 0, below the minimum 1/10"),
    ("components", ("minimum",), ["0", "1/10"], "level: is 0, below the minimum 1/10"),
    ("components", ("minimum_network", "a", 0), "1/2", "minimum_network: its loss is .*, not 0"),
    ("components", ("minimum_cover",), [0], "minimum_cover: must be empty, as the minimum is 0"),
    ("components", ("components", 0, "floor"), [0], "must be empty, as the minimum is 0"),
    (
        "components",
        ("components", 1, "representative", "a", 0),
        "1/2",
        r"components\[1\].representative: its loss is .*, not 0",
    ),
    ("components", ("cover",), [], "cover: no dual covers the cell .*, and no component lists it"),
    ("components", ("duals", 0, "nu", 1), "0", "the bound .* of dual 0 is not|no dual covers"),
    ("components", ("within", "rho"), "31/10", "is not (above|at least)|no dual covers"),
    ("components", ("within", "rho"), "28/10", "the network lies outside the ball"),
    ("barrier", ("value", 0), "0", r"networks\[0\]: its loss 0 is not below the cut"),
    ("barrier", ("cut",), None, "but without a cut it must be 0"),
    ("barrier", ("networks", 0, "a", 0), "1/2", r"path\[0\]: is not the first network"),
    ("barrier", ("within", "rho"), "60", "is not at least"),
    ("path", ("value",), "1/10", "without a cut it must be 0"),
    ("path", ("path", 1, "a", 0), "1/3", r"path\[1\]: its loss .* is above 0"),
    (
        "minimum",
        ("duals",),
        [{"nu": ["1", "1", "1"], "Z": [["1", "0"], ["0", "1"]]}],
        "must be empty",
    ),
    ("minimum", ("value",), "1/10", "network: its loss is 0, not 1/10"),
    ("minimum", ("network", "W", 0, 0), "5", "lies outside the ball|its loss is .*, not 0"),
    ("valleys", ("valleys", 0, "loss"), "1/10", "network: its loss is 0, not 1/10"),
    ("valleys", ("valleys", 1, "cut", "value"), "1/2", "is not at least 1/2"),
]


@cache
def certified(kind: str) -> dict[str, Any]:
    """A valid certificate of exact fits in Muon's ball."""
    problem, ball = example("split-in-muon"), Ball("muon", 3)
    found = analyse(problem, 2, level=0, within=ball)
    ends = [component.representative for component in found.components]
    document = {
        "components": lambda: certify(found),
        "barrier": lambda: certify(barrier_between(problem, *ends, within=ball)),
        "path": lambda: certify(
            barrier_between(
                problem,
                *(Network(W=[(*row, 0) for row in net.W], a=(*net.a, 0)) for net in ends),
                within=ball,
            )
        ),
        "minimum": lambda: certify(least(CellComplex.of(problem, 2, within=ball))),
        "valleys": lambda: certify(valleys(problem, 2, within=ball)),
    }[kind]()
    check(document)
    return document


@pytest.mark.parametrize(
    ("kind", "at", "value", "message"), TAMPERED, ids=[f"{r[0]} {r[1]} {r[2]}" for r in TAMPERED]
)
def test_tampering(kind: str, at: tuple[Any, ...], value: Any, message: str) -> None:
    with pytest.raises(CertificateInvalid, match=message):
        check(tampered(certified(kind), at, value))
