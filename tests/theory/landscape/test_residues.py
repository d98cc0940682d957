"""Least squares in machine words: against exact solves, and where it has to give up."""

from __future__ import annotations

import numpy as np
from flint import fmpz_mat
from hypothesis import given
from hypothesis import strategies as st

from theory.exact import dot
from theory.landscape.residues import Residues

entries = st.integers(-4, 4) | st.integers(-(10**12), 10**12)


def tables(n: int) -> st.SearchStrategy[list[list[int]]]:
    row = st.lists(entries, min_size=n, max_size=n).filter(any)
    return st.lists(row, min_size=1, max_size=6)


def residues(columns: list[list[int]], y: list[int]) -> Residues:
    floats = [[v / max(map(abs, row)) for v in row] for row in columns]
    return Residues(columns, y, np.array(floats))


problems = st.integers(1, 5).flatmap(
    lambda n: st.tuples(tables(n), st.lists(entries, min_size=n, max_size=n))
)


@given(problems, st.data())
def test_equals_exact_solves(
    problem: tuple[list[list[int]], list[int]], data: st.DataObject
) -> None:
    """The Gram determinant and Cramer's numbers, and the signs of all products; a support is turned
    down exactly where one of these is against it."""
    columns, y = problem
    n = len(y)
    every = list(range(len(columns)))
    support = sorted(data.draw(st.sets(st.sampled_from(every), max_size=n)))
    ids = sorted({*support, *data.draw(st.sets(st.sampled_from(every)))})
    found = residues(columns, y).solution(support, ids)
    size = len(support)
    A = fmpz_mat(size, n, [v for c in support for v in columns[c]])
    gram = A * A.transpose()
    determinant = int(gram.det()) if support else 1
    if not determinant:
        assert found is None
        return
    z = [0] * size
    if support:
        solved = gram.solve(A * fmpz_mat(n, 1, y))
        z = [int(solved[i, 0].p) * determinant // int(solved[i, 0].q) for i in range(size)]
    rest = [
        determinant * y[k] - sum(v * columns[c][k] for v, c in zip(z, support, strict=True))
        for k in range(n)
    ]
    products = [dot(column, rest) for column in columns]
    optimal = min(z, default=0) >= 0 and max((products[c] for c in ids), default=0) <= 0
    assert (found is not None) == optimal
    if found is not None:
        assert found.numbers == [determinant, *z, *rest]
        assert found.signs.tolist() == [(v > 0) - (v < 0) for v in products]


def test_numbers_of_more_than_sixteen_primes_are_left_to_others() -> None:
    columns = [[10**20 * (i == k) + (k == 0) for k in range(8)] for i in range(8)]
    large = residues(columns, [1] * 8)
    few = large.solution(range(4), range(4))
    assert few is not None
    assert few.numbers[0] > 10**155
    assert large.solution(range(8), range(8)) is None


def test_products_that_floats_cannot_tell_from_zero() -> None:
    """The residual is 10^9 (1, 1), and its products with the columns are as much, 0 and less."""
    big = 10**17
    columns = [[big + 1, -big], [big, -big], [big - 1, -big]]
    found = residues(columns, [10**9, 10**9]).solution([], [])
    assert found is not None
    assert found.signs.tolist() == [1, 0, -1]
