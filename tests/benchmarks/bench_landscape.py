"""`make bench`: whole barrier matrices of planted problems, certificates and their check.

A planted problem has integer entries up to 5, and a random network of the width fits it exactly.
"""

from __future__ import annotations

import resource
import time
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from problems import LOSSES, having, planted
from pytest_benchmark.fixture import BenchmarkFixture

from theory.certificates import certify
from theory.certificates.checker import check
from theory.landscape import Analysis, analyse, valleys
from theory.landscape.cells import UNTIL_STOPPED
from theory.loading import example
from theory.losses import Loss
from theory.problem import Problem
from theory.within import Ball

SHAPES = [(6, 2, 3), (8, 3, 3), (10, 3, 3)]


def memory() -> int:
    """The largest memory this process has used so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@pytest.mark.parametrize("labelled", [False, True])
def test_flagship(benchmark: BenchmarkFixture, labelled: bool) -> None:
    analysis = benchmark(lambda: analyse(example("flagship"), 2, labelled=labelled))
    assert len(analysis.components) == (4 if labelled else 2)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_barrier_matrix(
    benchmark: BenchmarkFixture, shape: tuple[int, int, int], seed: int
) -> None:
    problem, _ = planted(*shape, seed)
    analysis = benchmark.pedantic(lambda: analyse(problem, shape[2]), rounds=3)
    benchmark.extra_info |= {
        "cells": analysis.cells,
        "components": len(analysis.components),
        "memory (MiB)": memory(),
    }
    assert analysis.minimum == 0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("loss", LOSSES)
def test_other_losses(benchmark: BenchmarkFixture, loss: str, seed: int) -> None:
    """Eight points in space at width 3, up to 270,000 cells; random labels where a loss wants
    them. Seconds of CPU are beside those of the clock."""
    problem, _ = planted(8, 3, 3, seed)
    if "hinge" in loss:
        labels = np.random.default_rng(seed).choice([-1, 1], 8)
        problem = having(problem, y=tuple(map(Fraction, labels.tolist())))
    problem = having(problem, loss=Loss.named(loss))
    started = time.process_time()
    analysis = benchmark.pedantic(lambda: analyse(problem, 3), rounds=1)
    benchmark.extra_info |= {
        "CPU (s)": round(time.process_time() - started, 2),
        "cells": analysis.cells,
        "components": len(analysis.components),
        "minima": analysis.complex.domain.solved(),
    }
    assert analysis.complete


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("shape", [(10, 3, 4), (12, 4, 3), (16, 3, 4)], ids=str)
def test_beyond_enumeration(
    benchmark: BenchmarkFixture, shape: tuple[int, int, int], seed: int
) -> None:
    """Up to billions of cells, of which almost all are covered and never visited."""
    problem, _ = planted(*shape, seed)
    analysis = benchmark.pedantic(
        lambda: analyse(problem, shape[2], max_cells=UNTIL_STOPPED), rounds=1
    )
    benchmark.extra_info |= {
        "cells": analysis.cells,
        "minima": analysis.complex.domain.solved(),
        "memory (MiB)": memory(),
    }
    assert analysis.minimum == 0


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("all_valleys", [False, True], ids=["barriers", "valleys"])
def test_regression_on_a_line(benchmark: BenchmarkFixture, all_valleys: bool, seed: int) -> None:
    """Forty points and a bias, at width 3: 700,000 cells, all of which valleys look at."""
    generator = np.random.default_rng(seed)
    X = [[x, 1] for x in range(-20, 20)]
    problem = Problem(X, generator.integers(-5, 6, 40).tolist())
    work = partial(valleys if all_valleys else analyse, problem, 3)
    found = benchmark.pedantic(work, rounds=1)
    benchmark.extra_info |= {"memory (MiB)": memory()}
    assert found.complete


@pytest.mark.parametrize("step", ["certify", "check"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_certificate(benchmark: BenchmarkFixture, shape: tuple[int, int, int], step: str) -> None:
    problem, _ = planted(*shape, seed=2)
    analysis = analyse(problem, shape[2])
    document = certify(analysis)
    work = (lambda: certify(analysis)) if step == "certify" else (lambda: check(document, problem))
    benchmark.pedantic(work, rounds=3)
    benchmark.extra_info |= {"faces": sum(len(cut["faces"]) for cut in document["cuts"])}


@pytest.mark.parametrize("ball", ["adamw", "muon", "muon-adamw", "ngd", "colnorm"])
@pytest.mark.parametrize("shape", [(4, 2, 2), (6, 2, 3)], ids=str)
def test_within_a_ball(benchmark: BenchmarkFixture, shape: tuple[int, int, int], ball: str) -> None:
    problem, _ = planted(*shape, seed=3)

    def run() -> Analysis:
        return analyse(problem, shape[2], within=Ball(ball, Fraction(40)))

    analysis = benchmark.pedantic(run, rounds=3)
    benchmark.extra_info |= {
        "programs": analysis.complex.domain.solved(),
        "width of the minimum": float(analysis.minimum - analysis.proved),
    }
    assert float(analysis.minimum) < 1e-6
