"""The radius of a component once more, in floating point: a cross-check of `theory.regions`.

One convex program for each cell of the component, stated as in THEORY section 1 and left to the
solver; nothing is pruned, nothing is proved. For small problems.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from theory.landscape import Analysis
from theory.landscape.analysis import Component
from theory.landscape.cells import Cell

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
    from cvxpy.atoms.affine.binary_operators import multiply

    problem, arrangement = analysis.problem, analysis.complex.arrangement
    X = np.array(problem.X, dtype=np.float64)
    fit = np.array(component.representative.fit(problem), dtype=np.float64)
    active = np.array([arrangement.signs[state // 2] > 0 for state in cell]).T  # (n, m)
    signs = np.array([1 - 2 * (state % 2) for state in cell])
    U = cvxpy.Variable((problem.d, len(cell)))
    inside = multiply(2 * active - 1, X @ U) >= 0
    fits = multiply(active * signs, X @ U).sum(axis=1) == fit
    rho, ball = _ball(U, optimizer)
    program = cvxpy.Problem(cvxpy.Minimize(rho), [inside, fits, *ball])
    # Exact radii ask for more digits than an interior point method gives.
    solver = cvxpy.SCIPY if program.is_lp() else cvxpy.CLARABEL
    program.solve(solver=solver)  # type: ignore[no-untyped-call]
    return float(program.value) if program.status == cvxpy.OPTIMAL else math.nan


def _ball(U: cvxpy.Variable, optimizer: str) -> tuple[cvxpy.Variable, list[cvxpy.Constraint]]:
    """rho, and that it suffices: with R_W = R_a = sqrt(rho) and alpha_j = a_j^2."""
    import cvxpy
    from cvxpy.atoms.affine.bmat import bmat
    from cvxpy.atoms.affine.diag import diag

    rho = cvxpy.Variable()
    if optimizer in {"adamw", "lion"}:
        return rho, [U <= rho, U >= -rho]
    if optimizer == "muon":
        alpha = cvxpy.Variable(U.shape[1])
        blocks = [[rho * np.eye(U.shape[0]), U], [U.T, diag(alpha)]]
        return rho, [bmat(blocks) >> 0, alpha.sum() <= rho]  # type: ignore[no-untyped-call]
    raise NotImplementedError(optimizer)
