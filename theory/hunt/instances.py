"""The instances of a hunt: small integer data, all of them up to symmetry or drawn at random.

An instance is known by its index, so that any one can be made again alone, on any machine.

What is the same up to symmetry: an order of the data, a signed permutation of the features, and
y -> -y. Every one of these maps networks to networks of the same losses and moves none in or out of
an optimizer's ball, as all norms here are unchanged by signed permutations of features and neurons.
The sign of a row of X is no symmetry (relu(-t) is not relu(t)), and a rotation is none for AdamW.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate, permutations, product
from math import comb
from typing import TypeAlias

import numpy as np

from theory.activation import RELU
from theory.errors import InputError
from theory.problem import Problem

Rows: TypeAlias = tuple[tuple[int, ...], ...]  # (n, d + 1): x_k with y_k behind it
Measure: TypeAlias = tuple[int, int, int, int, int, Rows]


@dataclass(frozen=True)
class Space:
    """Which instances: n data, d features and the width from low to high; integer entries of X and
    y up to `entries`, in absolute value."""

    n: tuple[int, int]
    d: tuple[int, int]
    width: tuple[int, int]
    entries: int

    def __post_init__(self) -> None:
        for name in ("n", "d", "width"):
            low, high = getattr(self, name)
            if not 1 <= low <= high:
                raise InputError(name, f"{low} to {high} must go from 1 or more upwards")
        if self.entries < 1:
            raise InputError("entries", f"{self.entries} must be at least 1")

    def to_json(self) -> dict[str, object]:
        """The ranges as lists."""
        return {
            "n": list(self.n),
            "d": list(self.d),
            "width": list(self.width),
            "entries": self.entries,
        }


@dataclass(frozen=True)
class Drawn:
    """Random instances without end. planted: some network of the width, with integer weights up to
    `entries`, fits the data, so that targets can be larger; else targets are drawn like X.

    Rows of X and the targets are not all zero.
    """

    space: Space
    seed: int
    planted: bool
    count = None

    def __call__(self, index: int) -> Problem:
        """The instance of an index."""
        random = np.random.default_rng((self.seed, index))
        top = self.space.entries
        ranges = (self.space.n, self.space.d, self.space.width)
        n, d, width = (int(random.integers(low, high + 1)) for low, high in ranges)
        while True:
            X = random.integers(-top, top + 1, (n, d))
            if self.planted:
                W = random.integers(-top, top + 1, (d, width))
                y = RELU.fit(X, W, random.choice([-1, 1], width))
            else:
                y = random.integers(-top, top + 1, n)
            if X.any(axis=1).all() and y.any():
                return Problem(X=X.tolist(), y=y.tolist(), width=width)


@dataclass(frozen=True)
class Enumeration:
    """Every instance of a space up to symmetry, by n, d, the width and the largest entry.

    Of the indices below `count` those of instances that were there before, up to symmetry, have
    none. Rows of X and the targets are not all zero.
    """

    space: Space

    @property
    def count(self) -> int:
        """The number of indices."""
        return self._ends[-1]

    @cached_property
    def _blocks(self) -> list[tuple[int, int, int, int]]:
        n, d, width = (
            range(low, high + 1) for low, high in (self.space.n, self.space.d, self.space.width)
        )
        return list(product(n, d, width, range(1, self.space.entries + 1)))

    @cached_property
    def _ends(self) -> list[int]:
        sizes = (comb(len(_all_rows(d, top)) + n - 1, n) for n, d, _, top in self._blocks)
        return list(accumulate(sizes))

    def __call__(self, index: int) -> Problem | None:
        """The instance of an index, if it is the first of its kind."""
        place = bisect_right(self._ends, index)
        n, d, width, top = self._blocks[place]
        start = self._ends[place - 1] if place else 0
        choices = _all_rows(d, top)
        rows = tuple(choices[i] for i in _multiset(index - start, len(choices), n))
        if max(abs(v) for row in rows for v in row) < top:
            return None
        if not any(row[-1] for row in rows) or canonical(rows) != rows:
            return None
        return problem_of(rows, width)


def rows_of(problem: Problem) -> Rows:
    """The data of an integer problem. Raises InputError where they are no integers."""
    rows = tuple((*x, y) for x, y in zip(problem.X, problem.y, strict=True))
    if any(v.denominator != 1 for row in rows for v in row):
        raise InputError("problem", "has entries that are no integers; hunts are over integers")
    return tuple(tuple(int(v) for v in row) for row in rows)


def problem_of(rows: Rows, width: int) -> Problem:
    """The inverse of `rows_of`."""
    return Problem(X=[row[:-1] for row in rows], y=[row[-1] for row in rows], width=width)


def canonical(rows: Rows) -> Rows:
    """The largest of all data that are the same up to symmetry; its rows descend."""
    return max(
        tuple(sorted((tuple(s * row[k] for k, s in image) for row in rows), reverse=True))
        for image in symmetries(len(rows[0]) - 1)
    )


def measure(problem: Problem) -> Measure:
    """What makes one instance smaller than another: n, d, the width, the largest entry, the sum of
    all entries, in absolute value; the same for all that are the same up to symmetry."""
    rows = rows_of(problem)
    sizes = [abs(v) for row in rows for v in row]
    return problem.n, problem.d, problem.width or 0, max(sizes), sum(sizes), canonical(rows)


@cache
def symmetries(d: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Signed permutations of d features and a sign of the target: for each place of a row the entry
    that it gets, and with which sign. There are d! 2^(d + 1)."""
    return tuple(
        tuple(zip((*order, d), signs, strict=True))
        for order in permutations(range(d))
        for signs in product((1, -1), repeat=d + 1)
    )


