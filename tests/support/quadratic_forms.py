"""Positive semidefinite forms of every rank, by seed and at random."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

Rows = list[list[Fraction]]


def gram(A: Sequence[Sequence[Fraction | int]], n: int) -> Rows:
    """A^T A, for rows of n numbers."""
    return [[Fraction(sum(a[i] * a[k] for a in A)) for k in range(n)] for i in range(n)]


def formed(n: int, rank: int, seed: int) -> Rows:
    """Of at most this rank."""
    return gram(np.random.default_rng(seed).integers(-2, 3, (rank, n)).tolist(), n)


def projection(n: int) -> Rows:
    """To what has the mean 0: I - 1 1^T / n."""
    return [[(i == k) - Fraction(1, n) for k in range(n)] for i in range(n)]


def diagonal(weights: Sequence[Fraction | int]) -> Rows:
    return [[Fraction(w * (i == k)) for k in range(len(weights))] for i, w in enumerate(weights)]


def forms(n: int) -> st.SearchStrategy[Rows]:
    """Of any rank, zero too."""
    number = st.fractions(-2, 2, max_denominator=2)
    rows = st.lists(st.lists(number, min_size=n, max_size=n), max_size=n)
    return rows.map(lambda A: gram(A, n))
