"""Radii once more, in floating point: a cross-check of `theory.regions`.

One convex program for each cell, stated neuron by neuron as in proofs_notes/region-interaction.md
and left to the solver; nothing is pruned, nothing is proved. For small problems.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from theory.landscape import Analysis
from theory.landscape.analysis import Component
from theory.landscape.cells import Cell, CellComplex

if TYPE_CHECKING:
    import cvxpy


def float_radius(analysis: Analysis, component: Component, optimizer: str) -> float:
    """The least R_W R_a of a network in the component, for adamw, lion or muon.

    NaN where the solver fails in one of the cells.
    """
    return float(np.min([_least(analysis, component, cell, optimizer) for cell in component.cells]))


def _least(analysis: Analysis, component: Component, cell: Cell, optimizer: str) -> float:
    """Over the networks u_1..u_m of one cell that fit as the component does."""
    import cvxpy

    problem = analysis.problem
    fit = np.array(component.representative.fit(problem), dtype=np.float64)
    U = cvxpy.Variable((problem.d, len(cell)))
    rho = cvxpy.Variable()
    if optimizer in {"adamw", "lion"}:
        ball: list[cvxpy.Constraint] = [U <= rho, U >= -rho]
    else:
        ball = _in_ball(optimizer, U, cvxpy.Variable(len(cell)), rho)
    program = cvxpy.Problem(cvxpy.Minimize(rho), [*_in_cell(analysis.complex, cell, U, fit), *ball])
    # Exact radii ask for more digits than an interior point method gives.
    solver = cvxpy.SCIPY if program.is_lp() else cvxpy.CLARABEL
    program.solve(solver=solver)  # type: ignore[no-untyped-call]
    return float(program.value) if program.status == cvxpy.OPTIMAL else math.nan


def float_meeting(
    complex_: CellComplex,
    cells: Iterable[Cell],
    optimizer: str,
    within: tuple[str, Fraction] | None = None,
) -> float:
    """The least rho at which an optimizer's ball holds an exact fit of one of the cells.

    within: another optimizer and its rho, in whose ball the fit has to be as well.
    Infinity where no cell has one, NaN where the solver fails.
    """
    return float(np.min([_meeting(complex_, cell, optimizer, within) for cell in cells]))


def _meeting(
    complex_: CellComplex, cell: Cell, optimizer: str, within: tuple[str, Fraction] | None
) -> float:
    import cvxpy

    problem = complex_.problem
    U, alpha = cvxpy.Variable((problem.d, len(cell))), cvxpy.Variable(len(cell))
    rho = cvxpy.Variable()
    y = np.array(problem.y, dtype=np.float64)
    constraints = [*_in_cell(complex_, cell, U, y), *_in_ball(optimizer, U, alpha, rho)]
    if within is not None:
        constraints += _in_ball(within[0], U, alpha, cvxpy.Constant(float(within[1])))
    program = cvxpy.Problem(cvxpy.Minimize(rho), constraints)
    try:
        program.solve(solver=cvxpy.CLARABEL)  # type: ignore[no-untyped-call]
    except cvxpy.SolverError:
        return math.nan
    if program.status == cvxpy.INFEASIBLE:
        return math.inf
    return float(program.value) if program.status == cvxpy.OPTIMAL else math.nan


def _in_cell(
    complex_: CellComplex, cell: Cell, U: cvxpy.Variable, fit: Float[np.ndarray, " n"]
) -> list[cvxpy.Constraint]:
    """Each neuron in its cone, and all together with this fit."""
    from cvxpy.atoms.affine.binary_operators import multiply

    X = np.array(complex_.problem.X, dtype=np.float64)
    active = np.array([complex_.arrangement.signs[state // 2] > 0 for state in cell]).T  # (n, m)
    signs = np.array([1 - 2 * (state % 2) for state in cell])
    inside = multiply(2 * active - 1, X @ U) >= 0
    return [inside, multiply(active * signs, X @ U).sum(axis=1) == fit]


def _in_ball(
    optimizer: str, U: cvxpy.Variable, alpha: cvxpy.Variable, rho: cvxpy.Expression
) -> list[cvxpy.Constraint]:
    """R_W = R_a = sqrt(rho), with alpha_j = a_j^2 and u_j = |a_j| w_j."""
    import cvxpy

    cp: Any = cvxpy  # mypy does not see the functions it exports
    d, m = U.shape
    squares = [cp.quad_over_lin(U[:, j], alpha[j]) for j in range(m)]  # ||w_j||^2
    if optimizer == "sgd":  # the penalty over beta is at most rho
        return [cp.sum(cp.hstack(squares)) + cp.sum(alpha) <= 2 * rho]
    hidden = {
        "adamw": lambda: [
            cp.quad_over_lin(U[k, j], alpha[j]) <= rho for k in range(d) for j in range(m)
        ],
        "colnorm": lambda: [square <= rho for square in squares],
        "ngd": lambda: [cp.sum(cp.hstack(squares)) <= rho],
        "muon": lambda: [cp.bmat([[rho * np.eye(d), U], [U.T, cp.diag(alpha)]]) >> 0],
    }
    output = {"largest": alpha <= rho, "sum": cp.sum(alpha) <= rho}
    layers = {
        "adamw": ("adamw", "largest"),
        "lion": ("adamw", "largest"),
        "colnorm": ("colnorm", "largest"),
        "muon-adamw": ("muon", "largest"),
        "muon": ("muon", "sum"),
        "ngd": ("ngd", "sum"),
    }
    of_W, of_a = layers[optimizer]
    return [*hidden[of_W](), output[of_a]]
