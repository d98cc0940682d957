"""Group lasso over 200 patterns (n = 200, d = 10): Newton's method, CVXPY, pyscnn, and a path;
and the programs of muon on diabetes and breast cancer data.

`make bench` runs it. All see the same data, patterns and penalty, and are judged alike: each
solution is priced and its gap proved by our dual, exactly. pyscnn needs an environment of its own;
name its interpreter in ISTHMUS_SCNN_PYTHON, else that benchmark is skipped.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from numerics.studies.datasets import dataset
from numerics.studies.real_data import load
from theory.activation import RELU
from theory.gauges import EUCLIDEAN, Frobenius, Gauge, gauge_of
from theory.geometry import geometry
from theory.losses import Squared
from theory.problem import Problem
from theory.programs.blocks import Patterns, distinct
from theory.programs.columns import ColumnGeneration, Relaxation, Search
from theory.programs.duals import BlockDual
from theory.programs.group_lasso import GroupNorms
from theory.programs.solve import family_of
from theory.units import Units

WIDTH = 8
LIMITS = {"diabetes": 1500, "breast-cancer": 200}  # of patterns, after which none are sought
GAUGE = Gauge(Frobenius(), EUCLIDEAN)
FAMILY = GroupNorms(GAUGE)
SCNN = os.environ.get("ISTHMUS_SCNN_PYTHON")


def data() -> Any:
    """Planted data, standardised; 200 patterns of random neurons; beta is 0.02 beta_max."""
    random = np.random.default_rng(0)
    n, d = 200, 10
    X = random.standard_normal((n, d)).round(6)
    y = np.maximum(X @ random.standard_normal((d, 5)), 0) @ random.choice([-1.0, 1.0], 5)
    y += 0.1 * random.standard_normal(n)
    y = ((y - y.mean()) / y.std()).round(6)
    gates = random.standard_normal((d, 230))
    _, first = np.unique((X @ gates >= 0).T, axis=0, return_index=True)
    gates = gates[:, np.sort(first)[:200]]
    patterns = Patterns(X, RELU, (X @ gates >= 0).T)
    beta = 0.02 * np.linalg.norm(patterns.gradients(y), axis=1).max()
    return patterns, y, gates, float(beta)


def proved_gap(patterns: Any, y: Any, beta: Any, u: Any) -> Any:
    """The relative gap of u (B, d), as a network, to the bound that its residual proves."""
    problem = Problem.from_floats(patterns.X, y)
    blocks = np.arange(patterns.count)
    signs = patterns.signs(blocks)
    linear = (u @ patterns.X.T * patterns.masks(blocks)).sum(axis=0)
    network = (np.maximum(u @ patterns.X.T, 0) * signs[:, None]).sum(axis=0)
    size = np.linalg.norm(u, axis=1).sum()
    upper = ((network - y) ** 2).sum() / 2 + beta * size
    lam = y - linear
    prices = FAMILY.prices(patterns, lam, None, beta)
    found = Relaxation(patterns, blocks, u, lam, None, 0 * y, prices, float(upper), 0.0)
    dual = BlockDual.repaired(problem, GAUGE, found)
    lower = float(dual.penalised_bound(Squared(), Fraction(beta)))
    return (upper - lower) / upper


def by_newton(patterns: Any, y: Any, beta: Any, tolerance: Any) -> Any:
    found = ColumnGeneration(patterns, y, FAMILY, penalised=True, tolerance=tolerance).solve(beta)
    u = np.zeros((patterns.count, patterns.X.shape[1]))
    u[found.blocks] = found.u
    return u


def by_cvxpy(patterns: Any, y: Any, beta: Any) -> Any:
    """The program as one would write it, with Clarabel's own tolerances."""
    import cvxpy as cp

    blocks = np.arange(patterns.count)
    masks, sides = patterns.masks(blocks).T, patterns.sides(blocks).T
    U = cp.Variable((patterns.X.shape[1], patterns.count))
    outputs = patterns.X @ U
    fit = cp.sum(cp.multiply(masks, outputs), axis=1)
    objective = cp.sum_squares(fit - y) / 2 + beta * cp.sum(cp.norm(U, 2, axis=0))
    problem = cp.Problem(cp.Minimize(objective), [cp.multiply(sides, outputs) >= 0])
    problem.solve(solver=cp.CLARABEL)
    return U.value.T


