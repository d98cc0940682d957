"""Check a certificate about a loss landscape, trusting nothing that made it.

The format is specified in `proofs_notes/certificates.md`; this module is written from that page.

Trusted: Python's integers and `fractions`, the reading of problems and JSON in `theory.problem`,
and the four facts of the page's section "Why this suffices". Not trusted: any line of the
certificate. The arrangement, its cones, rays and facets are derived again from the data, exactly.

The generators, rays of the arrangement or vertices in the ball, are numbered once, and a set of
them is an int with a bit for each. A column depends on its sign and generator only, so what a dual
does to a face follows from its products with the columns of all generators.

Balls that are no polytopes bring square roots into the bounds; these are rounded the safe way.

Limits: an arrangement with more than `limit` rays, or cones where all are needed, is refused. The
search for cells that a cover leaves out is exponential in the width in the worst case.
"""

from __future__ import annotations

import re
import reprlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from fractions import Fraction
from functools import reduce
from itertools import combinations, combinations_with_replacement, product
from math import ceil, comb, factorial, gcd, isqrt, lcm, prod
from operator import and_, mul
from pathlib import Path
from typing import NoReturn, TypeAlias

from theory.errors import BudgetError, InputError
from theory.problem import Problem, read_json

__all__ = ["CertificateInvalid", "Verdict", "check", "check_file"]

Vector: TypeAlias = tuple[int, ...]
Cell: TypeAlias = tuple[int, ...]  # a state for each neuron, as indices into `states`
Face: TypeAlias = list[tuple[int, int]]  # sign and set of generators, for each neuron
Move: TypeAlias = "int | str"  # the row that names the wall crossed, or "sign"

_BALLS = ("entrywise", "muon", "muon-adamw", "ngd", "colnorm")
_SPECTRAL = ("muon", "muon-adamw")  # their duals have a metric Z
_LARGEST = ("muon", "ngd")  # the weights of neurons do not add up: the largest counts
_PARTS = 1 << 62  # in which weights are counted that are not integers

_RATIONAL = re.compile(r"-?\d+(/\d+)?", re.ASCII)
_COMMON = (
    *("format", "version", "kind", "problem", "width", "labelled", "within"),
    *("states", "duals"),
)
_FIELDS = {
    "barrier": (*_COMMON, "value", "networks", "path", "cut"),
    "components": (
        *(*_COMMON, "level", "minimum", "minimum_network", "minimum_cover", "components"),
        *("walls", "cover", "barriers", "cuts", "paths"),
    ),
}


