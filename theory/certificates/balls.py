"""The balls of the optimizers, and whether a network lies in one; the penalty of sgd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from theory.certificates import algebra, reading, work
from theory.certificates.algebra import Vector, dot
from theory.certificates.losses import Proof
from theory.certificates.reading import fail, show

BALLS: dict[str, tuple[str, str]] = {
    "entrywise": ("entrywise", "max"),
    "muon": ("spectral", "l2"),
    "muon-adamw": ("spectral", "max"),
    "ngd": ("frobenius", "l2"),
    "colnorm": ("column", "max"),
    "adamw-ngd": ("entrywise", "l2"),
    "colnorm-ngd": ("column", "l2"),
    "ngd-adamw": ("frobenius", "max"),
}
"""The norms of W and of a."""

_SHARED = ("frobenius", "spectral", "l2")  # norms that the neurons divide among themselves


@dataclass(frozen=True)
class Norms:
    """What is to be known about the ball of a name, and of the penalty l2."""

    name: str

    @property
    def free(self) -> bool:
        """Whether hidden biases do not count."""
        return False

    @property
    def bounded(self) -> bool:
        """Whether they have a bound of their own."""
        return False

    @property
    def hidden(self) -> str:
        """The norm of W."""
        return BALLS.get(self.name, ("frobenius", "l2"))[0]

    @property
    def output(self) -> str:
        """The norm of a."""
        return BALLS.get(self.name, ("frobenius", "l2"))[1]

    @property
    def spectral(self) -> bool:
        """Whether duals have a metric Z."""
        return self.hidden == "spectral"

    @property
    def metric(self) -> bool:
        """Whether duals of convex programs have one: also where biases have a bound of their own,
        with a number for these."""
        return self.spectral or self.bounded

    @property
    def divided(self) -> bool:
        """Whether all neurons together have as much room as one."""
        return len(self.shared) == 2 and not self.bounded

    @property
    def shared(self) -> tuple[str, ...]:
        """The layers whose ball the neurons divide; of the others each has its own."""
        layers = (("hidden", self.hidden), ("output", self.output))
        return tuple(layer for layer, norm in layers if norm in _SHARED)

    def combined(self, squares: Sequence[Fraction]) -> Fraction:
        """The dual norm of columns, from the squares of their own: the largest counts, their
        squares add up, or they do, as both layers are shared, one or none. Rounded up."""
        if len(self.shared) == 2:
            return algebra.root(max(squares, default=Fraction()))
        if len(self.shared) == 1:
            return algebra.root(sum(squares, Fraction()))
        return sum(map(algebra.root, squares), Fraction())


@dataclass(frozen=True)
class Ball(Norms):
    """||W|| ||a|| <= rho in the norms of an optimizer: the whole layers, as they stand."""

    rho: Fraction
    biases: str = "decayed"  # of the last row of W: see section "Biases" of the format

    def __str__(self) -> str:
        said = {"decayed": "", "adamw": " (biases as adamw's)", "free": " (biases free)"}
        return f" inside the {self.name} ball rho = {self.rho}{said[self.biases]}"

    @property
    def free(self) -> bool:
        return self.biases == "free"

    @property
    def bounded(self) -> bool:
        return self.biases == "adamw"

    def bound(self, proof: Proof, length: Fraction) -> Fraction:
        """What a dual vector proves of the loss, where the dual norm of its columns is at most
        `length`."""
        return proof.below(self.rho * length)

    def holds(self, neurons: Sequence[Vector], a: Vector, scale: int) -> bool:
        """Whether a network is inside; neurons are columns of W, in integers: `scale` is one."""
        entries = len(neurons) * len(neurons[0])
        bits = 2 * max(work.length(a), *map(work.length, neurons))
        work.spend("norms of networks", entries * work.integer(bits))
        bound = (self.rho * scale) ** 2  # of the squared norms
        size = dot(a, a) if self.output == "l2" else max(v * v for v in a)
        if self.bounded and max(w[-1] ** 2 for w in neurons) * size > bound:
            return False
        if self.biases != "decayed":
            neurons = [w[:-1] for w in neurons]
        if self.hidden == "entrywise":
            return max(v * v for w in neurons for v in w) * size <= bound
        if not self.spectral:
            squares = [dot(w, w) for w in neurons]
            return (sum(squares) if self.hidden == "frobenius" else max(squares)) * size <= bound
        rows = neurons if len(neurons) <= len(neurons[0]) else list(zip(*neurons, strict=True))
        work.spend("norms of networks", entries * len(rows) * work.integer(bits))
        gram = [[size * dot(v, w) for w in rows] for v in rows]
        rest = [[(bound if i == k else 0) - v for k, v in enumerate(r)] for i, r in enumerate(gram)]
        return algebra.is_positive(rest, definite=False)


@dataclass(frozen=True)
class Penalty(Norms):
    """(beta / 2) (||W||_F^2 + ||a||^2), in place of a ball."""

    beta: Fraction

    def __str__(self) -> str:
        return f" with l2 penalty beta = {self.beta}"

    def bound(self, proof: Proof, length: Fraction) -> Fraction:
        """As of a ball; of loss and penalty."""
        return proof.shortened(self.beta / length if length else None)

    def of(self, squares: Fraction) -> Fraction:
        """From ||W||_F^2 + ||a||^2."""
        return self.beta * squares / 2


def read(value: object, bias: str | None = None) -> Ball | Penalty:
    """The field `within`, where it is not null; bias: how the problem treats hidden biases."""
    biases = bias or "decayed"
    if "penalty" in reading.mapping(value, "within"):
        if biases != "decayed":
            fail("problem.bias", f"is {biases}, but a penalty decays all biases")
        fields = reading.fields(value, "within", ("penalty", "beta"))
        if fields["penalty"] != "l2":
            fail("within.penalty", f"must be 'l2', not {show(fields['penalty'])}")
        return Penalty("l2", _positive(fields["beta"], "within.beta"))
    fields = reading.fields(value, "within", ("ball", "rho"))
    name = fields["ball"]
    if not isinstance(name, str) or name not in BALLS:
        fail("within.ball", f"must be one of {', '.join(BALLS)}, not {show(name)}")
    if biases == "adamw" and BALLS[name][0] not in ("spectral", "frobenius"):
        fail("problem.bias", f"as adamw's is for norms of W that are shared, not for {name}")
    return Ball(name, _positive(fields["rho"], "within.rho"), biases)


def _positive(value: object, where: str) -> Fraction:
    found = reading.rational(value, where)
    if found <= 0:
        fail(where, f"is {show(found)}, but must be positive")
    return found
