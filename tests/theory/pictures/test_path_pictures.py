"""Pictures of paths show the loss of the problem, with the output bias and linear part there."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from matplotlib.figure import Figure

from theory import Ball
from theory.connectivity import SolutionPath, SolutionSet, connect
from theory.losses import Loss
from theory.network import Network
from theory.pictures.paths import draw_loss
from theory.problem import Problem

LABELS = Problem([[1, 0], [0, 1], [1, 1]], [1, -1, 1])
FIRST = Network([[1, 0, 0, 0], [0, -1, 0, 0]], [1, -1, 0, 0])
SECOND = FIRST.permuted([1, 0, 2, 3])


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("name", ["squared", "absolute", "huber:1/2", "hinge"])
def test_the_line_goes_through_the_breakpoints(name: str, free: bool) -> None:
    problem = replace(LABELS, loss=Loss.named(name), output_bias=free, skip=free)
    problem = replace(problem, loss=problem.loss.weighted([Fraction(k + 1) for k in range(3)]))
    solutions = SolutionSet(problem, Ball("ngd", 4), Fraction())
    solutions = solutions.at_level(max(map(solutions.objective_of, (FIRST, SECOND))))
    path = connect(solutions, FIRST, SECOND)
    assert isinstance(path, SolutionPath)
    axes = Figure().subplots()
    draw_loss(axes, path)
    line, _, points = axes.get_lines()
    times, values = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    losses = np.array(list(map(float, path.losses)))
    assert np.asarray(points.get_ydata()) == pytest.approx(losses)
    assert np.interp(range(len(losses)), times, values) == pytest.approx(losses, abs=1e-12)
    if not free:
        assert losses.max() > 0
