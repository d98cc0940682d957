"""Cells, faces and dual vectors of a certificate as the terms that the library's checker reads.

Data are integers here: X and y of the problem times a common denominator, losses times its square.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import ceil, floor, isqrt, lcm
from operator import mul
from typing import Any, TypeAlias

from theory.arrangement import arrangement
from theory.errors import InputError
from theory.exact import dot, sqrt_above, squared
from theory.formal.farkas import Multipliers, combination, combined, least_length
from theory.formal.frame import Frame
from theory.formal.text import Numbers, many, multipliers, signed, sparse, text
from theory.landscape.domain import EntrywiseBall
from theory.problem import Problem, in_integers, rational
from theory.within import Ball

State: TypeAlias = tuple[int, int]  # sign 1 or -1, and cone
Cell: TypeAlias = tuple[State, ...]
Key: TypeAlias = tuple[State, int | None]  # of a bound: a state, or a wall of it


@dataclass(frozen=True)
class Data:
    """The problem in integers, and its cones in the order of the library's patterns."""

    problem: Problem
    width: int
    within: str | None  # the name of the ball
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
        return {
            "".join("0+-"[int(side)] for side in signs): k
            for k, signs in enumerate(self.cones.signs)
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
    def images(self) -> list[list[int | Fraction]]:
        """relu(X u) for each point."""
        return [[max(0, _product(row, u)) for row in self.X] for u in self.points]

    @cached_property
    def points(self) -> Sequence[Sequence[int | Fraction]]:
        """Extreme rays of the cones, or, in a box, vertices other than 0 of the cones within
        |u_i| <= 1."""
        if self.rho is None:
            return [list(map(int, ray)) for ray in self.cones.rays]
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
            return "Free"
        assert self.within is not None
        return f"{_BALLS[self.within][0]} {self.rho.numerator} {self.rho.denominator}"

    @property
    def where(self) -> str:
        """The ball in words."""
        if self.within is None:
            return ""
        return f" in {_BALLS[self.within][1]} ball of radius {self.rho}"

    @property
    def polyhedral(self) -> bool:
        """Whether points bound what linear functions come to: there is no ball, or it is a box."""
        return self.within in (None, "entrywise")

    @property
    def shared(self) -> bool:
        """Whether neurons share the radius: bounds of neurons then count by the largest."""
        return self.within in ("ngd", "muon")

    @property
    def squared(self) -> bool:
        """Whether bounds of neurons are squares, and what they come to is the root of their sum."""
        return self.within == "muon-adamw"

    def in_layers(self, kind: str, named: tuple[str, str], given: str, about: str) -> str:
        """A theorem once more, for networks with ||W|| <= RW and ||a|| <= Ra, where RW Ra is the
        radius; nothing without a ball.

        named: the theorem, and this one. given: conditions. about: what it has after the radii.
        """
        if self.rho is None:
            return ""
        theorem, name = named
        radius = f"(RW * Ra = {self.rho.numerator} / {self.rho.denominator})%R"
        unknown = {
            **{"barrier": 10, "least": 7, "components": 8},
            **{"joined": 8, "lowest": 8, "valleys": 6, "deep": 7, "apart": 7},
        }[kind]
        lengths = "" if kind in ("lowest", "apart") else " eq_refl"  # of the rows
        return f"""Theorem {name} : forall RW Ra, (0 < RW)%R -> (0 < Ra)%R -> {radius} ->
  {given}{kind}_layers XQ yQ {self.width} {self.problem.d} ball RW Ra {about}.
Proof. exact ({kind}_in_layers {"_ " * unknown}{theorem}{lengths}). Qed.
"""

    def inside_layers(self, network: str) -> str:
        """That a network is among these."""
        of = f"(W_of {network}) (a_of {network})"
        return f"in_layers {self.width} {self.problem.d} ball RW Ra {of}"

    @cached_property
    def table(self) -> str:
        """A row for each wall; a point inside each cone, and what is across each wall."""
        walls = [list(map(signed, self.X[rows[0]])) for rows in self.cones.walls]
        return text([*many(walls), *many([self._pattern(k) for k in range(len(self.cones))])])

    def _pattern(self, cone: int) -> Numbers:
        rays = self.cones.rays[self.cones.cone_rays(cone)]
        across = dict(self.cones.facets(cone))
        rows = self.signed_rows(cone)
        numbers = [signed(int(v)) for v in rays.sum(axis=0)]
        for wall, parallel in enumerate(self.cones.walls):
            if wall in across:
                numbers.append(signed(across[wall]))
                continue
            # Other rows add up to one on the wall: with that one turned there is nothing inside.
            others = [k for k, row in enumerate(rows) if any(row) and k not in parallel]
            mu = combination(rows[parallel[0]], [rows[k] for k in others])
            unit = lcm(*(v.denominator for v in mu))
            of_row = dict(zip(others, (int(v * unit) for v in mu), strict=True))
            of_row[parallel[0]] = unit
            nonzero = [k for k, row in enumerate(rows) if any(row)]
            numbers += [signed(-len(nonzero)), *multipliers([of_row.get(k, 0) for k in nonzero])]
        return numbers


_BALLS: Mapping[str, tuple[str, str]] = {
    "entrywise": ("Entrywise", "AdamW's"),
    "colnorm": ("Columns", "the column-normalised"),
    "ngd": ("Frobenius", "the Frobenius"),
    "muon": ("Summing", "Muon's"),
    "muon-adamw": ("Spectral", "Muon-AdamW's"),
}
"""Those of the library: their names there, and in words."""

_BITS = 64  # of what is rounded, by the largest entry of nu


@dataclass
class Dual:
    """A dual vector nu, and what it is to bound where.

    bound: b in the units of the integer data. strict: it is to prove more than b. frame: for
    spectral norms, from the metric Z.
    """

    data: Data
    nu: tuple[int, ...]
    bound: Fraction
    strict: bool
    frame: Frame | None
    known: dict[Key, Fraction | None] = field(default_factory=dict)
    used: set[Key] = field(default_factory=set)  # of which the term has multipliers
    most: Fraction = Fraction()  # that neurons of states that it covers come to
    _rounded: dict[Key, Multipliers] = field(default_factory=dict)  # of heights in round balls

    @classmethod
    def of(cls, data: Data, document: Any, bound: Fraction, *, strict: bool) -> Dual:
        """From a certificate; the length of nu does not count where the loss is squared."""
        metric = isinstance(document, Mapping)
        frame = Frame.of(document["Z"]) if metric else None
        values = [rational(v, "dual") for v in (document["nu"] if metric else document)]
        return cls(data, tuple(in_integers(values)[0]), bound, strict, frame)

    @cached_property
    def _fine(self) -> int:
        """What is rounded is a multiple of one over this."""
        size: int = max(map(abs, self.nu)).bit_length()
        return 1 << max(0, _BITS - size)

    @cached_property
    def _values(self) -> list[int | Fraction]:
        """nu . relu(X u) for each point."""
        return [_product(self.nu, image) for image in self.data.images]

    def height(self, state: State, wall: int | None = None) -> Fraction | None:
        """The most that a neuron of the state adds to nu . f, by the largest |u_i|, its norm or
        that of the frame, or the square of this; None for no bound, which there is without a ball
        only."""
        key = state, wall
        if key not in self.known:
            if self.data.polyhedral:
                values = [state[0] * self._values[k] for k in self.data.points_of(state[1], wall)]
                most = Fraction(max([0, *values]))
                self.known[key] = None if most and self.data.rho is None else most
            else:
                self.known[key], self._rounded[key] = self._length(key)
        return self.known[key]

    def bounds(self, key: Key) -> bool:
        """Whether it has a bound there; in a ball it has one everywhere."""
        return self.data.rho is not None or self.height(*key) is not None

    def _length(self, key: Key) -> tuple[Fraction, Multipliers]:
        """The least ||c + sum mu_k sigma_k x_k||_2, in the frame, or a little more, with its
        multipliers."""
        (_, cone), wall = key
        c, rows = self._gradient(key), self.data.signed_rows(cone)
        stretch = Fraction(1)
        if self.frame is not None:
            c, rows, stretch = self.frame.seen(c), [*map(self.frame.seen, rows)], self.frame.stretch
        square, mu = least_length(c, rows, () if wall is None else self.data.cones.walls[wall])
        root = sqrt_above(square)
        if root * root == square and self.frame is None:
            return root, mu
        # Where it is least the square hardly changes with mu.
        fine = self._fine
        mu = tuple(Fraction(floor(v * fine), fine) for v in mu)
        square = squared(combined(c, rows, mu)) * stretch**2
        size = square if self.data.squared else sqrt_above(square)
        return Fraction(ceil(size * fine), fine), mu

    def covers(self, states: Sequence[Key]) -> bool:
        """Whether it proves the bound where neurons are in these states; it is used for it then."""
        heights = [self.height(*key) for key in states]
        known = [h for h in heights if h is not None]
        if len(known) < len(heights):
            return False
        total = max(known, default=Fraction()) if self.data.shared else sum(known, Fraction())
        if self.data.squared:
            total = Fraction(ceil(sqrt_above(total) * self._fine), self._fine)
        if not self._proves(total):
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
        """What neurons may come to, rounded down to a multiple of a small unit."""
        assert self.data.rho is not None
        square = 2 * self.bound * sum(v * v for v in self.nu)
        # g >= sqrt(square) in units of 1 / fine, rounded up; strictly more where it has to be.
        fine = self._fine
        root = isqrt(square * fine**2 // 1)
        while Fraction(root, fine) ** 2 < square or root == 0:
            root += 1
        if self.strict and Fraction(root, fine) ** 2 == square:
            root += 1
        g = dot(self.nu, self.data.y)
        return (g - Fraction(root, fine)) / self.data.rho

    def _proves(self, total: Fraction) -> bool:
        """Whether the bound follows where the neurons come to `total`."""
        rho = Fraction() if self.data.rho is None else self.data.rho
        g = dot(self.nu, self.data.y) - rho * total
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
        power = 2 if self.data.squared else 1
        cones: dict[int, list[Numbers]] = {}
        # A bound of a whole cone is found first where there is one: those of its walls come before.
        for key in sorted(self.used, key=lambda key: (key[0], key[1] is None, key[1] or 0)):
            (sign, cone), wall = key
            mu = [unit * v for v in self._multipliers(key)]
            den = lcm(*(v.denominator for v in mu))
            where = 2 * (0 if wall is None else wall + 1) + (sign > 0)
            fact = [
                where,
                int(heights[key] * unit**power),
                den,
                *multipliers([int(den * v) for v in mu]),
            ]
            cones.setdefault(cone, []).append(fact)
        facts = sparse((cone, many(found)) for cone, found in sorted(cones.items()))
        head = [*(unit * v for v in self.nu), int(self.most * unit) ** power]
        frame = [0] if self.frame is None else self.frame.numbers()
        return [*map(signed, head), *frame, *facts]

    def _gradient(self, key: Key) -> list[int]:
        """c, where a neuron of the state adds c . u to nu . f."""
        (sign, cone), _ = key
        active = self.data.cones.signs[cone] > 0
        rows = [(v, row) for v, row, on in zip(self.nu, self.data.X, active, strict=True) if on]
        return [sign * sum(v * row[i] for v, row in rows) for i in range(self.data.problem.d)]

    def _multipliers(self, key: Key) -> Sequence[Fraction]:
        """mu with ||c + sum mu_k sigma_k x_k|| the height. Without a ball or in a box: where c . u
        is the largest, rows that are 0 there and sides |u_i| = 1 add up to c."""
        data, ((_, cone), wall) = self.data, key
        if not data.polyhedral:
            return self._rounded[key]
        c, rows = self._gradient(key), data.signed_rows(cone)
        best: Sequence[int | Fraction] = [0] * len(c)
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
    width = certificate["width"] if "width" in certificate else len(certificate["network"]["a"])
    if within is None:
        return Data(problem, width, None, None)
    name = within.get("ball", "the l2 penalty")
    if name not in _BALLS:
        raise InputError("certificate", f"is about {name}; the library has {', '.join(_BALLS)}")
    return Data(problem, width, name, rational(within["rho"], "rho"))


def interval(value: str | Sequence[str]) -> tuple[Fraction, Fraction]:
    """A value of a certificate, [lower, upper] or both in one."""
    lower, upper = (value, value) if isinstance(value, str) else value
    return rational(lower, "value"), rational(upper, "value")


def _product(row: Sequence[int], u: Sequence[int | Fraction]) -> int | Fraction:
    total: int | Fraction = sum(map(mul, row, u))
    return total
