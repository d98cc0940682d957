"""Convex programs in parameters: CVXPY compiles one once, Clarabel solves it many times.

CVXPY's own ways from parameters to a solver's matrices, and back to variables and constraints, take
several times as long as Clarabel takes for the small programs here, of which a landscape has
thousands. The matrices are affine in the parameters and CVXPY has the maps; here they are applied
directly. On the way back each number is one of Clarabel's times a constant. What Clarabel gets, and
what variables and constraints carry, is the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from theory.types import Array

if TYPE_CHECKING:
    import cvxpy

_LOG = logging.getLogger(__name__)

# Clarabel's default of 1e-8 is most of what is needed, but better than nothing.
_TOLERANCES = (1e-10, 1e-8)
# Clarabel's words for a solution, and for a proof that there is none.
_SOLVED = ("Solved", "AlmostSolved")
_NONE = tuple(
    f"{almost}{side}Infeasible" for almost in ("", "Almost") for side in ("Primal", "Dual")
)


class ConeProgram:
    """A CVXPY problem that obeys the rules of parameters (DPP), of which it has at least one.

    Parameters are given by `save_value`: CVXPY's checks of values take long beside a small program.
    Parameters may have a sign and variables be nonnegative, but have no other attribute; parameters
    do not multiply squares of variables.
    Where there is a solution, variables and constraints carry it, as in CVXPY.
    """

    def __init__(self, problem: cvxpy.Problem) -> None:
        self._problem: Any = problem  # whose own value is not set

    @cached_property
    def _compiled(self) -> _Compiled:
        return _Compiled(self._problem)

    def solve(self) -> bool:
        """As accurately as may be; whether a solution was found, in finite numbers.

        It may be inaccurate: it has to be proved or rejected. Without one, values are meaningless.
        """
        for tolerance in _TOLERANCES:
            status, finite = self._compiled.solve(tolerance)
            if status in _SOLVED:
                return finite
            if status in _NONE:
                return False
            _LOG.info("Clarabel fails at tolerance %g: %s", tolerance, status)
        return False


class _Leaf(NamedTuple):
    """A variable of CVXPY, or the dual one of a constraint.

    Its entries are some of the solver's numbers, divided by constants, or `least` if that is more.
    """

    variable: Any
    places: Int[Array, ...]
    divisors: Float[Array, ...]
    least: float

    def take(self, numbers: Float[Array, " N"]) -> None:
        """Carry what the solver found."""
        value = numbers[self.places] / self.divisors
        self.variable.save_value(np.maximum(value, self.least))


class _Compiled:
    """min x^T P x / 2 + q^T x over b - A x in cones, where q, A and b are affine in parameters."""

    def __init__(self, problem: Any) -> None:
        from cvxpy.reductions.solvers.conic_solvers.clarabel_conif import dims_to_solver_cones
        from scipy.sparse import csc_array, csr_array, triu

        data, chain, inverse = problem.get_problem_data(
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
        rows, ends, (height, width) = program.reduced_A.problem_data_index
        self._inner = ends[-2]
        self._A = csc_array(
            (np.zeros(self._inner), rows[: self._inner], ends[:-1]), shape=(height, width - 1)
        )
        self._b, self._b_rows = np.zeros(height), rows[self._inner :]

        def unpacked(numbers: Callable[[int], Float[Array, " N"]]) -> list[Array]:
            """What CVXPY makes of these numbers of the solver."""
            found = SimpleNamespace(status="Solved", x=numbers(size), z=numbers(height))
            found.obj_val = found.solve_time = found.iterations = 0
            problem.unpack(chain.invert(found, inverse))
            return [np.array(each.value) for each in leaves]

        primal = problem.variables()
        dual = [each for constraint in problem.constraints for each in constraint.dual_variables]
        leaves = [*primal, *dual]
        found = []
        for leaf, one, count in zip(leaves, unpacked(np.ones), unpacked(np.arange), strict=True):
            places = np.rint(count / one).astype(int)
            assert np.allclose(places * one, count)
            least = 0.0 if leaf.attributes["nonneg"] else -np.inf
            found.append(_Leaf(leaf, places, 1 / one, least))
        self._primal, self._dual = found[: len(primal)], found[len(primal) :]

    def solve(self, tolerance: float) -> tuple[str, bool]:
        """What Clarabel says of its solution, and whether there is one in finite numbers."""
        import clarabel  # type: ignore[import-untyped]

        for column, parameter in self._places:
            self._given[column : column + parameter.size] = np.ravel(parameter.value, order="F")
        entries = self._entries @ self._given
        self._A.data = -entries[: self._inner]
        self._b[self._b_rows] = entries[self._inner :]
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
        q = self._q @ self._given
        found = clarabel.DefaultSolver(self._P, q, self._A, self._b, self._cones, settings).solve()
        status = str(found.status)
        if status not in _SOLVED:
            return status, False
        x, z = np.array(found.x), np.array(found.z)
        for leaves, numbers in ((self._primal, x), (self._dual, z)):
            for leaf in leaves:
                leaf.take(numbers)
        return status, bool(np.isfinite(x).all() and np.isfinite(z).all())
