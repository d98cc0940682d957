"""The gauges of all eight pairs of norms: brute force, floats, duality, and CVXPY's balls."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import cvxpy as cp
import exact_norms
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import part

from theory.gauges import Gauge, Metric, Point, gauge_of
from theory.geometry import geometry
from theory.network import Network

NAMES = ("adamw", "muon", "muon-adamw", "ngd", "colnorm", "adamw-ngd", "colnorm-ngd", "ngd-adamw")
CLOSE = 1e-9  # relative, of floats

few = part(3)
entry = st.fractions(-3, 3, max_denominator=4)
names = st.sampled_from(NAMES)


def points(d: int = 2, most: int = 3) -> st.SearchStrategy[Point]:
    return st.integers(1, most).flatmap(lambda m: st.tuples(*[st.tuples(*[entry] * d)] * m))


def of(name: str) -> Gauge:
    return gauge_of(geometry(name).ball)


def floats(u: Point) -> np.ndarray:
    return np.array([[float(v) for v in uj] for uj in u]).T


def test_each_pair_of_norms_has_one_name() -> None:
    pairs = {(of(name).hidden.name, of(name).output.name) for name in NAMES}
    assert len(pairs) == len(NAMES) == 8
    certified = [of(name).name for name in NAMES]
    assert sorted(certified) == sorted(exact_norms.BALLS)
    assert [name for name, each in zip(NAMES, certified, strict=True) if name != each] == ["adamw"]


@few
@given(names, points())
def test_bounds_hold_the_float_gauge(name: str, u: Point) -> None:
    lower, upper = geometry(name).gauge(floats(u))
    signs = [1] * len(u)
    for below, above in (
        of(name).bounds(signs, u),
        (of(name).below(u), of(name).witness(signs, u)[1]),
    ):
        assert float(below) <= upper * (1 + CLOSE)
        assert lower * (1 - CLOSE) <= float(above)
        assert float(above) <= float(below) * (1 + 1e-6) or not upper


@few
@given(names, points(), st.lists(st.fractions(Fraction(1, 4), 4), min_size=3, max_size=3))
def test_no_splitting_is_cheaper(name: str, u: Point, scales: list[Fraction]) -> None:
    """||U diag(1/b)|| ||b|| of drawn b, squared and exactly, is at least that of the witness."""
    gauge = of(name)
    b = scales[: len(u)]
    W = [[v / size for v in uj] for uj, size in zip(u, b, strict=True)]
    drawn = gauge.hidden.squared(W) * gauge.output_squared(b)
    assert gauge.below(u) ** 2 <= drawn
    network, size = gauge.witness([1] * len(u), u)
    assert [c for _, c in network.convex_coordinates()] == [*map(tuple, u)]
    assert gauge.holds(network, size) or not size


@few
@given(names, points(), points(), st.fractions(Fraction(1, 4), 4))
def test_in_the_ball_as_others_have_it(name: str, u: Point, other: Point, rho: Fraction) -> None:
    a = [v for uj in other for v in uj][: len(u)]
    u = u[: len(a)]
    network = Network(W=tuple(zip(*u, strict=True)), a=tuple(a))
    assert of(name).holds(network, rho) == exact_norms.inside(of(name).name, network.W, a, rho)


@few
@given(names, points(most=2), points(most=2))
def test_weak_duality(name: str, u: Point, w: Point) -> None:
    """<U, W> <= gauge times dual norm, for integers w and any metric."""
    gauge, size = of(name), min(len(u), len(w))
    columns = [[int(4 * v) for v in wj] for wj in w[:size]]
    metric = Metric.near(np.array([[2.0, 1.0], [1.0, 1.0]])) if gauge.hidden.joint else None
    product = sum(
        p * q for uj, wj in zip(u, columns, strict=False) for p, q in zip(uj, wj, strict=True)
    )
    dual = gauge.dual([gauge.cost(wj, metric) for wj in columns])
    assert product <= gauge.witness([1] * size, u[:size])[1] * dual


@pytest.mark.parametrize("name", NAMES)
def test_the_ball_of_blocks_is_that_of_their_neurons(name: str) -> None:
    """In CVXPY, where each column is the sum of so many equal neurons; and all rooms have one."""
    gauge = of(name)
    U, counts = np.array([[3.0, 0.0, -1.0], [1.0, -2.0, 2.0]]), np.array([1, 2, 3])
    split = np.repeat(U / counts, counts, axis=1)
    for V, of_each, parts in ((U, None, U), (U, counts, split)):
        rho = cp.Variable()
        constraints = gauge.hidden.ball(cp.Constant(V), rho, gauge.power, of_each).constraints
        least = cp.Problem(cp.Minimize(rho), constraints).solve(solver=cp.CLARABEL)
        assert least == pytest.approx(geometry(name).gauge(parts).upper, rel=1e-6)


@few
@given(points())
def test_order_of_the_gauges(u: Point) -> None:
    """The inequalities of proofs_notes/radii.md."""
    size = {name: geometry(name).gauge(floats(u)).upper for name in NAMES}
    chains = [
        ("adamw", "adamw-ngd", "colnorm-ngd", "muon", "ngd"),
        ("adamw", "colnorm", "muon-adamw", "ngd-adamw", "colnorm-ngd"),
    ]
    for less, more in (pair for chain in chains for pair in pairwise(chain)):
        assert size[less] <= size[more] * (1 + CLOSE)


@few
@given(names, points(most=1), st.integers(1, 4))
def test_more_equal_neurons_make_more_room(name: str, u: Point, k: int) -> None:
    """k equal parts need the k^(1/s - 1)-th of the radius: `relaxed` has the same power."""
    whole, parts = (
        geometry(name).gauge(floats(each)).upper for each in (u, (tuple(v / k for v in u[0]),) * k)
    )
    room = float(of(name).relaxed(Fraction(1), k))
    assert parts * room == pytest.approx(whole, rel=1e-8, abs=1e-12)
