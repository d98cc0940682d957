"""Forms are factored exactly, or a direction shows that they are negative somewhere."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quadratic_forms import Rows, forms, projection

from theory.errors import InputError
from theory.problem import Problem
from theory.semidefinite import Semidefinite

small = st.fractions(-3, 3, max_denominator=3)
any_form = st.integers(1, 4).flatmap(forms)


def square(rows: Rows, v: list[Fraction]) -> Fraction:
    image = (sum(q * b for q, b in zip(row, v, strict=True)) for row in rows)
    return Fraction(sum(a * b for a, b in zip(v, image, strict=True)))


@given(any_form, st.data())
def test_the_factors_are_the_form_and_its_inverse(rows: Rows, data: st.DataObject) -> None:
    form, n = Semidefinite.of(rows), len(rows)
    v = data.draw(st.lists(small, min_size=n, max_size=n))
    image = form.image(v)
    lengths = (
        sum((a * b for a, b in zip(image, v, strict=True)), Fraction()) ** 2 / d
        for image, v, d in ((each[1], v, each[2]) for each in form.basis)
    )
    assert sum(lengths, Fraction()) == square(rows, v)
    assert form.spans(image)
    assert form.inverse(image) == square(rows, v)
    assert len(form.basis) + len(form.kernel) == n
    assert len(form.basis) == np.linalg.matrix_rank(np.array(rows, dtype=float))
    for each in form.kernel:
        assert not any(form.image(each))
        # An image and more along the kernel is an image no more.
        beyond = [a + b for a, b in zip(image, each, strict=True)]
        assert not form.spans(beyond)


@given(any_form, st.fractions(Fraction(1, 3), 3, max_denominator=3))
def test_multiples(rows: Rows, factor: Fraction) -> None:
    times = [[factor * v for v in row] for row in rows]
    assert Semidefinite.of(rows).times(factor) == Semidefinite.of(times)
    assert Semidefinite.of(times).largest == max(v for row in times for v in row)


@given(st.integers(1, 4), st.data())
def test_what_is_negative_somewhere_is_refused_with_a_direction(
    n: int, data: st.DataObject
) -> None:
    entries = st.lists(small, min_size=n, max_size=n)
    A = data.draw(st.lists(entries, min_size=n, max_size=n))
    rows = [[A[i][k] + A[k][i] for k in range(n)] for i in range(n)]
    least = np.linalg.eigvalsh(np.array(rows, dtype=float)).min()
    try:
        Semidefinite.of(rows)
    except InputError as error:
        found = re.fullmatch(
            r"form: is not positive semidefinite: v\^T Q v is (\S+) for v = \((.*)\)", str(error)
        )
        assert found is not None
        v = [Fraction(each) for each in found[2].split(", ")]
        assert square(rows, v) == Fraction(found[1]) < 0
    else:
        assert least >= -1e-9


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[0, 1], [1, 0]], r"is not positive semidefinite: v\^T Q v is -2 for v = \(-1, 1\)"),
        ([[1, 2], [2, 1]], r"is not positive semidefinite: v\^T Q v is -3 for v = \(-2, 1\)"),
        ([[-1, 0], [0, 1]], r"is not positive semidefinite: v\^T Q v is -1 for v = \(1, 0\)"),
        ([[1, 2], [0, 1]], r"form\[1\]\[0\]: is 0, but \[0\]\[1\] is 2; it must be symmetric"),
    ],
)
def test_by_hand(rows: list[list[int]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Semidefinite.of([[Fraction(v) for v in row] for row in rows])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"form": [[1]]}, "form: has 1 rows and 1 columns, but must have 2 of both"),
        ({"form": []}, "form: has 0 rows, but must have 2 of both"),
        ({"form": [[1, 0, 0], [0, 1, 0]]}, "form: has 2 rows and 3 columns, but must have 2"),
        ({"form": [[1, 0], [0]]}, r"form\[1\]: has 1 entries, but form\[0\] has 2"),
        ({"form": [[1, 2], [2, 1]]}, "form: is not positive semidefinite"),
        ({"form": [[1, 0.5], [0.5, 1]]}, r"form\[0\]\[1\]: 0.5 is a float; pass text"),
        (
            {"form": [[1, 0], [0, 1]], "weights": [1, 2]},
            "form: is for the squared loss without weights, not for squared with weights",
        ),
        (
            {"form": [[1, 0], [0, 1]], "loss": "huber:1/2"},
            "form: is for the squared loss without weights, not for huber:1/2",
        ),
    ],
)
def test_what_does_not_suit_a_problem_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}"):
        Problem.from_json({"X": [[1], [2]], "y": [2, 1], **fields})


def test_forms_are_kept_where_problems_change() -> None:
    problem = Problem([[1], [2], [3]], [1, 0, 2], form=projection(3))
    document = problem.to_json()
    assert document["form"][0] == ["2/3", "-1/3", "-1/3"]
    assert "loss" not in document
    assert Problem.from_json(document) == problem
    assert problem.zero == 1  # of 1, 0, 2 less their mean
    with pytest.raises(InputError, match="form: has 3 rows, but X has 2"):
        Problem(problem.X[:2], problem.y[:2], loss=problem.loss)
    with pytest.raises(InputError, match="weights: the loss has a form; multiply its rows and col"):
        problem.loss.weighted([Fraction(1)] * 3)


def test_forms_too_large_to_factor_are_refused() -> None:
    large = [[Fraction(i == k) for k in range(101)] for i in range(101)]
    with pytest.raises(InputError, match="form: has 101 rows, more than 100; write weights inst"):
        Semidefinite.of(large)
    with pytest.raises(InputError, match="form: has too long numbers to factor it; write fewer"):
        Semidefinite.of([[Fraction(1, 3**2000)]])
