"""Projections onto many cones at once, against one at a time, and by what defines them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

from theory.arrangement import arrangement
from theory.programs.cones import Cones


def cones_of(n: int, d: int, seed: int) -> tuple[np.random.Generator, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    X = random.standard_normal((n, d))
    sides = np.where(random.standard_normal((40, d)) @ X.T > 0, 1.0, -1.0)
    return random, X, sides


def require_projection(
    X: np.ndarray,
    sides: np.ndarray,
    v: np.ndarray,
    w: np.ndarray,
    mu: np.ndarray,
    tight: np.ndarray,
) -> None:
    """w = v + X^T S mu with mu >= 0, S X w >= 0 and mu . S X w = 0: these define the projection."""
    size = np.linalg.norm(v) * np.linalg.norm(X, axis=1).max()
    used = tight >= 0
    assert (mu[used] >= 0).all()
    assert (mu[~used] == 0).all()
    rows = tight[used]
    assert w == pytest.approx(v + (mu[used] * sides[rows]) @ X[rows], abs=1e-10 * size)
    slack = sides * (X @ w)
    assert slack.min() >= -1e-9 * size
    assert abs(slack[rows]).max(initial=0.0) <= 1e-8 * size


@pytest.mark.parametrize(("n", "d"), [(1, 1), (5, 1), (8, 3), (30, 10), (4, 6)])
def test_projections_satisfy_what_defines_them_cold_and_warm(n: int, d: int) -> None:
    random, X, sides = cones_of(n, d, seed=n + d)
    cones = Cones(X, sides)
    which = np.arange(len(sides))
    v = random.standard_normal((len(sides), d))
    for _ in range(4):  # each starts from the faces of the one before
        w, mu = cones.project(v, which)
        for b in which:
            require_projection(X, sides[b], v[b], w[b], mu[b], cones.tight[b])
            _, distance = nnls((sides[b][:, None] * X).T, -v[b])
            assert np.linalg.norm(w[b]) == pytest.approx(distance, abs=1e-9)
        v = v + 0.3 * random.standard_normal(v.shape)


def test_far_from_the_last_point_the_projection_is_right_too() -> None:
    random, X, sides = cones_of(20, 6, seed=3)
    cones = Cones(X, sides)
    for scale in (1.0, 1e-8, 1e8):
        v = scale * random.standard_normal((len(sides), 6))
        w, mu = cones.project(v, np.arange(len(sides)))
        for b in range(len(sides)):
            require_projection(X, sides[b], v[b], w[b], mu[b], cones.tight[b])


def test_a_subset_of_the_cones_in_any_order() -> None:
    random, X, sides = cones_of(12, 4, seed=0)
    which = np.array([7, 2, 30])
    v = random.standard_normal((3, 4))
    some, _ = Cones(X, sides).project(v, which)
    every, _ = Cones(X, sides).project(v[[1, 0, 2]], np.array([2, 7, 30]))
    assert some == pytest.approx(every[[1, 0, 2]])


def test_inside_the_cone_nothing_moves_and_in_the_polar_everything_vanishes() -> None:
    X = np.array([[1.0, 0.0], [0.0, 1.0]])
    cones = Cones(X, np.ones((2, 2)))
    w, mu = cones.project(np.array([[2.0, 3.0], [-1.0, -4.0]]), np.arange(2))
    assert w == pytest.approx(np.array([[2.0, 3.0], [0.0, 0.0]]))
    assert mu[0].max() == 0
    assert sorted(mu[1]) == pytest.approx([1.0, 4.0])


def test_zero_duplicate_and_parallel_rows_and_zero_vectors() -> None:
    X = np.array([[1.0, 2.0], [1.0, 2.0], [-2.0, -4.0], [0.0, 0.0], [3.0, -1.0]])
    signs = arrangement(X.astype(int).tolist()).signs
    sides = np.where(signs > 0, 1.0, -1.0)
    v = np.random.default_rng(1).standard_normal((len(sides), 2))
    v[0] = 0
    cones = Cones(X, sides)
    for _ in range(2):
        w, mu = cones.project(v, np.arange(len(sides)))
        for b in range(len(sides)):
            require_projection(X, sides[b], v[b], w[b], mu[b], cones.tight[b])


def test_enough_stops_at_an_upper_bound_of_the_length() -> None:
    random, X, sides = cones_of(30, 8, seed=5)
    v = random.standard_normal((len(sides), 8))
    which = np.arange(len(sides))
    exact = np.linalg.norm(Cones(X, sides).project(v, which)[0], axis=1)
    cones = Cones(X, sides)
    cones.project(v + 0.1 * random.standard_normal(v.shape), which)
    enough = float(np.median(exact))
    lengths = np.linalg.norm(cones.project(v, which, enough)[0], axis=1)
    assert (lengths >= exact - 1e-9).all()
    assert ((lengths > enough) == (exact > enough)).all()
    above = exact > enough
    assert lengths[above] == pytest.approx(exact[above])
