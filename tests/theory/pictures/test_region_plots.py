"""Pictures of two regions: what they show is what is proved, and labels say it without colour."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise, product
from typing import Any, TypeAlias

import numpy as np
import pytest
from drawing import draw
from matplotlib.patches import Polygon

from numerics.pictures.regions import draw_regions
from theory.geometry import names
from theory.loading import example
from theory.pictures.regions import both_regions, needed, phase_diagram
from theory.problem import Problem
from theory.regions import Frontier, Regions, optimizer_regions
from theory.regions.balls import ball_of

Axes: TypeAlias = Any
"""Matplotlib's, whose artists are of more kinds than their types say."""

# The hatches of overlap, disjoint, one empty, both empty.
ALL = "plain /// -- xx"
HATCHES = {(0, "overlap"): "plain", (0, "disjoint"): "///", (1, "empty"): "--", (2, "empty"): "xx"}

PAIRS = (
    ("two-regions", ("adamw", "muon"), 2, ALL),
    ("two-regions", ("adamw", "muon"), None, "plain --"),  # adamw reaches everything
    ("two-regions", ("muon-adamw", "muon"), None, "plain /// --"),
    ("flagship", ("muon", "ngd"), None, ALL),
    ("flagship", ("muon", "adamw"), 2, ALL),
    ("flagship", ("adamw", "sgd"), 2, ALL),
)


def found(name: str, optimizers: tuple[str, str], width: int | None) -> Regions:
    return optimizer_regions(example(name), optimizers, width)


@pytest.fixture(scope="module")
def frontier() -> Frontier:
    return found("two-regions", ("adamw", "muon"), 2).frontier(6)


def texts(axes: Axes) -> list[str]:
    """Of the picture and what is enlarged in it."""
    return [text.get_text() for each in (axes, *axes.child_axes) for text in each.texts]


def hatches(axes: Axes, x: float, y: float) -> set[str]:
    """Of the areas that a point is in; empty where it is open."""
    return {
        patch.get_hatch() or "plain"
        for patch in axes.patches
        if isinstance(patch, Polygon) and patch.get_path().contains_point((x, y))
    }


def between(values: Iterable[Fraction | None]) -> list[Fraction]:
    """Radii below, between and above some, none of them on an edge of what is drawn."""
    rising = sorted({value for value in values if value})
    middles = [(low + high) / 2 for low, high in pairwise(rising) if high > low * 1.001]
    return [
        rising[0] * Fraction(7, 10),
        *middles,
        rising[-1] * Fraction(13, 10),
    ]


@pytest.mark.parametrize(("name", "optimizers", "width", "phases"), PAIRS, ids=str)
def test_each_area_is_its_phase(
    axes: Axes, name: str, optimizers: tuple[str, str], width: int | None, phases: str
) -> None:
    here = found(name, optimizers, width)
    frontier = here.frontier(6)
    phase_diagram(axes, frontier)
    draw(axes)
    columns = between([vertex.fixed[0] for vertex in frontier.vertices])
    rows = between([here.least(1).upper, *(vertex.upper for vertex in frontier.vertices)])
    seen = set()
    for rho in product(columns, rows):
        drawn = hatches(axes, *(1 / math.sqrt(each) for each in rho))
        if drawn:
            meeting = here.at(*rho)
            assert drawn == {HATCHES[len(meeting.empty), meeting.phase]}
            seen |= drawn
    assert seen == set(phases.split())


def test_vertices_are_marks_at_their_weight_decays(axes: Axes, frontier: Frontier) -> None:
    phase_diagram(axes, frontier)
    draw(axes)
    (marks,) = (line for line in axes.get_lines() if line.get_marker() == "o")
    expected = [
        [1 / math.sqrt(vertex.fixed[0]), 1 / math.sqrt(vertex.upper)]
        for vertex in frontier.vertices
    ]
    np.testing.assert_allclose(np.array(marks.get_data()).T, expected)


def test_labels(axes: Axes, frontier: Frontier) -> None:
    phase_diagram(axes, frontier, {"trained": (Fraction(3, 5), Fraction(3, 2))})
    draw(axes)
    assert set(texts(axes)) == {
        "overlap",
        "disjoint,\nsame loss",
        "only adamw fits:\ndifferent losses",
        "only muon fits:\ndifferent losses",
        "both\nempty",
        "trained",
    }
    assert axes.get_title() == "two-regions, width 2"
    stars = [line for line in axes.get_lines() if line.get_marker() == "*"]
    (x,), (y,) = stars[0].get_data()
    assert (x, y) == pytest.approx((math.sqrt(5 / 3), math.sqrt(2 / 3)))
    assert hatches(axes, x, y) == {"///"}
    (inset,) = axes.child_axes
    left, right = inset.get_xlim()
    assert left < x < right < axes.get_xlim()[1]


def test_nothing_is_disjoint_where_only_one_radius_counts(axes: Axes) -> None:
    phase_diagram(axes, found("two-regions", ("adamw", "muon"), None).frontier())
    draw(axes)
    assert axes.get_title() == "two-regions, every large width"
    assert texts(axes) == ["overlap", "only adamw fits:\ndifferent losses"]


