"""Radii where hidden biases are apart from the ball of W, against landscapes and closed forms."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import part

from theory.errors import InputError
from theory.gauges import gauge_of
from theory.geometry import geometry
from theory.landscape import Analysis, analyse
from theory.landscape.cells import CellComplex
from theory.landscape.least import least
from theory.loading import example
from theory.problem import Problem
from theory.radii import Radii, least_radii
from theory.within import Ball, gauge_in, settled

LINE = Problem([[0], [1], [2]], [1, -1, 2])
ROUND = ("muon", "muon-adamw", "ngd", "colnorm", "colnorm-ngd", "ngd-adamw")
NAMES = ("adamw", "adamw-ngd", *ROUND)
BOUNDED = ("adamw", "adamw-ngd", "muon", "muon-adamw", "ngd", "ngd-adamw")
CASES = [*((name, "free") for name in NAMES), *((name, "adamw") for name in BOUNDED)]
NARROW = 1e-6  # relative; ten times what is seen

few = part(10)
small = st.fractions(-2, 2, max_denominator=3)


@cache
def found(problem: Problem, width: int, bias: str) -> Radii:
    names = NAMES if bias in ("free", "decayed") else BOUNDED
    return least_radii(analyse(problem.with_bias(bias), width), names)


@pytest.mark.parametrize(("name", "bias"), CASES)
@pytest.mark.parametrize("problem", [LINE, example("flagship")])
def test_radii_are_where_balls_begin_to_hold_a_component(
    problem: Problem, name: str, bias: str
) -> None:
    """A little above the radius the ball attains the least loss, a little below it does not."""
    result = found(problem, 2, bias)
    first = min((each[name] for each in result.components), key=lambda radius: radius.upper)
    assert first.lower <= first.upper <= first.lower * (1 + Fraction(NARROW))
    least_loss = result.analysis.minimum
    data = problem.with_bias(bias)
    _, ball = settled(data, Ball(name, first.upper))
    assert isinstance(ball, Ball)
    assert ball.gauge.holds(first.witness, first.upper * (1 + Fraction(1, 10**9)))
    assert first.witness.loss(data) == least_loss
    for factor, reached in ((Fraction(1001, 1000), True), (Fraction(999, 1000), False)):
        inside = least(CellComplex.of(data, 2, within=Ball(name, first.upper * factor)))
        assert (inside.value <= least_loss) == reached
        assert (inside.lower > least_loss) != reached


@pytest.mark.parametrize("problem", [LINE, example("flagship")])
def test_less_decay_smaller_radii(problem: Problem) -> None:
    results = {bias: found(problem, 2, bias) for bias in ("decayed", "adamw", "free")}
    for name in BOUNDED:
        for component in range(len(results["free"].components)):
            free, bounded, decayed = (
                results[bias].components[component][name] for bias in ("free", "adamw", "decayed")
            )
            assert free.lower <= bounded.upper
            assert bounded.lower <= decayed.upper


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_constant_fit(width: int) -> None:
    """X = [[0]] and y = 1: only biases count, see proofs_notes/biases.md."""
    root = math.sqrt(width)
    expected = {
        ("adamw", "adamw"): 1 / width,
        ("muon-adamw", "adamw"): 1 / width,
        ("muon", "adamw"): 1 / root,
        ("ngd", "adamw"): 1 / root,
        ("ngd-adamw", "adamw"): 1 / width,
        ("muon", "decayed"): 1,
        ("muon-adamw", "decayed"): 1 / root,
        **{(name, "free"): 0 for name in NAMES},
    }
    for (name, bias), radius in expected.items():
        analysis = analyse(Problem([[0]], [1]).with_bias(bias), width)
        each = least_radii(analysis, [name]).components[0][name]
        assert float(each.lower) == pytest.approx(radius, rel=NARROW)
        assert float(each.upper) == pytest.approx(radius, rel=NARROW)


@few
@given(
    st.lists(st.tuples(small, small), min_size=2, max_size=3),
    st.lists(small, min_size=3, max_size=3),
    st.sampled_from(CASES),
)
def test_bounds_of_drawn_data(
    X: list[tuple[Fraction, Fraction]], y: list[Fraction], case: tuple[str, str]
) -> None:
    name, bias = case
    data = Problem(X, y[: len(X)]).with_bias(bias)
    analysis: Analysis = analyse(data, 1)
    for component in least_radii(analysis, [name]).components:
        radius = component[name]
        assert (
            radius.lower
            <= radius.upper
            <= radius.lower * (1 + Fraction(1, 10**4)) + Fraction(1, 10**9)
        )


@few
@given(
    st.sampled_from(["muon", "muon-adamw", "ngd", "ngd-adamw"]),
    st.lists(st.tuples(small, small, small), min_size=1, max_size=3),
    st.lists(st.tuples(small, small, small), min_size=3, max_size=3),
)
def test_weak_duality_with_bounded_biases(
    name: str, u: list[tuple[Fraction, ...]], w: list[tuple[Fraction, ...]]
) -> None:
    """<U, W> <= gauge times dual norm, for integers w, with a metric."""
    gauge = gauge_in(LINE.with_bias("adamw"), name)
    columns = [[int(6 * v) for v in wj] for wj in w[: len(u)]]
    metric = gauge.metric_near(np.array([[2.0, 1.0], [1.0, 1.0]]))
    product = sum(
        p * q for uj, wj in zip(u, columns, strict=True) for p, q in zip(uj, wj, strict=True)
    )
    dual = gauge.dual([gauge.cost(wj, metric) for wj in columns])
    assert product <= gauge.witness([1] * len(u), tuple(u))[1] * dual


def test_treatments_that_are_not_known_are_refused() -> None:
    with pytest.raises(InputError, match=r"^bias: as adamw's in the ball of colnorm is not known"):
        least_radii(analyse(LINE.with_bias("adamw"), 1), ["colnorm"])
    assert gauge_in(LINE.with_bias(), "ngd") == gauge_of(geometry("ngd").ball)
