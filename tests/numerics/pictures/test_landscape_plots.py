"""Pictures of every kind of problem: drawn without a warning, with the exact values as labels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import pytest
from drawing import draw
from matplotlib.figure import Figure
from problems import having

from numerics.pictures.curves import draw_excess, draw_maxima
from numerics.pictures.runs import draw_ends, draw_gaps, draw_landings, draw_runs, draw_violations
from numerics.training.runs import Runs, train_runs
from theory.connectivity import optimal_polytope
from theory.landscape import analyse, barrier_between
from theory.loading import example
from theory.pictures.landscapes import draw_alignments, draw_fits, draw_path, draw_tree
from theory.pictures.widths import draw_staircase
from theory.problem import Problem
from theory.radii import Radii, least_radii
from theory.text import show, show_interval
from theory.within import Ball, Penalty

Axes: TypeAlias = Any
"""Matplotlib's, whose artists are of more kinds than their types say."""

LINE = Problem(X=[[-2], [-1], [1], [3]], y=[1, 2, -1, 1])
SPACE = Problem(X=[[1, 2, -1], [0, -2, 1], [1, 1, 1], [-2, -1, 2]], y=[3, 2, -1, 2])


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize(
    ("problem", "width"),
    [
        (LINE, 1),
        (LINE.with_bias(), 1),
        (example("flagship"), 2),
        (SPACE, 2),
        (having(LINE, output_bias=True, skip=True), 1),
        (having(example("flagship"), loss="absolute", skip=True), 2),
        (having(example("flagship"), loss="absolute", output_bias=True), 2),
        (Problem(X=[[0, 0], [0, 0]], y=[1, 2]), 1),
        (Problem(X=[[0]], y=[0]), 1),
    ],
)
def test_fits_of_every_kind(axes: Axes, problem: Problem, width: int) -> None:
    landscape = analyse(problem, width)
    draw_fits(axes, landscape)
    draw(axes)
    labels = axes.get_legend_handles_labels()[1]
    assert labels.count("component 0") == 1


@pytest.mark.parametrize("skip", [False, True])
def test_fit_on_the_circle_passes_through_the_data(axes: Axes, skip: bool) -> None:
    draw_fits(axes, analyse(having(example("flagship"), skip=skip), 2))
    *lines, data = axes.get_lines()
    assert len(lines) == (2 if skip else 4)  # one component or two
    for line in lines[::2]:
        values = np.interp(data.get_xdata(), line.get_xdata(), line.get_ydata())
        np.testing.assert_allclose(values, data.get_ydata(), atol=1e-2)


def test_output_biases_and_linear_parts_are_in_the_fits(axes: Axes) -> None:
    """On a line the curve passes through the data; bars add up to them."""
    line = Problem(X=[[-1], [0], [1]], y=[1, 3, 5], output_bias=True, skip=True)
    draw_fits(axes, analyse(line, 1))
    curve, *_, data = axes.get_lines()
    values = np.interp(data.get_xdata(), curve.get_xdata(), curve.get_ydata())
    np.testing.assert_allclose(values, data.get_ydata(), atol=1e-2)
    axes.clear()
    flagship = having(example("flagship"), output_bias=True)
    landscape = analyse(flagship, 2)
    draw_fits(axes, landscape)
    heights = np.array([[bar.get_height() for bar in bars] for bars in axes.containers])
    sums = heights.reshape(len(landscape.components), 3, flagship.n).sum(axis=1)
    np.testing.assert_allclose(sums, [[float(v) for v in flagship.y]] * 4, atol=1e-12)


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("more", [{}, {"loss": "absolute", "output_bias": True}], ids=str)
def test_path_and_tree(axes: Axes, labelled: bool, more: dict[str, Any]) -> None:
    landscape = analyse(having(example("flagship"), **more), 2, labelled=labelled)
    merge = landscape.merges[-1]
    draw_path(axes, landscape, merge)
    draw(axes)
    assert texts(axes) == [show(merge.value)]
    minimax, marks, straight = axes.get_lines()[:3]
    assert max(minimax.get_ydata()) == pytest.approx(float(merge.value))
    assert len(marks.get_xdata()) == len(landscape.path(merge.first, merge.second).breakpoints)
    assert max(straight.get_ydata()) >= float(merge.value) - 1e-9
    axes.clear()
    draw_tree(axes, landscape)
    draw(axes)
    assert texts(axes) == [show(v) for v in sorted({merge.value for merge in landscape.merges})]


@pytest.mark.parametrize("enough", [False, True])
def test_alignments(axes: Axes, enough: bool) -> None:
    problem = example("two-points" if enough else "flagship")
    found = analyse(problem, 2, labelled=enough)
    first, second = (component.representative for component in found.components)
    barrier = barrier_between(problem, first, second)
    draw_alignments(axes, barrier, "a title")
    draw(axes)
    assert axes.get_title() == "a title"
    assert texts(axes) == [show(barrier.value)]
    minimax, *lines = axes.get_lines()[:3]
    assert max(minimax.get_ydata()) == pytest.approx(float(barrier.value), abs=1e-12)
    assert len({tuple(line.get_ydata()) for line in lines}) == 2
    heights = [max(line.get_ydata()) for line in lines]
    assert min(heights) >= float(barrier.value) - 1e-9
    assert (min(heights) < 1e-9) == enough


