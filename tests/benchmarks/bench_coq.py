"""Theorems of Coq: how long a file takes to write and to compile, and what memory.

`pytest tests/benchmarks/bench_coq.py -s` prints the table of proofs_notes/coq.md; with
`-k "seed 7"` one row. Seconds are of CPU; memory is the most of any run so far.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from problems import planted
from pytest_benchmark.fixture import BenchmarkFixture

from numerics.coq import compiled, coqc
from theory import Ball, Problem, analyse, certify, example
from theory.formal import written
from theory.landscape.cells import CellComplex
from theory.landscape.least import least

pytestmark = pytest.mark.skipif(coqc() is None, reason="coqc is not on the path")


def components(n: int, seed: int, entries: int = 5, level: int = 0) -> dict[str, Any]:
    """Of the networks of three neurons and three inputs, up to a loss on planted data."""
    return certify(analyse(planted(n, 3, 3, seed, entries=entries)[0], 3, level=level))


def minimum(problem: Problem, width: int, within: Ball | None = None) -> dict[str, Any]:
    return certify(least(CellComplex.of(problem, width, within=within)))


CERTIFICATES: dict[str, Callable[[], dict[str, Any]]] = {
    "`flagship`": lambda: certify(analyse(example("flagship"))),
    "n = 8, seed 1": lambda: components(8, 1),
    "n = 8, seed 4": lambda: components(8, 4),
    "n = 8, seed 20, entries <= 3": lambda: components(8, 20, 3),
    "n = 8, seed 205, entries <= 3": lambda: components(8, 205, 3),
    "n = 10, seed 2": lambda: components(10, 2),
    "n = 10, seed 7": lambda: components(10, 7),
    "n = 10, seed 7, entries <= 3, loss <= 1": lambda: components(10, 7, 3, 1),
    "`diabetes-bmi`, least loss of one neuron": lambda: minimum(example("diabetes-bmi"), 1),
    **{
        f"n = 5, seed 1, least loss in `{ball}`": partial(
            minimum, planted(5, 3, 3, 1)[0], 3, Ball(ball, 1)
        )
        for ball in ("colnorm", "ngd", "muon", "muon-adamw")
    },
}


def used() -> float:
    """CPU seconds of programs that were started and have ended."""
    of = resource.getrusage(resource.RUSAGE_CHILDREN)
    return of.ru_utime + of.ru_stime


@pytest.mark.parametrize("name", CERTIFICATES)
def test_theorem(benchmark: BenchmarkFixture, name: str) -> None:
    certificate = CERTIFICATES[name]()
    compiled("")  # the library, once
    start, before = time.process_time(), used()
    text = written(certificate).text
    write = time.process_time() - start
    found = benchmark.pedantic(lambda: compiled(text), rounds=1)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    parts = certificate.get("components", ())
    cells = sum(len(part["cells"]) for part in parts) or ""
    print(
        f"\n| {name} | {len(parts) or ''} | {cells} | {len(text) / 1000:.0f} KB | {write:.1f} | "
        f"{used() - before:.1f} | {memory:.0f} MB |"
    )
    assert found.accepted, found.errors
