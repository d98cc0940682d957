"""Certificates of kind `path`: a continuous path inside an optimizer's solution set.

Every segment is straight in the convex coordinates (s, alpha, u) of the neurons and stays in one
closed cell, where loss and ball are convex: only breakpoints are looked at, in rationals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from theory.certificates import algebra, balls, reading
from theory.certificates.balls import LARGEST, SPECTRAL, Ball, Penalty
from theory.certificates.reading import fail, show
from theory.problem import Problem

FIELDS = (
    *("format", "version", "kind", "problem", "width", "within"),
    *("level", "networks", "start", "steps"),
)


@dataclass(frozen=True)
class _Neuron:
    sign: int
    alpha: Fraction  # a^2
    u: tuple[Fraction, ...]  # |a| w
    outputs: tuple[Fraction, ...]  # X u

    @property
    def image(self) -> list[Fraction]:
        """s relu(X u)"""
        return [max(v, Fraction()) * self.sign for v in self.outputs]

    @property
    def square(self) -> Fraction:
        """||u||^2 / alpha = ||w||^2"""
        return _dot(self.u, self.u) / self.alpha if any(self.u) else Fraction()


class Path:
    """A certificate of this kind; `statement` verifies it."""

    def __init__(self, fields: Mapping[str, object], problem: Problem) -> None:
        self.fields = fields
        self.problem = problem
        self.width = reading.width(fields["width"])
        self.within = balls.read(fields["within"])
        self.level = reading.rational(fields["level"], "level")

    def statement(self) -> str:
        """Verify everything; what is proved."""
        networks = reading.entries(self.fields["networks"], "networks", 2)
        start = reading.entries(self.fields["start"], "start", self.width)
        neurons = [self._neuron(value, f"start[{j}]") for j, value in enumerate(start)]
        self._require_end(neurons, networks[0], "start", "networks[0]")
        point = _Sums(self.problem, self.within)
        for neuron in neurons:
            point.add(neuron, 1)
        self._require_solution(point, neurons, "start")
        steps = reading.entries(self.fields["steps"], "steps")
        for k, step in enumerate(steps):
            where = f"steps[{k}]"
            changed = self._changes(neurons, step, where)
            for j, neuron in changed.items():
                point.add(neurons[j], -1)
                point.add(neuron, 1)
                neurons[j] = neuron
            self._require_solution(point, list(changed.values()), where)
        last = f"steps[{len(steps) - 1}]" if steps else "start"
        self._require_end(neurons, networks[1], last, "networks[1]")
        what = "loss" if isinstance(self.within, Ball) else "loss and penalty"
        return (
            f"a path of {len(steps)} segments joins the two networks of width {self.width}"
            f"{self.within}, with {what} at most {reading.show_above(self.level)}"
        )

    def _neuron(self, value: object, where: str) -> _Neuron:
        sign, size, vector = reading.entries(value, where, 3)
        if not isinstance(sign, str) or sign not in ("+", "-"):
            fail(where, f"its sign must be '+' or '-', not {show(sign)}")
        alpha = reading.rational(size, f"{where}[1]")
        u = reading.vector(vector, f"{where}[2]", self.problem.d)
        if alpha < 0:
            fail(f"{where}[1]", f"is {show(alpha)}, but a^2 is not negative")
        if not alpha and any(u):
            fail(where, "has alpha = 0, so that u must be zero")
        outputs = tuple(_dot(row, u) for row in self.problem.X)
        return _Neuron(1 if sign == "+" else -1, alpha, u, outputs)

    def _changes(self, before: list[_Neuron], value: object, where: str) -> dict[int, _Neuron]:
        """The neurons that a segment moves, after verifying that it stays in one closed cell."""
        changed: dict[int, _Neuron] = {}
        for i, entry in enumerate(reading.entries(value, where)):
            here = f"{where}[{i}]"
            place, *rest = reading.entries(entry, here, 4)
            j = reading.index(place, f"{here}[0]", self.width, "neurons")
            if j in changed:
                fail(here, f"moves neuron {j} twice")
            old, new = before[j], self._neuron(rest, here)
            if old.sign != new.sign and any(old.u) and any(new.u):
                fail(here, f"neuron {j} changes its sign without being zero")
            for row, (v, w) in enumerate(zip(old.outputs, new.outputs, strict=True)):
                if v * w < 0:
                    fail(here, f"neuron {j} crosses the hyperplane of row {row}")
            changed[j] = new
        return changed

    def _require_solution(self, point: _Sums, changed: list[_Neuron], where: str) -> None:
        """The loss is at most the level, and the ball holds the point.

        changed: the neurons that may be too large each by itself.
        """
        if not point.inside(changed):
            fail(where, "the point lies outside the ball")
        if point.objective > self.level:
            fail(where, f"its loss {show(point.objective)} is above the level {show(self.level)}")

    def _require_end(self, neurons: list[_Neuron], network: object, where: str, name: str) -> None:
        """The point is the network, in a ball up to a common rescaling (c W, a / c)."""
        W, a = reading.network(network, name, self.problem.d, self.width)
        unit = Fraction(1)
        if isinstance(self.within, Ball):
            unit = next(
                (v * v / n.alpha for v, n in zip(a, neurons, strict=True) if v and n.alpha), unit
            )
        for j, (neuron, weight) in enumerate(zip(neurons, a, strict=True)):
            same = neuron.u == tuple(abs(weight) * row[j] for row in W)
            sign = not weight or (weight > 0) == (neuron.sign > 0)
            if not same or not sign or neuron.alpha * unit != weight * weight:
                fail(where, f"its neuron {j} is not that of {name}")


class _Sums:
    """What the constraints need to know of a point, kept up to date neuron by neuron."""

    def __init__(self, problem: Problem, within: Ball | Penalty) -> None:
        self.within = within
        self.y = problem.y
        self.fit = [Fraction()] * problem.n
        self.alphas = Fraction()
        self.squares = Fraction()
        self.gram = [[Fraction()] * problem.d for _ in range(problem.d)]

    def add(self, neuron: _Neuron, times: int) -> None:
        self.fit = [f + times * v for f, v in zip(self.fit, neuron.image, strict=True)]
        self.alphas += times * neuron.alpha
        if self.within.name in SPECTRAL:
            if any(neuron.u):
                for row, v in zip(self.gram, neuron.u, strict=True):
                    for k, w in enumerate(neuron.u):
                        row[k] += times * v * w / neuron.alpha
        else:
            self.squares += times * neuron.square

    @property
    def objective(self) -> Fraction:
        """1/2 ||f - y||^2, and the penalty."""
        rest = [f - y for f, y in zip(self.fit, self.y, strict=True)]
        loss = _dot(rest, rest) / 2
        if isinstance(self.within, Penalty):
            loss += self.within.beta * (self.squares + self.alphas) / 2
        return loss

    def inside(self, changed: list[_Neuron]) -> bool:
        """Whether ||W|| <= rho and ||a|| <= 1."""
        if isinstance(self.within, Penalty):
            return True
        name, bound = self.within.name, self.within.rho**2
        if name in LARGEST:
            if self.alphas > 1:
                return False
        elif any(neuron.alpha > 1 for neuron in changed):
            return False
        if name == "entrywise":
            return all(v * v <= bound * n.alpha for n in changed for v in n.u)
        if name == "colnorm":
            return all(neuron.square <= bound for neuron in changed)
        if name == "ngd":
            return self.squares <= bound
        rest = [
            [(bound if i == k else 0) - v for k, v in enumerate(row)]
            for i, row in enumerate(self.gram)
        ]
        return algebra.is_positive(rest, definite=False)


def _dot(
    u: tuple[Fraction, ...] | list[Fraction], v: tuple[Fraction, ...] | list[Fraction]
) -> Fraction:
    return sum((p * q for p, q in zip(u, v, strict=True)), Fraction())
