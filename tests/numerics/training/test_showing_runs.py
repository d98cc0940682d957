"""Runs show themselves: a row for each, with the component where it landed."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from numerics.training import Runs, train_runs
from theory import Ball, analyse, example, valleys


@pytest.fixture(scope="module")
def runs() -> Runs:
    return train_runs(analyse(example("flagship"), 2), Ball("lion", "11/5"), seeds=24, steps=2000)


def test_a_line(runs: Runs) -> None:
    assert repr(runs) == (
        f"<Runs: lion, rho = 11/5, width 2: 24 runs, {runs.at_minimum} at the least loss>"
    )
    unknown = replace(runs, landing=None, minimum=None)
    assert repr(unknown).endswith(f", {unknown.zero_loss} at zero loss>")


def test_a_table_of_all(runs: Runs) -> None:
    frame = runs.to_dataframe()
    assert frame["loss"].tolist() == runs.result.loss.tolist()
    landed = frame["component"].value_counts().to_dict()
    assert landed == {component: count for component, count in runs.landed.items() if count}
    table = ElementTree.fromstring(runs._repr_html_())
    assert [row.text for row in table.iter("td")][-1] == "and 4 more"


def test_names_of_ends_where_they_are_known(runs: Runs) -> None:
    tree = valleys(example("flagship"), 2, within=Ball("lion", "11/5"))
    frame = runs.named(tree).to_dataframe()
    assert set(frame.columns) - set(runs.to_dataframe().columns) == {"end", "valley"}
    assert frame["valley"].dropna().isin([valley.id for valley in tree.valleys]).all()


def test_a_picture(runs: Runs) -> None:
    axes = Figure().subplots()
    assert runs.plot(axes) is axes
    bars = [bar for bar in axes.patches if isinstance(bar, Rectangle)]
    assert sum(bar.get_width() for bar in bars) == runs.count
    assert not pyplot.get_fignums()
