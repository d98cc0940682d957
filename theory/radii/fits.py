"""Which fits are looked for, in all networks of a cell: one, those beyond a margin, or those of
least loss. They are a polyhedron.

Source: `least-fits`, proofs_notes/radii.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from theory.exact import dot
from theory.losses import Separable


class Condition(NamedTuple):
    """row . f = value, or row . f >= value. row: the entries that are not zero, by datum."""

    row: tuple[tuple[int, Fraction], ...]
    value: Fraction

    @classmethod
    def of(cls, k: int, value: Fraction, side: int = 1) -> Condition:
        """side f_k against side times the value."""
        return cls(((k, Fraction(side)),), side * value)


@dataclass(frozen=True, eq=False)
class Fits:
    """The f (n,) with row . f = value for all of `equal`, row . f >= value for all of `beyond`."""

    equal: tuple[Condition, ...] = ()
    beyond: tuple[Condition, ...] = ()

    @classmethod
    def only(
        cls, fit: Sequence[Fraction], seen: Iterable[Sequence[Fraction]] | None = None
    ) -> Fits:
        """One fit; or all that have the same products as it with the vectors that are seen."""
        if seen is None:
            return cls(equal=tuple(Condition.of(k, v) for k, v in enumerate(fit)))
        return cls(
            equal=tuple(
                Condition(tuple((k, v) for k, v in enumerate(row) if v), dot(row, fit))
                for row in seen
            )
        )

    @classmethod
    def least(
        cls, loss: Separable, y: Sequence[Fraction], lam: Sequence[Fraction], level: Fraction
    ) -> Fits:
        """Of the networks of this loss in cells where lam proves that none is lower."""
        value = loss.dual(lam, y)
        assert value is not None
        rest = value - level  # what lam . f is
        equal: list[Condition] = []
        beyond: list[Condition] = []
        tight: list[tuple[int, Fraction]] = []
        for k, (low, high) in enumerate(loss.minimisers(lam, y)):
            if low is not None and low == high:
                equal.append(Condition.of(k, low))
                rest -= lam[k] * low
                continue
            ends = ((1, low), (-1, high))
            beyond += [Condition.of(k, end, side) for side, end in ends if end is not None]
            if lam[k]:
                tight.append((k, lam[k]))
        if tight:
            equal.append(Condition(tuple(tight), rest))
        return cls(tuple(equal), tuple(beyond))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Those of `equal`, then those of `beyond`."""
        return self.equal + self.beyond

    def combined(
        self, multipliers: Sequence[Fraction], n: int
    ) -> tuple[tuple[Fraction, ...], Fraction]:
        """lam (n,), and what lam . f is at least for these f, by multipliers of the conditions.

        Those of `beyond` are not negative.
        """
        lam, height = [Fraction()] * n, Fraction()
        for (row, value), multiplier in zip(self.conditions, multipliers, strict=True):
            if multiplier:
                height += multiplier * value
                for k, v in row:
                    lam[k] += multiplier if v == 1 else multiplier * v
        return tuple(lam), height
