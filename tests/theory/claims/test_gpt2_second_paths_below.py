"""What is below the chord, and ensembles, by hand; the paper's numbers are within the bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from gpt2_second import second

from numerics.training.trainer import trainer
from theory.claims import Gpt2SecondBeyond, Gpt2SecondEnsembles, verify
from theory.claims.base import Result
from theory.claims.gpt2_second_beyond import heights

T = [k / 10 for k in range(11)]

# Heights above the chord, read off the paper's figure: to Stories, and to WikiText-103.
FIGURE = {
    "enwik8": {
        "in": [0, 0.005, 0.021, 0.0245, 0.017, 0.0195, 0.006, 0.001, -0.0035, -0.005, 0],
        "out": [0, 0.0005, 0.0095, 0.006, -0.0025, 0.009, -0.016, -0.0215, -0.022, -0.0155, 0],
    },
    "Stories": {
        "in": [0, 0.032, 0.034, 0.007, -0.0145, -0.0165, -0.018, -0.011, -0.005, -0.003, 0],
        "out": [0, 0.019, 0.004, -0.0355, -0.0605, -0.051, -0.059, -0.045, -0.028, -0.014, 0],
    },
}

# Perplexities of its table: the better end, the best point, both ends averaged, all three.
TABLE = {
    "adamw-adamw": (54.61, 53.33, 52.49, 51.76),
    "muon-muon": (53.58, 52.29, 51.35, 50.64),
    "adamw-muon": (53.63, 52.19, 51.76, 51.06),
}
NAMES = ("best end", "best point", "ends averaged", "three averaged")


def crossing(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [pair for pair in document["pairs"].values() if pair["cell"] == "adamw-muon"]


def beyond(above: dict[str, list[float]]) -> Result[Any, Any]:
    """Of polychains of these heights above a chord from 4 to 3."""
    document = second()
    for pair in crossing(document):
        losses = {
            text: [4 - t + height for t, height in zip(T, own, strict=True)]
            for text, own in above.items()
        }
        pair["curves"]["polychain"] |= {"t": T, "loss": losses}
    return verify(Gpt2SecondBeyond(document), trainer)


def test_heights_are_above_the_chord_and_not_above_a_mean() -> None:
    t, on, above = [0, 0.25, 1], [4.0, 3.0, 0.0], [0.0, 2.0, 4.0]
    curve = {"t": t, "loss": {"in": on, "out": above}}
    assert heights(curve, "in") == [0, 0, 0]
    assert heights(curve, "out") == [0, 1, 0]


@pytest.mark.parametrize("name", FIGURE)
def test_the_paper_is_within_the_bounds_of_depths(name: str) -> None:
    result = beyond(FIGURE[name])
    assert result.holds
    depth = result.observation.values["mean depth below the chord, out of distribution"]
    assert depth == pytest.approx({"enwik8": 0.022, "Stories": 0.0605}[name])


def test_a_path_that_is_nowhere_below_has_no_depth() -> None:
    bump = [0.1 * t * (1 - t) for t in T]
    result = beyond({"in": bump, "out": bump})
    assert not result.holds
    depth = result.observation.values["mean depth below the chord, out of distribution"]
    assert depth == pytest.approx(0, abs=1e-12)


def test_beside_depths_is_what_else_may_be_below() -> None:
    document = second()
    above = {"mean": -0.02, "std": None, "n": 1, "values": [-0.02, None, None, None]}
    document["cells"]["adamw-muon"]["polychain"]["middle above ends trained on"] = {"out": above}
    beside = verify(Gpt2SecondBeyond(document), trainer).observation.measured
    assert beside["middle above ends trained on, out of distribution"] == -0.02
    assert beside["depths of pairs, out of distribution"] == pytest.approx((0.04,) * 4)
    assert beside["depths of pairs, in distribution"] == pytest.approx((0.01,) * 4)
    assert beside["mean depth out of distribution, straight line"] == pytest.approx(0.08)
    assert beside["mean depth out of distribution, muon-muon"] == pytest.approx(0.04)


def averaged(table: Mapping[str, tuple[float, ...]]) -> Result[Any, Any]:
    document = second()
    for pair in document["pairs"].values():
        if pair["cell"] in table:
            losses = dict(zip(NAMES, map(math.log, table[pair["cell"]]), strict=True))
            pair["ensembles"]["loss"]["in"] |= losses
    return verify(Gpt2SecondEnsembles(document), trainer)


def test_the_paper_is_within_the_bounds_of_ensembles() -> None:
    result = averaged(TABLE)
    assert result.holds
    beside = result.observation.measured
    for cell, row in TABLE.items():
        for name, perplexity in zip(NAMES, row, strict=True):
            told = beside[f"mean perplexity, {name}, {cell}, in distribution"]
            assert told == pytest.approx(perplexity)


def test_pairs_out_of_order_are_counted_and_equal_is_not_below() -> None:
    best, point, ends, three = TABLE["muon-muon"]
    found = averaged({**TABLE, "muon-muon": (best, best, ends, three)}).observation.values
    assert found["pairs of 12 where best point is not below best end"] == 4
    assert found["pairs of 12 where ends averaged is not below best point"] == 0
    found = averaged({**TABLE, "muon-muon": (best, point, ends, ends)}).observation.values
    assert found["pairs of 12 where three averaged is not below ends averaged"] == 4
    # Four gains are zero: whatever their signs, the sum is as large.
    name = "p, signs of ends averaged less three averaged, pairs of one optimizer"
    assert found[name] == pytest.approx(1 / 16)


def test_a_third_model_stands_beside_the_point() -> None:
    document = second()
    beside = verify(Gpt2SecondEnsembles(document), trainer).observation.measured
    name = "mean loss with a third model less that with the point"
    assert beside[name] == pytest.approx(-0.01)
    for pair in document["pairs"].values():
        for losses in pair["ensembles"]["loss"].values():
            del losses["three models averaged"]
    assert name not in verify(Gpt2SecondEnsembles(document), trainer).observation.measured
