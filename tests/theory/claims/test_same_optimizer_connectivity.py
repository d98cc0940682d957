"""The claim about paths between trained networks: it holds, and can be false."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from numerics.training.trainer import trainer
from theory.claims import CLAIMS, SameOptimizerConnectivity, verify
from theory.claims.base import VALID, Result, proof
from theory.claims.same_optimizer_connectivity import CONNECTED
from theory.connectivity import connected_from
from theory.loading import example
from theory.network import Network
from theory.within import Ball, Penalty


class Short(SameOptimizerConnectivity):
    """Trained for less long, as networks are moved into the set anyway; wide ones of one optimizer
    a ball, which AdamW shares with Lion."""

    def cases(self) -> Iterator[Any]:
        for case in super().cases():
            if case.width != self.wide or case.within.optimizer != "lion":
                yield replace(case, seeds=16, steps=800)


class Muon(SameOptimizerConnectivity):
    """One of the cases."""

    def cases(self) -> Iterator[Any]:
        yield next(case for case in super().cases() if case.within.optimizer == "muon")


NARROW = Short(wide=80)


@pytest.fixture(scope="module")
def result() -> Result[Any, Any]:
    return verify(NARROW, trainer)


def test_it_holds_for_every_optimizer_at_the_bound_and_above(result: Result[Any, Any]) -> None:
    assert result.holds
    names = list(result.observation.evidence)
    assert {name.split(",")[0] for name in names} == {
        *("adamw", "lion", "signsgd", "muon", "muon-adamw", "colnorm", "ngd", "sgd")
    }
    assert [name for name in names if name.endswith("width 80")] == [
        "adamw, width 80",
        "muon, width 80",
    ]
    wide = [
        case.within.optimizer for case in SameOptimizerConnectivity().cases() if case.width == 500
    ]
    assert wide == ["adamw", "lion", "muon"]
    flagship = example("flagship")
    for optimizer, rho in (("adamw", 3), ("muon", 8), ("ngd", 12), ("sgd", None)):
        width = connected_from(flagship, Penalty(1) if rho is None else Ball(optimizer, rho))
        assert result.prediction.values[f"{optimizer}, width {width}"] == CONNECTED


def test_paths_join_what_was_trained_and_have_proofs(result: Result[Any, Any]) -> None:
    for case in NARROW.cases():
        path = result.observation.evidence[case.name]
        assert len(path.points[0]) == case.width
        assert path.solutions.within == case.within
        assert result.observation.certificates[case.name]["kind"] == "path"
        assert result.observation.values[proof(case.name)] == VALID
        assert path.ends[0] != path.ends[1]
        if case.within.rho is not None:
            assert path.max_loss == 0


def untrained(asked: Any, progress: Any) -> Any:
    """Networks far from every solution."""
    zero = Network(W=[[0] * asked.width for _ in range(asked.problem.d)], a=[0] * asked.width)
    return [zero, zero]


def test_without_solutions_it_is_false_and_says_why() -> None:
    result = verify(Muon(), untrained)
    assert not result.holds
    said = str(result.observation.values["muon, width 8"])
    assert "no network of the solution set was found" in said
    assert proof("muon, width 8") not in result.observation.values


def test_it_is_registered() -> None:
    assert CLAIMS["same-optimizer-connectivity"] == SameOptimizerConnectivity(wide=500)
