"""Cells, faces and dual vectors of a certificate as the terms that the library's checker reads.

Data are integers here: X and y of the problem times a common denominator, losses times its square.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import ceil, floor, isqrt, lcm
from typing import Any, TypeAlias

from theory.arrangement import arrangement
from theory.errors import InputError
from theory.exact import sqrt_above, squared
from theory.formal.farkas import Multipliers, combined, flat, least_length, least_norm
from theory.formal.terms import integer, integers, listed, natural, truth
from theory.problem import Problem, rational

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

    def signed_rows(self, cone: int, flipped: Iterable[int] = ()) -> list[list[int]]:
        """sigma_k x_k, the signs of some rows turned."""
        turned = set(flipped)
        signs = self.cones.signs[cone]
        return [
            [int(s) * (-1 if k in turned else 1) * v for v in row]
            for k, (s, row) in enumerate(zip(signs, self.X, strict=True))
        ]

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
    def shared(self) -> bool:
        """Whether neurons share the radius: bounds of neurons then count by the largest."""
        return self.within == "ngd"

    def in_layers(self, kind: str, named: tuple[str, str], given: str, about: str) -> str:
        """A theorem once more, for networks with ||W|| <= RW and ||a|| <= Ra, where RW Ra is the
        radius; nothing without a ball.

        named: the theorem, and this one. given: conditions. about: what it has after the radii.
        """
        if self.rho is None:
            return ""
        theorem, name = named
        radius = f"(RW * Ra = {self.rho.numerator} / {self.rho.denominator})%R"
        unknown = {"barrier": 10, "least": 7, "components": 8}[kind]
        return f"""Theorem {name} : forall RW Ra, (0 < RW)%R -> (0 < Ra)%R -> {radius} ->
  {given}{kind}_layers XQ yQ {self.width} {self.problem.d} ball RW Ra {about}.
