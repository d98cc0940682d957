"""`make bench`: paths between trained networks, wide and at the theorem's bound, and their check.

Data are integers up to 9; the two networks are the best of some seeds, two of them where wide.
"""

from __future__ import annotations

import functools
from fractions import Fraction

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from numerics.training.loop import train
from theory.certificates import certify
from theory.certificates.checker import check
from theory.connectivity import SolutionPath, SolutionSet, connect, connected_from, project
from theory.network import Network
from theory.problem import Problem
from theory.within import Ball

WIDE = {"adamw": 2, "lion": 2, "muon": 20, "muon-adamw": 4, "colnorm": 4, "ngd": 200}
RADIUS = {"muon": 20, "ngd": 60}


def data(n: int, d: int) -> Problem:
    generator = np.random.default_rng(0)
    X, y = generator.integers(-9, 10, (n, d)), generator.integers(-9, 10, n)
    return Problem(X=X.tolist(), y=y.tolist())


@functools.cache
def trained(
    n: int, d: int, width: int, optimizer: str, rho: int, steps: int, seeds: int = 2
) -> tuple[SolutionSet, list[Network]]:
    problem = data(n, d)
    runs = train(problem, width, Ball(optimizer, Fraction(rho)), seeds=seeds, steps=steps)
    solutions = SolutionSet(problem, Ball(optimizer, Fraction(rho)), Fraction())
    networks = runs.networks()
    return solutions, [networks[run] for run in np.argsort(runs.loss)[:2].tolist()]


def joined(solutions: SolutionSet, networks: list[Network]) -> SolutionPath:
    first, second = (project(solutions, network).network for network in networks)
    path = connect(solutions, first, second, max_cells=1)
    assert isinstance(path, SolutionPath)
    return path


@pytest.mark.parametrize("optimizer", WIDE)
def test_wide(benchmark: BenchmarkFixture, optimizer: str) -> None:
    """n = 20, d = 5, m = 500, projection included."""
    solutions, networks = trained(20, 5, 500, optimizer, WIDE[optimizer], 3000)
    path = benchmark.pedantic(lambda: joined(solutions, networks), rounds=3)
    benchmark.extra_info["segments"] = len(path.points) - 1
    assert path.max_loss == 0


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_check_of_a_wide_path(benchmark: BenchmarkFixture, optimizer: str) -> None:
    solutions, networks = trained(20, 5, 500, optimizer, WIDE[optimizer], 3000)
    document = certify(joined(solutions, networks))
    verdict = benchmark.pedantic(lambda: check(document, solutions.problem), rounds=3)
    assert verdict.kind == "path"


@pytest.mark.parametrize("optimizer", RADIUS)
def test_at_the_bound(benchmark: BenchmarkFixture, optimizer: str) -> None:
    """n = 6, d = 2, and the least width from which the theorem says the set is connected."""
    rho = RADIUS[optimizer]
    width = connected_from(data(6, 2), Ball(optimizer, Fraction(rho)))
    assert width is not None
    solutions, networks = trained(6, 2, width, optimizer, rho, 20_000, 64)
    path = benchmark.pedantic(lambda: joined(solutions, networks), rounds=3)
    benchmark.extra_info |= {"width": width, "segments": len(path.points) - 1}
    assert path.max_loss == 0
