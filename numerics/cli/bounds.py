"""A lower bound of all losses, to know global minima by where the landscape is too large."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

    from theory.problem import Problem
    from theory.within import Within

_PATTERNS = 1000  # up to which the convex program takes seconds


def lower_bound(problem: Problem, within: Within, width: int) -> Fraction | None:
    """Of the convex program, where all patterns are in it; else None."""
    from theory.arrangement import count_cones

    if count_cones(problem.X, at_most=_PATTERNS) > _PATTERNS:
        return None
    from theory.programs import relax

    return relax(problem, within, width=width).lower
