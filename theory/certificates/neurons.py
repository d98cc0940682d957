"""Neurons in the convex coordinates (s, alpha, u), for a = s sqrt(alpha), w = u / sqrt(alpha)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from theory.certificates import algebra, reading, work
from theory.certificates.balls import LARGEST, SPECTRAL
from theory.certificates.reading import fail, show
from theory.problem import Problem


@dataclass(frozen=True)
class Neuron:
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
        return dot(self.u, self.u) / self.alpha if any(self.u) else Fraction()


def read_neuron(value: object, where: str, problem: Problem) -> Neuron:
    """A neuron [s, alpha, u]."""
    sign, size, vector = reading.entries(value, where, 3)
    s = reading.sign(sign, where)
    alpha = reading.rational(size, f"{where}[1]")
    u = reading.vector(vector, f"{where}[2]", problem.d)
    if alpha < 0:
        fail(f"{where}[1]", f"is {show(alpha)}, but a^2 is not negative")
    if not alpha and any(u):
        fail(where, "has alpha = 0, so that u must be zero")
    _count_outputs(problem, u)
    return Neuron(s, alpha, u, tuple(dot(row, u) for row in problem.X))


def _count_outputs(problem: Problem, u: Sequence[Fraction]) -> None:
    """Count the steps of X u; its entries have at most the bits of these common denominators."""
    bits = algebra.common_denominator(u).bit_length() + work.lengths(u)
    for row in problem.X:
        grown = bits + work.lengths(row) + sum(v.denominator.bit_length() - 1 for v in row)
        work.spend("outputs of neurons", 2 * problem.d * work.rational(grown) + work.kept(grown))


class Sums:
    """What a loss and the constraints of a ball, or the l2 penalty, need to know of a network,
    kept up to date neuron by neuron."""

    def __init__(self, problem: Problem, name: str) -> None:
        self.name = name
        self.y = problem.y
        self.fit = [Fraction()] * problem.n
        self.alphas = Fraction()
        self.squares = Fraction()
        self.gram = [[Fraction()] * problem.d for _ in range(problem.d)]

    def add(self, neuron: Neuron, times: int) -> None:
        image = work.lengths(self.fit) + work.lengths(neuron.outputs)
        work.spend("sums over neurons", 2 * len(self.fit) * work.rational(image))
        u = 2 * work.lengths((*neuron.u, neuron.alpha))
        if self.name in SPECTRAL:
            entry = u + max(map(work.lengths, self.gram))
            work.spend("sums over neurons", 4 * len(neuron.u) ** 2 * work.rational(entry))
        else:
            square = len(neuron.u) * u + work.size(self.squares) + work.size(self.alphas)
            work.spend("sums over neurons", 4 * len(neuron.u) * work.rational(square))
        self.fit = [f + times * v for f, v in zip(self.fit, neuron.image, strict=True)]
        self.alphas += times * neuron.alpha
        if self.name in SPECTRAL:
            if any(neuron.u):
                for row, v in zip(self.gram, neuron.u, strict=True):
                    for k, w in enumerate(neuron.u):
                        row[k] += times * v * w / neuron.alpha
        else:
            self.squares += times * neuron.square

    @property
    def loss(self) -> Fraction:
        """1/2 ||f - y||^2"""
        rest = [f - y for f, y in zip(self.fit, self.y, strict=True)]
        bits = algebra.common_denominator(rest).bit_length() + work.lengths(rest)
        work.spend("losses", 3 * len(rest) * work.rational(2 * bits))
        return dot(rest, rest) / 2

    def inside(self, changed: Sequence[Neuron], hidden: Fraction, output: Fraction) -> bool:
        """Whether ||W||^2 <= hidden and ||a||^2 <= output, or for l2 their sums.

        changed: the neurons that may be too large each by itself.
        """
        if self.name == "l2":
            return self.squares + self.alphas <= hidden + output
        if self.name in LARGEST:
            if self.alphas > output:
                return False
        elif any(neuron.alpha > output for neuron in changed):
            return False
        if self.name == "entrywise":
            return all(v * v <= hidden * n.alpha for n in changed for v in n.u)
        if self.name == "colnorm":
            return all(neuron.square <= hidden for neuron in changed)
        if self.name == "ngd":
            return self.squares <= hidden
        rest = [
            [(hidden if i == k else 0) - v for k, v in enumerate(row)]
            for i, row in enumerate(self.gram)
        ]
        return algebra.is_positive(rest, definite=False)


def dot(u: Iterable[Fraction], v: Iterable[Fraction]) -> Fraction:
    return sum((p * q for p, q in zip(u, v, strict=True)), Fraction())
