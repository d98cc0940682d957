"""Arrangements: counts two ways, brute force by Fourier-Motzkin, invariances, degenerate data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from flint import fmpz_mat
from hypothesis import given
from hypothesis import strategies as st

import theory.arrangement as module
from theory.arrangement import (
    Arrangement,
    arrangement,
    count_cones,
    general_position_count,
)
from theory.errors import BudgetError, InputError

Matrix = list[list[int]]
SignVector = tuple[int, ...]


@st.composite
def matrices(draw: st.DrawFn, max_n: int = 7, max_d: int = 4) -> Matrix:
    """Small integers, so that dependent, parallel, opposite, equal and zero rows are common."""
    n, d = draw(st.integers(1, max_n)), draw(st.integers(1, max_d))
    entries = st.integers(-(b := draw(st.integers(1, 4))), b)
    rows = st.lists(entries, min_size=d, max_size=d)
    return draw(st.lists(rows, min_size=n, max_size=n))


def sign(value: Any) -> int:
    return int(value > 0) - int(value < 0)


def dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    return sum(x * y for x, y in zip(a, b, strict=True))


def rank(rows: Any) -> int:
    return int(fmpz_mat([[int(v) for v in row] for row in rows]).rank()) if len(rows) else 0


def characteristic_polynomial(X: Matrix) -> tuple[int, ...]:
    """chi of {x_k . u = 0} in R^d; entry i is the coefficient of t^i. By deletion and restriction:
    t^d, less chi of each hyperplane's traces of those before."""
    coefficients = [0] * len(X[0]) + [1]
    normals, _, _ = module._walls(module._rows(X))
    for k, normal in enumerate(normals):
        traces = [module._trace(other, normal) for other in normals[:k]]
        restricted = characteristic_polynomial(traces) if traces else (0,) * (len(X[0]) - 1) + (1,)
        for i, coefficient in enumerate(restricted):
            coefficients[i] -= coefficient
    return tuple(coefficients)


def count_by_zaslavsky(X: Matrix) -> int:
    return abs(sum(c * (-1) ** i for i, c in enumerate(characteristic_polynomial(X))))


def feasible(rows: list[tuple[tuple[int, ...], bool]]) -> bool:
    """Whether some u has a . u > 0 (strict) or >= 0 for all (a, strict), by Fourier-Motzkin."""
    if not rows:
        return True
    if not rows[0][0]:
        return not any(strict for _, strict in rows)
    kept = {(a[1:], strict) for a, strict in rows if a[0] == 0}
    for a, a_strict in rows:
        for b, b_strict in rows:
            if a[0] > 0 > b[0]:
                combined = (a[0] * y - b[0] * x for x, y in zip(a[1:], b[1:], strict=True))
                kept.add((tuple(combined), a_strict or b_strict))
    return feasible(list(kept))


def covectors(X: Matrix) -> set[SignVector]:
    """The sign vectors of X u for all u."""
    found = set()
    for signs in product((-1, 0, 1), repeat=len(X)):
        rows = []
        for s, row in zip(signs, X, strict=True):
            for orientation in (s,) if s else (1, -1):
                rows.append((tuple(orientation * v for v in row), s != 0))
        if feasible(rows):
            found.add(signs)
    return found


def below(face: SignVector, cone: SignVector) -> bool:
    return all(f in (0, c) for f, c in zip(face, cone, strict=True))


def vectors(array: np.ndarray[Any, Any]) -> list[SignVector]:
    return [tuple(row) for row in array.tolist()]


def facet_pairs(cones: Arrangement) -> set[tuple[SignVector, SignVector]]:
    signs = vectors(cones.signs)
    return {(signs[i], signs[j]) for i in range(len(cones)) for _, j in cones.facets(i)}


def incidences(cones: Arrangement) -> set[tuple[SignVector, SignVector]]:
    signs, rays = vectors(cones.signs), vectors(cones.ray_signs)
    return {(signs[i], rays[v]) for i in range(len(cones)) for v in cones.cone_rays(i)}


def assert_same(one: Arrangement, other: Arrangement) -> None:
    """Equal in every field."""
    for name, value in vars(one).items():
        if isinstance(value, np.ndarray):
            assert value.dtype == getattr(other, name).dtype, name
            np.testing.assert_array_equal(value, getattr(other, name), err_msg=name)
        else:
            assert value == getattr(other, name), name