@cache
def _all_rows(d: int, top: int) -> Rows:
    """Every (x, y) with x not zero, descending."""
    rows = product(range(top, -top - 1, -1), repeat=d + 1)
    return tuple(row for row in rows if any(row[:-1]))


def _multiset(index: int, kinds: int, size: int) -> Iterator[int]:
    """The multiset of that index among all of `size` out of `kinds`, ascending.

    Multisets are counted in the combinatorial number system, by their largest member first.
    """
    members: list[int] = []
    for k in range(size, 0, -1):
        # The largest c with C(c, k) <= index; c - k + 1 is the member.
        low, high = k - 1, kinds + size
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if comb(middle, k) <= index else (low, middle)
        members.append(low - k + 1)
        index -= comb(low, k)
    return reversed(members)


def smaller(problem: Problem, space: Space) -> Iterator[Problem]:
    """The moves of shrinking: one datum, feature or neuron fewer, as far as the space allows, or
    one entry nearer to zero. Rows of X and the targets stay not all zero."""
    for rows, width in _moves(rows_of(problem), problem.width or 0, space):
        if all(any(row[:-1]) for row in rows) and any(row[-1] for row in rows):
            yield problem_of(rows, width)


def _moves(rows: Rows, width: int, space: Space) -> Iterator[tuple[Rows, int]]:
    n, d = len(rows), len(rows[0]) - 1
    if n > space.n[0]:
        for i in range(n):
            yield (*rows[:i], *rows[i + 1 :]), width
    if d > space.d[0]:
        for k in range(d):
            yield tuple((*row[:k], *row[k + 1 :]) for row in rows), width
    if width > space.width[0]:
        yield rows, width - 1
    for i, row in enumerate(rows):
        for k, value in enumerate(row):
            for entry in _nearer(value):
                yield (*rows[:i], (*row[:k], entry, *row[k + 1 :]), *rows[i + 1 :]), width


def _nearer(value: int) -> Sequence[int]:
    """Zero first."""
    return sorted(range(1 - abs(value), abs(value)), key=abs)
