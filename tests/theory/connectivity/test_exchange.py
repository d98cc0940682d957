"""Exact walks on nonnegative solutions: vertices, simplex paths, moving right-hand sides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from theory.connectivity.exchange import Exchange, Walk
from theory.errors import Undecided
from theory.exact import float_of, independent, transposed


def quiet() -> None:
    pass


def exhaust(steps: Any) -> None:
    for _ in steps:
        pass


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    """Small integer columns, zero and parallel ones among them, some entries with caps."""
    size, count = draw(st.integers(1, 3)), draw(st.integers(1, 7))
    entries = st.integers(-2, 2)
    columns = [[fmpq(draw(entries)) for _ in range(size)] for _ in range(count)]
    costs = [fmpq(draw(st.integers(1, 4))) for _ in range(count)]
    caps = [draw(st.sampled_from([None, fmpq(1), fmpq(2)])) for _ in range(count)]
    return Exchange(columns, costs, caps)


@st.composite
def points(draw: st.DrawFn, exchange: Exchange) -> list[fmpq]:
    quarters = [draw(st.integers(0, 4 if cap is None else 4 * int(cap.p))) for cap in exchange.caps]
    return [fmpq(v, 4) for v in quarters]


def is_vertex(exchange: Exchange, x: list[fmpq]) -> bool:
    inner = exchange.between(x)
    rows = transposed([exchange.columns[j] for j in inner], len(exchange.columns[0]))
    return len(independent(rows, len(inner))) == len(inner) if inner else True


def feasible(exchange: Exchange, x: list[fmpq]) -> bool:
    return all(
        0 <= v and (cap is None or v <= cap) for v, cap in zip(x, exchange.caps, strict=True)
    )


def least_cost(exchange: Exchange, total: list[fmpq]) -> float:
    found = linprog(
        [float_of(c) for c in exchange.costs],
        A_eq=np.array([[float_of(v) for v in column] for column in exchange.columns]).T,
        b_eq=[float_of(v) for v in total],
        bounds=[(0, None if cap is None else float_of(cap)) for cap in exchange.caps],
    )
    return found.fun


@given(st.data())
def test_a_vertex_keeps_the_sums_and_the_zeros_and_costs_no_more(data: st.DataObject) -> None:
    exchange = data.draw(exchanges())
    x = data.draw(points(exchange))
    used = [j for j, v in enumerate(x) if v]
    for vertex in (exchange.vertex(x), exchange._pruned(x, used)):
        assert feasible(exchange, vertex)
        assert is_vertex(exchange, vertex)
        assert exchange.total(vertex) == exchange.total(x)
        assert exchange.cost(vertex) <= exchange.cost(x)
        assert all(v or not w for v, w in zip(x, vertex, strict=True))


@given(st.data())
def test_descents_end_at_the_least_cost_through_vertices_of_falling_cost(
    data: st.DataObject,
) -> None:
    exchange = data.draw(exchanges())
    x = exchange.vertex(data.draw(points(exchange)))
    walk = Walk(exchange, x, [fmpq()] * len(exchange.columns[0]), quiet)
    steps = [x, *walk.descend()]
    assert steps[-1] == walk.x
    assert all(is_vertex(exchange, step) and feasible(exchange, step) for step in steps)
    assert all(exchange.total(step) == exchange.total(x) for step in steps)
    costs = [exchange.cost(step) for step in steps]
    assert costs == sorted(costs, reverse=True)
    assert float_of(costs[-1]) == pytest.approx(least_cost(exchange, exchange.total(x)), abs=1e-9)


@given(st.data())
def test_any_vertex_of_least_cost_is_reached_with_costs_that_point_towards_it(
    data: st.DataObject,
) -> None:
    exchange = data.draw(exchanges())
    x = data.draw(points(exchange))
    nothing = [fmpq()] * len(exchange.columns[0])
    to_goal = Walk(exchange, exchange.vertex(x), nothing, quiet)
    exhaust(to_goal.descend())
    goal = to_goal.x
    other = Walk(exchange, exchange._pruned(x, [j for j, v in enumerate(x) if v]), nothing, quiet)
    exhaust(other.descend(exchange.towards(goal)))
    assert other.x == goal


@given(st.data())
def test_carrying_the_right_hand_side_stays_optimal_on_a_straight_line(data: st.DataObject) -> None:
    exchange = data.draw(exchanges())
    x, y = data.draw(points(exchange)), data.draw(points(exchange))
    before, after = exchange.total(x), exchange.total(y)
    change = [b - a for a, b in zip(before, after, strict=True)]
    walk = Walk(exchange, exchange.vertex(x), change, quiet)
    exhaust(walk.descend())
    steps = [walk.x.copy(), *walk.carry()]
    assert exchange.total(steps[-1]) == after
    for step in steps:
        assert feasible(exchange, step)
        assert is_vertex(exchange, step)
        total = exchange.total(step)
        cost = least_cost(exchange, total)
        assert float_of(exchange.cost(step)) == pytest.approx(cost, abs=1e-9)
        # On the line: (total - before) is a multiple t of the change, 0 <= t <= 1.
        moved = [t - b for t, b in zip(total, before, strict=True)]
        k = next((k for k, c in enumerate(change) if c), None)
        if k is not None:
            t = moved[k] / change[k]
            assert 0 <= t <= 1
            assert moved == [t * c for c in change]


def test_closed_form() -> None:
    # x1 + x2 = 1 with costs 2, 1: all of it goes to the second.
    exchange = Exchange([[fmpq(1)], [fmpq(1)]], [fmpq(2), fmpq(1)], [None, None])
    walk = Walk(exchange, [fmpq(1), fmpq(0)], [fmpq(0)], quiet)
    assert list(walk.descend()) == [[0, 1]]
    capped = Exchange([[fmpq(1)], [fmpq(1)]], [fmpq(2), fmpq(1)], [None, fmpq(1, 2)])
    walk = Walk(capped, [fmpq(1), fmpq(0)], [fmpq(0)], quiet)
    assert list(walk.descend()) == [[fmpq(1, 2), fmpq(1, 2)]]


def test_a_right_hand_side_that_cannot_be_reached_is_told() -> None:
    exchange = Exchange([[fmpq(1)]], [fmpq(1)], [fmpq(1)])
    with pytest.raises(Undecided, match="leaves the polyhedron"):
        list(Walk(exchange, [fmpq(1, 2)], [fmpq(2)], quiet).carry())
