"""The central hyperplane arrangement {x_k . u = 0} in R^d: cones, extreme rays and facets, exactly.

On a full-dimensional cone every neuron keeps its activation pattern, so these cones are the pieces
on which a network is linear in u. Zero, duplicate, parallel and opposite rows and X of any rank are
allowed.

>>> cones = arrangement([[1, 0], [0, 1], [1, 1], [2, 0]])
>>> len(cones), cones.rank, cones.walls
(6, 2, ((0, 3), (1,), (2,)))
>>> cones.signs[5].tolist()
[1, 1, 1, 1]
>>> cones.rays[cones.cone_rays(5)].tolist()
[[0, 1], [1, 0]]
>>> cones.facets(5)  # (wall, the cone across it)
[(0, 2), (1, 4)]

A short tour, in the order of the file:

1. `arrangement` merges parallel rows into walls and keeps r = rank X pivot coordinates. Every cone
   contains the kernel of X; modulo the kernel it is pointed, and its extreme rays are given with
   zeros at the other coordinates.
2. `_rays`: a ray is the cross product of r - 1 independent walls, a vector of minors.
3. `_cones`: near a ray the cones are those of the walls that contain it. Where these are only r - 1
   walls (everywhere, in general position) they form 2^(r-1) orthants, written down for all rays at
   once; elsewhere `_cones` calls itself on those walls, once for each flat. Sorting the sign
   vectors found gives the cones and their rays.
4. `_facet_table`: a wall bounds a cone if it does so near one of the cone's rays. Sorted by sign
   vector, the cones on both sides of a wall come in the same order, which pairs the neighbours.

`count_cones` counts the cones in another way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from flint import fmpz_mat, nmod_mat

from theory.errors import BudgetError, InputError
from theory.problem import Rational, rational_matrix, rational_vector
from theory.types import Array

if TYPE_CHECKING:
    from jaxtyping import Bool, Int, Int8, Int32, Int64, Shaped, UInt64


# What a cone may hold before it counts as several against `max_cones`: at the default limit the
# incidences, while they are sorted, and the sign vectors then stay within about 4 GB.
_RAYS_PER_CONE = 32
_ROWS_PER_CONE = 256

_PRODUCTS_AT_ONCE = 1 << 20
_PRIME = 2**61 - 1


@dataclass(frozen=True, eq=False)
class Arrangement:
    """All full-dimensional cones of {x_k . u = 0}, k = 1..n, in R^d.

    R rays and P cones, both in a canonical order: rays by their coordinates, cones by their sign
    vectors. Every cone is its rays' conical hull plus the kernel of X. CSR arrays: the entries of
    cone i stand at offsets[i]:offsets[i+1].
    """

    rank: int
    normals: tuple[tuple[int, ...], ...]
    """One primitive normal for each wall, (h, d): a positive multiple of the wall's first row."""
    walls: tuple[tuple[int, ...], ...]
    """The distinct hyperplanes: the rows of X on each, ordered by first row; no zero rows."""
    rays: Shaped[Array, "R d"]
    """Primitive integer vectors; int64, or object (Python integers) where int64 might overflow."""
    ray_signs: Int8[Array, "R n"]
    """sign(x_k . ray)"""
    signs: Int8[Array, "P n"]
    """The sign vector of each cone; 0 exactly at zero rows."""
    ray_offsets: Int64[Array, " P+1"]
    ray_indices: Int32[Array, " incidences"]
    facet_offsets: Int64[Array, " P+1"]
    facet_walls: Int32[Array, " facets"]
    facet_neighbours: Int32[Array, " facets"]

    def __len__(self) -> int:
        """The number P of cones."""
        return len(self.signs)

    def cone_rays(self, cone: int) -> Int32[Array, " rays"]:
        """Indices of the extreme rays of a cone, ascending."""
        return self.ray_indices[self.ray_offsets[cone] : self.ray_offsets[cone + 1]]

    def facets(self, cone: int) -> list[tuple[int, int]]:
        """(wall, the cone across it) for each facet of a cone, walls ascending."""
        here = slice(self.facet_offsets[cone], self.facet_offsets[cone + 1])
        return list(
            zip(self.facet_walls[here].tolist(), self.facet_neighbours[here].tolist(), strict=True)
        )

    def facet_rays(self, cone: int, wall: int) -> Int32[Array, " rays"]:
        """Indices of the extreme rays of a cone that lie on a wall, ascending."""
        rays = self.cone_rays(cone)
        on_wall: Array = rays[self.ray_signs[rays, self.walls[wall][0]] == 0]
        return on_wall

    def active(self, cones: int | Sequence[int]) -> Bool[Array, "*cones n"]:
        """Which rows are active inside a cone, or each of several: x_k . u > 0."""
        active: Array = self.signs[cones] > 0
        return active

    def cones_containing(self, u: Iterable[Rational]) -> Int64[Array, " cones"]:
        """Indices of the cones whose closure contains the rational vector u (d,).

        Raises InputError if u is not a vector of d exact rationals.
        """
        vector = rational_vector(u, "u")
        d = self.rays.shape[1]
        if len(vector) != d:
            raise InputError("u", f"has {len(vector)} entries, but the rows of X have {d}")
        candidates = np.arange(len(self))
        for normal, rows in zip(self.normals, self.walls, strict=True):
            value = sum(a * v for a, v in zip(normal, vector, strict=True))
            if value != 0:
                candidates = candidates[self.signs[candidates, rows[0]] == (1 if value > 0 else -1)]
        return candidates


