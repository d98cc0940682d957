"""`make bench`: how two optimizers' regions meet, and the check of the proof."""

from __future__ import annotations

import pytest
from problems import planted
from pytest_benchmark.fixture import BenchmarkFixture

from theory import example
from theory.certificates import certify
from theory.certificates.checker import check
from theory.regions import Frontier, optimizer_regions


def frontier(name: str, pair: tuple[str, str], width: int | None, vertices: int = 8) -> Frontier:
    problem = planted(6, 3, 3, 1)[0] if name == "planted" else example(name)
    return optimizer_regions(problem, pair, width).frontier(vertices)


@pytest.mark.parametrize("width", [2, 3, 4, 5, 6, None])
def test_width(benchmark: BenchmarkFixture, width: int | None) -> None:
    """The flagship (n = 4, d = 2): 136 cells at width 2, 54,264 at width 6."""
    found = benchmark.pedantic(lambda: frontier("flagship", ("adamw", "muon"), width), rounds=2)
    benchmark.extra_info["vertices"] = len(found.vertices)
    assert all(vertex.upper is not None for vertex in found.vertices)


@pytest.mark.parametrize(
    "pair", [("adamw", "muon-adamw"), ("lion", "ngd"), ("muon", "ngd"), ("adamw", "sgd")]
)
def test_pair(benchmark: BenchmarkFixture, pair: tuple[str, str]) -> None:
    found = benchmark.pedantic(lambda: frontier("flagship", pair, 3), rounds=2)
    assert all(vertex.upper is not None for vertex in found.vertices)


def test_three_features(benchmark: BenchmarkFixture) -> None:
    """n = 6, d = 3, width 3: 45,760 cells."""
    found = benchmark.pedantic(lambda: frontier("planted", ("adamw", "muon"), 3, 5), rounds=1)
    assert all(vertex.upper is not None for vertex in found.vertices)


def test_check(benchmark: BenchmarkFixture) -> None:
    problem = example("flagship")
    document = certify(frontier("flagship", ("adamw", "muon"), 4))
    verdict = benchmark.pedantic(lambda: check(document, problem), rounds=3)
    assert verdict.kind == "regions"