class CertificateInvalid(ValueError):
    """The certificate proves nothing; `field` is the first part at fault, `reason` says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True)
class Verdict:
    """What a valid certificate proves, and how much of it was checked."""

    kind: str
    statement: str
    cells: int  # listed in components and cuts
    faces: int  # listed in walls and cuts
    duals: int


def check(document: object, problem: Problem | None = None, *, limit: int = 1_000_000) -> Verdict:
    """Verify a certificate, given as the JSON document it is.

    problem: the problem it is meant for; without it, the certificate speaks of the one inside it.
    Raises CertificateInvalid at the first thing that fails, and BudgetError where the arrangement
    of the data may have more than `limit` rays, or cones if all of them are needed.
    """
    head = _mapping(document, "certificate")
    for name, expected in (("format", "isthmus-certificate"), ("version", 1)):
        if name not in head:
            _fail(name, "is missing")
        if type(head[name]) is not type(expected) or head[name] != expected:
            _fail(name, f"must be {expected!r}, not {_show(head[name])}")
    kind = head.get("kind")
    if not isinstance(kind, str) or kind not in _FIELDS:
        _fail("kind", f"must be one of {', '.join(_FIELDS)}, not {_show(kind)}")
    fields = _fields(document, "certificate", _FIELDS[kind])
    certificate = _Certificate(fields, problem, limit)
    statement = certificate.barrier() if kind == "barrier" else certificate.components()
    return Verdict(kind, statement, certificate.cells, certificate.faces, len(certificate.duals))


def check_file(
    path: str | Path, problem: Problem | None = None, *, limit: int = 1_000_000
) -> Verdict:
    """`check` a JSON file; raises InputError where it cannot be read or is not JSON."""
    return check(read_json(path), problem, limit=limit)


# Reading: every value passes through one of these, which refuse whatever the page does not name.


def _fail(where: str, reason: str) -> NoReturn:
    raise CertificateInvalid(where, reason)


def _show(value: object) -> str:
    """A value for a message, never too long, and never an error of its own."""
    try:
        text = str(value) if isinstance(value, Fraction) else reprlib.repr(value)
    except ValueError:  # more digits than Python prints
        return f"a very long {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:28]}...{text[-28:]}"


def _mapping(value: object, where: str) -> Mapping[object, object]:
    if not isinstance(value, dict):
        _fail(where, f"must be a JSON object, not {_show(value)}")
    return value


def _fields(value: object, where: str, names: Sequence[str]) -> dict[str, object]:
    """A JSON object with exactly these fields."""
    fields = _mapping(value, where)
    for name in names:
        if name not in fields:
            _fail(where, f"the field {name!r} is missing")
    for key in fields:
        if key not in names:
            _fail(where, f"{_show(key)} is not a field of it; its fields are {', '.join(names)}")
    return {name: fields[name] for name in names}


def _list(value: object, where: str, length: int | None = None) -> list[object]:
    if not isinstance(value, list):
        _fail(where, f"must be a list, not {_show(value)}")
    if length is not None and len(value) != length:
        _fail(where, f"has {len(value)} entries, but must have {_show(length)}")
    return value


def _integer(value: object, where: str) -> int:
    if type(value) is not int:  # JSON's true is no integer, though Python's is
        _fail(where, f"must be an integer, not {_show(value)}")
    return value


def _index(value: object, where: str, length: int, what: str) -> int:
    index = _integer(value, where)
    if not 0 <= index < length:
        _fail(where, f"is {_show(index)}, but there are {length} {what}")
    return index


def _rational(value: object, where: str) -> Fraction:
    if not isinstance(value, str) or _RATIONAL.fullmatch(value) is None:
        _fail(where, f"must be a rational as text, 'p' or 'p/q', not {_show(value)}")
    try:
        return Fraction(value)
    except ZeroDivisionError:
        _fail(where, f"{_show(value)} divides by zero")
    except ValueError as error:  # more digits than Python reads
        _fail(where, str(error))


def _range(value: object, where: str) -> tuple[Fraction, Fraction]:
    """A rational, or a list of two, which bound a value that is not known exactly."""
    if isinstance(value, list):
        lower, upper = _vector(value, where, 2)
        if lower > upper:
            _fail(where, f"{_show(lower)} is above {_show(upper)}")
        return lower, upper
    exact = _rational(value, where)
    return exact, exact


def _show_range(value: tuple[Fraction, Fraction]) -> str:
    lower, upper = value
    if lower == upper:
        return str(lower)
    return f"between {_decimal(lower, ROUND_FLOOR)} and {_decimal(upper, ROUND_CEILING)}"


def _decimal(value: Fraction, rounding: str) -> str:
    """Twelve digits of a rational, rounded down or up."""
    with localcontext(prec=12, rounding=rounding, Emax=MAX_EMAX, Emin=MIN_EMIN) as context:
        top, bottom = Decimal(value.numerator), Decimal(value.denominator)
        return str(context.divide(top, bottom).normalize(context))


def _move(value: object, where: str) -> Move:
    if value != "sign" and type(value) is not int:
        _fail(where, f"the move must be a row or 'sign', not {_show(value)}")
    return value if type(value) is int else "sign"


def _vector(value: object, where: str, length: int | None = None) -> tuple[Fraction, ...]:
    entries = _list(value, where, length)
    return tuple(_rational(v, f"{where}[{k}]") for k, v in enumerate(entries))


def _problem(value: object) -> Problem:
    fields = _fields(value, "problem", ("X", "y"))
    rows = _list(fields["X"], "problem.X")
    X = tuple(_vector(row, f"problem.X[{k}]") for k, row in enumerate(rows))
    try:
        return Problem(X=X, y=_vector(fields["y"], "problem.y"))
    except InputError as error:
        _fail(f"problem.{error.field}", str(error).removeprefix(f"{error.field}: "))


# Integer linear algebra and sets as the bits of an int.


def _dot(u: Iterable[int], v: Iterable[int]) -> int:
    return sum(map(mul, u, v))


def _sign(value: int | Fraction) -> int:
    return (value > 0) - (value < 0)


def _primitive(vector: Sequence[int]) -> Vector:
    """The shortest integer vector in the direction of a nonzero one."""
    divisor = gcd(*vector)
    return tuple(v // divisor for v in vector)


def _integers(vector: Sequence[Fraction]) -> tuple[Vector, int]:
    """(p v, p) with p the least positive integer that makes p v integer."""
    scale = lcm(*(v.denominator for v in vector))
    return tuple(int(v * scale) for v in vector), scale


def _echelon(rows: Iterable[Sequence[int]]) -> list[tuple[int, Vector]]:
    """A basis of the row span with its pivot columns; each row is zero at the earlier pivots."""
    basis: list[tuple[int, Vector]] = []
    for row in rows:
        for pivot, other in basis:
            if row[pivot]:
                row = [other[pivot] * a - row[pivot] * b for a, b in zip(row, other, strict=True)]
        if any(row):
            basis.append((next(j for j, v in enumerate(row) if v), _primitive(row)))
    return basis


def _null_vector(basis: list[tuple[int, Vector]], size: int) -> Vector:
    """The direction on which the size - 1 rows of an echelon basis vanish."""
    free = (set(range(size)) - {pivot for pivot, _ in basis}).pop()
    vector = [int(j == free) for j in range(size)]
    for pivot, row in reversed(basis):
        rest = _dot(row, vector)  # its own entry is still zero
        vector = [row[pivot] * v for v in vector]
        vector[pivot] = -rest
    return _primitive(vector)


def _root(value: Fraction) -> Fraction:
    """A rational at least sqrt(value), by less than one part in 2^60."""
    product_ = value.numerator * value.denominator << 128
    root = isqrt(product_)
    return Fraction(root + (root * root < product_), value.denominator << 64)


def _solve(A: list[list[int]], b: list[int]) -> list[Fraction] | None:
    """The solution of a symmetric positive semidefinite system; None where it is singular."""
    rows = [[Fraction(v) for v in (*row, value)] for row, value in zip(A, b, strict=True)]
    for i in range(len(rows)):
        if not rows[i][i]:  # such a matrix needs no pivoting
            return None
        for k in range(len(rows)):
            if k != i and rows[k][i]:
                factor = rows[k][i] / rows[i][i]
                rows[k] = [v - factor * w for v, w in zip(rows[k], rows[i], strict=True)]
    return [row[-1] / row[i] for i, row in enumerate(rows)]


def _is_positive(A: Sequence[Sequence[Fraction | int]], *, definite: bool) -> bool:
    """Whether a symmetric matrix is positive semidefinite, or definite: by elimination."""
    rows = [[Fraction(v) for v in row] for row in A]
    for i in range(len(rows)):
        pivot = rows[i][i]
        if pivot < 0 or (not pivot and (definite or any(rows[i][i:]))):
            return False
        if pivot:
            for k in range(i + 1, len(rows)):
                factor = rows[k][i] / pivot
                rows[k] = [v - factor * w for v, w in zip(rows[k], rows[i], strict=True)]
    return True


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _mask(members: Iterable[bool]) -> int:
    return sum(1 << k for k, member in enumerate(members) if member)


@dataclass(frozen=True)
class _Cone:
    sides: int  # set of the walls of which it is on the positive side
    generators: int  # a set
    facets: dict[int, tuple[int, int]]  # name of wall: generators, sides of the cone across


class _Points:
    """Points to choose generators from: on which side of each wall they lie, and relu(X v)."""

    def __init__(
        self, points: list[Vector], normals: list[Vector], rows: Sequence[Sequence[int]]
    ) -> None:
        self.points = points
        self.all = (1 << len(points)) - 1
        self.columns = [tuple(max(0, _dot(row, point)) for row in rows) for point in points]
        sides = [[_dot(normal, point) for point in points] for normal in normals]
        self.positive = [_mask(v > 0 for v in values) for values in sides]
        self.negative = [_mask(v < 0 for v in values) for values in sides]

    def inside(self, sides: int) -> int:
        """The points in the closed cone on these sides of the walls."""
        points = self.all
        for wall, (positive, negative) in enumerate(zip(self.positive, self.negative, strict=True)):
            points &= ~(negative if sides >> wall & 1 else positive)
        return points

    def on_wall(self, wall: int) -> int:
        return self.all & ~self.positive[wall] & ~self.negative[wall]


class _Arrangement:
    """The hyperplanes x_k . u = 0, modulo the null space of X.

    A wall is oriented along its first row, which also names it. Only X u matters, and every X u is
    that of a u with zeros outside `rank` pivot columns, so rays are vectors of these entries.
    """

    def __init__(self, X: Sequence[Sequence[int]], limit: int, ball: str | None = None) -> None:
        self.limit = limit
        columns = sorted(pivot for pivot, _ in _echelon(X))
        self.rank = len(columns)
        rows = [tuple(row[j] for j in columns) for row in X]
        self.names: list[int] = []
        self.walls_of_rows: list[tuple[int, int] | None] = []  # wall, orientation; None: zero row
        normals: dict[Vector, int] = {}
        for k, row in enumerate(rows):
            if not any(row):
                self.walls_of_rows.append(None)
                continue
            normal = _primitive(row)
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
        self._rays = self.generators = _Points(self.rays, self.normals, rows)
        self.corner_scale = 1
        whole = [tuple(X[name]) for name in self.names]
        if ball == "entrywise":
            corners, self.corner_scale = self._find_corners(whole, len(X[0]))
            self.generators = _Points(corners, whole, X)
        elif ball is not None:
            self.generators = _Points(self._find_directions(X, columns), whole, X)
        self._cones: dict[int, _Cone | None] = {}

    def _find_rays(self) -> list[Vector]:
        """Both directions of every line in which walls meet, once."""
        if self.rank == 0:
            return []
        needed = 2 * comb(len(self.normals), self.rank - 1)
        if needed > self.limit:
            raise BudgetError("rays of the arrangement", needed, self.limit, "limit")
        rays: dict[Vector, None] = {}
        for subset in combinations(self.normals, self.rank - 1):
            basis = _echelon(subset)
            if len(basis) == self.rank - 1:
                ray = _null_vector(basis, self.rank)
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
                    basis = _echelon([v[k] for k in free] for v in walls)
                    if len(basis) < len(free):
                        continue
                    for signs in product((-1, 1), repeat=fixed):
                        # Homogeneous: the fixed coordinates are multiples of a last one, 1.
                        system = [
                            (*(v[k] for k in free), _dot([v[k] for k in coordinates], signs))
                            for v in walls
                        ]
                        *head, last = _null_vector(_echelon(system), len(free) + 1)
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
            null = _null_vector(_echelon([row[j] for j in at] for row in X), len(at))
            directions += [spread(null, at), spread([-v for v in null], at)]
        return directions

    def _rank_of(self, rays: int) -> int:
        return len(_echelon(self.rays[i] for i in _bits(rays)))

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
        return _mask(side > 0 for side in signs)

    def sigma(self, sides: int) -> str:
        """The sign vector of a cone."""
        return "".join(
            "0" if row is None else "+" if (sides >> row[0] & 1) == (row[1] > 0) else "-"
            for row in self.walls_of_rows
        )

    def cone(self, sides: int) -> _Cone | None:
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
                self._cones[sides] = _Cone(sides, generators, facets)
        return self._cones[sides]

    def cones(self) -> Iterator[_Cone]:
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
        start = _mask(v > 0 for v in values)
        seen, queue = {start}, [start]
        for sides in queue:
            cone = self.cone(sides)
            assert cone is not None, "a generic point, or the other side of a facet, lies inside"
            yield cone
            for _, across in cone.facets.values():
                if across not in seen:
                    seen.add(across)
                    queue.append(across)


@dataclass(frozen=True)
class _State:
    sign: int
    cone: _Cone


@dataclass(frozen=True)
class _Dual:
    """A vector nu, in units in which all of these are integers: `unit` of them are one."""

    gain: int  # nu . y
    norm: int  # ||nu||^2, in the units of nu alone
    unit: int
    products: list[int]  # nu . relu(X v) for each generator v
    positive: dict[int, int]  # sign: set of the generators whose column has a positive product
    capped: bool  # whether the generators are vertices in a ball, not rays

    def weight(self, sign: int, generators: int) -> int | None:
        """The most that a neuron spanned by the generators adds to nu . f; None: no limit."""
        hit = generators & self.positive[sign]
        if not hit:
            return 0
        return max(abs(self.products[i]) for i in _bits(hit)) if self.capped else None

    def bound(self, face: Face) -> Fraction | None:
        """What nu proves about the loss on the face; None if the face is not covered."""
        rest = self.gain
        for sign, generators in face:
            weight = self.weight(sign, generators)
            if weight is None:
                return None
            rest -= weight
        if rest <= 0 or not self.norm:
            return Fraction()
        return Fraction(rest * rest, 2 * self.norm * self.unit**2)

    def weigh(self, parts: Face, least: Fraction, strict: bool) -> tuple[list[int], int]:
        """Weights of neurons, and a limit: nu proves a loss of at least `least` (or above it)
        where the sum of weights is within the limit. It is -1 where nu proves nothing.
        """
        square = 2 * least * self.norm * self.unit**2  # (gain - weight)^2 has to reach it
        root = isqrt(ceil(square))
        while root * root < square or (strict and root * root == square):
            root += 1
        limit = max(-1, self.gain - root)
        weights = (self.weight(*part) for part in parts)
        return [limit + 1 if weight is None else weight for weight in weights], limit


class _ConicDual:
    """A vector nu, with Z for spectral norms, in a ball that is no polytope.

    With q the maximum of 2 nu.f(u) - u^T Z u over a neuron's cone (Z = I without a Z), nu.f <= H
    for H = rho sqrt(tr Z q), q the largest or the sum over the neurons; for colnorm the sum of all
    rho sqrt(q). In units in which X is integer.
    """

    def __init__(
        self,
        nu: Vector,
        Z: list[Vector] | None,
        gain: Fraction,
        unit: int,
        ball: _Ball,
        generators: _Points,
    ) -> None:
        self.nu, self.Z, self.gain, self.unit, self.ball = nu, Z, gain, unit, ball
        self.generators = generators
        self.norm = _dot(nu, nu)
        self.trace = 1 if Z is None else sum(row[k] for k, row in enumerate(Z))
        self._maxima: dict[tuple[int, int], Fraction] = {}

    def _maximum(self, sign: int, generators: int) -> Fraction:
        """q: attained on independent generators, where it is the unconstrained maximum."""
        if (sign, generators) not in self._maxima:
            chosen = list(_bits(generators))
            rays = [self.generators.points[i] for i in chosen]
            gains = [sign * _dot(self.nu, self.generators.columns[i]) for i in chosen]
            images = rays if self.Z is None else [tuple(_dot(z, v) for z in self.Z) for v in rays]
            best = Fraction()
            for size in range(1, min(len(chosen), len(rays[0]) if rays else 0) + 1):
                for subset in combinations(range(len(chosen)), size):
                    b = [gains[i] for i in subset]
                    z = _solve([[_dot(rays[i], images[k]) for k in subset] for i in subset], b)
                    if z is not None and min(z) >= 0:
                        best = max(
                            best, sum((v * g for v, g in zip(z, b, strict=True)), Fraction())
                        )
            self._maxima[sign, generators] = best
        return self._maxima[sign, generators]

    def _height(self, q: Fraction) -> Fraction:
        return self.ball.rho * _root(self.trace * q)

    def bound(self, face: Face) -> Fraction | None:
        """What nu proves about the loss on the face."""
        maxima = [self._maximum(*part) for part in face]
        if self.ball.name in _LARGEST:
            height = self._height(max(maxima, default=Fraction()))
        elif self.ball.name in _SPECTRAL:
            height = self._height(sum(maxima, Fraction()))
        else:
            height = sum(map(self._height, maxima), Fraction())
        rest = self.gain - height
        if rest <= 0 or not self.norm:
            return Fraction()
        return rest * rest / (2 * self.norm * self.unit**2)

    def weigh(self, parts: Face, least: Fraction, strict: bool) -> tuple[list[int], int]:
        """As for other duals."""
        spare = self.gain - self.unit * _root(2 * least * self.norm)
        if spare < 0 or (strict and not spare):
            return [0] * len(parts), -1
        limit = _PARTS - strict
        weights = []
        for part in parts:
            q = self._maximum(*part)
            if self.ball.name in _LARGEST:
                height = self._height(q)
                weights.append(limit + 1 if height > spare or (strict and height == spare) else 0)
            elif not spare:
                weights.append(limit + 1 if q else 0)
            elif self.ball.name in _SPECTRAL:  # squares add up
                weights.append(ceil(self.ball.rho**2 * self.trace * q / spare**2 * _PARTS))
            else:
                weights.append(ceil(self._height(q) / spare * _PARTS))
        return weights, limit


@dataclass(frozen=True)
class _Ball:
    """||W|| ||a|| <= rho in the norms of an optimizer, up to rescaling of neurons."""

    name: str
    rho: Fraction

    def __str__(self) -> str:
        return f" inside the {self.name} ball rho = {self.rho}"

    def holds(self, neurons: Sequence[Vector], a: Vector, scale: int) -> bool:
        """Whether a network is inside; neurons are columns of W, in integers: `scale` is one."""
        bound = (self.rho * scale) ** 2  # of the squared norms
        squares = [_dot(w, w) for w in neurons]
        if self.name == "entrywise":
            pairs = zip(neurons, a, strict=True)
            return all((size * max(map(abs, w))) ** 2 <= bound for w, size in pairs)
        if self.name == "ngd":
            return sum(squares) * _dot(a, a) <= bound
        if self.name == "colnorm":
            return max(squares) * max(v * v for v in a) <= bound
        size = _dot(a, a) if self.name == "muon" else max(v * v for v in a)
        rows = neurons if len(neurons) <= len(neurons[0]) else list(zip(*neurons, strict=True))
        gram = [[size * _dot(v, w) for w in rows] for v in rows]
        rest = [[(bound if i == k else 0) - v for k, v in enumerate(r)] for i, r in enumerate(gram)]
        return _is_positive(rest, definite=False)


@dataclass(frozen=True)
class _Network:
    outputs: list[tuple[int, tuple[Fraction, ...]]]  # sign a_j, 0 if the other is; |a_j| X w_j
    sides: list[tuple[int, int]]  # walls of which |a_j| w_j is on the positive, the negative side
    loss: Fraction


@dataclass(frozen=True)
class _Component:
    minimum: tuple[Fraction, Fraction]
    representative: _Network
    cells: list[Cell]


class _Certificate:
    """A certificate with its common fields read; a method for each kind verifies the rest."""

    def __init__(self, fields: dict[str, object], given: Problem | None, limit: int) -> None:
        self.fields = fields
        self.problem = _problem(fields["problem"])
        if given is not None:
            for name in ("X", "y"):
                if getattr(self.problem, name) != getattr(given, name):
                    _fail("problem", f"its {name} differs from that of the given problem")
        self.X, self.x_scale, self.y, self.y_scale = self.problem.integer_form()
        self.width = _integer(fields["width"], "width")
        if self.width < 1:
            _fail("width", f"is {_show(self.width)}, but must be at least 1")
        if not isinstance(fields["labelled"], bool):
            _fail("labelled", f"must be true or false, not {_show(fields['labelled'])}")
        self.labelled = fields["labelled"]
        self.ball = self._ball(fields["within"])
        self.arrangement = _Arrangement(self.X, limit, self.ball.name if self.ball else None)
        self.state_index: dict[tuple[int, int], int] = {}
        self.states: list[_State] = []
        for k, state in enumerate(_list(fields["states"], "states")):
            self._read_state(state, f"states[{k}]")
        duals = _list(fields["duals"], "duals")
        self.duals = [self._dual(dual, f"duals[{k}]") for k, dual in enumerate(duals)]
        self.cells = self.faces = 0

    # The common fields.

    def _ball(self, value: object) -> _Ball | None:
        if value is None:
            return None
        ball = _fields(value, "within", ("ball", "rho"))
        name = ball["ball"]
        if not isinstance(name, str) or name not in _BALLS:
            _fail("within.ball", f"must be one of {', '.join(_BALLS)}, not {_show(name)}")
        rho = _rational(ball["rho"], "within.rho")
        if rho <= 0:
            _fail("within.rho", f"is {_show(rho)}, but must be positive")
        return _Ball(name, rho)

    def _read_state(self, value: object, where: str) -> None:
        sign, sigma = _list(value, where, 2)
        if not isinstance(sign, str) or sign not in ("+", "-"):
            _fail(where, f"its sign must be '+' or '-', not {_show(sign)}")
        n = self.problem.n
        if not isinstance(sigma, str) or len(sigma) != n or not set(sigma) <= set("+-0"):
            _fail(where, f"its sigma must be {n} characters of '+-0', not {_show(sigma)}")
        for k, (character, wall) in enumerate(
            zip(sigma, self.arrangement.walls_of_rows, strict=True)
        ):
            if (character == "0") != (wall is None):
                zero = "zero" if wall is None else "not zero"
                _fail(where, f"sigma[{k}] is {character!r}, but row {k} of X is {zero}")
        sides = self.arrangement.sides(sigma)
        cone = None if sides is None else self.arrangement.cone(sides)
        if cone is None:
            _fail(where, f"the cone {sigma} is not full-dimensional")
        key = (1 if sign == "+" else -1, cone.sides)
        if key in self.state_index:
            _fail(where, f"repeats states[{self.state_index[key]}]")
        self.state_index[key] = len(self.states)
        self.states.append(_State(key[0], cone))

    def _dual(self, value: object, where: str) -> _Dual | _ConicDual:
        if self.ball is not None and self.ball.name != "entrywise":
            return self._conic_dual(value, where, self.ball)
        nu, _ = _integers(_vector(value, where, self.problem.n))  # the scale does not matter
        products = [_dot(nu, column) for column in self.arrangement.generators.columns]
        positive = {1: _mask(p > 0 for p in products), -1: _mask(p < 0 for p in products)}
        gain, unit = _dot(nu, self.y), self.y_scale
        if self.ball is not None:
            # A vertex of the ball is rho / corner_scale times an integer vector.
            rho = self.ball.rho
            weigh = self.x_scale * self.arrangement.corner_scale * rho.denominator
            products = [p * rho.numerator * self.y_scale for p in products]
            gain, unit = gain * weigh, unit * weigh
        return _Dual(gain, _dot(nu, nu), unit, products, positive, self.ball is not None)

    def _conic_dual(self, value: object, where: str, ball: _Ball) -> _ConicDual:
        n, d = self.problem.n, self.problem.d
        Z = None
        if ball.name in _SPECTRAL:
            fields = _fields(value, where, ("nu", "Z"))
            nu, _ = _integers(_vector(fields["nu"], f"{where}.nu", n))
            rows = _list(fields["Z"], f"{where}.Z", d)
            flat = [_vector(row, f"{where}.Z[{i}]", d) for i, row in enumerate(rows)]
            entries, _ = _integers([v for row in flat for v in row])  # nor does that of Z
            Z = [entries[i * d : (i + 1) * d] for i in range(d)]
            if any(Z[i][k] != Z[k][i] for i in range(d) for k in range(i)):
                _fail(f"{where}.Z", "is not symmetric")
            if not _is_positive(Z, definite=True):
                _fail(f"{where}.Z", "is not positive definite")
        else:
            nu, _ = _integers(_vector(value, where, n))
        gain = Fraction(self.x_scale * _dot(nu, self.y), self.y_scale)
        return _ConicDual(nu, Z, gain, self.x_scale, ball, self.arrangement.generators)

    def _network(self, value: object, where: str) -> _Network:
        fields = _fields(value, where, ("W", "a"))
        rows = _list(fields["W"], f"{where}.W", self.problem.d)
        W = [_vector(row, f"{where}.W[{i}]", self.width) for i, row in enumerate(rows)]
        a = _vector(fields["a"], f"{where}.a", self.width)
        flat, w_scale = _integers([v for row in W for v in row])
        weights, a_scale = _integers(a)
        neurons = [flat[j :: self.width] for j in range(self.width)]
        if self.ball is not None and not self.ball.holds(neurons, weights, w_scale * a_scale):
            _fail(where, "the network lies outside the ball")
        activations = [tuple(_dot(row, w) for row in self.X) for w in neurons]
        scale = self.x_scale * w_scale * a_scale
        outputs, sides = [], []
        for weight, activation in zip(weights, activations, strict=True):
            vector = tuple(Fraction(abs(weight) * v, scale) for v in activation)
            outputs.append((_sign(weight) if any(vector) else 0, vector))
            on_walls = [vector[name] for name in self.arrangement.names]
            sides.append((_mask(v > 0 for v in on_walls), _mask(v < 0 for v in on_walls)))
        fit = (
            sum(w * max(0, v[k]) for w, v in zip(weights, activations, strict=True))
            for k in range(self.problem.n)
        )
        residuals = (f * self.y_scale - y * scale for f, y in zip(fit, self.y, strict=True))
        loss = Fraction(sum(r * r for r in residuals), 2 * (scale * self.y_scale) ** 2)
        return _Network(outputs, sides, loss)

    # Cells, faces and what covers them.

    def _read_cells(self, value: object, where: str) -> list[Cell]:
        cells: dict[Cell, int] = {}
        for i, entry in enumerate(_list(value, where)):
            here = f"{where}[{i}]"
            cell = tuple(
                _index(state, f"{here}[{j}]", len(self.states), "states")
                for j, state in enumerate(_list(entry, here, self.width))
            )
            if not self.labelled and any(cell[j] > cell[j + 1] for j in range(len(cell) - 1)):
                _fail(here, f"{_show(list(cell))} must be sorted, as it is not labelled")
            if cell in cells:
                _fail(here, f"repeats {where}[{cells[cell]}]")
            cells[cell] = i
        self.cells += len(cells)
        return list(cells)

    def _face_of(self, cell: Cell) -> Face:
        """The whole cell as a face."""
        return [(self.states[i].sign, self.states[i].cone.generators) for i in cell]

    def _moves(self, cell: Cell) -> Iterator[tuple[int, Move, int, Cell | None]]:
        """Position, move, generators left to its neuron, and the cell it leads to.

        None stands for cells with a state that is not listed: they are in no list of cells.
        """
        for position, i in enumerate(cell):
            if not self.labelled and position and cell[position - 1] == i:
                continue
            sign, cone = self.states[i].sign, self.states[i].cone
            moves: list[tuple[Move, int, tuple[int, int]]] = [("sign", 0, (-sign, cone.sides))]
            moves += [(k, left, (sign, across)) for k, (left, across) in cone.facets.items()]
            for move, left, neighbour in moves:
                state = self.state_index.get(neighbour)
                if state is None:
                    yield position, move, left, None
                    continue
                target = (*cell[:position], state, *cell[position + 1 :])
                yield position, move, left, target if self.labelled else tuple(sorted(target))

    def _check_faces(
        self,
        value: object,
        where: str,
        cells: Mapping[Vector, Cell],
        crosses: Callable[[Vector, Cell | None], bool],
        direction: str,
        least: Fraction,
        strict: bool,
    ) -> None:
        """Verify a list of [*key, position, move, dual].

        It must hold every move from cells[key] to a cell that `crosses` accepts, in the `direction`
        so described, once and nothing else, with a dual that covers the face with a bound of at
        least `least` (strict: above it).
        """
        expected: dict[tuple[Vector, int, Move], int] = {}
        for key, cell in cells.items():
            for position, move, left, target in self._moves(cell):
                if crosses(key, target):
                    expected[key, position, move] = left
        entries = _list(value, where)
        seen: set[tuple[Vector, int, Move]] = set()
        for k, entry in enumerate(entries):
            here = f"{where}[{k}]"
            *numbers, third, last = _list(entry, here, len(next(iter(cells), (0,))) + 3)
            *ahead, position = (_integer(v, f"{here}[{i}]") for i, v in enumerate(numbers))
            key, move = tuple(ahead), _move(third, here)
            dual = _index(last, f"{here}[{len(numbers) + 1}]", len(self.duals), "duals")
            if key not in cells:
                _fail(here, f"there is no cell {_show(ahead)}")
            face = (key, position, move)
            if face not in expected:
                self._explain_no_face(here, cells[key], position, move, direction)
            if face in seen:
                _fail(here, "is listed twice")
            seen.add(face)
            parts = self._face_of(cells[key])
            parts[position] = (parts[position][0], expected[face])
            bound = self.duals[dual].bound(parts)
            if bound is None:
                _fail(here, f"dual {dual} does not cover the face")
            self._require_bound(bound, dual, least, strict, here)
        for key, position, move in expected:
            if (key, position, move) not in seen:
                _fail(where, f"leaves out cell {list(key)}, position {position}, move {move!r}")
        self.faces += len(entries)

    def _explain_no_face(
        self, here: str, cell: Cell, position: int, move: Move, direction: str
    ) -> NoReturn:
        if not 0 <= position < self.width:
            _fail(here, f"position {_show(position)} is not one of {self.width} neurons")
        if not self.labelled and position and cell[position - 1] == cell[position]:
            _fail(here, f"position {position} repeats the state before it; only the first moves")
        cone = self.states[cell[position]].cone
        if move != "sign" and move not in cone.facets:
            sigma = self.arrangement.sigma(cone.sides)
            _fail(here, f"row {_show(move)} names no facet of the cone {sigma}")
        _fail(here, f"the move {move!r} of position {position} does not lead {direction}")

    def _read_duals(
        self, value: object, where: str, least: Fraction, strict: bool
    ) -> list[_Dual | _ConicDual]:
        """Duals, by their indices, with bounds of at least `least`, or above it."""
        duals = []
        for k, entry in enumerate(_list(value, where)):
            index = _index(entry, f"{where}[{k}]", len(self.duals), "duals")
            duals.append(self.duals[index])
            # Neurons that are zero leave the most.
            self._require_bound(duals[-1].bound([]), index, least, strict, f"{where}[{k}]")
        return duals

    def _require_bound(
        self, bound: Fraction | None, dual: int, least: Fraction, strict: bool, where: str
    ) -> None:
        if bound is None or bound < least or (strict and bound == least):
            needed = f"not {'above' if strict else 'at least'} {_show(least)}"
            _fail(where, f"the bound {_show(bound)} of dual {dual} is {needed}")

    def _check_cover(
        self,
        where: str,
        duals: Sequence[_Dual | _ConicDual],
        least: Fraction,
        strict: bool,
        listed: Iterable[Cell],
        exempt: str,
    ) -> None:
        """Each cell is listed, or one of the duals proves a loss of at least `least` on it.

        strict: above `least`.
        """
        states = list(self.states)
        for cone in self.arrangement.cones():
            states += [_State(s, cone) for s in (1, -1) if (s, cone.sides) not in self.state_index]
        orders = Counter(tuple(sorted(cell)) for cell in listed)
        parts = [(state.sign, state.cone.generators) for state in states]
        weighed = [dual.weigh(parts, least, strict) for dual in duals]
        weights, limits = [own for own, _ in weighed], [limit for _, limit in weighed]
        for multiset in _escaping(len(states), weights, limits, self.width):
            repeats = Counter(multiset).values()
            needed = 1
            if self.labelled:
                needed = factorial(self.width) // prod(map(factorial, repeats))
            if orders[multiset] < needed:
                members = [states[i] for i in multiset[:8]]
                names = [
                    f"{'+' if s.sign > 0 else '-'}({self.arrangement.sigma(s.cone.sides)})"
                    for s in members
                ]
                text = " ".join(names) + (" ..." if self.width > 8 else "")
                _fail(where, f"no dual covers the cell {text}, {exempt}")

    def _lies_in(self, network: _Network, cell: Cell) -> bool:
        """Whether neurons can be assigned to the states of the cell; in place if labelled."""

        def fits(neuron: int, i: int) -> bool:
            sign, (positive, negative) = network.outputs[neuron][0], network.sides[neuron]
            state = self.states[i]
            if sign == 0:
                return True
            outside = positive & ~state.cone.sides | negative & state.cone.sides
            return sign == state.sign and not outside

        neurons = range(self.width)
        if self.labelled:
            return all(fits(j, cell[j]) for j in neurons)
        return _has_matching([[p for p in neurons if fits(j, cell[p])] for j in neurons])

    def _range(self, value: object, where: str) -> tuple[Fraction, Fraction]:
        """A value, or bounds of it where the ball is no polytope."""
        if isinstance(value, list) and (self.ball is None or self.ball.name == "entrywise"):
            _fail(where, "must be one rational, as it can be known exactly")
        return _range(value, where)

    def _require_loss(self, net: _Network, lower: Fraction, upper: Fraction, where: str) -> None:
        if net.loss > upper or (lower == upper != net.loss):
            _fail(where, f"its loss is {_show(net.loss)}, not {_show(upper)}")

    def _require_in(self, network: _Network, cells: Sequence[Cell], index: int, where: str) -> None:
        if not self._lies_in(network, cells[index]):
            _fail(where, f"the network does not lie in cell {index}")

    # Paths and cuts.

    def _read_path(self, value: object, where: str) -> list[_Network]:
        """The breakpoints, after verifying that f is affine between them."""
        points = [self._network(v, f"{where}[{k}]") for k, v in enumerate(_list(value, where))]
        if not points:
            _fail(where, "has no breakpoints")
        for k in range(1, len(points)):
            before, after = points[k - 1], points[k]
            for j in range(self.width):
                (old_sign, old), (sign, new) = before.outputs[j], after.outputs[j]
                if old_sign * sign < 0:
                    _fail(f"{where}[{k}]", f"neuron {j} changes its sign without being zero")
                for row, (v, w) in enumerate(zip(old, new, strict=True)):
                    if v * w < 0:
                        _fail(f"{where}[{k}]", f"neuron {j} crosses the hyperplane of row {row}")
        return points

    def _require_same(self, end: _Network, network: _Network, where: str, what: str) -> None:
        """Equal up to rescaling, and up to a permutation of neurons unless labelled."""
        same = end.outputs == network.outputs
        if not same and not self.labelled:
            same = Counter(end.outputs) == Counter(network.outputs)
        if not same:
            _fail(where, f"is not {what}, up to rescaling{'' if self.labelled else ' and order'}")

    def _check_cut(self, value: object, where: str) -> tuple[Fraction, set[Cell]]:
        fields = _fields(value, where, ("value", "cells", "faces"))
        height = _rational(fields["value"], f"{where}.value")
        cells = self._read_cells(fields["cells"], f"{where}.cells")
        inside = set(cells)
        self._check_faces(
            fields["faces"],
            f"{where}.faces",
            {(i,): cell for i, cell in enumerate(cells)},
            lambda _, target: target not in inside,
            "out of the cut",
            height,
            strict=False,
        )
        return height, inside

    # The two kinds.

    def barrier(self) -> str:
        """Verify a certificate of kind "barrier"; returns what it proves."""
        least, value = self._range(self.fields["value"], "value")
        entries = _list(self.fields["networks"], "networks", 2)
        first, second = (self._network(v, f"networks[{k}]") for k, v in enumerate(entries))
        path = self._read_path(self.fields["path"], "path")
        self._require_same(path[0], first, "path[0]", "the first network")
        self._require_same(path[-1], second, f"path[{len(path) - 1}]", "the second network")
        for k, point in enumerate(path):
            if point.loss > value:
                _fail(f"path[{k}]", f"its loss {_show(point.loss)} is above {_show(value)}")
        if self.fields["cut"] is None:
            larger = max(first.loss, second.loss)
            if least != larger:
                _fail("value", f"is {_show(least)}, but without a cut it must be {_show(larger)}")
        else:
            for k, network in enumerate((first, second)):
                if network.loss >= least:
                    _fail(f"networks[{k}]", f"its loss {_show(network.loss)} is not below the cut")
            height, inside = self._check_cut(self.fields["cut"], "cut")
            if height != least:
                _fail("cut.value", f"is {_show(height)}, but must be {_show(least)}")
            holds = [any(self._lies_in(net, cell) for cell in inside) for net in (first, second)]
            if holds[0] == holds[1]:
                which = "both networks" if holds[0] else "neither network"
                _fail("cut.cells", f"hold {which}; they must separate one from the other")
        quotient = "" if self.labelled else " modulo permutation"
        return (
            f"the minimax barrier{quotient} at width {self.width}{self.ball or ''} is "
            f"{_show_range((least, value))}"
        )

    def components(self) -> str:
        """Verify a certificate of kind "components"; returns what it proves."""
        level = _rational(self.fields["level"], "level")
        minimum, least_found = self._range(self.fields["minimum"], "minimum")
        if level < least_found:
            _fail("level", f"is {_show(level)}, below the minimum {_show(least_found)}")
        best = self._network(self.fields["minimum_network"], "minimum_network")
        self._require_loss(best, minimum, least_found, "minimum_network")
        floor = self._read_duals(self.fields["minimum_cover"], "minimum_cover", minimum, False)
        if minimum > 0:
            exempt = "which may be below the minimum"
            self._check_cover("minimum_cover", floor, minimum, False, (), exempt)
        elif floor:
            _fail("minimum_cover", "must be empty, as the minimum is 0")
        entries = _list(self.fields["components"], "components")
        parts = [self._component(entry, i, level, minimum) for i, entry in enumerate(entries)]
        home: dict[Cell, int] = {}
        for i, part in enumerate(parts):
            for k, cell in enumerate(part.cells):
                if cell in home:
                    _fail(f"components[{i}].cells[{k}]", f"is a cell of component {home[cell]} too")
                home[cell] = i
        self._check_faces(
            self.fields["walls"],
            "walls",
            {(i, k): cell for i, part in enumerate(parts) for k, cell in enumerate(part.cells)},
            lambda key, target: target is not None and home.get(target, -1) > key[0],
            "to a later component",
            level,
            strict=True,
        )
        cover = self._read_duals(self.fields["cover"], "cover", level, True)
        orders = " in every order" if self.labelled else ""
        exempt = f"and no component lists it{orders}"
        self._check_cover("cover", cover, level, True, home, exempt)
        rows = _list(self.fields["barriers"], "barriers", len(parts))
        barriers = [
            [
                self._range(value, f"barriers[{i}][{j}]")
                for j, value in enumerate(_list(row, f"barriers[{i}]", len(parts)))
            ]
            for i, row in enumerate(rows)
        ]
        self._check_barriers(barriers, parts, level)
        count = f"{len(parts)} component{'' if len(parts) == 1 else 's'}"
        quotient = "" if self.labelled else " modulo permutation"
        heights = sorted({barriers[i][j] for i in range(len(parts)) for j in range(i)})
        between = ""
        if len(heights) == 1:
            between = f" with barrier {_show_range(heights[0])}"
        elif heights:
            lowest, highest = (_show_range(height) for height in (heights[0], heights[-1]))
            between = f" with barriers from {lowest} to {highest}"
        return (
            f"{{L <= {level}}} has {count}{quotient} at width {self.width}{self.ball or ''}"
            f"{between}, and the global minimum is {_show_range((minimum, least_found))}"
        )

    def _component(self, value: object, i: int, level: Fraction, lowest: Fraction) -> _Component:
        where = f"components[{i}]"
        names = ("minimum", "representative", "cells", "links", "floor")
        fields = _fields(value, where, names)
        minimum, found = self._range(fields["minimum"], f"{where}.minimum")
        if found > level:
            _fail(f"{where}.minimum", f"is {_show(found)}, above the level {_show(level)}")
        representative = self._network(fields["representative"], f"{where}.representative")
        self._require_loss(representative, minimum, found, f"{where}.representative")
        cells = self._read_cells(fields["cells"], f"{where}.cells")
        if not cells:
            _fail(f"{where}.cells", "is empty")
        self._require_in(representative, cells, 0, f"{where}.representative")
        links = _list(fields["links"], f"{where}.links", len(cells) - 1)
        for k, link in enumerate(links):
            here = f"{where}.links[{k}]"
            head, tail, document = _list(link, here, 3)
            if _integer(head, f"{here}[0]") != k + 1:
                _fail(f"{here}[0]", f"is {_show(head)}, but must be {k + 1}")
            earlier = _index(tail, f"{here}[1]", k + 1, "earlier cells")
            network = self._network(document, f"{here}[2]")
            if network.loss > level:
                _fail(f"{here}[2]", f"its loss {_show(network.loss)} is above {_show(level)}")
            self._require_in(network, cells, k + 1, f"{here}[2]")
            self._require_in(network, cells, earlier, f"{here}[2]")
        floor = self._read_duals(fields["floor"], f"{where}.floor", minimum, False)
        if minimum in (0, lowest):
            if floor:
                _fail(f"{where}.floor", "must be empty, as the minimum is 0 or the global one")
        else:
            for k, cell in enumerate(cells):
                bounds = (dual.bound(self._face_of(cell)) for dual in floor)
                if not any(bound is not None and bound >= minimum for bound in bounds):
                    _fail(f"{where}.floor", f"no dual covers cell {k}")
        return _Component((minimum, found), representative, cells)

    def _check_barriers(
        self,
        barriers: list[list[tuple[Fraction, Fraction]]],
        parts: list[_Component],
        level: Fraction,
    ) -> None:
        cuts = []
        for k, entry in enumerate(_list(self.fields["cuts"], "cuts")):
            height, inside = self._check_cut(entry, f"cuts[{k}]")
            if height <= level:
                _fail(f"cuts[{k}].value", f"is {_show(height)}, not above {_show(level)}")
            cuts.append((height, [part.cells[0] in inside for part in parts]))
        cuts.sort(reverse=True)
        upper = self._minimax(parts)
        for i, row in enumerate(barriers):
            for j, claimed in enumerate(row):
                where = f"barriers[{i}][{j}]"
                if i == j:
                    if claimed != parts[i].minimum:
                        told, least = _show_range(claimed), _show_range(parts[i].minimum)
                        _fail(where, f"is {told}, but the component's minimum is {least}")
                    continue
                lower = next((h for h, inside in cuts if inside[i] != inside[j]), None)
                if lower is None:
                    _fail(where, "no cut separates the components")
                reached = upper[i][j]
                if reached is None:
                    _fail(where, "no paths join the components")
                if claimed[0] > lower or (claimed[0] == claimed[1] != lower):
                    _fail(where, f"is {_show(claimed[0])}, but the highest cut is {_show(lower)}")
                if reached > claimed[1] or (claimed[0] == claimed[1] != reached):
                    _fail(where, f"is {_show(claimed[1])}, but the paths reach {_show(reached)}")

    def _minimax(self, parts: list[_Component]) -> list[list[Fraction | None]]:
        """The least over chains of paths of the largest loss on them; None where there is none."""
        edges = []
        for k, entry in enumerate(_list(self.fields["paths"], "paths")):
            where = f"paths[{k}]"
            fields = _fields(entry, where, ("from", "to", "breakpoints"))
            i, j = (
                _index(fields[end], f"{where}.{end}", len(parts), "components")
                for end in ("from", "to")
            )
            points = self._read_path(fields["breakpoints"], f"{where}.breakpoints")
            for point, at, c in ((points[0], 0, i), (points[-1], len(points) - 1, j)):
                what = f"the representative of component {c}"
                end = f"{where}.breakpoints[{at}]"
                self._require_same(point, parts[c].representative, end, what)
            edges.append((max(point.loss for point in points), i, j))
        # Kruskal: the first path to join two groups is the lowest between their members.
        upper: list[list[Fraction | None]] = [[None] * len(parts) for _ in parts]
        group = [[i] for i in range(len(parts))]
        for loss, i, j in sorted(edges):
            if group[i] is group[j]:
                continue
            for a in group[i]:
                for b in group[j]:
                    upper[a][b] = upper[b][a] = loss
            merged = group[i] + group[j]
            for member in merged:
                group[member] = merged
        return upper


def _escaping(
    size: int, weights: Sequence[Sequence[int]], limits: Sequence[int], width: int
) -> Iterator[Cell]:
    """The multisets of `width` of the states 0..size-1 that exceed every limit, sorted, each once.

    weights: by dual and state; the weight of a multiset is the sum. To exceed what is left of a
    limit, one of the remaining states must exceed its share of it. So branch on such a state for
    one dual after another; a branch excludes the states of those before it.
    """
    heavier = [
        {share: _mask(weight > share for weight in own) for share in {0, *own}} for own in weights
    ]
    steps = [sorted(masks) for masks in heavier]

    def above(dual: int, share: int) -> int:
        """The states heavier than `share`."""
        return heavier[dual][steps[dual][bisect_right(steps[dual], share) - 1]]

    unspent = [(dual, limit) for dual, limit in enumerate(limits) if limit >= 0]
    stack: list[tuple[Cell, list[tuple[int, int]], int]] = [((), unspent, (1 << size) - 1)]
    while stack:
        chosen, pending, allowed = stack.pop()
        rest = width - len(chosen)
        if not pending:
            for others in combinations_with_replacement(list(_bits(allowed)), rest):
                yield tuple(sorted(chosen + others))
        elif rest == 1:
            for state in _bits(reduce(and_, (above(*item) for item in pending), allowed)):
                yield tuple(sorted((*chosen, state)))
        else:
            shares = (above(dual, left // rest) & allowed for dual, left in pending)
            for state in _bits(min(shares, key=int.bit_count)):
                lefts = ((dual, left - weights[dual][state]) for dual, left in pending)
                stack.append(((*chosen, state), [item for item in lefts if item[1] >= 0], allowed))
                allowed &= ~(1 << state)


def _has_matching(options: Sequence[Sequence[int]]) -> bool:
    """Whether each neuron can have a position of its own among its options (augmenting paths)."""
    owner: dict[int, int] = {}
    seat: dict[int, int] = {}
    for start in range(len(options)):
        reached_from: dict[int, int] = {}
        queue = [start]
        free = None
        for neuron in queue:
            for position in options[neuron]:
                if position not in reached_from:
                    reached_from[position] = neuron
                    if position not in owner:
                        free = position
                        break
                    queue.append(owner[position])
            if free is not None:
                break
        while free is not None:
            neuron = reached_from[free]
            owner[free] = neuron
            left = seat.get(neuron)
            seat[neuron] = free
            free = left
        if start not in seat:
            return False
    return True
