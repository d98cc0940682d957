"""Certificates of kind `path`: a continuous path inside an optimizer's solution set.

Every segment is straight in the convex coordinates (s, alpha, u) of the neurons and stays in one
closed cell, where loss and ball are convex: only breakpoints are looked at, in rationals.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from theory.certificates import balls, reading
from theory.certificates.balls import Ball, Penalty
from theory.certificates.neurons import Neuron, Sums, read_neuron
from theory.certificates.reading import fail, show
from theory.problem import Problem

FIELDS = (
    *("format", "version", "kind", "problem", "width", "within"),
    *("level", "networks", "start", "steps"),
)


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
        neurons = [read_neuron(value, f"start[{j}]", self.problem) for j, value in enumerate(start)]
        self._require_end(neurons, networks[0], "start", "networks[0]")
        point = Sums(self.problem, self.within.name)
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

    def _changes(self, before: list[Neuron], value: object, where: str) -> dict[int, Neuron]:
        """The neurons that a segment moves, after verifying that it stays in one closed cell."""
        changed: dict[int, Neuron] = {}
        for i, entry in enumerate(reading.entries(value, where)):
            here = f"{where}[{i}]"
            place, *rest = reading.entries(entry, here, 4)
            j = reading.index(place, f"{here}[0]", self.width, "neurons")
            if j in changed:
                fail(here, f"moves neuron {j} twice")
            old, new = before[j], read_neuron(rest, here, self.problem)
            if old.sign != new.sign and any(old.u) and any(new.u):
                fail(here, f"neuron {j} changes its sign without being zero")
            for row, (v, w) in enumerate(zip(old.outputs, new.outputs, strict=True)):
                if v * w < 0:
                    fail(here, f"neuron {j} crosses the hyperplane of row {row}")
            changed[j] = new
        return changed

    def _require_solution(self, point: Sums, changed: list[Neuron], where: str) -> None:
        """The loss is at most the level, and the ball holds the point.

        changed: the neurons that may be too large each by itself.
        """
        objective = point.loss
        if isinstance(self.within, Penalty):
            objective += self.within.beta * (point.squares + point.alphas) / 2
        elif not point.inside(changed, self.within.rho**2, Fraction(1)):
            fail(where, "the point lies outside the ball")
        if objective > self.level:
            fail(where, f"its loss {show(objective)} is above the level {show(self.level)}")

    def _require_end(self, neurons: list[Neuron], network: object, where: str, name: str) -> None:
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
