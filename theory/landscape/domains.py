"""The domain of networks anywhere, in a ball or under a penalty: its kind depends on the norms."""

from __future__ import annotations

from theory.arrangement import Arrangement
from theory.errors import BudgetError
from theory.landscape.anywhere import Anywhere
from theory.landscape.biased import BoundedBiasBall
from theory.landscape.conic import ConicBall, ConvexBox
from theory.landscape.domain import Domain, EntrywiseBall, WholeSpace, count_box_vertices
from theory.landscape.form import has_form
from theory.landscape.penalised import Penalised
from theory.problem import Problem
from theory.within import Penalty, Within

_OF_A_VERTEX = 10  # cells are mostly covered together, but every vertex is computed


def domain_of(
    problem: Problem, arrangement: Arrangement, within: Within | None, max_cells: int
) -> Domain:
    """The domain; raises BudgetError where its vertices take more than `max_cells` cells would."""
    if within is None:
        return (WholeSpace if has_form(problem) else Anywhere)(problem, arrangement)
    if isinstance(within, Penalty):
        return Penalised(problem, arrangement, within)
    if within.gauge.bounded:
        return BoundedBiasBall(problem, arrangement, within)
    if not within.gauge.hidden.entries:
        return ConicBall(problem, arrangement, within)
    bounded = problem.d - within.gauge.free
    vertices = _OF_A_VERTEX * count_box_vertices(len(arrangement.walls), problem.d, bounded)
    if vertices > max_cells:
        what = f"vertices in the ball (each as {_OF_A_VERTEX} cells)"
        raise BudgetError(what, vertices, max_cells, "max_cells")
    if within.gauge.exact and has_form(problem):
        return EntrywiseBall(problem, arrangement, within)
    return ConvexBox(problem, arrangement, within)
