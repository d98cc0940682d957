"""Neurons in the convex coordinates (s, alpha, u), for a = s sqrt(alpha), w = u / sqrt(alpha)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from theory.certificates import algebra, reading, work
from theory.certificates.balls import Norms
from theory.certificates.losses import Loss
from theory.certificates.reading import fail, show
from theory.problem import Problem


@dataclass(frozen=True)
class Neuron:
    sign: int
    alpha: Fraction  # a^2
    u: tuple[Fraction, ...]  # |a| w
    outputs: tuple[Fraction, ...]  # X u


class Inputs:
    """The rows of X, of which X u is computed in integers."""

    def __init__(self, problem: Problem) -> None:
        self.d = problem.d
        self._X, self._scale, _, _ = algebra.integer_form(problem)
        self._bits = max(map(work.length, self._X))

    def outputs(self, u: Sequence[Fraction]) -> tuple[Fraction, ...]:
        """X u"""
        vector, scale = algebra.integers(u)
        scale *= self._scale
        bits = self._bits + work.length(vector) + self.d.bit_length()
        fraction = work.rational(bits + scale.bit_length()) + 2 * work.kept(bits)
        each = self.d * work.integer(bits) + fraction
        work.spend("outputs of neurons", len(self._X) * each)
        return tuple(Fraction(algebra.dot(row, vector), scale) for row in self._X)


def read_neuron(value: object, where: str, inputs: Inputs) -> Neuron:
    """A neuron [s, alpha, u]."""
    sign, size, vector = reading.entries(value, where, 3)
    s = reading.sign(sign, where)
    alpha = reading.rational(size, f"{where}[1]")
    u = reading.vector(vector, f"{where}[2]", inputs.d)
    if alpha < 0:
        fail(f"{where}[1]", f"is {show(alpha)}, but a^2 is not negative")
    if not alpha and any(u):
        fail(where, "has alpha = 0, so that u must be zero")
    return Neuron(s, alpha, u, inputs.outputs(u))


class Sums:
    """What a loss and the constraints of a ball, or the l2 penalty, need to know of a network,
    kept up to date neuron by neuron. linear: its b, with c, which may be changed."""

    def __init__(self, problem: Problem, norms: Norms, linear: Sequence[Fraction]) -> None:
        self.norms = norms
        self._counted = problem.d - (norms.free or norms.bounded)  # biases apart are the last
        self.linear = linear
        self._loss = Loss(problem)
        self._affine = algebra.Affine(problem)
        self._sigma = algebra.sigma_of(problem)
        self._scaled = [Fraction()] * problem.n  # the fit, times the unit of sigma
        self.alphas = Fraction()
        self.squares = Fraction()
        self.gram = [[Fraction()] * self._counted for _ in range(self._counted)]

    def add(self, neuron: Neuron, times: int) -> None:
        """times: 1 to add the neuron, -1 to take it away."""
        output = work.lengths(self._scaled) + work.lengths(neuron.outputs)
        work.spend("sums over neurons", 2 * len(self._scaled) * work.rational(output))
        u = 2 * work.lengths((*neuron.u, neuron.alpha))
        if self.norms.spectral:
            entry = u + max(map(work.lengths, self.gram))
            work.spend("sums over neurons", 4 * len(neuron.u) ** 2 * work.rational(entry))
        else:
            square = len(neuron.u) * u + work.size(self.squares) + work.size(self.alphas)
            work.spend("sums over neurons", 4 * len(neuron.u) * work.rational(square))
        up = times == neuron.sign
        images = [self._sigma(v) for v in neuron.outputs]
        self._scaled = [
            f if not v else f + v if up else f - v
            for f, v in zip(self._scaled, images, strict=True)
        ]
        self.alphas += times * neuron.alpha
        if self.norms.spectral:
            if any(neuron.u):
                u_counted = neuron.u[: self._counted]
                for row, v in zip(self.gram, u_counted, strict=True):
                    for k, w in enumerate(u_counted):
                        row[k] += times * v * w / neuron.alpha
        else:
            self.squares += times * self._square(neuron)

    def _square(self, neuron: Neuron) -> Fraction:
        """||w||^2, of the weights that count."""
        u = neuron.u[: self._counted]
        return dot(u, u) / neuron.alpha if any(u) else Fraction()

    @property
    def loss(self) -> Fraction:
        """Or a rational just above it."""
        fit, scale = algebra.integers(self._scaled)
        fit, scale = algebra.added(fit, scale * self._sigma.unit, *self._affine(self.linear))
        return self._loss.value(fit, scale)

    def inside(self, changed: Sequence[Neuron], hidden: Fraction, output: Fraction) -> bool:
        """Whether ||W||^2 <= hidden and ||a||^2 <= output, or for l2 their sums.

        changed: the neurons that may be too large each by itself.
        """
        if self.norms.name == "l2":
            return self.squares + self.alphas <= hidden + output
        if self.norms.output == "l2":
            if self.alphas > output:
                return False
        elif any(neuron.alpha > output for neuron in changed):
            return False
        if self.norms.bounded and any(n.u[-1] ** 2 > hidden * n.alpha for n in changed):
            return False
        if self.norms.hidden == "entrywise":
            weights = ((n.alpha, v) for n in changed for v in n.u[: self._counted])
            return all(v * v <= hidden * alpha for alpha, v in weights)
        if self.norms.hidden == "column":
            return all(self._square(neuron) <= hidden for neuron in changed)
        if self.norms.hidden == "frobenius":
            return self.squares <= hidden
        rest = [
            [(hidden if i == k else 0) - v for k, v in enumerate(row)]
            for i, row in enumerate(self.gram)
        ]
        return algebra.is_positive(rest, definite=False)


def dot(u: Iterable[Fraction], v: Iterable[Fraction]) -> Fraction:
    return sum((p * q for p, q in zip(u, v, strict=True)), Fraction())
