"""The convex reformulation of training as a CVXPY program, written once over all blocks."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from theory.errors import SolverFailure
from theory.gauges import Size
from theory.losses import Loss, Scaling
from theory.programs.blocks import Patterns
from theory.programs.family import Family
from theory.quiet import quiet
from theory.types import Array

if TYPE_CHECKING:
    import cvxpy


_LOG = logging.getLogger(__name__)

_CLARABEL = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
_SCS = {"eps_abs": 1e-9, "eps_rel": 1e-9, "max_iters": 100_000}


class Solved(NamedTuple):
    """A float solution. u: (b, d). lam: (n,), minus a subgradient of the loss. metric: Z, if any.

    shift: (n,), what is added to the fit of the blocks: the free columns of the patterns.
    """

    u: Float[Array, "b d"]
    lam: Float[Array, " n"]
    metric: Float[Array, "d d"] | None
    shift: Float[Array, " n"]


class BlockProgram:
    """min L(sum_b s_b D_b X u_b) over u_b in the cones of some blocks and a ball, or penalised;
    with free columns added to the fit, if there are any.

    CVXPY canonicalises it once (DPP): `solve` takes the radius, or the weight of the penalty.
    """

    def __init__(
        self,
        patterns: Patterns,
        blocks: Int[Array, " b"],
        y: Float[Array, " n"],
        family: Family,
        loss: Loss,
        *,
        penalised: bool = False,
        counts: Float[Array, " b"] | None = None,
    ) -> None:
        """counts: of neurons in each block; the radius is then rho, not that of the relaxation."""
        import cvxpy

        cp: Any = cvxpy
        self.loss, self.y = loss, y
        # Data of size one, as the solvers' tolerances are absolute; other losses fix the scale.
        self._x_scale = float(np.abs(patterns.X).max()) or 1.0
        self._y_scale = 1.0
        if isinstance(loss, Scaling):
            self._y_scale = float(np.abs(y).max()) or 1.0
        X = patterns.X / self._x_scale
        self._masks = patterns.masks(blocks).T
        self._X = patterns.X
        self._U = cp.Variable((X.shape[1], len(blocks)))
        outputs = X @ self._U
        fit = cp.sum(cp.multiply(self._masks, outputs), axis=1)
        self._shift = None
        if patterns.free is not None:
            self._shift = patterns.free @ cp.Variable(patterns.free.shape[1])
            fit = fit + self._shift
        self._weight = cp.Parameter(nonneg=True)
        constraints = [cp.multiply(patterns.sides(blocks).T, outputs) >= 0]
        self._on_fit = None
        if not loss.smooth:
            # At a kink the loss has many slopes: which one it is, the multipliers say.
            variable = cp.Variable(len(y))
            self._on_fit = variable == fit
            constraints.append(self._on_fit)
            fit = variable
        objective = loss.expression(fit, y / self._y_scale) / loss.slope
        self._size = Size([])
        self.penalised = penalised
        if penalised:
            objective = objective + self._weight * family.penalty(self._U)
        else:
            self._size = (
                family.ball(self._U, self._weight)
                if counts is None
                else family.cell(self._U, self._weight, counts)
            )
            constraints += self._size.constraints
        self.problem: cvxpy.Problem = cp.Problem(cp.Minimize(objective), constraints)

    def solve(self, weight: float) -> Solved:
        """The solution for this radius, or this weight of the penalty.

        Raises SolverFailure if neither Clarabel nor SCS finds one.
        """
        unit = self._y_scale / self._x_scale
        self._weight.value = (
            weight / (self._x_scale * self._y_scale * self.loss.slope)
            if self.penalised
            else weight / unit
        )
        self._run()
        u = self._U.value.T * unit
        fit = (self._masks * (self._X @ u.T)).sum(axis=1)
        shift = np.zeros_like(fit)
        if self._shift is not None:
            shift = self._shift.value * self._y_scale
        metric = self._size.metric(u.shape[1])
        if self._on_fit is None:
            lam = -self.loss.gradient(fit + shift, self.y)
        else:
            multipliers = self._on_fit.dual_value * self.loss.slope
            lam = multipliers.clip(*self.loss.limits(self.y))
        return Solved(u, lam, metric, shift)

    def _run(self) -> None:
        import cvxpy

        cp: Any = cvxpy
        statuses = []
        for solver, options in ((cp.CLARABEL, _CLARABEL), (cp.SCS, _SCS)):
            failure = failure_of(self.problem, solver, options)
            if failure is not None:
                statuses.append(f"{solver}: {failure}")
                continue
            duals = [each for each in (*self._size.priced, self._on_fit) if each is not None]
            values = [self._U.value, *(each.dual_value for each in duals)]
            if all(v is not None and np.isfinite(v).all() for v in values):
                if statuses:
                    _LOG.info("%s solved what others did not: %s", solver, "; ".join(statuses))
                return
            statuses.append(f"{solver}: {self.problem.status}")
        raise SolverFailure(statuses)


def failure_of(problem: cvxpy.Problem, solver: str, options: Mapping[str, Any]) -> str | None:
    """Solve it, and say why that was not possible; None where it was, if only nearly."""
    import cvxpy

    cp: Any = cvxpy
    # What is found is proved or rejected exactly: warnings of inaccuracy only disturb.
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            problem.solve(solver=solver, **options)  # type: ignore[no-untyped-call]
        except cp.SolverError as error:
            return str(error).splitlines()[0]
        except BaseException as error:  # a panic of Clarabel's is no Exception
            if type(error).__name__ != "PanicException":
                raise
            return "panicked"
    return None if problem.status in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE) else str(problem.status)
