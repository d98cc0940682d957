"""Convex programs in parameters: CVXPY compiles one once, Clarabel solves it many times.

CVXPY's own way from parameters to a solver's matrices takes several times as long as Clarabel takes
for the small programs here, of which a landscape has thousands. The matrices are affine in the
parameters and CVXPY has the maps; here they are applied directly. What Clarabel gets is the same.
"""

from __future__ import annotations

import logging
import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import cvxpy

_LOG = logging.getLogger(__name__)

# Clarabel's default of 1e-8 is most of what is needed, but better than nothing.
_TOLERANCES = (1e-10, 1e-8)


class ConeProgram:
    """A CVXPY problem that obeys the rules of parameters (DPP), of which it has at least one.

    Parameters may have a sign, but no other attribute, and do not multiply squares of variables.
    Where there is a solution, variables and constraints carry it, as in CVXPY.
    """

    def __init__(self, problem: cvxpy.Problem) -> None:
        self.problem: Any = problem

    @cached_property
    def _compiled(self) -> _Compiled:
        return _Compiled(self.problem)

    def solve(self) -> bool:
        """As accurately as may be; whether a solution was found, in finite numbers.

        It may be inaccurate: it has to be proved or rejected. Without one, values are meaningless.
        """
        import cvxpy

        for tolerance in _TOLERANCES:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of inaccuracy
                try:
                    return self._compiled.solve(tolerance)
                except cvxpy.SolverError as error:
                    _LOG.info("Clarabel fails at tolerance %g: %s", tolerance, error)
        return False


class _Compiled:
    """min x^T P x / 2 + q^T x over b - A x in cones, where q, A and b are affine in parameters."""

    def __init__(self, problem: Any) -> None:
        from cvxpy.reductions.solvers.conic_solvers.clarabel_conif import dims_to_solver_cones
        from scipy.sparse import csc_array, csr_array, triu

        self._problem = problem
        data, self._chain, self._inverse = problem.get_problem_data(
            "CLARABEL", enforce_dpp=True, solver_opts={}
        )
        program = data["param_prob"]
        self._cones = dims_to_solver_cones(data["dims"])  # type: ignore[no-untyped-call]
        self._places = [(program.param_id_to_col[p.id], p) for p in problem.parameters()]
        self._given = np.ones(program.total_param_size + 1)  # the last is the constants'
        size = program.x.size
        self._P = triu(data["P"] if "P" in data else csc_array((size, size))).tocsc()
        self._q = csr_array(program.q)[:size]
        # The entries of A and, as its last column, those of b.
        self._entries = program.reduced_A.reduced_mat
        self._rows, ends, self._shape = program.reduced_A.problem_data_index
        self._ends, self._inner = ends[:-1], ends[-2]

    def solve(self, tolerance: float) -> bool:
        """Whether there is a solution. Raises cvxpy.SolverError if not even that is found."""
        import clarabel  # type: ignore[import-untyped]
        from scipy.sparse import csc_array

        for column, parameter in self._places:
            self._given[column : column + parameter.size] = np.ravel(parameter.value, order="F")
        entries = self._entries @ self._given
        rows, columns = self._shape
        A = csc_array(
            (-entries[: self._inner], self._rows[: self._inner], self._ends),
            shape=(rows, columns - 1),
        )
        b = np.zeros(rows)
        b[self._rows[self._inner :]] = entries[self._inner :]
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
        q = self._q @ self._given
        found = clarabel.DefaultSolver(self._P, q, A, b, self._cones, settings).solve()
        self._problem.unpack_results(found, self._chain, self._inverse)
        solved = self._problem.status in {"optimal", "optimal_inaccurate"}
        return solved and bool(np.isfinite(found.x).all() and np.isfinite(found.z).all())
