"""Certificates of kind margin: the largest one in a ball, or the label of a further point.

With p >= 0 of sum one, networks with sum_k p_k y_k f_k <= H have margins min_k y_k f_k <= H. What
lam.f can be for lam = p y is bounded cell by cell, as it is for losses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from theory.certificates import algebra, balls, landscape, reading, work
from theory.certificates.kinds import Checked, Kind
from theory.certificates.losses import Loss, Proof
from theory.certificates.reading import fail, show
from theory.problem import Problem

_FIELDS = (
    *("format", "version", "kind", "problem", "width", "within", "point"),
    *("lower", "upper", "network", "duals"),
)


class _Shortfall(Loss):
    """1 + upper - min_k y_k f_k over the labels, and no network with a positive side_k f_k in other
    rows: at least 1 where margins are at most `upper`."""

    def __init__(self, problem: Problem, sides: Sequence[int], upper: Fraction) -> None:
        super().__init__(problem)
        self.scales = False
        self._sides = sides
        self._upper = upper

    def margin(self, fit: Sequence[int], scale: int) -> Fraction:
        """min_k y_k f_k, of f in parts of `scale`."""
        pairs = zip(fit, self.problem.y, strict=True)
        return Fraction(min(int(y) * f for f, y in pairs if y), scale)

    def value(self, fit: Sequence[int], scale: int) -> Fraction:
        """Of any side."""
        return 1 + self._upper - self.margin(fit, scale)

    def proof(self, lam: Sequence[Fraction], where: str) -> Proof:
        """Of a positive multiple, for which p has sum one."""
        total = Fraction()
        for k, (v, side) in enumerate(zip(lam, self._sides, strict=True)):
            if v * side < 0:
                fail(where, f"its entry {k} is {show(v)}, but its sign must be that of {side}")
            if self.problem.y[k]:
                total += abs(v)
        if not total:
            fail(where, "is zero for all data")
        work.spend("gains of duals", len(lam) * work.rational(2 * work.lengths(lam)))
        vector, unit = algebra.integers([v / total for v in lam])
        return Proof(self, vector, unit, 1 + self._upper, None)


class _Certificate(landscape.Certificate):
    """That of the data, with the point for a further row, which has no target."""

    def __init__(self, fields: Mapping[str, object], problem: Problem) -> None:
        for k, v in enumerate(problem.y):
            if abs(v) != 1:
                fail(f"problem.y[{k}]", f"{show(v)} is no label")
        if problem.has_free_part:
            fail("problem", "margins are for networks of hidden neurons only")
        self.upper = reading.rational(fields["upper"], "upper")
        rows, targets = [*problem.X], [*problem.y]
        self.sides = [int(v) for v in problem.y]
        self.point: tuple[Fraction, ...] | None = None
        self.label = 0
        if fields["point"] is not None:
            found = reading.fields(fields["point"], "point", ("x", "label"))
            self.point = reading.vector(found["x"], "point.x", problem.d)
            self.label = reading.sign(found["label"], "point.label")
            rows.append(self.point)
            targets.append(Fraction())
            self.sides.append(-self.label)
            if problem.bias is not None and self.point[-1] != 1:
                fail(
                    "point.x", f"ends with {show(self.point[-1])}, not with the constant feature 1"
                )
        more = Problem(rows, targets, activation=problem.activation, bias=problem.bias)
        super().__init__(fields, more)
        if not isinstance(self.within, balls.Ball) or self.within.rho != 1:
            fail("within", "must be a ball of radius 1")

    def loss_of(self, problem: Problem) -> Loss:
        return _Shortfall(problem, self.sides, self.upper)

    def statement(self) -> str:
        """Verify it; returns what it proves."""
        lower = reading.rational(self.fields["lower"], "lower")
        if self.point is None and lower > self.upper:
            fail("lower", f"{show(lower)} is above the upper bound {show(self.upper)}")
        if self.point is not None and lower <= self.upper:
            fail("lower", f"{show(lower)} is not above {show(self.upper)}: nothing is proved")
        reached = 1 + self.upper - self.network(self.fields["network"], "network").loss
        if reached < lower:
            fail("network", f"its margin is {show(reached)}, below {show(lower)}")
        self._check_cover("duals", self.duals, Fraction(1), False, (), "as one has to")
        where = f"at width {self.width}{self.within}"
        if self.point is None:
            return f"the largest margin {where} is {reading.show_interval((lower, self.upper))}"
        at, label = ", ".join(map(show, self.point)), f"{self.label:+d}"
        return (
            f"all networks of a margin above {reading.show_above(self.upper)} {where}, of which "
            f"one has {reading.show_below(lower)}, label the point ({at}) with {label}"
        )


def _checked(fields: Mapping[str, object], problem: Problem) -> Checked:
    certificate = _Certificate(fields, problem)
    return certificate.checked(certificate.statement())


KINDS = {"margin": Kind(_FIELDS, _checked)}
