"""Random small problems for the tests of the landscape."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from theory.network import Network
from theory.problem import Problem


def planted(n: int, d: int, m: int, seed: int, *, entries: int = 5) -> tuple[Problem, Network]:
    """Integer data that a random integer network of width m fits exactly, and that network."""
    generator = np.random.default_rng(seed)
    X = generator.integers(-entries, entries + 1, (n, d))
    W = generator.integers(-entries, entries + 1, (d, m))
    a = generator.choice([-1, 1], m)
    y = np.maximum(X @ W, 0) @ a
    return Problem(X=X.tolist(), y=y.tolist()), Network(W=W.tolist(), a=a.tolist())


def integers(size: int) -> st.SearchStrategy[int]:
    """Small integers; zero and repeated values, so degenerate data, are common."""
    return st.integers(-size, size)


@st.composite
def problems(draw: st.DrawFn, max_n: int = 4, max_d: int = 2, rational: bool = False) -> Problem:
    """Problems with zero, duplicate and parallel rows, rank-deficient X and y = 0 among them."""
    n, d = draw(st.integers(1, max_n)), draw(st.integers(1, max_d))
    denominator = draw(st.integers(1, 4)) if rational else 1
    X = [[Fraction(draw(integers(3)), denominator) for _ in range(d)] for _ in range(n)]
    y = [Fraction(draw(integers(4)), draw(st.integers(1, 3)) if rational else 1) for _ in range(n)]
    return Problem(X=tuple(map(tuple, X)), y=tuple(y))
