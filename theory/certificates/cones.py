"""The arrangement of the data, derived again: its walls, cones, rays and facets, exactly.

The generators, rays of the arrangement or vertices in the ball, are numbered once, and a set of
them is an int with a bit for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from math import comb

from theory.certificates import algebra, work
from theory.certificates.algebra import Sigma, Vector, dot, mask


@dataclass(frozen=True)
class Cone:
    sides: int  # set of the walls of which it is on the positive side
    generators: int  # a set
    facets: dict[int, tuple[int, int]]  # name of wall: generators, sides of the cone across


class Points:
    """Points to choose generators from: on which side of each wall they lie, and sigma(X v), times
    the unit of sigma."""

    def __init__(
        self,
        points: list[Vector],
        normals: list[Vector],
        rows: Sequence[Sequence[int]],
        sigma: Sigma,
    ) -> None:
        size = len(points[0]) if points else 0
        bits = max(map(work.length, points), default=0)
        bits += max(map(work.length, rows), default=0) + size.bit_length()
        each = size * work.integer(bits)
        columns = len(points) * len(rows) * (each + work.kept(bits))
        work.spend("columns of generators", columns)
        work.spend("sides of generators", len(points) * len(normals) * (each + 4))
        self.points = points
        self.all = (1 << len(points)) - 1
        self.columns = [tuple(sigma(dot(row, point)) for row in rows) for point in points]
        self.positive, self.negative = [], []
        for normal in normals:
            values = [dot(normal, point) for point in points]
            self.positive.append(mask(v > 0 for v in values))
            self.negative.append(mask(v < 0 for v in values))

    def inside(self, sides: int) -> int:
        """The points in the closed cone on these sides of the walls."""
        points = self.all
        for wall, (positive, negative) in enumerate(zip(self.positive, self.negative, strict=True)):
            points &= ~(negative if sides >> wall & 1 else positive)
        return points

    def on_wall(self, wall: int) -> int:
        return self.all & ~self.positive[wall] & ~self.negative[wall]


class Arrangement:
    """The hyperplanes x_k . u = 0, modulo the null space of X.

    A wall is oriented along its first row, which also names it. Only X u matters, and every X u is
    that of a u with zeros outside `rank` pivot columns, so rays are vectors of these entries.
    """

    def __init__(
        self,
        X: Sequence[Sequence[int]],
        sigma: Sigma,
        ball: str | None = None,
        *,
        free: bool = False,
    ) -> None:
        """free: whether the last entries of neurons do not count in the ball."""
        columns = sorted(pivot for pivot, _ in algebra.echelon(X))
        self.rank = len(columns)
        rows = [tuple(row[j] for j in columns) for row in X]
        self.names: list[int] = []
        self.walls_of_rows: list[tuple[int, int] | None] = []  # wall, orientation; None: zero row
        normals: dict[Vector, int] = {}
        for k, row in enumerate(rows):
            if not any(row):
                self.walls_of_rows.append(None)
                continue
            normal = algebra.primitive(row)
            opposite = tuple(-v for v in normal)
            if opposite in normals:
                self.walls_of_rows.append((normals[opposite], -1))
                continue
            if normal not in normals:
                normals[normal] = len(normals)
                self.names.append(k)
            self.walls_of_rows.append((normals[normal], 1))
        self.normals = list(normals)
        self.rays = self._find_rays(len(rows))
        self._rays = self.generators = Points(self.rays, self.normals, rows, sigma)
        self.corner_scale = 1
        whole = [tuple(X[name]) for name in self.names]
        zeros = (0,) * (len(X[0]) - 1)
        endless = [(*zeros, 1), (*zeros, -1)] if free else []
        if ball == "entrywise":
            bounded = len(X[0]) - free
            corners, self.corner_scale = self._find_corners(whole, len(X[0]), bounded)
            self.generators = Points([*corners, *endless], whole, X, sigma)
        elif ball is not None:
            directions = self._find_directions(X, columns)
            self.generators = Points([*directions, *endless], whole, X, sigma)
        self.unbounded = self.generators.all if ball is None else 0
        """The set of the generators of which a neuron is any multiple, and no length counts."""
        if free:
            self.unbounded = 3 << len(self.generators.points) - 2
        self._cones: dict[int, Cone | None] = {}

    def _find_rays(self, n: int) -> list[Vector]:
        """Both directions of every line in which walls meet, once."""
        if self.rank == 0:
            return []
        subsets = comb(len(self.normals), self.rank - 1)
        # In general position each has rays of its own: their columns, and sides of walls.
        work.require("rays of the arrangement", subsets * (self.rank**3 + 2 * self.rank * n))
        rays: dict[Vector, None] = {}
        for subset in combinations(self.normals, self.rank - 1):
            basis = algebra.echelon(subset)
            if len(basis) == self.rank - 1:
                ray = algebra.null_vector(basis, self.rank)
                work.spend("rays of the arrangement", self.rank * work.kept(work.length(ray)))
                rays[ray] = rays[tuple(-v for v in ray)] = None
        return list(rays)

    def _find_corners(
        self, normals: list[Vector], d: int, bounded: int
    ) -> tuple[list[Vector], int]:
        """The nonzero points of |u_k| <= 1, for the first k, on d independent walls and sides,
        times a scale."""
        fixing = range(max(1, d - len(normals)), bounded + 1)
        subsets = sum(comb(bounded, k) * 2**k * comb(len(normals), d - k) for k in fixing)
        work.require("vertices in the ball", subsets * (d**2 + d * work.rational(0)))
        found: dict[tuple[Fraction, ...], None] = {}
        for fixed in range(1, bounded + 1):
            for coordinates in combinations(range(bounded), fixed):
                free = [k for k in range(d) if k not in coordinates]
                for walls in combinations(normals, len(free)):
                    basis = algebra.echelon([v[k] for k in free] for v in walls)
                    if len(basis) < len(free):
                        continue
                    each = 64 + d * (len(free) + 2 * work.rational(0) + work.kept())
                    work.spend("vertices in the ball", 2**fixed * each)
                    for signs in product((-1, 1), repeat=fixed):
                        # Homogeneous: the fixed coordinates are multiples of a last one, 1.
                        system = [
                            (*(v[k] for k in free), dot([v[k] for k in coordinates], signs))
                            for v in walls
                        ]
                        *head, last = algebra.null_vector(algebra.echelon(system), len(free) + 1)
                        point = dict(zip(free, (Fraction(v, last) for v in head), strict=True))
                        point.update(zip(coordinates, map(Fraction, signs), strict=True))
                        if all(abs(point[k]) <= 1 for k in range(bounded)):
                            found[tuple(point[k] for k in range(d))] = None
        flat, scale = algebra.integers([v for point in found for v in point])
        return [flat[i : i + d] for i in range(0, len(flat), d)], scale

    def _find_directions(self, X: Sequence[Sequence[int]], pivots: list[int]) -> list[Vector]:
        """The rays with all their coordinates, and the null space of X, both ways."""
        d = len(X[0])
        count = len(self.rays) + 2 * (d - len(pivots))
        work.spend("directions in the ball", count * d * work.kept())

        def spread(values: Sequence[int], at: Sequence[int]) -> Vector:
            whole = [0] * d
            for v, j in zip(values, at, strict=True):
                whole[j] = v
            return tuple(whole)

        directions = [spread(ray, pivots) for ray in self.rays]
        for free in (j for j in range(d) if j not in pivots):
            at = [*pivots, free]
            null = algebra.null_vector(algebra.echelon([row[j] for j in at] for row in X), len(at))
            directions += [spread(null, at), spread([-v for v in null], at)]
        return directions

    def _rank_of(self, rays: int) -> int:
        return len(algebra.echelon(self.rays[i] for i in algebra.bits(rays)))

    def sides(self, sigma: str) -> int | None:
        """The sides of the walls that a sign vector names; None where parallel rows contradict."""
        signs = [0] * len(self.names)
        for sign, wall_of_row in zip(sigma, self.walls_of_rows, strict=True):
            if wall_of_row is not None:
                wall, orientation = wall_of_row
                side = orientation if sign == "+" else -orientation
                if signs[wall] == -side:
                    return None
                signs[wall] = side
        return mask(side > 0 for side in signs)

    def sigma(self, sides: int) -> str:
        """The sign vector of a cone."""
        rows, walls = len(self.walls_of_rows), len(self.normals)
        work.spend("sign vectors", rows * (4 + walls // 256))
        return "".join(
            "0" if row is None else "+" if (sides >> row[0] & 1) == (row[1] > 0) else "-"
            for row in self.walls_of_rows
        )

    def cone(self, sides: int) -> Cone | None:
        """The cone on these sides of the walls; None if it is not full-dimensional.

        Modulo the null space a closed cone is pointed, so it and each of its faces are spanned by
        the rays of the arrangement they hold: the ranks of these are the dimensions.
        """
        if sides not in self._cones:
            walls, points = len(self.normals), len(self.rays) + len(self.generators.points)
            work.spend("cones of the arrangement", (1 + walls) * (16 + points // 64))
            rays = self._rays.inside(sides)
            self._cones[sides] = None
            if self._rank_of(rays) == self.rank:
                generators = self.generators.inside(sides)
                facets = {
                    name: (generators & self.generators.on_wall(wall), sides ^ 1 << wall)
                    for wall, name in enumerate(self.names)
                    if self._rank_of(rays & self._rays.on_wall(wall)) == self.rank - 1
                }
                each = 2 * work.kept(points + walls)
                work.spend("cones of the arrangement", len(facets) * each)
                self._cones[sides] = Cone(sides, generators, facets)
        return self._cones[sides]

    def cones(self) -> Iterator[Cone]:
        """All cones: whatever is reached across facets from the cone of a generic point."""
        walls, points = len(self.normals), len(self.rays)
        count = 2 * sum(comb(walls - 1, i) for i in range(self.rank))  # in general position
        facet = self.rank**2 // 2 * (16 + 3 * self.rank)  # its rank, of as many rays
        each = (1 + walls) * (16 + points // 64) + min(walls, 2 * self.rank) * facet
        work.require("cones of the arrangement", count * each)
        entry = max(map(work.length, self.normals), default=0)
        base = 0
        while True:  # a wall holds at most rank - 1 points of this curve, so some base is generic
            base += 1
            bits = entry + self.rank * base.bit_length()
            work.spend("a generic point", walls * self.rank * work.rational(bits))
            values = [sum(v * base**j for j, v in enumerate(normal)) for normal in self.normals]
            if all(values):
                break
        start = mask(v > 0 for v in values)
        seen, queue = {start}, [start]
        for sides in queue:
            cone = self.cone(sides)
            assert cone is not None, "a generic point, or the other side of a facet, lies inside"
            yield cone
            for _, across in cone.facets.values():
                if across not in seen:
                    seen.add(across)
                    queue.append(across)
