"""States of a neuron: the sign of its output weight and the cone of its input weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from theory.certificates import reading
from theory.certificates.cones import Arrangement, Cone
from theory.certificates.reading import fail


@dataclass(frozen=True)
class State:
    sign: int
    cone: Cone

    @property
    def key(self) -> tuple[int, int]:
        return self.sign, self.cone.sides


def read(sign: object, vector: object, where: str, arrangement: Arrangement) -> State:
    """The state [s, sigma]; its cone must have full dimension."""
    s = reading.sign(sign, where)
    sigma = reading.sigma(vector, where, len(arrangement.walls_of_rows))
    for k, (character, wall) in enumerate(zip(sigma, arrangement.walls_of_rows, strict=True)):
        if (character == "0") != (wall is None):
            zero = "zero" if wall is None else "not zero"
            fail(where, f"sigma[{k}] is {character!r}, but row {k} of X is {zero}")
    sides = arrangement.sides(sigma)
    cone = None if sides is None else arrangement.cone(sides)
    if cone is None:
        fail(where, f"the cone {sigma} is not full-dimensional")
    return State(s, cone)


def show_cell(cell: Sequence[State], arrangement: Arrangement) -> str:
    """The states of the neurons for a message, eight at most."""
    names = (f"{'+' if s.sign > 0 else '-'}({arrangement.sigma(s.cone.sides)})" for s in cell[:8])
    return " ".join(names) + (" ..." if len(cell) > 8 else "")
