"""Explicit minimax paths in parameter space, from sequences of cells and faces.

Convention: t = 0 is the first network. Between breakpoints the convex coordinates u_j = |a_j| w_j
are interpolated linearly, which is the same for W where a stays; the fit is affine there, so the
loss is convex and at most the larger of its two ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from theory.exact import dot
from theory.landscape.cells import CellComplex, Neuron
from theory.landscape.domain import SIGN_FLIP
from theory.landscape.flood import Edge
from theory.network import Network
from theory.problem import Problem, format_rational, in_integers
from theory.tables import Table, Tabled
from theory.text import show
from theory.within import Penalty

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class MinimaxPath(Tabled):
    """A continuous path: its breakpoints, and the largest loss on it, which is the barrier.

    beta: of an l2 penalty, which the loss then includes.
    """

    problem: Problem
    beta: Fraction | None
    breakpoints: tuple[Network, ...]
    value: Fraction

    def reversed(self) -> MinimaxPath:
        """The same path from its end to its start."""
        return replace(self, breakpoints=self.breakpoints[::-1])

    @cached_property
    def losses(self) -> tuple[Fraction, ...]:
        """The loss at every breakpoint; between two of them it is convex."""
        penalty = None if self.beta is None else Penalty(self.beta)
        return tuple(
            network.loss(self.problem) + (0 if penalty is None else penalty.of(network))
            for network in self.breakpoints
        )

    @property
    def summary(self) -> str:
        """How many breakpoints it has, and its largest loss."""
        return f"{len(self.breakpoints)} breakpoints, loss at most {show(self.value)}"

    def _table(self) -> Table:
        """A row for each breakpoint."""
        return Table(("breakpoint", "loss"), list(enumerate(self.losses)))

    def plot(self, axes: Axes | None = None) -> Axes:
        """The loss along the path.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from theory.pictures.landscapes import draw_minimax_path
        from theory.pictures.style import on

        return on(axes, draw_minimax_path, self)

    def to_json(self) -> dict[str, Any]:
        """{"value", "losses", "breakpoints"}"""
        return {
            "value": format_rational(self.value),
            "losses": [format_rational(loss) for loss in self.losses],
            "breakpoints": [network.to_json() for network in self.breakpoints],
        }


def along(
    complex_: CellComplex, start: Sequence[int], edges: Sequence[Edge]
) -> tuple[list[list[Neuron]], list[int]]:
    """Points on the faces along a path of cells, and the states of the neurons at its end.

    start: the states of the neurons at the start, an order of the first edge's cell; the path of
    cells knows neurons only up to permutation, this follows each of them.
    """
    states = list(start)
    points = []
    for edge in edges:
        leaving, arriving = edge.cell[edge.position], edge.move.target
        if tuple(complex_.canonical(states)) != edge.cell:
            leaving, arriving = arriving, leaving  # the edge is followed from its target
        neuron = edge.position if complex_.labelled else states.index(leaving)
        points.append(complex_.point(states, edge.minimum, moved=(neuron, edge.move)))
        states[neuron] = arriving
        if edge.move.wall == SIGN_FLIP:
            flipped = list(points[-1])
            flipped[neuron] = (-flipped[neuron][0], flipped[neuron][1])
            points.append(flipped)
    return points, states


def minimax_path(complex_: CellComplex, points: Sequence[Sequence[Neuron]]) -> MinimaxPath:
    """The path through points of which each two consecutive ones share a closed cell."""
    kept = _straighten(complex_.problem, points)
    networks = tuple(complex_.domain.network(point) for point in kept)
    value = max(map(complex_.domain.objective, networks))
    return MinimaxPath(complex_.problem, complex_.domain.beta, networks, value)


def _straighten(problem: Problem, points: Sequence[Sequence[Neuron]]) -> list[Sequence[Neuron]]:
    """Leave out breakpoints where the straight line stays in one closed cell."""
    signs = [_preactivation_signs(problem, point) for point in points]

    def straight(i: int, j: int) -> bool:
        same = all(p[0] == q[0] for p, q in zip(points[i], points[j], strict=True))
        return same and all(p * q >= 0 for p, q in zip(signs[i], signs[j], strict=True))

    kept = [0]
    while kept[-1] < len(points) - 1:
        here = kept[-1]
        # The next point is always in reach: in the same cell, or with a zero neuron's sign changed.
        kept.append(
            next((j for j in range(len(points) - 1, here + 1, -1) if straight(here, j)), here + 1)
        )
    return [points[i] for i in kept]


def _preactivation_signs(problem: Problem, point: Sequence[Neuron]) -> list[int]:
    X = [in_integers(row)[0] for row in problem.X]
    values = (dot(row, u) for u in (in_integers(u)[0] for _, u in point) for row in X)
    return [(v > 0) - (v < 0) for v in values]
