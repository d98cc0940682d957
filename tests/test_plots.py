"""Pictures of every kind of problem: drawn without a warning, with the exact values as labels."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numerics.plots import draw_fits, draw_path, draw_tree
from numerics.text import show
from theory.landscape import analyse
from theory.problem import Problem, example

LINE = Problem(X=[[-2], [-1], [1], [3]], y=[1, 2, -1, 1])
SPACE = Problem(X=[[1, 2, -1], [0, -2, 1], [1, 1, 1], [-2, -1, 2]], y=[3, 2, -1, 2])


@pytest.fixture
def axes() -> Axes:
    return Figure(layout="constrained").subplots()


def draw(axes: Axes) -> None:
    """Lay the picture out for real, so that warnings of the renderer count."""
    axes.figure.canvas.draw()


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize(
    ("problem", "width"),
    [
        (LINE, 1),
        (LINE.with_bias(), 1),
        (example("flagship"), 2),
        (SPACE, 2),
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


def test_fit_on_the_circle_passes_through_the_data(axes: Axes) -> None:
    draw_fits(axes, analyse(example("flagship"), 2))
    curve, _, other, _, data = axes.get_lines()
    for line in (curve, other):
        values = np.interp(data.get_xdata(), line.get_xdata(), line.get_ydata())
        np.testing.assert_allclose(values, data.get_ydata(), atol=1e-2)


@pytest.mark.parametrize("labelled", [False, True])
def test_path_and_tree(axes: Axes, labelled: bool) -> None:
    landscape = analyse(example("flagship"), 2, labelled=labelled)
    merge = landscape.merges[-1]
    draw_path(axes, landscape.problem, merge)
    draw(axes)
    assert texts(axes) == [show(merge.value)]
    minimax, marks, straight = axes.get_lines()[:3]
    assert max(minimax.get_ydata()) == pytest.approx(float(merge.value))
    assert len(marks.get_xdata()) == len(merge.path.breakpoints)
    assert max(straight.get_ydata()) >= float(merge.value) - 1e-9
    axes.clear()
    draw_tree(axes, landscape)
    draw(axes)
    assert texts(axes) == [show(v) for v in sorted({merge.value for merge in landscape.merges})]


def test_tree_of_one_component(axes: Axes) -> None:
    draw_tree(axes, analyse(example("two-points"), 3))
    draw(axes)
    assert texts(axes) == []
