"""The mixed-integer program of the entrywise ball: how many neurons each block gets.

p(m) = min over integers k_b >= 0, sum k_b <= m, of min { L : u_b in K_b, ||u_b||_inf <= k_b rho },
with the squared loss. HiGHS has no quadratic objectives with integers, so outer approximation
(Duran and Grossmann 1986): a linear program over (u, k, t) with t >= r.(y - f) - ||r||^2 / 2, for
the residuals r = y - f of the points found so far, proposes counts; the cell that they name is
minimised exactly, and its residual is the next cut. At that minimum the cut is tight on the whole
cell, so no counts come twice below the bound, and this ends.

What it returns is a good cell, not a proof: `theory.landscape.least` verifies it exactly.
"""

from __future__ import annotations

import logging
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Float

from theory.landscape.cells import Cell, CellComplex
from theory.programs.blocks import Patterns
from theory.quiet import quiet
from theory.types import Array
from theory.units import Units

_LOG = logging.getLogger(__name__)

_ROUNDS = 60
_TOLERANCE = 1e-7  # of the bound, relative to the loss of zero weights


def best_counts(complex_: CellComplex, start: Cell) -> Cell:
    """A cell of nearly least loss in an entrywise ball, as a sorted multiset of states.

    start: a cell to begin with; it is returned where the solver finds none that is better.
    """
    import cvxpy

    cp: Any = cvxpy
    problem, within = complex_.problem, complex_.within
    assert within is not None
    if not any(problem.y):
        return start
    units = Units.of(problem)
    data, radius = units.problem(problem), float(units.reach(within.rho))
    X, y = np.array(data.X, dtype=float), np.array(data.y, dtype=float)
    zero = float(y @ y) / 2
    patterns = Patterns(X, problem.activation, complex_.arrangement.signs > 0)
    blocks = np.arange(patterns.count)
    U = cp.Variable((problem.d, complex_.states))  # in units of rho
    k = cp.Variable(complex_.states, integer=True)
    t = cp.Variable(nonneg=True)
    outputs = X @ U
    fit = radius * cp.sum(cp.multiply(patterns.masks(blocks).T, outputs), axis=1)
    constraints = [
        cp.multiply(patterns.sides(blocks).T, outputs) >= 0,
        cp.max(cp.abs(U), axis=0) <= k,
        cp.sum(k) <= complex_.width,
    ]
    best, value = start, np.inf
    cell = start
    for _ in range(_ROUNDS):
        minimum = complex_.minimum(cell)
        loss = float(complex_.loss_of(minimum.value) / units.loss)
        if loss < value:
            best, value = cell, loss
        residual = _residual(complex_, cell, units.y)
        # In units of the loss of zero weights, as the solver's tolerances are absolute.
        constraints.append(t * zero >= -(residual @ (fit - y)) - residual @ residual / 2)
        program = cp.Problem(cp.Minimize(t), constraints)
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                program.solve(solver=cp.SCIPY)  # HiGHS
            except cp.SolverError as error:
                _LOG.info("HiGHS fails: %s", error)
                break
        if k.value is None or float(t.value) * zero >= value - _TOLERANCE * zero:
            break
        counts = np.round(k.value).astype(int)
        states = [s for s, count in enumerate(counts.tolist()) for _ in range(count)]
        states += [cell[0]] * (complex_.width - len(states))  # blanks
        cell = complex_.canonical(states)
    return best


def _residual(complex_: CellComplex, cell: Cell, unit: Fraction) -> Float[Array, " n"]:
    """y - f at the minimum of a cell, in this unit."""
    network = complex_.domain.network(complex_.point(cell, complex_.minimum(cell)))
    fit = network.fit(complex_.problem)
    pairs = zip(complex_.problem.y, fit, strict=True)
    return np.array([float((v - f) / unit) for v, f in pairs])
