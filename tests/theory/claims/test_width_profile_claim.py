"""Profiles that are not monotone, and what would break the claim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from numerics.report.chapters import chapter, write_report
from numerics.training.trainer import trainer
from theory.claims import WidthProfile, verify
from theory.claims.base import Result
from theory.claims.instances import instance, profiled
from theory.pictures import widths as plots

FIRST = instance("non-monotone", "adamw", "1/2")
LAST = instance("non-monotone-colnorm", "colnorm", "3/5")
SHORT = WidthProfile({FIRST: 4, LAST: 3})


@pytest.fixture(scope="module")
def result() -> Result[Any, Any]:
    return verify(SHORT, trainer)


def test_it_holds(result: Result[Any, Any]) -> None:
    assert result.holds
    values = result.prediction.values
    assert SHORT.counts(values, FIRST) == ((0, 1, 2, 1), (0, 1, 4, 1))
    assert SHORT.counts(values, LAST) == ((0, 1, 2), (0, 1, 4))
    assert SHORT.bound(FIRST) == 4
    assert SHORT.bound(LAST) is None
    assert len(result.prediction.certificates) == 5


def test_the_instances_are_at_widths_that_are_counted() -> None:
    for each, widths in profiled().items():
        assert each.width <= widths
        assert str(each.rho) in each.where
        assert "/" not in each.label
    assert len({each.where for each in profiled()}) == len(profiled())
    assert FIRST in profiled()


WHERE = "non-monotone in adamw's ball rho = 1/2"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (f"components by width, labelled, {WHERE}", (0, 1, 4, 2)),
        (f"last disconnected width is below the theorem's, {WHERE}", 4.0),
        ("proof, non-monotone adamw rho 1-2 width 3", "invalid: components"),
        (
            f"radii from and below which the components at width 3 are these, {WHERE}",
            (0.4, 0.66),
        ),
    ],
)
def test_an_observation_that_differs_makes_it_false(
    result: Result[Any, Any], key: str, value: Any
) -> None:
    assert key in result.observation.values
    assert not SHORT.compare(result.prediction.values, {**result.observation.values, key: value})


def test_a_profile_that_is_monotone_is_not_enough() -> None:
    steady = WidthProfile({instance("split-by-adamw-3", "adamw", "4/5"): 3})
    found = verify(steady, trainer)
    assert found.prediction.values.keys() == found.observation.values.keys()
    assert not found.holds


def test_the_report_draws_each_instance(result: Result[Any, Any], tmp_path: Path) -> None:
    told = chapter(result, tmp_path, 0.0)
    write_report([told], tmp_path, {"command": ["isthmus"], "versions": {}})
    assert (tmp_path / "width-profile.png").stat().st_size > 1000
    page = (tmp_path / "index.html").read_text()
    for each in SHORT.instances:
        assert f"{each.name}: {each.optimizer}, rho = {each.rho}. Components" in page
    assert "theorem names width 4" in page
    assert "no width is known" in page
    assert all(Path(path).exists() for path in told.document["certificate"].values())


def test_the_staircase() -> None:
    axes = Figure().subplots()
    counts = {"labelled": (0, 1, 4), "modulo permutation": (0, 1, 2)}
    plots.draw_width_profile(axes, counts, bound=5, title="a profile")
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == [*counts, "connected from here on, by theorem"]
    assert [text.get_text() for text in axes.texts] == ["empty"]
    assert axes.get_xlim()[1] > 5
    alone = Figure().subplots()
    plots.draw_width_profile(alone, counts, bound=40, title="a bound out of sight")
    assert alone.get_xlim()[1] < 4
