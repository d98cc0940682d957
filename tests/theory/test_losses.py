"""Losses: exact values, duals and floats agree, and problems say which they have."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from quadratic_forms import formed, forms

from theory.errors import InputError
from theory.losses import SQUARED, Custom, Hinge, Huber, Loss, Separable
from theory.network import Network
from theory.problem import Problem
from theory.semidefinite import Semidefinite

LABELS = ("hinge", "squared_hinge", "logistic")
NAMES = ("squared", "absolute", "quantile:1/4", "epsilon:1/3", "huber:1/2", *LABELS)
LOSSES = st.sampled_from(NAMES).map(Loss.named)
NUMBERS = st.fractions(-3, 3, max_denominator=6)
STEPS = (Fraction(-1, 7), Fraction(), Fraction(1, 7))
WEIGHTS = st.fractions(Fraction(1, 4), 4, max_denominator=4)


@st.composite
def data(draw: st.DrawFn) -> tuple[Loss, list[Fraction], list[Fraction]]:
    """A loss, perhaps with weights or a form, a fit and targets."""
    loss, n = draw(LOSSES), draw(st.integers(1, 4))
    fit = draw(st.lists(NUMBERS, min_size=n, max_size=n))
    targets = st.sampled_from([-1, 1]).map(Fraction) if loss.name in LABELS else NUMBERS
    y = draw(st.lists(targets, min_size=n, max_size=n))
    weights = draw(st.none() | st.lists(WEIGHTS, min_size=n, max_size=n))
    if loss.name == "squared" and draw(st.booleans()):
        return loss.formed(Semidefinite.of(draw(forms(n)))), fit, y
    return loss.weighted(weights), fit, y


def floats(values: list[Fraction]) -> np.ndarray:
    return np.array([float(v) for v in values])


@given(data(), st.data())
def test_every_dual_vector_bounds_the_loss(
    drawn: tuple[Loss, list[Fraction], list[Fraction]], more: st.DataObject
) -> None:
    loss, fit, y = drawn
    lam = more.draw(st.lists(NUMBERS, min_size=len(y), max_size=len(y)))
    times = loss.multiple(lam, y)
    bound = loss.dual([times * v for v in lam], y)
    assert bound is not None  # so long are they at most
    height = sum(v * f for v, f in zip(lam, fit, strict=True))
    assert loss.value(fit, y) >= bound - times * height
    assert loss.value(fit, y) >= loss.bound([times * v for v in lam], times * height, y)


@given(data())
def test_the_gradient_is_the_dual_vector_without_a_gap(
    drawn: tuple[Loss, list[Fraction], list[Fraction]],
) -> None:
    loss, fit, y = drawn
    lam = [Fraction(-v) for v in loss.gradient(floats(fit), floats(y)).tolist()]
    times = loss.multiple(lam, y) if loss.name != "squared" else Fraction(1)
    bound = loss.dual([times * v for v in lam], y)
    assert bound is not None
    height = times * sum(v * f for v, f in zip(lam, fit, strict=True))
    assert float(loss.value(fit, y)) == pytest.approx(float(bound - height), abs=1e-9)


@given(data(), st.data())
def test_minimisers_are_where_there_is_no_gap(
    drawn: tuple[Loss, list[Fraction], list[Fraction]], more: st.DataObject
) -> None:
    """Within both ends w l(f) + lam f is D(lam), beyond them it is more."""
    loss, fit, y = drawn
    assume(loss.name != "logistic" and loss.form is None)
    weights = loss.weights or (Fraction(1),) * len(y)
    lam = []
    for least, most in loss.ends(y):
        low, high = (-3 if least is None else least), (3 if most is None else most)
        ends = st.sampled_from([Fraction(low), Fraction(high), (low + high) / Fraction(2)])
        lam.append(more.draw(ends | st.fractions(low, high, max_denominator=48)))
    assert isinstance(loss, Separable)
    for k, (least, most) in enumerate(loss.minimisers(lam, y)):
        one, target = loss.weighted([weights[k]]), [y[k]]
        bound = one.dual([lam[k]], target)
        assert bound is not None
        near = [end + step for end in (least, most) if end is not None for step in STEPS]
        for f in (fit[k], *near):
            inside = (least is None or least <= f) and (most is None or f <= most)
            assert (one.value([f], target) + lam[k] * f == bound) == inside


@given(data())
def test_floats_are_those_of_the_exact_loss(
    drawn: tuple[Loss, list[Fraction], list[Fraction]],
) -> None:
    loss, fit, y = drawn
    assert loss.at(floats(fit), floats(y)) == pytest.approx(float(loss.value(fit, y)), abs=1e-9)


@given(data())
def test_what_is_below_the_loss_is_near(
    drawn: tuple[Loss, list[Fraction], list[Fraction]],
) -> None:
    loss, fit, y = drawn
    below, value = loss.below(fit, y), loss.value(fit, y)
    assert below <= value <= below * (1 + Fraction(1, 10**12))
    assert (below == value) is (loss.name != "logistic")


@given(data(), st.lists(st.fractions(0, 1), min_size=2, max_size=2))
def test_terms_are_polynomials_between_kinks_and_not_across(
    drawn: tuple[Loss, list[Fraction], list[Fraction]], parts: list[Fraction]
) -> None:
    """Three values of a polynomial of degree two say what the fourth is."""
    loss, _, (y, *_) = drawn
    assume(loss.form is None)
    assert isinstance(loss, Separable)
    kinks = loss.kinks(y)
    if kinks is None:
        assert loss.name == "logistic"
        return

    def third(low: Fraction, high: Fraction) -> Fraction:
        """The third difference of the term from low to high."""
        values = [loss.term(low + k * (high - low) / 3, y) for k in range(4)]
        return values[3] - 3 * values[2] + 3 * values[1] - values[0]

    ends = kinks or (y,)
    assert list(kinks) == sorted(kinks)
    for low, high in pairwise([ends[0] - 4, *kinks, ends[-1] + 4]):
        assert third(*(low + part * (high - low) for part in parts)) == 0
    for kink in kinks:
        assert third(kink - Fraction(1, 90), kink + Fraction(2, 90)) != 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weights", [None, (Fraction(2), Fraction(1, 3), Fraction(1))])
def test_the_expression_has_the_same_value(name: str, weights: tuple[Fraction, ...] | None) -> None:
    import cvxpy

    loss = Loss.named(name).weighted(weights)
    fit, y = np.array([0.3, -1.7, 2.5]), np.array([1.0, 1.0, -1.0])
    found = loss.expression(cvxpy.Constant(fit), y)
    assert found.is_convex()
    assert float(np.asarray(found.value)) == pytest.approx(loss.at(fit, y), rel=1e-12)


@pytest.mark.parametrize("rank", [0, 1, 3])
def test_the_expression_of_a_form_has_the_same_value(rank: int) -> None:
    import cvxpy

    loss = SQUARED.formed(Semidefinite.of(formed(3, rank, seed=1)))
    fit, y = np.array([0.3, -1.7, 2.5]), np.array([1.0, 1.0, -1.0])
    found = loss.expression(cvxpy.Constant(fit), y)
    assert found.is_convex()
    assert float(np.asarray(found.value)) == pytest.approx(loss.at(fit, y), rel=1e-12)


@given(data(), st.fractions(Fraction(1, 9), 9, max_denominator=9))
def test_units_of_the_targets(
    drawn: tuple[Loss, list[Fraction], list[Fraction]], unit: Fraction
) -> None:
    loss, fit, y = drawn
    if loss.unit(y) == 1 and loss.name in LABELS:
        unit = Fraction(1)
    smaller = loss.rescaled(unit).value([f / unit for f in fit], [v / unit for v in y])
    expected = pytest.approx(float(loss.value(fit, y)), rel=1e-12)
    assert float(loss.factor(unit) * smaller) == expected


@given(data(), st.integers(1, 3))
def test_weights_are_rows_repeated(
    drawn: tuple[Loss, list[Fraction], list[Fraction]], times: int
) -> None:
    loss, fit, y = drawn
    assume(loss.form is None)
    plain = loss.weighted(None)
    weighted = loss.weighted([Fraction(times)] * len(y))
    assert weighted.value(fit, y) == plain.value(fit * times, y * times)


@pytest.mark.parametrize("name", NAMES)
def test_names_find_what_they_name(name: str) -> None:
    assert str(Loss.named(name)) == name
    assert Loss.named(f" {name.upper()} ") == Loss.named(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("cubed", "'cubed' is none; write one of squared, absolute, quantile:1/4"),
        ("huber", "'huber' is none; write one of"),
        ("hinge:2", "'hinge:2' is none; write one of"),
        ("huber:one", "'one' in 'huber:one' is no number"),
        ("huber:1/0", "'1/0' divides by zero"),
        ("huber:0", "0 must be positive"),
        ("epsilon:-1", "-1 must be positive"),
        ("quantile:1", "1 must be between 0 and 1"),
    ],
)
def test_other_names_are_refused(name: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        Loss.named(name)


def test_a_loss_of_ones_own_has_no_weights() -> None:
    with pytest.raises(InputError, match="weights"):
        Custom(lambda f, y: f, weights=(Fraction(1),))


def test_problems_in_json_say_their_loss() -> None:
    problem = Problem(
        *([[1, 0], [-1, 2]], [1, -1]),
        loss="hinge",
        weights=["3", "1/2"],
        output_bias=True,
        skip=True,
    )
    document = problem.to_json()
    assert document["loss"] == "hinge"
    assert document["weights"] == ["3", "1/2"]
    assert document["output_bias"] is document["skip"] is True
    assert Problem.from_json(document) == problem
    assert problem.zero == Fraction(7, 2)
    assert not {"loss", "weights", "skip"} & Problem([[1]], [1]).to_json().keys()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"loss": "hinge"}, "y\\[0\\]: 2 is no label; the hinge loss needs 1 and -1"),
        ({"weights": ["1"]}, "weights: has 1 entries, but X has 2 rows"),
        ({"weights": ["1", "0"]}, "weights\\[1\\]: 0 must be positive"),
        ({"skip": "yes"}, "skip: must be true or false, not 'yes'"),
    ],
)
def test_what_does_not_suit_is_refused(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        Problem.from_json({"X": [[1], [2]], "y": [2, 1], **fields})


def test_other_targets_keep_the_loss() -> None:
    problem = Problem([[1], [2]], [2, 1], loss=Huber(Fraction(2)), weights=[1, 3])
    assert replace(problem, y=(Fraction(0), Fraction(9))).loss == problem.loss
    with pytest.raises(InputError, match="is no label"):
        replace(problem, loss=Hinge())


def test_networks_with_an_output_bias_and_a_linear_part() -> None:
    problem = Problem([[1, 0], [-1, 2]], [1, 3], output_bias=True, skip=True)
    network = Network([[1], [1]], [2], b="1/2", c=[1, -1])
    assert network.fit(problem) == (Fraction(7, 2), Fraction(-1, 2))
    assert Network.from_json(network.to_json()) == network
    assert network.loss(problem) == SQUARED.value(network.fit(problem), problem.y)
    plain = Problem(problem.X, problem.y)
    with pytest.raises(InputError, match="b: 1/2 must be 0: the problem has no output bias"):
        network.fit(plain)
    with pytest.raises(InputError, match="c: must be zero"):
        replace(network, b=Fraction()).fit(plain)
    with pytest.raises(InputError, match="c: has 1 entries, but W has 2 rows"):
        Network([[1], [1]], [2], c=[1])


@pytest.mark.parametrize(
    "name",
    [
        *("squared", "absolute", "quantile:1/4", "epsilon:1/10", "huber:1/2"),
        *("hinge", "squared_hinge"),
    ],
)
@pytest.mark.parametrize("y", [Fraction(1), Fraction(-1)])
def test_segments_are_where_the_derivative_is_linear(name: str, y: Fraction) -> None:
    """At a grid with all ends: Fenchel's equality, of the term and its conjugate, and one-sided
    differences of the term."""
    loss = Loss.named(name)
    assert isinstance(loss, Separable)
    segments = loss.segments(y)
    assert segments[0].start is None
    step = Fraction(1, 10**9)
    for f in [Fraction(k, 20) for k in range(-50, 51)]:
        (least, most), value = loss.subgradients([f], [f], [y])[0], loss.term(f, y)
        for slope in (least, most):
            assert value == (loss.dual_term(-slope, y) or 0) + slope * f
        assert least == pytest.approx((value - loss.term(f - step, y)) / step, abs=1e-8)
        assert most == pytest.approx((loss.term(f + step, y) - value) / step, abs=1e-8)


def test_the_logistic_loss_has_no_segments() -> None:
    loss = Loss.named("logistic")
    assert isinstance(loss, Separable)
    assert not loss.segments(Fraction(1))
