"""The claim about margins and training, and what would make it false."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from numerics.report.claims.margin import Ended, train_to_margin
from numerics.report.sheets import sheets_of
from numerics.training.trainer import trainer
from theory.claims import Margin, verify
from theory.claims.base import Result
from theory.claims.float_margins import float_margins
from theory.claims.margin import DATA, TrainToMargin, _margins
from theory.errors import Interrupted
from theory.pictures.style import style
from theory.types import silent

QUICK = Margin().quick()
FIVE = DATA["opposite-margins"]


@pytest.fixture(scope="module")
def result() -> Result[Any, Any]:
    return verify(QUICK, trainer)


def test_it_holds_and_the_labels_differ(result: Result[Any, Any]) -> None:
    assert result.holds
    assert result.prediction.values.keys() == result.observation.values.keys()
    labels = [
        result.observation.values[f"opposite-labels, {name}: label of the new point"]
        for name in ("adamw", "muon")
    ]
    assert labels == [1, -1]
    counts: Any = result.observation.measured
    assert counts["opposite-labels, muon: runs with all labels right"] > 0


def test_it_has_a_picture_of_each_data_set(result: Result[Any, Any]) -> None:
    """A line for each optimizer, through its best run first; none above the largest margin."""
    (sheet,) = sheets_of(result)
    assert len(sheet.pictures) == len(QUICK.data)
    draw, caption = sheet.pictures[0]
    assert caption.startswith("Margins divided by the norms")
    with style():
        axes = Figure().subplots()
        draw(axes)
    drawn = {
        str(line.get_label()): np.array(line.get_ydata(), dtype=float) for line in axes.lines[:-1]
    }
    assert set(drawn) == set(QUICK.optimizers)
    for name, heights in drawn.items():
        best: Any = result.observation.values[f"opposite-labels, {name}: margin of the best run"]
        largest = result.prediction.evidence["opposite-labels"].largest(name).upper
        assert heights[0] == pytest.approx(best / float(largest))
        assert np.all(np.diff(heights) <= 0)
        assert heights[0] <= 1 + 1e-9


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("opposite-labels: largest margins of AdamW, by component", (3.5,), (3.5001,)),
        ("opposite-labels, muon: margin of the best run", 2.2, 2.237),
        ("opposite-labels, adamw: margin of the best run", 3.44, 3.42),
        ("opposite-labels, adamw: component of the best run, by AdamW's margin in it", 3.5, -1),
        ("opposite-labels, adamw: label of the new point", 1, 0),
    ],
)
def test_an_observation_that_differs_makes_it_false(
    result: Result[Any, Any], key: str, good: Any, bad: Any
) -> None:
    for value, holds in ((good, True), (bad, False)):
        changed = {**result.observation.values, key: value}
        assert QUICK.compare(result.prediction.values, changed) is holds


def test_weight_decay_that_falls_too_fast_for_lion_makes_it_false() -> None:
    """Its runs then stay at margins of 4 and 2, four sevenths of the largest one."""
    fast = replace(QUICK, optimizers=("lion",), rho=256)
    found = verify(fast, trainer)
    assert not found.holds
    assert found.observation.values[
        "opposite-labels, lion: margin of the best run"
    ] == pytest.approx(2, abs=1e-6)


def test_too_few_steps_make_it_false() -> None:
    assert not verify(replace(QUICK, steps=60), trainer).holds


def test_optimizers_end_in_different_components() -> None:
    """The other components of the five points have smaller margins."""
    brute = float_margins(FIVE.problem, FIVE.width)
    assert brute.margins == pytest.approx([1, 12 / 11])
    homes = []
    for name in ("adamw", "muon"):
        asked = TrainToMargin(FIVE.problem, FIVE.width, name, 32, 2000, 64)
        runs = train_to_margin(asked, silent)
        best = int(_margins(FIVE.problem, name, runs).argmax())
        homes.append(brute.home(runs.W[best], runs.a[best]))
    assert homes == [1, 0]


def test_an_interrupt_ends_training_and_the_claim() -> None:
    def progress(stage: str, count: int) -> None:
        if stage.startswith("training") and count == 3:
            raise Interrupted

    asked = TrainToMargin(FIVE.problem, FIVE.width, "ngd", 2, 10, 4)
    assert not train_to_margin(asked, progress).complete
    with pytest.raises(Interrupted, match="^interrupted$"):
        verify(QUICK, trainer, progress)


def test_margins_of_networks_by_hand() -> None:
    """One neuron along each point of XOR: f is 2 or -2, divided by norms."""
    problem = DATA["xor"].problem
    W = np.array([[[1.0, -1.0, 1.0, -1.0], [1.0, -1.0, -1.0, 1.0]]])
    runs = Ended(W, np.array([[1.0, 1.0, -1.0, -1.0]]), complete=True)
    for name, value in {"adamw": 2, "muon": 2 / (2 * 2), "ngd": 2 / (8**0.5 * 2)}.items():
        assert _margins(problem, name, runs) == pytest.approx([value])
