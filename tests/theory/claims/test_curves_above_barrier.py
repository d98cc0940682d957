"""The claim that no curve is below the exact barrier, and what would make it false."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from learned import Learner

from numerics.report.chapters import chapter, write_report
from numerics.training.curves import Curves, Pairs
from theory.certificates.checker import check
from theory.claims import CLAIMS, CurvesAboveBarrier, verify
from theory.claims.base import Observation, Prediction, Result
from theory.claims.curves_above_barrier import KINDS
from theory.claims.training import LearnCurves
from theory.landscape import analyse
from theory.landscape.analysis import Barrier
from theory.landscape.minimax import MinimaxPath

SHORT = CurvesAboveBarrier(searched=4)
LEARNER = Learner(steps=200)
LEARNED = ("polychain", "bezier")


def silent(stage: str, count: int) -> None:
    """Progress that nobody sees."""


@pytest.fixture(scope="module")
def result() -> Result[Any, Any]:
    return verify(SHORT, LEARNER)


@dataclass(frozen=True)
class Pretence:
    """Learned curves: the k-th pair's rise to factors[k] times the barrier, whatever the kind."""

    exact: Any
    factors: Any

    def __call__(self, asked: LearnCurves, progress: Any) -> Any:
        return dict.fromkeys(LEARNED, np.array(self.exact) * self.factors)


def observed(prediction: Prediction[Any], factors: np.ndarray) -> Observation[Any]:
    exact = [float(barrier.value) for barrier in prediction.evidence]
    trainer: Any = Pretence(exact, factors)
    return SHORT.observe(prediction, trainer, silent)


def test_it_holds_and_compares_what_it_predicts(result: Result[Any, Any]) -> None:
    assert result.holds
    assert result.prediction.values.keys() == result.observation.values.keys()
    assert set(result.observation.evidence) == set(KINDS) == {"linear", *LEARNED}
    assert len(result.prediction.evidence) == SHORT.pairs == 20
    assert len(result.prediction.certificates) == 5
    for name, certificate in result.prediction.certificates.items():
        check(certificate, result.prediction.problems[name])


def test_the_one_that_is_verified_connects_hundreds() -> None:
    verified = CLAIMS["curves-above-barrier"]
    assert isinstance(verified, CurvesAboveBarrier)
    assert verified.pairs >= 200


def test_networks_are_exact_fits_of_different_components(result: Result[Any, Any]) -> None:
    for barrier in result.prediction.evidence:
        assert barrier.losses == (0, 0)
        assert barrier.labelled
        analysis = analyse(barrier.problem, barrier.width, labelled=True)
        fits = [component.representative for component in analysis.components]
        first, second = (fits.index(network) for network in barrier.networks)
        assert analysis.barriers[first][second] == barrier.value > 0
    sizes = {(barrier.problem.n, barrier.width) for barrier in result.prediction.evidence}
    assert sizes == {(2, 2), (3, 2), (4, 2), (3, 3), (4, 3)}


def test_learned_curves_are_nearer_than_straight_lines(result: Result[Any, Any]) -> None:
    values: Mapping[str, Any] = result.observation.measured
    median = "barrier / maximum on the curve, median, "
    assert values[f"{median}linear"] < 0.6
    for kind in LEARNED:
        assert values[f"{median}{kind}"] > 0.9


def test_curves_through_the_exact_path_attain_the_barrier(result: Result[Any, Any]) -> None:
    """It is a polychain, as |a_j| = 1 in these networks; so the bound is not improvable."""
    for barrier in result.prediction.evidence:
        path = barrier.path.breakpoints
        control = torch.tensor(
            [[[*map(float, row)] for row in (*network.W, network.a)] for network in path],
            dtype=torch.float64,
        )
        pairs = Pairs.of([(barrier.problem, *barrier.networks)])
        assert control[[0, -1]].equal(pairs.ends[0])
        curve = Curves(pairs, "polychain", control[None])
        assert curve.maximum().item() == pytest.approx(float(barrier.value), rel=1e-9)


def test_what_is_observed_is_counted(result: Result[Any, Any]) -> None:
    factors = np.array([1.0, 1.005, 1.02, 3.0, 4.0] * 4)
    found = observed(result.prediction, factors)
    values = found.measured
    for kind in LEARNED:
        assert found.values[f"curves below the barrier, {kind}"] == 0
        assert values[f"barrier / maximum on the curve, largest, {kind}"] == pytest.approx(1)
        assert values[f"barrier / maximum on the curve, median, {kind}"] == pytest.approx(1 / 1.02)
        assert values[f"share of curves at most 1% above the barrier, {kind}"] == 0.4
        assert values[f"share of curves at least 2 times as high as the barrier, {kind}"] == 0.4
    assert SHORT.compare(result.prediction.values, found.values)
    assert not values.keys() & result.prediction.values.keys()


@pytest.mark.parametrize(
    ("factor", "below"), [(1 - 1e-12, 0), (1 - 1e-8, 1), (0.5, 1), (float("nan"), 1)]
)
def test_one_curve_below_makes_it_false(
    result: Result[Any, Any], factor: float, below: int
) -> None:
    """Rounding does not, and a loss that is no number is not taken for a curve above."""
    values = observed(result.prediction, np.array([2.0] * 19 + [factor])).values
    assert values["curves below the barrier, bezier"] == below
    assert SHORT.compare(result.prediction.values, values) is (factor == 1 - 1e-12)


def test_a_path_a_little_too_high_is_found_out(result: Result[Any, Any]) -> None:
    """Its highest loss would be the barrier, and learned curves are below."""
    raised = [replace(barrier, path=higher(barrier)) for barrier in result.prediction.evidence]
    prediction = replace(result.prediction, evidence=raised)
    observation = SHORT.observe(prediction, LEARNER, silent)
    below: Any = observation.values["curves below the barrier, polychain"]
    assert below > 5
    assert not SHORT.compare(prediction.values, observation.values)


def higher(barrier: Barrier) -> MinimaxPath:
    """The same path, but past a network of a loss that is at least 1 % larger."""
    points = list(barrier.path.breakpoints)
    k = max(range(len(points)), key=lambda k: points[k].loss(barrier.problem))
    points[k] = next(
        other
        for percent in range(1, 100)
        for factor in (Fraction(100 + percent, 100), Fraction(100 - percent, 100))
        for other in [replace(points[k], a=tuple(factor * v for v in points[k].a))]
        if other.loss(barrier.problem) >= barrier.value * Fraction(101, 100)
    )
    return replace(barrier.path, breakpoints=tuple(points))


def test_a_proof_that_is_not_valid_makes_it_false(result: Result[Any, Any]) -> None:
    changed = {**result.observation.values, "proof, n 4 width 3": "invalid: cut"}
    assert not SHORT.compare(result.prediction.values, changed)


def test_another_seed_is_another_search(result: Result[Any, Any]) -> None:
    other = replace(SHORT, searched=1, seed=1).predict(silent)
    seen = [barrier.problem for barrier in result.prediction.evidence]
    assert not any(barrier.problem in seen for barrier in other.evidence)


def test_page_has_the_pictures_and_how_to_check_data_without_a_name(
    result: Result[Any, Any], tmp_path: Path
) -> None:
    told = chapter(result, tmp_path, 0.0)
    write_report([told], tmp_path, {"command": ["isthmus"], "versions": {}})
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert (tmp_path / "curves-above-barrier.png").read_bytes().startswith(b"\x89PNG")
    for path in told.document["certificate"].values():
        assert f">isthmus check {path}</code>" in page
