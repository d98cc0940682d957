"""The cones from all sign vectors are those of the arrangement."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from theory.arrangement import arrangement
from theory.claims.sign_vectors import sign_vectors
from theory.errors import BudgetError
from theory.problem import Problem
from theory.strategies import problems


@given(problems(n=(1, 5), d=(1, 4)))
def test_cones_rays_and_facets(problem: Problem) -> None:
    exact, listed = arrangement(problem.X), sign_vectors(problem)
    assert listed.signs.tolist() == exact.signs.tolist()
    assert (listed.rank, len(listed.rays)) == (exact.rank, len(exact.rays))
    assert set(listed.neighbours) == {
        (i, k) for i in range(len(exact)) for _, k in exact.facets(i) if i < k
    }


@pytest.mark.parametrize(
    ("X", "cones"), [([[0, 0]], 1), ([[1, 0], [2, 0], [-1, 0]], 2), ([[3], [0]], 2)]
)
def test_zero_and_parallel_rows(X: list[list[int]], cones: int) -> None:
    assert len(sign_vectors(Problem(X=X, y=[1] * len(X)))) == cones


def test_the_cone_of_a_vector() -> None:
    listed = sign_vectors(Problem(X=[[1, 0], [0, 1]], y=[1, 1]))
    for cone, signs in enumerate(listed.signs):
        assert listed.cone_of(signs * np.array([0.3, 2.0])) == cone
    assert (listed.signs[listed.cone_of([0.0, -1.0])] * [0, -1] >= 0).all()


def test_many_rows_are_refused() -> None:
    with pytest.raises(BudgetError, match="sign vectors: 131,072 needed"):
        sign_vectors(Problem(X=[[1, k] for k in range(17)], y=[1] * 17))
