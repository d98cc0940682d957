"""What a dual vector costs any neuron, whatever its pattern: ramps below quadratics.

Section "Quadratics" of `proofs_notes/certificates.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from theory.certificates import algebra, reading, work
from theory.certificates.algebra import Sigma, Vector, dot
from theory.certificates.losses import Proof
from theory.certificates.reading import fail


class Norm(NamedTuple):
    """Of the neurons. entries: the largest entry counts. Z: else the norm is sqrt(u^T Z u / trace).
    reaches: at least |x_k . u| for the u of norm 1."""

    entries: bool
    Z: Sequence[Vector]
    trace: int
    reaches: Sequence[Fraction]


class Quadratics:
    """The field `quadratics` of a dual; `length` verifies it, in units in which sigma is integer
    and those of the integer lam."""

    def __init__(
        self, value: object, X: Sequence[Vector], proof: Proof, sigma: Sigma, norm: Norm
    ) -> None:
        self.X, self.proof, self.sigma, self.norm = X, proof, sigma, norm
        fields = reading.fields(value, "dual.quadratics", ("+", "-"))
        self._halves = {sign: fields[sign] for sign in "+-"}

    def length(self) -> Fraction:
        """At least the largest gain per unit of the norm."""
        return max(self._half(sign, value) for sign, value in self._halves.items())

    def _half(self, sign: str, value: object) -> Fraction:
        """The same for gains of this sign."""
        where = f"dual.quadratics.{sign}"
        fields = reading.fields(value, where, ("b", "t"))
        n, d = len(self.X), len(self.X[0])
        b = reading.vector(fields["b"], f"{where}.b", n)
        t = reading.vector(fields["t"], f"{where}.t", d if self.norm.entries else 1)
        for k, weight in enumerate(t):
            if weight < 0:
                fail(f"{where}.t[{k}]", f"is {reading.show(weight)}, but must not be negative")
        whole, scale = algebra.integers((*b, *t))
        lam = self.proof.lam if sign == "+" else tuple(-v for v in self.proof.lam)
        unit = self.sigma.unit * self.proof.unit  # of b and t, too
        left = self._left(whole[:n], whole[n:])
        w = self._linear(lam)
        form = algebra.inverse_form(left, w)
        if form is None:
            fail(where, "G - A is not positive definite")
        kappa = self._highest([(self.sigma.above - self.sigma.below) * v for v in lam], b, unit)
        bits = work.size(form) + work.size(kappa) + work.lengths(t)
        work.spend("quadratics", 8 * (len(t) + 4) * work.rational(2 * bits))
        quarter = form * Fraction(scale * self.norm.trace, 2 * unit)
        return (quarter + unit * sum(t) + kappa / 2) / 2

    def _left(self, b: Vector, t: Vector) -> list[list[int]]:
        """G - A times twice the trace and the scale of b and t."""
        X, norm = self.X, self.norm
        n, d = len(X), len(X[0])
        bits = 2 * max(map(work.length, X)) + work.length(b) + norm.trace.bit_length()
        bits += n.bit_length() + work.length(t) + max(map(work.length, norm.Z))
        steps = (n + 4) * d * (d + 1) * work.integer(bits)
        work.spend("quadratics", steps + n * d * work.kept(bits))
        columns = list(zip(*X, strict=True))
        bent = [[v * p for v, p in zip(b, column, strict=True)] for column in columns]
        weights = t if norm.entries else t * d
        return [
            [
                2 * weights[i] * norm.Z[i][j] - norm.trace * dot(bent[i], columns[j])
                for j in range(d)
            ]
            for i in range(d)
        ]

    def _linear(self, lam: Vector) -> Vector:
        """What both slopes of sigma add up to, X^T lam of it."""
        both = self.sigma.above + self.sigma.below
        bits = max(map(work.length, self.X)) + work.length(lam) + both.bit_length()
        work.spend("quadratics", len(lam) * len(self.X[0]) * work.integer(bits))
        return tuple(both * dot(lam, column) for column in zip(*self.X, strict=True))

    def _highest(self, slopes: Sequence[int], b: Sequence[Fraction], unit: int) -> Fraction:
        """The sum of the maxima of 2 l s - unit b s^2 over s in [0, M]."""
        total = Fraction()
        for slope, curvature, reach in zip(slopes, b, self.norm.reaches, strict=True):
            bits = 2 * (work.size(reach) + work.size(curvature) + unit.bit_length())
            bits += 2 * slope.bit_length()
            added = work.rational(bits + work.size(total))
            work.spend("quadratics", 8 * work.rational(bits) + added)
            bend = unit * curvature
            if 0 < slope < bend * reach:
                total += slope * slope / bend
            else:
                total += max(Fraction(), reach * (2 * slope - bend * reach))
        return total
