"""From every network a path that never rises, to a network at the bottom of a valley: why there are
no more valleys than those found.

Each network may first go straight to the optimum of its cell. From an optimum that is no local
minimum it goes on in a cell that holds lower points; from one that is, over faces of its level,
until a cell has lower ones, or the network of a valley. So a forest of points tells it all: of each
of them the next, with which it shares a cell, and which is no higher. What a neuron is on all
others is no matter: a point is its columns. Source: `no-more-valleys`, proofs_notes/valleys.md.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from theory.landscape.cells import Cell
from theory.landscape.domain import Group, Polyhedral
from theory.landscape.flood import Edge
from theory.landscape.nnls import Minimum
from theory.landscape.optima import Multisets, Optimum, optima
from theory.landscape.valleys import Valleys

Columns: TypeAlias = tuple[tuple[tuple[int, Fraction], ...], ...]
"""For each neuron that is not zero its columns, of one sign, with positive coefficients."""


@dataclass(frozen=True)
class Descent:
    """A point, and another one that shares a cell with it and is no higher.

    next: its number, counting the networks of the valleys first; it is an earlier one. minimum: of
    the cells of which it is the optimum; None where it is only on the way.
    """

    neurons: Columns
    next: int
    minimum: Minimum | None


def descends(tree: Valleys) -> bool:
    """Whether `descents` can tell: of exact minima, modulo permutation, with no valley left out.

    Neurons must be no more than their columns, too.
    """
    if tree.problem.activation.folds:
        return False
    return tree.complex.domain.exact and not tree.labelled and not tree.min_depth


def descents(tree: Valleys) -> list[Descent]:
    """Points with a way down each; every cell has one of them for its optimum.

    tree: complete, and one that `descends`.
    """
    return _Forest(tree).grown()


class _Forest:
    """The descents found so far; optima are in it from the lowest on."""

    def __init__(self, tree: Valleys) -> None:
        self.tree, self.complex = tree, tree.complex
        domain = self.complex.domain
        assert isinstance(domain, Polyhedral)
        self.cells = Multisets(self.complex.states, self.complex.width)
        self.optima = list(optima(domain, self.complex.groups, self.complex.width))
        self.serving = array("l", [-1]) * self.cells.count
        for k, optimum in enumerate(self.optima):
            for cell in optimum.cells():
                rank = self.cells.rank(cell)
                if self.serving[rank] < 0:
                    self.serving[rank] = k
        self.found: list[Descent] = []
        self.place: dict[int, int] = {}  # of the optima that are in it
        self.roots = {valley.cells[0]: valley.id for valley in tree.valleys}

    def grown(self) -> list[Descent]:
        """All of them; of equal loss those first that are no local minima."""
        order = [(*each.minimum.order, each.local, k) for k, each in enumerate(self.optima)]
        for *_, k in sorted(order):
            optimum = self.optima[k]
            way = None
            if optimum.beyond is not None:
                way = self._goal(self.complex.canonical(optimum.beyond))
            target = self._across(optimum) if way is None else way
            groups = [self.complex.groups[state] for state in optimum.cell]
            self.place[k] = self._add(optimum.minimum, groups, target, serves=True)
        return self.found

    def _goal(self, cell: Cell) -> int | None:
        """What is there already of a cell: the network of a valley, or its optimum."""
        return self.roots.get(cell, self.place.get(self.serving[self.cells.rank(cell)]))

    def _across(self, optimum: Optimum) -> int:
        """The first of new points on faces of its level, the last of which has a goal in its cell.

        A plateau leads lower, or is the bottom of a valley, so that there is one.
        """
        complex_, start, level = self.complex, optimum.cell, optimum.value
        came: dict[Cell, Edge] = {}
        cells = [start]
        for cell in cells:  # grows while it is walked through
            goal = self._goal(cell)
            if goal is not None:
                break
            for position in complex_.positions(cell):
                for move in complex_.moves(cell[position]):
                    target = complex_.neighbour(cell, position, move)
                    if target == start or target in came:
                        continue
                    face = complex_.face_minimum(cell, position, move)
                    if face.value <= level:
                        came[target] = Edge(cell, position, move, target, face)
                        cells.append(target)
        assert goal is not None
        while cell != start:
            edge = came[cell]
            groups = complex_.face_groups(edge.cell, edge.position, edge.move)
            goal = self._add(edge.minimum, groups, goal, serves=False)
            cell = edge.cell
        return goal

    def _add(self, minimum: Minimum, groups: Sequence[Group], next_: int, *, serves: bool) -> int:
        neurons: dict[int, list[tuple[int, Fraction]]] = {}
        for neuron, column, coefficient in self.complex.domain.shares(minimum, groups):
            neurons.setdefault(neuron, []).append((column, coefficient))
        columns = tuple(map(tuple, neurons.values()))
        self.found.append(Descent(columns, next_, minimum if serves else None))
        return len(self.tree.valleys) + len(self.found) - 1
