"""Numbers as text that Coq reads fast: digits of 5 bits, as `library/Text.v` has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TypeAlias

from theory.formal.terms import Neurons, listed

Numbers: TypeAlias = list[int]
"""Natural ones; `signed` makes them of integers."""

_LINE = 1000  # characters of a string, about: Coq reads long ones deeply nested


def text(numbers: Iterable[int]) -> str:
    """A term of type `list text`."""
    lines, line = [], ""
    for number in numbers:
        line += _digits(number)
        if len(line) >= _LINE:
            lines.append(line)
            line = ""
    return f"{listed((f'{chr(34)}{each}{chr(34)}' for each in [*lines, line]), lines=True)}%text"


def signed(value: int) -> int:
    """0, -1, 1, -2, 2, ... are 0, 1, 2, 3, 4, ..."""
    return 2 * value if value >= 0 else -2 * value - 1


def _digits(left: int) -> str:
    """Its last digit first."""
    digits = ""
    while left >= 32:
        digits += chr(48 + 32 + left % 32)
        left //= 32
    return digits + chr(48 + left)


def many(items: Sequence[Numbers]) -> Numbers:
    """How many there are, and they."""
    return [len(items), *(v for item in items for v in item)]


def sparse(items: Iterable[tuple[int, Numbers]]) -> Numbers:
    """Of a list of which most are zero, the others with their places, ascending."""
    left, found = 0, []
    for place, item in items:
        found.append([place - left, *item])
        left = place + 1
    return many(found)


def multipliers(mu: Sequence[int]) -> Numbers:
    """A sparse vector."""
    return sparse((k, [signed(v)]) for k, v in enumerate(mu) if v)


class Table:
    """The neurons of some networks, by number."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[tuple[Fraction, ...], Fraction], int] = {}

    def network(self, neurons: Neurons) -> Numbers:
        """A network by the numbers of its neurons."""
        return [self._numbers.setdefault((tuple(w), a), len(self._numbers)) for w, a in neurons]

    def numbers(self) -> Numbers:
        """The neurons."""
        return many([[*_parts((*w, a))] for w, a in self._numbers])


def _parts(values: Iterable[Fraction]) -> Iterator[int]:
    for value in values:
        yield from (signed(value.numerator), value.denominator)


def way(path: Sequence[Neurons]) -> Numbers:
    """A path without its first network, with the table of its neurons."""
    table = Table()
    inner, last = many([table.network(each) for each in path[1:-1]]), table.network(path[-1])
    return [*table.numbers(), *inner, *last]
