"""`make bench`: the class of one network on real data, with proof."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from numerics.studies.datasets import dataset
from numerics.training.loop import train
from theory.certificates import certify
from theory.certificates.checker import check
from theory.landscape.classify import Classifier
from theory.network import Network
from theory.within import Ball


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_diabetes(benchmark: BenchmarkFixture, optimizer: str) -> None:
    """n = 353, d = 10, width 8: how far a trained network is above the least of its cell."""
    data, ball = dataset("diabetes").train, Ball(optimizer, 1 if optimizer == "adamw" else 6)
    result = train(data, 8, ball, seeds=1, steps=4000)
    network = Network.from_floats(result.W[0], result.a[0])
    found = benchmark.pedantic(lambda: Classifier(data, 8, ball).of(network), rounds=1)
    lower, upper = found.cell_minimum
    assert upper - lower <= upper / 10**6
    benchmark.extra_info |= {"verdict": found.verdict, "above": float(found.distance)}


@pytest.mark.parametrize("optimizer", ["adamw", "muon", "muon-adamw"])
def test_the_way_down(benchmark: BenchmarkFixture, optimizer: str) -> None:
    """To a local minimum of the same data, in AdamW's ball exactly, and its certificate."""
    radii = {"adamw": 1, "muon": 6, "muon-adamw": 3}
    data, ball = dataset("diabetes").train, Ball(optimizer, radii[optimizer])
    result = train(data, 8, ball, seeds=1, steps=4000)
    classifier = Classifier(data, 8, ball)
    start = classifier.of(Network.from_floats(result.W[0], result.a[0]))
    found = benchmark.pedantic(lambda: classifier.polished(start), rounds=1)
    assert found.slack is not None
    assert found.slack <= (0 if optimizer == "adamw" else data.squared_length / 10**6)
    assert check(certify(found), data).statement.startswith("the network")
    benchmark.extra_info |= {"loss": float(found.loss), "start": float(start.loss)}
