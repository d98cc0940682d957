"""Algebraic numbers: planted roots, closed forms, order, intervals of any width."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import fmpq, fmpq_poly
from hypothesis import given
from hypothesis import strategies as st

from theory.exact import from_flint, to_flint
from theory.lines.real import Real, bernstein, image, roots

SMALL = st.fractions(min_value=-3, max_value=3, max_denominator=5)
SQRT2 = Real(Fraction(1), Fraction(2), (-2, 0, 1))


def product(*factors: fmpq_poly) -> fmpq_poly:
    whole = fmpq_poly([1])
    for factor in factors:
        whole *= factor
    return whole


@given(st.lists(SMALL, min_size=1, max_size=4), SMALL, SMALL)
def test_rational_roots_are_found_exactly(
    planted: list[Fraction], a: Fraction, b: Fraction
) -> None:
    p = product(*(fmpq_poly([-r, 1]) for r in to_flint(planted)))
    low, high = to_flint(sorted((a, b)))
    found = roots(p, low, high)
    inside = {r for r in planted if min(a, b) < r < max(a, b)}
    assert sorted(root.lower for root in found) == sorted(inside)
    assert all(root.lower == root.upper and root.is_exact for root in found)


@given(st.integers(2, 50), st.lists(SMALL, max_size=2))
def test_square_roots_are_isolated(square: int, others: list[Fraction]) -> None:
    """Beside rational ones, between whatever ends."""
    p = product(fmpq_poly([-square, 0, 1]), *(fmpq_poly([-r, 1]) for r in to_flint(others)))
    found = [root for root in roots(p, fmpq(-10), fmpq(10)) if root.polynomial is not None]
    if round(square**0.5) ** 2 == square:
        assert not found
        return
    negative, positive = sorted(found)
    assert negative.polynomial == positive.polynomial == (-square, 0, 1)
    assert positive.lower**2 < square < positive.upper**2
    assert float(positive) == pytest.approx(square**0.5, rel=1e-15)
    assert float(negative) == -float(positive)


@given(st.integers(1, 200))
def test_intervals_are_as_narrow_as_asked_for(places: int) -> None:
    width = Fraction(1, 3**places)
    near = SQRT2.within(width)
    assert near.upper - near.lower <= width
    assert near.lower**2 < 2 < near.upper**2
    assert near.polynomial == SQRT2.polynomial
    assert {end.denominator & (end.denominator - 1) for end in near.ends} == {0}
    assert near == SQRT2
    relative = SQRT2.to(places)
    assert (relative.upper - relative.lower) * 2**places <= relative.upper


def test_order() -> None:
    negative = Real(Fraction(-2), Fraction(-1), SQRT2.polynomial)
    golden = Real(Fraction(3, 2), Fraction(2), (-1, -1, 1))
    below, above = (
        Real.of(Fraction(n, 10**20)) for n in (141421356237309504880, 141421356237309504881)
    )
    assert sorted([golden, above, SQRT2, below, negative]) == [
        negative,
        below,
        SQRT2,
        above,
        golden,
    ]
    assert Real(Fraction(0), Fraction(7), SQRT2.polynomial) == SQRT2
    assert negative != SQRT2 != Real.of(Fraction(3, 2))
    assert len({SQRT2, SQRT2.within(Fraction(1, 100)), negative, Real.of(Fraction(1))}) == 3


def test_what_is_only_an_interval_has_no_order() -> None:
    unknown = Real(Fraction(1), Fraction(2))
    assert not unknown.is_exact
    assert unknown.within(Fraction(1, 10)) is unknown
    assert unknown.to(10) is unknown
    with pytest.raises(ValueError, match="only an interval"):
        assert unknown < SQRT2


@pytest.mark.parametrize(
    ("coefficients", "expected"),
    [
        ([0, 0, 1], Real.of(Fraction(2))),
        ([1, 1], Real(Fraction(2), Fraction(3), (-1, -2, 1))),
        ([5], Real.of(Fraction(5))),
        ([0, 0, 0, 1], Real(Fraction(2), Fraction(3), (-8, 0, 1))),
        ([0, 0, fmpq(1, 2), 0, fmpq(1, 4)], Real.of(Fraction(2))),
    ],
)
def test_images_of_the_square_root_of_2(coefficients: list[fmpq | int], expected: Real) -> None:
    found = image(fmpq_poly(coefficients), SQRT2)
    assert found == expected
    assert found.polynomial == expected.polynomial


def test_an_image_in_a_cubic_field() -> None:
    """r^3 = r + 1, so s = r^2 is a root of s (s - 1)^2 = 1."""
    (r,) = roots(fmpq_poly([-1, -1, 0, 1]), fmpq(0), fmpq(2))
    square = image(fmpq_poly([0, 0, 1]), r)
    assert square.polynomial == (-1, 1, -2, 1)
    assert float(square) == pytest.approx(float(r) ** 2, rel=1e-14)


@given(st.lists(SMALL, min_size=1, max_size=5), SMALL, SMALL, st.fractions(0, 1))
def test_values_are_between_bernstein_coefficients(
    coefficients: list[Fraction], a: Fraction, b: Fraction, part: Fraction
) -> None:
    p = fmpq_poly(to_flint(coefficients))
    low, high, at = to_flint((a, b, a + part * (b - a)))
    values = bernstein(p, low, high)
    assert min(values) <= p(at) <= max(values)
    assert (values[0], values[-1]) == (p(low), p(high))
    assert from_flint(values)