def arrangement(X: Iterable[Iterable[Rational]], *, max_cones: int = 2_000_000) -> Arrangement:
    """The cones, rays and facets of {x_k . u = 0} for the rows x_k of a rational matrix X (n, d).

    X: rows of exact rationals, such as `Problem.X`, or an integer array.
    max_cones: the most cones to start for, by the bound that holds with equality in general
        position. So that memory stays within reach too, a cone with more than 32 rays (on average,
        by the same bound) or 256 rows (those of long entries count as several) counts as several.

    Raises InputError if X is empty or not exact, BudgetError if it is too large for `max_cones`.
    """
    rows = _rows(X)
    d = len(rows[0])
    normals, walls, orientations = _walls(rows)
    words = 1 + max((abs(v) for normal in normals for v in normal), default=0).bit_length() // 64
    _check_budget(len(rows) * words**2, len(walls), _rank_at_least(normals), max_cones)
    pivots = _pivot_columns(normals)
    _check_budget(len(rows) * words**2, len(walls), len(pivots), max_cones)
    essential = [_primitive([normal[c] for c in pivots]) for normal in normals]
    cones = _cones(essential, len(pivots), tuple(range(len(walls))), {})

    wall_of_row = np.zeros(len(rows), dtype=np.int64)
    orientation = np.zeros(len(rows), dtype=np.int8)
    for wall, members in enumerate(walls):
        wall_of_row[list(members)] = wall
        orientation[list(members)] = [orientations[k] for k in members]

    def on_rows(signs: Int8[Array, "m h"]) -> Int8[Array, "m n"]:
        if not walls:
            return np.zeros((len(signs), len(rows)), dtype=np.int8)
        return signs[:, wall_of_row] * orientation

    rays = np.zeros((len(cones.rays), d), dtype=cones.rays.dtype)
    rays[:, pivots] = cones.rays
    facet_offsets, facet_walls, facet_neighbours = _facet_table(cones.positive, cones.facets)
    return Arrangement(
        rank=len(pivots),
        normals=tuple(map(tuple, normals)),
        walls=walls,
        rays=rays,
        ray_signs=on_rows(cones.ray_signs),
        signs=on_rows(np.where(cones.positive, np.int8(1), np.int8(-1))),
        ray_offsets=cones.ray_offsets,
        ray_indices=cones.ray_indices,
        facet_offsets=facet_offsets,
        facet_walls=facet_walls,
        facet_neighbours=facet_neighbours,
    )


