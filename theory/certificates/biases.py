"""Dual vectors in balls that neurons share where no hidden bias is above R_W: shares, once more.

With a dual vector lam come a positive definite Z, of the size of the weights v without the bias b,
and k >= 0; for Frobenius norms Z is a multiple of the identity, and its trace is that number. For
`muon` and `ngd` the share of a neuron is the least y >= 0 with max(0, lam.f(u))^2 <=
k (v^T Z v + y b^2) on its cone, for `muon-adamw` and `ngd-adamw` the maximum h of lam.f(u) -
v^T Z v / (2 k) over |b| <= rho.
Either is the value at a point that is alone stationary on some set of generators, so all sets are
tried. k = 0 stands for the limit, where lam.f has to be at most 0 on all cones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from math import comb
from typing import NamedTuple, TypeAlias

from theory.certificates import algebra, covering, work
from theory.certificates.algebra import Vector, dot
from theory.certificates.balls import Ball
from theory.certificates.cones import Points
from theory.certificates.losses import Proof

Face: TypeAlias = list[tuple[int, int]]  # sign and set of generators, for each neuron
_ZERO = Fraction()


class _Point(NamedTuple):
    """A point of a cone: lam.f, v^T Z v and b."""

    gain: Fraction
    square: Fraction
    bias: Fraction


class BiasDual:
    """lam with Z and k, in units in which sigma(X u) is integer for integers.

    k: for lam and Z as they are given, of which `proof` and Z have integers: Z is z_scale of those.
    """

    def __init__(
        self,
        proof: Proof,
        Z: list[Vector],
        z_scale: int,
        k: Fraction,
        image_scale: int,
        within: Ball,
        generators: Points,
    ) -> None:
        self.proof, self.within = proof, within
        self._Z, self._points = Z, generators
        self._unit = image_scale * proof.unit
        self._own = within.output == "max"
        # Of lam.f - v^T Z v / (2 k), and of (lam.f)^2 <= k v^T Z v, in integers for lam, f and Z.
        self._k = k * z_scale / self._unit if self._own else k * self._unit**2 / z_scale
        self._trace = sum(row[i] for i, row in enumerate(Z)) if within.spectral else Z[0][0]
        self._shares: dict[tuple[int, int], Fraction | None] = {}

    def bound(self, face: Face) -> Fraction | None:
        """What lam proves about the loss on the face; None if it does not cover it."""
        total = _ZERO
        for part in face:
            share = self._share(*part)
            if share is None:
                return None
            total += share
        bits = 2 * len(face) * work.lengths(self._shares[part] or _ZERO for part in face)
        work.spend("bounds", 2 * work.rational(bits + work.size(self.proof.gain) + 256))
        return self.proof.below(self._height(total) / self._unit)

    def _height(self, total: Fraction) -> Fraction:
        """What nu.f is at most where the shares have this sum; rounded up."""
        if not self._k:
            return _ZERO
        rho = self.within.rho
        if self._own:
            return rho**2 * self._trace / (2 * self._k) + total
        return rho * algebra.root(self._k * (self._trace + total))

    def weigh(self, parts: Face, least: Fraction, strict: bool) -> tuple[list[int], int]:
        """As for other duals."""
        spare = self._unit * self.proof.height(least)
        if spare < 0 or (strict and not spare):
            return [0] * len(parts), -1
        shares = [self._share(*part) for part in parts]
        if not self._k:
            return [int(share is None) for share in shares], 0
        rho = self.within.rho
        common = spare**2 / (rho**2 * self._k) - self._trace
        if self._own:
            common = spare - rho**2 * self._trace / (2 * self._k)
        return covering.weigh(shares, common, strict=strict)

    def _share(self, sign: int, generators: int) -> Fraction | None:
        """y or h of a neuron; None where it is infinite."""
        key = sign, generators
        if key not in self._shares:
            chosen = list(algebra.bits(generators))
            work.spend("gains of generators", len(chosen) * (32 + len(self.proof.lam)))
            gains = [sign * dot(self.proof.lam, self._points.columns[i]) for i in chosen]
            if max(gains, default=0) <= 0:
                self._shares[key] = _ZERO
            elif not self._k:
                self._shares[key] = None
            else:
                cone = _Cone([self._points.points[i] for i in chosen], gains, self._Z)
                self._shares[key] = (
                    cone.most(self._k, self.within.rho) if self._own else cone.excess(self._k)
                )
        return self._shares[key]


class _Cone:
    """Of one neuron: generators u = (v, b), and lam.f on them."""

    def __init__(self, points: Sequence[Vector], gains: Sequence[int], Z: list[Vector]) -> None:
        d = len(points[0])
        each = work.integer(3 * max(map(work.length, (gains, *Z, *points))) + d.bit_length())
        count = len(points)
        sets = [comb(count, size) for size in range(1, min(count, d) + 1)]
        entries = sum(number * (size + 1) ** 3 for size, number in enumerate(sets, 1))
        work.spend("independent generators", (count * (count + d) * d) * each)
        work.require("independent generators", entries * work.rational(0))
        images = [[dot(row, u[:-1]) for row in Z] for u in points]
        self._gram = [[dot(u[:-1], image) for image in images] for u in points]
        self._gains, self._biases = gains, [u[-1] for u in points]
        self._sizes = range(1, len(sets) + 1)

    def _stationary(
        self,
        entry: Callable[[int, int], Fraction],
        right: Fraction,
        sides: Sequence[Fraction | None],
    ) -> Iterator[_Point]:
        """Where z^T entry z - 2 right lam.f is stationary alone, on each set of generators, at all
        b (None) or for b on a side."""
        for size in self._sizes:
            for chosen in combinations(range(len(self._gains)), size):
                rows = [[entry(i, k) for k in chosen] for i in chosen]
                values = [right * self._gains[i] for i in chosen]
                biases = [Fraction(self._biases[i]) for i in chosen]
                for side in sides:
                    z: list[Fraction] | None
                    if side is None or (not side and not any(biases)):
                        z = _solve(rows, values)
                    else:
                        bordered = [[*row, b] for row, b in zip(rows, biases, strict=True)]
                        z = _solve([*bordered, [*biases, _ZERO]], [*values, side])
                    if z is not None and min(z[:size]) >= 0:
                        yield self._at(chosen, z[:size])

    def _at(self, chosen: Sequence[int], z: Sequence[Fraction]) -> _Point:
        pairs = list(zip(chosen, z, strict=True))
        bits = 2 * work.lengths(z)
        work.spend("values at points", (len(pairs) + 2) * len(pairs) * work.rational(bits))
        gain = sum((p * self._gains[i] for i, p in pairs), _ZERO)
        square = sum((p * q * self._gram[i][k] for i, p in pairs for k, q in pairs), _ZERO)
        return _Point(gain, square, sum((p * self._biases[i] for i, p in pairs), _ZERO))

    def excess(self, k: Fraction) -> Fraction | None:
        """y; None where at b = 0 no y would do."""
        flat = self._stationary(lambda i, j: Fraction(self._gram[i][j]), Fraction(1), [_ZERO])
        if any(point.gain >= k for point in flat):  # there v^T Z v is as much
            return None

        def entry(i: int, j: int) -> Fraction:
            return self._gram[i][j] - Fraction(self._gains[i] * self._gains[j]) / k

        sides = self._stationary(entry, _ZERO, [Fraction(1), Fraction(-1)])
        values = (at.gain**2 / k - at.square for at in sides if at.gain > 0)
        return max(_ZERO, max(values, default=_ZERO))

    def most(self, k: Fraction, rho: Fraction) -> Fraction:
        """h"""
        points = self._stationary(lambda i, j: Fraction(self._gram[i][j]), k, [None, rho, -rho])
        values = (at.gain - at.square / (2 * k) for at in points if abs(at.bias) <= rho)
        return max(values, default=_ZERO)


def _solve(rows: Sequence[Sequence[Fraction]], right: Sequence[Fraction]) -> list[Fraction] | None:
    """The solution of a square system; None where it is singular."""
    table = [[*row, value] for row, value in zip(rows, right, strict=True)]
    size = len(table)
    for i in range(size):
        bits = 3 * max(map(work.lengths, table))
        work.spend("a linear system", 2 * size * (size + 1) * work.rational(bits))
        pivot = next((k for k in range(i, size) if table[k][i]), None)
        if pivot is None:
            return None
        table[i], table[pivot] = table[pivot], table[i]
        for k in range(size):
            if k != i and table[k][i]:
                factor = table[k][i] / table[i][i]
                table[k] = [v - factor * w for v, w in zip(table[k], table[i], strict=True)]
    return [row[-1] / row[i] for i, row in enumerate(table)]