def test_tree_of_one_component(axes: Axes) -> None:
    draw_tree(axes, analyse(example("two-points"), 3))
    draw(axes)
    assert texts(axes) == []


# Trained runs


@pytest.fixture(scope="module")
def found() -> Radii:
    return least_radii(analyse(example("flagship"), 2), ["lion", "muon"])


@pytest.fixture(scope="module")
def trained(found: Radii) -> list[Runs]:
    rho = {"lion": "11/5", "muon": "4"}
    return [
        train_runs(found.analysis, Ball(name, rho[name]), seeds=32, steps=2000)
        for name in found.optimizers
    ]


def points(axes: Axes, label: str) -> np.ndarray:
    """The points of the marks whose label in the legend begins so, (k, 2)."""
    (line,) = (line for line in axes.get_lines() if str(line.get_label()).startswith(label))
    return np.array(line.get_data(), dtype=float).T


def test_runs_lie_on_the_exact_fits(axes: Axes, found: Radii, trained: list[Runs]) -> None:
    draw_runs(axes, found, trained[0])
    draw(axes)
    exact = points(axes, "component 0:")
    assert sorted(map(tuple, exact)) == [(-2, 2), (2, -1)]
    other = points(axes, "component 1:")
    np.testing.assert_allclose(sorted(map(tuple, other)), [(-0.6, -0.8), (2.4, -0.2)], rtol=1e-9)
    filled = [
        np.array(line.get_data()).T
        for line in axes.get_lines()
        if line.get_markersize() == 4.5 and len(line.get_xdata())
    ]
    (ends,) = filled  # all runs at zero loss are in one component
    assert len(ends) == 2 * trained[0].zero_loss > 0
    distance = np.linalg.norm(ends[:, None] - exact, axis=2).min(axis=1)
    assert distance.max() < 0.05
    assert len(points(axes, "not at zero loss")) == 2 * trained[0].not_converged


def test_legend_counts_the_runs(axes: Axes, found: Radii, trained: list[Runs]) -> None:
    draw_runs(axes, found, trained[1])
    landed = trained[1].landed
    assert axes.get_legend_handles_labels()[1] == [
        f"component 0:\n{landed[0]} of 32 runs",
        f"component 1:\n{landed[1]} of 32 runs",
        f"not at zero loss:\n{trained[1].not_converged} of 32 runs",
    ]


def test_only_an_entrywise_ball_is_a_square(found: Radii, trained: list[Runs]) -> None:
    for runs, corners in zip(trained, [5, 0], strict=True):
        axes: Axes = Figure(layout="compressed").subplots()
        draw_runs(axes, found, runs)
        squares = [line for line in axes.get_lines() if line.get_linestyle() == "--"]
        drawn = [tuple(point) for line in squares for point in zip(*line.get_data(), strict=True)]
        assert len(drawn) == corners
        assert all(np.abs(point).tolist() == [2.2, 2.2] for point in drawn)


def test_bars_add_up(axes: Axes, trained: list[Runs]) -> None:
    draw_landings(axes, trained)
    draw(axes)
    for row, runs in enumerate(trained):
        widths = [
            bar.get_width()
            for bar in axes.patches
            if bar.get_y() + bar.get_height() / 2 == pytest.approx(row)
        ]
        assert widths == [runs.landed[0], runs.landed[1], runs.not_converged]
        assert sum(widths) == 32


def test_diverged_runs_have_a_bar_of_their_own(axes: Axes) -> None:
    steep = Problem(X=[[14], [-14]], y=[14, -14])
    runs = train_runs(analyse(steep, 1), Penalty("1/10"), seeds=32, steps=2000)
    assert runs.diverged
    draw_landings(axes, [runs])
    draw(axes)
    labels = ["component 0", "component 1", "above the least loss", "diverged"]
    assert axes.get_legend_handles_labels()[1] == labels
    counts = [*runs.landed.values(), runs.not_converged, runs.diverged]
    assert [bar.get_width() for bar in axes.patches] == counts


@pytest.fixture(scope="module")
def recorded() -> list[Runs]:
    analysis = analyse(example("flagship"), 2)
    return [
        train_runs(
            analysis, Ball(name, "3/2"), seeds=16, steps=4000, start_scale=6, record_every=10
        )
        for name in ("lion", "muon")
    ]


def curve(axes: Axes, label: str) -> np.ndarray[Any, Any]:
    """(k, 2)"""
    (line,) = (line for line in axes.get_lines() if line.get_label() == label)
    return np.array(line.get_data(), dtype=float).T