def general_position_count(n: int, r: int) -> int:
    """The number of cones of n hyperplanes in general position in R^r, n >= r.

    2 sum_{i<r} C(n-1, i) (Cover 1965, theorem 1); no n hyperplanes of rank r have more.
    """
    if r == 0:
        return 1
    return 2 * sum(math.comb(n - 1, i) for i in range(r))


def count_cones(X: Iterable[Iterable[Rational]], *, at_most: int) -> int:
    """The number of cones, without listing them; where that is above `at_most` some number above.

    By deletion and restriction, chi(A) = chi(A - H) - chi(A restricted to H), as there are
    |chi(-1)| (Zaslavsky 1975, theorem A); left as soon as enough are counted: a part of the
    hyperplanes has no more cones than all of them.

    Raises InputError if X is empty or not exact.
    """
    rows = _rows(X)
    normals, _, _ = _walls(rows)
    return _count(normals, at_most)


# Walls and coordinates


def _rows(X: Iterable[Iterable[Rational]]) -> tuple[tuple[Fraction, ...], ...]:
    """X as Fractions, with at least one row and one column."""
    rows = rational_matrix(X, "X")
    if not rows or not rows[0]:
        raise InputError("X", "is empty; at least one row and one column are needed")
    return rows


def _primitive(vector: Sequence[int]) -> list[int]:
    """The integer vector divided by the greatest common divisor of its entries (not all zero)."""
    divisor = math.gcd(*vector)
    return [v // divisor for v in vector]


def _walls(
    rows: Sequence[Sequence[Fraction | int]],
) -> tuple[list[list[int]], tuple[tuple[int, ...], ...], dict[int, int]]:
    """Normals of the distinct hyperplanes, the rows on each, and whether a row is along (1) or
    against (-1) its hyperplane's normal."""
    members: dict[tuple[int, ...], list[int]] = {}
    orientations: dict[int, int] = {}
    for k, row in enumerate(rows):
        if not any(row):
            continue
        scale = math.lcm(*(v.denominator for v in row))
        normal = tuple(_primitive([int(v * scale) for v in row]))
        opposite = tuple(-v for v in normal)
        orientations[k] = -1 if opposite in members else 1
        members.setdefault(opposite if opposite in members else normal, []).append(k)
    return [list(normal) for normal in members], tuple(map(tuple, members.values())), orientations


def _rank_at_least(normals: Sequence[Sequence[int]]) -> int:
    """The rank modulo a prime, which is not above the rank, and known far sooner."""
    if not normals:
        return 0
    entries = [v % _PRIME for normal in normals for v in normal]
    rank: int = nmod_mat(len(normals), len(normals[0]), entries, _PRIME).rank()
    return rank


def _pivot_columns(normals: Sequence[Sequence[int]]) -> list[int]:
    """Columns that form a basis of the column space, as many as the rank."""
    if not normals:
        return []
    reduced, _, rank = fmpz_mat([list(normal) for normal in normals]).rref()
    columns = range(len(normals[0]))
    return [next(c for c in columns if reduced[i, c] != 0) for i in range(rank)]


def _check_budget(n: int, h: int, r: int, max_cones: int) -> None:
    """Raise BudgetError if n rows on h walls of rank r may need more than `max_cones`.

    n: times the square of the words of 64 bits that an entry has.
    """
    cones = general_position_count(h, r)
    # Of all arrangements those in general position have the most incidences too: a ray on z walls
    # becomes C(z, r-1) rays with 2^(r-1) cones each when the walls are moved a little.
    incidences = 2 * math.comb(h, r - 1) * 2 ** (r - 1) if r else 0
    needed = max(cones, incidences // _RAYS_PER_CONE, cones * n // _ROWS_PER_CONE)
    if needed > max_cones:
        what = f"cones (of {_RAYS_PER_CONE} rays and {_ROWS_PER_CONE} rows) of {h} walls, rank {r}"
        raise BudgetError(what, needed, max_cones, "max_cones")


# Rays


def _exact_array(A: Sequence[Sequence[int]], r: int) -> Shaped[Array, "h r"]:
    """The matrix as int64 if all its minors of order <= r surely fit into int64, else as objects.

    Hadamard: a minor is at most the product of its rows' lengths. So are the partial sums of its
    expansion along a row, by Cauchy-Schwarz and Cauchy-Binet.
    """
    squares = sorted((sum(v * v for v in row) for row in A), reverse=True)
    fits = math.prod(squares[:r]) < 2**126
    return np.array(A, dtype=np.int64 if fits else object).reshape(len(A), r)


def _cross_products(A: Shaped[Array, "h r"]) -> Shaped[Array, "subsets r"]:
    """For each (r-1)-subset of the rows the vector v with a . v = +-det(subset, a) for every a.

    Laplace expansion along the last row (up to sign) of all k x k minors at once,
    k = 1..r-1. Of the k-subsets of rows only those are kept that begin an (r-1)-subset.
    """
    h, r = A.shape
    minors = np.ones((1, 1), dtype=A.dtype)  # (column sets, row sets)
    last = np.array([-1])
    column_index: dict[tuple[int, ...], int] = {(): 0}
    for k in range(1, r):
        counts = h - (r - 1 - k) - 1 - last
        parent = np.repeat(np.arange(len(last)), counts)
        first = np.cumsum(counts) - counts
        last = last[parent] + 1 + np.arange(len(parent)) - first[parent]
        columns = list(combinations(range(r), k))
        row_set_minors = minors[:, parent]
        minors = np.zeros((len(columns), len(last)), dtype=A.dtype)
        for j in range(k):
            rest = [column_index[c[:j] + c[j + 1 :]] for c in columns]
            entries = A[:, [c[j] for c in columns]][last].T
            minors += (-1) ** j * entries * row_set_minors[rest]
        column_index = {c: i for i, c in enumerate(columns)}
    alternating = np.array([(-1) ** c for c in range(r)]).reshape(-1, 1)
    products: Array = (minors[::-1] * alternating).T  # the column sets omit r-1, ..., 0 in turn
    return products


def _rays(A: Shaped[Array, "h r"]) -> Shaped[Array, "R r"]:
    """The primitive vectors on r - 1 independent walls, ascending; row R-1-i is minus row i."""
    vectors = _cross_products(A)
    vectors = vectors[(vectors != 0).any(axis=1)]
    vectors = vectors // np.gcd.reduce(vectors, axis=1)[:, None]
    leading = vectors[np.arange(len(vectors)), (vectors != 0).argmax(axis=1)]
    vectors[leading < 0] *= -1
    vectors = vectors[np.lexsort(vectors.T[::-1])]
    half = vectors[_first_of_equal(vectors)]
    return np.concatenate([-half[::-1], half])


def _first_of_equal(rows: Shaped[Array, "m k"]) -> Int64[Array, " distinct"]:
    """Where each run of equal rows begins."""
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    return np.flatnonzero(new)


def _signs(rays: Shaped[Array, "R r"], A: Shaped[Array, "h r"]) -> Int8[Array, "R h"]:
    """sign(a_k . ray), for rays as `_rays` gives them; in blocks, for the products are large."""
    half = rays[len(rays) // 2 :]
    longest = max(int(abs(rays).max(initial=0)), int(abs(A).max(initial=0))).bit_length()
    step = max(1, _PRODUCTS_AT_ONCE // (len(A) * (1 + longest // 64)))
    blocks = [np.sign(half[i : i + step] @ A.T).astype(np.int8) for i in range(0, len(half), step)]
    signs = np.concatenate(blocks)
    return np.concatenate([-signs[::-1], signs])


# Cones


@dataclass(frozen=True, eq=False)
class _Cones:
    """The cones of an arrangement of h walls with linearly independent columns (rank r)."""

    rays: Shaped[Array, "R r"]
    ray_signs: Int8[Array, "R h"]
    positive: Bool[Array, "P h"]  # the side of each wall; ascending as binary numbers
    facets: Bool[Array, "P h"]  # which walls bound the cone
    ray_offsets: Int64[Array, " P+1"]
    ray_indices: Int32[Array, " incidences"]


def _pack(bits: Bool[Array, "m h"]) -> UInt64[Array, "m words"]:
    """Rows of bits as words of 64; the first bit is the highest, so words sort as the rows do."""
    padded = np.zeros((len(bits), -(-bits.shape[1] // 64) * 64), dtype=bool)
    padded[:, : bits.shape[1]] = bits
    words: Array = np.packbits(padded, axis=1).view(">u8").astype(np.uint64)
    return words


def _unpack(words: UInt64[Array, "m words"], h: int) -> Bool[Array, "m h"]:
    """The inverse of `_pack`."""
    octets = words.astype(">u8").view(np.uint8)
    return np.unpackbits(octets, axis=1, count=h).view(bool)


_Memo: TypeAlias = dict[tuple[int, ...], _Cones]


def _cones(A: Sequence[Sequence[int]], r: int, names: tuple[int, ...], memo: _Memo) -> _Cones:
    """The cones of the walls with normals A (h, r), pairwise not parallel, of rank r.

    names: the walls' numbers in the whole arrangement; `memo` keeps the answer for each flat.
    """
    if names not in memo:
        memo[names] = _cones_of_rays(A, r, names, memo) if r else _everything()
    return memo[names]


def _everything() -> _Cones:
    """No wall: one cone, the whole space."""
    return _Cones(
        rays=np.zeros((0, 0), dtype=np.int64),
        ray_signs=np.zeros((0, 0), dtype=np.int8),
        positive=np.zeros((1, 0), dtype=bool),
        facets=np.zeros((1, 0), dtype=bool),
        ray_offsets=np.zeros(2, dtype=np.int64),
        ray_indices=np.zeros(0, dtype=np.int32),
    )


def _cones_of_rays(
    A: Sequence[Sequence[int]], r: int, names: tuple[int, ...], memo: _Memo
) -> _Cones:
    """`_cones` for r > 0: every cone has a ray, and so is found among the cones around each ray."""
    matrix = _exact_array(A, r)
    rays = _rays(matrix)
    ray_signs = _signs(rays, matrix)
    ray_indices, sides, bounds = _incidences(A, rays, ray_signs, names, memo)
    order = np.lexsort(sides.T[::-1])
    sides = sides[order]
    starts = _first_of_equal(sides)
    facets = _unpack(np.bitwise_or.reduceat(bounds[order], starts, axis=0), len(A))
    if r == 1:
        facets[:] = True  # the origin, which contains no ray
    return _Cones(
        rays=rays,
        ray_signs=ray_signs,
        positive=_unpack(sides[starts], len(A)),
        facets=facets,
        ray_offsets=np.append(starts, len(sides)),
        ray_indices=ray_indices[order],
    )


def _incidences(
    A: Sequence[Sequence[int]],
    rays: Shaped[Array, "R r"],
    ray_signs: Int8[Array, "R h"],
    names: tuple[int, ...],
    memo: _Memo,
) -> tuple[Int32[Array, " N"], UInt64[Array, "N words"], UInt64[Array, "N words"]]:
    """The cones around each ray: the ray, the cone's sides, and the facets that contain the ray."""
    r = rays.shape[1]
    zeros = ray_signs == 0
    simple = _simple(zeros, r)
    stars = {
        ray: _star(A, rays[ray], np.flatnonzero(zeros[ray]), names, memo)
        for ray in np.flatnonzero(~simple).tolist()
    }
    counts = np.full(len(rays), 2 ** (r - 1))
    counts[list(stars)] = [len(sides) for sides, _ in stars.values()]
    starts = np.cumsum(counts) - counts

    sides = np.repeat(_pack(ray_signs > 0), counts, axis=0)
    bounds = np.repeat(_pack(zeros), counts, axis=0)
    sides[starts[simple, None] + np.arange(2 ** (r - 1))] |= _orthants(zeros[simple], r)
    for ray, (star_sides, star_facets) in stars.items():
        here = slice(starts[ray], starts[ray] + counts[ray])
        sides[here] |= star_sides
        bounds[here] = star_facets
    return np.repeat(np.arange(len(rays), dtype=np.int32), counts), sides, bounds


def _simple(zeros: Bool[Array, "R h"], r: int) -> Bool[Array, " R"]:
    """The rays on r - 1 walls only: these are independent, and meet like coordinate hyperplanes."""
    simple: Array = zeros.sum(axis=1) == r - 1
    return simple


def _orthants(zeros: Bool[Array, "m h"], r: int) -> UInt64[Array, "m 2**(r-1) words"]:
    """The 2^(r-1) choices of sides of the r - 1 walls marked in each row."""
    m, h = zeros.shape
    walls = np.nonzero(zeros)[1].reshape(m, r - 1)
    single = _pack(np.eye(h, dtype=bool))
    choices = np.zeros((m, 1, single.shape[1]), dtype=np.uint64)
    for j in range(r - 1):
        choices = np.concatenate([choices, choices | single[walls[:, j], None]], axis=1)
    return choices


def _star(
    A: Sequence[Sequence[int]],
    ray: Shaped[Array, " r"],
    flat: Int[Array, " z"],
    names: tuple[int, ...],
    memo: _Memo,
) -> tuple[UInt64[Array, "T words"], UInt64[Array, "T words"]]:
    """The cones around a ray, given the walls that contain it: sides and facets on these walls."""
    # Modulo the ray: each coset has a vector that vanishes where the ray does not.
    dropped = int(np.flatnonzero(ray)[0])
    local = [[v for c, v in enumerate(A[k]) if c != dropped] for k in flat]
    cones = _cones(local, len(ray) - 1, tuple(names[k] for k in flat), memo)
    sides = np.zeros((len(cones.positive), len(A)), dtype=bool)
    sides[:, flat] = cones.positive
    facets = np.zeros_like(sides)
    facets[:, flat] = cones.facets
    return _pack(sides), _pack(facets)


def _facet_table(
    positive: Bool[Array, "P h"], facets: Bool[Array, "P h"]
) -> tuple[Int64[Array, " P+1"], Int32[Array, " F"], Int32[Array, " F"]]:
    """CSR offsets, walls and neighbours of the facets of each cone."""
    offsets = np.concatenate([[0], np.cumsum(facets.sum(axis=1))])
    walls = np.empty(offsets[-1], dtype=np.int32)
    neighbours = np.empty(offsets[-1], dtype=np.int32)
    free = offsets[:-1].copy()
    for wall, (bounded, side) in enumerate(zip(facets.T.copy(), positive.T.copy(), strict=True)):
        above, below = np.flatnonzero(bounded & side), np.flatnonzero(bounded & ~side)
        # Neighbours differ at this wall only, so both sides are sorted alike.
        for here, there in ((above, below), (below, above)):
            walls[free[here]] = wall
            neighbours[free[here]] = there
            free[here] += 1
    return offsets, walls, neighbours


# The count by deletion and restriction


def _count(normals: Sequence[Sequence[int]], at_most: int) -> int:
    """|chi(-1)| of distinct hyperplanes, or a number above `at_most` that it is not below."""
    if normals and len(normals[0]) == 2:
        return 2 * len(normals)
    total = 1
    for k, normal in enumerate(normals):
        distinct, _, _ = _walls([_trace(other, normal) for other in normals[:k]])
        total += _count(distinct, at_most - total)
        if total > at_most:
            break
    return total


def _trace(other: Sequence[int], normal: Sequence[int]) -> list[int]:
    """A normal of the trace of one hyperplane on another, in the latter's coordinates."""
    pivot = next(c for c, v in enumerate(normal) if v)
    return [
        normal[pivot] * b - other[pivot] * a
        for c, (a, b) in enumerate(zip(normal, other, strict=True))
        if c != pivot
    ]
