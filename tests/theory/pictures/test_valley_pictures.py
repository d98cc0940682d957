"""Merge trees as pictures: valleys where they belong, no line crossed, runs at their valleys."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure
from problems import REGRESSION

from numerics.pictures.valleys import both
from theory.landscape.valleys import Valleys, valleys
from theory.loading import example
from theory.pictures.valleys import (
    draw_counts,
    draw_disconnectivity_graph,
    draw_persistence,
    draw_shares,
)
from theory.problem import Problem
from theory.within import Ball


@pytest.fixture(scope="module")
def tree() -> Valleys:
    return valleys(REGRESSION, 3)


def segments(figure: Figure) -> tuple[list[tuple[float, ...]], list[tuple[float, ...]]]:
    """The upright and the level lines of the first axes, as (at, from, to)."""
    upright, level = [], []
    for line in figure.axes[0].lines:
        x, y = (np.asarray(values, dtype=float) for values in line.get_data())
        if len(x) == 2 and x[0] == x[1]:
            upright.append((x[0], *sorted(y)))
        elif len(x) == 2:
            level.append((y[0], *sorted(x)))
    return upright, level


def test_each_valley_reaches_from_its_bottom_to_its_way_out(tree: Valleys) -> None:
    figure = Figure()
    draw_disconnectivity_graph(figure.subplots(), tree)
    upright, level = segments(figure)
    assert len(upright) == len(tree.valleys)
    assert len(level) == len(tree.valleys) - 1
    expected = sorted((float(v.birth), float(v.death)) for v in tree.valleys if v.death is not None)
    drawn = sorted((low, high) for _, low, high in upright)
    for bar in expected:
        assert min(np.abs(np.subtract(bar, each)).max() for each in drawn) < 1e-12


def test_no_line_crosses_another(tree: Valleys) -> None:
    figure = Figure()
    draw_disconnectivity_graph(figure.subplots(), tree)
    upright, level = segments(figure)
    for height, left, right in level:
        assert not [x for x, low, high in upright if left < x < right and low < height < high]
    assert len({x for x, _, _ in upright}) == len(upright)
    for (a, low, high), (b, other_low, other_high) in combinations(level, 2):
        assert a != b or high <= other_low or other_high <= low or low == other_low


def test_runs_stand_at_their_valleys() -> None:
    figure = Figure()
    ball = valleys(example("flagship"), 2, within=Ball("adamw", "11/5"))
    axes = figure.subplots()
    draw_disconnectivity_graph(axes, ball, {"adamw": {0: 25, 1: 11}, "muon": {2: 95}})
    assert sorted(text.get_text() for text in axes.texts) == ["11", "25", "95"]
    assert "3 valleys, width 2, adamw, rho = 11/5" in axes.get_title()


def test_persistence_shows_each_valley_but_the_global_one(tree: Valleys) -> None:
    figure = Figure()
    axes = figure.subplots()
    draw_persistence(axes, tree)
    points = np.array(axes.lines[1].get_xydata(), dtype=float)
    assert len(points) == len(tree.valleys) - 1
    assert (points[:, 1] > points[:, 0]).all()


def test_one_valley_is_a_picture_too() -> None:
    figure = both(valleys(Problem([[1]], [1]), 1))
    figure.draw_without_rendering()
    assert [axes.get_xlabel() for axes in figure.axes] == ["valley", "loss at the bottom"]


def test_numbers_of_valleys_stand_at_their_radius_and_width() -> None:
    axes = Figure().subplots()
    radii = [Fraction(1, 4), Fraction(2)]
    draw_counts(axes, [[3, 1], [6, 2], [9, 4]], radii, most=12, title="two")
    shown = {text.get_position(): text.get_text() for text in axes.texts}
    assert shown[1, 2] == "4"
    assert shown[0, 1] == "6"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1/4", "2"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["1", "2", "3"]


def test_shares_of_both_kinds_stand_above_their_width() -> None:
    axes = Figure().subplots()
    half, third = Fraction(1, 2), Fraction(1, 3)
    draw_shares(axes, {"anywhere": ([half, third], [0 * half, half])}, title="two")
    drawn = [np.asarray(line.get_ydata(), dtype=float).tolist() for line in axes.lines]
    assert drawn == [[1 / 2, 1 / 3], [0, 1 / 2]]
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["global, anywhere", "bad, anywhere"]
