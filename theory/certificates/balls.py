"""The balls of the optimizers, and whether a network lies in one; the penalty of sgd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from theory.certificates import algebra, reading, work
from theory.certificates.algebra import Vector, dot
from theory.certificates.reading import fail, show

BALLS = ("entrywise", "muon", "muon-adamw", "ngd", "colnorm")
SPECTRAL = ("muon", "muon-adamw")  # their duals have a metric Z
LARGEST = ("muon", "ngd")  # the weights of neurons do not add up: the largest counts


@dataclass(frozen=True)
class Ball:
    """||W|| ||a|| <= rho in the norms of an optimizer: the whole layers, as they stand."""

    name: str
    rho: Fraction

    def __str__(self) -> str:
        return f" inside the {self.name} ball rho = {self.rho}"

    def holds(self, neurons: Sequence[Vector], a: Vector, scale: int) -> bool:
        """Whether a network is inside; neurons are columns of W, in integers: `scale` is one."""
        entries = len(neurons) * len(neurons[0])
        bits = 2 * max(work.length(a), *map(work.length, neurons))
        work.spend("norms of networks", entries * work.integer(bits))
        bound = (self.rho * scale) ** 2  # of the squared norms
        squares = [dot(w, w) for w in neurons]
        if self.name == "entrywise":
            return max(v * v for w in neurons for v in w) * max(v * v for v in a) <= bound
        if self.name == "ngd":
            return sum(squares) * dot(a, a) <= bound
        if self.name == "colnorm":
            return max(squares) * max(v * v for v in a) <= bound
        size = dot(a, a) if self.name == "muon" else max(v * v for v in a)
        rows = neurons if len(neurons) <= len(neurons[0]) else list(zip(*neurons, strict=True))
        work.spend("norms of networks", entries * len(rows) * work.integer(bits))
        gram = [[size * dot(v, w) for w in rows] for v in rows]
        rest = [[(bound if i == k else 0) - v for k, v in enumerate(r)] for i, r in enumerate(gram)]
        return algebra.is_positive(rest, definite=False)


@dataclass(frozen=True)
class Penalty:
    """(beta / 2) (||W||_F^2 + ||a||^2), in place of a ball."""

    beta: Fraction
    name = "l2"

    def __str__(self) -> str:
        return f" with l2 penalty beta = {self.beta}"


def read(value: object) -> Ball | Penalty:
    """The field `within`, where it is not null."""
    if "penalty" in reading.mapping(value, "within"):
        fields = reading.fields(value, "within", ("penalty", "beta"))
        if fields["penalty"] != "l2":
            fail("within.penalty", f"must be 'l2', not {show(fields['penalty'])}")
        return Penalty(_positive(fields["beta"], "within.beta"))
    fields = reading.fields(value, "within", ("ball", "rho"))
    name = fields["ball"]
    if not isinstance(name, str) or name not in BALLS:
        fail("within.ball", f"must be one of {', '.join(BALLS)}, not {show(name)}")
    return Ball(name, _positive(fields["rho"], "within.rho"))


def _positive(value: object, where: str) -> Fraction:
    found = reading.rational(value, where)
    if found <= 0:
        fail(where, f"is {show(found)}, but must be positive")
    return found