def assert_sound(cones: Arrangement, X: Matrix) -> None:
    """Everything an arrangement states about X, but that nothing is missing."""
    r = cones.rank
    assert r == rank(X)
    ray_signs = [tuple(sign(dot(row, v)) for row in X) for v in cones.rays.tolist()]
    assert vectors(cones.ray_signs) == ray_signs
    assert all(math.gcd(*v) == 1 for v in cones.rays.tolist())
    zero_rows = [k for k, row in enumerate(X) if not any(row)]
    assert sorted(k for wall in cones.walls for k in wall) == [
        k for k in range(len(X)) if k not in zero_rows
    ]
    for wall, normal in zip(cones.walls, cones.normals, strict=True):
        assert dot(X[wall[0]], normal) > 0
        assert math.gcd(*normal) == 1
        assert all(rank([normal, X[k]]) == 1 for k in wall)

    signs = vectors(cones.signs)
    assert signs == sorted(set(signs))
    assert vectors(cones.rays) == sorted(set(vectors(cones.rays)))
    for i, cone in enumerate(signs):
        assert [k for k, s in enumerate(cone) if s == 0] == zero_rows
        members = cones.cone_rays(i)
        assert members.tolist() == sorted(set(members.tolist()))
        assert rank(cones.rays[members]) == r
        for v in members:
            assert below(ray_signs[v], cone)
            tight = [row for row, s in zip(X, ray_signs[v], strict=True) if s == 0]
            assert rank(tight) == r - 1
        facets = cones.facets(i)
        assert [wall for wall, _ in facets] == sorted({wall for wall, _ in facets})
        for index, neighbour in facets:
            assert (index, i) in cones.facets(neighbour)
            flipped = tuple(-s if k in cones.walls[index] else s for k, s in enumerate(cone))
            assert signs[neighbour] == flipped
            on_wall = cones.facet_rays(i, index)
            assert on_wall.tolist() == sorted(
                set(members.tolist()) & set(cones.cone_rays(neighbour).tolist())
            )
            assert rank(cones.rays[on_wall]) == r - 1


# Against other methods


@given(matrices())
def test_as_many_cones_as_the_characteristic_polynomial_says(X: Matrix) -> None:
    assert len(arrangement(X)) == count_by_zaslavsky(X)


@given(matrices(), st.integers(1, 100))
def test_cones_are_counted_without_listing_them(X: Matrix, at_most: int) -> None:
    count = len(arrangement(X))
    assert count_cones(X, at_most=count) == count
    assert min(count, at_most + 1) <= count_cones(X, at_most=at_most) <= count


@given(matrices(max_n=6))
def test_what_it_states_is_so(X: Matrix) -> None:
    assert_sound(arrangement(X), X)


@given(matrices(max_n=5, max_d=3))
def test_agrees_with_brute_force(X: Matrix) -> None:
    """The faces by Fourier-Motzkin: cones are the greatest, rays the least but the origin."""
    cones, faces = arrangement(X), covectors(X)
    nonzero = [face for face in faces if any(face)]
    top = {f for f in faces if all(s != 0 or not any(row) for s, row in zip(f, X, strict=True))}
    if cones.rank == 0:
        rays = set()
    else:
        rays = {f for f in nonzero if not any(g != f and below(g, f) for g in nonzero)}
    assert set(vectors(cones.signs)) == top
    assert set(vectors(cones.ray_signs)) == rays
    assert incidences(cones) == {(cone, ray) for cone in top for ray in rays if below(ray, cone)}
    facets = set()
    for cone in top:
        for wall in cones.walls:
            face = tuple(0 if k in wall else s for k, s in enumerate(cone))
            if face in faces:
                facets.add((cone, tuple(2 * f - s for f, s in zip(face, cone, strict=True))))
    assert facet_pairs(cones) == facets


@given(matrices(), st.integers(0, 2**32))
def test_every_point_off_the_walls_is_in_a_cone(X: Matrix, seed: int) -> None:
    cones = arrangement(X)
    signs = set(vectors(cones.signs))
    for u in np.random.default_rng(seed).integers(-(10**6), 10**6, (20, len(X[0]))).tolist():
        values = [dot(row, u) for row in X]
        if all(v != 0 or not any(row) for v, row in zip(values, X, strict=True)):
            assert tuple(map(sign, values)) in signs


