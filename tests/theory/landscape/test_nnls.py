"""Exact nonnegative least squares: against brute force, and where the float guess is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from fractions import Fraction
from itertools import combinations
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from problems import LOSSES, with_loss

from theory.landscape.form import Form
from theory.landscape.kernel import Fits
from theory.landscape.nnls import CappedLeastSquares, LeastSquares, Minimum, primitive
from theory.problem import Problem


def brute_force(columns: list[list[int]], y: list[int]) -> Fraction:
    """The least loss over all nonnegative least squares solutions on independent subsets."""
    best = Fraction(sum(v * v for v in y), 2)
    for size in range(1, len(columns) + 1):
        for subset in combinations(columns, size):
            A = sympy.Matrix(subset)
            gram = A * A.T
            if gram.det() == 0:
                continue
            z = gram.LUsolve(A * sympy.Matrix(y))
            if all(v >= 0 for v in z):
                r = sympy.Matrix(y) - A.T * z
                best = min(best, Fraction(str(r.dot(r))) / 2)
    return best


def matrices(rows: int, columns: int) -> st.SearchStrategy[list[list[int]]]:
    row = st.lists(st.integers(-3, 3), min_size=columns, max_size=columns).filter(any)
    return st.lists(row, min_size=1, max_size=rows)


@given(matrices(4, 3), st.lists(st.integers(-4, 4), min_size=3, max_size=3))
def test_equals_brute_force(columns: list[list[int]], y: list[int]) -> None:
    problem = LeastSquares(np.array(columns), Form.squares(y))
    ids = tuple(range(len(columns)))
    assert problem.minimum(ids).value == brute_force(columns, y)


@given(matrices(6, 4), st.lists(st.integers(-4, 4), min_size=4, max_size=4))
def test_optimality_conditions_one_by_one(columns: list[list[int]], y: list[int]) -> None:
    problem = LeastSquares(np.array(columns), Form.squares(y))
    found = problem.minimum(tuple(range(len(columns))))
    z = dict(zip(found.support, found.numerators, strict=True))
    assert found.denominator > 0
    assert all(v >= 0 for v in z.values())
    fit = [sum(z[c] * columns[c][i] for c in z) for i in range(4)]
    assert list(found.residual) == [found.denominator * y[i] - fit[i] for i in range(4)]
    gains = [np.dot(column, np.array(found.residual, dtype=object)) for column in columns]
    assert max(gains) <= 0
    assert all(gains[c] == 0 for c in z)
    assert found.value == Fraction(sum(v * v for v in found.residual), 2 * found.denominator**2)


def wrong(guess: str) -> AbstractContextManager[object]:
    """A float solver that is of no use, but where its own guess is asked for."""

    def support(_: Fits, ids: Sequence[int]) -> list[int] | None:
        return None if guess == "no convergence" else [c for c in ids if guess == "everything"]

    if guess == "its own":
        return nullcontext()
    return patch("theory.landscape.kernel.Fits.support", support)


@pytest.mark.parametrize("guess", ["its own", "nothing", "everything", "no convergence"])
@given(columns=matrices(6, 4), y=st.lists(st.integers(-4, 4), min_size=4, max_size=4))
def test_wrong_guesses_never_change_the_value(
    guess: str, columns: list[list[int]], y: list[int]
) -> None:
    ids = tuple(range(len(columns)))
    expected = LeastSquares(np.array(columns), Form.squares(y)).minimum(ids).value
    with patch("theory.landscape.nnls._FIRST", 0), wrong(guess):
        assert LeastSquares(np.array(columns), Form.squares(y)).minimum(ids).value == expected


Groups = tuple[tuple[int, ...], ...]


def grouped() -> st.SearchStrategy[Groups]:
    """Up to three groups of some of the columns 0..3."""
    group = st.sets(st.integers(0, 3)).map(sorted).map(tuple)
    return st.lists(group, min_size=1, max_size=3).map(sorted).map(tuple)


def full(columns: list[list[int]]) -> list[list[int]]:
    return (columns * 4)[:4]


@given(matrices(4, 3), grouped(), st.lists(st.integers(-4, 4), min_size=3, max_size=3))
def test_capped_optimality_conditions_one_by_one(
    columns: list[list[int]], groups: Groups, y: list[int]
) -> None:
    columns = full(columns)
    found = CappedLeastSquares(np.array(columns), Form.squares(y)).minimum(groups)
    z = dict(found.coefficients())
    assert all(v > 0 for v in z.values())
    assert all(c in groups[place] for place, c in z)
    sums = [sum((v for (at, _), v in z.items() if at == k), Fraction()) for k in range(len(groups))]
    assert max(sums, default=0) <= 1
    fit = [sum((v * columns[c][i] for (_, c), v in z.items()), Fraction()) for i in range(3)]
    residual = [y[i] - fit[i] for i in range(3)]
    assert found.value == sum(r * r for r in residual) / 2
    assert [Fraction(v, found.denominator) for v in found.residual] == residual
    # The residual supports the set of fits: none of them goes further in its direction.
    furthest = [
        max([0, *(sum(v * r for v, r in zip(columns[c], residual, strict=True)) for c in group)])
        for group in groups
    ]
    assert sum(furthest) == sum(f * r for f, r in zip(fit, residual, strict=True))


@pytest.mark.parametrize("guess", ["its own", "nothing", "everything", "no convergence"])
@given(
    columns=matrices(4, 3),
    groups=grouped(),
    y=st.lists(st.integers(-4, 4), min_size=3, max_size=3),
)
def test_wrong_guesses_never_change_the_capped_value(
    guess: str, columns: list[list[int]], groups: Groups, y: list[int]
) -> None:
    expected = CappedLeastSquares(np.array(full(columns)), Form.squares(y)).minimum(groups).value
    with patch("theory.landscape.nnls._FIRST", 0), wrong(guess):
        assert (
            CappedLeastSquares(np.array(full(columns)), Form.squares(y)).minimum(groups).value
            == expected
        )


def forms(n: int) -> st.SearchStrategy[Form]:
    """Of every loss on n data, with weights or an output bias or neither."""

    def form(name: str, y: list[int], **options: Any) -> Form:
        problem = Problem([[k + 1] for k in range(n)], y, **options)
        return Form.of(with_loss(problem, name), 1)

    return st.builds(
        form,
        st.sampled_from(LOSSES),
        st.lists(st.integers(-4, 4), min_size=n, max_size=n),
        weights=st.none() | st.lists(st.integers(1, 3), min_size=n, max_size=n),
        output_bias=st.booleans(),
    )


def planted_guess(places: set[int]) -> AbstractContextManager[object]:
    """A float solver of which the guess is what stands at these places, from the first problem."""

    def support(_: Fits, ids: Sequence[int]) -> list[int]:
        return [c for place, c in enumerate(ids) if place in places]

    guesses = ExitStack()
    guesses.enter_context(patch("theory.landscape.nnls._FIRST", 0))
    guesses.enter_context(patch("theory.landscape.kernel.Fits.support", support))
    return guesses


def proved(found: Minimum) -> tuple[Fraction, list[Fraction]]:
    """The least loss and the dual vector, of which there is one only."""
    return found.value, [v * found.scale for v in found.residual]


@given(matrices(4, 3), forms(3), st.sets(st.integers(0, 12)))
def test_planted_guesses_never_change_what_is_proved(
    columns: list[list[int]], form: Form, places: set[int]
) -> None:
    ids = tuple(range(len(columns)))
    expected = LeastSquares(np.array(columns), form).minimum(ids)
    with planted_guess(places):
        found = LeastSquares(np.array(columns), form).minimum(ids)
    assert proved(found) == proved(expected)


@given(matrices(4, 3), grouped(), forms(3), st.sets(st.integers(0, 12)))
def test_planted_guesses_never_change_what_is_proved_in_a_ball(
    columns: list[list[int]], groups: Groups, form: Form, places: set[int]
) -> None:
    expected = CappedLeastSquares(np.array(full(columns)), form).minimum(groups)
    with planted_guess(places):
        found = CappedLeastSquares(np.array(full(columns)), form).minimum(groups)
    assert proved(found) == proved(expected)


def test_capped_by_hand() -> None:
    """One neuron can use each axis up to 2, in sum; two neurons can use both fully."""
    problem = CappedLeastSquares(np.array([[2, 0], [0, 2]]), Form.squares([3, 3]))
    assert problem.minimum(((0, 1),)).value == 4
    assert problem.minimum(((0, 1), (0, 1))).value == 1
    assert problem.minimum(((0,), (0,), (1,), (1,))).value == 0
    assert problem.minimum(((),)).value == 9


def test_numbers_beyond_floats() -> None:
    big = 10**400
    problem = LeastSquares(
        np.array([[big, 0], [0, -big]], dtype=object), Form.squares([3 * big, 5])
    )
    found = problem.minimum((0, 1))
    assert found.value == Fraction(25, 2)
    assert found.support == (0,)


def test_no_columns() -> None:
    problem = LeastSquares(np.zeros((0, 2), dtype=np.int64), Form.squares([3, 4]))
    assert problem.minimum(()).value == Fraction(25, 2)


def test_estimate_is_close_where_columns_are_independent() -> None:
    problem = LeastSquares(np.array([[2, 0, 0], [1, 1, 0]]), Form.squares([1, 2, 3]))
    assert problem.estimate((0, 1)) == pytest.approx(problem.relative(Fraction(19, 4)))


@pytest.mark.parametrize("many", [False, True])
def test_columns_that_lower_the_minimum(many: bool) -> None:
    """The residual over the first two is (-1/2, 1/2, 3)."""
    columns = [[2, 0, 0], [1, 1, 0], [0, 0, 7], [-1, 0, 0], [6, 0, 1], [0, -7, 1], [0, 0, -1]]
    problem = LeastSquares(np.array(columns), Form.squares([1, 2, 3]))
    problem.many = many
    assert problem.rising((0, 1)).tolist() == [False, False, True, True, False, False, False]


@pytest.mark.parametrize(
    ("vector", "short"), [((4, -6), (2, -3)), ((0, 0), (0, 0)), ((0, -5), (0, -1)), ((), ())]
)
def test_primitive(vector: tuple[int, ...], short: tuple[int, ...]) -> None:
    assert primitive(vector) == short