def test_violations_stay_below_the_bound(axes: Axes, recorded: list[Runs]) -> None:
    draw_violations(axes, recorded)
    draw(axes)
    bound = dict(curve(axes, "proved bound"))
    for runs in recorded:
        drawn = curve(axes, runs.result.config.optimizer.name)
        medians = np.median(runs.history.violations, axis=1)
        assert drawn[0, 1] == medians[0] > 0
        outside = np.isfinite(drawn[:, 1])
        assert not outside.all()  # they end in the ball
        for step, value in drawn[outside]:
            assert value == medians[int(step) // 10]
            assert value <= bound[step]


def test_gaps_are_in_units_of_the_loss_of_zero_weights(axes: Axes, recorded: list[Runs]) -> None:
    draw_gaps(axes, recorded, "outside")
    draw(axes)
    for runs in recorded:
        drawn = curve(axes, runs.result.config.optimizer.name)
        assert drawn[[0, -1], 0].tolist() == [1, 4001]
        expected = np.median(runs.history.gaps[[0, -1]], axis=1) / 18.5  # y = (5, 2, 2, 2)
        np.testing.assert_allclose(drawn[[0, -1], 1], expected)
    assert curve(axes, "learning rate / R")[0, 1] == pytest.approx(0.04)


def test_ends_are_shares_of_the_runs(axes: Axes, recorded: list[Runs]) -> None:
    lower = [0.65, 2.3569]
    draw_ends(axes, recorded, lower, 1e-3, "flagship")
    draw(axes)
    for runs, bound in zip(recorded, lower, strict=True):
        drawn = curve(axes, runs.result.config.optimizer.name)
        assert drawn[0, 1] == 0
        assert drawn[-1, 1] == 1
        assert (np.diff(drawn, axis=0) >= 0).all()
        for above in (1e-2, 0.1, 0.5):
            share = drawn[drawn[:, 0] <= above][-1, 1]
            assert share == np.mean((runs.inside - bound) / 18.5 <= above)


BARRIERS = [0.5, 2.0, 8.0]
MAXIMA = {"linear": [1.0, 2.5, 8.08], "polychain": [0.5, 2.0, 24.0]}


def test_maxima_over_barriers(axes: Axes) -> None:
    draw_maxima(axes, BARRIERS, MAXIMA)
    draw(axes)
    for kind, values in MAXIMA.items():
        assert curve(axes, kind).tolist() == [list(at) for at in zip(BARRIERS, values, strict=True)]
    assert curve(axes, "exact barrier").tolist() == [[0.5, 0.5], [8.0, 8.0]]
    marks = {line.get_marker() for line in axes.get_lines() if line.get_label() in MAXIMA}
    assert len(marks) == len(MAXIMA)  # told apart without colour


def test_excess_over_barriers(axes: Axes) -> None:
    """The share of curves up to each height; those at the barrier stand on the left edge."""
    draw_excess(axes, BARRIERS, MAXIMA)
    draw(axes)
    linear, polychain = (curve(axes, kind) for kind in MAXIMA)
    np.testing.assert_allclose(linear[1:], [[0.01, 1 / 3], [0.25, 2 / 3], [1.0, 1.0]])
    np.testing.assert_allclose(polychain[1:], [[1e-5, 1 / 3], [1e-5, 2 / 3], [2.0, 1.0]])
    styles = {line.get_linestyle() for line in axes.get_lines()}
    assert len(styles) == len(MAXIMA)


def test_the_staircase_has_a_stair_for_every_count(axes: Axes) -> None:
    optima = optimal_polytope(example("staircase-hexagon"), Fraction(5))
    draw_staircase(axes, optima, "hexagon")
    draw(axes)
    stairs = {
        "labelled": [0, 0, 6, 1, 121, 1, 1, 1],
        "modulo permutation": [0, 0, 1, 1, 2, 1, 1, 1],
        "of these, isolated": [0, 0, 1, 0, 1, 0, 0, 0],
    }
    assert axes.get_legend_handles_labels()[1] == list(stairs)
    lines = [line for line in axes.get_lines() if 0.5 in line.get_xdata()]
    drawn = [line.get_ydata()[::2].tolist() for line in lines]
    assert drawn == list(stairs.values())
    widths = {text.get_text(): text.xy[0] for text in axes.texts}
    assert widths == {"m*": 3, "M*": 5, "n + 1": 7, "m* + M*": 8}


@pytest.mark.parametrize(
    ("lower", "upper", "text"),
    [
        (Fraction(12, 5), Fraction(12, 5), "12/5"),
        (Fraction(3), 3 + Fraction(1, 10**7), "≈ 3"),
        (Fraction(3), 3 + Fraction(1, 10**3), "3 to 3.001"),
    ],
)
def test_intervals_in_words(lower: Fraction, upper: Fraction, text: str) -> None:
    assert show_interval(lower, upper) == text
