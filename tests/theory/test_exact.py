"""Exact arithmetic: bounds of few digits, inner products, and how states are numbered."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from theory.exact import (
    _PRIME,
    binary,
    dependence,
    dot,
    independent,
    rounded,
    sparse_dot,
    squared_distance,
    to_flint,
)
from theory.states import cone_of, sign_of, state_of

values = st.fractions(0, max_denominator=10**20) | st.builds(
    lambda value, power: value * Fraction(10) ** power,
    st.fractions(0, 10),
    st.integers(-400, 400),
)


@given(values, st.integers(1, 20))
def test_bounds_of_few_digits_are_close_and_on_their_side(value: Fraction, digits: int) -> None:
    low, high = rounded(value, digits, math.floor), rounded(value, digits, math.ceil)
    assert low <= value <= high
    assert high - low <= value / 10 ** (digits - 1)
    for end in (low, high):
        assert rounded(end, digits, math.floor) == rounded(end, digits, math.ceil) == end
        assert value.denominator == 1 or not end or significant(end) <= digits


def significant(value: Fraction) -> int:
    """How many digits a decimal fraction has."""
    places = max(value.denominator.bit_length(), 1)
    return len(str(value * 10**places).rstrip("0"))


def test_bounds_with_so_many_digits() -> None:
    assert rounded(Fraction(2, 3), 2, math.floor) == Fraction(66, 100)
    assert rounded(Fraction(2, 3), 2, math.ceil) == Fraction(67, 100)
    assert rounded(Fraction(199, 2), 1, math.ceil) == 100
    assert rounded(Fraction(12345), 2, math.floor) == 12345


@given(st.floats(-1e6, 1e6), st.integers(0, 60))
def test_binary_places(value: float, places: int) -> None:
    found = binary(value, places)
    assert (found * 2**places).denominator == 1
    assert abs(found - Fraction(value)) <= Fraction(1, 2 ** (places + 1))


@given(st.lists(st.tuples(st.fractions(), st.integers(-9, 9) | st.just(0))))
def test_inner_products_of_all_kinds(pairs: list[tuple[Fraction, int]]) -> None:
    u, v = [p for p, _ in pairs], [Fraction(q) for _, q in pairs]
    expected = sum((p * q for p, q in pairs), Fraction())
    assert dot(u, v) == expected
    total = to_flint([expected])[0]
    assert dot(to_flint(u), to_flint(v)) == sparse_dot(to_flint(u), to_flint(v)) == total
    whole = [int(p) for p in u]
    assert dot(whole, whole) == sum(p**2 for p in whole)


@pytest.mark.parametrize("sign", [1, -1, Fraction(1, 2), fmpq(-3)])
@given(st.integers(0, 10**6))
def test_states_have_a_cone_and_a_sign(sign: int, cone: int) -> None:
    state = state_of(cone, sign)
    assert (cone_of(state), sign_of(state)) == (cone, 1 if sign > 0 else -1)


def test_states_are_numbered_without_gaps() -> None:
    states = np.arange(10)
    assert (state_of(cone_of(states), sign_of(states)) == states).all()
    assert sign_of(states).sum() == 0


@given(
    st.integers(0, 3).flatmap(
        lambda n: st.tuples(
            st.lists(st.lists(st.fractions(), min_size=n, max_size=n), max_size=4),
            st.lists(st.fractions(), min_size=n, max_size=n),
        )
    )
)
def test_the_distance_to_a_span_is_a_quotient_of_gram_determinants(
    case: tuple[list[list[Fraction]], list[Fraction]],
) -> None:
    columns, vector = case
    kept: list[list[Fraction]] = []
    for column in columns:
        if gram([*kept, column]):
            kept.append(column)
    expected = gram([*kept, vector]) / gram(kept)
    assert squared_distance(vector, columns) == expected


def gram(vectors: list[list[Fraction]]) -> Fraction:
    """The determinant of their inner products."""
    products = [[dot(u, v) for v in vectors] for u in vectors]
    det = fmpq_mat(len(vectors), len(vectors), [q for row in products for q in to_flint(row)]).det()
    return Fraction(int(det.p), int(det.q))


def test_the_distance_to_a_span_of_nothing_is_the_length() -> None:
    assert squared_distance([Fraction(3), Fraction(4)], []) == 25
    assert squared_distance([Fraction(3), Fraction(4)], [[Fraction(), Fraction()]]) == 25


numbers = st.fractions(-3, 3, max_denominator=4) | st.sampled_from(
    [Fraction(0), Fraction(1), Fraction(_PRIME), Fraction(2, _PRIME), Fraction(_PRIME + 1)]
)


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(st.lists(numbers, min_size=n, max_size=n), min_size=1, max_size=5)
    )
)
def test_dependence_is_that_of_the_columns(table: list[list[Fraction]]) -> None:
    """Whether columns are dependent, by exact elimination, also where the prime divides minors."""
    rows, unknowns = [to_flint(row) for row in table], len(table[0])
    found = dependence(rows, unknowns)
    assert (found is None) == (len(independent(rows, unknowns)) == unknowns)
    if found is not None:
        assert any(found)
        assert not any(dot(row, found) for row in rows)


def test_columns_that_are_dependent_modulo_the_prime_only() -> None:
    rows = [to_flint(row) for row in ([_PRIME, 0], [0, 1])]
    assert dependence(rows, 2) is None
    assert dependence([to_flint([_PRIME, 0, 0]), to_flint([0, 1, 1])], 3) is not None
