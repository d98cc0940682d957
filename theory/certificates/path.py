"""Certificates of kind `path`: a continuous path inside an optimizer's solution set.

Every segment is straight in the convex coordinates (s, alpha, u) of the neurons and stays in one
closed cell, where loss and ball are convex: only breakpoints are looked at, in rationals.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from theory.certificates import algebra, balls, reading
from theory.certificates.algebra import dot
from theory.certificates.balls import Ball, Penalty
from theory.certificates.kinds import Checked, Kind
from theory.certificates.neurons import Inputs, Neuron, Sums, read_neuron
from theory.certificates.reading import Network, fail, show
from theory.problem import Problem

_FIELDS = (
    *("format", "version", "kind", "problem", "width", "within"),
    *("level", "networks", "start", "steps"),
)


class Path:
    """A certificate of this kind; `statement` verifies it."""

    def __init__(self, fields: Mapping[str, object], problem: Problem) -> None:
        self.fields = fields
        self.problem = problem
        self.inputs = Inputs(problem)
        self.width = reading.width(fields["width"])
        self.within = balls.read(fields["within"], problem.bias)
        self.level = reading.rational(fields["level"], "level")

    def statement(self) -> str:
        """Verify everything; what is proved."""
        entries = reading.entries(self.fields["networks"], "networks", 2)
        start, linear = self._read_linear(self.fields["start"], "start")
        if len(start) != self.width:
            fail("start", f"has {len(start)} neurons, but must have {show(self.width)}")
        neurons = [read_neuron(value, f"start[{j}]", self.inputs) for j, value in enumerate(start)]
        ends = [
            reading.network(value, f"networks[{k}]", self.problem, self.width)
            for k, value in enumerate(entries)
        ]
        point = Sums(self.problem, self.within, linear or (Fraction(),) * (self.problem.d + 1))
        self._require_same(neurons, point, ends[0], "start", "networks[0]")
        for neuron in neurons:
            point.add(neuron, 1)
        self._require_solution(point, neurons, "start")
        self._require_whole(point, ends[0], "networks[0]")
        steps = reading.entries(self.fields["steps"], "steps")
        for k, step in enumerate(steps):
            where = f"steps[{k}]"
            moved, linear = self._read_linear(step, where)
            changed = self._changes(neurons, moved, where)
            point.linear = linear or point.linear
            for j, neuron in changed.items():
                point.add(neurons[j], -1)
                point.add(neuron, 1)
                neurons[j] = neuron
            self._require_solution(point, list(changed.values()), where)
        last = f"steps[{len(steps) - 1}]" if steps else "start"
        self._require_same(neurons, point, ends[1], last, "networks[1]")
        self._require_whole(point, ends[1], "networks[1]")
        what = "loss" if isinstance(self.within, Ball) else "loss and penalty"
        return (
            f"a path of {len(steps)} segments joins the two networks of width {self.width}"
            f"{self.within}, with {what} at most {reading.show_above(self.level)}"
        )

    def _read_linear(
        self, value: object, where: str
    ) -> tuple[list[object], tuple[Fraction, ...] | None]:
        """A list of neurons, and b with c from an object at its end, if there is one."""
        found = reading.entries(value, where)
        free = self.problem.has_free_part
        if not free or not found or not isinstance(found[-1], dict):
            return found, None
        _, linear = reading.with_linear(found[-1], f"{where}[{len(found) - 1}]", (), self.problem)
        return found[:-1], linear

    def _changes(self, before: list[Neuron], values: list[object], where: str) -> dict[int, Neuron]:
        """The neurons that a segment moves, after verifying that it stays in one closed cell."""
        changed: dict[int, Neuron] = {}
        for i, entry in enumerate(values):
            here = f"{where}[{i}]"
            place, *rest = reading.entries(entry, here, 4)
            j = reading.index(place, f"{here}[0]", self.width, "neurons")
            if j in changed:
                fail(here, f"moves neuron {j} twice")
            old, new = before[j], read_neuron(rest, here, self.inputs)
            if old.sign != new.sign and any(old.u) and any(new.u):
                fail(here, f"neuron {j} changes its sign without being zero")
            for row, (v, w) in enumerate(zip(old.outputs, new.outputs, strict=True)):
                if v.numerator * w.numerator < 0:
                    fail(here, f"neuron {j} crosses the hyperplane of row {row}")
            changed[j] = new
        return changed

    def _require_solution(self, point: Sums, changed: list[Neuron], where: str) -> None:
        """The loss is at most the level, and the ball holds the point.

        changed: the neurons that may be too large each by itself.
        """
        objective = point.loss
        if isinstance(self.within, Penalty):
            objective += self.within.of(point.squares + point.alphas)
        elif not point.inside(changed, self.within.rho**2, Fraction(1)):
            fail(where, "the point lies outside the ball")
        if objective > self.level:
            fail(where, f"its loss {show(objective)} is above the level {show(self.level)}")

    def _require_same(
        self, neurons: list[Neuron], point: Sums, end: Network, where: str, name: str
    ) -> None:
        """The point is the network, in a ball up to a common rescaling (c W, a / c).

        It knows nothing of w_j where a_j = 0.
        """
        if tuple(point.linear) != end.linear:
            fail(where, f"its b or c is not that of {name}")
        unit = Fraction(1)
        if isinstance(self.within, Ball):
            unit = next(
                (v * v / n.alpha for v, n in zip(end.a, neurons, strict=True) if v and n.alpha),
                unit,
            )
        for j, (neuron, w, weight) in enumerate(zip(neurons, end.columns, end.a, strict=True)):
            same = neuron.u == tuple(abs(weight) * v for v in w)
            sign = not weight or (weight > 0) == (neuron.sign > 0)
            if not same or not sign or neuron.alpha * unit != weight * weight:
                fail(where, f"its neuron {j} is not that of {name}")

    def _require_whole(self, point: Sums, end: Network, name: str) -> None:
        """What holds at the point, which is that of the network, holds for the network itself.

        It can fail only where a_j = 0, w_j != 0.
        """
        flat, w_scale = algebra.integers([v for w in end.columns for v in w])
        d = self.problem.d
        columns = [flat[j * d : (j + 1) * d] for j in range(self.width)]
        a, a_scale = algebra.integers(end.a)
        wrong = ""
        if isinstance(self.within, Ball):
            if not self.within.holds(columns, a, w_scale * a_scale):
                wrong = "lies outside the ball"
        else:
            squares = Fraction(dot(flat, flat), w_scale**2) + Fraction(dot(a, a), a_scale**2)
            objective = point.loss + self.within.of(squares)
            if objective > self.level:
                wrong = f"its loss {show(objective)} is above the level {show(self.level)}"
        if wrong:
            dead = (j for j, weight in enumerate(end.a) if not weight)
            j = max(dead, key=lambda j: dot(columns[j], columns[j]))
            fail(name, f"{wrong}: its neuron {j} has a_j = 0, but w_j != 0, which counts")


def _checked(fields: Mapping[str, object], problem: Problem) -> Checked:
    return Checked(Path(fields, problem).statement())


KINDS = {"path": Kind(_FIELDS, _checked)}
