"""Certificates of kind `optimum`: a dual point of the convex program over activation patterns.

No ray of the arrangement is needed where patterns are listed, so wide data are no difficulty, nor
where a cover of all directions, or quadratics, take the place of patterns, which may be many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from theory.certificates import algebra, balls, reading, work
from theory.certificates.algebra import Vector
from theory.certificates.cone_cover import Cover
from theory.certificates.cones import Arrangement
from theory.certificates.kinds import Checked, Kind
from theory.certificates.losses import Proof
from theory.certificates.objective import Objective
from theory.certificates.quadratics import Norm, Quadratics
from theory.certificates.reading import CertificateInvalid, fail, show
from theory.problem import Problem

_FIELDS = (
    *("format", "version", "kind", "problem", "width", "within"),
    *("patterns", "value", "network", "dual"),
)
_ANYWHERE = ("cover", "quadratics")  # what duals of all directions have in place of multipliers


class Optimum:
    """A certificate of this kind; `statement` verifies it."""

    def __init__(self, fields: Mapping[str, object], problem: Problem) -> None:
        self.fields = fields
        self.problem = problem
        self.within = balls.read(fields["within"], problem.bias)
        self.width = None if fields["width"] is None else reading.width(fields["width"])
        self.objective = Objective(problem, self.within, self.width)
        self.X = self.objective.X
        if self.width is None and not self.within.divided:
            fail(
                "width",
                f"must be an integer: more neurons need more of the {self.within.name} ball",
            )
        self.listed = fields["patterns"] is not None
        sort = _sort(fields["dual"])
        if sort in _ANYWHERE and self.listed:
            fail("patterns", f"must be null where the dual has {sort!r}, of all directions")
        if "everywhere" in fields and not self.listed:
            fail("everywhere", "is a field of certificates that list patterns only")
        needed = self.listed or (fields["dual"] is not None and sort == "mu")
        self.sigmas = self._sigmas(fields["patterns"]) if needed else {}

    def statement(self) -> str:
        """Verify everything; what is proved."""
        lower, upper = reading.interval(self.fields["value"], "value")
        network = self.objective.read(self.fields["network"], self.width)
        objective = self.objective.value(network, self.objective.outputs(network))
        if objective > upper:
            fail("network", f"its objective {show(objective)} is above {show(upper)}")
        bound = self._bound(self.fields["dual"])
        if lower > bound:
            fail("value", f"the lower end {show(lower)} is above the dual's bound {show(bound)}")
        width = "any width" if self.width is None else f"width {self.width}"
        range_ = reading.show_interval((lower, upper))
        if self.listed:
            others = ": this says nothing about other patterns"
            if "everywhere" in self.fields:
                others = f", all others at least {show(self._everywhere())}"
            return (
                f"a network of {width}{self.within} has loss at most {show(upper)}, and all those "
                f"over the {len(self.sigmas)} patterns priced at least {show(lower)}{others}"
            )
        return f"the least loss of {width}{self.within} is {range_}"

    def _everywhere(self) -> Fraction:
        """What is proved of networks with any patterns."""
        fields = reading.fields(self.fields["everywhere"], "everywhere", ("value", "dual"))
        value = reading.rational(fields["value"], "everywhere.value")
        if _sort(fields["dual"]) not in _ANYWHERE:
            fail("everywhere.dual", f"must have one of {', '.join(_ANYWHERE)}")
        try:
            bound = self._bound(fields["dual"])
        except CertificateInvalid as error:
            fail(f"everywhere.{error.field}", error.reason)
        if value > bound:
            fail("everywhere.value", f"{show(value)} is above the dual's bound {show(bound)}")
        return value

    def _sigmas(self, value: object) -> dict[str, None]:
        """The patterns of the statement: those listed, or all."""
        if value is None:
            arrangement = Arrangement(self.X, self.objective.sigma)
            return {arrangement.sigma(cone.sides): None for cone in arrangement.cones()}
        found: dict[str, None] = {}
        zero = [not any(row) for row in self.X]
        for k, pattern in enumerate(reading.entries(value, "patterns")):
            where = f"patterns[{k}]"
            sigma = reading.sigma(pattern, where, len(zero))
            for row, (character, vanishes) in enumerate(zip(sigma, zero, strict=True)):
                if (character == "0") != vanishes:
                    kind = "zero" if vanishes else "not zero"
                    fail(where, f"its character {row} is {character!r}, but that row is {kind}")
            if sigma in found:
                fail(where, "is listed twice")
            found[sigma] = None
        if not found:
            fail("patterns", "is empty")
        return found

    def _bound(self, value: object) -> Fraction:
        """What the dual point proves of networks with these patterns."""
        if value is None:
            return Fraction()
        sort = _sort(value)
        names = ("nu", "Z", sort) if self.within.metric else ("nu", sort)
        fields = reading.fields(value, "dual", names)
        rationals = reading.vector(fields["nu"], "dual.nu", self.problem.n)
        proof = self.objective.loss.proof(rationals, "dual.nu")
        if sort in _ANYWHERE:
            length = self._length(self._cost(fields, proof))
            return self.objective.bound(proof, length / proof.unit)
        mu = self._multipliers(fields["mu"])
        everything = [*rationals, *(v for entries in mu.values() for _, v in entries)]
        flat, scale = algebra.integers(everything)
        nu = flat[: len(rationals)]
        cost = self.objective.cost(fields.get("Z"))
        if not any(nu):
            return Fraction()
        self._count(nu, flat)
        whole = {b: [(k, int(v * scale)) for k, v in entries] for b, entries in mu.items()}
        length = self._length(max(map(cost, self._columns(nu, whole))))
        return self.objective.bound(proof, length / scale)

    def _cost(self, fields: Mapping[str, object], proof: Proof) -> Fraction:
        """The largest squared dual norm of a column, by what is said of all directions."""
        if self.within.free:
            fail("dual", "is of all directions, which is not known where biases are free")
        if self.within.metric:
            Z = self.objective.metric(fields["Z"])
            trace = self.objective.trace(Z)
        else:
            Z = [tuple(int(i == k) for i in range(self.problem.d)) for k in range(self.problem.d)]
            trace = 1
        entries = self.within.hidden == "entrywise"
        sigma = self.objective.sigma
        if "cover" in fields:
            cover = Cover(fields["cover"], self.X, proof.lam, Z, sigma, entries=entries)
            return trace * cover.cost()
        norm = Norm(entries, Z, trace, self._reaches(fields.get("Z")))
        return Quadratics(fields["quadratics"], self.X, proof, sigma, norm).length() ** 2

    def _reaches(self, Z: object) -> list[Fraction]:
        """How large the entries of X u are at most for the u of norm 1."""
        cost = self.objective.cost(Z)
        bits = 2 * max(map(work.length, self.X)) + self.problem.d.bit_length()
        work.spend("products of X", 2 * self.problem.n * self.problem.d * work.integer(bits))
        squares = list(map(cost, self.X))
        roots = work.integer(4 * work.lengths(squares) + 128) + work.kept(work.lengths(squares))
        work.spend("products of X", 64 * self.problem.n * roots)
        return list(map(algebra.root, squares))

    def _count(self, nu: Vector, everything: Vector) -> None:
        """Count the steps for the columns of all blocks, and for their costs."""
        n, d = self.problem.n, self.problem.d
        bits = work.length(everything) + max(map(work.length, self.X)) + n.bit_length()
        work.spend("columns", n * d * (work.integer(bits) + work.kept(bits)))
        priced = d * d if self.within.metric else d
        each = n * d + 2 * n + 2 * priced * work.integer(2 * bits) + 2 * work.rational(2 * bits)
        multipliers = len(everything) - len(nu)
        work.spend("columns", len(self.sigmas) * each + multipliers * d * work.integer(bits))

    def _multipliers(self, value: object) -> dict[tuple[int, str], list[tuple[int, Fraction]]]:
        found: dict[tuple[int, str], list[tuple[int, Fraction]]] = {}
        for i, entry in enumerate(reading.entries(value, "dual.mu")):
            where = f"dual.mu[{i}]"
            sign, sigma, pairs = reading.entries(entry, where, 3)
            s = reading.sign(sign, where)
            if not isinstance(sigma, str) or sigma not in self.sigmas:
                fail(where, f"{show(sigma)} is not one of the patterns")
            if (s, sigma) in found:
                fail(where, "is a block for the second time")
            values = reading.multipliers(pairs, f"{where}[2]", self.problem.n)
            found[s, sigma] = list(values.items())
        return found

    def _columns(
        self, nu: Vector, mu: Mapping[tuple[int, str], Iterable[tuple[int, int]]]
    ) -> Iterator[list[int]]:
        """w = s X^T D nu + X^T (2 D - I) mu for each block."""
        activation = self.objective.sigma
        terms = {
            side: [[slope * v * x for x in row] for v, row in zip(nu, self.X, strict=True)]
            for side, slope in (("+", activation.above), ("-", activation.below))
            if slope
        }
        d = self.problem.d
        for sigma in self.sigmas:
            active = [terms[side][k] for k, side in enumerate(sigma) if side in terms]
            total = [sum(column) for column in zip(*active, strict=True)] if active else [0] * d
            for sign in (1, -1):
                w = total if sign > 0 else [-v for v in total]
                for k, multiplier in mu.get((sign, sigma), ()):
                    side = (sigma[k] == "+") - (sigma[k] == "-")
                    times = side * activation.unit * multiplier
                    w = [v + times * x for v, x in zip(w, self.X[k], strict=True)]
                yield w

    def _length(self, cost: Fraction) -> Fraction:
        """The dual norm of one such column for each neuron."""
        m = self.width or 1
        if len(self.within.shared) == 2:
            return algebra.root(cost)
        if len(self.within.shared) == 1:
            return algebra.root(m * cost)
        return m * algebra.root(cost)


def _sort(dual: object) -> str:
    """What a dual has beside nu and Z."""
    return next((name for name in _ANYWHERE if isinstance(dual, dict) and name in dual), "mu")


def _checked(fields: Mapping[str, object], problem: Problem) -> Checked:
    duals = int(fields["dual"] is not None) + int("everywhere" in fields)
    return Checked(Optimum(fields, problem).statement(), duals=duals)


KINDS = {"optimum": Kind(_FIELDS, _checked, optional=("everywhere",))}