Proof. exact ({kind}_in_layers {"_ " * unknown}{theorem} eq_refl). Qed.
"""

    def inside_layers(self, network: str) -> str:
        """That a network is among these."""
        of = f"(W_of {network}) (a_of {network})"
        return f"in_layers {self.width} {self.problem.d} ball RW Ra {of}"

    @cached_property
    def walls(self) -> str:
        """One row for each wall."""
        return listed(integers(self.X[rows[0]]) for rows in self.cones.walls)

    @cached_property
    def patterns(self) -> str:
        """A point inside each cone, and what is across each wall."""
        return listed(map(self._pattern, range(len(self.cones))), lines=True)

    def _pattern(self, cone: int) -> str:
        rays = self.cones.rays[self.cones.cone_rays(cone)]
        point = [int(v) for v in rays.sum(axis=0)]
        across = dict(self.cones.facets(cone))
        sides = []
        for wall, rows in enumerate(self.cones.walls):
            if wall in across:
                sides.append(f"Across {natural(across[wall])}")
            else:
                mu = flat(self.signed_rows(cone, rows))
                assert mu is not None
                unit = lcm(*(v.denominator for v in mu))
                nonzero = (v for v, row in zip(mu, self.X, strict=True) if any(row))
                sides.append(f"Empty {integers(int(v * unit) for v in nonzero)}")
        return f"Pat {integers(point)} {listed(sides)}"


_BALLS: Mapping[str, tuple[str, str]] = {
    "entrywise": ("Entrywise", "AdamW's"),
    "colnorm": ("Columns", "the column-normalised"),
    "ngd": ("Frobenius", "the Frobenius"),
}
"""Those of the library: their names there, and in words."""

_BITS = 64  # of what is rounded, by the largest entry of nu


@dataclass
class Dual:
    """A dual vector nu, and what it bounds where: h and the multipliers by key, as they are needed.

    bound: b in the units of the integer data. strict: it is to prove more than b.
    """

    data: Data
    nu: tuple[int, ...]
    bound: Fraction
    strict: bool
    known: dict[Key, tuple[Fraction, Multipliers] | None] = field(default_factory=dict)
    most: Fraction = Fraction()  # that neurons of states that it covers come to

    @cached_property
    def _fine(self) -> int:
        """What is rounded is a multiple of one over this."""
        size: int = max(map(abs, self.nu)).bit_length()
        return 1 << max(0, _BITS - size)

    def height(self, state: State, wall: int | None = None) -> Fraction | None:
        """The most that a neuron of the state adds to nu . f, by the largest |u_i| or its norm;
        None for no bound, which there is without a ball only."""
        key = state, wall
        if key not in self.known:
            sign, cone = state
            data = self.data
            rows = data.signed_rows(cone)
            active = data.cones.signs[cone] > 0
            c = [
                sign
                * sum(v * row[i] for v, row, on in zip(self.nu, data.X, active, strict=True) if on)
                for i in range(data.problem.d)
            ]
            norm, mu = self._least(c, rows, () if wall is None else data.cones.walls[wall])
            self.known[key] = None if norm and data.rho is None else (norm, mu)
        found = self.known[key]
        return None if found is None else found[0]

    def _least(
        self, c: Sequence[int], rows: Sequence[Sequence[int]], free: Sequence[int]
    ) -> tuple[Fraction, Multipliers]:
        """The norm that is dual to that of the ball, or a little more, with its multipliers."""
        if self.data.within in (None, "entrywise"):
            return least_norm(c, rows, free)
        square, mu = least_length(c, rows, free)
        root = sqrt_above(square)
        if root * root == square:
            return root, mu
        # Where it is least the square hardly changes with mu.
        fine = self._fine
        mu = tuple(Fraction(floor(v * fine), fine) for v in mu)
        root = sqrt_above(squared(combined(c, rows, mu)))
        return Fraction(ceil(root * fine), fine), mu

    def covers(self, states: Iterable[Key]) -> bool:
        """Whether it proves the bound where neurons are in these states."""
        heights = [self.height(*key) for key in states]
        known = [h for h in heights if h is not None]
        if len(known) < len(heights):
            return False
        total = max(known, default=Fraction()) if self.data.shared else sum(known, Fraction())
        return self._proves(total)

    def everywhere(self) -> None:
        """Ask for all states; the limit is then as high as the bound allows."""
        for cone in range(len(self.data.cones)):
            for sign in (1, -1):
                self.height((sign, cone))
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
        g = sum(v * t for v, t in zip(self.nu, self.data.y, strict=True))
        return (g - Fraction(root, fine)) / self.data.rho

    def _proves(self, total: Fraction) -> bool:
        """Whether the bound follows where the neurons come to `total`."""
        rho = Fraction() if self.data.rho is None else self.data.rho
        g = sum(v * t for v, t in zip(self.nu, self.data.y, strict=True)) - rho * total
        square = 2 * self.bound * sum(v * v for v in self.nu)
        enough = g * g > square if self.strict else g * g >= square
        if g > 0 and enough:
            self.most = max(self.most, total)
            return True
        return False

    def term(self) -> str:
        """With all that was asked of it."""
        facts = {key: found for key, found in self.known.items() if found is not None}
        unit = lcm(*(v.denominator for h, mu in facts.values() for v in (h, *mu)))
        unit = lcm(unit, self.most.denominator)
        terms = [
            f"Fact {truth(sign > 0)} {natural(cone)} "
            f"{'None' if wall is None else f'(Some {natural(wall)})'} "
            f"{integer(int(h * unit))} {integers(int(v * unit) for v in mu)}"
            for ((sign, cone), wall), (h, mu) in sorted(
                facts.items(),
                key=lambda item: (item[0][0], -1 if item[0][1] is None else item[0][1]),
            )
        ]
        # A bound of a whole cone is found first where there is one: those of its walls come before.
        terms.sort(key=lambda term: " None " in term)
        nu = integers(unit * v for v in self.nu)
        return f"Dual {nu} {integer(int(self.most * unit))} {listed(terms, lines=True)}"


def read(certificate: Mapping[str, Any], problem: Problem) -> Data:
    """The data of a certificate of which the statements are in the library.

    Raises InputError, in one line, where it is about others.
    """
    if problem.activation.positive != 1 or problem.activation.negative:
        raise InputError("certificate", f"is about {problem.activation}; the library has ReLU only")
    if not problem.is_plain:
        raise InputError("certificate", "is about another loss, or biases, than the library has")
    within = certificate["within"]
    if within is None:
        return Data(problem, certificate["width"], None, None)
    name = within.get("ball", "the l2 penalty")
    if name not in _BALLS:
        raise InputError("certificate", f"is about {name}; the library has {', '.join(_BALLS)}")
    return Data(problem, certificate["width"], name, rational(within["rho"], "rho"))


def interval(value: str | Sequence[str]) -> tuple[Fraction, Fraction]:
    """A value of a certificate, [lower, upper] or both in one."""
    lower, upper = (value, value) if isinstance(value, str) else value
    return rational(lower, "value"), rational(upper, "value")


def primitive(vector: Sequence[str]) -> tuple[int, ...]:
    """A dual vector in integers; its length does not count where the loss is squared."""
    values = [rational(v, "dual") for v in vector]
    unit = lcm(*(v.denominator for v in values))
    return tuple(int(v * unit) for v in values)
