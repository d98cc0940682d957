"""How much a check may do: its steps are counted before they are taken, against one limit.

A step is about one multiplication of integers of up to 64 bits, as in a scalar product. Longer ones
count by the product of their lengths, rationals for the greatest common divisors too, and a number
that is kept is 16 steps, so that a limit on steps is one on time and on memory: the default takes
some ten seconds and less than 500 MB at worst. `proofs_notes/certificates.md` says what grows.

Outside `limited` nothing is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from fractions import Fraction

from theory.errors import BudgetError

DEFAULT_LIMIT = 150_000_000


@dataclass
class Work:
    limit: int
    spent: int = 0


_CURRENT: ContextVar[Work | None] = ContextVar("work", default=None)


@contextmanager
def limited(limit: int) -> Iterator[Work]:
    """Within this block at most so many steps are spent."""
    work = Work(limit)
    token = _CURRENT.set(work)
    try:
        yield work
    finally:
        _CURRENT.reset(token)


def require(what: str, steps: int) -> None:
    """Raise BudgetError where so many steps, yet to be spent, would exceed the limit."""
    work = _CURRENT.get()
    if work is not None and work.spent + steps > work.limit:
        raise BudgetError(
            f"steps of the check, up to {what}", work.spent + steps, work.limit, "max_steps"
        )


def spend(what: str, steps: int) -> None:
    """Count steps that are about to be taken; raises BudgetError beyond the limit."""
    work = _CURRENT.get()
    if work is not None:
        require(what, steps)
        work.spent += steps


def integer(bits: int) -> int:
    """The steps of one operation on two integers of so many bits together."""
    return 1 + (bits // 64) ** 2 // 32


def rational(bits: int) -> int:
    """The steps of one operation on two rationals of so many bits together."""
    return 32 + (bits // 64) ** 2 // 16


def kept(bits: int = 0) -> int:
    """The steps that stand for the memory of an integer of so many bits."""
    return 16 + bits // 16


def length(values: Iterable[int]) -> int:
    """The most bits that one of the integers has."""
    return max(map(int.bit_length, values), default=0)


def lengths(values: Iterable[Fraction | int]) -> int:
    """The most bits that numerator or denominator of one of the rationals has."""
    return max(map(size, values), default=0)


def size(value: Fraction | int) -> int:
    """The bits of the longer one of numerator and denominator."""
    return max(value.numerator.bit_length(), value.denominator.bit_length())
