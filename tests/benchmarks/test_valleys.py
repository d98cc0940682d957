"""`make bench`: whole merge trees of planted problems, and names for runs that have ended."""

from __future__ import annotations

import json
import resource
from collections import Counter

import numpy as np
import pytest
from problems import planted
from pytest_benchmark.fixture import BenchmarkFixture

from numerics.training.loop import train
from theory.certificates import certify
from theory.certificates.checker import check
from theory.landscape import valleys
from theory.landscape.ends import Ends
from theory.loading import example
from theory.problem import Problem
from theory.within import Ball, Penalty, Within


def test_flagship(benchmark: BenchmarkFixture) -> None:
    tree = benchmark(lambda: valleys(example("flagship"), 2))
    assert len(tree.valleys) == 2


@pytest.mark.parametrize("n", [8, 10])
def test_planted(benchmark: BenchmarkFixture, n: int) -> None:
    """240,464 and 988,260 cells."""
    problem, _ = planted(n, 3, 3, 2)
    tree = benchmark.pedantic(lambda: valleys(problem, 3), rounds=1)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    benchmark.extra_info |= {
        "cells": tree.cells,
        "valleys": len(tree.valleys),
        "memory (MiB)": used,
    }
    assert tree.minimum == 0


@pytest.mark.parametrize("within", [Ball("colnorm", 6), Penalty("1/2")], ids=str)
def test_proofs_where_minima_are_intervals(benchmark: BenchmarkFixture, within: Within) -> None:
    """The check of 17,550 cells."""
    problem = Problem([[x, 1] for x in range(-3, 3)], [2, 2, -4, 0, 4, 3])
    tree = valleys(problem, 4, within=within)
    text = json.dumps(certify(tree), separators=(",", ":"))
    verdict = benchmark.pedantic(lambda: check(json.loads(text), problem), rounds=1)
    assert "exactly" in verdict.statement
    benchmark.extra_info |= {
        "valleys": len(tree.valleys),
        "points": len(json.loads(text)["points"]),
        "bytes": len(text),
    }


def test_names_of_ten_thousand_runs(benchmark: BenchmarkFixture) -> None:
    """Trained for a while, so that some are on kinks and some still moving, a little apart."""
    problem = example("separation-08")
    tree = valleys(problem, 2, within=Ball("adamw", 3))
    result = train(problem, 2, Ball("adamw", 3), seeds=200, steps=5000)
    noise = np.random.default_rng(0).normal(scale=1e-6, size=(50, 1, 1, 1))
    W = (result.W + noise).reshape(-1, *result.W.shape[1:])
    a = np.tile(result.a, (50, 1))
    step = result.config.schedule(5000)
    ends = benchmark.pedantic(lambda: Ends(tree, step=step).of(W, a), rounds=1)
    kinds = Counter(end.kind for end in ends)
    benchmark.extra_info |= kinds
    assert kinds["kink"] > 1000
    assert len(ends) == 10_000
