"""Cells, faces and dual vectors of a certificate as the terms that the library's checker reads.

Data are integers here: X and y of the problem times a common denominator, losses times its square.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import isqrt, lcm
from typing import Any, TypeAlias

from theory.arrangement import arrangement
from theory.errors import InputError
from theory.formal.farkas import combination
from theory.formal.text import Numbers, many, multipliers, sparse, text
from theory.landscape.domain import EntrywiseBall
from theory.problem import Problem, rational
from theory.within import Ball

State: TypeAlias = tuple[int, int]  # sign 1 or -1, and cone
Cell: TypeAlias = tuple[State, ...]
Key: TypeAlias = tuple[State, int | None]  # of a bound: a state, or a wall of it


@dataclass(frozen=True)
class Data:
    """The problem in integers, and its cones in the order of the library's patterns."""

    problem: Problem
    width: int
    rho: Fraction | None
    _points_of: dict[tuple[int, int | None], Sequence[int]] = field(default_factory=dict)

    @cached_property
    def scale(self) -> int:
        """The common denominator D of X and y."""
        values = (*(v for row in self.problem.X for v in row), *self.problem.y)
        return lcm(*(v.denominator for v in values))

    @cached_property
    def X(self) -> list[list[int]]:
        return [[int(v * self.scale) for v in row] for row in self.problem.X]

    @cached_property
    def y(self) -> list[int]:
        return [int(v * self.scale) for v in self.problem.y]

    @cached_property
    def cones(self) -> Any:
        """The arrangement."""
        return arrangement(self.problem.X)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The cones by their names in certificates."""
        names = {1: "+", -1: "-", 0: "0"}
        return {
            "".join(names[int(s)] for s in signs): k for k, signs in enumerate(self.cones.signs)
        }

    def state(self, named: Sequence[str]) -> State:
        """A state as certificates have it, [sign, cone]."""
        sign, cone = named
        return (1 if sign == "+" else -1), self.numbers[cone]

    def wall(self, row: int) -> int:
        """The wall that certificates name by its first row."""
        return next(w for w, rows in enumerate(self.cones.walls) if rows[0] == row)

    def signed_rows(self, cone: int) -> list[list[int]]:
        """sigma_k x_k (n, d)."""
        return [
            [int(s) * v for v in row] for s, row in zip(self.cones.signs[cone], self.X, strict=True)
        ]

    @cached_property
    def _box(self) -> EntrywiseBall:
        """The cones within |u_i| <= 1."""
        return EntrywiseBall(self.problem, self.cones, Ball("adamw", 1))

    @cached_property
    def images(self) -> list[list[Fraction]]:
        """relu(X u) for each point."""
        return [[max(Fraction(), _product(row, u)) for row in self.X] for u in self.points]

    @cached_property
    def points(self) -> Sequence[Sequence[Fraction]]:
        """Extreme rays of the cones, or, in a ball, vertices other than 0 of the cones within
        |u_i| <= 1."""
        if self.rho is None:
            return [[Fraction(int(v)) for v in ray] for ray in self.cones.rays]
        return self._box.points

    def points_of(self, cone: int, wall: int | None) -> Sequence[int]:
        """Those of a cone, or on a wall of it."""
        known = self._points_of
        if (cone, wall) not in known:
            if self.rho is None:
                cones = self.cones
                found = cones.cone_rays(cone) if wall is None else cones.facet_rays(cone, wall)
                known[cone, wall] = found.tolist()
            else:
                box = self._box
                known[cone, wall] = box.cone(cone) if wall is None else box.facet(cone, wall)
        return known[cone, wall]

    @cached_property
    def ball(self) -> str:
        """The ball, as the library has it."""
        if self.rho is None:
            return "None"
        return f"Some ({self.rho.numerator}, {self.rho.denominator})"

    @property
    def where(self) -> str:
        """The ball in words."""
        return "" if self.rho is None else f" in AdamW's ball of radius {self.rho}"

    @cached_property
    def table(self) -> str:
        """A row for each wall; a point inside each cone, and what is across each wall."""
        walls = [self.X[rows[0]] for rows in self.cones.walls]
        return text([*many(walls), *many([self._pattern(k) for k in range(len(self.cones))])])

    def _pattern(self, cone: int) -> Numbers:
        rays = self.cones.rays[self.cones.cone_rays(cone)]
        across = dict(self.cones.facets(cone))
        rows = self.signed_rows(cone)
        numbers = [int(v) for v in rays.sum(axis=0)]
        for wall, parallel in enumerate(self.cones.walls):
            if wall in across:
                numbers.append(across[wall])
                continue
            # Other rows add up to one on the wall: with that one turned there is nothing inside.
            others = [k for k, row in enumerate(rows) if any(row) and k not in parallel]
            mu = combination(rows[parallel[0]], [rows[k] for k in others])
            unit = lcm(*(v.denominator for v in mu))
            of_row = dict(zip(others, (int(v * unit) for v in mu), strict=True))
            of_row[parallel[0]] = unit
            nonzero = [k for k, row in enumerate(rows) if any(row)]
            numbers += [-len(nonzero), *multipliers([of_row.get(k, 0) for k in nonzero])]
        return numbers


_FINE = 10**6  # of limits, in the units of nu . y


@dataclass
class Dual:
    """A dual vector nu, and what it is to bound where.

    bound: b in the units of the integer data. strict: it is to prove more than b.
    """

    data: Data
    nu: tuple[int, ...]
    bound: Fraction
    strict: bool
    known: dict[Key, Fraction | None] = field(default_factory=dict)
    used: set[Key] = field(default_factory=set)  # of which the term has multipliers
    most: Fraction = Fraction()  # that neurons of states that it covers add up to

    @cached_property
    def _values(self) -> list[Fraction]:
        """nu . relu(X u) for each point."""
        images = self.data.images
        return [_product(self.nu, image) for image in images]

    def height(self, state: State, wall: int | None = None) -> Fraction | None:
        """The most that a neuron of the state adds to nu . f, by the largest |u_i|; None for no
        bound, which there is without a ball only."""
        key = state, wall
        if key not in self.known:
            values = [state[0] * self._values[k] for k in self.data.points_of(state[1], wall)]
            most = max([Fraction(), *values])
            self.known[key] = None if most and self.data.rho is None else most
        return self.known[key]

    def covers(self, states: Sequence[Key]) -> bool:
        """Whether it proves the bound where neurons are in these states; it is used for it then."""
        heights = [self.height(*key) for key in states]
        known = [h for h in heights if h is not None]
        if len(known) < len(heights) or not self._proves(sum(known, Fraction())):
            return False
        for (state, wall), h in zip(states, heights, strict=True):
            self.used.add((state, None if self.height(state) == h else wall))
        return True

    def everywhere(self) -> None:
        """Use it in all states; the limit is then as high as the bound allows."""
        for cone in range(len(self.data.cones)):
            for sign in (1, -1):
                if self.height((sign, cone)) is not None:
                    self.used.add(((sign, cone), None))
        if self.data.rho is not None:
            self.most = max(self.most, self._limit())

    def _limit(self) -> Fraction:
        """What neurons may add up to, rounded down to a multiple of a small unit."""
        assert self.data.rho is not None
        square = 2 * self.bound * sum(v * v for v in self.nu)
        # g >= sqrt(square) in units of 1 / _FINE, rounded up; strictly more where it has to be.
        root = isqrt(square * _FINE**2 // 1)
        while Fraction(root, _FINE) ** 2 < square or root == 0:
            root += 1
        if self.strict and Fraction(root, _FINE) ** 2 == square:
            root += 1
        g = sum(v * t for v, t in zip(self.nu, self.data.y, strict=True))
        return (g - Fraction(root, _FINE)) / self.data.rho

    def _proves(self, total: Fraction) -> bool:
        """Whether the bound follows where the neurons add at most `total` to nu . f."""
        rho = Fraction() if self.data.rho is None else self.data.rho
        g = sum(v * t for v, t in zip(self.nu, self.data.y, strict=True)) - rho * total
        square = 2 * self.bound * sum(v * v for v in self.nu)
        enough = g * g > square if self.strict else g * g >= square
        if g > 0 and enough:
            self.most = max(self.most, total)
            return True
        return False

    def numbers(self) -> Numbers:
        """With multipliers for all that it is used for."""
        heights = {key: self.height(*key) or Fraction() for key in self.used}
        unit = lcm(self.most.denominator, *(h.denominator for h in heights.values()))
        cones: dict[int, list[Numbers]] = {}
        # A bound of a whole cone is found first where there is one: those of its walls come before.
        for key in sorted(self.used, key=lambda key: (key[0], key[1] is None, key[1] or 0)):
            (sign, cone), wall = key
            mu = [unit * v for v in self._multipliers(key)]
            den = lcm(*(v.denominator for v in mu))
            where = 2 * (0 if wall is None else wall + 1) + (sign > 0)
            fact = [where, int(heights[key] * unit), den, *multipliers([int(den * v) for v in mu])]
            cones.setdefault(cone, []).append(fact)
        facts = sparse((cone, many(found)) for cone, found in sorted(cones.items()))
        return [*(unit * v for v in self.nu), int(self.most * unit), *facts]

    def _multipliers(self, key: Key) -> list[Fraction]:
        """mu with ||c + sum mu_k sigma_k x_k||_1 the height: where c . u is the largest, rows that
        are 0 there and sides |u_i| = 1 add up to c."""
        data, ((sign, cone), wall) = self.data, key
        rows = data.signed_rows(cone)
        active = data.cones.signs[cone] > 0
        c = [
            sign * sum(v * row[i] for v, row, on in zip(self.nu, rows, active, strict=True) if on)
            for i in range(data.problem.d)
        ]
        best: Sequence[Fraction] = [Fraction()] * len(c)
        if self.height(*key):
            best = max(
                (data.points[k] for k in data.points_of(cone, wall)), key=lambda u: _product(c, u)
            )
        free = () if wall is None else data.cones.walls[wall][:1]
        tight = [k for k, row in enumerate(rows) if any(row) and not _product(row, best)]
        columns = [[-v for v in rows[k]] for k in tight] + [rows[k] for k in free]
        columns += [
            [int(v) if i == k else 0 for k in range(len(c))]
            for i, v in enumerate(best)
            if abs(v) == 1
        ]
        found = combination(c, columns)
        mu = [Fraction()] * len(rows)
        for k, v in zip(tight, found, strict=False):
            mu[k] = v
        for k, v in zip(free, found[len(tight) :], strict=False):
            mu[k] -= v
        return mu


def read(certificate: Mapping[str, Any], problem: Problem) -> Data:
    """The data of a certificate of which the statements are in the library.

    Raises InputError, in one line, where it is about others.
    """
    if problem.activation.positive != 1 or problem.activation.negative:
        raise InputError("certificate", f"is about {problem.activation}; the library has ReLU only")
    if not problem.is_plain:
        raise InputError("certificate", "is about another loss, or biases, than the library has")
    within = certificate["within"]
    if within is not None and within.get("ball") != "entrywise":
        what = within.get("ball", "the l2 penalty")
        raise InputError("certificate", f"is about {what}; the library has no ball or AdamW's")
    rho = None if within is None else rational(within["rho"], "rho")
    return Data(problem, certificate["width"], rho)


def primitive(vector: Sequence[str]) -> tuple[int, ...]:
    """A dual vector in integers; its length does not count where the loss is squared."""
    values = [rational(v, "dual") for v in vector]
    unit = lcm(*(v.denominator for v in values))
    return tuple(int(v * unit) for v in values)


def _product(row: Sequence[int], u: Sequence[Fraction]) -> Fraction:
    return sum((v * t for v, t in zip(row, u, strict=True)), Fraction())
