"""What a dual vector costs any neuron, whatever its pattern: a tree of cones that cover the space.

Section "A cover of all directions" of `proofs_notes/certificates.md`. The tree is followed depth
first, so that memory holds one branch of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, permutations
from math import factorial
from typing import TypeAlias

from theory.certificates import algebra, reading, work
from theory.certificates.algebra import Sigma, Vector, dot
from theory.certificates.reading import fail, show

_MOST = 6  # columns: there are 2 d! first cones
_CENTRE = -1  # in a tree: the cone is served by its centre; -2 - k: by atom k

Row: TypeAlias = tuple[int, Vector]
"""A row's number and its values at the vertices."""


@dataclass(frozen=True)
class Atom:
    """A direction, and slopes of rows where they are not those at the centre of a cone: over one
    denominator."""

    normal: Vector  # Z' times the point
    square: int  # point . normal
    slopes: Mapping[int, int]
    denominator: int


@dataclass(frozen=True)
class Cone:
    """vertices: `sizes` times points in one facet of the cube. linear: what is linear on the cone,
    at the vertices. up, down: the other rows, of positive and negative weight."""

    vertices: tuple[Vector, ...]
    sizes: Vector
    linear: Vector
    up: tuple[Row, ...]
    down: tuple[Row, ...]


class Cover:
    """The field `cover` of a dual; `cost` verifies it, in units in which sigma is integer.

    entries: whether the norm of neurons is the largest entry. Z: else the matrix of the norm.
    """

    def __init__(
        self,
        value: object,
        X: Sequence[Vector],
        nu: Vector,
        Z: Sequence[Vector],
        sigma: Sigma,
        *,
        entries: bool,
    ) -> None:
        fields = reading.fields(value, "dual.cover", ("frame", "+", "-"))
        self.d = len(X[0])
        self.entries = entries
        if self.d > _MOST:
            fail("dual.cover", f"is for at most {_MOST} columns, not {self.d}")
        frame = self._frame(fields["frame"])
        bits = work.length(nu) + 2 * max(map(work.length, frame)) + max(map(work.length, X))
        bits += max(map(work.length, Z)) + work.length(sigma) + 1
        each = self.d**2 * (work.integer(bits) + work.kept(bits))
        work.spend("rows in the frame", (len(X) + 2 * self.d) * each)
        columns = list(zip(*frame, strict=True))
        inner = [tuple(dot(x, column) for column in columns) for x in X]
        growth = [v * (sigma.above - sigma.below) for v in nu]
        self.signs = [algebra.sign(v) for v in growth]
        self.rows = [tuple(abs(v) * p for p in x) for v, x in zip(growth, inner, strict=True)]
        self.base = [sigma.below * dot(nu, column) for column in zip(*inner, strict=True)]
        moved = [[dot(row, column) for column in columns] for row in Z]  # Z times the frame
        self.metric = [[dot(c, m) for m in zip(*moved, strict=True)] for c in columns]
        self._bits = bits
        self._halves = {sign: fields[sign] for sign in "+-"}

    def cost(self) -> Fraction:
        """At least the square of the largest gain per unit of the norm."""
        return max(self._half(sign, value) for sign, value in self._halves.items())

    def _frame(self, value: object) -> list[Vector]:
        unit = [tuple(int(i == k) for i in range(self.d)) for k in range(self.d)]
        if value is None:
            return unit
        where = "dual.cover.frame"
        if self.entries:
            fail(where, "must be null where the largest entry counts")
        rows = reading.entries(value, where, self.d)
        frame = [
            tuple(
                reading.integer(v, f"{where}[{i}][{k}]")
                for k, v in enumerate(reading.entries(row, f"{where}[{i}]", self.d))
            )
            for i, row in enumerate(rows)
        ]
        if len(algebra.echelon(frame)) < self.d:
            fail(where, "is singular")
        return frame

    def _half(self, sign: str, value: object) -> Fraction:
        """The largest cost of gains of this sign."""
        where = f"dual.cover.{sign}"
        fields = reading.fields(value, where, ("atoms", "tree"))
        atoms = [
            self._atom(atom, f"{where}.atoms[{k}]")
            for k, atom in enumerate(reading.entries(fields["atoms"], f"{where}.atoms"))
        ]
        codes = reading.entries(fields["tree"], f"{where}.tree")
        pairs = list(combinations(range(self.d), 2))
        s = 1 if sign == "+" else -1
        number, best = 0, Fraction()
        for first in self._first(s):
            stack = [first]
            while stack:
                cone = stack.pop()
                here = f"{where}.tree[{number}]"
                if number == len(codes):
                    fail(here, "is missing: cones are left over")
                code = reading.integer(codes[number], here)
                number += 1
                rows = len(cone.up) + len(cone.down)
                long = work.integer(self._bits + max(map(int.bit_length, cone.sizes)))
                work.spend("cones of a cover", (rows + 4) * (2 * self.d + 8) * long + 64)
                if code >= 0:
                    if code >= len(pairs):
                        fail(here, f"is {show(code)}, but a cone has {len(pairs)} edges")
                    one, other = self._halved(cone, *pairs[code])
                    stack += [other, one]
                    continue
                if _CENTRE - code > len(atoms):
                    fail(here, f"names atom {show(_CENTRE - 1 - code)} of {len(atoms)}")
                atom = self._centre(cone) if code == _CENTRE else atoms[_CENTRE - 1 - code]
                best = self._larger(best, cone, atom, here)
        if number < len(codes):
            fail(f"{where}.tree[{number}]", "is one more than the cones that there are")
        return best

    def _atom(self, value: object, where: str) -> Atom:
        fields = reading.fields(value, where, ("point", "slopes"))
        entries = reading.entries(fields["point"], f"{where}.point", self.d)
        point = [reading.integer(v, f"{where}.point[{k}]") for k, v in enumerate(entries)]
        slopes = {}
        for j, pair in enumerate(reading.entries(fields["slopes"], f"{where}.slopes")):
            here = f"{where}.slopes[{j}]"
            row, slope = reading.entries(pair, here, 2)
            k = reading.index(row, here, len(self.rows), "rows")
            if k in slopes:
                fail(here, f"row {k} stands twice")
            slopes[k] = reading.rational(slope, here)
            if not 0 <= slopes[k] <= 1:
                fail(here, f"the slope {show(slopes[k])} is not between 0 and 1")
        flat, denominator = algebra.integers(list(slopes.values()))
        return self._towards(point, dict(zip(slopes, flat, strict=True)), denominator)

    def _centre(self, cone: Cone) -> Atom:
        size = max(cone.sizes)
        parts = zip(cone.vertices, cone.sizes, strict=True)
        multiples = [[v * (size // own) for v in vertex] for vertex, own in parts]
        return self._towards([sum(column) for column in zip(*multiples, strict=True)], {}, 1)

    def _towards(self, point: Sequence[int], slopes: Mapping[int, int], denominator: int) -> Atom:
        normal = tuple(dot(row, point) for row in self.metric)
        return Atom(normal, dot(point, normal), slopes, denominator)

    def _first(self, s: int) -> Iterator[Cone]:
        """Those over the triangulated facets of the cube, with all rows."""
        unit = (1,) * self.d
        up = [k for k, weight in enumerate(self.signs) if weight == s]
        down = [k for k, weight in enumerate(self.signs) if weight == -s]
        each = self.d**2 * (len(up) + len(down)) * (2 + work.integer(self._bits))
        work.require("first cones of a cover", 2 * factorial(self.d) * each)
        for vertices in _facets(self.d):
            work.spend("first cones of a cover", each)
            linear = tuple(s * dot(self.base, v) for v in vertices)
            cone = _Growing(vertices, unit, linear)
            for rows, weight in ((up, 1), (down, -1)):
                for row in rows:
                    cone.add(row, tuple(dot(self.rows[row], v) for v in vertices), weight)
            yield cone.grown()

    def _halved(self, cone: Cone, i: int, j: int) -> tuple[Cone, Cone]:
        """The cones with the middle of an edge in place of one of its ends."""
        size = max(cone.sizes[i], cone.sizes[j])
        a, b = size // cone.sizes[i], size // cone.sizes[j]

        def halves(values: Vector) -> tuple[Vector, Vector]:
            middle = (a * values[i] + b * values[j],)
            return values[:i] + middle + values[i + 1 :], values[:j] + middle + values[j + 1 :]

        vertex = tuple(
            a * p + b * q for p, q in zip(*(cone.vertices[k] for k in (i, j)), strict=True)
        )
        found = []
        for at, linear in zip((i, j), halves(cone.linear), strict=True):
            vertices = (*cone.vertices[:at], vertex, *cone.vertices[at + 1 :])
            sizes = (*cone.sizes[:at], 2 * size, *cone.sizes[at + 1 :])
            found.append(_Growing(vertices, sizes, linear))
        for rows, weight in ((cone.up, 1), (cone.down, -1)):
            for row, values in rows:
                for half, own in zip(found, halves(values), strict=True):
                    half.add(row, own, weight)
        one, other = found
        return one.grown(), other.grown()

    def _larger(self, best: Fraction, cone: Cone, atom: Atom, where: str) -> Fraction:
        """The larger one of the best cost and that of a cone towards an atom."""
        scale = atom.denominator
        heights = [scale * v for v in cone.linear]
        for _, values in cone.up:
            heights = [h + scale * max(v, 0) for h, v in zip(heights, values, strict=True)]
        size = max(cone.sizes)
        multiples = [size // own for own in cone.sizes]
        for row, values in cone.down:
            slope = atom.slopes.get(row)
            if slope is None:
                slope = scale if dot(values, multiples) > 0 else 0
            if slope:
                heights = [h - slope * v for h, v in zip(heights, values, strict=True)]
        if self.entries:
            lengths = list(cone.sizes)
        else:
            lengths = [dot(atom.normal, vertex) for vertex in cone.vertices]
            if min(lengths) <= 0:
                fail(where, "is a cone that does not lie in front of what serves it")
        square = 1 if self.entries else atom.square
        for height, length in zip(heights, lengths, strict=True):
            if height > 0:
                top, bottom = height * height * square, (length * scale) ** 2
                if top * best.denominator > best.numerator * bottom:
                    best = Fraction(top, bottom)
        return best


def _facets(d: int) -> Iterator[tuple[Vector, ...]]:
    """The vertices of simplices that the facets of the cube consist of."""
    for k in range(d):
        for side in (1, -1):
            for order in permutations([j for j in range(d) if j != k]):
                vertex = [side if j == k else -1 for j in range(d)]
                vertices = [tuple(vertex)]
                for j in order:
                    vertex[j] = 1
                    vertices.append(tuple(vertex))
                yield tuple(vertices)


class _Growing:
    """A cone that rows are added to: those that are of one sign on it are linear there, or zero."""

    def __init__(self, vertices: tuple[Vector, ...], sizes: Vector, linear: Vector) -> None:
        self.vertices, self.sizes, self.linear = vertices, sizes, linear
        self.mixed: dict[int, list[Row]] = {1: [], -1: []}

    def add(self, row: int, values: Vector, weight: int) -> None:
        if max(values) <= 0:
            return
        if min(values) < 0:
            self.mixed[weight].append((row, values))
        else:
            self.linear = tuple(t + weight * v for t, v in zip(self.linear, values, strict=True))

    def grown(self) -> Cone:
        """The cone with all its rows."""
        up, down = (tuple(self.mixed[weight]) for weight in (1, -1))
        return Cone(self.vertices, self.sizes, self.linear, up, down)
