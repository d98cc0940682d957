"""Of all activation regions, how many hold a global minimum, and how many a bad local one: exactly.

A region is a cell with its neurons told apart: a sign of the output weight and an activation
pattern for each. Its least loss is that of a global minimum or not. A local minimum is the minimum
of each cell that it lies in, so of a cell only the points of its least loss can be local minima,
and of these those in the inside of their set are if any are (proofs_notes/valleys.md).

>>> from theory import example
>>> found = shares(example("flagship"), 2)
>>> found.regions, found.good, found.bad
(256, Fraction(3, 128), Fraction(73, 256))
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from math import factorial, prod

from theory.errors import InputError
from theory.landscape.cells import CellComplex
from theory.landscape.domain import Polyhedral
from theory.landscape.limits import Plateaus
from theory.landscape.optima import optima
from theory.landscape.valleys import DEFAULT_MAX_CELLS
from theory.problem import Problem
from theory.types import Progress, silent
from theory.within import Ball, require_decayed


@dataclass(frozen=True)
class Shares:
    """regions: how many there are. good: the share with a global minimum. bad: that with a local
    minimum above the least loss. Each region has one of the two, or neither: then its least points
    lie at its border, with lower ones beyond. minimum: the least loss."""

    regions: int
    good: Fraction
    bad: Fraction
    minimum: Fraction


def shares(
    problem: Problem,
    width: int,
    *,
    within: Ball | None = None,
    max_cells: int = DEFAULT_MAX_CELLS,
    progress: Progress = silent,
) -> Shares:
    """The shares of good and bad regions, anywhere or in an entrywise ball.

    Raises InputError for balls in which minima are no exact numbers, BudgetError beyond `max_cells`
    cells modulo permutation.
    """
    complex_ = CellComplex.of(problem, width, within=within, max_cells=max_cells)
    require_decayed(problem, within, "shares of regions are")
    domain = complex_.domain
    if not (isinstance(domain, Polyhedral) and domain.exact):
        raise InputError("within", f"in {within} minima are known as intervals only")
    plateaus = Plateaus(complex_, domain)
    least: dict[tuple[int, ...], Fraction] = {}
    local: set[tuple[int, ...]] = set()
    for optimum in optima(domain, complex_.groups, width):
        progress("regions", len(least))
        for cell, rests in plateaus.cells(optimum):
            name = complex_.canonical(cell)
            least[name] = optimum.value
            if rests:
                local.add(name)
    lowest = min(least.values())
    good = sum(_orders(cell) for cell, value in least.items() if value == lowest)
    bad = sum(_orders(cell) for cell in local if least[cell] > lowest)
    regions = complex_.states**width
    return Shares(
        regions, Fraction(good, regions), Fraction(bad, regions), complex_.loss_of(lowest)
    )


def _orders(cell: tuple[int, ...]) -> int:
    """The regions that are this cell in some order of the neurons."""
    return factorial(len(cell)) // prod(map(factorial, Counter(cell).values()))