@pytest.mark.parametrize(("n", "d"), [(1, 1), (3, 3), (5, 2), (9, 3), (12, 4), (9, 5), (7, 6)])
def test_general_position(n: int, d: int, generator: np.random.Generator) -> None:
    X = generator.integers(-1000, 1001, (n, d)).tolist()
    cones = arrangement(X)
    assert len(cones) == general_position_count(n, d) == count_by_zaslavsky(X)
    assert len(cones.rays) == 2 * math.comb(n, d - 1)
    assert len(cones.ray_indices) == 2 * math.comb(n, d - 1) * 2 ** (d - 1)
    # The trace on each wall is in general position too, and each of its cones is two facets.
    assert len(cones.facet_walls) == 2 * n * general_position_count(n - 1, d - 1)


def test_the_general_path_agrees_with_general_position(
    generator: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recursion down to the origin, as for walls that meet in any way, gives the same answer."""
    inputs = [
        generator.integers(-1000, 1001, shape).tolist()
        for shape in [(1, 1), (6, 2), (9, 3), (8, 5)]
    ]
    fast = [arrangement(X) for X in inputs]
    assert all(
        len(cones) == general_position_count(len(X), cones.rank)
        for X, cones in zip(inputs, fast, strict=True)
    )
    monkeypatch.setattr(module, "_simple", lambda zeros, r: np.zeros(len(zeros), dtype=bool))
    for X, cones in zip(inputs, fast, strict=True):
        assert_same(arrangement(X), cones)


# Invariances


@given(matrices(), st.randoms(use_true_random=False))
def test_order_of_the_rows(X: Matrix, random: Any) -> None:
    order = list(range(len(X)))
    random.shuffle(order)
    cones, shuffled = arrangement(X), arrangement([X[k] for k in order])
    np.testing.assert_array_equal(shuffled.rays, cones.rays)

    def reorder(pairs: set[tuple[SignVector, SignVector]]) -> set[tuple[SignVector, SignVector]]:
        return {(tuple(a[k] for k in order), tuple(b[k] for k in order)) for a, b in pairs}

    assert incidences(shuffled) == reorder(incidences(cones))
    assert facet_pairs(shuffled) == reorder(facet_pairs(cones))


@given(matrices(), st.data())
def test_scaling_of_the_rows(X: Matrix, data: st.DataObject) -> None:
    scales = st.fractions(-3, 3, max_denominator=5).filter(bool)
    c = data.draw(st.lists(scales, min_size=len(X), max_size=len(X)))
    cones = arrangement(X)
    scaled = arrangement([[s * v for v in row] for s, row in zip(c, X, strict=True)])
    np.testing.assert_array_equal(scaled.rays, cones.rays)

    def flip(pairs: set[tuple[SignVector, SignVector]]) -> set[tuple[SignVector, SignVector]]:
        signs = list(map(sign, c))
        return {
            (tuple(map(int.__mul__, signs, a)), tuple(map(int.__mul__, signs, b))) for a, b in pairs
        }

    assert incidences(scaled) == flip(incidences(cones))
    assert facet_pairs(scaled) == flip(facet_pairs(cones))


@given(matrices(), st.data())
def test_change_of_coordinates(X: Matrix, data: st.DataObject) -> None:
    """X M for an invertible rational M = (lower triangular) (upper triangular)."""
    d = len(X[0])
    entries = st.fractions(-3, 3, max_denominator=5)
    matrix = np.array(X, dtype=object)
    for triangle in (np.tril, np.triu):
        off = data.draw(st.lists(entries, min_size=d * d, max_size=d * d))
        diagonal = data.draw(st.lists(entries.filter(bool), min_size=d, max_size=d))
        factor = triangle(np.array(off, dtype=object).reshape(d, d))
        np.fill_diagonal(factor, diagonal)
        matrix = matrix @ factor
    cones, mapped = arrangement(X), arrangement(matrix)
    np.testing.assert_array_equal(mapped.signs, cones.signs)
    for name in ("facet_offsets", "facet_walls", "facet_neighbours"):
        np.testing.assert_array_equal(getattr(mapped, name), getattr(cones, name), err_msg=name)
    assert incidences(mapped) == incidences(cones)
    assert mapped.rank == cones.rank
    assert mapped.walls == cones.walls


# Degenerate, large, and refused


def test_no_wall() -> None:
    cones = arrangement([[0, 0, 0], [0, 0, 0]])
    assert (len(cones), cones.rank, cones.walls) == (1, 0, ())
    assert cones.signs.tolist() == [[0, 0]]
    assert cones.rays.shape == (0, 3)
    assert cones.cone_rays(0).tolist() == []
    assert cones.facets(0) == []
    assert cones.cones_containing([1, 2, 3]).tolist() == [0]


@pytest.mark.parametrize(
    ("X", "rays", "signs", "walls"),
    [
        ([[5]], [[-1], [1]], [[-1], [1]], ((0,),)),
        ([[0, 0], [-3, 6]], [[-1, 0], [1, 0]], [[0, -1], [0, 1]], ((1,),)),
        (
            [[2], [0], [-3], ["1/2"]],
            [[-1], [1]],
            [[-1, 0, 1, -1], [1, 0, -1, 1]],
            ((0, 2, 3),),
        ),
        (  # rank 2 in R^3, with an opposite row
            [[1, 0, 1], [0, 1, 1], [-2, 0, -2]],
            [[-1, 0, 0], [0, -1, 0], [0, 1, 0], [1, 0, 0]],
            [[-1, -1, 1], [-1, 1, 1], [1, -1, -1], [1, 1, -1]],
            ((0, 2), (1,)),
        ),
    ],
)
def test_small_by_hand(X: Any, rays: Matrix, signs: Matrix, walls: Any) -> None:
    cones = arrangement(X)
    assert cones.rays.tolist() == rays
    assert cones.signs.tolist() == signs
    assert cones.walls == walls


def test_one_wall_has_a_facet_without_rays() -> None:
    cones = arrangement([[1, 2], [-1, -2]])
    assert [cones.facets(i) for i in range(2)] == [[(0, 1)], [(0, 0)]]
    assert cones.facet_rays(0, 0).tolist() == []


def test_the_braid_arrangement() -> None:
    """u_i = u_j in R^5: a cone for each order of the coordinates, t (t-1) ... (t-4)."""
    X = [[(k == i) - (k == j) for k in range(5)] for i in range(5) for j in range(i)]
    cones = arrangement(X)
    assert characteristic_polynomial(X) == (0, 24, -50, 35, -10, 1)
    assert (len(cones), cones.rank) == (120, 4)
    assert_sound(cones, X)
    assert all(len(cones.facets(i)) == 4 for i in range(120))  # swaps of neighbours


def test_orthants() -> None:
    """More features than the rank, and as many walls as the rank: every cone is an orthant."""
    X = [[int(j == k) for j in range(8)] + [k] for k in range(8)]
    cones = arrangement(X)
    assert vectors(cones.signs) == list(product((-1, 1), repeat=8))
    assert characteristic_polynomial(X) == (0, *(math.comb(8, i) * (-1) ** i for i in range(9)))
    assert_sound(cones, X)


@pytest.mark.parametrize(("size", "dtype"), [(10**3, "i"), (10**6, "i"), (10**12, "O")])
def test_large_entries(size: int, dtype: str, generator: np.random.Generator) -> None:
    """int64 while Hadamard's bound on 3x3 determinants is below 2^63, and then Python integers."""
    X = generator.integers(-size, size + 1, (7, 3)).tolist()
    X[3] = [a + b for a, b in zip(X[1], X[2], strict=True)]  # a ray on three walls
    cones = arrangement(X)
    assert cones.rays.dtype.kind == dtype
    assert len(cones) == count_by_zaslavsky(X) == general_position_count(7, 3) - 2
    assert_sound(cones, X)


def test_huge_coordinates_change_nothing(generator: np.random.Generator) -> None:
    """X M for a unimodular M with entries to 10^24: the rays are M^-1 times those of X."""
    X = generator.integers(-2, 3, (9, 3)).tolist()
    a, b, c = 10**12 + 39, -(10**12) - 61, 10**12
    M = np.array([[1, a, b + a * c], [0, 1, c], [0, 0, 1]], dtype=object)
    inverse = np.array([[1, -a, -b], [0, 1, -c], [0, 0, 1]], dtype=object)
    small, huge = arrangement(X), arrangement(np.array(X, dtype=object) @ M)
    np.testing.assert_array_equal(huge.signs, small.signs)
    np.testing.assert_array_equal(huge.facet_walls, small.facet_walls)
    np.testing.assert_array_equal(huge.facet_neighbours, small.facet_neighbours)
    assert all(type(v) is int for row in huge.rays for v in row)
    assert set(vectors(huge.rays)) == set(vectors(small.rays.astype(object) @ inverse.T))


def test_hundreds_of_lines_in_the_plane() -> None:
    """Above 64 walls: the cones go round, each bounded by two rays and two walls."""
    X = [[1, k] for k in range(-150, 150)]
    cones = arrangement(X)
    assert len(cones) == 600
    assert np.diff(cones.ray_offsets).tolist() == [2] * 600
    trip = [0, cones.facets(0)[0][1]]
    while len(trip) < 600:
        (onward,) = {j for _, j in cones.facets(trip[-1])} - {trip[-2]}
        trip.append(onward)
    assert sorted(trip) == list(range(600))


def test_more_than_64_walls_with_common_lines() -> None:
    X = [[i, j, 1] for i in range(-4, 5) for j in range(-4, 5)]
    cones = arrangement(X)
    assert len(cones.walls) == 81
    assert len(cones) == count_by_zaslavsky(X)
    assert vectors(cones.signs) == sorted(vectors(cones.signs))
    signs = cones.signs.astype(np.int64)
    cone_of_facet = np.repeat(np.arange(len(cones)), np.diff(cones.facet_offsets))
    flips = signs[cone_of_facet] != signs[cones.facet_neighbours]
    np.testing.assert_array_equal(flips, np.eye(81, dtype=bool)[cones.facet_walls])
    # Each cone of the trace on a wall is the facet of two cones.
    traces = [
        count_by_zaslavsky(module._walls([module._trace(b, a) for b in X if b != a])[0]) for a in X
    ]
    assert len(cones.facet_walls) == 2 * sum(traces)


def test_cones_containing() -> None:
    X = [[1, 0], [0, 1], [1, 1], [2, 0]]
    cones = arrangement(X)
    for u in product([Fraction(k, 3) for k in (-3, -1, 0, 1, 3)], repeat=2):
        at = tuple(sign(dot(row, u)) for row in X)
        expected = [i for i, cone in enumerate(vectors(cones.signs)) if below(at, cone)]
        assert cones.cones_containing(u).tolist() == expected
    assert cones.cones_containing(["0.1", "-1/10"]).tolist() == [3, 4]


def test_cones_containing_refuses() -> None:
    cones = arrangement([[1, 0], [0, 1]])
    with pytest.raises(InputError, match="u: has 3 entries, but the rows of X have 2"):
        cones.cones_containing([1, 2, 3])
    with pytest.raises(InputError, match=r"u\[1\]: 0.5 is a float"):
        cones.cones_containing([1, 0.5])  # type: ignore[list-item]


def test_input_errors() -> None:
    nothing: tuple[Matrix, ...] = ([], [[]])
    for empty in nothing:
        with pytest.raises(InputError, match="X: is empty"):
            arrangement(empty)
    with pytest.raises(InputError, match=r"X\[0\]\[1\]: 0.5 is a float"):
        arrangement([[1, 0.5]])  # type: ignore[list-item]


def test_budget(generator: np.random.Generator) -> None:
    X = generator.integers(-1000, 1001, (20, 3))
    with pytest.raises(BudgetError, match=r"382 needed, the limit is 381; .* max_cones=382"):
        arrangement(X, max_cones=381)
    assert len(arrangement(X, max_cones=382)) == 382


def test_budget_counts_many_rays_and_rows(generator: np.random.Generator) -> None:
    orthants = np.eye(70, dtype=int)[:, :8]  # 256 cones of 8 rays, with 62 zero rows
    assert len(arrangement(orthants, max_cones=256)) == 256
    with pytest.raises(BudgetError, match=f": {2 * math.comb(16, 11) * 2**11 // 32:,} needed"):
        arrangement(generator.integers(-9, 10, (16, 12)), max_cones=100_000)
    with pytest.raises(BudgetError, match=f": {600 * 300 // 256:,} needed"):
        arrangement([[1, k] for k in range(300)], max_cones=600)


def test_too_large_is_refused_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(module, "_cones")
    with pytest.raises(BudgetError, match=f": {general_position_count(200, 6):,} needed"):
        arrangement(np.random.default_rng(0).integers(-9, 10, (200, 6)))


def test_long_entries_count_as_several_rows() -> None:
    """Their products take the time, and the memory."""
    X = [[10**2000 + k, 10**2000 + k * k + 1] for k in range(40)]
    with pytest.raises(BudgetError, match="135,200 needed, the limit is 100,000"):
        arrangement(X, max_cones=100_000)
    assert len(arrangement([[v % 10**4 for v in row] for row in X], max_cones=100_000)) == 80
