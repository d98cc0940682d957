"""The arrangement of the data, derived again: its walls, cones, rays and facets, exactly.

The generators, rays of the arrangement or vertices in the ball, are numbered once, and a set of
them is an int with a bit for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from math import comb, lcm

from theory.certificates import algebra
from theory.certificates.algebra import Vector, dot, mask
from theory.errors import BudgetError


@dataclass(frozen=True)
class Cone:
    sides: int  # set of the walls of which it is on the positive side
    generators: int  # a set
    facets: dict[int, tuple[int, int]]  # name of wall: generators, sides of the cone across


class Points:
    """Points to choose generators from: on which side of each wall they lie, and relu(X v)."""

    def __init__(
        self, points: list[Vector], normals: list[Vector], rows: Sequence[Sequence[int]]
    ) -> None:
        self.points = points
        self.all = (1 << len(points)) - 1
        self.columns = [tuple(max(0, dot(row, point)) for row in rows) for point in points]
        sides = [[dot(normal, point) for point in points] for normal in normals]
        self.positive = [mask(v > 0 for v in values) for values in sides]
        self.negative = [mask(v < 0 for v in values) for values in sides]

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

    def __init__(self, X: Sequence[Sequence[int]], limit: int, ball: str | None = None) -> None:
        self.limit = limit
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
        self.rays = self._find_rays()
        self._rays = self.generators = Points(self.rays, self.normals, rows)
        self.corner_scale = 1
        whole = [tuple(X[name]) for name in self.names]
        if ball == "entrywise":
            corners, self.corner_scale = self._find_corners(whole, len(X[0]))
            self.generators = Points(corners, whole, X)
        elif ball is not None:
            self.generators = Points(self._find_directions(X, columns), whole, X)
        self._cones: dict[int, Cone | None] = {}

    def _find_rays(self) -> list[Vector]:
        """Both directions of every line in which walls meet, once."""
        if self.rank == 0:
            return []
        needed = 2 * comb(len(self.normals), self.rank - 1)
        if needed > self.limit:
            raise BudgetError("rays of the arrangement", needed, self.limit, "limit")
        rays: dict[Vector, None] = {}
        for subset in combinations(self.normals, self.rank - 1):
            basis = algebra.echelon(subset)
            if len(basis) == self.rank - 1:
                ray = algebra.null_vector(basis, self.rank)
                rays[ray] = rays[tuple(-v for v in ray)] = None
        return list(rays)

    def _find_corners(self, normals: list[Vector], d: int) -> tuple[list[Vector], int]:
        """The nonzero points of max |u_k| <= 1 on d independent walls and sides, times a scale."""
        needed = sum(comb(d, k) * 2**k * comb(len(normals), d - k) for k in range(1, d + 1))
        if needed > self.limit:
            raise BudgetError("vertices in the ball", needed, self.limit, "limit")
        found: dict[tuple[Fraction, ...], None] = {}
        for fixed in range(1, d + 1):
            for coordinates in combinations(range(d), fixed):
                free = [k for k in range(d) if k not in coordinates]
                for walls in combinations(normals, len(free)):
                    basis = algebra.echelon([v[k] for k in free] for v in walls)
                    if len(basis) < len(free):
                        continue
                    for signs in product((-1, 1), repeat=fixed):
                        # Homogeneous: the fixed coordinates are multiples of a last one, 1.
                        system = [
                            (*(v[k] for k in free), dot([v[k] for k in coordinates], signs))
                            for v in walls
                        ]
                        *head, last = algebra.null_vector(algebra.echelon(system), len(free) + 1)
                        point = dict(zip(free, (Fraction(v, last) for v in head), strict=True))
                        point.update(zip(coordinates, map(Fraction, signs), strict=True))
                        if all(abs(v) <= 1 for v in point.values()):
                            found[tuple(point[k] for k in range(d))] = None
        scale = lcm(*(v.denominator for point in found for v in point))
        return [tuple(int(v * scale) for v in point) for point in found], scale

    def _find_directions(self, X: Sequence[Sequence[int]], pivots: list[int]) -> list[Vector]:
        """The rays with all their coordinates, and the null space of X, both ways."""
        d = len(X[0])

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
            rays = self._rays.inside(sides)
            self._cones[sides] = None
            if self._rank_of(rays) == self.rank:
                generators = self.generators.inside(sides)
                facets = {
                    name: (generators & self.generators.on_wall(wall), sides ^ 1 << wall)
                    for wall, name in enumerate(self.names)
                    if self._rank_of(rays & self._rays.on_wall(wall)) == self.rank - 1
                }
                self._cones[sides] = Cone(sides, generators, facets)
        return self._cones[sides]

    def cones(self) -> Iterator[Cone]:
        """All cones: whatever is reached across facets from the cone of a generic point."""
        others = len(self.normals) - 1
        needed = 2 * sum(comb(others, i) for i in range(self.rank))
        if needed > self.limit:
            raise BudgetError("cones of the arrangement", needed, self.limit, "limit")
        base = 0
        while True:  # a wall holds at most rank - 1 points of this curve, so some base is generic
            base += 1
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
