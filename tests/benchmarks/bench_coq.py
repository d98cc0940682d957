"""Theorems of Coq: how long a file takes to write and to compile, and what memory.

`pytest tests/benchmarks/bench_coq.py -s` prints the tables of proofs_notes/coq.md; with
`-k "seed 7"` one row. Seconds are of CPU; memory is the most of any run so far.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import pytest
from coq_mutations import BALLS, documents
from problems import planted
from pytest_benchmark.fixture import BenchmarkFixture

from numerics.coq import compiled, coqc
from numerics.training.loop import train
from tests.benchmarks.bench_paths import WIDE, joined, trained
from theory import Ball, Network, Problem, analyse, certify, example
from theory.connectivity import SolutionSet
from theory.formal import written
from theory.landscape.cells import CellComplex
from theory.landscape.classify import Classifier
from theory.landscape.least import least
from theory.landscape.valleys import valleys

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


def flagship_path(within: Ball) -> dict[str, Any]:
    """Between the first two networks of 16 neurons that training finds in a ball."""
    problem = example("flagship")
    networks = train(problem, 16, within, seeds=2, steps=10_000).networks()
    first_two = [networks[run] for run in (0, 1)]
    return certify(joined(SolutionSet(problem, within, Fraction()), first_two))


def wide_path(optimizer: str) -> dict[str, Any]:
    """The same for n = 20, d = 5 and 500 neurons."""
    solutions, networks = trained(20, 5, 500, optimizer, WIDE[optimizer], 3000)
    return certify(joined(solutions, networks))


LINE = Problem([[x, 1] for x in range(-3, 3)], [2, 2, -4, 0, 4, 3])
VALLEYS: dict[str, tuple[Problem, int, Ball | None]] = {
    "`flagship`": (example("flagship"), 2, None),
    "`flagship`, `entrywise`, 11/5": (example("flagship"), 2, Ball("adamw", "11/5")),
    "n = 5, seed 1": (planted(5, 3, 3, 1)[0], 2, None),
    "n = 5, seed 1, `ngd`, 3": (planted(5, 3, 3, 1)[0], 2, Ball("ngd", 3)),
    "n = 6, seed 1": (planted(6, 3, 3, 1)[0], 2, None),
    "n = 7, seed 1": (planted(7, 3, 3, 1)[0], 2, None),
    "n = 7, seed 1, `entrywise`, 3": (planted(7, 3, 3, 1)[0], 2, Ball("adamw", 3)),
    "n = 5, seed 1, width 3": (planted(5, 3, 3, 1)[0], 3, None),
    "`line`": (LINE, 4, None),
}


RADII = {"adamw": 3, "colnorm": 6, "ngd": 12, "muon": 8, "muon-adamw": 6}
PATHS: dict[str, Callable[[], dict[str, Any]]] = {
    **{
        f"`flagship`, `{ball}`, rho = {rho}": partial(flagship_path, Ball(ball, rho))
        for ball, rho in RADII.items()
    },
    **{
        f"n = 20, d = 5, `{ball}`, rho = {WIDE[ball]}": partial(wide_path, ball)
        for ball in ("adamw", "ngd", "muon", "muon-adamw")
    },
}


def used() -> float:
    """CPU seconds of programs that were started and have ended."""
    of = resource.getrusage(resource.RUSAGE_CHILDREN)
    return of.ru_utime + of.ru_stime


def compile_(certificate: dict[str, Any]) -> tuple[str, float, float]:
    """The size of its file, and seconds to write and to compile it."""
    compiled("")  # the library, once
    start, before = time.process_time(), used()
    text = written(certificate).text
    write = time.process_time() - start
    found = compiled(text)
    assert found.accepted, found.errors
    return f"{len(text) / 1000:.0f} KB", write, used() - before


@pytest.mark.parametrize("name", CERTIFICATES)
def test_theorem(benchmark: BenchmarkFixture, name: str) -> None:
    certificate = CERTIFICATES[name]()
    size, write, check = benchmark.pedantic(lambda: compile_(certificate), rounds=1)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    parts = certificate.get("components", ())
    cells = sum(len(part["cells"]) for part in parts) or ""
    print(
        f"\n| {name} | {len(parts) or ''} | {cells} | {size} | {write:.1f} | {check:.1f} | "
        f"{memory:.0f} MB |"
    )


@pytest.mark.parametrize("name", VALLEYS)
def test_valleys(benchmark: BenchmarkFixture, name: str) -> None:
    problem, width, within = VALLEYS[name]
    certificate = certify(valleys(problem, width, within=within))
    size, write, check = benchmark.pedantic(lambda: compile_(certificate), rounds=1)
    print(
        f"\n| {name} | {width} | {len(certificate['valleys'])} | {size} | {write:.1f} | "
        f"{check:.1f} |"
    )


@pytest.mark.parametrize("name", PATHS)
def test_path(benchmark: BenchmarkFixture, name: str) -> None:
    certificate = PATHS[name]()
    size, write, check = benchmark.pedantic(lambda: compile_(certificate), rounds=1)
    print(
        f"\n| {name} | {certificate['width']} | {len(certificate['steps'])} | {size} | "
        f"{write:.2f} | {check:.1f} |"
    )


@pytest.mark.parametrize("where", BALLS)
def test_statements(benchmark: BenchmarkFixture, where: str) -> None:
    """The flagship: size and seconds of `coqc` of each statement that there is."""
    given = documents()
    problem, within = example("flagship"), BALLS[where]
    given[f"valleys {where}"] = certify(valleys(problem, 2, within=within))
    classifier = Classifier(problem, 2, within)
    around = classifier.of(Network([[1, 0], [0, 1]], [1, 1]))
    given[f"stationary {where}"] = certify(classifier.polished(around))
    kinds = ("barrier", "components", "minimum", "stationary", "valleys", "path")

    def row() -> list[str]:
        found = [given.get(f"{kind} {where}") for kind in kinds]
        done = [each and compile_(each) for each in found]
        return [f"{each[0]}, {each[2]:.1f}" if each else "" for each in done]

    print(f"\n| {where} | {' | '.join(benchmark.pedantic(row, rounds=1))} |")