@pytest.mark.parametrize("tolerance", [1e-4, 1e-6])
def test_newton(benchmark: BenchmarkFixture, tolerance: Any) -> None:
    patterns, y, _, beta = data()
    u = benchmark.pedantic(by_newton, (patterns, y, beta, tolerance), rounds=3)
    benchmark.extra_info["proved gap"] = gap = proved_gap(patterns, y, beta, u)
    assert gap <= tolerance


def test_plain_cvxpy(benchmark: BenchmarkFixture) -> None:
    patterns, y, _, beta = data()
    u = benchmark.pedantic(by_cvxpy, (patterns, y, beta), rounds=3)
    benchmark.extra_info["proved gap"] = gap = proved_gap(patterns, y, beta, u)
    assert gap <= 1e-6


@pytest.mark.skipif(SCNN is None, reason="ISTHMUS_SCNN_PYTHON names no interpreter with pyscnn")
@pytest.mark.parametrize("tolerance", [1e-4, 1e-6, 1e-8, 1e-10])
def test_pyscnn(tmp_path: Path, tolerance: Any) -> None:
    """One run; its time and the gap that its tolerance leads to are printed (pytest -s)."""
    patterns, y, gates, beta = data()
    source, target = tmp_path / "data.npz", tmp_path / "out.npz"
    np.savez(source, X=patterns.X, y=y, gates=gates, beta=beta, tolerances=[tolerance])
    script = Path(__file__).parent / "reference_scnn.py"
    subprocess.run([SCNN, script, source, target], check=True)
    found = np.load(target)
    own = replace(patterns, active=(patterns.X @ found["gates"] >= 0).T)
    u = found["U"][0].transpose(1, 0, 2).reshape(own.count, -1)
    gap = proved_gap(own, y, beta, u)
    print(f"pyscnn at tolerance {tolerance:g}: {found['seconds'][0]:.2f} s, proved gap {gap:.2e}")


def test_one_cold_solve_in_a_ball(benchmark: BenchmarkFixture) -> None:
    patterns, y, _, _ = data()

    def cold() -> Any:
        return ColumnGeneration(patterns, y, FAMILY, tolerance=1e-6).solve(5.0)

    found = benchmark.pedantic(cold, rounds=3)
    assert found.gap <= 2e-6 * found.value


def test_a_path_of_fifty_radii(benchmark: BenchmarkFixture) -> None:
    patterns, y, _, _ = data()

    def path() -> Any:
        columns = ColumnGeneration(patterns, y, FAMILY, tolerance=1e-6)
        return [columns.solve(radius) for radius in np.linspace(0.1, 5.0, 50)]

    found = benchmark.pedantic(path, rounds=1)
    assert all(point.gap <= 2e-6 * point.value for point in found)
    values = [point.value for point in found]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("name", "optimizer", "tolerance"),
    [
        (name, optimizer, tolerance)
        for name, tolerance in (
            ("diabetes", 1e-6),
            ("breast-cancer", 1e-3),
            ("breast-cancer", 1e-6),
        )
        for optimizer in ("muon", "muon-adamw")
    ],
)
def test_muon_on_real_data(
    benchmark: BenchmarkFixture, name: str, optimizer: str, tolerance: float
) -> None:
    """The training rows, in the ball of `isthmus study real-data`; proved over the patterns priced.

    Patterns: 200 of random neurons, those of wide networks, and what a search adds up to LIMITS.
    """
    train = dataset(name).train
    units = Units.of(train)
    problem = units.problem(train)
    radius = units.reach(Fraction(load()[name][optimizer]["rho"]))
    X, y = (np.array(part, dtype=float) for part in (problem.X, problem.y))
    gauge = gauge_of(geometry(optimizer).ball)
    family = family_of(gauge)

    def relaxed() -> Any:
        random = np.random.default_rng(0)
        patterns = Patterns(X, RELU, distinct(random.standard_normal((200, X.shape[1])) @ X.T > 0))
        columns = ColumnGeneration(
            *(patterns, y, family), search=Search(LIMITS[name], random), tolerance=tolerance
        )
        return columns.solve(family.radius(radius, WIDTH))

    found = benchmark.pedantic(relaxed, rounds=1)
    dual = BlockDual.repaired(problem, gauge, found)
    lower = float(dual.bound(Squared(), radius, WIDTH))
    benchmark.extra_info["proved gap"] = gap = (found.value - lower) / found.value
    benchmark.extra_info["patterns"] = len(found.patterns.active)
    assert gap <= tolerance
