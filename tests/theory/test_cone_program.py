"""Programs compiled once find what CVXPY's own solve finds."""

from __future__ import annotations

from typing import Any

import clarabel  # type: ignore[import-untyped]
import cvxpy
import numpy as np
import pytest

from theory.cone_program import ConeProgram

cp: Any = cvxpy
N, M, D = 4, 3, 2


class _Fit:
    """Least squares over z >= 0 with Z z in a ball of the spectral, the column or the l1 norm."""

    def __init__(self, ball: str) -> None:
        self.z = cp.Variable(M, nonneg=True)
        self.given = [cp.Parameter((N, M)), cp.Parameter((D, M)), cp.Parameter(N)]
        images, rays, y = self.given
        U = cp.multiply(rays, cp.vstack([self.z] * D))
        if ball == "spectral":
            inside = cp.bmat([[np.eye(D), U], [U.T, np.eye(M)]]) >> 0
        elif ball == "column":
            inside = cp.sum(cp.norm(U, 2, axis=0)) <= 1
        else:
            inside = cp.sum(self.z) <= 1
        self.inside = inside
        self.problem = cp.Problem(cp.Minimize(cp.sum_squares(images @ self.z - y)), [inside])

    def draw(self, random: np.random.Generator) -> None:
        for parameter in self.given:
            parameter.value = random.normal(size=parameter.shape)


@pytest.mark.parametrize("ball", ["spectral", "column", "simplex"])
def test_it_finds_what_cvxpy_finds_bit_by_bit(ball: str) -> None:
    random, fit = np.random.default_rng(0), _Fit(ball)
    program = ConeProgram(fit.problem)
    for _ in range(10):
        fit.draw(random)
        assert program.solve()
        z, dual = np.array(fit.z.value), np.array(fit.inside.dual_value)
        fit.problem.solve(
            solver="CLARABEL",
            warm_start=False,
            tol_gap_abs=1e-10,
            tol_gap_rel=1e-10,
            tol_feas=1e-10,
        )
        np.testing.assert_array_equal(fit.z.value, z)
        np.testing.assert_array_equal(fit.inside.dual_value, dual)


def test_a_linear_objective_in_the_parameters() -> None:
    x, c, b = cp.Variable(2), cp.Parameter(2), cp.Parameter(2)
    program = ConeProgram(cp.Problem(cp.Minimize(c @ x), [x >= b]))
    for scale in (1.0, 3.0):
        c.value, b.value = np.array([scale, 1.0]), np.array([2.0, scale])
        assert program.solve()
        assert c.value @ x.value == pytest.approx(3 * scale)


def test_no_solution_of_an_earlier_solve_is_taken_for_one() -> None:
    x, b = cp.Variable(), cp.Parameter()
    program = ConeProgram(cp.Problem(cp.Minimize(x), [x >= b, x <= 1]))
    for bound, feasible in ((0.0, True), (2.0, False), (0.5, True), (np.inf, False)):
        b.value = bound
        assert program.solve() == feasible


def test_what_fails_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    x, b = cp.Variable(), cp.Parameter()
    program = ConeProgram(cp.Problem(cp.Minimize(x), [x >= b]))
    b.value = 1.0
    with caplog.at_level("INFO", logger="theory.cone_program"):
        assert program.solve()
        assert caplog.messages == []

        solver = clarabel.DefaultSolver  # which is given no time to find anything

        def hurried(*program: Any) -> Any:
            program[-1].max_iter = 1
            return solver(*program)

        monkeypatch.setattr(clarabel, "DefaultSolver", hurried)
        assert not program.solve()
    assert caplog.messages == [
        f"Clarabel fails at tolerance {tolerance}: MaxIterations"
        for tolerance in ("1e-10", "1e-08")
    ]
