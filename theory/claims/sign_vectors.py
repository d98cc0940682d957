"""The cones of the arrangement once more, from all sign vectors: a cross-check for small data.

Every one of the 2^n sign vectors is tried, and every set of rank - 1 rows for a ray. Nothing is
shared with `theory.arrangement`, which does the same fast.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from typing import Any

import numpy as np
from flint import fmpz_mat
from jaxtyping import Bool, Int, Shaped

from theory.errors import BudgetError
from theory.problem import Problem
from theory.types import Array

_MAX_ROWS = 16


@dataclass(frozen=True, eq=False)
class SignVectors:
    """Cones ascending by sign vector, as in `theory.arrangement.Arrangement`; rays in any order.

    signs: of x_k . u in each cone, 0 at zero rows. inside: which rays lie in which closed cone.
    """

    rank: int
    signs: Int[Array, "P n"]
    rays: Shaped[Array, "R d"]
    ray_signs: Int[Array, "R n"]
    inside: Bool[Array, "P R"]

    def __len__(self) -> int:
        """The number P of cones."""
        return len(self.signs)

    @cached_property
    def neighbours(self) -> tuple[tuple[int, int], ...]:
        """The pairs of cones that share a facet: their common rays span a hyperplane."""
        return tuple(
            (i, k)
            for i, k in combinations(range(len(self)), 2)
            if _rank(self.rays[self.inside[i] & self.inside[k]]) == self.rank - 1
        )

    def common(self, i: int, k: int) -> Int[Array, " n"]:
        """The signs on the common face of two cones: 0 where they differ."""
        signs: Array = np.where(self.signs[i] == self.signs[k], self.signs[i], 0)
        return signs

    def cone_of(self, u: Sequence[Any]) -> int:
        """A closed cone that holds the vector, in floating point."""
        products = self._rows @ np.array(u, dtype=float)
        far = np.where(np.abs(products) > 1e-9 * np.abs(products).max(initial=0.0), products, 0.0)
        return int((self.signs * far[None] >= 0).all(axis=1).argmax())

    _rows: Shaped[Array, "n d"]


def sign_vectors(problem: Problem) -> SignVectors:
    """All cones of {x_k . u = 0}. Raises BudgetError for more than 16 data points."""
    if problem.n > _MAX_ROWS:
        raise BudgetError("sign vectors", 2**problem.n, 2**_MAX_ROWS, "n")
    rows = [_integers(row) for row in problem.X]
    kernel = _null_vectors(rows, problem.d)
    rank = problem.d - len(kernel)
    rays = list(_rays(rows, kernel, rank))
    table = np.array(rays, dtype=object).reshape(-1, problem.d)
    X = np.array(rows, dtype=object)
    ray_signs = np.sign(table @ X.T).astype(int)
    signs, inside = [], []
    for signs_of in product(*((-1, 1) if any(row) else (0,) for row in rows)):
        # A ray lies in a closed cone when no sign of X v contradicts the cone's.
        within = (ray_signs * signs_of >= 0).all(axis=1)
        if _rank(table[within]) == rank:
            signs.append(signs_of)
            inside.append(within)
    return SignVectors(
        rank,
        np.array(signs),
        table,
        ray_signs,
        np.array(inside).reshape(len(signs), len(rays)),
        X.astype(float),
    )


def _rays(
    rows: Sequence[list[int]], kernel: Sequence[list[int]], rank: int
) -> Iterator[tuple[int, ...]]:
    """Both ways along each line, orthogonal to the kernel, in which hyperplanes meet."""
    found = set()
    for chosen in combinations(rows, max(rank - 1, 0)):
        line = _null_vectors([*chosen, *kernel], len(rows[0]))
        if rank and len(line) == 1:
            divisor = math.gcd(*line[0])
            ray = tuple(v // divisor for v in line[0])
            found |= {ray, tuple(-v for v in ray)}
    return iter(sorted(found))


def _integers(row: Sequence[Any]) -> list[int]:
    """The row times the least positive number that makes it integer."""
    scale = math.lcm(*(v.denominator for v in row))
    return [int(v * scale) for v in row]


def _null_vectors(rows: Sequence[list[int]], d: int) -> list[list[int]]:
    """A basis of {v : rows . v = 0}."""
    basis, nullity = fmpz_mat(len(rows), d, [v for row in rows for v in row]).nullspace()
    return [[int(basis[i, j]) for i in range(d)] for j in range(nullity)]


def _rank(vectors: Shaped[Array, "k d"]) -> int:
    return int(fmpz_mat(len(vectors), vectors.shape[1], [int(v) for v in vectors.flat]).rank())