@pytest.mark.parametrize(
    ("problem", "width"), [(example("two-regions"), None), (Problem(X=[[1]], y=[0]), 1)]
)
def test_where_all_radii_overlap(axes: Axes, problem: Problem, width: int | None) -> None:
    here = optimizer_regions(problem, ("adamw", "lion"), width)
    phase_diagram(axes, here.frontier())
    draw(axes)
    assert texts(axes) == ["overlap"]
    axes.clear()
    both_regions(axes, here.frontier(), here.at(Fraction(1), Fraction(1)))
    draw(axes)
    assert "no exact fit" not in texts(axes)


def test_a_level_is_in_the_title(axes: Axes) -> None:
    here = optimizer_regions(example("two-regions"), ("adamw", "muon"), 2, level=Fraction(1, 10))
    phase_diagram(axes, here.frontier(3))
    assert axes.get_title() == "two-regions, width 2, loss ≤ 1/10"
    axes.clear()
    both_regions(axes, here.frontier(3), here.at(Fraction(1), Fraction(2)))
    assert "no network of that loss" in texts(axes)


def test_a_width_of_too_many_cells_is_named_in_the_title(axes: Axes) -> None:
    here = optimizer_regions(example("two-regions"), ("adamw", "muon"), 5, max_cells=10)
    phase_diagram(axes, here.frontier(3))
    assert axes.get_title() == "two-regions, every large width (5 has too many cells)"


# Two regions at one pair of radii


@pytest.mark.parametrize(("second", "phase"), [("17/10", "overlap"), ("3/2", "disjoint")])
def test_regions_cross_where_they_overlap(
    axes: Axes, frontier: Frontier, second: str, phase: str
) -> None:
    meeting = frontier.regions.at(Fraction(3, 5), Fraction(second))
    both_regions(axes, frontier, meeting)
    draw(axes)
    assert axes.get_title() == f"rho = 3/5 and {second}: {phase}"
    stars = [line.get_data() for line in axes.get_lines() if line.get_marker() == "*"]
    assert len(stars) == (phase == "overlap")
    for (x,), (y,) in stars:
        assert x <= 0.6
        assert y <= float(Fraction(second))
    # The areas that no network needs come last, above both strips.
    *_, hidden, excluded = (p for p in axes.patches if isinstance(p, Polygon))
    for vertex in frontier.vertices:
        x, y = float(vertex.fixed[0]), float(vertex.upper)
        assert not hidden.get_path().contains_point((x * 1.01, y * 1.01))
        assert hidden.get_path().contains_point((x * 0.99, y * 0.99))
        assert excluded.get_path().contains_point((x * 0.99, y * 0.99))


def test_trained_networks_are_marks_inside_the_picture(axes: Axes, frontier: Frontier) -> None:
    meeting = frontier.regions.at(Fraction(3, 5), Fraction(3, 2))
    needs = {"adamw": np.array([[0.59, 4.5]]), "muon": np.array([[2.5, 1.45], [0.8, 1.5]])}
    both_regions(axes, frontier, meeting, needs)
    draw(axes)
    handles, labels = axes.get_legend_handles_labels()
    assert labels == ["trained with adamw", "trained with muon"]
    for handle, points in zip(handles, needs.values(), strict=True):
        np.testing.assert_array_equal(np.array(handle.get_data()).T, points)
    assert axes.get_xlim()[1] > 2.5
    assert axes.get_ylim()[1] > 4.5
    assert len({handle.get_marker() for handle in handles}) == 2  # told apart without colour


def test_the_figure_has_a_row_for_each_question(frontier: Frontier) -> None:
    meeting = frontier.regions.at(Fraction(3, 5), Fraction(3, 2))
    alone, both = draw_regions([(frontier, None)] * 2), draw_regions([(frontier, meeting)])
    assert [len(figure.axes) for figure in (alone, both)] == [2, 2]
    mixed = draw_regions([(frontier, meeting), (frontier, None)])
    assert [axes.axison for axes in mixed.axes] == [True, True, True, False]
    assert {axes.get_xlim() for axes in alone.axes} == {alone.axes[0].get_xlim()}
    alone.canvas.draw()
    both.canvas.draw()


@pytest.mark.parametrize("optimizer", names())
def test_the_radius_that_a_network_needs(optimizer: str) -> None:
    """As in exact arithmetic, for points of which both layers are rational."""
    found = optimizer_regions(example("flagship"), ("adamw", "muon"), 2)
    point = found.at(Fraction(5), Fraction(6)).witness
    assert point is not None
    alphas = [Fraction(4, 9), Fraction(9, 4)]
    point = tuple(n._replace(alpha=alpha) for n, alpha in zip(point, alphas, strict=True))
    a = np.sqrt(np.array(alphas, dtype=float))
    W = np.array([n.u for n in point], dtype=float).T / a
    exact = float(ball_of(optimizer).needed(point))
    assert needed(optimizer, W, a) == pytest.approx(exact)
    several = needed(optimizer, np.stack([W, 2 * W]), np.stack([a, 2 * a]))
    np.testing.assert_allclose(several, [exact, 4 * exact])
